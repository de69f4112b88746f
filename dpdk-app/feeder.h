/*
 * Feeders: captures and files of records, in the place of a queue of a port.
 *
 * A feeder reads its file in its own time, as fast as blocks can be taken, and cuts ticks by the
 * time stamps of the capture, or by the record number and the rate of a file. It speaks to
 * control in the words of a queue: blocks of a tick, then CLOSED; and SKIP for the rest of a gap
 * after every window has emptied. When memory is short it waits: nothing of a file is shed.
 *
 *   capture: frame -> decode -> match each source -> builder -> block
 *   records: piece of the file, read straight into a page -> one run -> block
 *
 * A packet older than the open tick counts in it, as late. With `pace` a frame waits until its
 * time. With `loop` the capture starts again, time going on.
 *
 * A feeder runs on the lcore of its input, beside other roles; a step reads a bounded number of
 * frames. (Reading a file may block: an lcore that feeds from a file has no live queue.)
 */
#ifndef DPDK_APP_FEEDER_H
#define DPDK_APP_FEEDER_H

#include "dpdk-app/pool.h"
#include "job/job.h"

#define FEEDER_STREAMS_MAX 32u

enum feed_kind { FEED_BLOCK, FEED_CLOSED, FEED_SKIP, FEED_END };

struct feed_msg {
    enum feed_kind kind;
    uint32_t stream; /* FEED_BLOCK: position in the conf */
    uint64_t tick;
    struct block *block;
};

/* What became of the frames of a capture. */
enum feed_counter {
    FEED_RECEIVED, /* the sum of those below */
    FEED_TAKEN,
    FEED_NO_SOURCE,
    FEED_FILTERED,
    FEED_MALFORMED,
    FEED_FRAGMENT,
    FEED_BAD_CHECKSUM,
    FEED_MERGED,
    FEED_CUT,
    FEED_EMPTY,
    FEED_COUNTERS_CNT,
};

extern const char *const feed_counter_name[FEED_COUNTERS_CNT];

struct feeder_stream {
    uint32_t stream_idx; /* global: in ids and the canonical order */
    const struct job_source *source;
};

struct feeder_conf {
    const char *file;
    bool records; /* a file of records; else a capture */
    bool pace, loop;
    double rate;
    int64_t start_ns;
    uint64_t tick_ns;
    uint64_t memory_ticks; /* after so many empty ticks every window is empty */
    uint32_t queue_idx;
    struct pool *pool;
    uint32_t pages_reserve; /* wait while fewer pages are free */
    uint32_t streams_cnt;
    struct feeder_stream stream[FEEDER_STREAMS_MAX];
};

struct feeder_view {
    uint64_t packet[FEED_COUNTERS_CNT];
    uint64_t bytes, late, gaps, skipped_ticks, records;
};

struct feeder;

/* feeder_new opens the file and reads as far as the first time stamp. NULL: err holds a
 * sentence. */
struct feeder *feeder_new(const struct feeder_conf *conf, char *err, size_t err_bytes);
void feeder_free(struct feeder *f);
/* feeder_first_tick: the tick of the first record; an empty input has none and gives 0. */
uint64_t feeder_first_tick(const struct feeder *f);
/* feeder_align: the run starts at this tick (not later than the first). */
void feeder_align(struct feeder *f, uint64_t first_tick);

/* feeder_step reads on; now_ns is a monotonic clock, for pace. False: nothing was done (memory is
 * short, or it is not yet time, or messages wait). */
bool feeder_step(struct feeder *f, uint64_t now_ns);
/* feeder_stop ends the input where it is: the open tick is closed. */
void feeder_stop(struct feeder *f);
/* feeder_recv takes the next message; false: none. */
bool feeder_recv(struct feeder *f, struct feed_msg *msg);
/* feeder_last_tick: after FEED_END, the tick that was closed last. */
uint64_t feeder_last_tick(const struct feeder *f);

void feeder_look(const struct feeder *f, struct feeder_view *v);
/* feeder_error: a sentence when the input is damaged (what was read stands); "" else. */
const char *feeder_error(const struct feeder *f);

#endif
