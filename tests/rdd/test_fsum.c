// Sums of floats: the same bits in any order and grouping, and as near to the exact sum as the
// header says; exact where no summand lies far below the largest.

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/simd.h"
#include "rdd/fsum.h"
#include "tests/common/ref_value.h"
#include "tests/prng.h"
#include "tests/test.h"

#define N 400u

static uint64_t bits_of(double d)
{
    uint64_t b;
    memcpy(&b, &d, sizeof b);
    return b;
}

static double sum_of(const double *x, uint32_t n)
{
    struct fsum s = {.top = 0};

    for (uint32_t i = 0; i < n; i++)
        fsum_add(&s, x[i]);
    return fsum_value(&s);
}

// The same summands in another order and in other groups.
static double sum_in_groups(struct prng *p, const double *x, uint32_t n)
{
    struct fsum group[7] = {{.top = 0}}, s = {.top = 0};
    double y[N];

    memcpy(y, x, n * sizeof *x);
    for (uint32_t i = n; i-- > 0;) {
        uint32_t at = (uint32_t)prng_below(p, i + 1);
        fsum_add(&group[prng_below(p, 7)], y[at]);
        y[at] = y[i];
    }
    for (uint32_t g = 0; g < 7; g++)
        fsum_merge(&s, &group[g]);
    return fsum_value(&s);
}

static double draw(struct prng *p, int low, int high)
{
    double x = ldexp(prng_f64(p) + 1, (int)prng_between(p, low, high));
    return prng_chance(p, 50) ? -x : x;
}

static void check(struct prng *p, int low, int high, bool exact)
{
    double x[N], largest = 0;
    uint32_t n = (uint32_t)prng_below(p, N) + 1;

    for (uint32_t i = 0; i < n; i++) {
        x[i] = draw(p, low, high);
        largest = fabs(x[i]) > largest ? fabs(x[i]) : largest;
    }
    double sum = sum_of(x, n), want = ref_sum(x, n);
    EXPECT_EQ_INT(bits_of(sum_in_groups(p, x, n)), bits_of(sum));
    if (exact)
        EXPECT_EQ_INT(bits_of(sum), bits_of(want));
    else // one rounding, and what lies 72 bits below the largest
        EXPECT(fabs(sum - want) <= fabs(want) * 0x1p-52 + largest * n * 0x1p-71);
}

TEST(fsum, does_not_depend_on_order)
{
    struct prng p = prng_of(prng_seed(1));

    for (uint32_t i = 0; i < 400; i++) {
        check(&p, -4, 4, true);
        check(&p, 990, 1000, true);
        check(&p, -1074, -1060, true);
        check(&p, -200, 200, false);
        check(&p, -1074, 900, false);
    }
}

TEST(fsum, edges)
{
    static const struct {
        double x[4], want;
    } cases[] = {
        {{0, 0, 0, 0}, 0},
        {{-0.0, -0.0, -0.0, -0.0}, 0},
        {{1, -1, 1, -1}, 0},
        {{0x1p53, 1, 0, 0}, 0x1p53},           // tie to even
        {{0x1p53, 1, 0x1p-20, 0}, 0x1p53 + 2}, // above the tie
        {{0x1p53, 3, 0, 0}, 0x1p53 + 4},
        {{-0x1p53, -1, -0x1p-20, 0}, -0x1p53 - 2},
        {{0x1p1000, 1, -0x1p1000, 0}, 0}, // 1 lies below what is kept
        {{0x1p60, 1, -0x1p60, 0}, 1},
        {{0x1p-1074, 0x1p-1074, 0, 0}, 0x1p-1073},
        {{0x1p-1022, -0x1p-1074, 0, 0}, 0x1p-1022 - 0x1p-1074},
        {{INFINITY, 1, 2, 3}, INFINITY},
        {{-INFINITY, 1, 2, 3}, -INFINITY},
        {{INFINITY, -INFINITY, 2, 3}, NAN},
        {{NAN, INFINITY, 2, 3}, NAN},
        {{0x1p1023, 0x1p1023, 0, 0}, INFINITY}, // the sum does not fit
        {{0x1p1023, 0x1p1023, -0x1p1023, 0}, 0x1p1023},
    };

    for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double is = sum_of(cases[i].x, 4);
        if (isnan(cases[i].want))
            EXPECT(isnan(is));
        else
            EXPECT_EQ_INT(bits_of(is), bits_of(cases[i].want));
    }
}

// Digits do not carry into each other for as many summands as there can be.
TEST(fsum, many_summands)
{
    struct fsum s = {.top = 0}, all = {.top = 0};

    for (uint32_t i = 0; i < 1000; i++)
        fsum_add(&s, 0.1);
    for (uint32_t i = 0; i < 30; i++) { // 1000 x 2^30 by doubling
        struct fsum twice = s;
        fsum_merge(&twice, &s);
        s = twice;
    }
    fsum_merge(&all, &s);
    double tenth = 0.1; // exactly 0x1.999999999999ap-4
    EXPECT_EQ_INT(bits_of(fsum_value(&all)), bits_of(tenth * 1000 * 0x1p30 + 0));
}

// As many as may come before sums meet, of the largest digits, and their opposites.
TEST(fsum, digits_have_room)
{
    for (int minus = 0; minus < 2; minus++) {
        struct fsum one = {.top = 0}, many = {.top = 0}, all = {.top = 0};
        double x = 0x1.ffffffffffffep25, sign = minus ? -1 : 1;
        fsum_add(&one, sign * x);
        for (uint32_t k = 0; k < FSUM_LANES; k++)
            many.lane[k] = one.lane[k] * FSUM_SUMMANDS_MAX;
        EXPECT_EQ_INT(bits_of(fsum_value(&many)), bits_of(sign * x * FSUM_SUMMANDS_MAX));
        for (uint32_t i = 0; i < 1000; i++)
            fsum_merge(&all, &many);
        fsum_add(&all, -sign * 0.1);
        double want = sign * (x * FSUM_SUMMANDS_MAX * 1000 - 0.1);
        EXPECT_EQ_INT(bits_of(fsum_value(&all)), bits_of(want));
        for (uint32_t k = 0; k < FSUM_LANES; k++)
            many.lane[k] = -many.lane[k];
        for (uint32_t i = 0; i < 1000; i++)
            fsum_merge(&all, &many);
        EXPECT_EQ_INT(bits_of(fsum_value(&all)), bits_of(-sign * 0.1));
    }
}

static void add_many(struct fsum *const *sum, const double *x, uint32_t n)
{
    int64_t lanes[FSUM_LANES][N], *lane[FSUM_LANES];
    uint16_t odd[N];
    uint8_t *row[N];

    for (uint32_t k = 0; k < FSUM_LANES; k++)
        lane[k] = lanes[k];
    uint32_t odd_cnt = fsum_lanes(lane, x, n, odd);
    for (uint32_t i = 0; i < n; i++) {
        row[i] = (uint8_t *)sum[i] - 16;
        for (uint32_t k = 0; k < FSUM_LANES; k++)
            sum[i]->lane[k] += lanes[k][i];
    }
    for (uint32_t i = 1; i < odd_cnt; i++)
        EXPECT(odd[i] > odd[i - 1]);
    fsum_add_odd(row, 16, x, odd, odd_cnt);
}

// Many at once is what one after the other is, bit for bit, whatever the sums hold before.
TEST(fsum, many_sums)
{
    struct prng p = prng_of(prng_seed(9));

    for (int round = 0; round < 600; round++) {
        struct fsum expected[5] = {{.top = 0}}, is[5], *sum[N];
        double x[N];
        uint32_t n = (uint32_t)prng_below(&p, N), wide = (uint32_t)round % 4 * 30;
        simd_init((enum simd_level)(round % 3));
        for (uint32_t s = 0; s < 5; s++)
            if (prng_chance(&p, 50))
                fsum_add(&expected[s], draw(&p, -60, 60));
        memcpy(is, expected, sizeof is);
        for (uint32_t i = 0; i < n; i++) {
            static const double special[] = {0,          -0.0,      NAN,       INFINITY, -INFINITY,
                                             0x1p-1074,  0x1p-1022, DBL_MAX,   -DBL_MAX, 0x1p26,
                                             -0x1p26,    0x1p-70,   0x1p-71,   0x3p-71,  0x1p53,
                                             -0x1.8p-18, 0x1.8p54,  -0x1.8p54, 0x1p60,   -0x1p53};
            uint32_t s = (uint32_t)prng_below(&p, 5);
            x[i] = prng_chance(&p, 3) ? special[prng_below(&p, sizeof special / sizeof *special)]
                                      : draw(&p, -(int)wide, (int)wide + 1);
            sum[i] = &is[s];
            fsum_add(&expected[s], x[i]);
        }
        add_many(sum, x, n);
        EXPECT_EQ_MEM(is, expected, sizeof is);
    }
    simd_init(SIMD_AUTO);
}

// Which summands have lanes: those of common size, and never by half.
TEST(fsum, lanes)
{
    static const struct {
        double x;
        bool common;
    } cases[] = {{0, true},           {-0.0, true},      {0.1, true},        {-99.9, true},
                 {0x1p-70, true},     {0x1p-71, false},  {0x3p-71, false},   {1 + 0x1p-52, true},
                 {0x1p26, false},     {-0x1p26, false},  {0x1p-18, true},    {0x1.8p-70, false},
                 {0x1p26 - 1, true},  {INFINITY, false}, {-INFINITY, false}, {NAN, false},
                 {67108863.9, true},  {5e-324, false},   {1e-6, false},      {4e-6, true},
                 {-67108863.9, true}, {DBL_MAX, false},  {-DBL_MAX, false},  {0x1.8p54, false}};

    for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int level = SIMD_SCALAR; level < SIMD_AUTO; level++) {
            int64_t lanes[FSUM_LANES][8], *lane[FSUM_LANES] = {lanes[0], lanes[1], lanes[2]};
            double x[8], sum = 0;
            uint16_t odd[8];
            for (uint32_t k = 0; k < 8; k++)
                x[k] = cases[i].x;
            if (simd_init((enum simd_level)level))
                continue;
            EXPECT_EQ_INT(fsum_lanes(lane, x, 8, odd), cases[i].common ? 0 : 8);
            for (uint32_t k = 0; k < FSUM_LANES; k++)
                sum += ldexp((double)lanes[k][7], -70 + 32 * (int)k);
            EXPECT(sum == (cases[i].common ? cases[i].x : 0));
        }
    simd_init(SIMD_AUTO);
}
