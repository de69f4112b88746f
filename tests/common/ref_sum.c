// The exact sum of floats: one long fixed-point number that holds any of them, rounded once.

#include <math.h>
#include <string.h>

#include "tests/common/ref_value.h"

// Limb k counts units of 2^(32 k - 1152): from 53 bits below the least float to 2^63 times the
// greatest.
#define LIMBS_CNT 72
#define UNIT_EXP  (-1152)

static void add(int64_t *limb, double x)
{
    int e;
    double m = frexp(x, &e); // x = m 2^e, 0.5 <= |m| < 1
    int64_t bits = (int64_t)ldexp(m, 53);
    int shift = e - 53 - UNIT_EXP;
    unsigned __int128 v = (unsigned __int128)(bits < 0 ? -bits : bits) << (shift % 32);
    for (int k = shift / 32; v; k++, v >>= 32)
        limb[k] += bits < 0 ? -(int64_t)(uint32_t)v : (int64_t)(uint32_t)v;
}

// Every limb but the last to 0 .. 2^32 - 1.
static void carry(int64_t *limb)
{
    for (int k = 0; k + 1 < LIMBS_CNT; k++) {
        int64_t low = limb[k] & 0xffffffff;
        limb[k + 1] += (limb[k] - low) / (INT64_C(1) << 32);
        limb[k] = low;
    }
}

// A number that is not negative, to the nearest float, ties to even.
static double round_once(const int64_t *limb)
{
    int top = LIMBS_CNT - 1;
    while (top >= 0 && !limb[top])
        top--;
    if (top < 0)
        return 0;
    // The highest 96 bits and more, and whether anything is left below: as one integer of 64 bits
    // whose last bit is sticky.
    unsigned __int128 v = 0;
    for (int k = top; k > top - 4; k--)
        v = v << 32 | (uint64_t)(k >= 0 ? limb[k] : 0);
    int exp = 32 * (top - 3) + UNIT_EXP, sticky = 0;
    for (int k = top - 4; k >= 0; k--)
        sticky |= limb[k] != 0;
    while (v >> 64) {
        sticky |= (int)(v & 1);
        v >>= 1;
        exp++;
    }
    // A subnormal result keeps fewer bits: cut to what it can hold before the one rounding.
    int keep = 64;
    while (keep > 0 && !((uint64_t)v >> (keep - 1)))
        keep--;
    int last = keep + exp - 53; // exponent of the last bit of a normal result
    if (last < -1074)
        last = -1074;
    int drop = last - exp;
    if (drop <= 0)
        return ldexp((double)(uint64_t)v, exp);
    uint64_t u = (uint64_t)v, kept = drop >= 64 ? 0 : u >> drop;
    uint64_t half = drop > 64 ? 0 : UINT64_C(1) << (drop - 1);
    uint64_t rest = drop >= 64 ? u : u & ((UINT64_C(1) << drop) - 1);
    if (half && (rest > half || (rest == half && (sticky || kept & 1))))
        kept++;
    return ldexp((double)kept, last);
}

double ref_sum(const double *x, uint32_t n)
{
    int64_t limb[LIMBS_CNT] = {0};
    double special = 0;
    bool is_special = false;
    for (uint32_t i = 0; i < n; i++) {
        if (isfinite(x[i])) {
            if (x[i] != 0)
                add(limb, x[i]);
        } else {
            special = is_special ? special + x[i] : x[i];
            is_special = true;
        }
        if (i % (1u << 20) == 0)
            carry(limb);
    }
    if (is_special)
        return special;
    carry(limb);
    bool negative = limb[LIMBS_CNT - 1] < 0;
    if (negative) {
        for (int k = 0; k < LIMBS_CNT; k++)
            limb[k] = -limb[k];
        carry(limb);
    }
    double r = round_once(limb);
    return negative ? -r : r;
}
