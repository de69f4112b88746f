// Numbers into rows, leaf by leaf, against one record after the other.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rdd/agg_cell.h"
#include "rdd/agg_numbers.h"
#include "tests/prng.h"
#include "tests/test.h"

#define ROWS 7u
#define OFF  16u

static const struct {
    enum agg_fn fn;
    enum type_kind kind;
} leaves[] = {{AGG_SUM_INT, TYPE_INT}, {AGG_MIN, TYPE_INT}, {AGG_MAX, TYPE_TIME},
              {AGG_AND, TYPE_BOOL},    {AGG_OR, TYPE_BOOL}, {AGG_MIN, TYPE_FLOAT},
              {AGG_MAX, TYPE_FLOAT},   {AGG_MIN, TYPE_BOOL}};

// Any bits: numbers of all sizes, infinities, both zeros, NaN of any sign and payload.
static double draw_float(struct prng *p)
{
    static const double some[] = {0, -0.0, INFINITY, -INFINITY, 1.5, -1.5};
    uint64_t bits = prng_u64(p) | (prng_chance(p, 20) ? 0x7ff0000000000000u : 0);
    double f;

    if (prng_chance(p, 30))
        return some[prng_below(p, sizeof some / sizeof *some)];
    memcpy(&f, &bits, sizeof f);
    return f;
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

TEST(agg_numbers, one_after_the_other)
{
    struct prng p = prng_of(prng_seed(65));

    for (int round = 0; round < 2000; round++) {
        uint32_t k = (uint32_t)round % (sizeof leaves / sizeof *leaves), n = 0;
        uint32_t first = (uint32_t)prng_below(&p, 50),
                 most = (uint32_t)prng_below(&p, AGG_CHUNK + 1);
        struct agg_leaf leaf = {leaves[k].fn, leaves[k].kind, OFF, 8};
        int64_t is[ROWS][4], expected[ROWS][4], words[512];
        double floats[512];
        uint16_t sel[AGG_CHUNK];
        uint8_t *row[AGG_CHUNK];
        bool some = prng_chance(&p, 50), is_float = leaf.kind == TYPE_FLOAT;
        struct col c = {.kind = leaf.kind, .i = words};
        for (uint32_t i = 0; i < ROWS * 4; i++)
            is[i / 4][i % 4] = expected[i / 4][i % 4] = (int64_t)prng_u64(&p);
        if (is_float)
            c.f = floats;
        for (uint32_t r = some ? 0 : first; n < most && r < 512; r++) {
            uint64_t to = prng_below(&p, ROWS);
            if (some && prng_chance(&p, 50))
                continue;
            floats[r] = draw_float(&p);
            words[r] = leaf.kind == TYPE_BOOL ? prng_chance(&p, 50) : (int64_t)prng_u64(&p);
            int64_t x = is_float ? float_ordered(floats[r]) : words[r];
            expected[to][OFF / 8] = combined(leaf.fn, expected[to][OFF / 8], x);
            sel[n] = (uint16_t)r;
            row[n++] = (uint8_t *)is[to];
        }
        EXPECT(agg_is_number(&leaf));
        agg_numbers_update(&leaf, row, &c, some ? sel : NULL, some ? 0 : first, n);
        EXPECT_EQ_MEM(is, expected, sizeof is);
    }
}
