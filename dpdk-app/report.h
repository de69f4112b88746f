/*
 * The report of a run: what people and programs are told of it. Stats lines by interval, the
 * status beside the live tables, telemetry, and the summary with the closed ledger at the end.
 *
 * Control tells it what happens; it keeps a record of each open interval of each job until all
 * of its outputs came back from the writer, then hands the line to the I/O thread. All memory is
 * taken at the start: where it is used up, control waits (report_room). Counters are read where
 * they are counted (ingest, feeders, runners, states), never copied on the data path.
 */
#ifndef DPDK_APP_REPORT_H
#define DPDK_APP_REPORT_H

#include "dpdk-app/node.h"

struct report;

/* report_new: NULL with a sentence in err. */
struct report *report_new(struct node *n, struct writer *w, struct screen *screen,
                          struct strbuf *err);
void report_free(struct report *r);

/* report_ledger.c: what an input had counted when it closed this tick and all before: what is new
 * came in it. */
void report_ingest(struct report *r, uint32_t input, uint64_t tick,
                   const struct ingest_counters *c);
void report_feeder(struct report *r, uint32_t input, uint64_t tick, const struct feeder_packets *p);
/* A worker answered; an output leaves; it was written; a call on the I/O thread came back; a
 * job's interval is done. */
void report_work(struct report *r, const struct answer_msg *m);
void report_output(struct report *r, uint32_t job, uint64_t interval);
void report_written(struct report *r, uint32_t job, uint64_t interval, uint32_t output,
                    const struct writer_done *d);
void report_called(struct report *r, const struct writer_done *d);
void report_interval(struct report *r, uint32_t job, uint64_t interval, bool complete);

/* report_room: there is room for all intervals that one more event may open or end. */
bool report_room(const struct report *r);
/* report_half_full: some job has half of all intervals open that can be told apart. */
bool report_half_full(const struct report *r);
/* report_step hands finished lines to the I/O thread; how many. */
uint32_t report_step(struct report *r);
/* report_pending: lines that are not yet written. */
bool report_pending(const struct report *r);
/* report_final writes the last stats line and the summary, after the run, on one thread. */
int report_final(struct report *r, FILE *out);

#endif
