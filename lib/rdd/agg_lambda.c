#include "rdd/agg_lambda.h"
#include "base/assert.h"
#include "rdd/agg_cell.h"
#include "rdd/agg_pairs.h"
#include "rdd/agg_words.h"

enum { PAIR_DONE, PAIR_FAILED, PAIR_NO_ROOM };

/* Is the value that row i gets the one that it has? Then its bytes are on the heap already. */
static bool is_own(const uint8_t *cell, const struct col *c, uint32_t i)
{
    struct cell_str s;

    memcpy(&s, cell, sizeof s);
    return s.ptr == c->s.base + c->s.off[i] && s.len == c->s.len[i];
}

/* Row i of out becomes the value of dst: all of it, or nothing if the heap has no room. */
static bool store(const struct agg_spec *a, struct heap *heap, uint8_t *dst, const struct col *out,
                  uint32_t i)
{
    uint64_t need = 0;

    for (uint32_t k = 0; heap && k < a->leaves_cnt; k++)
        if (out[k].kind == TYPE_STRING && !is_own(dst + a->leaf[k].off, &out[k], i))
            need += out[k].s.len[i];
    if (heap && need > heap->bytes - heap->used)
        return false;
    for (uint32_t k = 0; k < a->leaves_cnt; k++) {
        uint8_t *cell = dst + a->leaf[k].off;
        if (heap && out[k].kind == TYPE_STRING) {
            struct cell_str s = {.len = out[k].s.len[i], .present = 1};
            if (is_own(cell, &out[k], i))
                continue;
            s.ptr = heap_copy(heap, out[k].s.base + out[k].s.off[i], s.len);
            memcpy(cell, &s, sizeof s);
        } else {
            cell_load_col(cell, &out[k], i);
        }
    }
    return true;
}

/* Combines n pairs of rows of cells: dst[i] = f(dst[i], src[i]); says of each how it went. Strings
 * go to the heap, or are views of the arena without one. */
static void combine(const struct agg_spec *a, const struct lambda *f, struct arena *arena,
                    struct heap *heap, uint8_t *const *dst, const uint8_t *const *src, uint32_t n,
                    uint8_t *pair)
{
    uint32_t leaves = a->leaves_cnt;
    struct col in[2 * TYPE_LEAVES_MAX], out[TYPE_LEAVES_MAX];
    const uint8_t *cell[VEC_ROWS_MAX];

    MR_ASSERT(n <= VEC_ROWS_MAX);
    memset(pair, PAIR_NO_ROOM, n);
    for (uint32_t side = 0; side < 2; side++)
        for (uint32_t k = 0; k < leaves; k++) {
            struct col *c = &in[side * leaves + k];
            for (uint32_t i = 0; i < n; i++)
                cell[i] = (side ? src[i] : dst[i]) + a->leaf[k].off;
            if (col_alloc(c, a->leaf[k].kind, n, arena) || cells_to_col(cell, n, c, arena))
                return;
        }
    uint8_t failed[VEC_ROWS_MAX] = {0};
    struct vec v = {.rows = n, .cols_cnt = 2 * leaves, .col = in, .sel_cnt = n};
    struct eval ev = {.arena = arena, .rows = n, .sel_cnt = n, .failed = failed};
    lambda_eval(&ev, f, &v, out);
    for (uint32_t i = 0; i < n && !ev.no_memory; i++)
        if (failed[i])
            pair[i] = PAIR_FAILED;
        else if (store(a, heap, dst[i], out, i))
            pair[i] = PAIR_DONE;
}

/* The records of src come to those of dst, or leave them. */
static void add_records(uint8_t *dst, const uint8_t *src, bool failed, bool inverse)
{
    uint64_t n = agg_count(src);
    uint64_t sum = (agg_count(dst) + (inverse ? -n : n)) & ~AGG_FAILED;

    if (failed || agg_failed(dst) || agg_failed(src))
        sum |= AGG_FAILED;
    store_i64(dst, (int64_t)sum);
}

/* dst[i] = f(dst[i], src[i]), rows with their counts. What has failed already is not computed. */
static void combine_rows(const struct agg_spec *a, const struct lambda *f, struct agg_env *env,
                         struct heap *heap, uint8_t *const *dst, const uint8_t *const *src,
                         uint32_t n, bool inverse)
{
    uint8_t *d[VEC_ROWS_MAX], pair[VEC_ROWS_MAX];
    const uint8_t *s[VEC_ROWS_MAX];
    uint32_t pairs = 0;

    for (uint32_t i = 0; i < n; i++)
        if (!agg_failed(dst[i]) && !agg_failed(src[i])) {
            d[pairs] = dst[i];
            s[pairs++] = src[i];
        }
    combine(a, f, env->arena, heap, d, s, pairs, pair);
    for (uint32_t i = 0, k = 0; i < n; i++) {
        bool computed = k < pairs && d[k] == dst[i];
        if (computed && pair[k] == PAIR_NO_ROOM)
            *env->no_room += agg_count(src[i]);
        add_records(dst[i], src[i], computed && pair[k] == PAIR_FAILED, inverse);
        k += computed;
    }
}

/* The first value of an empty row. */
static void take_over(const struct agg_spec *a, struct agg_env *env, uint8_t *dst,
                      const uint8_t *src)
{
    memcpy(dst, src, a->row_bytes);
    if (a->has_strings && env->heap && agg_row_adopt(a, dst, env->heap))
        *env->no_room += agg_count(src);
}

void agg_lambda_merge(const struct agg_spec *a, const struct lambda *f, struct agg_env *env,
                      uint8_t *const *dst, const uint8_t *const *src, uint32_t n, bool inverse)
{
    uint8_t *d[VEC_ROWS_MAX];
    const uint8_t *s[VEC_ROWS_MAX];

    for (uint32_t from = 0; from < n; from += VEC_ROWS_MAX) {
        uint32_t pairs = 0, to = n - from < VEC_ROWS_MAX ? n : from + VEC_ROWS_MAX;
        for (uint32_t i = from; i < to; i++) {
            if (!agg_count(src[i]))
                continue;
            if (!agg_count(dst[i])) {
                take_over(a, env, dst[i], src[i]);
                continue;
            }
            d[pairs] = dst[i];
            s[pairs++] = src[i];
        }
        combine_rows(a, f, env, env->heap, d, s, pairs, inverse);
    }
}

/* Values with strings or addresses meet as rows of cells. */
static void update_cells(const struct agg_spec *a, struct agg_env *env, uint8_t *const *row,
                         const struct col *cols, const struct vec *v)
{
    uint8_t *cells = arena_alloc(env->arena, (size_t)v->sel_cnt * a->row_bytes + 1);
    uint8_t *d[VEC_ROWS_MAX];
    const uint8_t *s[VEC_ROWS_MAX];
    struct agg_pairs p;

    if (!cells) {
        *env->no_room += v->sel_cnt;
        return;
    }
    for (uint32_t i = 0; i < v->sel_cnt; i++) {
        uint8_t *one = cells + (size_t)i * a->row_bytes;
        store_i64(one, 1);
        for (uint32_t k = 0; k < a->leaves_cnt; k++)
            cell_load_col(one + a->leaf[k].off, &cols[k], vec_row(v, i));
    }
    agg_pairs_begin(&p, row, v->sel_cnt);
    while (agg_pairs_round(&p)) {
        for (uint32_t i = 0; i < p.cnt; i++) {
            d[i] = cells + (size_t)p.left[i] * a->row_bytes;
            s[i] = cells + (size_t)p.right[i] * a->row_bytes;
        }
        combine_rows(a, a->lambda, env, NULL, d, s, p.cnt, false);
    }
    for (uint32_t i = 0; i < p.roots_cnt; i++) {
        d[i] = row[p.root[i]];
        s[i] = cells + (size_t)p.root[i] * a->row_bytes;
    }
    agg_lambda_merge(a, a->lambda, env, d, s, p.roots_cnt, false);
}

void agg_lambda_update(const struct agg_spec *a, struct agg_env *env, uint8_t *const *row,
                       const struct col *cols, const struct vec *v)
{
    if (agg_words_fit(a))
        agg_words_update(a, env, row, cols, v);
    else
        update_cells(a, env, row, cols, v);
}
