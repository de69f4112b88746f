/*
 * What the report keeps; shared by report*.c alone.
 */
#ifndef DPDK_APP_REPORT_STATE_H
#define DPDK_APP_REPORT_STATE_H

#include "dpdk-app/report.h"
#include "io/stats.h"

#define REPORT_OPEN_MAX  256u /* intervals of a job that are told apart at one time */
#define REPORT_LINES_MAX 64u  /* lines on their way through the I/O thread */
#define REPORT_FREE      UINT64_MAX

struct report_interval {
    bool done, complete;
    uint64_t interval;
    uint32_t outs_pending; /* outputs that are not yet written */
    uint64_t busy_ns;      /* processing time */
    uint64_t records, records_dropped[RECORD_DROPS_CNT];
    struct stats_ledger packets; /* that came in its ticks */
    uint64_t close_ns;           /* from the interval's end to its last output; captures: 0 */
    uint64_t digest[PLAN_OUTPUTS_MAX];
    uint32_t rows[PLAN_OUTPUTS_MAX];
    bool has_digest[PLAN_OUTPUTS_MAX];
};

struct report_job {
    struct report_interval open[REPORT_OPEN_MAX];
    uint64_t number[REPORT_OPEN_MAX]; /* of the interval in each place, or REPORT_FREE */
    uint32_t open_cnt;
    uint32_t done[REPORT_OPEN_MAX]; /* ring: places of intervals that are done, in order */
    uint64_t done_head, done_tail;
    uint64_t records;
    struct stats_ledger ports_before; /* at the last line: lost before an lcore saw them */
    struct stats_job total;
    const char **place; /* by fail_idx: "7:12 map" */
    uint32_t section;   /* of the screen: its status; STATS_NO_SECTION: none */
};

struct report {
    struct node *node;
    struct writer *writer;
    struct screen *screen;
    uint64_t write_errors;
    char last_error[SINK_ERROR_BYTES];
    uint64_t start_tsc, end_tsc;
    uint64_t after_end; /* packets or runs that came after the last tick */
    struct stats_out out;
    struct stats_ledger *ticked;                /* by job and input: at the end of the last tick */
    struct stats_report *line;                  /* ring of REPORT_LINES_MAX */
    uint64_t line_head, line_pushed, line_tail; /* [head, pushed): with the I/O thread */
    struct report_job job[SCHED_JOBS_MAX];
};

/* report.c: the record of an interval. */
struct report_interval *report_find(struct report *r, uint32_t job, uint64_t interval);
/* report.c: lines of the intervals that are done and written, as long as there is room. */
void report_retire(struct report *r, uint32_t job);
/* report_line.c: the stats line and the status of an interval that is done; there is room. */
bool report_line_room(const struct report *r);
void report_line(struct report *r, uint32_t job, const struct report_interval *i);
/* report_ledger.c: what came for a job and what became of it, since the start of the run. */
void report_packets(const struct report *r, uint32_t job, struct stats_ledger *l);
void report_records(const struct report *r, uint32_t job, struct stats_ledger *l);
/* What ports lost since the last line. */
void report_lost_by_ports(struct report *r, uint32_t job, struct stats_ledger *l);
/* Rows that the program dropped, by place; and what was noticed without being a loss. */
void report_rows(const struct report *r, uint32_t job, struct stats_tally *t);
void report_noticed(const struct report *r, uint32_t job, struct stats_tally *t);
uint32_t report_lcores(const struct report *r, struct stats_lcore *l);
uint64_t report_ns(uint64_t tsc);

#endif
