/*
 * Numbers of a whole column read from text (parse.h says what a number is).
 *
 * Most numbers are short: a sign, up to eight characters of digits, a point. With AVX-512 or AVX2
 * eight or four of those are computed side by side without a branch, with AVX-512 sixteen floats of
 * at most four characters beside the sign, the faster when the points of all are as far from the
 * end; any other goes to parse_int or parse_float by itself. All ways give the same bits.
 *
 * Measured (Zen 4, "-12.3" and the like, perf/bench_columns; AVX-512, AVX2, by parse_float): a
 * float costs 0.85, 2.0, 12 ns; one of more characters 1.7 with AVX-512.
 */
#ifndef RDD_PARSE_COL_H
#define RDD_PARSE_COL_H

#include <stdint.h>

/* Field i is len[i] bytes at base + off[i]; fields lie one behind the other. A field that is no
 * such number gives 0 and bad[i] = 1; bad[i] is left alone otherwise. */
void parse_ints(int64_t *to, const uint8_t *base, const uint32_t *off, const uint32_t *len,
                uint32_t n, uint8_t *bad);
void parse_floats(double *to, const uint8_t *base, const uint32_t *off, const uint32_t *len,
                  uint32_t n, uint8_t *bad);

#endif
