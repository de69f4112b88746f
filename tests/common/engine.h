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

struct engine_conf {
    const struct job *job;
    uint32_t workers, queues; /* queues: of each source */
    uint64_t state_bytes;     /* 0: 64 MB */
    uint64_t first_interval;
    uint64_t seed;
    uint64_t keep; /* intervals of lineage */
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

struct engine_counts {
    uint64_t records, dropped, failed, refused, blocks_out;
};

void engine_counts(const struct engine *e, struct engine_counts *c);

#endif
