#include "rdd/bit_run.h"
#include "rdd/fn.h"

bool bit_runs_make(struct bit_runs *b, struct eval *ev, const struct col *c, uint32_t gap_min)
{
    uint64_t runs_cnt = 0, words_cnt = 0;
    struct str_run str = {0};

    while (str_run_next(&str, ev, c, gap_min)) {
        runs_cnt++;
        words_cnt += byte_mask_words(str.end_off - str.start_off) + 1;
    }
    b->runs_cnt = (uint32_t)runs_cnt;
    b->words_cnt = (uint32_t)words_cnt;
    b->run = (struct bit_run *)(void *)eval_bytes(ev, runs_cnt * sizeof *b->run);
    b->bits = (uint64_t *)(void *)eval_bytes(ev, words_cnt * sizeof *b->bits);
    b->before = (uint32_t *)(void *)eval_bytes(ev, words_cnt * sizeof *b->before);
    if (ev->no_memory)
        return false;
    uint32_t word = 0;
    str = (struct str_run){0};
    for (struct bit_run *r = b->run; str_run_next(&str, ev, c, gap_min); r++) {
        uint32_t cnt = byte_mask_words(str.end_off - str.start_off) + 1;
        *r = (struct bit_run){str, word, cnt};
        word += cnt;
        b->bits[word - 1] = 0;
    }
    return true;
}

static void clear_bits(uint64_t *bits, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        bits[i / 64] &= ~(1ull << i % 64);
}

void bit_run_clear_gaps(const struct bit_runs *b, const struct bit_run *run, const struct eval *ev,
                        const struct col *c)
{
    uint32_t r = str_run_row(ev, run->str.from);
    uint32_t end = c->s.off[r] + c->s.len[r];

    for (uint32_t i = run->str.from + 1; i < run->str.to; i++) {
        r = str_run_row(ev, i);
        clear_bits(b->bits + run->word, end - run->str.start_off, c->s.off[r] - run->str.start_off);
        end = c->s.off[r] + c->s.len[r];
    }
}

uint32_t bit_runs_count(struct bit_runs *b)
{
    uint32_t cnt = 0;

    for (uint32_t w = 0; w < b->words_cnt; w++) {
        b->before[w] = cnt;
        cnt += (uint32_t)__builtin_popcountll(b->bits[w]);
    }
    return cnt;
}
