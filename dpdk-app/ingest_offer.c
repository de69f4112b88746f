// One packet and the sources of its port.
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

static enum ingest_counter count_source(struct ingest_src *s, enum ingest_counter what,
                                        uint32_t bytes)
{
    TALLY(s->n.offered, 1);
    if (what == INGEST_TAKEN) {
        TALLY(s->n.taken, 1);
        TALLY(s->n.taken_bytes, bytes);
    } else {
        TALLY(s->n.dropped[what], 1);
    }
    return what;
}

// Where the bytes at `at` of packet i may stay; page is NULL if they must be copied.
static struct block_bytes bytes_of(const struct ingest *q, uint32_t i, const uint8_t *at,
                                   uint32_t len)
{
    struct block_bytes b = {.at = at, .len = len};

    if (!q->in_place || q->mbuf[i]->nb_segs > 1)
        return b;
    struct page *pg = landing_page_of(q->landing, q->mbuf[i]);
    if (pg) {
        b.page = pg;
        b.page_base = pg->addr;
    }
    return b;
}

// What is kept of a packet, by the source that keeps most.
struct kept {
    uint32_t bytes;
    bool in_place;
};

static void keep(struct kept *k, const struct block_bytes *b)
{
    k->bytes = b->len > k->bytes ? b->len : k->bytes;
    k->in_place = b->page != NULL;
}

static enum ingest_counter offer_packet(struct ingest *q, struct ingest_src *s, uint32_t i,
                                        struct kept *kept)
{
    const struct packet_frame *f = &q->frame[i];
    enum ingest_counter what = q->gate;

    if (s->filter && !filter_takes_mbuf(s->filter, q->mbuf[i], f->bytes, f->cap_len))
        what = INGEST_FILTERED;
    if (what == INGEST_TAKEN) {
        struct block_bytes b = bytes_of(q, i, f->bytes, f->cap_len);

        if (block_builder_add_pkt(&s->builder, &q->pkt[i], &b))
            keep(kept, &b);
        else
            what = INGEST_NO_MEMORY;
    }
    return count_source(s, what, f->cap_len);
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

static enum ingest_counter offer_datagram(struct ingest *q, struct ingest_src *s, uint32_t i,
                                          struct kept *kept)
{
    const struct pkt *p = &q->pkt[i];
    const uint8_t *frame = q->frame[i].bytes;
    struct run payload;
    enum packet_drop why = packet_udp_match(p, frame, &s->listen, &payload);
    enum ingest_counter what = q->gate;

    if (why != PACKET_TAKEN) {
        what = INGEST_PACKET + why;
        return is_meant(p, why) ? count_source(s, what, 0) : what;
    }
    if (payload.len == 0)
        what = INGEST_EMPTY;
    if (what == INGEST_TAKEN) {
        struct block_bytes b = bytes_of(q, i, frame + payload.off, payload.len);

        if (block_builder_add_run(&s->builder, &b))
            keep(kept, &b);
        else
            what = INGEST_NO_MEMORY;
    }
    return count_source(s, what, payload.len);
}

static bool is_for_host(const struct ingest *q, uint32_t i)
{
    const struct packet_frame *f = &q->frame[i];

    return !q->answers || f->cap_len < 6 || (f->bytes[0] & 1) ||
           memcmp(f->bytes, q->host.mac, 6) == 0;
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

void ingest_offer(struct ingest *q, uint32_t i, enum ingest_counter answered)
{
    enum ingest_counter best = answered;
    bool for_host = is_for_host(q, i);
    struct kept kept = {0};

    for (uint32_t k = 0; k < q->sources_cnt; k++) {
        struct ingest_src *s = &q->source[k];
        enum ingest_counter what = INGEST_OTHER_HOST;

        if (s->type == SOURCE_TYPE_PACKETS)
            what = offer_packet(q, s, i, &kept);
        else if (for_host)
            what = offer_datagram(q, s, i, &kept);
        if (rank[what] > rank[best])
            best = what;
    }
    TALLY(q->n.packet[best], 1);
    q->fill_bytes += kept.bytes;
    if (best == INGEST_TAKEN)
        TALLY(*(kept.in_place ? &q->n.kept_in_place : &q->n.kept_copied), 1);
    if (best != INGEST_TAKEN && best != INGEST_ARP && best != INGEST_ICMP_ECHO)
        show(q, best, &q->frame[i]);
}
