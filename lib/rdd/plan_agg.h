/*
 * How the value of an exchange is aggregated: its leaves, and where they lie in a row of
 * accumulators.
 */
#ifndef RDD_PLAN_AGG_H
#define RDD_PLAN_AGG_H

#include "rdd/plan.h"

/* plan_agg: leaf by leaf of a value (NULL: none) that f reduces (NULL: a sum). */
void plan_agg(struct agg_spec *a, const struct type *value, const struct lambda *f);
/* plan_ones: of the rows that come from a node, the value leaves that are the literal 1 and are
 * summed, by a bit each. */
uint64_t plan_ones(const struct pnode *from, const struct exchange *x);
/* plan_counts: what all writers of an exchange write ones to is the count of records, which every
 * row has anyway. */
void plan_counts(struct exchange *x);

#endif
