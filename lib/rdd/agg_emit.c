/*
 * Emission: the rows of a closed interval, a vector at a time.
 */
#include <errno.h>

#include "base/assert.h"
#include "rdd/agg_admit.h"
#include "rdd/agg_cell.h"
#include "rdd/agg_items.h"

static int by_key(const void *ctx, uint32_t a, uint32_t b)
{
    const struct table *t = ctx;
    return tkey_cmp(table_key(t, a), table_key(t, b));
}

static void fetch_key(const void *ctx, uint32_t a)
{
    __builtin_prefetch(table_key(ctx, a));
}

/* The order in which entries leave, where that matters: a step of it; true: there is more to do. It
 * is sorted between touched and fresh, which nobody needs any more. */
static bool emit_prepare(struct agg_state *s)
{
    const struct sort_order by_keys = {.cmp = by_key, .ahead = fetch_key, .ctx = &s->t};
    struct agg_order *o = &s->order;

    if (!s->x->sorted || o->is_sorted)
        return false;
    if (o->is_gathered) {
        o->is_sorted = !sort_step(&o->sort, &by_keys);
        return !o->is_sorted;
    }
    if (!o->at)
        s->touched_cnt = 0;
    for (uint32_t n = 0; n < AGG_SCAN && o->at < s->t.entries; n++, o->at++)
        if (table_is_live(&s->t, o->at))
            s->touched[s->touched_cnt++] = o->at;
    o->is_gathered = o->at == s->t.entries;
    if (o->is_gathered)
        sort_begin(&o->sort, s->touched, (uint32_t *)(void *)s->fresh, s->touched_cnt);
    return true;
}

/* Those that are taken of the entries from `at` to `end`. Most are not: what tells is read first.
 */
static uint32_t take_best(struct agg_state *s, struct agg_best *best, uint32_t at, uint32_t end,
                          uint32_t *entry)
{
    const uint8_t *value = table_row(&s->t, at) + s->x->best.off;
    uint32_t n = 0, first = at;
    int64_t most = INT64_MIN;

    for (; at < end; at++, value += s->t.stride) {
        int64_t v = load_i64(value);
        const struct tkey *key = table_key(&s->t, at);
        most = v > most ? v : most;
        if (__builtin_expect(agg_best_is_out(best, v, key), 1) || !table_is_live(&s->t, at))
            continue;
        entry[n] = at;
        n += agg_best_takes(best, v, key);
    }
    bool whole = first % AGG_MOST == 0 && (end % AGG_MOST == 0 || end == s->t.entries);
    if (s->most && whole)
        s->most[first / AGG_MOST] = most;
    return n;
}

/* As emit_next, of those that are taken. */
static uint32_t emit_best(struct agg_state *s, struct agg_best *best, uint32_t *at, uint32_t *entry)
{
    uint32_t n = 0, left = s->t.entries - *at, end = *at + (left < AGG_SCAN ? left : AGG_SCAN);

    while (*at < end && n <= VEC_ROWS_MAX - AGG_MOST) {
        uint32_t next = (*at / AGG_MOST + 1) * AGG_MOST, stop = next < end ? next : end;
        if (!s->most || s->most[*at / AGG_MOST] >= best->floor)
            n += take_best(s, best, *at, stop, entry + n);
        *at = stop;
    }
    return n;
}

/* The entries from *at on, in that order or as they are numbered: a vector of them, or what is
 * found among AGG_SCAN, for most may have left. */
static uint32_t emit_next(struct agg_state *s, struct agg_best *best, uint32_t *at, uint32_t *entry)
{
    uint32_t n = 0;

    if (best && agg_ranks_totals(s->x))
        return emit_best(s, best, at, entry);
    if (s->x->sorted) {
        for (; *at < s->touched_cnt && n < VEC_ROWS_MAX; ++*at)
            entry[n++] = s->order.sort.from[*at];
        return n;
    }
    for (uint32_t i = 0; *at < s->t.entries && n < VEC_ROWS_MAX && i < AGG_SCAN; ++*at, i++)
        if (table_is_live(&s->t, *at))
            entry[n++] = *at;
    return n;
}

/* Rows as they leave: with two stacks, suffix, mid and total combined in the scratch; their strings
 * are views. */
static int rows_of(struct agg_state *s, const uint32_t *entry, uint32_t n, const uint8_t **row,
                   struct arena *scratch)
{
    uint32_t row_bytes = s->x->agg.row_bytes;
    uint8_t *dst[VEC_ROWS_MAX];
    const uint8_t *total[VEC_ROWS_MAX], *mid[VEC_ROWS_MAX];

    for (uint32_t i = 0; i < n; i++)
        total[i] = row[i] = table_row(&s->t, entry[i]);
    if (!agg_is_stack(s->x))
        return 0;
    uint8_t *copy = arena_alloc(scratch, (size_t)n * row_bytes + 1);
    if (!copy)
        return -ENOMEM;
    uint64_t no_room = 0;
    struct agg_env env = {.arena = scratch, .no_room = &no_room};
    for (uint32_t i = 0; i < n; i++) {
        const struct agg_links *l = agg_links(s, entry[i]);
        row[i] = dst[i] = copy + (size_t)i * row_bytes;
        mid[i] = total[i] + s->mid_off;
        memcpy(dst[i], l->back == AGG_NO_ITEM ? s->row_init : agg_item_row(s, l->back), row_bytes);
    }
    agg_merge(&s->x->agg, &env, dst, mid, n);
    agg_merge(&s->x->agg, &env, dst, total, n);
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

/* Rows that are taken move to the front, with their entries; returns how many. */
static uint32_t only_best(const struct agg_state *s, struct agg_best *best, const uint8_t **row,
                          uint32_t *entry, uint32_t n)
{
    uint32_t left = 0;

    for (uint32_t i = 0; i < n; i++) {
        int64_t v = load_i64(row[i] + s->x->best.off);
        const struct tkey *key = table_key(&s->t, entry[i]);
        row[left] = row[i];
        entry[left] = entry[i];
        left += !agg_best_is_out(best, v, key) && agg_best_takes(best, v, key);
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
        const struct tkey *k = table_key(&s->t, entry[i]);
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

/* The rows of these entries, as far as they have a value and are wanted; or -ENOMEM. */
static int emit_rows(struct agg_state *s, const uint32_t *entry, uint32_t n, struct agg_best *best,
                     struct vec *out, struct arena *scratch)
{
    const struct exchange *x = s->x;
    const uint8_t *row[VEC_ROWS_MAX];
    uint32_t left[VEC_ROWS_MAX], key_leaves = x->key ? type_leaves(x->key) : 0, rows = n;

    if (rows_of(s, entry, n, row, scratch))
        return -ENOMEM;
    memcpy(left, entry, n * sizeof *left);
    if (x->agg.lambda)
        rows = without_failed(row, left, n);
    uint32_t failed = n - rows;
    if (best && !agg_ranks_totals(s->x))
        rows = only_best(s, best, row, left, rows);
    if (x->key && keys_of(s, left, rows, out->col, scratch))
        return -ENOMEM;
    if (x->value && agg_finish(&x->agg, row, rows, out->col + key_leaves, scratch))
        return -ENOMEM;
    s->failed += failed;
    out->rows = out->sel_cnt = rows;
    return 0;
}

/* A row that does not fit the scratch even alone: its records are lost. */
static int skip_row(struct agg_state *s, uint32_t entry, struct vec *out)
{
    s->no_room += agg_records(s, entry);
    agg_state_settle(s);
    out->rows = out->sel_cnt = 0;
    return 1;
}

int agg_state_emit(struct agg_state *s, uint32_t *cursor, struct agg_best *best, struct vec *out,
                   struct arena *scratch)
{
    const struct exchange *x = s->x;
    uint32_t entry[VEC_ROWS_MAX], at = *cursor;

    MR_ASSERT(s->phase == AGG_CLOSED);
    out->cols_cnt = type_leaves(x->type);
    out->sel = NULL;
    out->rows = out->sel_cnt = 0;
    if (emit_prepare(s))
        return 1;
    if (*cursor == 0 && !s->t.live && x->emits_empty) {
        *cursor = UINT32_MAX;
        return emit_nothing(s, out, scratch);
    }
    uint32_t n = emit_next(s, best, &at, entry);
    if (!n) {
        *cursor = at;
        return !x->sorted && at < s->t.entries;
    }
    size_t mark = scratch->used;
    uint32_t all = n;
    /* long keys and strings may not all fit the scratch at once */
    for (; n && emit_rows(s, entry, n, best, out, scratch); n /= 2) {
        scratch->used = mark;
        if (best) /* they come again, now or later */
            agg_best_reset(best);
    }
    if (n != all) { /* on behind the last one that is done with */
        uint32_t done = n ? n : 1;
        at = x->sorted ? *cursor + done : entry[done - 1] + 1;
    }
    *cursor = at;
    return n ? (int)n : skip_row(s, entry[0], out);
}
