// The short way of a burst: the first packets of the plain kind (net/packet.h), if one source alone
// listens to the port and takes them. With nothing in between, packets are laid into the open block
// (net/packet_lay.h), and datagrams looked at once. What is counted is what the long way counts.
#include "dpdk-app/ingest_impl.h"
#include "net/packet_lay.h"

// The first packets that came in one piece, without a tag taken off.
static uint32_t whole_packets(const struct landing *l, struct rte_mbuf *const *mbuf, uint32_t n,
                              struct packet_whole *f)
{
    uint32_t i;

    for (i = 0; i < n; i++) {
        const struct rte_mbuf *m = mbuf[i];

        if (m->nb_segs > 1 || m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED ||
            m->pkt_len != m->data_len || m->data_len > l->frame_bytes)
            break;
        f[i] = (struct packet_whole){rte_pktmbuf_mtod(m, const uint8_t *), m->data_len};
        __builtin_prefetch(f[i].bytes);
    }
    return i;
}

static uint32_t bytes_of(const struct packet_whole *f, uint32_t n)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < n; i++)
        sum += f[i].len;
    return sum;
}

// n packets were taken, `kept` of their bytes.
static void count_taken(struct ingest *q, uint32_t n, uint32_t bytes, uint32_t kept,
                        uint32_t in_place)
{
    struct ingest_src *s = &q->source[0];

    q->seen.n[PACKET_COUNT_IP4] += n;
    q->seen.tunnel[PKT_TUNNEL_NONE] += n;
    TALLY(q->n.seen.n[PACKET_COUNT_IP4], n);
    TALLY(q->n.seen.tunnel[PKT_TUNNEL_NONE], n);
    TALLY(q->n.received, n);
    TALLY(q->n.received_bytes, bytes);
    TALLY(q->n.packet[INGEST_TAKEN], n);
    TALLY(q->n.kept_in_place, in_place);
    TALLY(q->n.kept_copied, n - in_place);
    TALLY(s->n.offered, n);
    TALLY(s->n.taken, n);
    TALLY(s->n.taken_bytes, kept);
    q->fill_bytes += kept;
}

static uint32_t take_packets(struct ingest *q, const struct packet_whole *f, uint32_t n,
                             int64_t ts_ns)
{
    struct block_builder *b = &q->source[0].builder;
    uint32_t bytes = bytes_of(f, n);
    struct block_room room;

    if (q->in_place || !block_builder_room(b, n, bytes + PACKET_LAY_SLACK, &room))
        return 0;
    struct packet_lay to = {.row = room.row,
                            .base = room.base,
                            .off = room.off,
                            .frame_bytes_max = q->port->frame_max,
                            .ts_ns = ts_ns};
    uint32_t laid = packet_lay_burst(&to, f, n);
    if (laid < n)
        bytes = bytes_of(f, laid);
    block_builder_added(b, laid, bytes);
    count_taken(q, laid, bytes, bytes, 0);
    return laid;
}

static uint32_t take_datagrams(struct ingest *q, struct rte_mbuf *const *mbuf,
                               const struct packet_whole *f, uint32_t n)
{
    struct packet_whole payload[INGEST_BURST_MAX];
    struct block_bytes bytes[INGEST_BURST_MAX];
    struct ingest_src *s = &q->source[0];
    uint32_t in_place = 0, cnt = 0;
    struct page *pg = NULL;

    while (cnt < n && ingest_is_for_host(q, f[cnt].bytes, f[cnt].len))
        cnt++;
    n = packet_udp_take_burst(f, cnt, q->port->frame_max, &s->listen, payload);
    for (uint32_t i = 0; i < n; i++) {
        pg = q->in_place ? ingest_page_of(q, mbuf[i], pg) : NULL;
        bytes[i] = (struct block_bytes){.at = payload[i].bytes,
                                        .len = payload[i].len,
                                        .page = pg,
                                        .page_base = pg ? pg->addr : NULL};
    }
    // What finds no memory goes the long way, which says so.
    n = block_builder_add_runs(&s->builder, bytes, n);
    for (uint32_t i = 0; i < n; i++)
        in_place += bytes[i].page != NULL;
    count_taken(q, n, bytes_of(f, n), bytes_of(payload, n), in_place);
    return n;
}

uint32_t ingest_short(struct ingest *q, struct rte_mbuf *const *mbuf, uint32_t n, int64_t ts_ns)
{
    struct packet_whole f[INGEST_BURST_MAX];

    if (!q->may_shorten || q->gate != INGEST_TAKEN)
        return 0;
    n = whole_packets(q->landing, mbuf, n, f);
    if (q->source[0].type == SOURCE_TYPE_PACKETS)
        return take_packets(q, f, n, ts_ns);
    return take_datagrams(q, mbuf, f, n);
}
