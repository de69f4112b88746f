#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rdd/bit_run.h"
#include "rdd/fn.h"

/*
 * split: cutting strings into lists of strings, views of the same bytes.
 *
 * At white space it goes column by column: a bit for each byte of text, so that a word is a run
 * of bits; by counting them, which words belong to which row; and the places where they begin
 * and end. At a separator of one byte likewise. Other separators are looked for row by row.
 */

/* A list column's elements: `cnt` strings over base, arrays with room for slack behind. */
static struct col *make_elems(struct eval *ev, struct col *out, const uint8_t *base, uint64_t cnt)
{
    struct vec *v = arena_alloc(ev->arena, sizeof *v);
    struct col *c = arena_alloc(ev->arena, sizeof *c);
    uint64_t room = cnt + BIT_POSITIONS_SLACK;

    if (!v || !c || room > UINT32_MAX || col_alloc(c, TYPE_STRING, (uint32_t)room, ev->arena)) {
        ev->no_memory = 1;
        return NULL;
    }
    c->s.base = base;
    *v = (struct vec){.rows = (uint32_t)cnt, .cols_cnt = 1, .col = c, .sel_cnt = (uint32_t)cnt};
    out->l.elems = v;
    return c;
}

/* --- white space -------------------------------------------------------------------------------
 */

/* Counts the words that begin before each word of bits; returns how many there are. */
static uint32_t count_words(const struct bit_runs *b)
{
    uint64_t last = 0;
    uint32_t cnt = 0;

    for (uint32_t w = 0; w < b->words_cnt; last = b->bits[w++]) {
        b->before[w] = cnt;
        cnt += (uint32_t)__builtin_popcountll(bit_begins(b->bits[w], last));
    }
    return cnt;
}

/* Words that begin before byte `off` of a run. No row begins inside a word. */
static inline uint32_t words_before(const struct bit_runs *b, const struct bit_run *run,
                                    uint32_t off)
{
    uint32_t bit = off - run->str.start_off, w = run->word + bit / 64;
    uint64_t last = w ? b->bits[w - 1] : 0;
    uint64_t below = bit_begins(b->bits[w], last) & ((1ull << bit % 64) - 1);

    return b->before[w] + (uint32_t)__builtin_popcountll(below);
}

/* Which words belong to which row: all from its first byte to that of the next. `cnt` is the
 * number of words to the end of the run. */
static void place_lists(const struct bit_runs *b, const struct bit_run *run, const struct eval *ev,
                        const struct col *c, uint32_t cnt, struct col *out)
{
    uint32_t last = str_run_row(ev, run->str.from), last_off = b->before[run->word];

    for (uint32_t i = run->str.from + 1; i < run->str.to; i++) {
        uint32_t r = str_run_row(ev, i), off = words_before(b, run, c->s.off[r]);
        out->l.off[last] = last_off;
        out->l.cnt[last] = off - last_off;
        last = r;
        last_off = off;
    }
    out->l.off[last] = last_off;
    out->l.cnt[last] = cnt - last_off;
}

void fn_split(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    const struct col *c = &arg[0];
    bool lists = ev->elems_of != call || ev->failed_cnt;
    struct bit_runs b;

    if (!bit_runs_make(&b, ev, c, 1))
        return;
    for (const struct bit_run *run = b.run; run < b.run + b.runs_cnt; run++) {
        byte_mask_text(c->s.base + run->str.start_off, run->str.end_off - run->str.start_off,
                       b.bits + run->word);
        bit_run_clear_gaps(&b, run, ev, c);
    }
    uint32_t cnt = count_words(&b);
    struct col *elems = make_elems(ev, out, c->s.base, cnt);
    if (!elems)
        return;
    for (uint32_t i = 0; i < b.runs_cnt; i++) {
        const struct bit_run *run = &b.run[i];
        uint32_t at = b.before[run->word];
        if (lists)
            place_lists(&b, run, ev, c, i + 1 < b.runs_cnt ? b.before[run[1].word] : cnt, out);
        bit_spans(b.bits + run->word, run->words_cnt, run->str.start_off, elems->s.off + at,
                  elems->s.len + at);
    }
    if (!lists)
        out->l.off = out->l.cnt = NULL;
}

/* --- separators --------------------------------------------------------------------------------
 */

int fn_prepare_split(struct expr *call, struct zone *z, char *err, size_t err_bytes)
{
    const struct expr *sep = call->arg[1];

    (void)z;
    if (sep->op != EXPR_LIT || sep->lit.s_len)
        return 0;
    snprintf(err, err_bytes, "the separator of split is empty");
    return -EINVAL;
}

/* Adds the part [from, to) of the column's bytes as element k. */
static inline void put_part(struct col *elems, uint32_t k, uint32_t from, uint32_t to)
{
    elems->s.off[k] = from;
    elems->s.len[k] = to - from;
}

/* Counts the separators before each word of bits; returns how many there are. */
static uint32_t count_seps(const struct bit_runs *b)
{
    uint32_t cnt = 0;

    for (uint32_t w = 0; w < b->words_cnt; w++) {
        b->before[w] = cnt;
        cnt += (uint32_t)__builtin_popcountll(b->bits[w]);
    }
    return cnt;
}

static inline uint32_t seps_before(const struct bit_runs *b, const struct bit_run *run,
                                   uint32_t off)
{
    uint32_t bit = off - run->str.start_off, w = run->word + bit / 64;

    return b->before[w] + (uint32_t)__builtin_popcountll(b->bits[w] & ((1ull << bit % 64) - 1));
}

/* Fills the lists of a run from the positions of all separators: one part more than separators in
 * each row. `k` parts are there already; returns how many there are then. */
static uint32_t place_parts(const struct bit_runs *b, const struct bit_run *run,
                            const struct eval *ev, const struct col *c, const uint32_t *seps,
                            struct col *out, uint32_t k)
{
    struct col *elems = out->l.elems->col;

    for (uint32_t i = run->str.from; i < run->str.to; i++) {
        uint32_t r = str_run_row(ev, i), from = c->s.off[r], end = from + c->s.len[r];
        uint32_t s = seps_before(b, run, from), s_end = seps_before(b, run, end);
        out->l.off[r] = k;
        out->l.cnt[r] = s_end - s + 1;
        for (; s < s_end; s++) {
            put_part(elems, k++, from, seps[s]);
            from = seps[s] + 1;
        }
        put_part(elems, k++, from, end);
    }
    return k;
}

static void split_by_byte(struct eval *ev, const struct col *c, uint8_t sep, struct col *out)
{
    struct bit_runs b;
    uint32_t k = 0;

    if (!bit_runs_make(&b, ev, c, 0))
        return;
    for (const struct bit_run *run = b.run; run < b.run + b.runs_cnt; run++)
        byte_mask_equal(c->s.base + run->str.start_off, run->str.end_off - run->str.start_off, sep,
                        b.bits + run->word);
    uint32_t cnt = count_seps(&b);
    uint32_t *seps =
        (uint32_t *)(void *)eval_bytes(ev, (cnt + (uint64_t)BIT_POSITIONS_SLACK) * sizeof *seps);
    if (!seps || !make_elems(ev, out, c->s.base, (uint64_t)cnt + ev->sel_cnt))
        return;
    for (const struct bit_run *run = b.run; run < b.run + b.runs_cnt; run++)
        bit_positions(b.bits + run->word, run->words_cnt, run->str.start_off,
                      seps + b.before[run->word]);
    for (const struct bit_run *run = b.run; run < b.run + b.runs_cnt; run++)
        k = place_parts(&b, run, ev, c, seps, out, k);
    out->l.elems->rows = out->l.elems->sel_cnt = k;
}

/* Parts of one row; written as elements from k when elems is given. */
static uint32_t cut_row(const struct col *arg, uint32_t r, struct col *elems, uint32_t k)
{
    const uint8_t *base = arg[0].s.base, *p = col_str(&arg[0], r), *end = p + arg[0].s.len[r];
    const uint8_t *sep = col_str(&arg[1], r), *at;
    uint32_t sep_bytes = arg[1].s.len[r], cnt = 1;

    for (; (at = memmem(p, (size_t)(end - p), sep, sep_bytes)); cnt++) {
        if (elems)
            put_part(elems, k++, (uint32_t)(p - base), (uint32_t)(at - base));
        p = at + sep_bytes;
    }
    if (elems)
        put_part(elems, k, (uint32_t)(p - base), (uint32_t)(end - base));
    return cnt;
}

void fn_split_by(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    uint64_t sum = 0;

    if (call->arg[1]->op == EXPR_LIT && call->arg[1]->lit.s_len == 1) {
        split_by_byte(ev, &arg[0], (uint8_t)call->arg[1]->lit.s[0], out);
        return;
    }
    EACH_ROW(ev, r, {
        out->l.off[r] = (uint32_t)sum;
        out->l.cnt[r] = 0;
        if (arg[1].s.len[r])
            out->l.cnt[r] = cut_row(arg, r, NULL, 0);
        else
            eval_fail(ev, r);
        sum += out->l.cnt[r];
    });
    struct col *elems = make_elems(ev, out, arg[0].s.base, sum);
    if (!elems)
        return;
    EACH_ROW(ev, r, {
        if (out->l.cnt[r])
            cut_row(arg, r, elems, out->l.off[r]);
    });
}
