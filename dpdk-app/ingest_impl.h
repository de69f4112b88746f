/*
 * What the files of ingest share. Private to dpdk-app/ingest*.c.
 */
#ifndef DPDK_APP_INGEST_IMPL_H
#define DPDK_APP_INGEST_IMPL_H

#include <string.h>

#include "dpdk-app/filter.h"
#include "dpdk-app/ingest.h"
#include "net/arp_icmp.h"

#define SHOWN_PER_KIND 3u
#define SHOWN_BYTES    192u
#define MARKS_CNT      64u
// A frame that came in a chain is looked at in one piece of at most this.
#define LINEAR_BYTES 65536u

/* Counters have one writer and any number of readers. */
#define TALLY(counter, n) __atomic_store_n(&(counter), (counter) + (n), __ATOMIC_RELAXED)

struct ingest_src {
    struct ingest *q;
    uint32_t source_idx;
    enum source_type type;
    struct packet_listen listen; /* udp */
    struct filter *filter;       /* packets; may be NULL */
    struct block_builder builder;
    struct ingest_source_counters n;
};

struct shown_frame {
    uint32_t len, wire_len;
    uint8_t bytes[SHOWN_BYTES];
};

/* The first dropped frames of a kind: written once each, then announced. */
struct shown {
    _Atomic uint32_t cnt;
    uint32_t told; /* the reader's */
    struct shown_frame frame[SHOWN_PER_KIND];
};

struct ingest {
    struct port *port;
    struct landing *landing;
    struct pool *pool;
    const struct tick_clock *clock;
    const atomic_bool *shed;
    const _Atomic uint32_t *cuts;
    uint32_t cuts_done;
    struct rte_ring *ring;
    uint16_t port_id, port_queue;
    uint32_t queue_idx;
    uint32_t burst;
    uint32_t step_msgs; /* the most that a step can say */
    uint64_t start_tick, tick, end_tick;
    uint64_t turn_tsc, rest_tsc; /* last turn; between two turns while shedding */
    bool finished, answers;
    enum ingest_counter gate; /* of this step: INGEST_TAKEN, or why nothing is taken */

    /* Do bytes stay where they land? What was kept of the slots of the last packets. */
    bool in_place;
    uint32_t fill_packets;
    uint64_t fill_bytes;

    struct host_address host;
    uint8_t *linear; /* LINEAR_BYTES for each packet of a burst; may be NULL */
    struct packet_counters seen;
    struct ingest_counters n;
    struct shown shown[INGEST_COUNTERS_CNT];
    uint32_t sources_cnt;
    struct ingest_src source[INGEST_SOURCES_MAX];
    uint32_t groups_cnt;
    uint32_t group[INGEST_GROUPS_MAX];
    bool shared;      /* some group has several sources */
    bool may_shorten; /* one source, and which packets it takes is told by their headers */

    /* Counters at the ends of ticks: a ring toward the receiver. */
    struct ingest_counters *mark;
    uint64_t marked;
    _Atomic uint64_t mark_taken;

    /* The burst. */
    struct rte_mbuf **mbuf;
    struct packet_frame frame[INGEST_BURST_MAX];
    struct pkt pkt[INGEST_BURST_MAX];
    struct page *page[INGEST_BURST_MAX];        /* while in_place: to stay in; NULL: none */
    struct block_bytes bytes[INGEST_BURST_MAX]; /* of the source that is looked at */
};

/* The page that the bytes of m may stay in, if it came in one piece; `last` is that of the packet
 * before, mostly the same. NULL: none. */
static inline struct page *ingest_page_of(const struct ingest *q, const struct rte_mbuf *m,
                                          struct page *last)
{
    const struct landing *l = q->landing;

    if (last && m->pool == l->mempool &&
        (uintptr_t)m->buf_addr - (uintptr_t)last->addr < PAGE_BYTES)
        return last;
    return landing_page_of(l, m);
}

/* Is packet `bytes` for the host, if the port is one? */
static inline bool ingest_is_for_host(const struct ingest *q, const uint8_t *bytes, uint32_t len)
{
    return !q->answers || len < 6 || (bytes[0] & 1) || memcmp(bytes, q->host.mac, 6) == 0;
}

/* ingest_offer gives the n packets of the burst to every source and counts what became of them.
 * best[i]: what packet i is already (INGEST_ARP, ...), or INGEST_NO_SOURCE; and then what it was.
 */
/* ingest_short takes the first packets of a burst by the short way (ingest_short.c). Returns how
 * many. What is not taken by it goes the long way. */
uint32_t ingest_short(struct ingest *q, struct rte_mbuf *const *mbuf, uint32_t n, int64_t ts_ns);
/* ingest_make_mark keeps the counters for the receiver; false: it is too far behind. */
bool ingest_make_mark(struct ingest *q);
void ingest_offer(struct ingest *q, uint8_t *best, uint32_t n);

#endif
