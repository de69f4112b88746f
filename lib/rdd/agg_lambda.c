#include <stdlib.h>

#include "base/assert.h"
#include "rdd/agg_cell.h"
#include "rdd/agg_lambda.h"

/* Combines n pairs of cells rows: dst[i] = f(dst[i], src[i]); flags failures. Strings of the
 * result are views of the arena. Returns false when the arena was full. */
static bool combine(const struct agg_spec *a, const struct lambda *f, struct agg_env *env,
                    uint8_t *const *dst, const uint8_t *const *src, uint32_t n, uint8_t *failed)
{
    uint32_t leaves = a->leaves_cnt;
    struct col in[2 * TYPE_LEAVES_MAX], out[TYPE_LEAVES_MAX];
    const uint8_t *cell[VEC_ROWS_MAX];

    MR_ASSERT(n <= VEC_ROWS_MAX);
    for (uint32_t side = 0; side < 2; side++)
        for (uint32_t k = 0; k < leaves; k++) {
            struct col *c = &in[side * leaves + k];
            for (uint32_t i = 0; i < n; i++)
                cell[i] = (side ? src[i] : dst[i]) + a->leaf[k].off;
            if (col_alloc(c, a->leaf[k].kind, n, env->arena) ||
                cells_to_col(cell, n, c, env->arena))
                return false;
        }
    struct vec v = {.rows = n, .cols_cnt = 2 * leaves, .col = in, .sel_cnt = n};
    struct eval ev = {
        .arena = env->arena, .rows = n, .sel_cnt = n, .failed = failed, .failed_cnt = 0};
    memset(failed, 0, n);
    lambda_eval(&ev, f, &v, out);
    if (ev.no_memory)
        return false;
    for (uint32_t k = 0; k < leaves; k++)
        for (uint32_t i = 0; i < n; i++)
            if (!failed[i])
                cell_load_col(dst[i] + a->leaf[k].off, &out[k], i);
    return true;
}

/* Strings of dst become the heap's own. */
static void settle(const struct agg_spec *a, struct agg_env *env, uint8_t *dst)
{
    if (a->has_strings && agg_row_adopt(a, dst, env->heap))
        ++*env->failed;
}

void agg_lambda_merge(const struct agg_spec *a, const struct lambda *f, struct agg_env *env,
                      uint8_t *const *dst, const uint8_t *const *src, uint32_t n, bool inverse)
{
    uint8_t *d[VEC_ROWS_MAX], failed[VEC_ROWS_MAX];
    const uint8_t *s[VEC_ROWS_MAX];

    for (uint32_t from = 0; from < n; from += VEC_ROWS_MAX) {
        uint32_t pairs = 0, to = n - from < VEC_ROWS_MAX ? n : from + VEC_ROWS_MAX;
        for (uint32_t i = from; i < to; i++) {
            if (!agg_count(src[i]))
                continue;
            if (!agg_count(dst[i])) {
                memcpy(dst[i], src[i], a->row_bytes);
                settle(a, env, dst[i]);
                continue;
            }
            d[pairs] = dst[i];
            s[pairs++] = src[i];
        }
        if (!combine(a, f, env, d, s, pairs, failed)) {
            *env->failed += pairs;
            continue;
        }
        for (uint32_t i = 0; i < pairs; i++) {
            int64_t records = load_i64(s[i]);
            *env->failed += failed[i] ? (uint64_t)records : 0;
            settle(a, env, d[i]);
            store_i64(d[i], load_i64(d[i]) + (inverse ? -records : records));
        }
    }
}

struct member {
    uint8_t *row; /* the row that it goes to */
    uint32_t at;  /* its place in the vector */
};

static int by_row(const void *x, const void *y)
{
    const struct member *a = x, *b = y;

    if (a->row != b->row)
        return a->row < b->row ? -1 : 1;
    return a->at < b->at ? -1 : a->at > b->at;
}

/* One round: neighbours 2j and 2j + 1 of each key combine; returns how many are left. */
static uint32_t halve(const struct agg_spec *a, struct agg_env *env, struct member *m,
                      uint8_t *cells, uint32_t n)
{
    uint8_t *d[VEC_ROWS_MAX], failed[VEC_ROWS_MAX];
    const uint8_t *s[VEC_ROWS_MAX];
    uint32_t pairs = 0, left = 0;

    for (uint32_t i = 0; i < n; left++) {
        bool pair = i + 1 < n && m[i].row == m[i + 1].row;
        m[left] = m[i];
        if (pair) {
            d[pairs] = cells + (size_t)m[i].at * a->row_bytes;
            s[pairs++] = cells + (size_t)m[i + 1].at * a->row_bytes;
        }
        i += pair ? 2 : 1;
    }
    if (!pairs)
        return left;
    if (!combine(a, a->lambda, env, d, s, pairs, failed))
        memset(failed, 1, pairs);
    for (uint32_t i = 0; i < pairs; i++) {
        *env->failed += failed[i] ? (uint64_t)load_i64(s[i]) : 0;
        store_i64(d[i], load_i64(d[i]) + load_i64(s[i]));
    }
    return left;
}

void agg_lambda_update(const struct agg_spec *a, struct agg_env *env, uint8_t *const *row,
                       const struct col *cols, const struct vec *v)
{
    uint32_t n = v->sel_cnt;
    uint8_t *cells = arena_alloc(env->arena, (size_t)n * a->row_bytes + 1);
    struct member m[VEC_ROWS_MAX];

    if (!cells) {
        *env->failed += n;
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        uint8_t *one = cells + (size_t)i * a->row_bytes;
        store_i64(one, 1);
        for (uint32_t k = 0; k < a->leaves_cnt; k++)
            cell_load_col(one + a->leaf[k].off, &cols[k], vec_row(v, i));
        m[i] = (struct member){row[i], i};
    }
    qsort(m, n, sizeof m[0], by_row);
    for (uint32_t left = halve(a, env, m, cells, n); left < n; left = halve(a, env, m, cells, n))
        n = left;
    uint8_t *d[VEC_ROWS_MAX];
    const uint8_t *s[VEC_ROWS_MAX];
    for (uint32_t i = 0; i < n; i++) {
        d[i] = m[i].row;
        s[i] = cells + (size_t)m[i].at * a->row_bytes;
    }
    agg_lambda_merge(a, a->lambda, env, d, s, n, false);
}
