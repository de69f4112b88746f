/*
 * What a benchmark found: rows of a table on the terminal and of build/bench.json:
 *
 *   {"machine": {...}, "rows": [{"job", "feed", "lcores", "records_per_s", "limit_records_per_s",
 *                                "ratio", "spread", "answer_agrees", ...}]}
 */
#ifndef PERF_REPORT_H
#define PERF_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "perf/blocks.h"

struct bench_row {
    const char *job, *feed;
    uint32_t lcores;
    double records_per_s, limit_records_per_s; /* by busy time, medians */
    double wall_per_s, limit_wall_per_s;       /* by wall time, medians */
    double ratio;                              /* median of the ratios of each repetition */
    double spread;                             /* of the ratio: (greatest - least) / median */
    bool answer_agrees;
};

/* report_machine prints the machine and versions; report_feed what the rows that follow were fed,
 * and the head of their table. */
void report_machine(void);
void report_feed(const struct perf_blocks *b);
void report_row(const struct bench_row *r);
/* report_json writes the file; 0 or -errno. */
int report_json(const char *path, const struct bench_row *row, uint32_t cnt);

#endif
