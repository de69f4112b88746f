/*
 * Joining columns: two columns of one kind, whose bytes or elements lie apart, become one.
 *
 * Strings of one column share a base. Where the two bases lie less than 4 GB apart the lower one
 * serves for both; else the bytes are copied. A list column's elements are one vector, so those
 * of the two are put one after the other.
 */
#ifndef RDD_COL_MERGE_H
#define RDD_COL_MERGE_H

#include "rdd/expr.h"

/* col_choose: out[r] = cond[r] ? a[r] : b[r] for the rows of ev. out's arrays are allocated.
 * Sets ev->no_memory when the arena is full. */
void col_choose(struct eval *ev, const int64_t *cond, const struct col *a, const struct col *b,
                struct col *out);

#endif
