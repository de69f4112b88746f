/*
 * Waiting for memory.
 *
 * A task that finds no page, or no descriptor of a block, waits for one: in the middle of its
 * step, while the lcore's other roles have their turns, until others have given some back. What
 * can give back: the I/O thread, when rows are written; other workers, which merge. The scheduler
 * is told early that memory is short (sched_memory), so that a worker has merged what it can
 * before it maps on.
 *
 * Who decides that nothing will come is control (control_memory.c): it sees that all stand still,
 * and sets node->no_wait. Then tasks go on without, what they lose is counted as no_memory, and
 * their results are not complete.
 */
#ifndef DPDK_APP_NODE_WAIT_H
#define DPDK_APP_NODE_WAIT_H

#include "dpdk-app/node.h"

/* node_wait_mem: the pool as a worker's tasks see it. */
struct block_mem node_wait_mem(struct node *n, uint32_t worker);

#endif
