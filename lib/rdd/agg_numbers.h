/*
 * Numbers into rows of accumulators: the count of records, and the leaves that are words or sums of
 * floats. A vector is gone through in chunks of records, whose rows stay in L1 meanwhile, and these
 * by windows of words (agg_lanes.h): the columns of a window are made, then brought to the rows.
 *
 * Measured (Zen 4, 413 rows, perf/bench_columns; AVX-512, AVX2, scalar): the least, the greatest, a
 * sum of floats and the count together cost a record 1.9, 2.7, 5.4 ns; a least and the count 0.9,
 * 1.3, 1.5 ns.
 */
#ifndef RDD_AGG_NUMBERS_H
#define RDD_AGG_NUMBERS_H

#include "rdd/plan.h"
#include "rdd/vec.h"

#define AGG_CHUNK 256u

/* agg_is_number: does agg_numbers_update know how this leaf combines? */
bool agg_is_number(const struct agg_leaf *l);
/* agg_numbers_update adds the live rows of v to the counts and the numbers of their rows: record i
 * is row vec_row(v, i) of cols, and goes to row[i]. The same row may come many times. */
void agg_numbers_update(const struct agg_spec *a, uint8_t *const *row, const struct col *cols,
                        const struct vec *v);

#endif
