#include "rdd/bit_run.h"
#include "base/bytes.h"
#include "rdd/fn.h"

_Static_assert(STR_RUN_GAP_MAX + 1 + 7 < 64, "a gap lies in a word from any byte on");

bool bit_runs_make(struct bit_runs *b, struct eval *ev, const struct col *c, uint32_t gap_min)
{
    struct str_run str = {0};
    uint64_t words_cnt = 0;

    /* As many runs as rows at most. */
    b->run = (struct bit_run *)(void *)eval_bytes(ev, ev->sel_cnt * sizeof *b->run);
    if (!b->run)
        return false;
    b->runs_cnt = 0;
    while (str_run_next(&str, ev, c, gap_min)) {
        uint32_t cnt = byte_mask_words(str.end_off - str.start_off) + 1;
        b->run[b->runs_cnt++] = (struct bit_run){str, (uint32_t)words_cnt, cnt};
        words_cnt += cnt;
    }
    b->words_cnt = (uint32_t)words_cnt;
    b->bits = (uint64_t *)(void *)eval_bytes(ev, words_cnt * sizeof *b->bits);
    b->before = (uint32_t *)(void *)eval_bytes(ev, words_cnt * sizeof *b->before);
    if (ev->no_memory)
        return false;
    for (uint32_t i = 0; i < b->runs_cnt; i++)
        b->bits[b->run[i].word + b->run[i].words_cnt - 1] = 0;
    return true;
}

/* Clears the bits [from, to), which are fewer than 57: they lie in a word or two. Most gaps have
 * none that is set, and nothing is written there. */
static inline void clear_bits(uint64_t *bits, uint32_t from, uint32_t to)
{
    uint64_t gap = (1ull << (to - from)) - 1;

    if (__builtin_expect(!(load_le64((const uint8_t *)bits + from / 8) >> from % 8 & gap), 1))
        return;
    bits[from / 64] &= ~(gap << from % 64);
    if (to / 64 != from / 64)
        bits[to / 64] &= ~0ull << to % 64;
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
