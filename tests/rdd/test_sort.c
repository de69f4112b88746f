// Sorting of index arrays against qsort.

#include <stdlib.h>

#include "rdd/sort.h"
#include "tests/prng.h"
#include "tests/test.h"

static int by_value(const void *ctx, uint32_t a, uint32_t b)
{
    const int *v = ctx;
    return v[a] < v[b] ? -1 : v[a] > v[b];
}

static int int_cmp(const void *x, const void *y)
{
    const int *a = x, *b = y;
    return *a < *b ? -1 : *a > *b;
}

TEST(sort, orders_an_index)
{
    struct prng p = prng_of(prng_seed(1));
    static int v[700], sorted[700], seen[700];
    static uint32_t idx[700];

    for (uint32_t n = 0; n < 700; n += 1 + n / 9) {
        for (uint32_t i = 0; i < n; i++) {
            v[i] = sorted[i] = (int)prng_below(&p, n % 3 ? n : 4);
            idx[i] = i;
            seen[i] = 0;
        }
        qsort(sorted, n, sizeof sorted[0], int_cmp);
        sort_idx(idx, n, by_value, v);
        for (uint32_t i = 0; i < n; i++) {
            EXPECT_EQ_INT(v[idx[i]], sorted[i]);
            EXPECT_EQ_INT(seen[idx[i]]++, 0);
        }
    }
}

// In steps: stable, and every step is short, of random elements, few different ones, and such as
// are in order nearly or wholly.
struct counted {
    const int *v;
    uint32_t comparisons, fetched, n;
};

static int counted_by_value(const void *ctx, uint32_t a, uint32_t b)
{
    struct counted *c = (struct counted *)(uintptr_t)ctx;

    c->comparisons++;
    return by_value(c->v, a, b);
}

static void counted_ahead(const void *ctx, uint32_t a)
{
    struct counted *c = (struct counted *)(uintptr_t)ctx;

    EXPECT(a < c->n);
    c->fetched++;
}

static void draw(struct prng *p, int *v, uint32_t n, uint32_t kind)
{
    for (uint32_t i = 0; i < n; i++)
        v[i] = kind == 0   ? (int)prng_below(p, n)
               : kind == 1 ? (int)prng_below(p, 7)
               : kind == 2 ? (int)(i + prng_below(p, 40))
                           : (int)i;
}

static void check_steps(struct prng *p, uint32_t n, uint32_t kind)
{
    int *v = calloc(n + 1, sizeof *v);
    uint32_t *idx = calloc(n + 1, sizeof *idx), *spare = calloc(n + 1, sizeof *spare);
    struct counted c = {.v = v, .n = n};
    struct sort_order o = {counted_by_value, counted_ahead, &c};
    struct sort_run r;
    uint32_t steps = 0, bad = 0;

    draw(p, v, n, kind);
    for (uint32_t i = 0; i < n; i++)
        idx[i] = i;
    sort_begin(&r, idx, spare, n);
    for (bool more = true; more; steps++) {
        c.comparisons = 0;
        more = sort_step(&r, &o);
        EXPECT(c.comparisons <= 14 * SORT_PIECE);
        EXPECT(c.comparisons <= 2 * SORT_PIECE || !steps || !r.width || r.width == SORT_PIECE);
    }
    EXPECT(steps >= n / SORT_PIECE);
    EXPECT(r.from == idx || r.from == spare);
    for (uint32_t i = 1; i < n; i++) {
        uint32_t x = r.from[i - 1], y = r.from[i];
        bad += v[x] > v[y] || (v[x] == v[y] && x >= y);
    }
    EXPECT_EQ_INT(bad, 0);
    EXPECT(n < 5000 || kind == 3 || c.fetched > n);
    free(v);
    free(idx);
    free(spare);
}

TEST(sort, works_in_steps)
{
    static const uint32_t n[] = {0,    1,    2,    15,   16,   17,   1000,  1023,
                                 1024, 1025, 2047, 2048, 2049, 5000, 16384, 40001};
    struct prng p = prng_of(prng_seed(1));

    for (uint32_t i = 0; i < sizeof n / sizeof n[0]; i++)
        for (uint32_t kind = 0; kind < 4; kind++)
            check_steps(&p, n[i], kind);
}
