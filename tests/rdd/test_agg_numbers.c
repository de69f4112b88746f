// Numbers into rows against one record after the other, leaf by leaf.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "rdd/agg_cell.h"
#include "rdd/agg_numbers.h"
#include "rdd/fsum.h"
#include "tests/prng.h"
#include "tests/rdd/expr_harness.h"
#include "tests/test.h"

#define ROWS       7u
#define LEAVES_MAX 9u
#define ROW_BYTES  (8u + LEAVES_MAX * 80u)

static const struct {
    enum agg_fn fn;
    enum type_kind kind;
} leaves[] = {{AGG_SUM_INT, TYPE_INT}, {AGG_MIN, TYPE_INT},     {AGG_MAX, TYPE_TIME},
              {AGG_AND, TYPE_BOOL},    {AGG_OR, TYPE_BOOL},     {AGG_MIN, TYPE_FLOAT},
              {AGG_MAX, TYPE_FLOAT},   {AGG_MIN, TYPE_BOOL},    {AGG_SUM_FLOAT, TYPE_FLOAT},
              {AGG_MIN, TYPE_STRING},  {AGG_SUM_INT, TYPE_INT}, {AGG_SUM_FLOAT, TYPE_FLOAT}};

#define KINDS_CNT (sizeof leaves / sizeof *leaves)

struct trial {
    struct prng p;
    struct agg_spec a;
    struct col cols[LEAVES_MAX];
    struct vec v;
    uint16_t sel[VEC_ROWS_MAX];
    uint8_t *row[VEC_ROWS_MAX], *first;
    int64_t words[LEAVES_MAX][VEC_ROWS_MAX];
};

// Any bits: numbers of all sizes, infinities, both zeros, NaN of any sign and payload.
static double draw_float(struct prng *p)
{
    static const double some[] = {0, -0.0, INFINITY, -INFINITY, 1.5, -1.5};
    uint64_t bits = prng_u64(p) | (prng_chance(p, 20) ? 0x7ff0000000000000u : 0);
    double f;

    if (prng_chance(p, 30))
        return some[prng_below(p, sizeof some / sizeof *some)];
    if (prng_chance(p, 60))
        return (double)prng_between(p, -999, 999) / 10;
    memcpy(&f, &bits, sizeof f);
    return f;
}

// Leaves of any kind, words and sums of floats mixed, with other accumulators between them.
static void spec_make(struct trial *t)
{
    uint32_t off = 8;

    t->a = (struct agg_spec){.leaves_cnt = (uint32_t)prng_below(&t->p, LEAVES_MAX + 1)};
    for (uint32_t k = 0; k < t->a.leaves_cnt; k++) {
        uint64_t as = prng_below(&t->p, KINDS_CNT);
        enum agg_fn fn = leaves[as].fn;
        uint32_t bytes = fn == AGG_SUM_FLOAT              ? sizeof(struct fsum)
                         : leaves[as].kind == TYPE_STRING ? 16
                                                          : 8;
        t->a.leaf[k] = (struct agg_leaf){fn, leaves[as].kind, off, bytes};
        off += bytes;
    }
    t->a.row_bytes = off;
}

static void columns_make(struct trial *t)
{
    for (uint32_t k = 0; k < t->a.leaves_cnt; k++) {
        enum type_kind kind = t->a.leaf[k].kind;
        t->cols[k] = (struct col){.kind = kind, .i = t->words[k]};
        if (kind == TYPE_FLOAT && k && t->cols[k - 1].kind == TYPE_FLOAT &&
            prng_chance(&t->p, 50)) { // the same column for two leaves
            t->cols[k].f = t->cols[k - 1].f;
            continue;
        }
        for (uint32_t r = 0; r < VEC_ROWS_MAX; r++) {
            double f = draw_float(&t->p);
            if (kind == TYPE_FLOAT)
                memcpy(&t->words[k][r], &f, sizeof f);
            else
                t->words[k][r] =
                    kind == TYPE_BOOL ? prng_chance(&t->p, 50) : (int64_t)prng_u64(&t->p);
        }
    }
}

// Rows of a vector, all or some, each to one of a few rows of accumulators.
static void rows_make(struct trial *t)
{
    bool some = prng_chance(&t->p, 50);
    uint32_t rows = (uint32_t)prng_below(&t->p, prng_chance(&t->p, 50) ? 12 : VEC_ROWS_MAX + 1);

    t->v = (struct vec){.rows = rows, .sel = some ? t->sel : NULL};
    for (uint32_t r = 0; r < rows; r++) {
        if (some && prng_chance(&t->p, 50))
            continue;
        t->sel[t->v.sel_cnt] = (uint16_t)r;
        t->row[t->v.sel_cnt++] = t->first + prng_below(&t->p, ROWS) * t->a.row_bytes;
    }
}

static int64_t combined(enum agg_fn fn, int64_t acc, int64_t x)
{
    switch (fn) {
    case AGG_SUM_INT: return (int64_t)((uint64_t)acc + (uint64_t)x);
    case AGG_MIN: return x < acc ? x : acc;
    case AGG_MAX: return x > acc ? x : acc;
    case AGG_AND: return acc & x;
    default: return acc | x;
    }
}

static void add_one(const struct trial *t, uint8_t *row, uint32_t r)
{
    store_i64(row, load_i64(row) + 1);
    for (uint32_t k = 0; k < t->a.leaves_cnt; k++) {
        const struct agg_leaf *l = &t->a.leaf[k];
        const struct col *c = &t->cols[k];
        uint8_t *cell = row + l->off;
        if (l->kind == TYPE_STRING)
            continue;
        if (l->fn == AGG_SUM_FLOAT) {
            struct fsum s;
            memcpy(&s, cell, sizeof s);
            fsum_add(&s, c->f[r]);
            memcpy(cell, &s, sizeof s);
        } else {
            int64_t x = l->kind == TYPE_FLOAT ? float_ordered(c->f[r]) : c->i[r];
            store_i64(cell, combined(l->fn, load_i64(cell), x));
        }
    }
}

// Words hold anything before, bools a bool, sums of floats what comes of some.
static void row_fill(struct trial *t, uint8_t *row)
{
    prng_fill(&t->p, row, t->a.row_bytes);
    for (uint32_t k = 0; k < t->a.leaves_cnt; k++) {
        struct fsum s = {.top = 0};
        if (t->a.leaf[k].kind == TYPE_BOOL)
            store_i64(row + t->a.leaf[k].off, prng_chance(&t->p, 50));
        if (t->a.leaf[k].fn != AGG_SUM_FLOAT)
            continue;
        for (uint32_t i = 0; i < 3; i++)
            fsum_add(&s, draw_float(&t->p));
        memcpy(row + t->a.leaf[k].off, &s, sizeof s);
    }
}

TEST(agg_numbers, one_after_the_other)
{
    struct trial *t = malloc(sizeof *t);

    t->p = prng_of(prng_seed(65));
    for (int round = 0; round < 600; round++) {
        spec_make(t);
        columns_make(t);
        size_t bytes = (size_t)t->a.row_bytes * ROWS; // nothing may be touched behind it
        uint8_t *before = malloc(bytes), *expected = malloc(bytes);
        t->first = malloc(bytes);
        rows_make(t);
        for (uint32_t i = 0; i < ROWS; i++)
            row_fill(t, before + (size_t)i * t->a.row_bytes);
        memcpy(expected, before, bytes);
        for (uint32_t i = 0; i < t->v.sel_cnt; i++)
            add_one(t, expected + (t->row[i] - t->first), vec_row(&t->v, i));
        for (simd_first(); simd_next();) {
            memcpy(t->first, before, bytes);
            agg_numbers_update(&t->a, t->row, t->cols, &t->v);
            EXPECT_EQ_MEM(t->first, expected, bytes);
        }
        free(before);
        free(expected);
        free(t->first);
    }
    free(t);
}
