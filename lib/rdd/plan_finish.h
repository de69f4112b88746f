/*
 * The second half of plan_build: what follows from the lowered stages. plan_capacity (plan.h) is
 * here too.
 */
#ifndef RDD_PLAN_FINISH_H
#define RDD_PLAN_FINISH_H

#include "rdd/plan.h"

/* plan_finish fills what is derived: want, sorted, memory_len, the outputs' exchanges. */
void plan_finish(struct plan *p);

/* plan_reads sets want[c] for the columns that the subtree from n on reads, of a row with so many
 * leaves that comes to n. */
void plan_reads(const struct pnode *n, uint32_t leaves, bool *want);

#endif
