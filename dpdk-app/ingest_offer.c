// A burst and the sources of its port.
#include <string.h>

#include "dpdk-app/ingest_impl.h"

// How close to being taken a packet came: of all its sources' verdicts the one with the highest
// rank is the packet's.
static const uint8_t rank[INGEST_COUNTERS_CNT] = {
    [INGEST_TAKEN] = 255,
    [INGEST_NO_MEMORY] = 203,
    [INGEST_RING_FULL] = 202,
    [INGEST_SHED] = 201,
    [INGEST_BEFORE_START] = 200,
    [INGEST_AFTER_END] = 199,
    [INGEST_EMPTY] = 150,
    [INGEST_PACKET + PACKET_BAD_UDP_CHECKSUM] = 143,
    [INGEST_PACKET + PACKET_MERGED] = 142,
    [INGEST_PACKET + PACKET_CUT] = 141,
    [INGEST_PACKET + PACKET_BAD_UDP_LENGTH] = 140,
    [INGEST_FILTERED] = 120,
    [INGEST_ARP] = 111,
    [INGEST_ICMP_ECHO] = 110,
    [INGEST_PACKET + PACKET_TOO_SHORT] = 105,
    [INGEST_PACKET + PACKET_BAD_IP_HEADER] = 104,
    [INGEST_PACKET + PACKET_BAD_IP_CHECKSUM] = 103,
    [INGEST_PACKET + PACKET_BAD_IP_LENGTH] = 102,
    [INGEST_PACKET + PACKET_FRAGMENT] = 100,
    [INGEST_OTHER_HOST] = 90,
    [INGEST_PACKET + PACKET_OTHER_ADDRESS] = 80,
    [INGEST_PACKET + PACKET_OTHER_PORT] = 70,
    [INGEST_PACKET + PACKET_NOT_UDP] = 60,
    [INGEST_PACKET + PACKET_NOT_IP] = 50,
    [INGEST_NO_SOURCE] = 0,
};

// What one source says to the packets of the burst, and what all say together.
struct verdicts {
    uint8_t what[INGEST_BURST_MAX];    // enum ingest_counter
    uint8_t offered[INGEST_BURST_MAX]; // 1: it counts for the source
};

// Where the bytes of packet i may stay; page is NULL if they must be copied.
static inline struct block_bytes bytes_of(const struct ingest *q, uint32_t i, uint32_t off,
                                          uint32_t len)
{
    struct page *pg = q->in_place ? q->page[i] : NULL;

    return (struct block_bytes){
        .at = q->frame[i].bytes + off, .len = len, .page = pg, .page_base = pg ? pg->addr : NULL};
}

// Appends what the source takes; what finds no memory is dropped and the next one tried. *kept: the
// bytes that the source keeps that keeps most.
static uint32_t take(struct ingest *q, struct ingest_src *s, uint8_t *what, uint64_t *kept,
                     uint32_t n)
{
    const struct block_bytes *bytes = q->bytes;
    uint64_t sum = 0;
    uint32_t cnt = 0;

    for (uint32_t i = 0, end; i < n; i = end) {
        for (end = i; end < n && what[end] == INGEST_TAKEN; end++)
            ;
        if (i == end) {
            end++;
            continue;
        }
        uint32_t got = s->type == SOURCE_TYPE_PACKETS
                           ? block_builder_add_pkts(&s->builder, q->pkt + i, bytes + i, end - i)
                           : block_builder_add_runs(&s->builder, bytes + i, end - i);
        if (got < end - i) {
            what[i + got] = INGEST_NO_MEMORY;
            end = i + got + 1;
        }
        cnt += got;
        for (uint32_t k = i; k < i + got; k++)
            sum += bytes[k].len;
    }
    *kept = RTE_MAX(*kept, sum);
    TALLY(s->n.taken, cnt);
    TALLY(s->n.taken_bytes, sum);
    return cnt;
}

// Counts what was not taken of what the source was offered.
static void count_dropped(struct ingest_src *s, const struct verdicts *v, uint32_t n)
{
    uint32_t offered = 0;

    for (uint32_t i = 0; i < n; i++) {
        offered += v->offered[i];
        if (v->offered[i] && v->what[i] != INGEST_TAKEN)
            TALLY(s->n.dropped[v->what[i]], 1);
    }
    TALLY(s->n.offered, offered);
}

static void offer_packets(struct ingest *q, struct ingest_src *s, struct verdicts *v, uint32_t n)
{
    memset(v->what, (int)q->gate, sizeof v->what);
    memset(v->offered, 1, sizeof v->offered);
    for (uint32_t i = 0; i < n; i++)
        q->bytes[i] = bytes_of(q, i, 0, q->frame[i].cap_len);
    for (uint32_t i = 0; s->filter && i < n; i++)
        if (!filter_takes_mbuf(s->filter, q->mbuf[i], q->frame[i].bytes, q->frame[i].cap_len))
            v->what[i] = INGEST_FILTERED;
}

// Is the fault one of a datagram that was meant for this listener?
static bool is_meant(const struct pkt *p, enum packet_drop why)
{
    switch (why) {
    case PACKET_MERGED:
    case PACKET_BAD_UDP_CHECKSUM: return true;
    // Found after the port was looked at, or before because there was none.
    case PACKET_CUT:
    case PACKET_BAD_UDP_LENGTH: return p->flags & PKT_UDP;
    default: return false;
    }
}

static void offer_datagrams(struct ingest *q, struct ingest_src *s, struct verdicts *v, uint32_t n)
{
    struct run payload[INGEST_BURST_MAX];

    packet_udp_match_burst(q->pkt, q->frame, n, &s->listen, payload, v->what);
    for (uint32_t i = 0; i < n; i++) {
        enum packet_drop why = v->what[i];

        v->offered[i] = why == PACKET_TAKEN || is_meant(&q->pkt[i], why);
        if (why != PACKET_TAKEN) {
            v->what[i] = (uint8_t)(INGEST_PACKET + why);
        } else {
            v->what[i] = (uint8_t)(payload[i].len ? q->gate : INGEST_EMPTY);
            q->bytes[i] = bytes_of(q, i, payload[i].off, payload[i].len);
        }
    }
    for (uint32_t i = 0; q->answers && i < n; i++)
        if (!ingest_is_for_host(q, q->frame[i].bytes, q->frame[i].cap_len)) {
            v->what[i] = INGEST_OTHER_HOST;
            v->offered[i] = 0;
        }
}

static void show(struct ingest *q, enum ingest_counter what, const struct packet_frame *f)
{
    struct shown *sh = &q->shown[what];
    uint32_t n = atomic_load_explicit(&sh->cnt, memory_order_relaxed);

    if (n == SHOWN_PER_KIND)
        return;
    struct shown_frame *sf = &sh->frame[n];
    sf->len = f->cap_len < SHOWN_BYTES ? f->cap_len : SHOWN_BYTES;
    sf->wire_len = f->wire_len;
    memcpy(sf->bytes, f->bytes, sf->len);
    atomic_store_explicit(&sh->cnt, n + 1, memory_order_release);
}

// How many of the packets that were taken lie where they landed.
static uint32_t in_place_cnt(const struct ingest *q, const uint8_t *best, bool all, uint32_t n)
{
    uint32_t cnt = 0;

    for (uint32_t i = 0; q->in_place && i < n; i++)
        cnt += q->page[i] && (all || best[i] == INGEST_TAKEN);
    return cnt;
}

// What became of each packet is counted once, and shown if it was dropped. all: each was taken.
static void count_burst(struct ingest *q, const uint8_t *best, bool all, uint32_t n)
{
    uint32_t taken = all ? n : 0, in_place = in_place_cnt(q, best, all, n);

    for (uint32_t i = 0; !all && i < n; i++) {
        enum ingest_counter what = best[i];

        taken += what == INGEST_TAKEN;
        if (what == INGEST_TAKEN)
            continue;
        TALLY(q->n.packet[what], 1);
        if (what != INGEST_ARP && what != INGEST_ICMP_ECHO)
            show(q, what, &q->frame[i]);
    }
    TALLY(q->n.packet[INGEST_TAKEN], taken);
    TALLY(q->n.kept_in_place, in_place);
    TALLY(q->n.kept_copied, taken - in_place);
}

// One source and the burst; true: it took all of it.
static bool offer(struct ingest *q, struct ingest_src *s, struct verdicts *v, uint64_t *kept,
                  uint32_t n)
{
    if (s->type == SOURCE_TYPE_PACKETS)
        offer_packets(q, s, v, n);
    else
        offer_datagrams(q, s, v, n);
    if (q->gate == INGEST_TAKEN && take(q, s, v->what, kept, n) == n) {
        TALLY(s->n.offered, n);
        return true;
    }
    count_dropped(s, v, n);
    return false;
}

// Packets that any source of a group has, for the groups of several.
static void count_groups(struct ingest *q, const uint32_t *has, uint32_t n)
{
    for (uint32_t g = 0; g < q->groups_cnt; g++) {
        uint32_t taken = 0;

        if (__builtin_popcount(q->group[g]) < 2)
            continue;
        for (uint32_t i = 0; i < n; i++)
            taken += (has[i] & q->group[g]) != 0;
        TALLY(q->n.group_taken[g], taken);
    }
}

void ingest_offer(struct ingest *q, uint8_t *best, uint32_t n)
{
    uint32_t has[INGEST_BURST_MAX] = {0}; // sources, as bits
    struct verdicts v;
    uint64_t kept = 0;
    bool all = false;

    for (uint32_t k = 0; k < q->sources_cnt; k++) {
        bool took_all = offer(q, &q->source[k], &v, &kept, n);

        all |= took_all;
        for (uint32_t i = 0; q->shared && i < n; i++)
            has[i] |= (uint32_t)(took_all || v.what[i] == INGEST_TAKEN) << k;
        for (uint32_t i = 0; !took_all && i < n; i++)
            if (rank[v.what[i]] > rank[best[i]])
                best[i] = v.what[i];
    }
    q->fill_bytes += kept;
    count_burst(q, best, all, n);
    if (q->shared)
        count_groups(q, has, n);
}
