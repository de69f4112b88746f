/*
 * Packets of the plain kind: untagged, IPv4 without options, no fragment, UDP or TCP, no port of a
 * tunnel, all of it there. What packet_decode says of them in a few steps. Private to lib/net.
 */
#ifndef NET_PACKET_PLAIN_H
#define NET_PACKET_PLAIN_H

#include "base/bytes.h"
#include "net/packet.h"

/* Where things lie in a plain frame. */
#define PLAIN_TYPE_AT   12u
#define PLAIN_IP_AT     14u
#define PLAIN_L4_AT     34u
#define PLAIN_UDP_END   42u
#define PLAIN_TCP_END   54u
#define PLAIN_TCP       6u
#define PLAIN_UDP       17u
#define PLAIN_ETHER_IP4 0x0800u
/* Ports of tunnels lie between these (tunnel_of_udp); what has none of them is none. */
#define PLAIN_TUNNEL_PORT_MIN 1701u
#define PLAIN_TUNNEL_PORT_MAX 6635u

static inline bool plain_may_be_tunnel(uint32_t port)
{
    return port - PLAIN_TUNNEL_PORT_MIN <= PLAIN_TUNNEL_PORT_MAX - PLAIN_TUNNEL_PORT_MIN;
}

static inline struct packet_frame plain_frame(const struct packet_whole *f, int64_t ts_ns,
                                              uint32_t off)
{
    return (struct packet_frame){.bytes = f->bytes,
                                 .ts_ns = ts_ns,
                                 .off = off,
                                 .cap_len = f->len,
                                 .wire_len = f->len,
                                 .vlan_tci = PACKET_NO_TAG};
}

/* Is it IPv4 of 20 bytes, no fragment, and all of it there? Sets the end of the IP packet. */
static inline bool plain_is_ip4(const struct packet_frame *f, uint32_t frame_bytes_max,
                                uint32_t *end)
{
    const uint8_t *b = f->bytes;

    if (f->cap_len < PLAIN_UDP_END || f->vlan_tci != PACKET_NO_TAG ||
        (frame_bytes_max && f->wire_len > frame_bytes_max))
        return false;
    *end = PLAIN_IP_AT + load_be16(b + PLAIN_IP_AT + 2);
    return load_be16(b + PLAIN_TYPE_AT) == PLAIN_ETHER_IP4 && b[PLAIN_IP_AT] == 0x45 &&
           (load_be16(b + PLAIN_IP_AT + 6) & 0x3fffu) == 0 && *end >= PLAIN_UDP_END &&
           *end <= f->cap_len;
}

static inline void plain_row(struct pkt *p, const struct packet_frame *f, uint32_t payload_off,
                             uint32_t end, uint32_t flags, uint32_t proto)
{
    uint32_t len = end - payload_off;

    *p = (struct pkt){.ts_ns = f->ts_ns,
                      .off = f->off,
                      .cap_len = f->cap_len,
                      .wire_len = f->wire_len,
                      .l3_off = PLAIN_IP_AT,
                      .l4_off = PLAIN_L4_AT,
                      .payload_off = (uint16_t)payload_off,
                      .payload_len = (uint16_t)(len < UINT16_MAX ? len : UINT16_MAX),
                      .flags = (uint16_t)(PKT_IP4 | flags),
                      .ether_type = PLAIN_ETHER_IP4,
                      .ip_proto = (uint8_t)proto};
}

/* plain_decode writes the row of a plain packet; false: it is none. */
static inline bool plain_decode(struct pkt *p, const struct packet_frame *f,
                                uint32_t frame_bytes_max)
{
    const uint8_t *b = f->bytes;
    uint32_t end;

    if (!plain_is_ip4(f, frame_bytes_max, &end))
        return false;
    uint32_t proto = b[PLAIN_IP_AT + 9];
    if (proto == PLAIN_UDP) {
        uint32_t udp_len = load_be16(b + PLAIN_L4_AT + 4);
        if (plain_may_be_tunnel(load_be16(b + PLAIN_L4_AT)) ||
            plain_may_be_tunnel(load_be16(b + PLAIN_L4_AT + 2)))
            return false;
        if (udp_len >= 8 && PLAIN_L4_AT + udp_len < end)
            end = PLAIN_L4_AT + udp_len;
        plain_row(p, f, PLAIN_UDP_END, end, PKT_UDP, PLAIN_UDP);
        return true;
    }
    if (proto != PLAIN_TCP || end < PLAIN_TCP_END)
        return false;
    uint32_t from = PLAIN_L4_AT + (b[PLAIN_L4_AT + 12] >> 4) * 4u;
    from = from < PLAIN_TCP_END ? PLAIN_TCP_END : from;
    plain_row(p, f, from < end ? from : end, end, PKT_TCP, PLAIN_TCP);
    return true;
}

#endif
