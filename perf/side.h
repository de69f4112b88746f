/*
 * The two sides of a comparison are the engine with a job file (engine.h), and a limit program: the
 * fastest single-purpose C program that we could write for the same bytes and the same answer. Both
 * get the same blocks in the same intervals; what they give at the end of an interval must be the
 * same text.
 *
 * struct side is a limit program, for one lcore. feed and close are what is timed. answer, which is
 * not, appends the rows of the last interval, a line each: "key value\n", or "value\n".
 *
 * A limit program keeps what the job promises: the window, a count of records for each key, a hash
 * that is seeded and not linear. It may know more than the engine does.
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

/* limit_read: nothing but reading the bytes. */
struct side limit_read(void);
/* limit_grep: lines that hold "the", in an interval. */
struct side limit_grep(void);
/* limit_wordcount, limit_topk: the 20 and the 50 most frequent words of a window of
 * WINDOW_INTERVALS, which slides by one. */
struct side limit_wordcount(void);
struct side limit_topk(void);
/* limit_wordcount_generic: perf/jobs/wordcount-generic.yaml. */
struct side limit_wordcount_generic(void);
/* limit_talkers: the 10 addresses that sent most bytes, of the same window. */
struct side limit_talkers(void);
/* limit_1brc: least, mean and greatest of each station, in an interval. */
struct side limit_1brc(void);
/* limit_ysb: events of a campaign, in an interval. */
struct side limit_ysb(void);

#endif
