#include <errno.h>

#include "base/assert.h"
#include "rdd/rows_state.h"
#include "rdd/sort.h"

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
    s->ring_bytes = down64(left / 7 * 6); /* an index entry for the shortest row is a sixth of it */
    if (s->ring_bytes > RING_BYTES_MAX)
        s->ring_bytes = RING_BYTES_MAX;
    s->ring = at;
    s->idx = (uint32_t *)(void *)(at + s->ring_bytes);
    s->idx_max = (uint32_t)(s->ring_bytes / ROW_BYTES_MIN);
}

static struct rows_span *last_span(const struct rows_state *s)
{
    return &s->span[(s->span_tail - 1) % s->spans_max];
}

static struct row_hdr *row_at(const struct rows_state *s, uint64_t pos)
{
    return (struct row_hdr *)(void *)(s->ring + pos % s->ring_bytes);
}

/* Does the filler, or the end of the ring, begin at pos? */
static uint64_t skip_filler(const struct rows_state *s, uint64_t pos)
{
    uint64_t room = s->ring_bytes - pos % s->ring_bytes;

    if (room < sizeof(struct row_hdr) || row_at(s, pos)->key_bytes == FILLER)
        return pos + room;
    return pos;
}

void rows_state_begin(struct rows_state *s, uint64_t interval)
{
    MR_ASSERT(!s->open);
    while (s->span_head != s->span_tail &&
           s->span[s->span_head % s->spans_max].interval + s->x->len <= interval) {
        s->live_bytes -= s->span[s->span_head++ % s->spans_max].bytes;
        s->head =
            s->span_head == s->span_tail ? s->tail : s->span[s->span_head % s->spans_max].first;
    }
    s->span[s->span_tail++ % s->spans_max] =
        (struct rows_span){.interval = interval, .first = s->tail};
    s->interval = interval;
    s->open = true;
}

static void refuse_interval(struct rows_state *s, uint64_t more)
{
    struct rows_span *d = last_span(s);

    s->refused += d->rows + more;
    s->tail = d->first;
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
            row_at(s, s->tail)->key_bytes = FILLER;
        s->tail += to_end;
    }
    uint8_t *at = s->ring + s->tail % s->ring_bytes;
    s->tail += bytes;
    MR_ASSERT(s->tail - s->head <= s->ring_bytes);
    return at;
}

void rows_state_merge(struct rows_state *s, const struct block *b)
{
    struct rows_span *d = last_span(s);
    const struct row_hdr *h = (const struct row_hdr *)(const void *)b->base;

    MR_ASSERT(s->open);
    for (uint32_t i = 0; i < b->hdr.rows; i++, h = row_next(h)) {
        uint32_t bytes = row_bytes(h);
        if (d->refused || !has_room(s, bytes)) {
            refuse_interval(s, b->hdr.rows - i);
            return;
        }
        memcpy(ring_append(s, bytes), h, bytes);
        d->rows++;
        d->bytes += bytes;
        s->live_bytes += bytes;
    }
}

int rows_cmp_order(const struct row_hdr *a, const struct row_hdr *b)
{
    if (a->ord_hi != b->ord_hi)
        return a->ord_hi < b->ord_hi ? -1 : 1;
    if (a->ord_lo != b->ord_lo)
        return a->ord_lo < b->ord_lo ? -1 : 1;
    return enc_cmp(row_val(a), a->val_bytes, row_val(b), b->val_bytes);
}

int rows_cmp_rank(const struct row_hdr *a, const struct row_hdr *b)
{
    int c = enc_cmp(row_val(b), b->val_bytes, row_val(a), a->val_bytes);

    if (!c)
        c = enc_cmp(row_key(a), a->key_bytes, row_key(b), b->key_bytes);
    return c ? c : rows_cmp_order(a, b);
}

static const struct row_hdr *row_of(const struct rows_state *s, uint32_t idx)
{
    return (const struct row_hdr *)(const void *)(s->ring + (uint64_t)idx * 8);
}

static int by_order(const void *ctx, uint32_t a, uint32_t b)
{
    return rows_cmp_order(row_of(ctx, a), row_of(ctx, b));
}

static int by_rank(const void *ctx, uint32_t a, uint32_t b)
{
    return rows_cmp_rank(row_of(ctx, a), row_of(ctx, b));
}

static int by_key(const void *ctx, uint32_t a, uint32_t b)
{
    const struct row_hdr *x = row_of(ctx, a), *y = row_of(ctx, b);
    int c = enc_cmp(row_key(x), x->key_bytes, row_key(y), y->key_bytes);

    return c ? c : rows_cmp_order(x, y);
}

/* The rows from position `pos` on, as an index. */
static void index_rows(struct rows_state *s, uint64_t pos)
{
    s->idx_cnt = 0;
    while (pos < s->tail) {
        pos = skip_filler(s, pos);
        if (pos >= s->tail)
            break;
        MR_ASSERT(s->idx_cnt < s->idx_max);
        s->idx[s->idx_cnt++] = (uint32_t)(pos % s->ring_bytes / 8);
        pos += row_bytes(row_at(s, pos));
    }
}

void rows_state_end(struct rows_state *s)
{
    MR_ASSERT(s->open);
    index_rows(s, last_span(s)->first);
    sort_idx(s->idx, s->idx_cnt, by_order, s);
    for (uint32_t i = 0; i < s->idx_cnt; i++) {
        struct row_hdr *h = (struct row_hdr *)(uintptr_t)row_of(s, s->idx[i]);
        h->ord_hi = s->interval;
        h->ord_lo = i;
    }
    s->open = false;
}

bool rows_state_complete(const struct rows_state *s)
{
    return s->interval >= s->lost_until;
}

static void emit_prepare(struct rows_state *s)
{
    index_rows(s, s->head);
    sort_idx(s->idx, s->idx_cnt, s->x->group ? by_key : s->x->top_cnt ? by_rank : by_order, s);
    if (s->x->top_cnt && s->idx_cnt > s->x->top_cnt)
        s->idx_cnt = (uint32_t)s->x->top_cnt;
}

/* Encodings of n rows' keys or values, relative to the ring. */
static int encodings(const struct rows_state *s, const uint32_t *idx, uint32_t n, bool key,
                     struct enc_keys *e, struct arena *scratch)
{
    e->off = arena_alloc(scratch, (size_t)n * 4 + 1);
    e->len = arena_alloc(scratch, (size_t)n * 4 + 1);
    if (!e->off || !e->len)
        return -ENOMEM;
    const uint8_t *lo = NULL;
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *p = key ? row_key(row_of(s, idx[i])) : row_val(row_of(s, idx[i]));
        lo = !lo || p < lo ? p : lo;
    }
    e->base = lo ? lo : s->ring;
    for (uint32_t i = 0; i < n; i++) {
        const struct row_hdr *h = row_of(s, idx[i]);
        e->off[i] = (uint32_t)((key ? row_key(h) : row_val(h)) - e->base);
        e->len[i] = key ? h->key_bytes : h->val_bytes;
    }
    return 0;
}

static int decode_rows(const struct rows_state *s, const uint32_t *idx, uint32_t n, bool key,
                       const struct type *t, struct col *cols, struct arena *scratch)
{
    struct enc_keys e;

    if (encodings(s, idx, n, key, &e, scratch))
        return -ENOMEM;
    return enc_decode_vec(&e, n, t, cols, scratch);
}

static bool same_key(const struct row_hdr *a, const struct row_hdr *b)
{
    return a->key_bytes == b->key_bytes && memcmp(row_key(a), row_key(b), a->key_bytes) == 0;
}

#define GROUP_ELEMS_MAX 65536u /* of a vector of groups; a single longer list apart */

/* A vector of (key, list): at most `most` whole groups from *cursor on. */
static int emit_groups(struct rows_state *s, uint32_t *cursor, uint32_t most, struct vec *out,
                       struct arena *scratch)
{
    const struct exchange *x = s->x;
    uint32_t leaves = type_leaves(x->key), groups = 0, at = *cursor;
    struct col *list = &out->col[leaves];
    uint32_t *first = arena_alloc(scratch, VEC_ROWS_MAX * sizeof *first);

    if (!first || col_alloc(list, TYPE_LIST, VEC_ROWS_MAX, scratch))
        return -ENOMEM;
    while (at < s->idx_cnt && groups < most) {
        uint32_t end = at + 1;
        while (end < s->idx_cnt && same_key(row_of(s, s->idx[at]), row_of(s, s->idx[end])))
            end++;
        if (groups && end - *cursor > GROUP_ELEMS_MAX)
            break;
        first[groups] = s->idx[at];
        list->l.off[groups] = at - *cursor;
        list->l.cnt[groups++] = end - at;
        at = end;
    }
    struct vec *elems = arena_alloc(scratch, sizeof *elems);
    uint32_t elem_leaves = type_leaves(x->value), n = at - *cursor;
    struct col *cols = arena_alloc(scratch, (elem_leaves + 1) * sizeof *cols);
    if (!elems || !cols || decode_rows(s, first, groups, true, x->key, out->col, scratch) ||
        decode_rows(s, s->idx + *cursor, n, false, x->value, cols, scratch))
        return -ENOMEM;
    *elems = (struct vec){.rows = n, .cols_cnt = elem_leaves, .col = cols, .sel_cnt = n};
    list->l.elems = elems;
    *cursor = at;
    out->rows = out->sel_cnt = groups;
    return (int)groups;
}

static int emit_plain(struct rows_state *s, uint32_t *cursor, uint32_t most, struct vec *out,
                      struct arena *scratch)
{
    const struct exchange *x = s->x;
    bool pair = x->top_cnt && type_is_pair(x->type);
    uint32_t left = s->idx_cnt - *cursor, n = left < most ? left : most;
    const uint32_t *idx = s->idx + *cursor;
    uint32_t key_leaves = pair ? type_leaves(x->type->part[0]) : 0;

    if (pair && decode_rows(s, idx, n, true, x->type->part[0], out->col, scratch))
        return -ENOMEM;
    if (decode_rows(s, idx, n, false, pair ? x->type->part[1] : x->type, out->col + key_leaves,
                    scratch))
        return -ENOMEM;
    out->rows = out->sel_cnt = n;
    *cursor += n;
    return (int)n;
}

/* A list that does not fit the scratch even alone: its rows are counted. */
static void skip_row(struct rows_state *s, uint32_t *cursor)
{
    const struct row_hdr *first = row_of(s, s->idx[*cursor]);

    do {
        ++*cursor;
        s->too_long++;
    } while (s->x->group && *cursor < s->idx_cnt && same_key(first, row_of(s, s->idx[*cursor])));
    s->lost_until = s->interval + 1 > s->lost_until ? s->interval + 1 : s->lost_until;
}

int rows_state_emit(struct rows_state *s, uint32_t *cursor, struct vec *out, struct arena *scratch)
{
    if (*cursor == 0)
        emit_prepare(s);
    if (*cursor >= s->idx_cnt)
        return 0;
    out->cols_cnt = type_leaves(s->x->type);
    out->sel = NULL;
    /* large rows may not all fit the scratch at once: then one at a time */
    size_t mark = scratch->used;
    for (uint32_t most = VEC_ROWS_MAX; most; most = most > 1 ? 1 : 0) {
        int n = s->x->group ? emit_groups(s, cursor, most, out, scratch)
                            : emit_plain(s, cursor, most, out, scratch);
        if (n >= 0)
            return n;
        scratch->used = mark;
    }
    skip_row(s, cursor);
    out->rows = out->sel_cnt = 0;
    return 1;
}
