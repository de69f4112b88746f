#include <string.h>

#include "base/bytes.h"
#include "net/packet.h"
#include "rdd/packet_sum.h"

#define ETH_BYTES   14u
#define TAG_BYTES   4u
#define TAGS_MAX    8u
#define IP4_BYTES   20u
#define IP6_BYTES   40u
#define EXTS_MAX    8u
#define LEN_802_3   1500u /* EtherTypes up to here are lengths */
#define MORE_OFFSET 0x3fffu
#define OFFSET_BITS 0x1fffu

enum ether_type {
    ETHER_IP4 = 0x0800,
    ETHER_VLAN = 0x8100,
    ETHER_IP6 = 0x86dd,
    ETHER_MPLS = 0x8847,
    ETHER_MPLS_MULTI = 0x8848,
    ETHER_PPPOE = 0x8864,
    ETHER_QINQ = 0x88a8,
    ETHER_QINQ_OLD = 0x9100,
};

enum ip_proto {
    IP_HOPOPT = 0,
    IP_ICMP = 1,
    IP_IPIP = 4,
    IP_TCP = 6,
    IP_UDP = 17,
    IP_DCCP = 33,
    IP_IPV6 = 41,
    IP_ROUTING = 43,
    IP_FRAGMENT = 44,
    IP_GRE = 47,
    IP_ESP = 50,
    IP_AH = 51,
    IP_ICMP6 = 58,
    IP_NONE = 59,
    IP_DSTOPTS = 60,
    IP_ETHERIP = 97,
    IP_L2TP = 115,
    IP_SCTP = 132,
    IP_MOBILITY = 135,
    IP_UDPLITE = 136,
    IP_MPLS = 137,
};

const char *const packet_count_name[PACKET_COUNTS_CNT] = {
    [PACKET_COUNT_IP4] = "ip4",
    [PACKET_COUNT_IP6] = "ip6",
    [PACKET_COUNT_NOT_IP] = "not_ip",
    [PACKET_COUNT_TAGGED] = "tagged",
    [PACKET_COUNT_FRAGMENTS] = "fragments",
    [PACKET_COUNT_MERGED] = "merged",
    [PACKET_COUNT_CUT] = "cut",
    [PACKET_COUNT_TUNNELS] = "tunnels",
};

const char *const packet_drop_name[PACKET_DROPS_CNT] = {
    [PACKET_TOO_SHORT] = "too_short",
    [PACKET_NOT_IP] = "not_ip",
    [PACKET_BAD_IP_HEADER] = "bad_ip_header",
    [PACKET_BAD_IP_CHECKSUM] = "bad_ip_checksum",
    [PACKET_BAD_IP_LENGTH] = "bad_ip_length",
    [PACKET_FRAGMENT] = "fragment",
    [PACKET_NOT_UDP] = "not_udp",
    [PACKET_CUT] = "cut",
    [PACKET_BAD_UDP_LENGTH] = "bad_udp_length",
    [PACKET_OTHER_PORT] = "other_port",
    [PACKET_OTHER_ADDRESS] = "other_address",
    [PACKET_MERGED] = "merged",
    [PACKET_BAD_UDP_CHECKSUM] = "bad_udp_checksum",
};

static inline uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* ---- layer 4 ------------------------------------------------------------------------------ */

static void payload_set(struct pkt *p, uint32_t from, uint32_t end)
{
    p->payload_off = (uint16_t)from;
    p->payload_len = (uint16_t)min_u32(end - from, UINT16_MAX);
}

static void tunnel_set(struct pkt *p, enum pkt_tunnel t)
{
    p->tunnel = (uint8_t)t;
    p->flags |= t ? PKT_TUNNEL : 0;
}

static enum pkt_tunnel tunnel_of_udp(uint32_t src, uint32_t dst)
{
    switch (dst) {
    case 4789: return PKT_TUNNEL_VXLAN;
    case 4790: return PKT_TUNNEL_VXLAN_GPE;
    case 6081: return PKT_TUNNEL_GENEVE;
    case 6635: return PKT_TUNNEL_MPLS;
    case 1701: return PKT_TUNNEL_L2TP;
    case 2152: return PKT_TUNNEL_GTP_U;
    case 3544: return PKT_TUNNEL_TEREDO;
    case 4500: return PKT_TUNNEL_ESP_UDP;
    default: break;
    }
    switch (src) { /* both ways of a conversation */
    case 1701: return PKT_TUNNEL_L2TP;
    case 2152: return PKT_TUNNEL_GTP_U;
    case 3544: return PKT_TUNNEL_TEREDO;
    case 4500: return PKT_TUNNEL_ESP_UDP;
    default: return PKT_TUNNEL_NONE;
    }
}

static enum pkt_tunnel tunnel_of_proto(uint32_t proto, bool ip6)
{
    switch (proto) {
    case IP_GRE: return PKT_TUNNEL_GRE;
    case IP_ESP: return PKT_TUNNEL_ESP;
    case IP_L2TP: return PKT_TUNNEL_L2TP;
    case IP_ETHERIP: return PKT_TUNNEL_ETHERIP;
    case IP_MPLS: return PKT_TUNNEL_MPLS;
    case IP_IPIP: return ip6 ? PKT_TUNNEL_4IN6 : PKT_TUNNEL_IPIP;
    case IP_IPV6: return ip6 ? PKT_TUNNEL_6IN6 : PKT_TUNNEL_6IN4;
    default: return PKT_TUNNEL_NONE;
    }
}

/* The header's own length, at least the fixed one. */
static uint32_t tcp_bytes(struct pkt *p, const uint8_t *l4, uint32_t avail)
{
    if (avail < 20)
        return avail;
    uint32_t bytes = (l4[12] >> 4) * 4u;
    p->flags |= PKT_TCP;
    return bytes < 20 ? 20 : min_u32(bytes, avail);
}

/* l4_decode: the layer-4 header is at o, and the IP packet, as far as it is captured, ends at
 * `end`. */
static void l4_decode(struct pkt *p, const uint8_t *b, uint32_t proto, uint32_t o, uint32_t end)
{
    uint32_t avail = end - o, bytes = 0;

    p->ip_proto = (uint8_t)proto;
    p->l4_off = (uint16_t)o;
    switch (proto) {
    case IP_TCP: bytes = tcp_bytes(p, b + o, avail); break;
    case IP_UDP:
        bytes = min_u32(avail, 8);
        if (avail < 8)
            break;
        p->flags |= PKT_UDP;
        uint32_t udp_len = load_be16(b + o + 4);
        if (udp_len >= 8 && udp_len < avail)
            end = o + udp_len;
        tunnel_set(p, tunnel_of_udp(load_be16(b + o), load_be16(b + o + 2)));
        break;
    case IP_ICMP:
    case IP_ICMP6:
        bytes = min_u32(avail, 8);
        if (avail >= 8 && (proto == IP_ICMP) == !!(p->flags & PKT_IP4))
            p->flags |= PKT_ICMP;
        break;
    case IP_SCTP:
    case IP_DCCP: bytes = min_u32(avail, 12); break;
    case IP_UDPLITE: bytes = min_u32(avail, 8); break;
    default: tunnel_set(p, tunnel_of_proto(proto, p->flags & PKT_IP6)); break;
    }
    payload_set(p, o + bytes, end);
}

/* ---- layer 3 ------------------------------------------------------------------------------ */

static void later_fragment(struct pkt *p, uint32_t proto, uint32_t o, uint32_t end)
{
    p->flags |= PKT_FRAGMENT | PKT_LATER_FRAGMENT;
    p->ip_proto = (uint8_t)proto;
    payload_set(p, o, end);
}

/* exts_decode walks the extension headers from `proto` at o, then decodes layer 4. Where they
 * are cut, or are more than EXTS_MAX, layer 4 is that header's number and has no header. */
static void exts_decode(struct pkt *p, const uint8_t *b, uint32_t proto, uint32_t o, uint32_t end)
{
    for (uint32_t i = 0; i < EXTS_MAX && end - o >= 8; i++) {
        const uint8_t *h = b + o;
        uint32_t bytes = (h[1] + 1u) * 8;

        switch (proto) {
        case IP_HOPOPT:
        case IP_ROUTING:
        case IP_DSTOPTS:
        case IP_MOBILITY: break;
        case IP_AH: bytes = (h[1] + 2u) * 4; break;
        case IP_FRAGMENT:
            bytes = 8;
            if (load_be16(h + 2) >> 3) {
                later_fragment(p, h[0], o + 8, end);
                return;
            }
            p->flags |= h[3] & 1 ? PKT_FRAGMENT : 0; /* else it is whole: RFC 6946 */
            break;
        default: l4_decode(p, b, proto, o, end); return;
        }
        if (bytes > end - o)
            break;
        proto = h[0];
        o += bytes;
    }
    l4_decode(p, b, proto, o, end);
}

/* ip_end: where the IP packet that states `bytes` ends, in what is captured. */
static uint32_t ip_end(struct pkt *p, uint32_t bytes)
{
    uint32_t end = p->l3_off + bytes;

    if (end <= p->cap_len)
        return end;
    p->flags |= PKT_CUT;
    return p->cap_len;
}

static bool ip4_decode(struct pkt *p, const uint8_t *b)
{
    const uint8_t *ip = b + p->l3_off;
    uint32_t avail = p->cap_len - p->l3_off;

    if (avail < IP4_BYTES || ip[0] >> 4 != 4)
        return false;
    uint32_t header = (ip[0] & 15u) * 4, total = load_be16(ip + 2);
    if (header < IP4_BYTES || header > avail)
        return false;
    p->flags |= PKT_IP4;
    if (total < header)
        total = total ? header : avail;

    uint32_t end = ip_end(p, total), o = p->l3_off + header;
    uint32_t fragment = load_be16(ip + 6) & MORE_OFFSET;
    if (fragment & OFFSET_BITS)
        later_fragment(p, ip[9], o, end);
    else {
        p->flags |= fragment ? PKT_FRAGMENT : 0;
        if (ip[9] == IP_AH)
            exts_decode(p, b, IP_AH, o, end);
        else
            l4_decode(p, b, ip[9], o, end);
    }
    return true;
}

static bool ip6_decode(struct pkt *p, const uint8_t *b)
{
    const uint8_t *ip = b + p->l3_off;
    uint32_t avail = p->cap_len - p->l3_off;

    if (avail < IP6_BYTES || ip[0] >> 4 != 6)
        return false;
    p->flags |= PKT_IP6;
    uint32_t payload = load_be16(ip + 4);
    if (payload == 0 && ip[6] != IP_NONE)
        payload = avail - IP6_BYTES;
    exts_decode(p, b, ip[6], p->l3_off + IP6_BYTES, ip_end(p, IP6_BYTES + payload));
    return true;
}

/* ---- layer 2 ------------------------------------------------------------------------------ */

static inline bool is_tag(uint32_t type)
{
    return type == ETHER_VLAN || type == ETHER_QINQ || type == ETHER_QINQ_OLD;
}

static void tag_set(struct pkt *p, uint32_t tci)
{
    if (!(p->flags & PKT_VLAN)) {
        p->vlan = (uint16_t)tci;
        p->flags |= PKT_VLAN;
    } else if (!(p->flags & PKT_QINQ)) {
        p->vlan2 = (uint16_t)tci;
        p->flags |= PKT_QINQ;
    }
}

static void other_decode(struct pkt *p)
{
    uint32_t end = p->cap_len;

    if (p->ether_type == ETHER_MPLS || p->ether_type == ETHER_MPLS_MULTI)
        tunnel_set(p, PKT_TUNNEL_MPLS);
    else if (p->ether_type == ETHER_PPPOE)
        tunnel_set(p, PKT_TUNNEL_PPPOE);
    else if (p->ether_type <= LEN_802_3)
        end = min_u32(end, p->l3_off + p->ether_type);
    if (p->wire_len > p->cap_len)
        p->flags |= PKT_CUT;
    payload_set(p, p->l3_off, end);
}

void packet_decode(struct pkt *p, const struct packet_frame *f, uint32_t frame_bytes_max)
{
    const uint8_t *b = f->bytes;
    uint32_t o = ETH_BYTES, type;

    *p = (struct pkt){
        .ts_ns = f->ts_ns, .off = f->off, .cap_len = f->cap_len, .wire_len = f->wire_len};
    if (f->vlan_tci != PACKET_NO_TAG)
        tag_set(p, f->vlan_tci);
    if (f->cap_len < ETH_BYTES) {
        p->flags |= f->wire_len > f->cap_len ? PKT_CUT : 0;
        return;
    }
    type = load_be16(b + 12);
    while (is_tag(type) && o < ETH_BYTES + TAGS_MAX * TAG_BYTES && f->cap_len - o >= TAG_BYTES) {
        tag_set(p, load_be16(b + o));
        type = load_be16(b + o + 2);
        o += TAG_BYTES;
    }
    p->ether_type = (uint16_t)type;
    p->l3_off = (uint16_t)o;
    if (frame_bytes_max && f->wire_len > frame_bytes_max + (o - ETH_BYTES))
        p->flags |= PKT_MERGED;
    if (type == ETHER_IP4 && ip4_decode(p, b))
        return;
    if (type == ETHER_IP6 && ip6_decode(p, b))
        return;
    other_decode(p);
}

void packet_mark_sum(struct pkt *p, const uint8_t *frame)
{
    enum packet_sum sum = packet_sum(p, frame);

    if (sum == PACKET_SUM_BAD || !packet_ip_sum_ok(p, frame))
        p->flags |= PKT_SUM_BAD;
    else if (sum == PACKET_SUM_UNFINISHED)
        p->flags |= PKT_SUM_UNFINISHED;
}

/* ---- datagrams for a udp source ----------------------------------------------------------- */

/* ip_fault: what is wrong with the frame up to its IP header, or PACKET_TAKEN. */
static enum packet_drop ip_fault(const struct pkt *p, const uint8_t *frame)
{
    const uint8_t *ip = frame + p->l3_off;

    if (p->cap_len < ETH_BYTES || (is_tag(p->ether_type) && p->cap_len - p->l3_off < TAG_BYTES))
        return PACKET_TOO_SHORT;
    if (p->flags & PKT_IP4) {
        if (!packet_ip_sum_ok(p, frame))
            return PACKET_BAD_IP_CHECKSUM;
        return load_be16(ip + 2) < (ip[0] & 15u) * 4 ? PACKET_BAD_IP_LENGTH : PACKET_TAKEN;
    }
    if (p->flags & PKT_IP6)
        return load_be16(ip + 4) == 0 ? PACKET_BAD_IP_LENGTH : PACKET_TAKEN;
    if (p->ether_type != ETHER_IP4 && p->ether_type != ETHER_IP6)
        return PACKET_NOT_IP;
    bool room = p->cap_len - p->l3_off >= (p->ether_type == ETHER_IP4 ? IP4_BYTES : IP6_BYTES);
    return room ? PACKET_BAD_IP_HEADER : PACKET_TOO_SHORT;
}

static bool ip_is_to(const struct pkt *p, const uint8_t *ip, const struct ip *to)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (p->flags & PKT_IP4)
        return !memcmp(to->b, mapped, 12) && !memcmp(to->b + 12, ip + 16, 4);
    return !memcmp(to->b, ip + 24, 16);
}

enum packet_drop packet_udp_match(const struct pkt *p, const uint8_t *frame,
                                  const struct packet_listen *l, struct run *payload)
{
    enum packet_drop fault = ip_fault(p, frame);

    if (fault != PACKET_TAKEN)
        return fault;
    if (p->ip_proto != IP_UDP)
        return PACKET_NOT_UDP;
    if (p->flags & PKT_FRAGMENT)
        return PACKET_FRAGMENT;
    if (!(p->flags & PKT_UDP))
        return p->flags & PKT_CUT ? PACKET_CUT : PACKET_BAD_UDP_LENGTH;
    const uint8_t *udp = frame + p->l4_off;
    if (load_be16(udp + 2) != l->port)
        return PACKET_OTHER_PORT;
    if (!l->any && !ip_is_to(p, frame + p->l3_off, &l->ip))
        return PACKET_OTHER_ADDRESS;
    if (p->flags & PKT_CUT)
        return PACKET_CUT;
    uint32_t udp_len = load_be16(udp + 4);
    if (udp_len < 8 || udp_len - 8 != p->payload_len)
        return PACKET_BAD_UDP_LENGTH;
    if (p->flags & PKT_MERGED)
        return PACKET_MERGED;
    if (packet_sum(p, frame) == PACKET_SUM_BAD)
        return PACKET_BAD_UDP_CHECKSUM;
    *payload = (struct run){p->payload_off, p->payload_len};
    return PACKET_TAKEN;
}
