#include <math.h>
#include <string.h>

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
