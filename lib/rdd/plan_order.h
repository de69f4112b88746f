/*
 * Where the order of rows is kept, and by what (vec.h): marks what is above something that keeps
 * it, and numbers the ways through unions that lead to each exchange and output.
 *
 * Ways are numbered as a union lays its sides: for each record, the left side before the right one.
 * So of two ways the last union where they came from different sides decides.
 */
#ifndef RDD_PLAN_ORDER_H
#define RDD_PLAN_ORDER_H

#include "rdd/plan.h"

/* plan_order needs what exchanges aggregate and how outputs are ordered. */
void plan_order(struct plan *p);

#endif
