/*
 * Emission: the rows of the window, a vector at a time.
 */
#include <errno.h>

#include "base/assert.h"
#include "rdd/rows_top.h"

static int by_order(const void *ctx, uint32_t a, uint32_t b)
{
    return rows_cmp_order(rows_of(ctx, a), rows_of(ctx, b));
}

static int by_rank(const void *ctx, uint32_t a, uint32_t b)
{
    return rows_cmp_rank(rows_of(ctx, a), rows_of(ctx, b));
}

static int by_key(const void *ctx, uint32_t a, uint32_t b)
{
    const struct row_hdr *x = rows_of(ctx, a), *y = rows_of(ctx, b);
    int c = enc_cmp(row_key(x), x->key_bytes, row_key(y), y->key_bytes);

    return c ? c : rows_cmp_order(x, y);
}

/* The index of what leaves, in its order: a step of it; true: there is more. */
static bool prepare(struct rows_state *s)
{
    const struct exchange *x = s->x;
    sort_cmp cmp = x->group ? by_key : x->top_cnt ? by_rank : by_order;

    if (s->phase == ROWS_CLOSED) {
        s->phase = ROWS_GATHERING;
        s->pos = x->top_cnt ? 0 : s->head;
        s->idx_cnt = 0;
    }
    if (s->phase == ROWS_GATHERING) {
        if (!(x->top_cnt ? rows_top_index(s) : rows_index(s))) {
            rows_sort_begin(s);
            s->phase = ROWS_RANKING;
        }
        return true;
    }
    if (s->phase == ROWS_RANKING && !rows_sort(s, cmp)) {
        if (x->top_cnt && s->idx_cnt > x->top_cnt)
            s->idx_cnt = (uint32_t)x->top_cnt;
        s->phase = ROWS_EMITTING;
    }
    return s->phase != ROWS_EMITTING;
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
        const uint8_t *p = key ? row_key(rows_of(s, idx[i])) : row_val(rows_of(s, idx[i]));
        lo = !lo || p < lo ? p : lo;
    }
    e->base = lo ? lo : s->ring;
    for (uint32_t i = 0; i < n; i++) {
        const struct row_hdr *h = rows_of(s, idx[i]);
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
        while (end < s->idx_cnt && same_key(rows_of(s, s->idx[at]), rows_of(s, s->idx[end])))
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
    const struct row_hdr *first = rows_of(s, s->idx[*cursor]);

    do {
        ++*cursor;
        s->too_long++;
    } while (s->x->group && *cursor < s->idx_cnt && same_key(first, rows_of(s, s->idx[*cursor])));
    s->lost_until = s->interval + 1 > s->lost_until ? s->interval + 1 : s->lost_until;
}

int rows_state_emit(struct rows_state *s, uint32_t *cursor, struct vec *out, struct arena *scratch)
{
    MR_ASSERT(s->phase >= ROWS_CLOSED);
    out->cols_cnt = type_leaves(s->x->type);
    out->sel = NULL;
    out->rows = out->sel_cnt = 0;
    if (s->phase != ROWS_EMITTING && prepare(s))
        return 1;
    if (*cursor >= s->idx_cnt)
        return 0;
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
