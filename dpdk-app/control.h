/*
 * The control core's shell around the scheduler: what comes off the rings becomes events, actions
 * are carried out. It never blocks: work for files and screens goes to the I/O thread
 * (io/writer.h), and what finds its queue full waits here.
 *
 *   inputs --blocks, closed ticks-->          --commands--> workers
 *   workers --answers-->             sched    --outputs--> writer --> sinks
 *   signals, --for -->                        --release--> pool
 *
 * Blocks: one that is announced belongs to control from then on, until the scheduler says
 * release, or until its output came back from the writer.
 */
#ifndef DPDK_APP_CONTROL_H
#define DPDK_APP_CONTROL_H

#include "dpdk-app/node.h"

struct control;

struct control *control_new(struct node *n, char *err, size_t err_bytes);
/* control_step: a bounded turn, on the control lcore. Returns how much was done; 0: idle. */
uint32_t control_step(struct control *c);
/* control_over: the run has ended: everything is closed, written and reported. */
bool control_over(const struct control *c);
/* control_exit: the exit code of the run. */
int control_exit(const struct control *c);
/* control_report writes the last stats line, and the summary to f; after the run. */
int control_report(struct control *c, FILE *f);
void control_free(struct control *c);

#endif
