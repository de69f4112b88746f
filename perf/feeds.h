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

/* UDP packets of 60 bytes, 64 with the FCS (gen_frames.h). */
extern const struct perf_feed feed_packets;

/* Lines of "station;temperature" (gen_1brc.h), 413 and 10,000 stations. */
extern const struct perf_feed feed_1brc, feed_1brc_10k;

/* Events of the Yahoo streaming benchmark (gen_ysb.c). */
extern const struct perf_feed feed_ysb;

#endif
