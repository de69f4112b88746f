/*
 * The two sides of a comparison: the engine with a stock job, and a limit program, the fastest
 * single-purpose C program that we could write for the same bytes and the same answer. Both get the
 * same blocks in the same intervals; what they give at the end of an interval must be the same
 * text.
 *
 * feed and close are what is timed. answer, which is not, appends the rows of the last interval, a
 * line each: "key value\n", or "value\n".
 */
#ifndef PERF_SIDE_H
#define PERF_SIDE_H

#include "base/strbuf.h"
#include "rdd/block.h"

#define WINDOW_INTERVALS 30u

struct side {
    void *ctx;
    void (*feed)(void *ctx, uint64_t interval, const struct block *b);
    void (*close)(void *ctx, uint64_t interval);
    void (*answer)(void *ctx, struct strbuf *out);
};

/* side_engine: the job of configs/NAME.yaml, on one worker. */
struct side side_engine(const char *path);
/* limit_grep: lines that hold "the", in an interval. */
struct side limit_grep(void);
/* limit_wordcount: the `top` most frequent words of a window of WINDOW_INTERVALS, which slides by
 * one. */
struct side limit_wordcount(uint32_t top);

#endif
