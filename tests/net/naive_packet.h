/*
 * A second decoder of frames, written from the RFCs in the plainest way: every byte is asked for
 * through `byte`, which says -1 beyond what was captured or beyond the IP packet.
 */
#ifndef TESTS_NET_NAIVE_PACKET_H
#define TESTS_NET_NAIVE_PACKET_H

#include <string.h>

#include "rdd/source.h"

struct naive {
    const uint8_t *b;
    uint32_t cap, end; /* end: of what may be read */
    struct pkt row;
};

static inline int naive_byte(const struct naive *d, uint32_t at)
{
    return at < d->end ? d->b[at] : -1;
}

static inline int naive_16(const struct naive *d, uint32_t at)
{
    return at + 1 < d->end ? d->b[at] * 256 + d->b[at + 1] : -1;
}

static inline void naive_rest(struct naive *d, uint32_t from)
{
    uint32_t left = d->end - from;

    d->row.payload_off = (uint16_t)from;
    d->row.payload_len = (uint16_t)(left > 65535 ? 65535 : left);
}

static inline void naive_tunnel(struct naive *d, int tunnel)
{
    if (!tunnel)
        return;
    d->row.tunnel = (uint8_t)tunnel;
    d->row.flags |= PKT_TUNNEL;
}

static inline int naive_udp_tunnel(int src, int dst)
{
    static const struct {
        int port, tunnel, both;
    } rows[] = {
        {4789, PKT_TUNNEL_VXLAN, 0},  {4790, PKT_TUNNEL_VXLAN_GPE, 0}, {6081, PKT_TUNNEL_GENEVE, 0},
        {6635, PKT_TUNNEL_MPLS, 0},   {1701, PKT_TUNNEL_L2TP, 1},      {2152, PKT_TUNNEL_GTP_U, 1},
        {3544, PKT_TUNNEL_TEREDO, 1}, {4500, PKT_TUNNEL_ESP_UDP, 1},
    };

    for (int i = 0; i < 8; i++)
        if (dst == rows[i].port)
            return rows[i].tunnel;
    for (int i = 0; i < 8; i++)
        if (rows[i].both && src == rows[i].port)
            return rows[i].tunnel;
    return 0;
}

static inline void naive_l4(struct naive *d, int proto, uint32_t at)
{
    int v4 = d->row.flags & PKT_IP4;
    uint32_t have = d->end - at, header = 0;

    d->row.ip_proto = (uint8_t)proto;
    d->row.l4_off = (uint16_t)at;
    if (proto == 6) {
        header = have < 20 ? have : 20;
        if (have >= 20) {
            d->row.flags |= PKT_TCP;
            header = (uint32_t)(naive_byte(d, at + 12) / 16) * 4;
            header = header < 20 ? 20 : header > have ? have : header;
        }
    } else if (proto == 17) {
        header = have < 8 ? have : 8;
        if (have >= 8) {
            int len = naive_16(d, at + 4);
            d->row.flags |= PKT_UDP;
            naive_tunnel(d, naive_udp_tunnel(naive_16(d, at), naive_16(d, at + 2)));
            if (len >= 8 && (uint32_t)len < have)
                d->end = at + (uint32_t)len;
        }
    } else if (proto == 1 || proto == 58) {
        header = have < 8 ? have : 8;
        if (have >= 8 && (v4 ? proto == 1 : proto == 58))
            d->row.flags |= PKT_ICMP;
    } else if (proto == 132 || proto == 33) {
        header = have < 12 ? have : 12;
    } else if (proto == 136) {
        header = have < 8 ? have : 8;
    } else {
        naive_tunnel(d, proto == 47    ? PKT_TUNNEL_GRE
                        : proto == 50  ? PKT_TUNNEL_ESP
                        : proto == 115 ? PKT_TUNNEL_L2TP
                        : proto == 97  ? PKT_TUNNEL_ETHERIP
                        : proto == 137 ? PKT_TUNNEL_MPLS
                        : proto == 4   ? (v4 ? PKT_TUNNEL_IPIP : PKT_TUNNEL_4IN6)
                        : proto == 41  ? (v4 ? PKT_TUNNEL_6IN4 : PKT_TUNNEL_6IN6)
                                       : 0);
    }
    naive_rest(d, at + header);
}

static inline void naive_exts(struct naive *d, int proto, uint32_t at, int depth)
{
    int is_ext =
        proto == 0 || proto == 43 || proto == 44 || proto == 51 || proto == 60 || proto == 135;

    if (depth == 8 || !is_ext || naive_byte(d, at + 7) < 0) {
        naive_l4(d, proto, at);
        return;
    }
    int next = naive_byte(d, at), len = naive_byte(d, at + 1);
    if (proto == 44) {
        int bits = naive_16(d, at + 2);
        if (bits / 8) {
            d->row.flags |= PKT_FRAGMENT | PKT_LATER_FRAGMENT;
            d->row.ip_proto = (uint8_t)next;
            naive_rest(d, at + 8);
            return;
        }
        if (bits & 1)
            d->row.flags |= PKT_FRAGMENT;
        naive_exts(d, next, at + 8, depth + 1);
        return;
    }
    uint32_t bytes = (uint32_t)(proto == 51 ? (len + 2) * 4 : (len + 1) * 8);
    if (at + bytes > d->end)
        naive_l4(d, proto, at);
    else
        naive_exts(d, next, at + bytes, depth + 1);
}

static inline void naive_end(struct naive *d, uint32_t end)
{
    if (end > d->cap)
        d->row.flags |= PKT_CUT;
    else
        d->end = end;
}

static inline int naive_ip(struct naive *d, uint32_t at)
{
    if (d->row.ether_type == 0x0800) {
        int first = naive_byte(d, at), total = naive_16(d, at + 2);
        uint32_t header = (uint32_t)(first & 15) * 4;
        if (naive_byte(d, at + 19) < 0 || first / 16 != 4 || header < 20 || at + header > d->cap)
            return 0;
        d->row.flags |= PKT_IP4;
        int proto = naive_byte(d, at + 9), bits = naive_16(d, at + 6);
        if (total)
            naive_end(d, at + ((uint32_t)total < header ? header : (uint32_t)total));
        if (bits & 0x1fff) {
            d->row.flags |= PKT_FRAGMENT | PKT_LATER_FRAGMENT;
            d->row.ip_proto = (uint8_t)proto;
            naive_rest(d, at + header);
            return 1;
        }
        if (bits & 0x2000)
            d->row.flags |= PKT_FRAGMENT;
        if (proto == 51)
            naive_exts(d, proto, at + header, 0);
        else
            naive_l4(d, proto, at + header);
        return 1;
    }
    if (d->row.ether_type != 0x86dd || naive_byte(d, at + 39) < 0 || naive_byte(d, at) / 16 != 6)
        return 0;
    d->row.flags |= PKT_IP6;
    int len = naive_16(d, at + 4), next = naive_byte(d, at + 6);
    if (len || next == 59)
        naive_end(d, at + 40 + (uint32_t)len);
    naive_exts(d, next, at + 40, 0);
    return 1;
}

/* naive_decode: cap bytes at b, of wire; tci of the tag taken off, or -1. */
static inline struct pkt naive_decode(const uint8_t *b, uint32_t cap, uint32_t wire, int tci,
                                      uint32_t max)
{
    struct naive d = {.b = b, .cap = cap, .end = cap};
    int tags[16], tags_cnt = 0;
    uint32_t at = 14;

    d.row.cap_len = cap;
    d.row.wire_len = wire;
    if (tci >= 0)
        tags[tags_cnt++] = tci;
    int type = naive_16(&d, 12);
    for (int i = 0; i < 8 && (type == 0x8100 || type == 0x88a8 || type == 0x9100); i++) {
        if (naive_byte(&d, at + 3) < 0)
            break;
        tags[tags_cnt++] = naive_16(&d, at);
        type = naive_16(&d, at + 2);
        at += 4;
    }
    if (tags_cnt >= 1)
        d.row.vlan = (uint16_t)tags[0], d.row.flags |= PKT_VLAN;
    if (tags_cnt >= 2)
        d.row.vlan2 = (uint16_t)tags[1], d.row.flags |= PKT_QINQ;
    if (type < 0) {
        d.row.flags |= wire > cap ? PKT_CUT : 0;
        return d.row;
    }
    d.row.ether_type = (uint16_t)type;
    d.row.l3_off = (uint16_t)at;
    if (max && wire > max + (at - 14))
        d.row.flags |= PKT_MERGED;
    if (naive_ip(&d, at))
        return d.row;
    naive_tunnel(&d, type == 0x8847 || type == 0x8848 ? PKT_TUNNEL_MPLS
                     : type == 0x8864                 ? PKT_TUNNEL_PPPOE
                                                      : 0);
    if (type <= 1500 && at + (uint32_t)type < cap)
        d.end = at + (uint32_t)type;
    if (wire > cap)
        d.row.flags |= PKT_CUT;
    naive_rest(&d, at);
    return d.row;
}

#endif
