#include <stdlib.h>
#include <string.h>

#include "base/simd.h"
#include "rdd/byte_find.h"
#include "tests/prng.h"
#include "tests/test.h"

static uint32_t naive(const uint8_t *p, uint32_t n, const uint8_t *c, uint32_t cnt, uint32_t *pos,
                      uint32_t max)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < n && found < max; i++)
        if (memchr(c, p[i], cnt))
            pos[found++] = i;
    return found;
}

/* Every width of SIMD, every length around the steps, dense and sparse, with and without a limit
 * on what is found; in memory that ends with the run. */
TEST(byte_find, finds_what_the_plain_way_finds)
{
    struct prng p = prng_of(prng_seed(61));

    for (int level = SIMD_SCALAR; level <= SIMD_AVX512; level++) {
        if (simd_init((enum simd_level)level))
            continue;
        for (int round = 0; round < 3000; round++) {
            uint32_t n = (uint32_t)prng_below(&p, round % 3 ? 200 : 3000);
            uint32_t sparse = 1 + (uint32_t)prng_below(&p, 80), max = n;
            const uint8_t c[3] = {'\n', ',', '"'};
            uint8_t *b = malloc(n ? n : 1);
            uint32_t *is = malloc((n + BYTE_FIND_SLACK) * sizeof *is);
            uint32_t *expected = malloc((n + 1) * sizeof *expected);
            for (uint32_t i = 0; i < n; i++)
                b[i] = prng_below(&p, sparse) ? (uint8_t)prng_u64(&p) : c[prng_below(&p, 3)];
            if (prng_chance(&p, 40))
                max = (uint32_t)prng_below(&p, n + 1);
            uint32_t cnt = naive(b, n, c, 3, expected, max);
            EXPECT_EQ_INT(byte_find3(b, n, c, is, max), cnt);
            EXPECT_EQ_MEM(is, expected, cnt * sizeof *is);
            cnt = naive(b, n, c, 1, expected, max);
            EXPECT_EQ_INT(byte_find(b, n, c[0], is, max), cnt);
            EXPECT_EQ_MEM(is, expected, cnt * sizeof *is);
            free(b);
            free(is);
            free(expected);
        }
    }
    simd_init(SIMD_AUTO);
}
