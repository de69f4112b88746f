/*
 * What the files of feeders share. Private to dpdk-app/feeder*.c.
 *
 *   feeder.c          set-up, messages, ticks, waiting, the step
 *   feeder_frames.c   captures: one frame at a time
 *   feeder_records.c  files of records: one run at a time
 *
 * Both ways are the same four motions around one item, a frame or a run of records:
 *
 *   fetch    reads the next item, unless one is there
 *   enter    opens its tick, closing those before
 *   offer    gives it to the streams; what finds no memory stays the item of the next step
 *   counted  as what became of it; then the next one is fetched
 */
#ifndef DPDK_APP_FEEDER_IMPL_H
#define DPDK_APP_FEEDER_IMPL_H

#include <stdatomic.h>

#include "dpdk-app/feeder.h"
#include "dpdk-app/filter.h"
#include "io/capture.h"
#include "io/recfile.h"

/* Counters have one writer and any number of readers. */
#define TALLY(counter, n) __atomic_store_n(&(counter), (counter) + (n), __ATOMIC_RELAXED)

struct feeder_src {
    struct feeder *f;
    uint32_t pos; /* in the conf */
    enum source_type type;
    struct packet_listen listen; /* udp */
    struct filter *filter;       /* packets; may be NULL */
    struct block_builder builder;
};

/* What was read and is on its way into the streams. */
struct feeder_item {
    bool there;
    uint64_t tick;
    uint32_t next_src;      /* those before have it, or did not want it */
    uint32_t has;           /* the streams that have it, as bits */
    enum feed_counter best; /* of a frame: the verdict so far */
    struct capture_frame frame;
    struct pkt pkt;
    struct block_bytes run;
    uint32_t records_cnt; /* in the run */
};

/* The page that a file of records is read into. */
struct feeder_page {
    struct page *page; /* held once; NULL: none */
    uint32_t begin;    /* where the file was told that it begins */
    uint32_t used;     /* the end of the last run */
    bool again;        /* the file has just started again: the rest of the page will do */
};

#define FEEDER_MARKS_CNT 256u

/* --show-dropped: the first few frames of each kind that no stream took. */
#define FEEDER_SHOWN_MAX   3u
#define FEEDER_SHOWN_BYTES 64u

struct feeder_shown {
    uint32_t len; /* of the frame */
    uint8_t bytes[FEEDER_SHOWN_BYTES];
};

struct feeder {
    struct feeder_conf conf; /* file: a copy */
    struct block_mem mem;
    struct rte_ring *ring;
    uint64_t said;          /* messages put into the ring */
    _Atomic uint64_t heard; /* and taken out of it */
    uint64_t open_tick;     /* all before are closed */
    uint64_t busy_tick;     /* the last one with a record */
    bool any;               /* there was a record */
    struct capture_pace pace;
    struct feeder_item item;
    uint32_t srcs_cnt;
    struct feeder_src src[FEEDER_STREAMS_MAX];

    struct capture *capture; /* one of the two */
    struct recfile *recfile;
    struct format format;   /* of the records */
    uint64_t records_begin; /* number of the first record of this round */
    struct feeder_page page;

    /* The others that go through time with this one: a ring of all of them. */
    struct feeder *next;
    _Atomic uint64_t reached; /* no older tick will be opened; FEEDER_NO_TICK at the end */
    uint64_t joined_tick;     /* all have reached it */

    uint64_t wait_since_ns;
    bool behind;       /* in this step: it has to wait for others */
    _Atomic int stand; /* enum feeder_stand */
    bool ended;        /* END was said */
    atomic_bool stopping;
    _Atomic bool told; /* error and last tick stand */
    uint64_t last_tick;
    char error[640];
    struct packet_counters seen; /* the writer's own */
    /* Counters at the ends of ticks: a ring toward the receiver. */
    struct feeder_packets mark[FEEDER_MARKS_CNT];
    uint64_t marked;
    _Atomic uint64_t mark_taken;
    uint32_t shown_cnt[FEED_COUNTERS_CNT];
    struct feeder_shown shown[FEED_COUNTERS_CNT][FEEDER_SHOWN_MAX];
    struct feeder_view n;
};

/* What a step came to. */
enum feeder_did { FEEDER_NOTHING, FEEDER_SOMETHING, FEEDER_NO_MEMORY };

/* feeder_room: do the messages fit that one item, or the end, can bring? */
bool feeder_room(const struct feeder *f);
/* feeder_tick_of: the tick of a time; times before 1970 are in tick 0. */
static inline uint64_t feeder_tick_of(const struct feeder *f, int64_t ns)
{
    return ns < 0 ? 0 : (uint64_t)ns / f->conf.tick_ns;
}
/* feeder_reach says to the others that no tick before this will be opened. */
void feeder_reach(struct feeder *f, uint64_t tick);
/* feeder_come: an item was fetched. The ticks before it are closed, before others are told that
 * they need not wait: so whoever hears of a later tick from them can have heard of this. With
 * `pace` they are closed in their time. */
void feeder_come(struct feeder *f);
/* feeder_enter closes the ticks before the item's. False: others are not there yet. */
bool feeder_enter(struct feeder *f);
/* feeder_close_until closes the ticks before `to`, as far as windows remember. */
void feeder_close_until(struct feeder *f, uint64_t to);
/* feeder_finish ends the input. `why`: it is damaged; NULL: it is not. */
void feeder_finish(struct feeder *f, const char *why);

/* feeder_frames.c */
/* feeder_fetch_frame: 1, 0 at the end, -errno with capture_error. */
int feeder_fetch_frame(struct feeder *f);
enum feeder_did feeder_step_frames(struct feeder *f, uint64_t now_ns);
/* feeder_count_frame counts the item and is done with it. */
void feeder_count_frame(struct feeder *f);

/* feeder_records.c */
enum feeder_did feeder_step_records(struct feeder *f, uint64_t now_ns);
/* feeder_count_run counts the item and is done with it. */
void feeder_count_run(struct feeder *f);

#endif
