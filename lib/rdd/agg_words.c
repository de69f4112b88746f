#include "rdd/agg_words.h"
#include "base/assert.h"
#include "rdd/agg_cell.h"
#include "rdd/agg_pairs.h"
#include "rdd/word_code.h"

/* The values of a vector while they meet: words by leaf, and records with the flag of failure. */
struct words {
    const struct agg_spec *a;
    struct agg_env *env;
    uint32_t rows;
    struct col in[2 * TYPE_LEAVES_MAX]; /* what the lambda is given: lefts, then rights */
    int64_t *val[TYPE_LEAVES_MAX];
    uint64_t *count;
};

bool agg_words_fit(const struct agg_spec *a)
{
    for (uint32_t k = 0; k < a->leaves_cnt; k++)
        if (cell_bytes(a->leaf[k].kind) != sizeof(int64_t))
            return false;
    return true;
}

static uint64_t records_sum(uint64_t x, uint64_t y, bool failed)
{
    uint64_t fails = (x | y) & AGG_FAILED;

    return ((x + y) & ~AGG_FAILED) | fails | (failed ? AGG_FAILED : 0);
}

/* All memory at once; false when the scratch is full. */
static bool begin(struct words *w, const struct col *cols, const struct vec *v)
{
    uint32_t leaves = w->a->leaves_cnt, n = v->sel_cnt;
    struct arena *arena = w->env->arena;

    w->rows = n;
    w->count = arena_alloc(arena, (n + 1) * sizeof *w->count);
    for (uint32_t k = 0; k < 2 * leaves; k++)
        if (col_alloc(&w->in[k], w->a->leaf[k % leaves].kind, n + 1, arena))
            return false;
    for (uint32_t k = 0; k < leaves; k++) {
        w->val[k] = arena_alloc(arena, (n + 1) * sizeof *w->val[k]);
        if (!w->val[k])
            return false;
        for (uint32_t i = 0; i < n; i++)
            w->val[k][i] = cols[k].i[vec_row(v, i)];
    }
    for (uint32_t i = 0; w->count && i < n; i++)
        w->count[i] = 1;
    return w->count;
}

/* f of the n pairs in w->in. False when the scratch is full. */
static bool compute(struct words *w, uint32_t n, struct col *out, uint8_t *failed)
{
    struct vec v = {.rows = n, .cols_cnt = 2 * w->a->leaves_cnt, .col = w->in, .sel_cnt = n};
    struct eval ev = {.arena = w->env->arena, .rows = n, .sel_cnt = n, .failed = failed};

    memset(failed, 0, n);
    lambda_eval(&ev, w->a->lambda, &v, out);
    return !ev.no_memory;
}

/* The pairs of a round: the right one's value and records come into the left one's. */
static void meet(struct words *w, const struct agg_pairs *p)
{
    struct arena *arena = w->env->arena;
    uint32_t leaves = w->a->leaves_cnt, n = p->cnt;
    struct col out[TYPE_LEAVES_MAX];
    uint8_t failed[VEC_ROWS_MAX];
    size_t mark = arena->used;

    for (uint32_t k = 0; k < leaves; k++)
        for (uint32_t i = 0; i < n; i++) {
            w->in[k].i[i] = w->val[k][p->left[i]];
            w->in[leaves + k].i[i] = w->val[k][p->right[i]];
        }
    bool done = compute(w, n, out, failed);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t *count = &w->count[p->left[i]], right = w->count[p->right[i]];
        *w->env->no_room += done ? 0 : right & ~AGG_FAILED;
        *count = records_sum(*count, right, done && failed[i]);
    }
    for (uint32_t k = 0; done && k < leaves; k++)
        for (uint32_t i = 0; i < n; i++)
            w->val[k][p->left[i]] = out[k].i[i];
    arena->used = mark;
}

/* A value for an empty row is its first. */
static void take_over(const struct words *w, uint8_t *row, uint32_t i)
{
    store_i64(row, (int64_t)w->count[i]);
    for (uint32_t k = 0; k < w->a->leaves_cnt; k++)
        store_i64(row + w->a->leaf[k].off, w->val[k][i]);
}

/* What is left of each key comes into its row. */
static void into_rows(struct words *w, uint8_t *const *row, const struct agg_pairs *p)
{
    uint32_t leaves = w->a->leaves_cnt, n = 0;
    uint8_t *d[VEC_ROWS_MAX], failed[VEC_ROWS_MAX];
    uint16_t from[VEC_ROWS_MAX];
    struct col out[TYPE_LEAVES_MAX];

    for (uint32_t i = 0; i < p->roots_cnt; i++) {
        d[n] = row[p->root[i]];
        from[n] = p->root[i];
        if (__builtin_expect(load_i64(d[n]) == 0, 0))
            take_over(w, d[n], from[n]);
        else
            n++;
    }
    for (uint32_t k = 0; k < leaves; k++)
        for (uint32_t i = 0; i < n; i++) {
            w->in[k].i[i] = load_i64(d[i] + w->a->leaf[k].off);
            w->in[leaves + k].i[i] = w->val[k][from[i]];
        }
    bool done = compute(w, n, out, failed);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t count = w->count[from[i]];
        *w->env->no_room += done ? 0 : count & ~AGG_FAILED;
        store_i64(d[i], (int64_t)records_sum((uint64_t)load_i64(d[i]), count, done && failed[i]));
    }
    for (uint32_t k = 0; done && k < leaves; k++)
        for (uint32_t i = 0; i < n; i++)
            store_i64(d[i] + w->a->leaf[k].off, out[k].i[i]);
}

/* --- one value after the other ------------------------------------------------------------------
 */

#define FOLD_AHEAD 16u /* rows that are fetched before they are needed */

/* Record r of the columns comes into its row. */
static inline __attribute__((always_inline)) void fold_one(struct word_code *f,
                                                           const struct agg_leaf *leaf,
                                                           uint32_t leaves, uint8_t *row,
                                                           const struct col *cols, uint32_t r)
{
    uint64_t count = (uint64_t)load_i64(row), failed = 0;

    if (__builtin_expect(count == 0, 0)) {
        for (uint32_t k = 0; k < leaves; k++)
            store_i64(row + leaf[k].off, cols[k].i[r]);
    } else {
        for (uint32_t k = 0; k < leaves; k++) {
            f->slot[k] = load_i64(row + leaf[k].off);
            f->slot[leaves + k] = cols[k].i[r];
        }
        failed = word_code_run(f) ? 0 : AGG_FAILED;
        for (uint32_t k = 0; !failed && k < leaves; k++)
            store_i64(row + leaf[k].off, f->slot[f->result[k]]);
    }
    store_i64(row, (int64_t)((count + 1) | failed));
}

static inline __attribute__((always_inline)) void fold_all(struct word_code *f,
                                                           const struct agg_leaf *leaf,
                                                           uint32_t leaves, uint8_t *const *row,
                                                           const struct col *cols,
                                                           const struct vec *v)
{
    const uint16_t *sel = v->sel;
    uint32_t n = v->sel_cnt;

    for (uint32_t i = 0; i < n; i++) {
        __builtin_prefetch(row[i + FOLD_AHEAD < n ? i + FOLD_AHEAD : i]);
        fold_one(f, leaf, leaves, row[i], cols, sel ? sel[i] : i);
    }
}

static void meet_all(struct words *w, uint8_t *const *row, const struct col *cols,
                     const struct vec *v)
{
    struct agg_pairs p;

    if (!begin(w, cols, v)) {
        *w->env->no_room += v->sel_cnt;
        return;
    }
    agg_pairs_begin(&p, row, v->sel_cnt);
    while (agg_pairs_round(&p))
        meet(w, &p);
    into_rows(w, row, &p);
}

void agg_words_update(const struct agg_spec *a, struct agg_env *env, uint8_t *const *row,
                      const struct col *cols, const struct vec *v)
{
    struct word_code f;

    if (!word_code_make(&f, a->lambda)) {
        struct words w = {.a = a, .env = env};
        meet_all(&w, row, cols, v);
    } else if (a->leaves_cnt == 1) {
        struct agg_leaf leaf = a->leaf[0];
        struct col col = cols[0];
        fold_all(&f, &leaf, 1, row, &col, v);
    } else {
        fold_all(&f, a->leaf, a->leaves_cnt, row, cols, v);
    }
}
