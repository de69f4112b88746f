/*
 * Lines that hold a needle. The program has said (plan_needles.h) that it has no use for the
 * others: they are counted and keep their numbers, but no row is made of them.
 *
 * A vector is a number of sweeps (find.h), each over some runs; behind a sweep, the lines around
 * its places are cut. Runs that lie one behind the other are swept as one piece, as long as each
 * ends with a newline, which is known when it was swept; from a run on that does not, every run of
 * the block is a piece of its own.
 *
 * Where a large part of the lines holds a needle, cutting all of them costs less. This is found
 * out as it goes on, which no result shows.
 */
#include <errno.h>

#include "rdd/find.h"
#include "rdd/format_text.h"

#define SWEEP_WORDS  256u /* 16 KB of text: the lines around places are still in L1 */
#define SWEEP_PIECES 64u
/* A vector ends with the sweep that brings it to so many words: 256 KB, some 10 us of memory. */
#define VEC_WORDS 4096u
/* More rows than a line in so many: so many vectors are cut as a whole. */
#define DENSE_LINES   4u
#define DENSE_VECTORS 16u

/* What is left of a run, and runs behind it. Offsets are from the base of the block. */
struct piece {
    uint32_t word;     /* its first */
    uint32_t text_off; /* of bit 0 of the sweep, if all of it were this piece (modulo 2^32) */
    uint32_t row, pos; /* where it begins, for the reader */
};

struct finder {
    struct source_reader *r;
    struct text_vec v;
    uint64_t *place;
    uint32_t lines; /* of the vector so far, those without a row too */
    struct sweep s;
    uint32_t pieces_cnt;
    uint32_t row; /* behind the last piece */
    bool cut;     /* the last piece is not all that is left of its run */
    struct piece piece[SWEEP_PIECES];
};

static int finder_init(struct finder *f, struct source_reader *r, struct vec *out, struct arena *a)
{
    uint64_t *ends = arena_alloc(a, (SWEEP_WORDS + 2) * sizeof *ends);

    f->r = r;
    f->v = (struct text_vec){0};
    f->lines = 0;
    f->place = arena_alloc(a, VEC_ROWS_MAX * sizeof *f->place);
    f->s = (struct sweep){.set = r->needles};
    f->s.hit = arena_alloc(a, SWEEP_WORDS * sizeof *f->s.hit);
    out->col[0] = (struct col){.kind = TYPE_STRING};
    if (!ends || !f->place || !f->s.hit || format_string(&out->col[0], r->base, a))
        return -ENOMEM;
    f->s.ends = ends + 1;
    f->s.ends[-1] = 1ull << 63;
    f->s.ends[SWEEP_WORDS] = 0;
    f->v.off = out->col[0].s.off;
    f->v.len = out->col[0].s.len;
    return 0;
}

/* ---- sweeping ----------------------------------------------------------------------------- */

/* The first run in [row, rows_cnt) that does not begin where the one before it ends, or with
 * which the piece of *len bytes would be larger than `room`; *len grows. */
static uint32_t runs_behind(const struct source_reader *r, uint32_t row, uint32_t *len,
                            uint32_t room)
{
    const struct run *run = r->index;

    for (; row < r->rows_cnt && run[row].off == run[row - 1].off + run[row - 1].len; row++) {
        if (run[row].len > room - *len)
            break;
        *len += run[row].len;
    }
    return row;
}

/* Does every run of the piece, runs [piece->row, to), end with a newline? The last one need not. */
static bool runs_end(const struct finder *f, const struct piece *piece, uint32_t to)
{
    const struct run *run = f->r->index;

    for (uint32_t row = piece->row; row + 1 < to; row++) {
        uint32_t last = run[row + 1].off - piece->text_off - 1; /* the bit of its last byte */
        if (!(f->s.ends[last / 64] >> last % 64 & 1))
            return false;
    }
    return true;
}

/* Sweeps over the next runs. */
static void sweep_runs(struct finder *f)
{
    struct source_reader *r = f->r;
    const struct run *run = r->index;
    struct sweep *s = &f->s;
    uint32_t row = r->row, pos = r->pos;

    s->words_cnt = s->hits_cnt = s->lines_cnt = 0;
    f->pieces_cnt = 0;
    f->cut = false;
    while (row < r->rows_cnt && f->pieces_cnt < SWEEP_PIECES && s->words_cnt < SWEEP_WORDS) {
        uint32_t len = run[row].len - pos, room = (SWEEP_WORDS - s->words_cnt) * 64;
        uint32_t off = run[row].off + pos, to = row + 1;
        if (!len) {
            row = to;
            continue;
        }
        f->cut = len > room;
        if (f->cut && s->words_cnt)
            break; /* the next sweep has more room for it */
        if (f->cut)
            len = room;
        else if (!r->runs_apart)
            to = runs_behind(r, to, &len, room);
        struct piece *piece = &f->piece[f->pieces_cnt++];
        *piece = (struct piece){s->words_cnt, off - s->words_cnt * 64, row, pos};
        sweep_add(s, r->base + off, len);
        if (f->cut)
            return;
        sweep_close(s, len);
        if (to > row + 1 && !runs_end(f, piece, to)) {
            r->runs_apart = true;
            sweep_runs(f);
            return;
        }
        row = to;
        pos = 0;
    }
    f->cut = false;
    f->row = row;
}

/* ---- lines -------------------------------------------------------------------------------- */

#define NO_END UINT32_MAX

/* The bit at which the line of bit `at` ends. */
static inline uint32_t line_end(const struct sweep *s, uint32_t at)
{
    uint32_t w = at / 64;
    uint64_t m = s->ends[w] & ~0ull << at % 64;

    while (!m)
        if (++w == s->words_cnt)
            return NO_END;
        else
            m = s->ends[w];
    return w * 64 + (uint32_t)__builtin_ctzll(m);
}

/* Behind the last end of a line before bit `at`. */
static inline uint32_t line_begin(const struct sweep *s, uint32_t at)
{
    const uint64_t *w = &s->ends[at / 64];
    uint64_t m = *w & ~(~0ull << at % 64);

    while (!m)
        m = *--w;
    return (uint32_t)(w - s->ends) * 64 + 64 - (uint32_t)__builtin_clzll(m);
}

static inline void put_row(struct finder *f, uint32_t off, uint32_t len, uint32_t line)
{
    uint32_t row = f->v.rows++;

    f->v.off[row] = off;
    f->v.len[row] = len;
    f->place[row] = (f->r->ord_lo + line) << PLACE_ROW_BITS;
}

/* Makes rows of the lines around the places, as long as there is room. Returns the bit behind the
 * last of them; *lines end before it. */
static uint32_t put_lines(struct finder *f, uint32_t *lines)
{
    const struct sweep *s = &f->s;
    const struct piece *piece = f->piece, *last = piece + f->pieces_cnt - 1;
    uint32_t next = 0;

    for (const struct sweep_hit *hit = s->hit; hit < s->hit + s->hits_cnt; hit++) {
        while (piece < last && hit->word >= piece[1].word)
            piece++;
        const uint8_t *text = f->r->base;
        for (uint64_t m = hit->places; m; m &= m - 1) {
            uint32_t bit = (uint32_t)__builtin_ctzll(m), at = hit->word * 64 + bit;
            if (at < next)
                continue;
            uint32_t end = line_end(s, at);
            if (end == NO_END)
                return next;
            uint32_t from = piece->text_off + line_begin(s, at), to = piece->text_off + end;
            if (text[to] != '\n')
                to++;
            else
                to -= to > from && text[to - 1] == '\r';
            uint32_t at_off = piece->text_off + at;
            if (at_off >= to || !needle_set_at(s->set, text + at_off, to - at_off))
                continue;
            uint64_t before = s->ends[hit->word] & ~(~0ull << bit);
            *lines = hit->lines + (uint32_t)__builtin_popcountll(before) + 1;
            next = end + 1;
            put_row(f, from, to - from, f->lines + *lines - 1);
            if (f->v.rows == VEC_ROWS_MAX)
                return next;
        }
    }
    return next;
}

/* ---- the reader --------------------------------------------------------------------------- */

/* The reader goes on at bit `next` of the sweep. */
static void advance(struct finder *f, uint32_t next)
{
    struct source_reader *r = f->r;
    const struct run *run = r->index;
    const struct piece *piece = f->piece, *last = piece + f->pieces_cnt - 1;
    uint32_t row = r->row, pos = r->pos;

    if (!f->cut && next == f->s.words_cnt * 64) { /* all of it */
        r->row = f->row;
        r->pos = 0;
    } else {
        while (piece < last && piece[1].word * 64 <= next)
            piece++;
        r->row = piece->row;
        r->pos = piece->pos;
        for (uint32_t done = next - piece->word * 64; done;) {
            uint32_t left = run[r->row].len - r->pos, n = done < left ? done : left;
            r->pos += n;
            done -= n;
            if (!done)
                break;
            r->row++;
            r->pos = 0;
        }
    }
    for (; row < r->row; row++, pos = 0)
        f->v.bytes += run[row].len - pos;
    f->v.bytes += r->pos - pos;
}

/* Takes the line at p by itself: one that is longer than a sweep. */
static void find_last(struct finder *f, const uint8_t *p, uint32_t left)
{
    struct source_reader *r = f->r;
    uint32_t row = f->v.rows, bytes = text_last(r, &f->v, p, left);

    r->pos += bytes;
    f->v.bytes += bytes;
    if (f->v.rows == row)
        return;
    f->place[row] = (r->ord_lo + f->lines++) << PLACE_ROW_BITS;
    f->v.rows = row;
    for (uint32_t i = 0; i < r->needles->cnt && f->v.rows == row; i++) {
        const struct needle *nd = &r->needles->needle[i];
        f->v.rows += memmem(p, f->v.len[row], nd->s, nd->n) != NULL;
    }
}

int format_text_find(struct source_reader *r, struct vec *out, struct arena *a)
{
    struct finder f;
    uint32_t left, words = 0;
    const uint8_t *p;

    if (finder_init(&f, r, out, a))
        return -ENOMEM;
    while (f.v.rows < VEC_ROWS_MAX && words < VEC_WORDS && (p = format_run(r, &left))) {
        uint32_t lines = 0, next;
        sweep_runs(&f);
        words += f.s.words_cnt;
        next = put_lines(&f, &lines);
        if (f.v.rows < VEC_ROWS_MAX) {
            lines = f.s.lines_cnt;
            next = line_begin(&f.s, f.s.words_cnt * 64);
        }
        f.lines += lines;
        if (next)
            advance(&f, next);
        else
            find_last(&f, p, left);
    }
    r->counters->bytes += f.v.bytes;
    r->counters->offered += f.lines - f.v.rows;
    format_finish(r, out, f.v.rows);
    r->ord_lo += f.lines - f.v.rows;
    out->place = f.place;
    r->held = true;
    r->plain_left = f.v.rows * DENSE_LINES > f.lines ? DENSE_VECTORS : 0;
    return (int)(f.lines + f.v.dropped);
}
