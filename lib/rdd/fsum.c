#include <immintrin.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/simd.h"
#include "rdd/fsum.h"

#define DIGIT_BITS     24
#define DIGIT_MASK     ((1u << DIGIT_BITS) - 1)
#define LANE_BITS      32
#define LANE_MASK      0xffffffffll
#define FSUM_NAN       1u
#define FSUM_PLUS_INF  2u
#define FSUM_MINUS_INF 4u

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512cd,avx512dq,avx512vl")))

/* ---- lanes ------------------------------------------------------------------------------------
 */

#define LANES_END 0x1p26 /* summands of common size are below it */
#define LANE0     0x1p-70
#define LANE1     0x1p-38
#define LANE2     0x1p-6
#define ABOVE     0x1p26

/* A number of less than 2^51 units plus that many becomes a whole number of units; its lowest bits
 * are this number. */
#define ROUND(unit) (0x1.8p52 * (unit))

/* The digit of *x in so many units, the nearest; what is left of it stays in *x, exactly. */
static inline int64_t digit_off(double *x, double round)
{
    double moved = *x + round;
    uint64_t is, zero;

    memcpy(&is, &moved, sizeof is);
    memcpy(&zero, &round, sizeof zero);
    *x -= moved - round;
    return (int64_t)(is - zero);
}

/* The digits of x; false, and any digits, when it is odd. */
static inline bool lanes_of(int64_t *d, double x)
{
    bool common = fabs(x) < LANES_END;

    d[2] = digit_off(&x, ROUND(LANE2));
    d[1] = digit_off(&x, ROUND(LANE1));
    d[0] = digit_off(&x, ROUND(LANE0));
    return common && x == 0;
}

static uint32_t lanes_scalar(int64_t *const lane[FSUM_LANES], const double *x, uint32_t from,
                             uint32_t n, uint16_t *odd, uint32_t odd_cnt)
{
    for (uint32_t i = from; i < n; i++) {
        int64_t d[FSUM_LANES];
        bool common = lanes_of(d, x[i]);
        for (uint32_t k = 0; k < FSUM_LANES; k++)
            lane[k][i] = common ? d[k] : 0;
        odd[odd_cnt] = (uint16_t)i;
        odd_cnt += !common;
    }
    return odd_cnt;
}

/* The odd ones of some that lie together, by a bit each. */
static __attribute__((noinline)) uint32_t lanes_clear(int64_t *const lane[FSUM_LANES],
                                                      uint32_t first, uint32_t bits, uint16_t *odd,
                                                      uint32_t odd_cnt)
{
    for (; bits; bits &= bits - 1) {
        uint32_t i = first + (uint32_t)__builtin_ctz(bits);
        for (uint32_t k = 0; k < FSUM_LANES; k++)
            lane[k][i] = 0;
        odd[odd_cnt++] = (uint16_t)i;
    }
    return odd_cnt;
}

/* As digit_off, of four. */
static inline __m256d digits_off4(int64_t *to, __m256d x, double unit)
{
    __m256d round = _mm256_set1_pd(ROUND(unit)), moved = _mm256_add_pd(x, round);
    __m256i digit = _mm256_sub_epi64(_mm256_castpd_si256(moved), _mm256_castpd_si256(round));

    _mm256_storeu_si256((__m256i *)(void *)to, digit);
    return _mm256_sub_pd(x, _mm256_sub_pd(moved, round));
}

static uint32_t lanes_avx2(int64_t *const lane[FSUM_LANES], const double *x, uint32_t n,
                           uint16_t *odd)
{
    const __m256d sign = _mm256_set1_pd(-0.0), end = _mm256_set1_pd(LANES_END);
    int64_t *d0 = lane[0], *d1 = lane[1], *d2 = lane[2];
    uint32_t odd_cnt = 0, i = 0;

    for (; i + 4 <= n; i += 4) {
        __m256d v = _mm256_loadu_pd(x + i);
        __m256d large = _mm256_cmp_pd(_mm256_andnot_pd(sign, v), end, _CMP_NLT_UQ);
        v = digits_off4(d2 + i, v, LANE2);
        v = digits_off4(d1 + i, v, LANE1);
        v = digits_off4(d0 + i, v, LANE0);
        __m256d left = _mm256_cmp_pd(v, _mm256_setzero_pd(), _CMP_NEQ_UQ);
        uint32_t bits = (uint32_t)_mm256_movemask_pd(_mm256_or_pd(large, left));
        if (__builtin_expect(bits != 0, 0))
            odd_cnt = lanes_clear(lane, i, bits, odd, odd_cnt);
    }
    return lanes_scalar(lane, x, i, n, odd, odd_cnt);
}

/* And of eight. */
AVX512 static inline __m512d digits_off8(int64_t *to, __m512d x, double unit)
{
    __m512d round = _mm512_set1_pd(ROUND(unit)), moved = _mm512_add_pd(x, round);

    _mm512_storeu_si512(to,
                        _mm512_sub_epi64(_mm512_castpd_si512(moved), _mm512_castpd_si512(round)));
    return _mm512_sub_pd(x, _mm512_sub_pd(moved, round));
}

AVX512 static uint32_t lanes_avx512(int64_t *const lane[FSUM_LANES], const double *x, uint32_t n,
                                    uint16_t *odd)
{
    const __m512d end = _mm512_set1_pd(LANES_END);
    int64_t *d0 = lane[0], *d1 = lane[1], *d2 = lane[2];
    uint32_t odd_cnt = 0, i = 0;

    for (; i + 8 <= n; i += 8) {
        __m512d v = _mm512_loadu_pd(x + i);
        uint32_t large = _mm512_cmp_pd_mask(_mm512_abs_pd(v), end, _CMP_NLT_UQ);
        v = digits_off8(d2 + i, v, LANE2);
        v = digits_off8(d1 + i, v, LANE1);
        v = digits_off8(d0 + i, v, LANE0);
        uint32_t bits = large | _mm512_cmp_pd_mask(v, _mm512_setzero_pd(), _CMP_NEQ_UQ);
        if (__builtin_expect(bits != 0, 0))
            odd_cnt = lanes_clear(lane, i, bits, odd, odd_cnt);
    }
    return lanes_scalar(lane, x, i, n, odd, odd_cnt);
}

uint32_t fsum_lanes(int64_t *const lane[FSUM_LANES], const double *x, uint32_t n, uint16_t *odd)
{
    if (simd_level == SIMD_AVX512)
        return lanes_avx512(lane, x, n, odd);
    if (simd_level == SIMD_AVX2)
        return lanes_avx2(lane, x, n, odd);
    return lanes_scalar(lane, x, 0, n, odd, 0);
}

/* ---- bins -------------------------------------------------------------------------------------
 */

/* Moves the window of bins up so that its highest place is `top`. */
static void fsum_raise(struct fsum *s, int32_t top)
{
    int32_t by = top - s->top;

    if (by <= 0)
        return;
    for (int32_t k = 0; k < FSUM_BINS; k++)
        s->bin[k] = k + by < FSUM_BINS ? s->bin[k + by] : 0;
    s->top = top;
}

static void bins_add(struct fsum *s, double x)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof bits);
    int32_t exponent = (int32_t)(bits >> 52 & 0x7ff);
    uint64_t m = bits & 0xfffffffffffffull;
    if (exponent == 0x7ff) {
        s->special |= m ? FSUM_NAN : bits >> 63 ? FSUM_MINUS_INF : FSUM_PLUS_INF;
        return;
    }
    if (exponent)
        m |= 1ull << 52;
    else
        exponent = 1;
    if (!m)
        return;
    int32_t shift = exponent - 1; /* bit place of m's lowest bit, above 2^-1074 */
    int32_t place = shift / DIGIT_BITS;
    unsigned __int128 v = (unsigned __int128)m << shift % DIGIT_BITS;
    fsum_raise(s, (shift + 52) / DIGIT_BITS);
    for (int32_t k = place - s->top + FSUM_BINS - 1; v; k++, v >>= DIGIT_BITS) {
        int64_t digit = (int64_t)((uint32_t)v & DIGIT_MASK);
        if (k >= 0)
            s->bin[k] += bits >> 63 ? -digit : digit;
    }
}

void fsum_add(struct fsum *s, double x)
{
    int64_t d[FSUM_LANES];

    if (!lanes_of(d, x)) {
        bins_add(s, x);
        return;
    }
    for (uint32_t k = 0; k < FSUM_LANES; k++)
        s->lane[k] += d[k];
}

/* ---- bins of many sums ------------------------------------------------------------------------
 */

#define EACH_CNT  64u
#define NOT_PLAIN (-2 * FSUM_BINS) /* no sum has its top near it */
#define UP_MIN    20u              /* the highest digit has 1 to 24 bits, so a number ... */
#define UP_CNT    DIGIT_BITS       /* ... is moved up by 20 to 43 bits to lie on the grid */

/* A number on its way into bins: its top digit's grid place, and how far its 53 bits are moved up
 * to lie on the grid, so that they fill this place and the three below. */
struct summands {
    int32_t top[EACH_CNT];
    uint32_t up[EACH_CNT];    /* less UP_MIN */
    uint64_t bits[EACH_CNT];  /* 53 */
    uint64_t minus[EACH_CNT]; /* all bits or none */
};

static inline void summands_make(struct summands *restrict p, const double *restrict x, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint64_t b;
        memcpy(&b, &x[i], sizeof b);
        uint32_t exponent = (uint32_t)(b >> 52) & 0x7ff;
        uint32_t high = exponent + 51, top = high * 2731 >> 16; /* high / 24 */
        p->top[i] = exponent - 1 < 0x7fe ? (int32_t)top : NOT_PLAIN;
        p->up[i] = high - top * DIGIT_BITS;
        p->bits[i] = (b & 0xfffffffffffffull) | 1ull << 52;
        p->minus[i] = (uint64_t)((int64_t)b >> 63);
    }
}

/* Moving by more than 63 bits leaves nothing: each of the four digits is moved up or down. */
#define NOWHERE    64
#define UP(u, k)   ((u) + UP_MIN >= DIGIT_BITS * (k) ? (u) + UP_MIN - DIGIT_BITS * (k) : NOWHERE)
#define DOWN(u, k) ((u) + UP_MIN < DIGIT_BITS * (k) ? DIGIT_BITS * (k) - (u)-UP_MIN : NOWHERE)
#define MOVES(u)                                           \
    {                                                      \
        {UP(u, 0), UP(u, 1), UP(u, 2), UP(u, 3)},          \
        {                                                  \
            DOWN(u, 0), DOWN(u, 1), DOWN(u, 2), DOWN(u, 3) \
        }                                                  \
    }
#define MOVES4(u) MOVES(u), MOVES((u) + 1), MOVES((u) + 2), MOVES((u) + 3)

static const uint64_t moves[UP_CNT][2][4] __attribute__((aligned(64))) = {
    MOVES4(0), MOVES4(4), MOVES4(8), MOVES4(12), MOVES4(16), MOVES4(20)};

/* The four digits of a number at once, into the upper bins or, if the sum's top is one place
 * higher, those below. Any other goes by itself. */
__attribute__((target("avx2"))) static void add_avx2(uint8_t *const *row, uint32_t off,
                                                     const double *x, const struct summands *p,
                                                     uint32_t n)
{
    const __m256i mask = _mm256_set1_epi64x(DIGIT_MASK);

    for (uint32_t i = 0; i < n; i++) {
        struct fsum *s = (struct fsum *)(void *)(row[i] + off);
        uint32_t down = (uint32_t)(s->top - p->top[i]);
        if (__builtin_expect(down > FSUM_BINS - 4, 0)) {
            bins_add(s, x[i]);
            continue;
        }
        const __m256i *move = (const __m256i *)(const void *)moves[p->up[i]];
        __m256i bits = _mm256_set1_epi64x((int64_t)p->bits[i]);
        __m256i minus = _mm256_set1_epi64x((int64_t)p->minus[i]);
        __m256i digits = _mm256_or_si256(_mm256_sllv_epi64(bits, _mm256_load_si256(move)),
                                         _mm256_srlv_epi64(bits, _mm256_load_si256(move + 1)));
        digits = _mm256_and_si256(digits, mask);
        digits = _mm256_sub_epi64(_mm256_xor_si256(digits, minus), minus);
        __m256i *bins = (__m256i *)(void *)(s->bin + FSUM_BINS - 4 - down);
        _mm256_storeu_si256(bins, _mm256_add_epi64(_mm256_loadu_si256(bins), digits));
    }
}

void fsum_add_odd(uint8_t *const *row, uint32_t off, const double *x, const uint16_t *odd,
                  uint32_t n)
{
    struct summands p;
    uint8_t *to[EACH_CNT];
    double number[EACH_CNT];

    while (n) {
        uint32_t m = 0;
        for (; m < EACH_CNT && n; m++, n--, odd++) {
            to[m] = row[*odd];
            number[m] = x[*odd];
        }
        if (simd_level == SIMD_SCALAR) {
            for (uint32_t i = 0; i < m; i++)
                bins_add((struct fsum *)(void *)(to[i] + off), number[i]);
        } else {
            summands_make(&p, number, m);
            add_avx2(to, off, number, &p, m);
        }
    }
}

/* Digits of lanes carry upward: all of them are in 0..2^32-1 then. */
static void lanes_carry(struct fsum *s)
{
    for (uint32_t k = 0; k < FSUM_LANES; k++) {
        int64_t *next = k + 1 < FSUM_LANES ? &s->lane[k + 1] : &s->above;
        *next += s->lane[k] >> LANE_BITS;
        s->lane[k] &= LANE_MASK;
    }
}

void fsum_merge(struct fsum *s, const struct fsum *other)
{
    for (uint32_t k = 0; k < FSUM_LANES; k++)
        s->lane[k] += other->lane[k];
    s->above += other->above;
    lanes_carry(s);
    s->special |= other->special;
    fsum_raise(s, other->top);
    int32_t down = s->top - other->top;
    for (int32_t k = down; k < FSUM_BINS; k++)
        s->bin[k - down] += other->bin[k];
}

/* Carries upward, so that all digits but the highest are in 0..2^24-1. */
static void fsum_carry(int64_t *bin)
{
    for (int k = 0; k + 1 < FSUM_BINS; k++) {
        bin[k + 1] += bin[k] >> DIGIT_BITS;
        bin[k] &= DIGIT_MASK;
    }
}

/* Lanes become bins. After their carries they are what the exact sum of them is, so that nothing
 * but the set of summands says what is cut off; and they are no larger than it is. */
static void fsum_settle(struct fsum *s)
{
    double sign = 1;

    lanes_carry(s);
    if (s->above < 0) {
        sign = -1;
        for (uint32_t k = 0; k < FSUM_LANES; k++)
            s->lane[k] = -s->lane[k];
        s->above = -s->above;
        lanes_carry(s);
    }
    bins_add(s, (double)s->lane[0] * (sign * LANE0));
    bins_add(s, (double)s->lane[1] * (sign * LANE1));
    bins_add(s, (double)s->lane[2] * (sign * LANE2));
    bins_add(s, (double)(s->above & LANE_MASK) * (sign * ABOVE));
    bins_add(s, (double)(s->above >> LANE_BITS) * (sign * ABOVE * 0x1p32));
}

double fsum_value(const struct fsum *sum)
{
    struct fsum settled = *sum, *s = &settled;
    int64_t bin[FSUM_BINS];
    double sign = 1;

    fsum_settle(s);

    if (s->special & FSUM_NAN || (s->special & FSUM_PLUS_INF && s->special & FSUM_MINUS_INF))
        return NAN;
    if (s->special)
        return s->special & FSUM_PLUS_INF ? INFINITY : -INFINITY;
    memcpy(bin, s->bin, sizeof bin);
    fsum_carry(bin);
    if (bin[FSUM_BINS - 1] < 0) {
        sign = -1;
        for (int k = 0; k < FSUM_BINS; k++)
            bin[k] = -s->bin[k];
        fsum_carry(bin);
    }
    unsigned __int128 hi = ((unsigned __int128)(uint64_t)bin[4] << 2 * DIGIT_BITS) +
                           ((uint64_t)bin[3] << DIGIT_BITS) + (uint64_t)bin[2];
    uint64_t lo = ((uint64_t)bin[1] << DIGIT_BITS) + (uint64_t)bin[0];
    int32_t place = (s->top - FSUM_BINS + 1) * DIGIT_BITS - 1074;
    if (hi >> 79) /* too long for one word pair: the low part only breaks ties */
        return sign * ldexp((double)(hi | (lo != 0)), place + 2 * DIGIT_BITS);
    return sign * ldexp((double)(hi << 2 * DIGIT_BITS | lo), place);
}
