/*
 * Frames for tests, put together layer by layer; lengths and checksums are filled in by
 * frame_end, in a plain way of its own. What a test wants wrong it changes afterwards.
 */
#ifndef TESTS_NET_FRAME_BUILD_H
#define TESTS_NET_FRAME_BUILD_H

#include <stdint.h>
#include <string.h>

struct frame {
    uint8_t b[66000];
    uint32_t len;
    uint32_t type_at; /* of the EtherType to be written next */
    uint32_t ip, l4;  /* offsets; 0: none */
    uint32_t next_at; /* of the next-header byte to be written next */
    uint8_t ip_version, proto;
};

static inline void frame_be16(struct frame *f, uint32_t at, uint32_t v)
{
    f->b[at] = (uint8_t)(v >> 8);
    f->b[at + 1] = (uint8_t)v;
}

static inline uint32_t frame_get16(const struct frame *f, uint32_t at)
{
    return (uint32_t)f->b[at] << 8 | f->b[at + 1];
}

static inline uint8_t *frame_more(struct frame *f, uint32_t n)
{
    uint8_t *at = f->b + f->len;

    memset(at, 0, n);
    f->len += n;
    return at;
}

static inline void frame_begin(struct frame *f)
{
    static const uint8_t macs[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};

    f->len = f->ip = f->l4 = 0;
    f->ip_version = f->proto = 0;
    memcpy(frame_more(f, 14), macs, 12);
    f->type_at = 12;
}

static inline void frame_type(struct frame *f, uint32_t type)
{
    frame_be16(f, f->type_at, type);
}

static inline void frame_tag(struct frame *f, uint32_t tpid, uint32_t tci)
{
    frame_type(f, tpid);
    frame_more(f, 4);
    frame_be16(f, f->len - 4, tci);
    f->type_at = f->len - 2;
}

/* From 10.0.0.1 to 10.0.0.2, with options_bytes (a multiple of 4) of no-operations. */
static inline void frame_ip4(struct frame *f, uint32_t options_bytes)
{
    static const uint8_t addrs[8] = {10, 0, 0, 1, 10, 0, 0, 2};

    frame_type(f, 0x0800);
    f->ip = f->len;
    f->ip_version = 4;
    uint8_t *ip = frame_more(f, 20 + options_bytes);
    ip[0] = (uint8_t)(0x40 | (5 + options_bytes / 4));
    ip[8] = 64;
    memcpy(ip + 12, addrs, 8);
    memset(ip + 20, 1, options_bytes);
    f->next_at = f->ip + 9;
}

/* From fd00::1 to fd00::2. */
static inline void frame_ip6(struct frame *f)
{
    frame_type(f, 0x86dd);
    f->ip = f->len;
    f->ip_version = 6;
    uint8_t *ip = frame_more(f, 40);
    ip[0] = 0x60;
    ip[7] = 63;
    ip[8] = ip[24] = 0xfd;
    ip[23] = 1;
    ip[39] = 2;
    f->next_at = f->ip + 6;
}

static inline void frame_proto(struct frame *f, uint8_t proto)
{
    f->b[f->next_at] = proto;
    f->proto = proto;
}

/* An extension header of 8 * (1 + more) bytes (AH: 4 * (2 + more)). */
static inline uint8_t *frame_ext(struct frame *f, uint8_t proto, uint8_t more)
{
    frame_proto(f, proto);
    f->next_at = f->len;
    uint8_t *h = frame_more(f, proto == 51 ? (more + 2u) * 4 : (more + 1u) * 8);
    h[1] = more;
    return h;
}

static inline void frame_fragment6(struct frame *f, uint32_t offset, int more, uint32_t id)
{
    uint8_t *h = frame_ext(f, 44, 0);
    uint32_t at = (uint32_t)(h - f->b);

    frame_be16(f, at + 2, offset | (more ? 1 : 0));
    frame_be16(f, at + 4, id >> 16);
    frame_be16(f, at + 6, id);
}

static inline void frame_udp(struct frame *f, uint32_t src, uint32_t dst)
{
    frame_proto(f, 17);
    f->l4 = f->len;
    frame_more(f, 8);
    frame_be16(f, f->l4, src);
    frame_be16(f, f->l4 + 2, dst);
}

static inline void frame_tcp(struct frame *f, uint32_t src, uint32_t dst, uint8_t flags,
                             uint32_t options_bytes)
{
    frame_proto(f, 6);
    f->l4 = f->len;
    uint8_t *tcp = frame_more(f, 20 + options_bytes);
    tcp[12] = (uint8_t)((5 + options_bytes / 4) << 4);
    tcp[13] = flags;
    memset(tcp + 20, 1, options_bytes);
    frame_be16(f, f->l4, src);
    frame_be16(f, f->l4 + 2, dst);
}

static inline void frame_icmp(struct frame *f, uint8_t type, uint8_t code, uint32_t id)
{
    frame_proto(f, f->ip_version == 4 ? 1 : 58);
    f->l4 = f->len;
    uint8_t *icmp = frame_more(f, 8);
    icmp[0] = type;
    icmp[1] = code;
    frame_be16(f, f->l4 + 4, id);
}

static inline void frame_data(struct frame *f, const void *bytes, uint32_t n)
{
    memcpy(frame_more(f, n), bytes, n);
}

/* The checksum of RFC 1071, two bytes at a time. */
static inline uint32_t frame_sum(const uint8_t *p, uint32_t n, uint32_t sum)
{
    for (uint32_t i = 0; i < n; i++)
        sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static inline uint32_t frame_pseudo(const struct frame *f, uint32_t l4_len)
{
    uint32_t sum = f->proto + (l4_len & 0xffff) + (l4_len >> 16);

    if (f->ip_version == 4)
        return f->proto == 1 ? 0 : frame_sum(f->b + f->ip + 12, 8, sum);
    return frame_sum(f->b + f->ip + 8, 32, sum);
}

static inline uint32_t frame_sum_at(const struct frame *f)
{
    return f->l4 + (f->proto == 6 ? 16 : f->proto == 17 ? 6 : 2);
}

static inline void frame_sum_ip(struct frame *f)
{
    if (f->ip_version != 4)
        return;
    frame_be16(f, f->ip + 10, 0);
    frame_be16(f, f->ip + 10, ~frame_sum(f->b + f->ip, (f->b[f->ip] & 15u) * 4, 0) & 0xffff);
}

static inline void frame_sum_l4(struct frame *f)
{
    uint32_t len = f->len - f->l4;

    frame_be16(f, frame_sum_at(f), 0);
    uint32_t sum = ~frame_sum(f->b + f->l4, len, frame_pseudo(f, len)) & 0xffff;
    frame_be16(f, frame_sum_at(f), sum == 0 && f->proto == 17 ? 0xffff : sum);
}

/* frame_end fills in lengths and checksums of what was built. */
static inline void frame_end(struct frame *f)
{
    if (!f->ip)
        return;
    frame_be16(f, f->ip + (f->ip_version == 4 ? 2 : 4),
               f->len - f->ip - (f->ip_version == 4 ? 0 : 40));
    frame_sum_ip(f);
    if (!f->l4)
        return;
    if (f->proto == 17)
        frame_be16(f, f->l4 + 4, f->len - f->l4);
    frame_sum_l4(f);
}

#endif
