/*
 * What a worker counts of a job, for others to see.
 *
 * The counters of a runner and of the states of its partitions are plain words of the worker's
 * lcore. With each answer the worker copies them here, and here anybody may read them: one writer,
 * relaxed. Control, which has taken the answer, sees all that the command counted; states count
 * with the CLOSE of their interval.
 */
#ifndef DPDK_APP_WORKER_TALLY_H
#define DPDK_APP_WORKER_TALLY_H

#include "rdd/task.h"

enum worker_count {
    WORKER_RECORDS,                                          /* offered, of all sources */
    WORKER_DROPPED,                                          /* by enum record_drop */
    WORKER_SCRATCH_FULL = WORKER_DROPPED + RECORD_DROPS_CNT, /* rows that found no scratch, ... */
    WORKER_NO_MEMORY,                                        /* no page, ... */
    WORKER_ROW_TOO_LONG,
    WORKER_DAMAGED_BLOCK,
    WORKER_STATE_FULL,
    WORKER_LIST_TOO_LONG,
    WORKER_STATE_KEYS, /* now */
    WORKER_COUNTS_CNT,
};

struct worker_tally;

/* worker_tally_new: at set-up; NULL: no memory. free() gives it back. */
struct worker_tally *worker_tally_new(const struct plan *p);
/* worker_tally_put: on the worker's lcore, after a task; x: the exchange whose partitions
 * [first, first + cnt) it closed, cnt 0 if none. */
void worker_tally_put(struct worker_tally *t, const struct runner *r, uint32_t x, uint32_t first,
                      uint32_t cnt);
/* From any thread. worker_tally_failed: rows that failed at a place of the program. */
uint64_t worker_tally_get(const struct worker_tally *t, uint32_t count);
uint64_t worker_tally_failed(const struct worker_tally *t, uint32_t fail_idx);

#endif
