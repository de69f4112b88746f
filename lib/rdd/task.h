/*
 * Tasks: what a worker does, as a resumable machine without clock, thread or ring.
 *
 * A runner carries out the tasks of one job on one worker. It owns the combine tables and row
 * buffers of the job's stages and the scratch; the states of the partitions are shared memory of
 * the node, but each partition is only ever touched by the worker that it belongs to.
 *
 *   feed     a sealed block goes through the stage over its source, into the writers
 *   flush    the map task ends: what the writers hold becomes shuffle blocks
 *   merge    a shuffle block goes into the state of its partition
 *   close    the states of some partitions step to the next interval; when the exchange is
 *            active they emit through their stage, whose writers are flushed
 *
 * A task is begun, then stepped until it says that it is done; one step is a vector. Its
 * results are in runner->out.made, in an order that the inputs determine. A task is a pure
 * function of its blocks and of the states: run again over the same, it makes the same bytes.
 */
#ifndef RDD_TASK_H
#define RDD_TASK_H

#include "rdd/agg_state.h"
#include "rdd/pipeline.h"

#define SCRATCH_BYTES (16u << 20)

/* The states of a job on this node: exchange x, partition p. */
struct job_state {
    const struct plan *plan;
    struct agg_state *agg[PLAN_EXCHANGES_MAX]; /* EX_AGG: array by partition; else NULL */
    struct rows_state *rows[PLAN_EXCHANGES_MAX];
};

/* job_state_bytes: memory for the states themselves, beside x->state_bytes of each partition. */
size_t job_state_bytes(const struct plan *p);
/* job_state_init lays all states out in mem (64-byte aligned). */
void job_state_init(struct job_state *s, const struct plan *p, void *mem);

enum task_kind { TASK_NONE, TASK_FEED, TASK_FLUSH, TASK_MERGE, TASK_CLOSE };

struct runner {
    const struct plan *plan;
    const struct source_spec *const *source; /* by the job's source index */
    struct job_state *state;
    struct arena scratch;
    struct pipeline pipe[PLAN_STAGES_MAX];
    struct stage_writer *writers;
    struct task_out out;
    uint64_t *failed;   /* by fail_idx */
    uint64_t *flat_ord; /* by node (pipeline.h) */
    uint32_t sources_cnt;
    struct source_counters *counters; /* by the job's source index */
    void (*shown)(void *ctx, enum record_drop why, const uint8_t *bytes, uint32_t len);
    void *shown_ctx;
    uint64_t damaged; /* shuffle blocks that could not be read */
    struct best_entry *best_mem;
    /* the task under way */
    enum task_kind task;
    struct pipeline *p;
    struct source_reader reader;
    const struct block *block;
    struct agg_block_reader agg_reader;
    struct rows_reader rows_reader;
    uint32_t partition, partition_end;
    const struct exchange *x;
    struct agg_best best;
    uint32_t cursor;
    int phase;
    bool complete;           /* close: no state lacks records */
    uint64_t refused_before; /* by `out`, when the task was begun */
};

/* runner_bytes: memory of a runner's writers, scratch and counters. */
size_t runner_bytes(const struct plan *p, uint32_t sources_cnt);
/* runner_init: mem is 64-byte aligned and the caller's. mem_seam: where its blocks come from. */
void runner_init(struct runner *r, const struct plan *p, const struct source_spec *const *source,
                 uint32_t sources_cnt, struct job_state *state, const struct block_mem *mem_seam,
                 void *mem);
/* runner_close lets the open page go. */
void runner_close(struct runner *r);

/* Begin a task; the last one is done and its `made` were taken. `task` numbers the map task in
 * (stage, interval); a close is named by its first partition. */
void runner_feed(struct runner *r, uint32_t stage, uint64_t interval, uint32_t task,
                 const struct block *b);
void runner_flush(struct runner *r, uint32_t stage, uint64_t interval, uint32_t task);
void runner_merge(struct runner *r, uint32_t exchange, uint64_t interval, uint32_t partition,
                  const struct block *b);
void runner_close_interval(struct runner *r, uint32_t exchange, uint64_t interval,
                           uint32_t partition_first, uint32_t partition_cnt);
/* runner_step does a vector's work; true: there is more. */
bool runner_step(struct runner *r);
/* runner_lost: what the last task made lacks records: of its states, or for want of memory. */
bool runner_lost(const struct runner *r);

#endif
