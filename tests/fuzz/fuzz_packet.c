/*
 * Frames of any bytes: the decoder against the plain one, the fields, the match of a udp source,
 * and the replies. The first four bytes choose the tag that the NIC took off, the length on the
 * wire and where the source listens; the rest is the frame.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "net/arp_icmp.h"
#include "net/packet.h"
#include "tests/net/naive_packet.h"

#define ARENA_BYTES (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_fields(const struct pkt *p, const uint8_t *frame)
{
    static _Alignas(64) uint8_t bytes[ARENA_BYTES];
    struct arena a;

    arena_init(&a, bytes, sizeof bytes);
    for (uint32_t i = 0; i < packet_fields_cnt; i++) {
        struct col c = {.kind = packet_fields[i].type};
        MR_ASSERT(packet_field_read(&packet_fields[i], &c, p, 1, frame, &a) == 0);
        if (c.kind == TYPE_STRING && c.s.base == frame)
            MR_ASSERT(c.s.off[0] + c.s.len[0] <= p->cap_len);
    }
}

static void reply(const struct pkt *p, const uint8_t *frame, const struct ip *to)
{
    struct host_address me = {{2, 0, 0, 0, 0, 9}, *to};
    struct ip v4 = {{[10] = 0xff, 0xff}};
    uint8_t out[256];

    MR_ASSERT(arp_icmp_reply(&me, p, frame, out, sizeof out) <= sizeof out);
    memcpy(v4.b + 12, to->b + 12, 4);
    me.ip = v4;
    MR_ASSERT(arp_icmp_reply(&me, p, frame, out, 64) <= 64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4 || size > 70000)
        return 0;
    uint32_t len = (uint32_t)size - 4;
    int tci = data[0] & 1 ? data[0] * 256 + data[1] : -1;
    uint32_t wire = len + (data[1] & 1 ? data[2] * 16u : 0), max = data[0] & 2 ? 1514 : 0;
    uint8_t *frame = malloc(len ? len : 1);
    struct packet_frame in = {.bytes = frame,
                              .cap_len = len,
                              .wire_len = wire,
                              .vlan_tci = tci < 0 ? PACKET_NO_TAG : (uint32_t)tci};
    struct packet_listen l = {.any = data[3] & 1, .port = (uint16_t)(data[2] << 8 | data[3])};
    struct run payload = {0, 0};
    struct pkt p;

    memcpy(frame, data + 4, len);
    packet_decode(&p, &in, max);
    struct pkt q = naive_decode(frame, len, wire, tci, max);
    MR_ASSERT(memcmp(&p, &q, sizeof p) == 0);
    struct pkt burst;
    packet_decode_burst(&burst, &in, 1, max);
    MR_ASSERT(memcmp(&burst, &q, sizeof q) == 0);
    read_fields(&p, frame);
    if (p.flags & PKT_UDP && !l.any) /* let some of them through */
        l.port = (uint16_t)(frame[p.l4_off + 2] << 8 | frame[p.l4_off + 3]);
    if (p.flags & PKT_IP6)
        memcpy(l.ip.b, frame + p.l3_off + 24, 16);
    enum packet_drop why = packet_udp_match(&p, frame, &l, &payload);
    MR_ASSERT(why <= PACKET_TAKEN && payload.off + payload.len <= len);
    struct run run = {0, 0};
    uint8_t again;
    MR_ASSERT(packet_udp_match_burst(&p, &in, 1, &l, &run, &again) == (why == PACKET_TAKEN));
    MR_ASSERT(again == why && (why != PACKET_TAKEN || !memcmp(&run, &payload, sizeof run)));
    reply(&p, frame, &l.ip);
    packet_mark_sum(&p, frame);
    free(frame);
    return 0;
}
