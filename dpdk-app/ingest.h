/*
 * Ingest: packets of one queue of one port become rows of the open blocks of its sources.
 *
 * A step polls one burst and is bounded by it:
 *
 *   tick read once -> sealed blocks of the last tick, CLOSED(last tick)
 *   rx burst -> decode -> ARP and ICMP echo answered (host mode) -> match sources -> append
 *
 * A row points into the landing page where the NIC wrote the packet, or its bytes are copied
 * densely while they are hot: when what is kept fills less than half of the slots, when the
 * packet came in several segments, when the port cannot receive into pages. Which way it went
 * never shows in a result.
 *
 * Upward it speaks through one SPSC ring of struct ingest_msg: BLOCK hands over a sealed block
 * (the receiver owns it); CLOSED(n), after the last block of tick n, promises that no block of
 * tick n or older will follow, of any source of the queue. One CLOSED may close several ticks.
 * Ticks of a queue never go back, whatever the clock does.
 *
 * Drops happen here and nowhere above. Room in the ring is checked once at the begin of a step:
 * if it does not hold the most that a burst can bring, the records of the burst are counted as
 * ring_full and the tick stays open until there is room. Without a page they are no_memory; when
 * control says so, shed; before the first tick of the run, before_start.
 *
 * The ledger, one for packets and one for each source, both exact at any time:
 *   received = sum of all packet counters that follow it (one each)
 *   a source: offered = taken + the drops that follow it (one each)
 * A packet that reached at least one source counts as `taken`; else as what lost it first.
 *
 * Ownership: struct ingest belongs to one lcore; counters may be read by any thread (relaxed).
 */
#ifndef DPDK_APP_INGEST_H
#define DPDK_APP_INGEST_H

#include <stdatomic.h>
#include <stdbool.h>

#include "dpdk-app/pool.h"
#include "dpdk-app/port.h"
#include "dpdk-app/tick_clock.h"
#include "job/job.h"

#define INGEST_SOURCES_MAX 32u /* on one port */
#define INGEST_BURST_MAX   64u

enum ingest_kind { INGEST_BLOCK, INGEST_CLOSED };

struct ingest_msg {
    enum ingest_kind kind;
    uint32_t queue_idx;  /* as given in the conf */
    uint32_t source_idx; /* INGEST_BLOCK: as given in the conf */
    uint64_t tick;
    struct block *block; /* INGEST_BLOCK */
};

/* What became of a packet. */
enum ingest_counter {
    INGEST_RECEIVED, /* the sum of those below */
    INGEST_TAKEN,    /* at least one source has it */
    INGEST_ARP,      /* answered, or an answer to us; host mode */
    INGEST_ICMP_ECHO,
    INGEST_OTHER_HOST,   /* host mode: not to our MAC */
    INGEST_NO_SOURCE,    /* decoded, but no source listens */
    INGEST_FILTERED,     /* refused by the filters of all sources that saw it */
    INGEST_MALFORMED,    /* headers that end early or contradict themselves */
    INGEST_FRAGMENT,     /* udp: never reassembled */
    INGEST_BAD_CHECKSUM, /* udp */
    INGEST_MERGED,       /* udp: several datagrams in one frame (GRO, GSO) */
    INGEST_CUT,          /* udp: captured shorter than sent */
    INGEST_EMPTY,        /* udp: a datagram without a byte */
    INGEST_NO_MEMORY,
    INGEST_RING_FULL,
    INGEST_SHED,
    INGEST_BEFORE_START,
    INGEST_COUNTERS_CNT,
};

/* Names as they appear in stats and telemetry. */
extern const char *const ingest_counter_name[INGEST_COUNTERS_CNT];

/* What was seen on the way, whatever became of the packet; not part of the sum. */
enum ingest_note {
    INGEST_NOTE_TUNNEL,
    INGEST_NOTE_FRAGMENT,
    INGEST_NOTE_SUM_BAD,
    INGEST_NOTE_SUM_UNFINISHED,
    INGEST_NOTE_MERGED,
    INGEST_NOTE_CUT,
    INGEST_NOTE_VLAN,
    INGEST_NOTES_CNT,
};

extern const char *const ingest_note_name[INGEST_NOTES_CNT];

struct ingest_counters {
    uint64_t packet[INGEST_COUNTERS_CNT];
    uint64_t note[INGEST_NOTES_CNT];
    uint64_t bytes;         /* received */
    uint64_t kept_in_place; /* packets whose bytes stayed where they landed */
    uint64_t kept_copied;
    uint64_t blocks, steps_busy;
};

struct ingest_source_counters {
    uint64_t offered; /* packets that the source's port and address name */
    uint64_t taken;
    uint64_t taken_bytes;
    uint64_t dropped[INGEST_COUNTERS_CNT]; /* FILTERED and what follows it */
};

struct ingest_source {
    uint32_t source_idx; /* global number: in messages, ids and the canonical order */
    const struct job_source *source;
};

struct ingest_conf {
    struct port *port;
    uint32_t port_queue;
    uint32_t queue_idx; /* global number of the queue: in messages, ids, the canonical order */
    uint32_t node;
    uint64_t boot_epoch;
    struct pool *pool;
    const struct tick_clock *clock;
    uint64_t start_tick;          /* the first tick of the run */
    uint32_t burst;               /* packets a step; 0: 32 */
    uint32_t rows_max, bytes_max; /* of a block; 0: what fits */
    const atomic_bool *shed;      /* set by control; may be NULL */
    uint32_t sources_cnt;
    struct ingest_source source[INGEST_SOURCES_MAX];
};

struct ingest;

/* ingest_new: at set-up. NULL: err holds a sentence. */
struct ingest *ingest_new(const struct ingest_conf *conf, char *err, size_t err_bytes);
/* ingest_free: after the lcore has left and the ring was drained. */
void ingest_free(struct ingest *q);

/* ingest_step: one burst, on the queue's lcore. now is a TSC reading. Returns how much was done
 * (packets and messages); 0: idle. */
uint32_t ingest_step(struct ingest *q, uint64_t now);
/* ingest_finish ends the run of the queue, on its lcore: what is open is sealed and the open tick
 * closed. False: no room in the ring yet, call again. No step after it. */
bool ingest_finish(struct ingest *q, uint64_t now);
/* ingest_next_tick: the TSC reading at which the open tick ends (limits the idle sleep). */
uint64_t ingest_next_tick(const struct ingest *q);

/* The ring toward control: elements of struct ingest_msg, single consumer. */
struct rte_ring *ingest_ring(const struct ingest *q);
/* ingest_recv takes up to n messages off the ring (control's side). */
uint32_t ingest_recv(struct ingest *q, struct ingest_msg *msg, uint32_t n);

/* From any thread. */
void ingest_look(const struct ingest *q, struct ingest_counters *c);
/* source: position in conf.source. */
void ingest_look_source(const struct ingest *q, uint32_t source, struct ingest_source_counters *c);

/* --show-dropped: the first few dropped frames of each kind are kept; show writes those that
 * were not shown yet, in hex, to f. One off-lcore reader. */
void ingest_show_dropped(struct ingest *q, FILE *f);

/* ingest_filter_check: is the pcap filter expression good? For job_load. 0 or -EINVAL. */
int ingest_filter_check(const char *expr, char *err, size_t err_bytes);

#endif
