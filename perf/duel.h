/*
 * A duel: the engine and a limit program over the same intervals, one after the other in turn.
 *
 * An interval takes 3/4 of the blocks of the set, going round, so that intervals differ and none
 * finds its blocks in a cache. WINDOW_INTERVALS of that size fill the window of both, then pairs
 * are timed: at least REPETITIONS_MIN, more where they are short. Every timed answer is compared.
 *
 * Where the limit side is several copies, a further one that sees all blocks gives the answer,
 * untimed.
 */
#ifndef PERF_DUEL_H
#define PERF_DUEL_H

#include "perf/blocks.h"
#include "perf/team.h"

#define REPETITIONS_MIN 7u
#define REPETITIONS_MAX 41u

struct duel {
    double records_per_s, limit_records_per_s; /* by busy time, medians */
    double wall_per_s, limit_wall_per_s;       /* by wall time, medians */
    double bytes_per_s;                        /* that the engine took in, by busy time */
    double ratio;                              /* median of the ratios of each pair */
    double low, high;                          /* the 10th and 90th percentile of them */
    uint32_t repetitions;
    bool answer_agrees; /* and every record was counted */
};

/* duel_blocks: how many blocks make a set that is several times the last-level cache. */
uint32_t duel_blocks(uint64_t cache_bytes);
void duel_run(struct duel *d, const struct team *engine, const struct team *limit,
              const struct team *check, const struct perf_blocks *b);

#endif
