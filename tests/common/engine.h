/*
 * The engine without a machine: the runner and the scheduler that ship, driven on one thread from
 * memory. Workers are stepped in an order drawn from a seed, so that every interleaving of
 * vectors can come; blocks are cut where the test says.
 */
#ifndef TESTS_COMMON_ENGINE_H
#define TESTS_COMMON_ENGINE_H

#include "base/strbuf.h"
#include "job/job.h"
#include "rdd/task.h"
#include "sched/sched.h"
#include "tests/prng.h"

/* What a test may see of a run: the lineage of its blocks. Any may be NULL. */
struct engine_hook {
    void *ctx;
    /* a map task ends: its blocks are fixed (ACT_LINEAGE) */
    void (*lineage)(void *ctx, const struct action *a);
    /* a command was done: what it made is in r->out.made */
    void (*done)(void *ctx, const struct cmd *c, const struct runner *r);
    /* a shuffle block is about to be merged */
    void (*merging)(void *ctx, struct block *b);
};

struct engine_conf {
    const struct job *job;
    uint32_t workers, queues; /* queues: of each source */
    uint64_t state_bytes;     /* 0: 64 MB */
    uint64_t first_interval;
    uint64_t seed;
    uint64_t keep;                  /* intervals of lineage */
    const struct engine_hook *hook; /* or NULL; outlives the engine */
};

struct engine;

struct engine *engine_new(const struct engine_conf *conf);
void engine_free(struct engine *e);

/* engine_block: a sealed block of runs for a source and queue; `text` is copied. */
void engine_block(struct engine *e, uint32_t source, uint32_t queue, uint64_t interval,
                  const char *text, size_t len);
/* engine_runs: the same with the payloads of several datagrams. */
void engine_runs(struct engine *e, uint32_t source, uint32_t queue, uint64_t interval,
                 const char *const *text, const size_t *len, uint32_t n);
/* engine_close: all queues close the interval. */
void engine_close(struct engine *e, uint64_t interval);
/* engine_step does one step of a worker that has work, drawn by chance; false: all are idle. */
bool engine_step(struct engine *e);
/* engine_run steps until all is done. */
void engine_run(struct engine *e);
/* engine_stop: EV_STOP at this interval, complete; runs to the end. */
void engine_stop(struct engine *e, uint64_t interval);

/* engine_output: all rows that left so far, as JSON lines, in the order in which they left. */
const char *engine_output(const struct engine *e);

/* For tests of lineage. */
const struct plan *engine_plan(const struct engine *e);
struct job_state *engine_state(struct engine *e);
struct block *engine_block_at(const struct engine *e, uint32_t slot);
/* engine_runner: another runner over `state`, as workers have; with engine_runner_free. Blocks that
 * it makes are let go with engine_drop. */
struct runner *engine_runner(struct engine *e, struct job_state *state);
void engine_runner_free(struct runner *r);
void engine_drop(struct engine *e, struct block *b);

struct engine_counts {
    uint64_t records, dropped, failed, refused, blocks_out;
};

void engine_counts(const struct engine *e, struct engine_counts *c);

#endif
