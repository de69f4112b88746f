/* Bursts of packets: the short way for plain frames, the long one (packet.c) for all others. */
#include "base/bytes.h"
#include "net/packet.h"
#include "rdd/packet_sum.h"

/* Where things lie in a plain frame: Ethernet without a tag, IPv4 without options. */
#define ETHER_TYPE_AT 12u
#define IP_AT         14u
#define L4_AT         34u
#define UDP_END       42u
#define TCP_END       54u
#define IP_BYTES      20u
#define PROTO_TCP     6u
#define PROTO_UDP     17u
#define ETHER_IP4     0x0800u
/* Ports of tunnels lie between these (tunnel_of_udp); what has none of them is none. */
#define TUNNEL_PORT_MIN 1701u
#define TUNNEL_PORT_MAX 6635u

static inline bool may_be_tunnel(uint32_t port)
{
    return port - TUNNEL_PORT_MIN <= TUNNEL_PORT_MAX - TUNNEL_PORT_MIN;
}

/* Is it IPv4 of 20 bytes, no fragment, and all of it there? Sets the end of the IP packet. */
static inline bool is_plain(const struct packet_frame *f, uint32_t frame_bytes_max, uint32_t *end)
{
    const uint8_t *b = f->bytes;

    if (f->cap_len < UDP_END || f->vlan_tci != PACKET_NO_TAG ||
        (frame_bytes_max && f->wire_len > frame_bytes_max))
        return false;
    *end = IP_AT + load_be16(b + IP_AT + 2);
    return load_be16(b + ETHER_TYPE_AT) == ETHER_IP4 && b[IP_AT] == 0x45 &&
           (load_be16(b + IP_AT + 6) & 0x3fffu) == 0 && *end >= UDP_END && *end <= f->cap_len;
}

static inline void plain_row(struct pkt *p, const struct packet_frame *f, uint32_t payload_off,
                             uint32_t end, uint32_t flags, uint32_t proto)
{
    uint32_t len = end - payload_off;

    *p = (struct pkt){.ts_ns = f->ts_ns,
                      .off = f->off,
                      .cap_len = f->cap_len,
                      .wire_len = f->wire_len,
                      .l3_off = IP_AT,
                      .l4_off = L4_AT,
                      .payload_off = (uint16_t)payload_off,
                      .payload_len = (uint16_t)(len < UINT16_MAX ? len : UINT16_MAX),
                      .flags = (uint16_t)(PKT_IP4 | flags),
                      .ether_type = ETHER_IP4,
                      .ip_proto = (uint8_t)proto};
}

static inline bool decode_plain(struct pkt *p, const struct packet_frame *f,
                                uint32_t frame_bytes_max)
{
    const uint8_t *b = f->bytes;
    uint32_t end;

    if (!is_plain(f, frame_bytes_max, &end))
        return false;
    uint32_t proto = b[IP_AT + 9];
    if (proto == PROTO_UDP) {
        uint32_t udp_len = load_be16(b + L4_AT + 4);
        if (may_be_tunnel(load_be16(b + L4_AT)) || may_be_tunnel(load_be16(b + L4_AT + 2)))
            return false;
        if (udp_len >= 8 && L4_AT + udp_len < end)
            end = L4_AT + udp_len;
        plain_row(p, f, UDP_END, end, PKT_UDP, PROTO_UDP);
        return true;
    }
    if (proto != PROTO_TCP || end < TCP_END)
        return false;
    uint32_t from = L4_AT + (b[L4_AT + 12] >> 4) * 4u;
    from = from < TCP_END ? TCP_END : from;
    plain_row(p, f, from < end ? from : end, end, PKT_TCP, PROTO_TCP);
    return true;
}

void packet_decode_burst(struct pkt *p, const struct packet_frame *f, uint32_t n,
                         uint32_t frame_bytes_max)
{
    for (uint32_t i = 0; i < n; i++)
        __builtin_prefetch(f[i].bytes);
    for (uint32_t i = 0; i < n; i++)
        if (!decode_plain(p + i, f + i, frame_bytes_max))
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
    const uint8_t *ip = b + IP_AT, *udp = b + L4_AT;

    if (p->flags != (PKT_IP4 | PKT_UDP) || p->l4_off != L4_AT)
        return false;
    uint32_t udp_len = load_be16(udp + 4);
    if (load_be16(udp + 2) != l->port || udp_len != p->payload_len + 8u ||
        load_be16(ip + 2) < IP_BYTES || !ip_sum_ok(ip))
        return false;
    if (!l->any && (!l->ip4 || load_le32(ip + 16) != l->address))
        return false;
    if (load_le16(udp + 6) != 0 && packet_sum(p, b) == PACKET_SUM_BAD)
        return false;
    *payload = (struct run){UDP_END, p->payload_len};
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
