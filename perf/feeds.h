/*
 * What the blocks of the benchmarks hold (struct perf_feed, blocks.h).
 */
#ifndef PERF_FEEDS_H
#define PERF_FEEDS_H

#include "perf/blocks.h"
#include "perf/gen_text.h"

#define FEED_DATAGRAM_RECORDS 14u /* 100-byte records in a payload of 1,400 bytes */

/* Lines of Zipf words (gen_text.h), 14 in a datagram. */
extern const struct perf_feed feed_text;

#endif
