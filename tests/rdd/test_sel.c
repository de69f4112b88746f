// Selections by a condition, at every SIMD level, against asking each row.

#include <string.h>

#include "rdd/sel.h"
#include "rdd/vec.h"
#include "tests/prng.h"
#include "tests/rdd/expr_harness.h"
#include "tests/test.h"

TEST(sel, where)
{
    struct prng p = prng_of(prng_seed(64));

    for (int round = 0; round < 500; round++) {
        uint32_t rows = 1 + (uint32_t)prng_below(&p, VEC_ROWS_MAX), n = 0, expected_cnt = 0;
        uint32_t chance = (uint32_t)prng_below(&p, 101);
        bool some = round % 2, want = prng_chance(&p, 70);
        int64_t cond[VEC_ROWS_MAX];
        uint16_t sel[VEC_ROWS_MAX], expected[VEC_ROWS_MAX], is[VEC_ROWS_MAX + SEL_SLACK];
        for (uint32_t r = 0; r < rows; r++) {
            cond[r] = prng_chance(&p, chance) ? (int64_t)(1ull << prng_below(&p, 64)) : 0;
            if (some && prng_chance(&p, 40))
                continue;
            sel[n++] = (uint16_t)r;
            expected[expected_cnt] = (uint16_t)r;
            expected_cnt += (cond[r] != 0) == want;
        }
        for (simd_first(); simd_next();) {
            memset(is, 0xff, sizeof is); // nothing is left of another level
            uint32_t cnt = sel_where(is, cond, want, some ? sel : NULL, n);
            EXPECT_EQ_INT(cnt, expected_cnt);
            EXPECT_EQ_MEM(is, expected, expected_cnt * sizeof *is);
        }
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

TEST(sel, compare)
{
    static const int64_t edges[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX};
    struct prng p = prng_of(prng_seed(65));

    for (int round = 0; round < 600; round++) {
        uint32_t rows = 1 + (uint32_t)prng_below(&p, VEC_ROWS_MAX), expected_cnt = 0;
        enum sel_op op = (enum sel_op)(round % 6);
        int64_t a[VEC_ROWS_MAX], y = edges[prng_below(&p, 7)];
        uint16_t expected[VEC_ROWS_MAX], is[VEC_ROWS_MAX + SEL_SLACK];
        for (uint32_t r = 0; r < rows; r++) {
            a[r] = prng_chance(&p, 80) ? edges[prng_below(&p, 7)] : prng_between(&p, -9, 9);
            expected[expected_cnt] = (uint16_t)r;
            expected_cnt += holds(a[r], op, y);
        }
        for (simd_first(); simd_next();) {
            memset(is, 0xff, sizeof is); // nothing is left of another level
            EXPECT_EQ_INT(sel_compare(is, a, op, y, rows), expected_cnt);
            EXPECT_EQ_MEM(is, expected, expected_cnt * sizeof *is);
        }
    }
}
