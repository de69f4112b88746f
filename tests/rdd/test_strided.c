// Numbers at one distance: every width, order, offset and stride, at every SIMD level; those of
// some records alone; and which of them compare so with a number.

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

// A layout in bytes that are exactly as long as its records; of `few` values.
static struct strided layout(struct prng *p, uint32_t stride, uint32_t offset, uint32_t width,
                             uint32_t n, bool few)
{
    uint8_t *bytes = malloc((size_t)n * stride + !n);

    prng_fill(p, bytes, (size_t)n * stride);
    for (uint32_t i = 0; few && i < n * stride; i++)
        bytes[i] = (uint8_t)(bytes[i] % 8 == 7 ? 255 : bytes[i] % 8 / 3);
    return (struct strided){bytes, stride, n, offset, width, prng_chance(p, 50), NULL};
}

TEST(strided, some_rows)
{
    struct prng p = prng_of(prng_seed(66));

    for (int round = 0; round < 3000; round++) {
        uint32_t width = 1 + (uint32_t)prng_below(&p, 8), n = (uint32_t)prng_below(&p, 80);
        uint32_t stride = width + (uint32_t)prng_below(&p, 20);
        uint32_t offset = (uint32_t)prng_below(&p, stride - width + 1);
        struct strided s = layout(&p, stride, offset, width, n, false);
        bool is_signed = prng_chance(&p, 50);
        uint16_t row[80];
        int64_t is[80];
        uint32_t cnt = 0;
        for (uint32_t i = 0; i < n; i++)
            if (prng_chance(&p, 40))
                row[cnt++] = (uint16_t)i;
        struct strided some = s;
        some.row = row;
        some.n = cnt;
        for (simd_first(); simd_next();) {
            memset(is, 0x55, sizeof is);
            strided_ints(is, &some, is_signed);
            for (uint32_t i = 0; i < cnt; i++) {
                EXPECT(strided_at(&some, i) == s.p + (size_t)row[i] * stride + offset);
                EXPECT_EQ_INT(is[i], naive(strided_at(&some, i), &s, is_signed));
            }
        }
        free((uint8_t *)(uintptr_t)s.p);
    }
}

static bool holds(int64_t x, enum sel_op op, int64_t y)
{
    switch (op) {
    case SEL_EQ: return x == y;
    case SEL_NE: return x != y;
    case SEL_LT: return x < y;
    case SEL_LE: return x <= y;
    case SEL_GT: return x > y;
    case SEL_GE: return x >= y;
    }
    return false;
}

#define WHERE_MAX 700u

// With numbers that are there, and with some that no such field holds.
TEST(strided, where)
{
    static const int64_t odd[] = {INT64_MIN, -1, 0, 1, 255, 256, 65535, 1ll << 32, INT64_MAX};
    struct prng p = prng_of(prng_seed(67));

    for (int round = 0; round < 6000; round++) {
        uint32_t width = 1 + (uint32_t)prng_below(&p, 8), expected_cnt = 0;
        uint32_t n = (uint32_t)prng_below(&p, round % 8 ? 80 : WHERE_MAX);
        uint32_t stride =
            round % 2 ? 8 + 8 * (uint32_t)prng_below(&p, 5) : width + (uint32_t)prng_below(&p, 20);
        uint32_t offset = (uint32_t)prng_below(&p, stride - width + 1);
        struct strided s = layout(&p, stride, offset, width, n, true);
        bool is_signed = prng_chance(&p, 50);
        enum sel_op op = (enum sel_op)prng_below(&p, 6);
        int64_t y = odd[prng_below(&p, sizeof odd / sizeof odd[0])];
        uint16_t expected[WHERE_MAX], is[WHERE_MAX + SEL_SLACK];
        if (n && prng_chance(&p, 60))
            y = naive(strided_at(&s, (uint32_t)prng_below(&p, n)), &s, is_signed);
        for (uint32_t i = 0; i < n; i++) {
            expected[expected_cnt] = (uint16_t)i;
            expected_cnt += holds(naive(strided_at(&s, i), &s, is_signed), op, y);
        }
        for (simd_first(); simd_next();) {
            memset(is, 0xff, sizeof is);
            EXPECT_EQ_INT(strided_where(is, &s, is_signed, op, y), expected_cnt);
            EXPECT_EQ_MEM(is, expected, expected_cnt * sizeof *is);
        }
        free((uint8_t *)(uintptr_t)s.p);
    }
}

TEST(strided, every_layout)
{
    struct prng p = prng_of(prng_seed(63));

    for (uint32_t stride = 1; stride <= 40; stride++)
        for (uint32_t width = 1; width <= 8 && width <= stride; width++)
            for (uint32_t offset = 0; offset + width <= stride; offset++) {
                uint32_t n = (uint32_t)prng_below(&p, 40);
                uint8_t *bytes = malloc((size_t)n * stride + 1);
                struct strided s = {bytes, stride, n, offset, width, prng_chance(&p, 50), NULL};
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
