/*
 * Memory for the benchmarks.
 *
 * perf_pages: zeroed, in huge pages where they can be had: reserved ones, else transparent ones,
 * else small ones; perf_pages_mode tells which it was. It is given back in the order of a stack:
 * perf_pages_release(perf_pages_mark() of before) unmaps what was taken since.
 *
 * struct perf_mem is where blocks come from (struct block_mem, rdd/builder.h): a fixed number of
 * pages and descriptors, taken at the start; for one thread.
 */
#ifndef PERF_MEMORY_H
#define PERF_MEMORY_H

#include <stddef.h>

#include "rdd/builder.h"

void *perf_pages(size_t bytes);
const char *perf_pages_mode(void);
size_t perf_pages_mark(void);
void perf_pages_release(size_t mark);

struct perf_mem;

/* perf_mem_new lays everything out in perf_pages. */
struct perf_mem *perf_mem_new(uint32_t pages_cnt, uint32_t blocks_cnt);
struct block_mem perf_mem_seam(struct perf_mem *m);
/* perf_mem_release lets a block that a task made go. */
void perf_mem_release(struct perf_mem *m, struct block *b);

#endif
