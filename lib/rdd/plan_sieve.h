/*
 * Filters that compare a number with a literal, and among them the sieve of a source (sieve.h).
 */
#ifndef RDD_PLAN_SIEVE_H
#define RDD_PLAN_SIEVE_H

#include "rdd/plan.h"

/* plan_comparisons tells the filters from n on that are nothing but a comparison. */
void plan_comparisons(struct pnode *n);
/* plan_sieve fills s->sieve of a stage over a source, and s->met if it is one. Needs to know where
 * order is kept. */
void plan_sieve(struct stage *s);

#endif
