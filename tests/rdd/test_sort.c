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

// In steps it is the same, and a step is short.
struct counted {
    const int *v;
    uint32_t comparisons;
};

static int counted_by_value(const void *ctx, uint32_t a, uint32_t b)
{
    struct counted *c = (struct counted *)(uintptr_t)ctx;

    c->comparisons++;
    return by_value(c->v, a, b);
}

TEST(sort, works_in_steps)
{
    enum { N = 5000, MOST = 64, LOG2 = 13 };
    struct prng p = prng_of(prng_seed(1));
    static int v[N];
    static uint32_t whole[N], steps[N];
    struct counted c = {.v = v};
    struct sort_run r;
    uint32_t steps_cnt = 0;

    for (uint32_t i = 0; i < N; i++) {
        v[i] = (int)prng_below(&p, N);
        whole[i] = steps[i] = i;
    }
    sort_idx(whole, N, by_value, v);
    sort_begin(&r, N);
    for (bool more = true; more; steps_cnt++) {
        c.comparisons = 0;
        more = sort_step(&r, steps, MOST, counted_by_value, &c);
        EXPECT(c.comparisons <= MOST * 2 * LOG2);
    }
    EXPECT_EQ_MEM(steps, whole, sizeof whole);
    EXPECT(steps_cnt >= N / MOST);
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
