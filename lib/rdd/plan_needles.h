/*
 * What a record of a source must hold to have an effect: a filter that is the first to see it may
 * ask for a piece of text, and a reader of text need not make rows of lines without it.
 *
 * An effect is a row that leaves the filters, and as much a failure that is counted. So a needle
 * is taken from a filter only when nothing that could fail is computed before it finds the needle
 * missing, and from a stage only when every way into it begins with such filters; then any one of
 * their needles must be there.
 */
#ifndef RDD_PLAN_NEEDLES_H
#define RDD_PLAN_NEEDLES_H

#include "rdd/plan.h"

/* plan_needles fills s->needles of a stage over a source, none unless its rows are one string, and
 * s->met. */
void plan_needles(struct stage *s);

#endif
