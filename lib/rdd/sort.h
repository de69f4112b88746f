/*
 * Sorting of index arrays in place, without memory of its own.
 */
#ifndef RDD_SORT_H
#define RDD_SORT_H

#include <stdint.h>

/* sort_idx orders idx[0..n) by cmp(ctx, a, b) < 0. Heap sort: no worst case, no recursion. */
void sort_idx(uint32_t *idx, uint32_t n, int (*cmp)(const void *ctx, uint32_t a, uint32_t b),
              const void *ctx);

#endif
