/*
 * What the benchmarks found: rows on the terminal, and build/bench.json, which is
 *
 *   {"machine": {...},
 *    "rows": [{"job", "feed", "lcores", "records_per_s", "limit_records_per_s", "ratio", "spread",
 *              "answer_agrees"}],
 *    "details": [of each row: wall time beside busy time, 10th and 90th percentile of the ratio]}
 *
 * Rates of rows are by busy time; spread is (90th - 10th percentile) / median of the ratio.
 */
#ifndef PERF_REPORT_H
#define PERF_REPORT_H

#include <stdio.h>

#include "perf/duel.h"

struct bench_row {
    const char *job, *feed;
    uint32_t lcores;
    struct duel duel;
};

/* report_cache_bytes: of the last-level cache, as the kernel tells it. */
uint64_t report_cache_bytes(void);
/* report_feed prints what the rows that follow were fed, and the head of their table. */
void report_feed(FILE *f, const struct perf_blocks *b);
void report_row(FILE *f, const struct bench_row *r);
/* report_json writes the file; 0 or -errno. read_per_s: bytes/s that a loop reads from memory, by
 * lcores. */
int report_json(const char *path, const struct bench_row *row, uint32_t cnt,
                const double *read_per_s, uint32_t lcores);

#endif
