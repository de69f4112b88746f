/* Bursts of packets: the short way for plain frames, the long one (packet.c) for all others. */
#include "net/packet_plain.h"
#include "rdd/packet_sum.h"

#define IP_BYTES 20u

void packet_decode_burst(struct pkt *p, const struct packet_frame *f, uint32_t n,
                         uint32_t frame_bytes_max)
{
    for (uint32_t i = 0; i < n; i++)
        __builtin_prefetch(f[i].bytes);
    for (uint32_t i = 0; i < n; i++)
        if (!plain_decode(p + i, f + i, frame_bytes_max))
            packet_decode(p + i, f + i, frame_bytes_max);
}

static void count_one(struct packet_counters *c, const struct pkt *p)
{
    uint32_t flags = p->flags;

    c->n[PACKET_COUNT_IP4] += !!(flags & PKT_IP4);
    c->n[PACKET_COUNT_IP6] += !!(flags & PKT_IP6);
    c->n[PACKET_COUNT_NOT_IP] += !(flags & (PKT_IP4 | PKT_IP6));
    c->n[PACKET_COUNT_TAGGED] += !!(flags & PKT_VLAN);
    c->n[PACKET_COUNT_FRAGMENTS] += !!(flags & PKT_FRAGMENT);
    c->n[PACKET_COUNT_MERGED] += !!(flags & PKT_MERGED);
    c->n[PACKET_COUNT_CUT] += !!(flags & PKT_CUT);
    c->n[PACKET_COUNT_TUNNELS] += !!(flags & PKT_TUNNEL);
    c->tunnel[p->tunnel]++;
}

void packet_count_burst(struct packet_counters *c, const struct pkt *p, uint32_t n)
{
    const uint32_t odd = PKT_VLAN | PKT_FRAGMENT | PKT_MERGED | PKT_CUT | PKT_TUNNEL;
    uint32_t some = 0, all = PKT_IP4;

    for (uint32_t i = 0; i < n; i++) {
        some |= p[i].flags;
        all &= p[i].flags;
    }
    if (all && !(some & odd)) {
        c->n[PACKET_COUNT_IP4] += n;
        c->tunnel[PKT_TUNNEL_NONE] += n;
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        count_one(c, p + i);
}

/* ---- datagrams for a udp source ----------------------------------------------------------- */

/* The sum of an IPv4 header without options, as inet_fold(inet_sum()) has it. */
static inline bool ip_sum_ok(const uint8_t *ip)
{
    uint64_t a = load_le64(ip), b = load_le64(ip + 8);
    uint64_t sum =
        (a & 0xffffffffu) + (a >> 32) + (b & 0xffffffffu) + (b >> 32) + load_le32(ip + 16);

    sum = (sum & 0xffffffffu) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return sum == 0xffff;
}

struct plain_listen {
    bool any, ip4; /* at any address, or at this one */
    uint16_t port;
    uint32_t address;
};

/* Sound beyond doubt; what is not is looked at again, for the reason why. */
static inline bool match_plain(const struct pkt *p, const uint8_t *b, const struct plain_listen *l,
                               struct run *payload)
{
    const uint8_t *ip = b + PLAIN_IP_AT, *udp = b + PLAIN_L4_AT;

    if (p->flags != (PKT_IP4 | PKT_UDP) || p->l4_off != PLAIN_L4_AT)
        return false;
    uint32_t udp_len = load_be16(udp + 4);
    if (load_be16(udp + 2) != l->port || udp_len != p->payload_len + 8u ||
        load_be16(ip + 2) < IP_BYTES || !ip_sum_ok(ip))
        return false;
    if (!l->any && (!l->ip4 || load_le32(ip + 16) != l->address))
        return false;
    if (load_le16(udp + 6) != 0 && packet_sum(p, b) == PACKET_SUM_BAD)
        return false;
    *payload = (struct run){PLAIN_UDP_END, p->payload_len};
    return true;
}

static struct plain_listen plain_listen_of(const struct packet_listen *l)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    return (struct plain_listen){.any = l->any,
                                 .ip4 = !memcmp(l->ip.b, mapped, sizeof mapped),
                                 .port = l->port,
                                 .address = load_le32(l->ip.b + 12)};
}

uint32_t packet_udp_match_burst(const struct pkt *p, const struct packet_frame *f, uint32_t n,
                                const struct packet_listen *l, struct run *payload, uint8_t *why)
{
    struct plain_listen plain = plain_listen_of(l);
    uint32_t taken = 0;

    for (uint32_t i = 0; i < n; i++) {
        why[i] = PACKET_TAKEN;
        if (!match_plain(p + i, f[i].bytes, &plain, payload + i))
            why[i] = (uint8_t)packet_udp_match(p + i, f[i].bytes, l, payload + i);
        taken += why[i] == PACKET_TAKEN;
    }
    return taken;
}

uint32_t packet_udp_take_burst(const struct packet_whole *f, uint32_t n, uint32_t frame_bytes_max,
                               const struct packet_listen *l, struct packet_whole *payload)
{
    struct plain_listen plain = plain_listen_of(l);
    uint32_t i;

    for (i = 0; i < n; i++) {
        struct packet_frame frame = plain_frame(f + i, 0, 0);
        struct run run;
        struct pkt row;

        if (!plain_decode(&row, &frame, frame_bytes_max) ||
            !match_plain(&row, f[i].bytes, &plain, &run) || run.len == 0)
            break;
        payload[i] = (struct packet_whole){f[i].bytes + run.off, run.len};
    }
    return i;
}
