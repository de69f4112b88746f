// The short way of a burst: plain packets (net/packet_lay.h) that the one source of the port takes,
// whose bytes are copied. Their rows and bytes are written straight into the open block, with
// nothing in between; what is counted is what the long way counts.
#include "dpdk-app/ingest_impl.h"
#include "net/packet_lay.h"

// The first packets that came in one piece, without a tag taken off. *bytes: of all of them.
static uint32_t whole_packets(const struct landing *l, struct rte_mbuf *const *mbuf, uint32_t n,
                              struct packet_whole *f, uint32_t *bytes)
{
    uint32_t sum = 0, i;

    for (i = 0; i < n; i++) {
        const struct rte_mbuf *m = mbuf[i];

        if (m->nb_segs > 1 || m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED ||
            m->pkt_len != m->data_len || m->data_len > l->frame_bytes)
            break;
        f[i] = (struct packet_whole){rte_pktmbuf_mtod(m, const uint8_t *), m->data_len};
        __builtin_prefetch(f[i].bytes);
        sum += m->data_len;
    }
    *bytes = sum;
    return i;
}

static void count_laid(struct ingest *q, uint32_t n, uint32_t bytes)
{
    struct ingest_src *s = &q->source[0];

    q->seen.n[PACKET_COUNT_IP4] += n;
    q->seen.tunnel[PKT_TUNNEL_NONE] += n;
    TALLY(q->n.seen.n[PACKET_COUNT_IP4], n);
    TALLY(q->n.seen.tunnel[PKT_TUNNEL_NONE], n);
    TALLY(q->n.received, n);
    TALLY(q->n.received_bytes, bytes);
    TALLY(q->n.packet[INGEST_TAKEN], n);
    TALLY(q->n.kept_copied, n);
    TALLY(s->n.offered, n);
    TALLY(s->n.taken, n);
    TALLY(s->n.taken_bytes, bytes);
    q->fill_bytes += bytes;
}

uint32_t ingest_lay(struct ingest *q, struct rte_mbuf *const *mbuf, uint32_t n, int64_t ts_ns)
{
    struct packet_whole f[INGEST_BURST_MAX];
    struct block_builder *b = &q->source[0].builder;
    struct block_room room;
    uint32_t bytes;

    if (!q->lays || q->in_place || q->gate != INGEST_TAKEN)
        return 0;
    n = whole_packets(q->landing, mbuf, n, f, &bytes);
    if (n == 0 || !block_builder_room(b, n, bytes + PACKET_LAY_SLACK, &room))
        return 0;
    struct packet_lay to = {.row = room.row,
                            .base = room.base,
                            .off = room.off,
                            .frame_bytes_max = q->port->frame_max,
                            .ts_ns = ts_ns};
    uint32_t laid = packet_lay_burst(&to, f, n);
    for (uint32_t i = laid; i < n; i++)
        bytes -= f[i].len;
    block_builder_added(b, laid, bytes);
    count_laid(q, laid, bytes);
    return laid;
}
