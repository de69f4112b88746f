/*
 * Sums of floats that do not depend on order.
 *
 * A summand is cut into digits, whole numbers on a fixed grid, and each digit is added to the word
 * of its grid place. Digits do not carry into each other until the end, so what the words hold is a
 * function of the set of summands alone: neither order nor grouping shows in a bit. The result is
 * rounded once. (After Demmel and Nguyen, "Parallel Reproducible Summation", 2015.)
 *
 * Summands of common size, below 2^26 and whole numbers of 2^-70 (any of 4e-6 and more is one, and
 * 0), go to three words, the lanes, whose digits have 32 bits and a sign. They need no look at the
 * sum, so that lanes are added like integers, many rows at once (agg_lanes.h), as long as there is
 * room above a digit. When sums meet, digits carry, out of the last lane into the word `above`.
 *
 * Any other is odd. A finite one is a 53-bit integer at a bit position; it is cut into digits of 24
 * bits, for the 64-bit bins, of which only the five below the highest place seen are kept. NaN and
 * infinities are remembered beside the bins.
 *
 * Precision: at least 72 bits below the largest summand. Capacity: FSUM_SUMMANDS_MAX summands
 * before a sum is merged into another, and 2^39 in all.
 *
 * Measured (Zen 4, perf/bench_columns; AVX-512, AVX2, scalar): the digits of a summand cost 0.35,
 * 0.45, 1.7 ns.
 */
#ifndef RDD_FSUM_H
#define RDD_FSUM_H

#include <stdint.h>

#define FSUM_LANES        3
#define FSUM_BINS         5
#define FSUM_SUMMANDS_MAX (1u << 29)

struct fsum {
    int64_t lane[FSUM_LANES];
    int64_t above;    /* what has carried out of the lanes */
    int32_t top;      /* grid place of bin[FSUM_BINS - 1]; 0 with empty bins at the start */
    uint32_t special; /* NaN and infinities seen */
    int64_t bin[FSUM_BINS];
};

_Static_assert(sizeof(struct fsum) == 80, "ten words in a row of accumulators");

/* A zeroed struct fsum is the empty sum. */
void fsum_add(struct fsum *s, double x);
void fsum_merge(struct fsum *s, const struct fsum *other);
double fsum_value(const struct fsum *s);

/* Many sums: fsum_lanes gives what lane k gets of summand i as lane[k][i], 0 if it is odd, and the
 * odd ones, rising; returns how many. */
uint32_t fsum_lanes(int64_t *const lane[FSUM_LANES], const double *x, uint32_t n, uint16_t *odd);
/* fsum_add_odd adds x[odd[i]], which are odd, to the sums that lie `off` bytes into row[odd[i]], n
 * times; the same row may come many times. */
void fsum_add_odd(uint8_t *const *row, uint32_t off, const double *x, const uint16_t *odd,
                  uint32_t n);

#endif
