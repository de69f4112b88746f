/*
 * Sorting of index arrays in place, without memory of its own. Heap sort: no worst case, no
 * recursion, and it can stop after any element and go on.
 */
#ifndef RDD_SORT_H
#define RDD_SORT_H

#include <stdbool.h>
#include <stdint.h>

typedef int (*sort_cmp)(const void *ctx, uint32_t a, uint32_t b);

/* sort_idx orders idx[0..n) by cmp(ctx, a, b) < 0. */
void sort_idx(uint32_t *idx, uint32_t n, sort_cmp cmp, const void *ctx);

/* A sort in steps: the heap holds idx[heap..end) so far, idx[end..n) is in its place. */
struct sort_run {
    uint32_t heap, end;
};

void sort_begin(struct sort_run *r, uint32_t n);
/* sort_step moves at most `most` elements, each with 2 log2 n comparisons at most; true: there is
 * more to do. */
bool sort_step(struct sort_run *r, uint32_t *idx, uint32_t most, sort_cmp cmp, const void *ctx);

#endif
