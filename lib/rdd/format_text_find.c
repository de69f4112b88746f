/*
 * Lines that hold a needle. The program has said (plan_needles.h) that it has no use for the
 * others: they are counted and keep their numbers, but no row is made of them.
 *
 * A vector is a number of sweeps (find.h); behind each, the lines around its places are cut. A
 * sweep goes over a part of a run, or over runs that lie one behind the other as long as each ends
 * with a newline. Whether it does is known when it was swept: from the first that does not on,
 * every run of the block is swept by itself.
 *
 * Where a large part of the lines holds a needle, cutting all of them costs less. This is found
 * out as it goes on, which no result shows.
 */
#include <errno.h>
#include <string.h>

#include "rdd/find.h"
#include "rdd/format_text.h"

#define SWEEP_BYTES 16384u /* the lines around places are still in L1 */
/* A vector ends with the sweep that brings it to so many bytes, some 10 us of text from memory. A
 * sweep counts as a whole number of words, so that tiny runs make no longer vectors. */
#define FIND_BYTES (8 * VEC_BYTES_MAX)
/* More rows than a line in so many: so many vectors are cut as a whole. */
#define DENSE_LINES   4u
#define DENSE_VECTORS 64u

struct finder {
    struct source_reader *r;
    struct text_vec v;
    uint64_t *place;
    uint32_t lines; /* of the vector so far, those without a row too */
    struct sweep_hit *hit;
};

/* What is swept at once. */
struct piece {
    const uint8_t *p;
    uint32_t len;
    uint32_t row_end;   /* the runs [r->row, row_end) */
    bool cut;           /* not all that is left of the one run */
    uint32_t lines_len; /* bytes of whole lines */
    uint32_t lines_cnt;
    uint32_t hits_cnt;
};

static int finder_init(struct finder *f, struct source_reader *r, struct vec *out, struct arena *a)
{
    *f = (struct finder){.r = r};
    f->place = arena_alloc(a, VEC_ROWS_MAX * sizeof *f->place);
    f->hit = arena_alloc(a, sweep_hits_max(SWEEP_BYTES) * sizeof *f->hit);
    out->col[0] = (struct col){.kind = TYPE_STRING};
    if (!f->place || !f->hit || format_string(&out->col[0], r->base, a))
        return -ENOMEM;
    f->v.off = out->col[0].s.off;
    f->v.len = out->col[0].s.len;
    return 0;
}

/* ---- sweeping ----------------------------------------------------------------------------- */

/* Adds the runs that lie behind the piece, without a gap. */
static void add_runs(const struct source_reader *r, struct piece *piece)
{
    const struct run *run = r->index;
    uint32_t row = piece->row_end;

    for (; row < r->rows_cnt && run[row].off == run[row - 1].off + run[row - 1].len; row++) {
        if (run[row].len > SWEEP_BYTES - piece->len)
            break;
        piece->len += run[row].len;
    }
    piece->row_end = row;
}

/* Does every run of the piece but the last end with a newline? */
static bool runs_end(const struct source_reader *r, const struct piece *piece)
{
    const struct run *run = r->index;
    uint32_t others = 0;

    for (uint32_t row = r->row + 1; row < piece->row_end; row++)
        others |= r->base[run[row].off - 1] ^ '\n';
    return !others;
}

/* Sweeps over what comes next, p[0..left) and perhaps more. False: not so, try again. */
static bool sweep_runs(struct finder *f, struct piece *piece, const uint8_t *p, uint32_t left)
{
    struct source_reader *r = f->r;

    *piece = (struct piece){.p = p, .len = left, .row_end = r->row + 1};
    piece->cut = left > SWEEP_BYTES;
    if (piece->cut)
        piece->len = SWEEP_BYTES;
    else if (!r->runs_apart)
        add_runs(r, piece);
    piece->hits_cnt = sweep_lines(r->needles, p, piece->len, f->hit, &piece->lines_cnt);
    if (!runs_end(r, piece)) {
        r->runs_apart = true;
        return false;
    }
    piece->lines_len = piece->len;
    if (p[piece->len - 1] == '\n')
        return true;
    const uint8_t *nl = piece->cut ? memrchr(p, '\n', piece->len) : NULL;
    if (piece->cut)
        piece->lines_len = nl ? (uint32_t)(nl - p) + 1 : 0;
    else
        piece->lines_cnt++; /* the end of the run ends it */
    return true;
}

/* ---- lines -------------------------------------------------------------------------------- */

/* Where the line of bit `bit` of the hit begins; a line begins at `from`, before it. Of most lines
 * that is told by the newlines of the hit, without a branch for where. */
static inline uint32_t line_begin(const struct piece *piece, const struct sweep_hit *hit,
                                  uint32_t bit, uint32_t from)
{
    uint64_t here = hit->newlines[1] & ~(~0ull << bit), m = here ? here : hit->newlines[0];
    const uint8_t *nl;

    if (m)
        return hit->off + (here ? 64 : 0) - (uint32_t)__builtin_clzll(m);
    if (hit->off < from + 64)
        return from;
    nl = memrchr(piece->p + from, '\n', hit->off - 64 - from);
    return nl ? (uint32_t)(nl - piece->p) + 1 : from;
}

/* Its newline, or the end of the piece. */
static inline uint32_t line_end(const struct piece *piece, const struct sweep_hit *hit,
                                uint32_t bit)
{
    uint64_t here = hit->newlines[1] & ~0ull << bit, m = here ? here : hit->newlines[2];
    uint32_t from = hit->off + 128;
    const uint8_t *nl;

    if (m)
        return hit->off + (here ? 0 : 64) + (uint32_t)__builtin_ctzll(m);
    nl = from < piece->len ? memchr(piece->p + from, '\n', piece->len - from) : NULL;
    return nl ? (uint32_t)(nl - piece->p) : piece->len;
}

/* The places at `from` and behind. */
static inline uint64_t places_from(const struct sweep_hit *hit, uint32_t from)
{
    if (from <= hit->off)
        return hit->places;
    return from - hit->off < 64 ? hit->places & ~0ull << (from - hit->off) : 0;
}

static inline void put_row(struct finder *f, const uint8_t *p, uint32_t len, uint32_t line)
{
    uint32_t row = f->v.rows++;

    f->v.off[row] = (uint32_t)(p - f->r->base);
    f->v.len[row] = len;
    f->place[row] = (f->r->ord_lo + line) << PLACE_ROW_BITS;
}

/* Makes rows of the lines around the places, as long as there is room. Returns where it came to:
 * a line begins there, and *lines end before. */
static uint32_t put_lines(struct finder *f, const struct piece *piece, uint32_t *lines)
{
    const struct needle_set *set = f->r->needles;
    const uint8_t *p = piece->p;
    uint32_t next = 0;

    for (uint32_t i = 0; i < piece->hits_cnt; i++) {
        const struct sweep_hit *hit = &f->hit[i];
        for (uint64_t m = places_from(hit, next); m; m &= m - 1) {
            uint32_t bit = (uint32_t)__builtin_ctzll(m), at = hit->off + bit;
            if (!needle_set_at(set, p + at, piece->len - at))
                continue;
            if (at >= piece->lines_len)
                break;
            uint32_t end = line_end(piece, hit, bit), to = end;
            uint32_t begin = line_begin(piece, hit, bit, next);
            if (end < piece->len && end > begin && p[end - 1] == '\r' &&
                !needle_set_at(set, p + at, --to - at))
                continue;
            uint64_t before = hit->newlines[1] & ~(~0ull << bit);
            *lines = hit->lines + (uint32_t)__builtin_popcountll(before) + 1;
            next = end + (end < piece->len);
            put_row(f, p + begin, to - begin, f->lines + *lines - 1);
            if (f->v.rows == VEC_ROWS_MAX)
                return next;
            m &= places_from(hit, next) | 1ull << bit;
        }
    }
    *lines = piece->lines_cnt;
    return piece->lines_len;
}

/* ---- the reader --------------------------------------------------------------------------- */

/* The reader goes on at byte `next` of the piece. */
static void advance(struct source_reader *r, const struct piece *piece, uint32_t next)
{
    const struct run *run = r->index;

    if (!piece->cut && next == piece->len) {
        r->row = piece->row_end;
        r->pos = 0;
        return;
    }
    while (run[r->row].len - r->pos < next) {
        next -= run[r->row].len - r->pos;
        r->row++;
        r->pos = 0;
    }
    r->pos += next;
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
    uint32_t left, swept = 0;
    const uint8_t *p;

    if (finder_init(&f, r, out, a))
        return -ENOMEM;
    while (f.v.rows < VEC_ROWS_MAX && swept < FIND_BYTES && (p = format_run(r, &left))) {
        struct piece piece;
        uint32_t lines = 0, next;
        bool good = sweep_runs(&f, &piece, p, left);
        swept += sweep_hits_max(piece.len) * 64;
        if (!good)
            continue;
        if (!piece.lines_len) {
            find_last(&f, p, left);
            continue;
        }
        next = put_lines(&f, &piece, &lines);
        advance(r, &piece, next);
        f.v.bytes += next;
        f.lines += lines;
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
