/*
 * The second half of plan_build: what follows from the lowered stages. plan_capacity (plan.h) is
 * here too.
 */
#ifndef RDD_PLAN_FINISH_H
#define RDD_PLAN_FINISH_H

#include "rdd/plan.h"

/* plan_finish fills what is derived: want, sorted, memory_len, the outputs' exchanges. */
void plan_finish(struct plan *p);

#endif
