/*
 * What the report keeps; shared by report*.c alone.
 */
#ifndef DPDK_APP_REPORT_STATE_H
#define DPDK_APP_REPORT_STATE_H

#include "dpdk-app/report.h"

#define REPORT_OPEN_MAX 256u /* intervals of a job that are told apart at one time */

struct report_interval {
    bool used, done, complete;
    uint64_t interval;
    uint32_t outs_pending; /* outputs that are not yet written */
    uint64_t busy_ns;      /* processing time */
    uint64_t records;
    int64_t close_ns; /* from the interval's end to its last output; captures: 0 */
    uint64_t digest[PLAN_OUTPUTS_MAX];
    uint32_t rows[PLAN_OUTPUTS_MAX];
    bool has_digest[PLAN_OUTPUTS_MAX];
};

struct report_job {
    struct report_interval open[REPORT_OPEN_MAX]; /* by interval */
    uint64_t done[REPORT_OPEN_MAX];               /* ring: intervals that are done, in order */
    uint64_t done_head, done_tail;
    uint64_t intervals, incomplete, busy_ns, records;
    int64_t close_ns_max;
};

struct report {
    struct node *node;
    struct writer *writer;
    struct screen *screen;
    uint64_t write_errors;
    char last_error[SINK_ERROR_BYTES];
    uint64_t start_tsc;
    struct stats *stats; /* NULL: no --stats */
    uint32_t section;    /* of the screen: the status */
    struct report_job job[SCHED_JOBS_MAX];
};

/* report_line.c: the stats line and the status of an interval that is done. */
void report_line(struct report *r, uint32_t job, const struct report_interval *i);

#endif
