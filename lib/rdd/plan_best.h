/*
 * States whose rows go to a top and nowhere else, through maps that cannot fail: of these a top of
 * n needs the best n of each task, and emission makes no rows of the others (agg_best.h).
 *
 * The first leaf by which the top orders must be a number that a row of accumulators holds as it
 * is. If the rest of the order is the state's own key, entries of one value are told apart by it.
 */
#ifndef RDD_PLAN_BEST_H
#define RDD_PLAN_BEST_H

#include "rdd/plan.h"

/* plan_best sets exchange.best; it needs what exchanges aggregate. */
void plan_best(struct plan *p);

#endif
