/*
 * Emission: the rows of a closed interval, a vector at a time.
 */
#include <errno.h>

#include "base/assert.h"
#include "rdd/agg_admit.h"
#include "rdd/agg_cell.h"
#include "rdd/sort.h"

static int by_key(const void *ctx, uint32_t a, uint32_t b)
{
    const struct table *t = ctx;
    return tkey_cmp(&t->key[a], &t->key[b]);
}

/* The order in which entries leave: touched[0..touched_cnt). */
static void emit_prepare(struct agg_state *s)
{
    uint32_t n = 0;

    if (s->x->len == 1) {
        for (uint32_t i = 0; i < s->touched_cnt; i++) {
            uint32_t e = s->touched[i];
            if (table_is_live(&s->t, e) && agg_count(table_row(&s->t, e)))
                s->touched[n++] = e;
        }
    } else {
        for (uint32_t e = 0; e < s->t.entries; e++)
            if (table_is_live(&s->t, e))
                s->touched[n++] = e;
    }
    s->touched_cnt = n;
    if (s->x->sorted)
        sort_idx(s->touched, n, by_key, &s->t);
}

/* Rows as they leave: with two stacks, suffix and total combined in the scratch; their strings are
 * views. */
static int rows_of(struct agg_state *s, const uint32_t *entry, uint32_t n, const uint8_t **row,
                   struct arena *scratch)
{
    bool stack = s->x->len > 1 && s->x->len != WINDOW_FOREVER && !s->x->inverse;
    uint32_t row_bytes = s->x->agg.row_bytes;
    uint8_t *dst[VEC_ROWS_MAX];
    const uint8_t *src[VEC_ROWS_MAX];

    for (uint32_t i = 0; i < n; i++)
        src[i] = row[i] = table_row(&s->t, entry[i]);
    if (!stack)
        return 0;
    uint8_t *copy = arena_alloc(scratch, (size_t)n * row_bytes + 1);
    if (!copy)
        return -ENOMEM;
    uint64_t no_room = 0;
    struct agg_env env = {.arena = scratch, .no_room = &no_room};
    for (uint32_t i = 0; i < n; i++) {
        uint64_t back = (uint64_t)load_i64(src[i] + s->back_off);
        dst[i] = copy + (size_t)i * row_bytes;
        memcpy(dst[i],
               back == UINT64_MAX ? s->row_init
                                  : s->item + (back % s->items_max + 1) * s->item_bytes - row_bytes,
               row_bytes);
        row[i] = dst[i];
    }
    agg_merge(&s->x->agg, &env, dst, src, n);
    return no_room ? -ENOMEM : 0;
}

/* Rows that have a value move to the front, with their entries; returns how many. */
static uint32_t without_failed(const uint8_t **row, uint32_t *entry, uint32_t n)
{
    uint32_t left = 0;

    for (uint32_t i = 0; i < n; i++) {
        row[left] = row[i];
        entry[left] = entry[i];
        left += !agg_failed(row[i]);
    }
    return left;
}

static int keys_of(const struct agg_state *s, const uint32_t *entry, uint32_t n, struct col *cols,
                   struct arena *scratch)
{
    struct enc_keys e = {.base = (const uint8_t *)s->row_init}; /* the lowest address there is */
    e.off = arena_alloc(scratch, (size_t)n * 4);
    e.len = arena_alloc(scratch, (size_t)n * 4);
    if (!e.off || !e.len)
        return -ENOMEM;
    for (uint32_t i = 0; i < n; i++) {
        const struct tkey *k = &s->t.key[entry[i]];
        e.off[i] = (uint32_t)(tkey_bytes(k) - e.base);
        e.len[i] = k->len;
    }
    return enc_decode_vec(&e, n, s->x->key, cols, scratch);
}

/* The one row of a count over nothing. */
static int emit_nothing(struct agg_state *s, struct vec *out, struct arena *scratch)
{
    const uint8_t *row = s->row_init;

    out->rows = out->sel_cnt = 1;
    return agg_finish(&s->x->agg, &row, 1, out->col, scratch) ? -ENOMEM : 1;
}

/* The rows of these entries, as far as they have a value; or -ENOMEM. */
static int emit_rows(struct agg_state *s, const uint32_t *entry, uint32_t n, struct vec *out,
                     struct arena *scratch)
{
    const struct exchange *x = s->x;
    const uint8_t *row[VEC_ROWS_MAX];
    uint32_t left[VEC_ROWS_MAX], key_leaves = x->key ? type_leaves(x->key) : 0, rows = n;

    if (rows_of(s, entry, n, row, scratch))
        return -ENOMEM;
    if (x->agg.lambda) {
        memcpy(left, entry, n * sizeof *left);
        rows = without_failed(row, left, n);
        entry = left;
    }
    if (x->key && keys_of(s, entry, rows, out->col, scratch))
        return -ENOMEM;
    if (x->value && agg_finish(&x->agg, row, rows, out->col + key_leaves, scratch))
        return -ENOMEM;
    s->failed += n - rows;
    out->rows = out->sel_cnt = rows;
    return 0;
}

/* A row that does not fit the scratch even alone: its records are lost. */
static int skip_row(struct agg_state *s, uint32_t *cursor, struct vec *out)
{
    s->no_room += agg_count(table_row(&s->t, s->touched[(*cursor)++]));
    agg_state_settle(s);
    out->rows = out->sel_cnt = 0;
    return 1;
}

int agg_state_emit(struct agg_state *s, uint32_t *cursor, struct vec *out, struct arena *scratch)
{
    const struct exchange *x = s->x;

    MR_ASSERT(s->phase == AGG_CLOSED);
    if (*cursor == 0)
        emit_prepare(s);
    out->cols_cnt = type_leaves(x->type);
    out->sel = NULL;
    if (*cursor == 0 && !s->touched_cnt && x->emits_empty) {
        *cursor = 1;
        return emit_nothing(s, out, scratch);
    }
    if (*cursor >= s->touched_cnt)
        return 0;
    uint32_t n = s->touched_cnt - *cursor < VEC_ROWS_MAX ? s->touched_cnt - *cursor : VEC_ROWS_MAX;
    size_t mark = scratch->used;
    /* long keys and strings may not all fit the scratch at once */
    for (; n && emit_rows(s, s->touched + *cursor, n, out, scratch); n /= 2)
        scratch->used = mark;
    if (!n)
        return skip_row(s, cursor, out);
    *cursor += n;
    return (int)n;
}
