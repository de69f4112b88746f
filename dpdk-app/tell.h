/*
 * What `dpdk-telemetry.py` shows of a run: /millrace/jobs, /millrace/queues/PORT_QUEUE,
 * /millrace/lcores, /millrace/memory, live.
 */
#ifndef DPDK_APP_TELL_H
#define DPDK_APP_TELL_H

struct node;

/* tell_start registers the commands; tell_stop: the node goes away. */
void tell_start(struct node *n);
void tell_stop(struct node *n);

#endif
