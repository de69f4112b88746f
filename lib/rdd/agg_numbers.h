/*
 * Numbers into rows of accumulators: the leaves that are words or sums of floats, a loop for each
 * kind.
 *
 * Measured (Zen 4, 413 rows of 96 bytes, perf/bench_columns): to add a record to a sum, a least or
 * a greatest costs 0.8 ns; to a sum of floats with AVX2 2.4 ns, without 7.4 ns.
 */
#ifndef RDD_AGG_NUMBERS_H
#define RDD_AGG_NUMBERS_H

#include "rdd/plan.h"
#include "rdd/vec.h"

/* Records that are worth going through leaf by leaf: their rows stay in L1 meanwhile. */
#define AGG_CHUNK 128u

/* agg_is_number: does agg_numbers_update know how this leaf combines? */
bool agg_is_number(const struct agg_leaf *l);
/* agg_numbers_update adds n <= AGG_CHUNK records to leaf l of their rows: record i is row sel[i] of
 * c, or first + i when sel is NULL. The same row may come many times. */
void agg_numbers_update(const struct agg_leaf *l, uint8_t *const *row, const struct col *c,
                        const uint16_t *sel, uint32_t first, uint32_t n);

#endif
