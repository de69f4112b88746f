// Numbers at one distance: every width, order, offset and stride, at every SIMD level.

#include <stdlib.h>
#include <string.h>

#include "rdd/strided.h"
#include "tests/prng.h"
#include "tests/rdd/expr_harness.h"
#include "tests/test.h"

static int64_t naive(const uint8_t *p, const struct strided *s, bool is_signed)
{
    uint64_t v = 0;

    for (uint32_t i = 0; i < s->width; i++)
        v = v << 8 | p[s->big_endian ? i : s->width - 1 - i];
    if (is_signed && s->width < 8 && v >> (8 * s->width - 1))
        v -= 1ull << 8 * s->width;
    return (int64_t)v;
}

TEST(strided, every_layout)
{
    struct prng p = prng_of(prng_seed(63));

    for (uint32_t stride = 1; stride <= 40; stride++)
        for (uint32_t width = 1; width <= 8 && width <= stride; width++)
            for (uint32_t offset = 0; offset + width <= stride; offset++) {
                uint32_t n = (uint32_t)prng_below(&p, 40);
                uint8_t *bytes = malloc((size_t)n * stride + 1);
                struct strided s = {bytes, stride, n, offset, width, prng_chance(&p, 50)};
                bool is_signed = prng_chance(&p, 50);
                int64_t is[40];
                prng_fill(&p, bytes, (size_t)n * stride);
                bytes = realloc(bytes, (size_t)n * stride + !n); // exactly as long
                s.p = bytes;
                for (simd_first(); simd_next();) {
                    memset(is, 0x55, sizeof is); // nothing is left of another level
                    strided_ints(is, &s, is_signed);
                    for (uint32_t i = 0; i < n; i++)
                        EXPECT_EQ_INT(is[i],
                                      naive(bytes + (size_t)i * stride + offset, &s, is_signed));
                }
                free(bytes);
            }
}
