/*
 * Sorting of index arrays.
 *
 * sort_idx sorts in place, without memory of its own: heap sort, no worst case, no recursion.
 *
 * sort_step sorts in steps, for what may be large: a merge sort between two arrays. Pieces of
 * SORT_PIECE elements are sorted first, one in a step, while what they stand for is near in memory;
 * then runs of them are merged, in passes over all of them, SORT_PIECE elements in a step. It is
 * stable, and two runs that are in order already are copied. What an index stands for is fetched
 * ahead (sort_order.ahead), for it lies anywhere.
 */
#ifndef RDD_SORT_H
#define RDD_SORT_H

#include <stdbool.h>
#include <stdint.h>

#define SORT_PIECE 1024u

typedef int (*sort_cmp)(const void *ctx, uint32_t a, uint32_t b);

/* sort_idx orders idx[0..n) by cmp(ctx, a, b) < 0. */
void sort_idx(uint32_t *idx, uint32_t n, sort_cmp cmp, const void *ctx);

struct sort_order {
    sort_cmp cmp;
    void (*ahead)(const void *ctx, uint32_t a); /* a is compared soon */
    const void *ctx;
};

struct sort_run {
    uint32_t *from, *to; /* of the pass under way; in the end, from is in order */
    uint32_t n, width;   /* elements; of runs that are in order, 0: the pieces are not yet */
    uint32_t at, i, j;   /* where the pass is: in `to`, and in the two runs in `from` */
    bool in_order;       /* these two */
};

/* sort_begin: the n elements are in idx; spare has room for as many. */
void sort_begin(struct sort_run *r, uint32_t *idx, uint32_t *spare, uint32_t n);
/* sort_step returns whether there is more to do; when not, r->from is in order. */
bool sort_step(struct sort_run *r, const struct sort_order *o);

#endif
