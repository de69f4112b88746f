/*
 * The fields of a packet: one decoder each, over rows of a column, and the table that names them.
 *
 * A decoder reads the bytes of the frame only where the packet row says that a header lies, so
 * it needs no other check. What a packet does not have is 0, "" or ::.
 */
#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "rdd/packet_sum.h"

#define PROTO_TCP     6u
#define PROTO_UDP     17u
#define PROTO_DCCP    33u
#define PROTO_SCTP    132u
#define PROTO_UDPLITE 136u

const char *const pkt_tunnel_name[PKT_TUNNELS_CNT] = {
    [PKT_TUNNEL_NONE] = "",           [PKT_TUNNEL_GRE] = "gre",
    [PKT_TUNNEL_VXLAN] = "vxlan",     [PKT_TUNNEL_VXLAN_GPE] = "vxlan_gpe",
    [PKT_TUNNEL_GENEVE] = "geneve",   [PKT_TUNNEL_IPIP] = "ipip",
    [PKT_TUNNEL_6IN4] = "6in4",       [PKT_TUNNEL_4IN6] = "4in6",
    [PKT_TUNNEL_6IN6] = "6in6",       [PKT_TUNNEL_ESP] = "esp",
    [PKT_TUNNEL_ESP_UDP] = "esp_udp", [PKT_TUNNEL_GTP_U] = "gtp_u",
    [PKT_TUNNEL_L2TP] = "l2tp",       [PKT_TUNNEL_TEREDO] = "teredo",
    [PKT_TUNNEL_ETHERIP] = "etherip", [PKT_TUNNEL_MPLS] = "mpls",
    [PKT_TUNNEL_PPPOE] = "pppoe",
};

/* ---- where headers lie -------------------------------------------------------------------- */

static inline bool is_ip4(const struct pkt *p)
{
    return p->flags & PKT_IP4;
}

static inline bool is_ip6(const struct pkt *p)
{
    return p->flags & PKT_IP6;
}

/* Ports are there even when the rest of the layer-4 header was cut. */
static inline bool has_ports(const struct pkt *p)
{
    bool known = p->ip_proto == PROTO_TCP || p->ip_proto == PROTO_UDP ||
                 p->ip_proto == PROTO_SCTP || p->ip_proto == PROTO_DCCP ||
                 p->ip_proto == PROTO_UDPLITE;
    return known && p->l4_off && p->payload_off - p->l4_off >= 4;
}

static inline bool is_tcp(const struct pkt *p)
{
    return p->flags & PKT_TCP;
}

static inline bool is_udp(const struct pkt *p)
{
    return p->flags & PKT_UDP;
}

static inline bool is_icmp(const struct pkt *p)
{
    return p->flags & PKT_ICMP;
}

static inline bool has_eth(const struct pkt *p)
{
    return p->cap_len >= 14;
}

/* ip6_fragment finds the fragment header that the decoder has walked over; NULL when there is
 * none. */
static const uint8_t *ip6_fragment(const struct pkt *p, const uint8_t *ip)
{
    if (!(p->flags & PKT_FRAGMENT) || !is_ip6(p))
        return NULL;
    uint32_t end = (uint32_t)((p->l4_off ? p->l4_off : p->payload_off) - p->l3_off);
    uint32_t next = ip[6];
    for (uint32_t i = 40; i + 8 <= end;) {
        if (next == 44)
            return ip + i;
        uint32_t bytes = next == 51 ? (ip[i + 1] + 2u) * 4 : (ip[i + 1] + 1u) * 8;
        next = ip[i];
        i += bytes;
    }
    return NULL;
}

/* The flags and the offset of a fragment, as IPv4 writes them: DF 0x4000, MF 0x2000, offset/8. */
static uint32_t fragment_bits(const struct pkt *p, const uint8_t *ip)
{
    if (is_ip4(p))
        return load_be16(ip + 6) & 0x7fffu;
    const uint8_t *f = ip6_fragment(p, ip);
    return f ? (uint32_t)(f[3] & 1) << 13 | load_be16(f + 2) >> 3 : 0;
}

static int64_t ip_id(const struct pkt *p, const uint8_t *ip)
{
    if (is_ip4(p))
        return load_be16(ip + 4);
    const uint8_t *f = ip6_fragment(p, ip);
    return f ? load_be32(f + 4) : 0;
}

static int64_t ip_tos(const struct pkt *p, const uint8_t *ip)
{
    return is_ip4(p) ? ip[1] : is_ip6(p) ? load_be16(ip) >> 4 & 0xff : 0;
}

static int64_t ip_len(const struct pkt *p, const uint8_t *ip)
{
    return is_ip4(p) ? load_be16(ip + 2) : is_ip6(p) ? load_be16(ip + 4) + 40 : 0;
}

static int64_t ip_header_len(const struct pkt *p)
{
    if (!is_ip4(p) && !is_ip6(p))
        return 0;
    return (p->l4_off ? p->l4_off : p->payload_off) - p->l3_off;
}

/* Addresses without a branch: by what the packet has, which of the sixteen bytes at which place
 * are the address, and what stands before it. */
static const struct address {
    uint8_t keep[16], put[16];
    uint16_t at[2]; /* of source and destination: an IPv4 address is the last four of sixteen */
} addresses[4] = {
    [PKT_IP4] = {.keep = {[12] = 255, 255, 255, 255}, .put = {[10] = 0xff, 0xff}, .at = {0, 4}},
    [PKT_IP6] = {.keep = {[0 ... 15] = 255}, .at = {8, 24}},
};

_Static_assert((PKT_IP4 | PKT_IP6) == 3, "they choose the row");

static inline struct ip ip_addr(const struct pkt *p, const uint8_t *ip, bool dst)
{
    const struct address *t = &addresses[p->flags & (PKT_IP4 | PKT_IP6)];
    const uint8_t *from = p->flags & (PKT_IP4 | PKT_IP6) ? ip + t->at[dst] : t->put;
    uint64_t a[2], keep[2], put[2];
    struct ip out;

    memcpy(a, from, sizeof a);
    memcpy(keep, t->keep, sizeof keep);
    memcpy(put, t->put, sizeof put);
    a[0] = (a[0] & keep[0]) | put[0];
    a[1] = (a[1] & keep[1]) | put[1];
    memcpy(&out, a, sizeof out);
    return out;
}

/* ---- decoders ----------------------------------------------------------------------------- */

/* In EXPR: p, the packet row; f, ip, l4, its frame and headers (to be read only if there). What p
 * is is hidden, for gcc would make vectors of rows by way of the stack, at six times the cost. */
#define DECODER(fn, array, EXPR)                                                        \
    static void fn(struct col *c, uint32_t at, const struct pkt *row, uint32_t n,       \
                   const uint8_t *base)                                                 \
    {                                                                                   \
        __typeof__(c->array) to = c->array + at;                                        \
        for (const struct pkt *p = row; p < row + n; p++, to++) {                       \
            __asm__("" : "+r"(p));                                                      \
            const uint8_t *f = base + p->off, *ip = f + p->l3_off, *l4 = f + p->l4_off; \
            (void)ip, (void)l4;                                                         \
            *to = (EXPR);                                                               \
        }                                                                               \
    }

#define INT_FIELD(fn, EXPR)  DECODER(fn, i, EXPR)
#define BOOL_FIELD(fn, EXPR) DECODER(fn, i, !!(EXPR))

DECODER(get_ts, i, p->ts_ns)
INT_FIELD(get_wire_len, p->wire_len)
INT_FIELD(get_cap_len, p->cap_len)
INT_FIELD(get_ether_type, p->ether_type)
INT_FIELD(get_vlan, p->vlan & 0xfff)
INT_FIELD(get_vlan_priority, p->vlan >> 13)
INT_FIELD(get_vlan2, p->vlan2 & 0xfff)
INT_FIELD(get_ip_version, is_ip4(p) ? 4 : is_ip6(p) ? 6 : 0)
DECODER(get_src_ip, ip, ip_addr(p, ip, false))
DECODER(get_dst_ip, ip, ip_addr(p, ip, true))
INT_FIELD(get_proto, p->ip_proto)
INT_FIELD(get_ttl, is_ip4(p) ? ip[8] : is_ip6(p) ? ip[7] : 0)
INT_FIELD(get_tos, ip_tos(p, ip))
INT_FIELD(get_dscp, ip_tos(p, ip) >> 2)
INT_FIELD(get_ecn, ip_tos(p, ip) & 3)
INT_FIELD(get_ip_len, ip_len(p, ip))
INT_FIELD(get_ip_header_len, ip_header_len(p))
INT_FIELD(get_ip_id, ip_id(p, ip))
INT_FIELD(get_flow_label, is_ip6(p) ? load_be32(ip) & 0xfffff : 0)
BOOL_FIELD(get_dont_fragment, fragment_bits(p, ip) & 0x4000)
BOOL_FIELD(get_fragment, p->flags &PKT_FRAGMENT)
BOOL_FIELD(get_more_fragments, fragment_bits(p, ip) & 0x2000)
INT_FIELD(get_fragment_offset, (fragment_bits(p, ip) & 0x1fff) * 8)
INT_FIELD(get_src_port, has_ports(p) ? load_be16(l4) : 0)
INT_FIELD(get_dst_port, has_ports(p) ? load_be16(l4 + 2) : 0)
INT_FIELD(get_tcp_flags, is_tcp(p) ? load_be16(l4 + 12) & 0xfff : 0)
INT_FIELD(get_tcp_seq, is_tcp(p) ? load_be32(l4 + 4) : 0)
INT_FIELD(get_tcp_ack, is_tcp(p) ? load_be32(l4 + 8) : 0)
INT_FIELD(get_tcp_window, is_tcp(p) ? load_be16(l4 + 14) : 0)
INT_FIELD(get_tcp_header_len, is_tcp(p) ? (l4[12] >> 4) * 4 : 0)
INT_FIELD(get_udp_len, is_udp(p) ? load_be16(l4 + 4) : 0)
INT_FIELD(get_icmp_type, is_icmp(p) ? l4[0] : 0)
INT_FIELD(get_icmp_code, is_icmp(p) ? l4[1] : 0)
INT_FIELD(get_icmp_id, is_icmp(p) ? load_be16(l4 + 4) : 0)
BOOL_FIELD(get_checksum_ok, packet_ip_sum_ok(p, f) && packet_sum(p, f) != PACKET_SUM_BAD)
BOOL_FIELD(get_checksum_unfinished, packet_sum(p, f) == PACKET_SUM_UNFINISHED)
INT_FIELD(get_payload_len, p->payload_len)
BOOL_FIELD(get_merged, p->flags &PKT_MERGED)
BOOL_FIELD(get_cut, p->flags &PKT_CUT)

static int get_mac(struct col *c, const struct pkt *p, uint32_t n, const uint8_t *base,
                   struct arena *a, uint32_t at)
{
    static const char hex[] = "0123456789abcdef";
    uint8_t *text = arena_alloc(a, (size_t)n * 17);

    if (!text || col_alloc(c, TYPE_STRING, n, a))
        return -ENOMEM;
    c->s.base = text;
    for (uint32_t i = 0; i < n; i++) {
        uint8_t *t = text + (size_t)i * 17;
        c->s.off[i] = i * 17;
        c->s.len[i] = has_eth(p + i) ? 17 : 0;
        if (!has_eth(p + i))
            continue;
        for (uint32_t k = 0; k < 6; k++) {
            uint8_t b = base[p[i].off + at + k];
            t[k * 3] = (uint8_t)hex[b >> 4];
            t[k * 3 + 1] = (uint8_t)hex[b & 15];
            if (k < 5)
                t[k * 3 + 2] = ':';
        }
    }
    return 0;
}

static int get_eth_dst(struct col *c, const struct pkt *p, uint32_t n, const uint8_t *base,
                       struct arena *a)
{
    return get_mac(c, p, n, base, a, 0);
}

static int get_eth_src(struct col *c, const struct pkt *p, uint32_t n, const uint8_t *base,
                       struct arena *a)
{
    return get_mac(c, p, n, base, a, 6);
}

static int get_tunnel(struct col *c, const struct pkt *p, uint32_t n, const uint8_t *base,
                      struct arena *a)
{
    uint32_t at[PKT_TUNNELS_CNT], used = 0;
    uint8_t *text = arena_alloc(a, PKT_TUNNELS_CNT * 16);
    (void)base;

    if (!text || col_alloc(c, TYPE_STRING, n, a))
        return -ENOMEM;
    for (uint32_t t = 0; t < PKT_TUNNELS_CNT; t++) {
        at[t] = used;
        memcpy(text + used, pkt_tunnel_name[t], strlen(pkt_tunnel_name[t]));
        used += (uint32_t)strlen(pkt_tunnel_name[t]);
    }
    c->s.base = text;
    for (uint32_t i = 0; i < n; i++) {
        c->s.off[i] = at[p[i].tunnel];
        c->s.len[i] = (uint32_t)strlen(pkt_tunnel_name[p[i].tunnel]);
    }
    return 0;
}

static int get_payload(struct col *c, const struct pkt *p, uint32_t n, const uint8_t *base,
                       struct arena *a)
{
    if (col_alloc(c, TYPE_STRING, n, a))
        return -ENOMEM;
    c->s.base = base;
    for (uint32_t i = 0; i < n; i++) {
        c->s.off[i] = p[i].off + p[i].payload_off;
        c->s.len[i] = p[i].payload_len;
    }
    return 0;
}

static int get_frame(struct col *c, const struct pkt *p, uint32_t n, const uint8_t *base,
                     struct arena *a)
{
    if (col_alloc(c, TYPE_STRING, n, a))
        return -ENOMEM;
    c->s.base = base;
    for (uint32_t i = 0; i < n; i++) {
        c->s.off[i] = p[i].off;
        c->s.len[i] = p[i].cap_len;
    }
    return 0;
}

/* ---- the table ---------------------------------------------------------------------------- */

#define FIELD(name, kind, reach, doc)             \
    {                                             \
#name, kind, doc, reach, get_##name, NULL \
    }
#define TEXT(name, reach, doc)                           \
    {                                                    \
#name, TYPE_STRING, doc, reach, NULL, get_##name \
    }
#define ROW(name, kind, doc)  FIELD(name, kind, PACKET_ROW, doc)
#define HEAD(name, kind, doc) FIELD(name, kind, PACKET_HEADERS, doc)

const struct packet_field packet_fields[] = {
    ROW(ts, TYPE_TIME, "when the packet came"),
    ROW(wire_len, TYPE_INT, "bytes of the frame on the wire"),
    ROW(cap_len, TYPE_INT, "bytes of the frame that were captured"),
    TEXT(eth_src, PACKET_HEADERS, "source MAC address, \"02:00:00:00:00:01\""),
    TEXT(eth_dst, PACKET_HEADERS, "destination MAC address"),
    ROW(ether_type, TYPE_INT, "EtherType after VLAN tags: 2048 IPv4, 2054 ARP, 34525 IPv6"),
    ROW(vlan, TYPE_INT, "VLAN id of the outer tag"),
    ROW(vlan_priority, TYPE_INT, "priority of the outer tag"),
    ROW(vlan2, TYPE_INT, "VLAN id of the second tag (QinQ)"),
    ROW(ip_version, TYPE_INT, "4, 6, or 0 for what is not IP"),
    HEAD(src_ip, TYPE_IP, "source address"),
    HEAD(dst_ip, TYPE_IP, "destination address"),
    ROW(proto, TYPE_INT, "protocol after extension headers: 1 ICMP, 6 TCP, 17 UDP, 58 ICMPv6"),
    HEAD(ttl, TYPE_INT, "time to live, hop limit"),
    HEAD(tos, TYPE_INT, "type of service, traffic class: dscp and ecn in one byte"),
    HEAD(dscp, TYPE_INT, "differentiated services code point"),
    HEAD(ecn, TYPE_INT, "explicit congestion notification, 0 to 3"),
    HEAD(ip_len, TYPE_INT, "length that the IP header states, header included"),
    ROW(ip_header_len, TYPE_INT, "bytes of the IP header with options and extension headers"),
    HEAD(ip_id, TYPE_INT, "identification"),
    HEAD(flow_label, TYPE_INT, "flow label of IPv6"),
    HEAD(dont_fragment, TYPE_BOOL, "IPv4: must not be fragmented"),
    ROW(fragment, TYPE_BOOL, "a fragment, the first one included"),
    HEAD(more_fragments, TYPE_BOOL, "a fragment that is not the last"),
    HEAD(fragment_offset, TYPE_INT, "bytes before this fragment; only 0 has ports and flags"),
    HEAD(src_port, TYPE_INT, "source port of TCP, UDP, SCTP, DCCP"),
    HEAD(dst_port, TYPE_INT, "destination port"),
    HEAD(tcp_flags, TYPE_INT, "1 FIN, 2 SYN, 4 RST, 8 PSH, 16 ACK, 32 URG, 64 ECE, 128 CWR"),
    HEAD(tcp_seq, TYPE_INT, "sequence number"),
    HEAD(tcp_ack, TYPE_INT, "acknowledgement number"),
    HEAD(tcp_window, TYPE_INT, "window as written, not scaled"),
    HEAD(tcp_header_len, TYPE_INT, "bytes of the TCP header as written"),
    HEAD(udp_len, TYPE_INT, "length that the UDP header states, header included"),
    HEAD(icmp_type, TYPE_INT, "type of ICMP or ICMPv6"),
    HEAD(icmp_code, TYPE_INT, "code of ICMP or ICMPv6"),
    HEAD(icmp_id, TYPE_INT, "identifier of an echo"),
    FIELD(checksum_ok, TYPE_BOOL, PACKET_WHOLE,
          "false when the checksum of IPv4, TCP, UDP or ICMP is wrong; unfinished ones, absent "
          "ones, and those of fragments and cut packets are not"),
    FIELD(checksum_unfinished, TYPE_BOOL, PACKET_WHOLE, "the sender left the checksum to its NIC"),
    TEXT(tunnel, PACKET_ROW, "gre, vxlan, geneve, ...; the fields are those of the outer packet"),
    TEXT(payload, PACKET_WHOLE, "bytes after the last decoded header, without padding"),
    ROW(payload_len, TYPE_INT, "length of payload"),
    TEXT(frame, PACKET_WHOLE, "all bytes captured"),
    ROW(merged, TYPE_BOOL, "longer than the wire allows: put together by GRO or LRO"),
    ROW(cut, TYPE_BOOL, "captured shorter than its headers say"),
};

const uint32_t packet_fields_cnt = sizeof packet_fields / sizeof packet_fields[0];

int packet_field_read(const struct packet_field *f, struct col *c, const struct pkt *p, uint32_t n,
                      const uint8_t *base, struct arena *a)
{
    if (f->text)
        return f->text(c, p, n, base, a);
    if (col_alloc(c, f->type, n, a))
        return -ENOMEM;
    f->fill(c, 0, p, n, base);
    return 0;
}

const struct type *packets_type(struct zone *z)
{
    const struct type *part[TYPE_PARTS_MAX];
    const char *name[TYPE_PARTS_MAX];

    _Static_assert(sizeof packet_fields / sizeof packet_fields[0] <= TYPE_PARTS_MAX, "room");
    for (uint32_t i = 0; i < packet_fields_cnt; i++) {
        part[i] = type_scalar(packet_fields[i].type);
        name[i] = packet_fields[i].name;
    }
    return type_record(z, part, name, packet_fields_cnt);
}
