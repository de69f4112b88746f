#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "base/simd.h"
#include "rdd/fsum.h"

#define DIGIT_BITS     24
#define DIGIT_MASK     ((1u << DIGIT_BITS) - 1)
#define FSUM_NAN       1u
#define FSUM_PLUS_INF  2u
#define FSUM_MINUS_INF 4u

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

void fsum_add(struct fsum *s, double x)
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

/* ---- many sums --------------------------------------------------------------------------------
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
            fsum_add(s, x[i]);
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

void fsum_add_each(uint8_t *const *row, uint32_t off, const double *x, uint32_t n)
{
    struct summands p;

    for (uint32_t at = 0; at < n; at += EACH_CNT) {
        uint32_t m = n - at < EACH_CNT ? n - at : EACH_CNT;
        if (simd_level == SIMD_SCALAR) {
            for (uint32_t i = at; i < at + m; i++)
                fsum_add((struct fsum *)(void *)(row[i] + off), x[i]);
        } else {
            summands_make(&p, x + at, m);
            add_avx2(row + at, off, x + at, &p, m);
        }
    }
}

void fsum_merge(struct fsum *s, const struct fsum *other)
{
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

double fsum_value(const struct fsum *s)
{
    int64_t bin[FSUM_BINS];
    double sign = 1;

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
