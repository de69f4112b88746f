#include "net/arp_icmp.h"
#include "net/packet.h"
#include "rdd/packet_sum.h"
#include "tests/net/frame_build.h"
#include "tests/prng.h"
#include "tests/test.h"

static struct frame f;
static uint8_t out[2048];

static const struct host_address me4 = {{2, 0, 0, 0, 0, 9}, {{[10] = 0xff, 0xff, 10, 0, 0, 2}}};
static const struct host_address me6 = {{2, 0, 0, 0, 0, 9}, {{0xfd, [15] = 2}}};

static struct pkt decode(const uint8_t *b, uint32_t len, uint32_t tci)
{
    struct packet_frame in = {.bytes = b, .cap_len = len, .wire_len = len, .vlan_tci = tci};
    struct pkt p;

    packet_decode(&p, &in, 0);
    return p;
}

static uint32_t reply(const struct host_address *me, uint32_t tci, uint32_t room)
{
    struct pkt p = decode(f.b, f.len, tci);

    return arp_icmp_reply(me, &p, f.b, out, room);
}

static void arp_request(int tagged)
{
    static const uint8_t body[28] = {0,  1, 8, 0, 6, 4, 0, 1, 2, 0, 0,  0, 0, 2,
                                     10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2};

    frame_begin(&f);
    memset(f.b, 0xff, 6);
    if (tagged)
        frame_tag(&f, 0x8100, 100);
    frame_type(&f, 0x0806);
    frame_data(&f, body, sizeof body);
    frame_more(&f, 18);
}

TEST(arp_icmp, answers_arp)
{
    static const uint8_t expected[42] = {2,  0, 0, 0, 0, 2, 2, 0, 0, 0, 0,  9, 8, 6,
                                         0,  1, 8, 0, 6, 4, 0, 2, 2, 0, 0,  0, 0, 9,
                                         10, 0, 0, 2, 2, 0, 0, 0, 0, 2, 10, 0, 0, 1};

    arp_request(0);
    EXPECT_EQ_INT(reply(&me4, PACKET_NO_TAG, sizeof out), 42);
    EXPECT_EQ_MEM(out, expected, 42);
    EXPECT_EQ_INT(reply(&me4, PACKET_NO_TAG, 41), 0);
    EXPECT_EQ_INT(reply(&me6, PACKET_NO_TAG, sizeof out), 0);

    f.b[14 + 27] = 3; /* for somebody else */
    EXPECT_EQ_INT(reply(&me4, PACKET_NO_TAG, sizeof out), 0);
    arp_request(0);
    f.b[14 + 7] = 2; /* a reply */
    EXPECT_EQ_INT(reply(&me4, PACKET_NO_TAG, sizeof out), 0);
    arp_request(0);
    f.len = 14 + 27;
    EXPECT_EQ_INT(reply(&me4, PACKET_NO_TAG, sizeof out), 0);
    arp_request(0);
    f.b[6] = 3; /* from a group */
    EXPECT_EQ_INT(reply(&me4, PACKET_NO_TAG, sizeof out), 0);
    arp_request(0);
    memcpy(f.b + 6, me4.mac, 6); /* from ourselves */
    EXPECT_EQ_INT(reply(&me4, PACKET_NO_TAG, sizeof out), 0);
}

TEST(arp_icmp, answers_with_the_tags_of_the_request)
{
    arp_request(1);
    EXPECT_EQ_INT(reply(&me4, PACKET_NO_TAG, sizeof out), 46);
    struct pkt p = decode(out, 46, PACKET_NO_TAG);
    EXPECT_EQ_INT(p.vlan, 100);
    EXPECT_EQ_INT(p.ether_type, 0x0806);

    EXPECT_EQ_INT(reply(&me4, 77, sizeof out), 50); /* the NIC took another one off */
    p = decode(out, 50, PACKET_NO_TAG);
    EXPECT_EQ_INT(p.vlan, 77);
    EXPECT_EQ_INT(p.vlan2, 100);

    arp_request(0);
    EXPECT_EQ_INT(reply(&me4, 77, sizeof out), 46);
    p = decode(out, 46, PACKET_NO_TAG);
    EXPECT_EQ_INT(p.vlan, 77);
    EXPECT_EQ_INT(p.flags & PKT_QINQ, 0);
}

static void echo(int version, uint32_t n)
{
    frame_begin(&f);
    if (version == 4)
        frame_ip4(&f, 8);
    else
        frame_ip6(&f);
    frame_icmp(&f, version == 4 ? 8 : 128, 0, 0x1234);
    for (uint32_t i = 0; i < n; i++)
        *frame_more(&f, 1) = (uint8_t)(i * 7);
    frame_end(&f);
}

TEST(arp_icmp, answers_echo)
{
    for (int version = 4; version <= 6; version += 2) {
        const struct host_address *me = version == 4 ? &me4 : &me6;
        for (uint32_t n = 0; n < 1400; n += 1 + n / 3) {
            echo(version, n);
            uint32_t len = reply(me, PACKET_NO_TAG, sizeof out);
            struct pkt p = decode(out, len, PACKET_NO_TAG), q = decode(f.b, f.len, PACKET_NO_TAG);
            REQUIRE(len == 14u + (version == 4 ? 20 : 40) + 8 + n);
            EXPECT_EQ_INT(packet_sum(&p, out), PACKET_SUM_OK);
            EXPECT(packet_ip_sum_ok(&p, out));
            EXPECT_EQ_INT(out[p.l4_off], version == 4 ? 0 : 129);
            EXPECT_EQ_MEM(out + p.l4_off + 4, f.b + q.l4_off + 4, 4 + n);
            EXPECT_EQ_MEM(out, f.b + 6, 6);
            EXPECT_EQ_MEM(out + 6, me->mac, 6);
            if (version == 4) {
                EXPECT_EQ_MEM(out + p.l3_off + 12, f.b + f.ip + 16, 4);
                EXPECT_EQ_MEM(out + p.l3_off + 16, f.b + f.ip + 12, 4);
            } else {
                EXPECT_EQ_MEM(out + p.l3_off + 8, f.b + f.ip + 24, 16);
                EXPECT_EQ_MEM(out + p.l3_off + 24, f.b + f.ip + 8, 16);
            }
            EXPECT_EQ_INT(reply(me, PACKET_NO_TAG, len - 1), 0);
            EXPECT_EQ_INT(reply(version == 4 ? &me6 : &me4, PACKET_NO_TAG, sizeof out), 0);
            f.b[f.len - 1] ^= 1;
            EXPECT_EQ_INT(reply(me, PACKET_NO_TAG, sizeof out), 0);
        }
    }
}

TEST(arp_icmp, is_silent_to_groups_and_fragments)
{
    echo(4, 10);
    f.b[f.ip + 12] = 239;
    frame_sum_ip(&f);
    EXPECT_EQ_INT(reply(&me4, PACKET_NO_TAG, sizeof out), 0);
    echo(4, 10);
    frame_be16(&f, f.ip + 6, 0x2000);
    frame_sum_ip(&f);
    EXPECT_EQ_INT(reply(&me4, PACKET_NO_TAG, sizeof out), 0);
    echo(4, 10);
    f.b[f.l4] = 0; /* a reply */
    frame_sum_l4(&f);
    EXPECT_EQ_INT(reply(&me4, PACKET_NO_TAG, sizeof out), 0);
    echo(6, 10);
    f.b[f.ip + 8] = 0xff;
    frame_sum_l4(&f);
    EXPECT_EQ_INT(reply(&me6, PACKET_NO_TAG, sizeof out), 0);
    f.len = 10;
    EXPECT_EQ_INT(reply(&me6, PACKET_NO_TAG, sizeof out), 0);
}

TEST(arp_icmp, answers_neighbour_solicitation)
{
    frame_begin(&f);
    frame_ip6(&f);
    f.b[f.ip + 7] = 255;
    f.b[f.ip + 24] = 0xff; /* to the solicited-node group */
    f.b[f.ip + 25] = 0x02;
    frame_icmp(&f, 135, 0, 0);
    frame_data(&f, me6.ip.b, 16);
    frame_end(&f);
    EXPECT_EQ_INT(reply(&me6, PACKET_NO_TAG, sizeof out), 14 + 40 + 32);
    struct pkt p = decode(out, 86, PACKET_NO_TAG);
    EXPECT_EQ_INT(packet_sum(&p, out), PACKET_SUM_OK);
    EXPECT_EQ_INT(out[54], 136);
    EXPECT_EQ_INT(out[58], 0x60);
    EXPECT_EQ_MEM(out + 62, me6.ip.b, 16);
    EXPECT_EQ_MEM(out + 80, me6.mac, 6);
    EXPECT_EQ_MEM(out + 14 + 24, f.b + f.ip + 8, 16);

    f.b[f.ip + 7] = 64; /* it came through a router */
    EXPECT_EQ_INT(reply(&me6, PACKET_NO_TAG, sizeof out), 0);
    f.b[f.ip + 7] = 255;
    f.b[f.len - 1] = 3;
    frame_sum_l4(&f);
    EXPECT_EQ_INT(reply(&me6, PACKET_NO_TAG, sizeof out), 0);
}

/* No bytes may make it write beyond the room, nor read beyond the frame. */
TEST(arp_icmp, survives_damage)
{
    struct prng r = prng_of(prng_seed(41));

    for (int round = 0; round < 20000; round++) {
        int kind = (int)prng_below(&r, 3);
        if (kind == 0)
            arp_request(1);
        else
            echo(kind == 1 ? 4 : 6, (uint32_t)prng_below(&r, 60));
        for (int i = 0; i < 3; i++)
            f.b[prng_below(&r, f.len)] = (uint8_t)prng_u64(&r);
        f.len -= (uint32_t)prng_below(&r, 10);
        uint32_t room = (uint32_t)prng_below(&r, 150);
        memset(out, 0x5a, sizeof out);
        EXPECT(reply(kind == 2 ? &me6 : &me4, PACKET_NO_TAG, room) <= room);
        for (uint32_t i = room; i < 200; i++)
            EXPECT_EQ_INT(out[i], 0x5a);
    }
}
