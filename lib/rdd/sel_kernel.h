/*
 * What kernels that make selections share: rows from bits, and the six comparisons as two.
 */
#ifndef RDD_SEL_KERNEL_H
#define RDD_SEL_KERNEL_H

#include <immintrin.h>

#include "rdd/sel.h"

/* The rows where (greater ? x > with : x == with) is `want`. */
struct sel_ask {
    bool greater, want;
    int64_t with;
};

/* sel_ask_of: equal or greater, each the other way round, and with the number before. */
static inline struct sel_ask sel_ask_of(enum sel_op op, int64_t y)
{
    switch (op) {
    case SEL_EQ:
    case SEL_NE: return (struct sel_ask){false, op == SEL_EQ, y};
    case SEL_GT:
    case SEL_LE: return (struct sel_ask){true, op == SEL_GT, y};
    case SEL_GE:
    case SEL_LT: break;
    }
    /* at least y: greater than the number before it, if there is one */
    if (y == INT64_MIN)
        return (struct sel_ask){true, op == SEL_LT, INT64_MAX};
    return (struct sel_ask){true, op == SEL_GE, y - 1};
}

/* sel_put_32 writes the rows first to first + 31 of which the bits are set, and slack behind them;
 * returns how many. */
__attribute__((target("avx512f,avx512bw,avx512vbmi2,popcnt"), always_inline)) static inline uint32_t
sel_put_32(uint16_t *to, uint32_t here, uint32_t first)
{
    static const uint16_t count[32] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                       11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                       22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
    __m512i rows = _mm512_add_epi16(_mm512_loadu_si512(count), _mm512_set1_epi16((int16_t)first));

    _mm512_storeu_si512(to, _mm512_maskz_compress_epi16(here, rows));
    return (uint32_t)_mm_popcnt_u32(here);
}

#endif
