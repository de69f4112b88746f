/*
 * Sealed blocks for the benchmarks, as the builder of an input queue would have sealed them: one
 * page of 2 MB each, rows of 1,400 bytes (the payload of a datagram, 14 records of 100 bytes), one
 * behind the other as ingest's dense copy lays them. The set is made once and recycled.
 *
 * perf_pages: memory for blocks, tables and states, in huge pages where they can be had: reserved
 * ones, else transparent ones, else small ones; perf_pages_mode tells which it was. Never freed.
 *
 * struct perf_mem is where a runner's shuffle blocks come from (struct block_mem): a fixed number
 * of pages and descriptors, taken at the start.
 */
#ifndef PERF_BLOCKS_H
#define PERF_BLOCKS_H

#include "perf/gen_text.h"
#include "rdd/builder.h"

#define PERF_RUN_BYTES     1400u
#define PERF_RUNS          (PAGE_BYTES / PERF_RUN_BYTES)
#define PERF_BLOCK_BYTES   (PERF_RUNS * PERF_RUN_BYTES)
#define PERF_BLOCK_RECORDS (PERF_BLOCK_BYTES / GEN_RECORD_BYTES)

void *perf_pages(size_t bytes);
const char *perf_pages_mode(void);

struct perf_blocks {
    uint32_t cnt;
    struct block *block;
    double words_per_record;
};

void perf_blocks_make(struct perf_blocks *b, uint32_t cnt, uint64_t seed);

struct perf_mem;

struct perf_mem *perf_mem_new(uint32_t pages_cnt, uint32_t blocks_cnt);
struct block_mem perf_mem_seam(struct perf_mem *m);
/* perf_mem_release lets a block that a task made go. */
void perf_mem_release(struct perf_mem *m, struct block *b);

#endif
