/*
 * Who is timed: a side on one or more lcores. It is the engine (engine.h), or copies of a limit
 * program at the same time, each with its share of the blocks.
 */
#ifndef PERF_TEAM_H
#define PERF_TEAM_H

#include "perf/crew.h"
#include "perf/side.h"

struct team {
    void *ctx;
    /* interval carries one out and adds what it took to *t. */
    void (*interval)(void *ctx, uint64_t number, struct block *const *block, uint32_t cnt,
                     struct took *t);
    void (*answer)(void *ctx, struct strbuf *out); /* as in struct side */
    uint64_t (*records)(void *ctx); /* that it has counted since it was made; NULL: it does not */
};

/* team_copies: `cnt` copies of a limit program, block i going to copy i % cnt. Its answer is that
 * of the first copy: the whole one if there is one copy. */
struct team team_copies(struct side (*make)(void), uint32_t cnt);

#endif
