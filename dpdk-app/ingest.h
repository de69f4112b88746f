/*
 * Ingest: packets of one queue of one port become rows of the open blocks of its sources.
 *
 * A step polls one burst and is bounded by it:
 *
 *   tick read once -> sealed blocks of the last tick, CLOSED(last tick)
 *   rx burst -> decode -> ARP and ICMP echo answered (host mode) -> match sources -> append
 *
 * A row points into the landing page where the NIC wrote the packet, or its bytes are copied
 * densely while they are hot: when what is kept fills less than three quarters of the slots (a
 * datagram of 1,400 bytes does not in slots of 2 KB, but does where the device keeps to its MTU and
 * slots are as long as its frames), when the packet came in several segments, when the port cannot
 * receive into pages. Which way it went never shows in a result.
 *
 * Upward it speaks through one SPSC ring of struct ingest_msg: BLOCK hands over a sealed block
 * (the receiver owns it); CLOSED(n), after the last block of tick n, promises that no block of
 * tick n or older will follow, of any source of the queue. One CLOSED may close several ticks.
 * A block is sealed when it is full or its tick is over, or sooner when control asks for it.
 * Ticks of a queue never go back, whatever the clock does.
 *
 * Drops happen here and nowhere above. Room in the ring is checked once at the begin of a step:
 * if it does not hold the most that a burst can bring, the records of the burst are counted as
 * ring_full and the tick stays open until there is room. Without a page they are no_memory; when
 * control says so, shed; before the first tick of the run, before_start.
 *
 * Two ledgers close at any time, one for the packets of the queue and one for each source:
 *   received = the sum of all packet counters
 *   a source:  offered = taken + the sum of what it dropped
 * A packet that reached at least one source is `taken`; else the counter says what came closest
 * to taking it.
 *
 * Ownership: struct ingest belongs to one lcore; counters may be read by any thread (relaxed).
 */
#ifndef DPDK_APP_INGEST_H
#define DPDK_APP_INGEST_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/strbuf.h"
#include "dpdk-app/pool.h"
#include "dpdk-app/port.h"
#include "dpdk-app/tick_clock.h"
#include "job/job.h"
#include "net/packet.h"

#define INGEST_SOURCES_MAX 32u /* on one port */
#define INGEST_BURST_MAX   64u
#define INGEST_GROUPS_MAX  16u /* sets of sources whose packets are counted once together */

enum ingest_kind { INGEST_BLOCK, INGEST_CLOSED };

struct ingest_msg {
    enum ingest_kind kind;
    uint32_t queue_idx;  /* as given in the conf */
    uint32_t source_idx; /* INGEST_BLOCK: as given in the conf */
    uint64_t tick;
    struct block *block; /* INGEST_BLOCK */
    bool marked;         /* INGEST_CLOSED: ingest_mark has the counters of that moment */
};

/* What became of a packet. Behind the last of these follow the reasons of enum packet_drop
 * (net/packet.h): INGEST_PACKET + reason, why no `udp` source could take it. */
enum ingest_counter {
    INGEST_TAKEN,        /* at least one source has it */
    INGEST_ARP,          /* host mode: answered (neighbour solicitations of IPv6 too) */
    INGEST_ICMP_ECHO,    /* host mode: answered */
    INGEST_OTHER_HOST,   /* host mode: not to our MAC, and so not for `udp` */
    INGEST_NO_SOURCE,    /* the port has no source */
    INGEST_FILTERED,     /* refused by the filters of all sources that saw it */
    INGEST_EMPTY,        /* udp: a datagram without a byte */
    INGEST_NO_MEMORY,    /* no page or no block descriptor */
    INGEST_RING_FULL,    /* control does not keep up */
    INGEST_SHED,         /* control asked for it: intervals pile up */
    INGEST_BEFORE_START, /* before the first tick of the run */
    INGEST_AFTER_END,    /* after its last one, before the lcore was told to end */
    INGEST_PACKET,
    INGEST_COUNTERS_CNT = INGEST_PACKET + PACKET_DROPS_CNT,
};

/* The name as it appears in stats and telemetry: "taken", "no_memory", "bad_udp_checksum". */
const char *ingest_counter_name(enum ingest_counter c);

struct ingest_counters {
    uint64_t received; /* = the sum of packet[] */
    uint64_t received_bytes;
    uint64_t packet[INGEST_COUNTERS_CNT];
    uint64_t group_taken[INGEST_GROUPS_MAX]; /* packets that a source of the group has */
    struct packet_counters seen;             /* what they were, whatever became of them */
    uint64_t kept_in_place;                  /* packets whose bytes stayed where they landed */
    uint64_t kept_copied;
    uint64_t replies; /* ARP and ICMP, sent */
    uint64_t blocks;
    uint64_t steps; /* that found something */
};

struct ingest_source_counters {
    uint64_t offered; /* udp: datagrams to its port and address; packets: every frame */
    uint64_t taken;
    uint64_t taken_bytes;
    uint64_t dropped[INGEST_COUNTERS_CNT]; /* offered = taken + sum of these */
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
    uint64_t end_tick;            /* the first one after it; 0: there is no end */
    uint32_t burst;               /* packets a step; 0: 32 */
    uint32_t rows_max, bytes_max; /* of a block; 0: what fits */
    const atomic_bool *shed;      /* set by control; may be NULL */
    const _Atomic uint32_t *cuts; /* counted up by control: seal what is worth it; may be NULL */
    uint32_t sources_cnt;
    struct ingest_source source[INGEST_SOURCES_MAX];
    uint32_t groups_cnt;
    uint32_t group[INGEST_GROUPS_MAX]; /* sources, as bits */
};

struct ingest;

/* ingest_new: at set-up. NULL: err holds a sentence. */
struct ingest *ingest_new(const struct ingest_conf *conf, char *err, size_t err_bytes);
/* ingest_free: after the lcore has left and the ring was drained. */
void ingest_free(struct ingest *q);

/* ingest_step: one burst, on the queue's lcore. now is a TSC reading. Returns how much was done
 * (packets and messages); 0: idle. */
uint32_t ingest_step(struct ingest *q, uint64_t now);
/* ingest_turn is what the lcore's loop calls: steps while bursts come full, at most 16; and while
 * control asks to shed, one step every 200 us. A device that is not polled drops what comes without
 * costing the lcore a cycle (it counts as missed), or makes its sender wait. */
uint32_t ingest_turn(struct ingest *q);
/* ingest_finish ends the run of the queue, on its lcore: what is open is sealed and the open tick
 * closed. False: no room in the ring yet, call again. No step after it. */
bool ingest_finish(struct ingest *q, uint64_t now);
/* ingest_next_tick: the TSC reading at which the open tick ends (limits the idle sleep). */
uint64_t ingest_next_tick(const struct ingest *q);

/* The ring toward control: elements of struct ingest_msg, single consumer. */
struct rte_ring *ingest_ring(const struct ingest *q);
/* ingest_recv takes up to n messages off the ring (control's side). */
uint32_t ingest_recv(struct ingest *q, struct ingest_msg *msg, uint32_t n);

/* ingest_mark: after each marked INGEST_CLOSED once: the counters as they were when the tick was
 * closed. A queue whose receiver is far behind closes ticks without a mark. */
void ingest_mark(struct ingest *q, struct ingest_counters *c);

/* From any thread. */
void ingest_look(const struct ingest *q, struct ingest_counters *c);
/* source: position in conf.source. */
void ingest_look_source(const struct ingest *q, uint32_t source, struct ingest_source_counters *c);

/* --show-dropped: the first few dropped frames of each kind are kept; ingest_show_dropped writes
 * those that were not shown yet, in hex, and returns how many. One reader, off the lcores. */
uint32_t ingest_show_dropped(struct ingest *q, struct strbuf *out);

#endif
