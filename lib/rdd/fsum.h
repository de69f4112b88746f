/*
 * Sums of floats that do not depend on order.
 *
 * A finite double is a 53-bit integer at a bit position; it is cut into digits of 24 bits on a
 * fixed grid, and each digit is added to the 64-bit bin of its grid place. Bins do not carry
 * into each other until the end, and only the five below the highest place seen are kept, so
 * what they hold is a function of the set of summands alone: neither order nor grouping shows
 * in a bit. The result is rounded once. (After Demmel and Nguyen, "Parallel Reproducible
 * Summation", 2015.)
 *
 * Precision: at least 72 bits below the largest summand. Capacity: 2^39 summands. NaN and
 * infinities are remembered beside the bins.
 */
#ifndef RDD_FSUM_H
#define RDD_FSUM_H

#include <stdint.h>

#define FSUM_BINS 5

struct fsum {
    int32_t top;      /* grid place of bin[FSUM_BINS - 1]; 0 with empty bins at the start */
    uint32_t special; /* NaN and infinities seen */
    int64_t bin[FSUM_BINS];
};

_Static_assert(sizeof(struct fsum) == 48, "six words in a row of accumulators");

/* A zeroed struct fsum is the empty sum. */
void fsum_add(struct fsum *s, double x);
void fsum_merge(struct fsum *s, const struct fsum *other);
/* fsum_add_each adds x[i] to the sum that lies `off` bytes into row[i], n times; the same row may
 * come many times. */
void fsum_add_each(uint8_t *const *row, uint32_t off, const double *x, uint32_t n);
double fsum_value(const struct fsum *s);

#endif
