/*
 * Feeders: captures and files of records, in the place of a queue of a port.
 *
 * A feeder reads its file in its own time, as fast as blocks can be taken, and cuts ticks by the
 * time stamps of the capture, or by the record number and the rate of a file. It speaks to
 * control in the words of a queue: blocks of a tick, then CLOSED(n), which promises that no block
 * of tick n or older follows, and may close several ticks; SKIP(n) for the rest of a gap after
 * every window has emptied; and END, after the tick of the newest record was closed.
 *
 *   capture: frame -> decode -> match each source -> builder -> block
 *   records: piece of the file, read straight into a page -> one run -> block
 *
 * A packet older than the open tick counts in it, as late. With `pace` a frame waits until its
 * time. With `loop` the file starts again, time going on.
 *
 * Nothing of a file is shed: when memory is short, or messages wait, the feeder waits. A frame
 * that some sources have and others could not take is kept, and offered again to those alone.
 * If the wait is long the open blocks are sealed and their pages let go, lest they be the ones
 * that are waited for.
 *
 * Feeders that were joined go through time together: none opens a tick before the others have
 * come to it. So the memory that a slow one needs is not taken by what a fast one read too early.
 *
 * Threads. feeder_step and feeder_align belong to the lcore of the input, beside other roles; a
 * step reads a bounded number of frames. (Reading a file may block: an lcore that feeds from a
 * file has no live queue.) feeder_recv belongs to one thread, control's. The rest is for any.
 */
#ifndef DPDK_APP_FEEDER_H
#define DPDK_APP_FEEDER_H

#include "dpdk-app/pool.h"
#include "job/job.h"
#include "net/packet.h"

#define FEEDER_STREAMS_MAX  32u
#define FEEDER_RATE_DEFAULT 1000000u
#define FEEDER_NO_TICK      UINT64_MAX
#define FEEDER_GROUPS_MAX   16u /* sets of streams whose packets are counted once together */

enum feed_kind { FEED_BLOCK, FEED_CLOSED, FEED_SKIP, FEED_END };

struct feed_msg {
    enum feed_kind kind;
    uint32_t stream; /* FEED_BLOCK: position in the conf */
    uint64_t tick;
    struct block *block; /* FEED_BLOCK: the receiver owns it */
    bool marked;         /* FEED_CLOSED: feeder_mark has the counters of that moment */
};

/* What became of the frames of a capture: TAKEN by at least one source, or else what came
 * closest to it. */
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

struct feeder_packets {
    uint64_t packet[FEED_COUNTERS_CNT];
    uint64_t group_taken[FEEDER_GROUPS_MAX]; /* frames that a stream of the group has */
};

struct feeder_stream {
    uint32_t stream_idx; /* global: in ids and the canonical order */
    const struct job_source *source;
};

struct feeder_conf {
    const char *file; /* "-": standard input */
    bool records;     /* a file of records; else a capture */
    bool pace, loop;
    uint64_t rate; /* of files of records, records/s; 0: FEEDER_RATE_DEFAULT */
    int64_t start_ns;
    uint64_t tick_ns;
    uint64_t memory_ticks; /* after so many empty ticks every window is empty */
    uint32_t queue_idx, node;
    uint64_t boot_epoch;
    uint32_t rows_max, bytes_max; /* of a block; 0: what fits */
    struct pool *pool;
    uint32_t pages_reserve; /* wait while fewer pages are free, ... */
    uint32_t pages_ahead;   /* or fewer than these in a tick beyond *oldest_end_tick */
    const _Atomic uint64_t *oldest_end_tick; /* may be NULL */
    uint32_t streams_cnt;                    /* several of a file of records read the same format */
    struct feeder_stream stream[FEEDER_STREAMS_MAX];
    uint32_t groups_cnt;
    uint32_t group[FEEDER_GROUPS_MAX]; /* streams, as bits of their positions */
};

struct feeder_view {
    struct feeder_packets packets;
    struct packet_counters seen; /* what frames were, whatever became of them */
    uint64_t bytes;              /* frames: on the wire; records: as they are in the file */
    uint64_t late, gaps, skipped_ticks, records;
    uint64_t bad_times; /* frames whose time stamp could not be (capture.h) */
    uint64_t waits;     /* how often it began to wait for memory */
    bool waiting;       /* it waits for memory now */
};

struct feeder;

/* feeder_new opens the file and reads a capture as far as the first time stamp. NULL: err holds a
 * sentence. */
struct feeder *feeder_new(const struct feeder_conf *conf, char *err, size_t err_bytes);
/* feeder_free: after the lcores have left. */
void feeder_free(struct feeder *f);
/* feeder_first_tick: the tick of the first record; FEEDER_NO_TICK of a capture without a frame. */
uint64_t feeder_first_tick(const struct feeder *f);
/* feeder_align: the run starts at this tick (not later than the first): the ticks from there on
 * are closed too. Before the first step. */
void feeder_align(struct feeder *f, uint64_t first_tick);
/* feeder_join: f and g, and all that they were joined to, go through time together. Before the
 * first step; none is freed while another steps. */
void feeder_join(struct feeder *f, struct feeder *g);

/* feeder_step reads on; now_ns is a monotonic clock, for pace and patience. False: nothing was
 * done (memory is short, it is not yet time, messages wait, or it has ended). */
bool feeder_step(struct feeder *f, uint64_t now_ns);
/* feeder_stop ends the input where it is: at the next step the open tick is closed. */
void feeder_stop(struct feeder *f);
/* feeder_recv takes the next message; false: none. */
bool feeder_recv(struct feeder *f, struct feed_msg *msg);
/* feeder_mark: after each FEED_CLOSED once: the counters as they were when the ticks were closed.
 */
void feeder_mark(struct feeder *f, struct feeder_packets *p);
/* feeder_last_tick: after FEED_END, the tick that was closed last; FEEDER_NO_TICK: none was, the
 * input is empty. */
uint64_t feeder_last_tick(const struct feeder *f);

/* feeder_show_dropped: the first few frames of each kind that no stream took, in hex; after the
 * run. */
struct strbuf;
void feeder_show_dropped(const struct feeder *f, struct strbuf *out);
void feeder_look(const struct feeder *f, struct feeder_view *v);
/* feeder_stand: what it waits for, since its last step. */
enum feeder_stand { FEEDER_MOVES, FEEDER_WAITS_FOR_MEMORY, FEEDER_WAITS_FOR_OTHERS };
enum feeder_stand feeder_stand(const struct feeder *f);
/* feeder_error: after FEED_END, a sentence when the input is damaged (what was read stands); ""
 * else. */
const char *feeder_error(const struct feeder *f);

#endif
