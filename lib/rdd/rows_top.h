/*
 * The open interval of a top (rows_state.h): its best top_cnt rows, kept as they come.
 *
 * Rows lie in a region of bytes, one behind the other. A row's ord_hi says whose it is: the number
 * of its interval's span, or nobody's any more. When the region is full, and in an interval that
 * begins with little else in it, the live rows move together at its beginning, in steps. The rows
 * of the open interval are a heap, the worst on top, and ord_lo is a row's place in it.
 *
 * Which intervals fit. An interval takes five eighths of the region, less what the window keeps of
 * others. A row that would take more drives the worst ones out, and the best of those, the floor,
 * is remembered: nothing behind it comes in any more, for it has no room either. So what is kept
 * is, at any time and in any order of coming, the best rows as far as there is room and as there
 * are top_cnt, and an interval fits exactly if its best top_cnt rows do, however many tasks send
 * their own. One that does not is left out, and min(top_cnt, its rows) are counted. (A row of more
 * than an eighth of the region is not held at all: an interval in which it could be one of the best
 * when it comes is left out too.)
 */
#ifndef RDD_ROWS_TOP_H
#define RDD_ROWS_TOP_H

#include "rdd/rows_state.h"

void rows_top_begin(struct rows_state *s);
/* rows_top_merge takes up to VEC_ROWS_MAX rows, or moves as many; true: there is more to do. */
bool rows_top_merge(struct rows_state *s, struct rows_reader *r);
void rows_top_end(struct rows_state *s);
/* rows_top_index: as rows_index, of the rows of all intervals of the window. */
bool rows_top_index(struct rows_state *s);

#endif
