/*
 * Statistics: what a run says of itself, to programs as JSON lines (`--stats`), to people on the
 * screen and at the end.
 *
 * A ledger is closed: offered = processed + dropped, by reason, for packets and for records.
 * Nothing here counts; whoever owns the counters fills these structs in, for one interval of one
 * job, or for a whole run.
 *
 * One line for each interval of each job, and a last one:
 *
 *   {"job": "wordcount", "interval": 7, "end": "1970-01-01T00:00:08Z",
 *    "packets": {"offered": 10, "processed": 9, "dropped": {"no_source": 1}},
 *    "records": {"offered": 99, "processed": 99, "dropped": {}}, "records_per_s": 99.0,
 *    "close_delay_ns": 41000, "processing_ns": 97000, "backlog": 0, "busy_ns": {"0": 99000},
 *    "rows": {"counts": 20}, "digest": {"counts": "00f1e2d3c4b5a697"}}
 *   {"final": true, "seconds": 40.1, "busy_ns": {"0": 3960000}, "jobs": [{"job": "wordcount",
 *    "intervals": 40, "packets": ..., "records": ..., "records_per_s": 98.7, "close_delay_ns":
 *    {"median": 40960, "p99": 81920, "max": 83111}, "processing_ns": {...}, "lost_outputs": 0}]}
 *
 * A record becomes rows on its way through the program; those that are dropped there stand in
 * "rows_dropped", by place: {"7:12 map": 3, "state_full": 1000}. "noticed" holds what is no loss:
 * late packets, skipped gaps, tunnels, unfinished checksums. Both since the start of the run.
 *
 * Reasons with a count of 0 are left out, and so are "rows_dropped" and "noticed" when empty.
 * `"complete": false` is there when the interval was cut short or lost records to a full state. A
 * digest is that of order.h, in hex.
 */
#ifndef IO_STATS_H
#define IO_STATS_H

#include "io/screen.h"

#define STATS_REASONS_MAX 64u
#define STATS_LCORES_MAX  64u
#define STATS_STREAMS_MAX 64u

/* ---- ledgers --------------------------------------------------------------------------------- */

struct stats_count {
    const char *name;
    uint64_t cnt;
};

struct stats_ledger {
    uint64_t offered, processed;
    uint32_t reasons_cnt;
    struct stats_count dropped[STATS_REASONS_MAX];
};

/* Counts by name that are no part of a ledger. */
struct stats_tally {
    uint32_t cnt;
    struct stats_count count[STATS_REASONS_MAX];
};

/* stats_tally_add adds to a count; beyond STATS_REASONS_MAX names the last one takes the rest. */
void stats_tally_add(struct stats_tally *t, const char *name, uint64_t cnt);
/* stats_drop adds to a reason, by name; the name outlives the ledger. */
void stats_drop(struct stats_ledger *l, const char *reason, uint64_t cnt);
uint64_t stats_dropped(const struct stats_ledger *l);
bool stats_closed(const struct stats_ledger *l);

/* ---- times ----------------------------------------------------------------------------------- */

/* How times are spread, to 1/32. Zero-initialise. */
#define STATS_STEPS     32u
#define STATS_STEPS_CNT (60u * STATS_STEPS)

struct stats_spread {
    uint64_t cnt, max;
    uint32_t step[STATS_STEPS_CNT];
};

void stats_spread_add(struct stats_spread *s, uint64_t ns);
/* stats_spread_at: the time that `part` (0 to 1) of all do not exceed; 0 when there is none. */
uint64_t stats_spread_at(const struct stats_spread *s, double part);

/* ---- an interval, a run ---------------------------------------------------------------------- */

struct stats_lcore {
    uint32_t lcore;
    const char *roles; /* "control, ingest"; for people */
    uint64_t busy_ns;
};

struct stats_stream {
    const char *name;
    uint64_t rows_cnt, digest;
};

struct stats_interval {
    const char *job;
    uint64_t interval, interval_ns;
    bool complete;
    struct stats_ledger packets, records;
    struct stats_tally rows_dropped, noticed;
    double records_per_s;
    uint64_t close_delay_ns, processing_ns;
    uint32_t backlog; /* intervals that have ended and are not yet output */
    uint32_t lcores_cnt, streams_cnt;
    struct stats_lcore lcore[STATS_LCORES_MAX];
    struct stats_stream stream[STATS_STREAMS_MAX];
};

/* A job over a whole run. */
struct stats_job {
    const char *job;
    uint64_t interval_ns, intervals_cnt;
    struct stats_ledger packets, records;
    struct stats_tally rows_dropped, noticed;
    double records_per_s;
    uint64_t lost_outputs_cnt; /* results that a sink could not write */
    struct stats_spread close_delay, processing;
};

/* stats_job_add takes the times of an interval into a job. */
void stats_job_add(struct stats_job *j, const struct stats_interval *s);

struct stats_final {
    uint64_t run_ns;
    uint32_t jobs_cnt, lcores_cnt;
    struct stats_job *job;
    struct stats_lcore lcore[STATS_LCORES_MAX];
};

/* ---- writing --------------------------------------------------------------------------------- */

/* One line each, with its end. */
void stats_interval_json(struct strbuf *out, const struct stats_interval *s);
void stats_final_json(struct strbuf *out, const struct stats_final *f);
/* stats_status: one line for people: how fast, how long, what was lost. */
void stats_status(struct strbuf *out, const struct stats_interval *s);
/* stats_summary: what is printed at the end of a run, for people. */
void stats_summary(struct strbuf *out, const struct stats_final *f);

/* Where the lines go. */
struct stats_out {
    int fd;                /* -1: no --stats */
    struct screen *screen; /* for "-" and for status lines; may be NULL */
    struct strbuf line;
};

/* stats_out_open: path NULL (no lines), "-" (the screen, else standard output) or a file, which
 * is begun anew. 0, or -errno with a sentence in err. */
int stats_out_open(struct stats_out *o, const char *path, struct screen *screen,
                   struct strbuf *err);
/* stats_out_write writes o->line and empties it. 0, or -errno with a sentence in err. */
int stats_out_write(struct stats_out *o, struct strbuf *err);
void stats_out_close(struct stats_out *o);

/* A report: an interval on its way through the I/O thread. stats_report is the call of a struct
 * writer_work whose arg is the report: it writes the line, and shows the status in the section
 * of the screen when there is one. */
#define STATS_NO_SECTION UINT32_MAX

struct stats_report {
    struct stats_out *out;
    uint32_t section;
    struct stats_interval interval;
};

int stats_report(void *arg, struct strbuf *err);

#endif
