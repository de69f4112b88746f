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
