#include "rdd/rows_top.h"
#include "base/assert.h"

/* ord_hi of rows that are of no span. */
#define DEAD  UINT64_MAX
#define FLOOR (UINT64_MAX - 1)
/* So many times the bytes of rows, and so many more, may lie in the region before it is swept. */
#define DEAD_TIMES 4u
#define DEAD_BYTES 65536u

static uint64_t span_of_open(const struct rows_state *s)
{
    return s->span_tail - 1;
}

/* ---- the heap: the worst row on top ---------------------------------------------------------- */

static void put(struct rows_state *s, uint32_t at, uint32_t row)
{
    s->idx[at] = row;
    rows_of(s, row)->ord_lo = at;
}

static bool worse(const struct rows_state *s, uint32_t a, uint32_t b)
{
    return rows_cmp_rank(rows_of(s, a), rows_of(s, b)) > 0;
}

static void rise(struct rows_state *s, uint32_t at, uint32_t row)
{
    for (; at && worse(s, row, s->idx[(at - 1) / 2]); at = (at - 1) / 2)
        put(s, at, s->idx[(at - 1) / 2]);
    put(s, at, row);
}

static void sink(struct rows_state *s, uint32_t row)
{
    uint32_t at = 0;

    for (uint32_t kid = 1; kid < s->idx_cnt; kid = 2 * at + 1) {
        kid += kid + 1 < s->idx_cnt && worse(s, s->idx[kid + 1], s->idx[kid]);
        if (!worse(s, s->idx[kid], row))
            break;
        put(s, at, s->idx[kid]);
        at = kid;
    }
    put(s, at, row);
}

/* The worst row leaves the heap; its bytes stay until the next sweep. */
static struct row_hdr *drive_out(struct rows_state *s)
{
    struct row_hdr *h = rows_of(s, s->idx[0]);
    struct rows_span *d = rows_last_span(s);

    if (--s->idx_cnt)
        sink(s, s->idx[s->idx_cnt]);
    h->ord_hi = DEAD;
    d->rows--;
    d->bytes -= row_bytes(h);
    s->live_bytes -= row_bytes(h);
    return h;
}

/* ---- the region ------------------------------------------------------------------------------ */

static uint64_t row_max(const struct rows_state *s)
{
    return s->ring_bytes / 8;
}

static bool is_live(const struct rows_state *s, const struct row_hdr *h)
{
    if (h->ord_hi == DEAD || h->ord_hi == FLOOR)
        return h->ord_hi == FLOOR;
    return h->ord_hi >= s->span_head && !s->span[h->ord_hi % s->spans_max].refused;
}

/* Live rows move together; true: there are more. */
static bool sweep(struct rows_state *s)
{
    struct rows_best *b = &s->best;

    for (uint32_t n = 0; n < VEC_ROWS_MAX && b->from < s->tail; n++) {
        const struct row_hdr *h = rows_at(s, b->from);
        uint32_t bytes = row_bytes(h);
        if (is_live(s, h)) {
            uint32_t row = (uint32_t)(b->to / 8);
            memmove(s->ring + b->to, h, bytes);
            if (rows_of(s, row)->ord_hi == FLOOR)
                b->floor = row;
            else if (rows_of(s, row)->ord_hi == span_of_open(s))
                s->idx[rows_of(s, row)->ord_lo] = row;
            b->to += bytes;
        }
        b->from += bytes;
    }
    b->sweeping = b->from < s->tail;
    if (!b->sweeping)
        s->tail = b->to;
    return b->sweeping;
}

static void sweep_begin(struct rows_state *s)
{
    s->best.sweeping = true;
    s->best.from = s->best.to = 0;
}

/* What nobody holds any more is in the way of who walks over the region (rows_top_index), so not
 * much more of it stays than of rows: a walk then costs what it finds, and so does a sweep. */
void rows_top_begin(struct rows_state *s)
{
    s->idx_cnt = 0;
    s->best = (struct rows_best){.floor = ROWS_NONE};
    if (!s->live_bytes)
        s->tail = 0;
    else if (s->tail > DEAD_TIMES * s->live_bytes + DEAD_BYTES)
        sweep_begin(s);
}

/* ---- rows come ------------------------------------------------------------------------------- */

/* Could the row be one of the best, as far as is known? */
static bool is_wanted(const struct rows_state *s, const struct row_hdr *h)
{
    if (s->idx_cnt == s->x->top_cnt && rows_cmp_rank(h, rows_of(s, s->idx[0])) >= 0)
        return false;
    return s->best.floor == ROWS_NONE || rows_cmp_rank(h, rows_of(s, s->best.floor)) < 0;
}

/* The worst row has no room, and what is behind it has none either. */
static void lower_floor(struct rows_state *s)
{
    struct row_hdr *h = drive_out(s);

    if (s->best.floor != ROWS_NONE)
        rows_of(s, s->best.floor)->ord_hi = DEAD;
    h->ord_hi = FLOOR;
    s->best.floor = (uint32_t)((uint64_t)((const uint8_t *)h - s->ring) / 8);
}

static void keep(struct rows_state *s, const struct row_hdr *h)
{
    struct rows_span *d = rows_last_span(s);
    uint32_t bytes = row_bytes(h), row = (uint32_t)(s->tail / 8);

    if (s->idx_cnt == s->x->top_cnt)
        drive_out(s);
    memcpy(s->ring + s->tail, h, bytes);
    s->tail += bytes;
    rows_of(s, row)->ord_hi = span_of_open(s);
    MR_ASSERT(s->idx_cnt < s->idx_max);
    rise(s, s->idx_cnt++, row);
    d->rows++;
    d->bytes += bytes;
    s->live_bytes += bytes;
    while (s->live_bytes > s->ring_bytes / 8 * 5)
        lower_floor(s);
}

bool rows_top_merge(struct rows_state *s, struct rows_reader *r)
{
    const struct row_hdr *h;

    if (s->best.sweeping) {
        sweep(s);
        return true;
    }
    for (uint32_t n = 0; n < VEC_ROWS_MAX && (h = rows_block_next(r)); n++) {
        bool wanted = is_wanted(s, h), too_long = row_bytes(h) > row_max(s);
        if (wanted && !too_long && row_bytes(h) > s->ring_bytes - s->tail) {
            sweep_begin(s);
            return true;
        }
        s->best.too_long |= wanted && too_long;
        if (wanted && !too_long)
            keep(s, h);
        s->best.came++;
        rows_block_take(r);
    }
    return rows_block_next(r) != NULL;
}

void rows_top_end(struct rows_state *s)
{
    struct rows_best *b = &s->best;
    uint64_t best = b->came < s->x->top_cnt ? b->came : s->x->top_cnt;

    if (b->floor != ROWS_NONE)
        rows_of(s, b->floor)->ord_hi = DEAD;
    if (b->too_long || (b->floor != ROWS_NONE && s->idx_cnt < best))
        rows_refuse(s, best);
    b->floor = ROWS_NONE;
}

bool rows_top_index(struct rows_state *s)
{
    for (uint32_t n = 0; n < VEC_ROWS_MAX && s->pos < s->tail; n++) {
        const struct row_hdr *h = rows_at(s, s->pos);
        if (is_live(s, h))
            s->idx[s->idx_cnt++] = (uint32_t)(s->pos / 8);
        s->pos += row_bytes(h);
    }
    return s->pos < s->tail;
}
