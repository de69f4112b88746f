/*
 * A worker: runs the tasks that control gives it, on one lcore.
 *
 *   control --cmds--> worker --refs, answers--> control
 *
 * Three rings of messages that hold no pointer (they could cross a wire): commands (sched.h),
 * references of the blocks that a command made, and its answer, which comes after all its
 * references. A step does one vector of a task (task.h); the rings are single-producer and
 * single-consumer. Where a ring is full a worker comes back in its next step. Only for memory does
 * it wait inside a step (node_wait.h).
 */
#ifndef DPDK_APP_WORKER_H
#define DPDK_APP_WORKER_H

#include <stdatomic.h>
#include <stdio.h>

#include "dpdk-app/pool.h"
#include "dpdk-app/worker_tally.h"
#include "sched/sched.h"

#define WORKER_REFS_MAX MADE_MAX /* a command makes no more */

/* A block that a command made. */
struct ref_msg {
    struct block_ref block;
    int32_t exchange; /* -1: an output */
    uint32_t partition_or_output;
};

struct answer_msg {
    uint64_t seq;
    uint64_t busy_tsc;                  /* cycles that the command took */
    uint64_t records;                   /* FEED: records in the block */
    uint64_t dropped[RECORD_DROPS_CNT]; /* of these, by reason */
    uint64_t interval;
    uint32_t attempt;
    uint32_t refs_cnt;
    uint16_t job;
    uint16_t lost; /* what was made lacks records */
    uint32_t pad;
};

enum worker_state { WORKER_IDLE, WORKER_RUNNING, WORKER_ANSWERING };

/* --show-dropped: the first few records of each kind that were dropped. */
#define SHOWN_MAX   3u
#define SHOWN_BYTES 64u

struct shown {
    uint32_t len; /* of the record */
    uint8_t bytes[SHOWN_BYTES];
};

struct worker {
    uint32_t idx;
    uint32_t shown_cnt[RECORD_DROPS_CNT];
    struct shown shown[RECORD_DROPS_CNT][SHOWN_MAX];
    struct pool *pool;
    struct rte_ring *cmds, *refs, *answers;
    uint32_t jobs_cnt;
    struct runner *runner[SCHED_JOBS_MAX];
    struct worker_tally *tally[SCHED_JOBS_MAX]; /* of each runner */
    enum worker_state state;
    struct cmd cmd;
    uint32_t at;   /* MERGE: block that is being merged */
    uint32_t sent; /* references already sent */
    uint64_t cmd_tsc;
    struct source_counters before; /* the command: over all sources */
    _Atomic uint64_t busy_tsc;     /* useful work since start */
    _Atomic bool waiting;          /* for memory */
    uint64_t waited_tsc;           /* for memory, in this step */
};

/* worker_open makes the rings; runners are set by the caller. 0, or -errno. */
int worker_open(struct worker *w, uint32_t idx, struct pool *pool);
void worker_close(struct worker *w);
/* worker_step: a bounded piece of work on the worker's lcore. False: there was none. */
bool worker_step(struct worker *w);

/* worker_keep_shown is a runner's `shown`. worker_show prints what was kept, after the run. */
void worker_keep_shown(void *worker, enum record_drop why, const uint8_t *bytes, uint32_t len);
void worker_show(const struct worker *w, FILE *f);

/* Control's side. */
bool worker_command(struct worker *w, const struct cmd *c);
/* worker_answer takes the next answer; its references are inbox.ref[0..refs_cnt) until the next
 * call. False: there is none. */
struct worker_inbox {
    struct ref_msg ref[WORKER_REFS_MAX + 1];
    uint32_t have, taken;
};

bool worker_answer(struct worker *w, struct answer_msg *a, struct worker_inbox *in);

#endif
