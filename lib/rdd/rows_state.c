#include "rdd/rows_state.h"
#include "base/assert.h"
#include "rdd/rows_top.h"

#define FILLER         UINT32_MAX /* key_bytes of what fills the end of the ring */
#define ROW_BYTES_MIN  ((uint32_t)sizeof(struct row_hdr))
#define RING_BYTES_MAX (4ull << 30) /* encodings of a vector have offsets of 32 bits */

static uint64_t down64(uint64_t n)
{
    return n & ~63ull;
}

void rows_state_init(struct rows_state *s, const struct exchange *x, void *mem)
{
    uint8_t *at = mem;

    *s = (struct rows_state){.x = x, .spans_max = x->len + 1};
    uint64_t spans = (s->spans_max * sizeof(struct rows_span) + 63) & ~63ull;
    MR_ASSERT(x->state_bytes > spans + 4096);
    s->span = (struct rows_span *)(void *)at;
    at += spans;
    uint64_t left = x->state_bytes - spans;
    /* two index entries, one of them for sorting, are a third of the shortest row */
    s->ring_bytes = down64(left / 4 * 3);
    if (s->ring_bytes > RING_BYTES_MAX)
        s->ring_bytes = RING_BYTES_MAX;
    s->ring = at;
    s->idx = (uint32_t *)(void *)(at + s->ring_bytes);
    s->idx_max = (uint32_t)(s->ring_bytes / ROW_BYTES_MIN);
    s->spare = s->idx + s->idx_max;
}

/* Does the filler, or the end of the ring, begin at pos? */
static uint64_t skip_filler(const struct rows_state *s, uint64_t pos)
{
    uint64_t room = s->ring_bytes - pos % s->ring_bytes;

    if (room < sizeof(struct row_hdr) || rows_at(s, pos)->key_bytes == FILLER)
        return pos + room;
    return pos;
}

void rows_state_begin(struct rows_state *s, uint64_t interval)
{
    MR_ASSERT(s->phase != ROWS_OPEN);
    while (s->span_head != s->span_tail &&
           s->span[s->span_head % s->spans_max].interval + s->x->len <= interval) {
        s->live_bytes -= s->span[s->span_head++ % s->spans_max].bytes;
        s->head =
            s->span_head == s->span_tail ? s->tail : s->span[s->span_head % s->spans_max].first;
    }
    s->span[s->span_tail++ % s->spans_max] =
        (struct rows_span){.interval = interval, .first = s->tail};
    s->interval = interval;
    s->phase = ROWS_OPEN;
    if (s->x->top_cnt)
        rows_top_begin(s);
}

void rows_refuse(struct rows_state *s, uint64_t rows)
{
    struct rows_span *d = rows_last_span(s);

    s->refused += rows;
    s->live_bytes -= d->bytes;
    d->rows = d->bytes = 0;
    d->refused = true;
    if (s->interval + s->x->len > s->lost_until)
        s->lost_until = s->interval + s->x->len;
}

/* Where the end of the ring cuts depends on the order in which rows come, so an eighth of the ring
 * is not counted on, and no row is longer than that: then whether they fit depends on them alone.
 */
static bool has_room(const struct rows_state *s, uint32_t bytes)
{
    return bytes <= s->ring_bytes / 8 && s->live_bytes + bytes <= s->ring_bytes / 8 * 7;
}

/* The place of one row of `bytes`, for which there is room. A row does not wrap. */
static uint8_t *ring_append(struct rows_state *s, uint32_t bytes)
{
    uint64_t to_end = s->ring_bytes - s->tail % s->ring_bytes;

    if (bytes > to_end) {
        if (to_end >= sizeof(struct row_hdr))
            rows_at(s, s->tail)->key_bytes = FILLER;
        s->tail += to_end;
    }
    uint8_t *at = s->ring + s->tail % s->ring_bytes;
    s->tail += bytes;
    MR_ASSERT(s->tail - s->head <= s->ring_bytes);
    return at;
}

bool rows_state_merge(struct rows_state *s, struct rows_reader *r)
{
    struct rows_span *d = rows_last_span(s);
    const struct row_hdr *h;

    MR_ASSERT(s->phase == ROWS_OPEN);
    if (s->x->top_cnt)
        return rows_top_merge(s, r);
    for (uint32_t n = 0; n < VEC_ROWS_MAX && (h = rows_block_next(r)); n++) {
        uint32_t bytes = row_bytes(h);
        if (d->refused || !has_room(s, bytes)) {
            s->tail = d->first;
            rows_refuse(s, d->rows + r->b->hdr.rows - r->row);
            return false;
        }
        memcpy(ring_append(s, bytes), h, bytes);
        d->rows++;
        d->bytes += bytes;
        s->live_bytes += bytes;
        rows_block_take(r);
    }
    return rows_block_next(r) != NULL;
}

int rows_cmp_order(const struct row_hdr *a, const struct row_hdr *b)
{
    if (a->ord_hi != b->ord_hi)
        return a->ord_hi < b->ord_hi ? -1 : 1;
    return (a->ord_lo > b->ord_lo) - (a->ord_lo < b->ord_lo);
}

int rows_cmp_rank(const struct row_hdr *a, const struct row_hdr *b)
{
    int c = enc_cmp(row_val(b), b->val_bytes, row_val(a), a->val_bytes);

    return c ? c : enc_cmp(row_key(a), a->key_bytes, row_key(b), b->key_bytes);
}

static void fetch_row(const void *ctx, uint32_t a)
{
    const struct row_hdr *h = rows_of(ctx, a);

    __builtin_prefetch(h);
    __builtin_prefetch((const uint8_t *)h + 64); /* its key, or some of it */
}

void rows_sort_begin(struct rows_state *s)
{
    sort_begin(&s->sort, s->idx, s->spare, s->idx_cnt);
}

bool rows_sort(struct rows_state *s, sort_cmp cmp)
{
    const struct sort_order o = {.cmp = cmp, .ahead = fetch_row, .ctx = s};

    if (sort_step(&s->sort, &o))
        return true;
    s->idx = s->sort.from;
    s->spare = s->sort.to;
    return false;
}

static int by_order(const void *ctx, uint32_t a, uint32_t b)
{
    return rows_cmp_order(rows_of(ctx, a), rows_of(ctx, b));
}

bool rows_index(struct rows_state *s)
{
    for (uint32_t n = 0; n < VEC_ROWS_MAX && s->pos < s->tail; n++) {
        s->pos = skip_filler(s, s->pos);
        if (s->pos >= s->tail)
            break;
        MR_ASSERT(s->idx_cnt < s->idx_max);
        s->idx[s->idx_cnt++] = (uint32_t)(s->pos % s->ring_bytes / 8);
        s->pos += row_bytes(rows_at(s, s->pos));
    }
    return s->pos < s->tail;
}

void rows_state_end(struct rows_state *s)
{
    MR_ASSERT(s->phase == ROWS_OPEN);
    if (s->x->top_cnt) {
        rows_top_end(s);
        s->phase = ROWS_CLOSED;
        return;
    }
    s->phase = ROWS_INDEXING;
    s->pos = rows_last_span(s)->first;
    s->idx_cnt = s->at = 0;
}

/* Rows of the index get their place in the interval; true: there are more. */
static bool place_rows(struct rows_state *s)
{
    for (uint32_t n = 0; n < VEC_ROWS_MAX && s->at < s->idx_cnt; n++, s->at++) {
        struct row_hdr *h = rows_of(s, s->idx[s->at]);
        h->ord_hi = s->interval;
        h->ord_lo = s->at;
    }
    return s->at < s->idx_cnt;
}

bool rows_state_step(struct rows_state *s)
{
    switch (s->phase) {
    case ROWS_INDEXING:
        if (!rows_index(s)) {
            rows_sort_begin(s);
            s->phase = ROWS_SORTING;
        }
        return true;
    case ROWS_SORTING:
        if (!rows_sort(s, by_order))
            s->phase = ROWS_PLACING;
        return true;
    case ROWS_PLACING:
        if (!place_rows(s))
            s->phase = ROWS_CLOSED;
        return s->phase == ROWS_PLACING;
    default: return false;
    }
}

bool rows_state_complete(const struct rows_state *s)
{
    return s->interval >= s->lost_until;
}
