/*
 * The inputs of a node: ports and their queues, captures and files; which lcore each runs on,
 * and the scheduler's queues that they fill.
 */
#ifndef DPDK_APP_NODE_WIRE_H
#define DPDK_APP_NODE_WIRE_H

#include "dpdk-app/node.h"

/* node_open_inputs: 0, or -errno with a sentence in err. */
int node_open_inputs(struct node *n, char *err, size_t err_bytes);
void node_close_inputs(struct node *n);
/* node_streams_hash: over the types of all streams; a record is of the same ones. */
uint64_t node_streams_hash(const struct node *n);
/* node_memory_ticks: after so many ticks without input every window of every job is empty. */
uint64_t node_memory_ticks(const struct node *n);
/* node_input_group: the streams of the input that the job reads, as bits of their positions. */
uint32_t node_input_group(const struct node_input *in, const struct node_job *nj);
/* node_input_fd: what to wait on for input `input`, or -1. */
int node_input_fd(const struct node *n, uint32_t input);

#endif
