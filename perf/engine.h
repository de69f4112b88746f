/*
 * The engine's team: the runner that ships (rdd/task.h), one on each lcore, driven as the scheduler
 * drives workers: blocks go round, a map task ends with its 64th block or with the interval, the
 * shuffle blocks that it made go to the worker of their partition, and the end of the interval
 * closes the exchanges, lower ones first, each worker its groups of partitions.
 *
 * What is not here: the scheduler, rings, ingest and sinks. What is checked with the answer: that
 * no record was dropped and that the result is complete.
 */
#ifndef PERF_ENGINE_H
#define PERF_ENGINE_H

#include <stddef.h>

#include "perf/team.h"

struct engine_conf {
    const char *path; /* job file */
    const char *text; /* what it says; NULL: read it */
    uint32_t lcores;
    size_t state_bytes; /* 0: 64 MB */
    uint32_t pages;     /* for shuffle blocks, each lcore; 0: 24 */
    /* Not 0: as much state memory as its first exchange needs for so many keys; what that is for
     * each of them goes to *bytes_per_key. */
    uint64_t keys;
    double *bytes_per_key;
};

struct team team_engine(const struct engine_conf *conf);

#endif
