#include <stdio.h>
#include <stdlib.h>

#include "net/packet.h"
#include "rdd/packet_sum.h"
#include "tests/net/frame_build.h"
#include "tests/net/naive_packet.h"
#include "tests/prng.h"
#include "tests/test.h"

static struct frame f; /* too large for the stack of a test */

static struct pkt decode(const struct frame *fr)
{
    struct pkt p;

    packet_decode(
        &p,
        &(struct packet_frame){
            .bytes = fr->b, .cap_len = fr->len, .wire_len = fr->len, .vlan_tci = PACKET_NO_TAG},
        1514);
    return p;
}

/* ---- what is found where ------------------------------------------------------------------ */

/* A frame as a row of a table: what is put together, and what must be found. */
struct layout {
    const char *name;
    void (*build)(void);
    uint32_t flags, proto, payload_len;
    const char *tunnel;
};

static void udp4(void)
{
    frame_begin(&f);
    frame_ip4(&f, 0);
    frame_udp(&f, 1234, 9000);
    frame_data(&f, "hello", 5);
    frame_end(&f);
}

static void udp4_padded(void)
{
    udp4();
    frame_more(&f, 60 - f.len);
}

static void udp4_options(void)
{
    frame_begin(&f);
    frame_ip4(&f, 40);
    frame_udp(&f, 1234, 9000);
    frame_data(&f, "hello", 5);
    frame_end(&f);
}

static void tcp4_vlan(void)
{
    frame_begin(&f);
    frame_tag(&f, 0x8100, 0x6064);
    frame_ip4(&f, 0);
    frame_tcp(&f, 80, 4000, 0x12, 12);
    frame_end(&f);
}

static void udp6_qinq(void)
{
    frame_begin(&f);
    frame_tag(&f, 0x88a8, 7);
    frame_tag(&f, 0x8100, 8);
    frame_ip6(&f);
    frame_udp(&f, 1, 2);
    frame_data(&f, "abc", 3);
    frame_end(&f);
}

static void udp6_exts(void)
{
    frame_begin(&f);
    frame_ip6(&f);
    frame_ext(&f, 0, 0);
    frame_ext(&f, 60, 2);
    frame_ext(&f, 43, 1);
    frame_ext(&f, 51, 4);
    frame_ext(&f, 60, 0);
    frame_udp(&f, 1, 2);
    frame_data(&f, "abc", 3);
    frame_end(&f);
}

static void udp4_ah(void)
{
    frame_begin(&f);
    frame_ip4(&f, 0);
    frame_ext(&f, 51, 4);
    frame_udp(&f, 1, 2);
    frame_data(&f, "abc", 3);
    frame_end(&f);
}

static void first_fragment4(void)
{
    udp4();
    frame_be16(&f, f.ip + 6, 0x2000);
    frame_sum_ip(&f);
}

static void later_fragment4(void)
{
    udp4();
    frame_be16(&f, f.ip + 6, 185);
    frame_sum_ip(&f);
}

static void first_fragment6(void)
{
    frame_begin(&f);
    frame_ip6(&f);
    frame_fragment6(&f, 0, 1, 99);
    frame_udp(&f, 1, 2);
    frame_data(&f, "abcdefgh", 8);
    frame_end(&f);
}

static void later_fragment6(void)
{
    frame_begin(&f);
    frame_ip6(&f);
    frame_fragment6(&f, 1480, 0, 99);
    frame_proto(&f, 17);
    frame_data(&f, "abcdefgh", 8);
    frame_end(&f);
}

static void whole_fragment6(void)
{
    frame_begin(&f);
    frame_ip6(&f);
    frame_fragment6(&f, 0, 0, 99);
    frame_udp(&f, 1, 2);
    frame_data(&f, "abc", 3);
    frame_end(&f);
}

static void icmp4(void)
{
    frame_begin(&f);
    frame_ip4(&f, 0);
    frame_icmp(&f, 8, 0, 77);
    frame_data(&f, "ping", 4);
    frame_end(&f);
}

static void icmp6(void)
{
    frame_begin(&f);
    frame_ip6(&f);
    frame_icmp(&f, 128, 0, 77);
    frame_data(&f, "ping!", 5);
    frame_end(&f);
}

static void vxlan(void)
{
    frame_begin(&f);
    frame_ip4(&f, 0);
    frame_udp(&f, 50000, 4789);
    frame_more(&f, 8 + 14);
    frame_end(&f);
}

static void gtp_back(void)
{
    frame_begin(&f);
    frame_ip6(&f);
    frame_udp(&f, 2152, 50000);
    frame_more(&f, 12);
    frame_end(&f);
}

static void gre(void)
{
    frame_begin(&f);
    frame_ip4(&f, 0);
    frame_proto(&f, 47);
    frame_more(&f, 24);
    frame_end(&f);
}

static void six_in_four(void)
{
    frame_begin(&f);
    frame_ip4(&f, 0);
    frame_proto(&f, 41);
    frame_more(&f, 40);
    frame_end(&f);
}

static void arp(void)
{
    frame_begin(&f);
    frame_type(&f, 0x0806);
    frame_more(&f, 28);
}

static void llc(void)
{
    frame_begin(&f);
    frame_type(&f, 7);
    frame_more(&f, 46);
}

static void segmentation_left_to_nic(void)
{
    frame_begin(&f);
    frame_ip4(&f, 0);
    frame_tcp(&f, 80, 4000, 0x10, 0);
    frame_more(&f, 4000);
    frame_end(&f);
    frame_be16(&f, f.ip + 2, 0);
    frame_sum_ip(&f);
}

static void cut4(void)
{
    udp4();
    f.len -= 2;
}

static void damaged4(void)
{
    udp4();
    f.b[f.ip] = 0x44;
}

static void runt(void)
{
    udp4();
    f.len = 13;
}

TEST(packet, finds_the_layers)
{
    static const struct layout rows[] = {
        {"udp4", udp4, PKT_IP4 | PKT_UDP, 17, 5, ""},
        {"udp4_padded", udp4_padded, PKT_IP4 | PKT_UDP, 17, 5, ""},
        {"udp4_options", udp4_options, PKT_IP4 | PKT_UDP, 17, 5, ""},
        {"tcp4_vlan", tcp4_vlan, PKT_IP4 | PKT_TCP | PKT_VLAN, 6, 0, ""},
        {"udp6_qinq", udp6_qinq, PKT_IP6 | PKT_UDP | PKT_VLAN | PKT_QINQ, 17, 3, ""},
        {"udp6_exts", udp6_exts, PKT_IP6 | PKT_UDP, 17, 3, ""},
        {"udp4_ah", udp4_ah, PKT_IP4 | PKT_UDP, 17, 3, ""},
        {"first_fragment4", first_fragment4, PKT_IP4 | PKT_UDP | PKT_FRAGMENT, 17, 5, ""},
        {"later_fragment4", later_fragment4, PKT_IP4 | PKT_FRAGMENT | PKT_LATER_FRAGMENT, 17, 13,
         ""},
        {"first_fragment6", first_fragment6, PKT_IP6 | PKT_UDP | PKT_FRAGMENT, 17, 8, ""},
        {"later_fragment6", later_fragment6, PKT_IP6 | PKT_FRAGMENT | PKT_LATER_FRAGMENT, 17, 8,
         ""},
        {"whole_fragment6", whole_fragment6, PKT_IP6 | PKT_UDP, 17, 3, ""},
        {"icmp4", icmp4, PKT_IP4 | PKT_ICMP, 1, 4, ""},
        {"icmp6", icmp6, PKT_IP6 | PKT_ICMP, 58, 5, ""},
        {"vxlan", vxlan, PKT_IP4 | PKT_UDP | PKT_TUNNEL, 17, 22, "vxlan"},
        {"gtp_back", gtp_back, PKT_IP6 | PKT_UDP | PKT_TUNNEL, 17, 12, "gtp_u"},
        {"gre", gre, PKT_IP4 | PKT_TUNNEL, 47, 24, "gre"},
        {"six_in_four", six_in_four, PKT_IP4 | PKT_TUNNEL, 41, 40, "6in4"},
        {"arp", arp, 0, 0, 28, ""},
        {"llc", llc, 0, 0, 7, ""},
        {"segmentation_left_to_nic", segmentation_left_to_nic, PKT_IP4 | PKT_TCP | PKT_MERGED, 6,
         4000, ""},
        {"cut4", cut4, PKT_IP4 | PKT_UDP | PKT_CUT, 17, 3, ""},
        {"damaged4", damaged4, 0, 0, 33, ""},
        {"runt", runt, 0, 0, 0, ""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rows[i].build();
        struct pkt p = decode(&f);
        char is[160], expected[160];
        snprintf(is, sizeof is, "%s: flags %x proto %u payload %u %s", rows[i].name, p.flags,
                 p.ip_proto, p.payload_len, pkt_tunnel_name[p.tunnel]);
        snprintf(expected, sizeof expected, "%s: flags %x proto %u payload %u %s", rows[i].name,
                 rows[i].flags, rows[i].proto, rows[i].payload_len, rows[i].tunnel);
        EXPECT_EQ_STR(is, expected);
    }
}

TEST(packet, keeps_the_tags)
{
    struct packet_frame in = {.bytes = f.b, .vlan_tci = PACKET_NO_TAG};
    struct pkt p;

    udp6_qinq();
    in.cap_len = in.wire_len = f.len;
    packet_decode(&p, &in, 0);
    EXPECT_EQ_INT(p.vlan, 7);
    EXPECT_EQ_INT(p.vlan2, 8);
    EXPECT_EQ_INT(p.ether_type, 0x86dd);

    /* The NIC took one off: it was the outer one. */
    tcp4_vlan();
    in.cap_len = in.wire_len = f.len;
    in.vlan_tci = 5;
    packet_decode(&p, &in, 0);
    EXPECT_EQ_INT(p.vlan, 5);
    EXPECT_EQ_INT(p.vlan2, 0x6064);
    EXPECT_EQ_INT(p.l3_off, 18);
}

TEST(packet, tells_merged_frames_from_tagged_ones)
{
    struct packet_frame in = {.bytes = f.b, .vlan_tci = PACKET_NO_TAG};
    struct pkt p;

    frame_begin(&f);
    frame_tag(&f, 0x8100, 1);
    frame_ip4(&f, 0);
    frame_udp(&f, 1, 2);
    frame_more(&f, 1518 - f.len);
    frame_end(&f);
    in.cap_len = f.len;
    in.wire_len = 1518;
    packet_decode(&p, &in, 1514);
    EXPECT_EQ_INT(p.flags & PKT_MERGED, 0);
    in.wire_len = 1519;
    packet_decode(&p, &in, 1514);
    EXPECT_EQ_INT(p.flags & PKT_MERGED, PKT_MERGED);
    packet_decode(&p, &in, 0);
    EXPECT_EQ_INT(p.flags & PKT_MERGED, 0);
}

/* ---- against the plain decoder ------------------------------------------------------------ */

static void random_exts(struct prng *r)
{
    static const uint8_t kinds[] = {0, 43, 60, 135, 51};
    uint32_t n = (uint32_t)prng_below(r, prng_chance(r, 10) ? 11 : 3);

    for (uint32_t i = 0; i < n; i++) {
        if (prng_chance(r, 15))
            frame_fragment6(&f, (uint32_t)prng_below(r, 3) * 8, prng_chance(r, 50),
                            (uint32_t)prng_u64(r));
        else
            frame_ext(&f, kinds[prng_below(r, 5)], (uint8_t)prng_below(r, 4));
    }
}

static void random_l4(struct prng *r)
{
    static const uint16_t ports[] = {1701, 2152, 3544, 4500, 4789, 4790, 6081, 6635, 9000, 80};
    static const uint8_t protos[] = {2,  4,   33,  41,  47,  50, 51, 59,
                                     97, 115, 132, 136, 137, 0,  44, 58};
    uint32_t src = ports[prng_below(r, 10)], dst = ports[prng_below(r, 10)];

    switch (prng_below(r, 5)) {
    case 0: frame_udp(&f, src, dst); break;
    case 1: frame_tcp(&f, src, dst, (uint8_t)prng_u64(r), (uint32_t)prng_below(r, 11) * 4); break;
    case 2: frame_icmp(&f, (uint8_t)prng_u64(r), 0, 1); break;
    case 3: frame_proto(&f, protos[prng_below(r, 16)]); break;
    default: frame_proto(&f, (uint8_t)prng_u64(r)); break;
    }
    uint32_t n = (uint32_t)prng_below(r, prng_chance(r, 5) ? 2000 : 60);
    prng_fill(r, frame_more(&f, n), n);
}

static void random_frame(struct prng *r)
{
    static const uint16_t tpids[] = {0x8100, 0x88a8, 0x9100};
    uint32_t tags = (uint32_t)prng_below(r, prng_chance(r, 5) ? 12 : 3);

    frame_begin(&f);
    for (uint32_t i = 0; i < tags; i++)
        frame_tag(&f, tpids[prng_below(r, 3)], (uint32_t)prng_below(r, 65536));
    switch (prng_below(r, 8)) {
    case 0:
        frame_type(&f, (uint32_t)prng_below(r, prng_chance(r, 50) ? 65536 : 100));
        prng_fill(r, frame_more(&f, 50), 50);
        break;
    case 1:
    case 2:
    case 3:
        frame_ip6(&f);
        random_exts(r);
        random_l4(r);
        break;
    default:
        frame_ip4(&f, prng_chance(r, 20) ? (uint32_t)prng_below(r, 11) * 4 : 0);
        if (prng_chance(r, 5))
            frame_ext(&f, 51, (uint8_t)prng_below(r, 6));
        random_l4(r);
        if (prng_chance(r, 10))
            frame_be16(&f, f.ip + 6, (uint32_t)prng_below(r, 65536));
    }
    frame_end(&f);
    if (prng_chance(r, 30))
        prng_fill(r, frame_more(&f, 20), 20);
}

static void random_damage(struct prng *r)
{
    uint32_t n = (uint32_t)prng_below(r, 4);

    if (prng_chance(r, 50))
        return;
    for (uint32_t i = 0; i < n; i++)
        f.b[prng_below(r, f.len < 80 ? f.len : 80)] = (uint8_t)prng_u64(r);
    if (prng_chance(r, 60))
        f.len = (uint32_t)prng_below(r, f.len + 1);
}

TEST(packet, finds_what_the_plain_decoder_finds)
{
    struct prng r = prng_of(prng_seed(21));

    for (int round = 0; round < 50000; round++) {
        random_frame(&r);
        random_damage(&r);
        uint8_t *exact = malloc(f.len ? f.len : 1);
        memcpy(exact, f.b, f.len);
        int tci = prng_chance(&r, 20) ? (int)prng_below(&r, 65536) : -1;
        uint32_t wire = f.len + (prng_chance(&r, 10) ? (uint32_t)prng_below(&r, 3000) : 0);
        struct packet_frame in = {.bytes = exact,
                                  .cap_len = f.len,
                                  .wire_len = wire,
                                  .vlan_tci = tci < 0 ? PACKET_NO_TAG : (uint32_t)tci};
        struct pkt p, q = naive_decode(exact, f.len, wire, tci, 1514);
        memset(&p, 0xaa, sizeof p);
        packet_decode_burst(&p, &in, 1, 1514);
        EXPECT_EQ_MEM(&p, &q, sizeof p);
        EXPECT(p.l4_off <= p.payload_off && p.payload_off + p.payload_len <= p.cap_len);
        packet_mark_sum(&p, exact);
        EXPECT_EQ_INT(p.flags & ~(PKT_SUM_BAD | PKT_SUM_UNFINISHED), q.flags);
        free(exact);
    }
}

TEST(packet, bursts_as_one_by_one)
{
    struct prng r = prng_of(prng_seed(22));
    static uint8_t bytes[32][3000];
    struct packet_frame in[32];
    struct pkt p[32], one;
    struct packet_counters c = {0};

    for (uint32_t i = 0; i < 32; i++) {
        random_frame(&r);
        memcpy(bytes[i], f.b, f.len);
        in[i] = (struct packet_frame){bytes[i], (int64_t)i, i * 100, f.len, f.len, PACKET_NO_TAG};
    }
    for (uint32_t n = 0; n <= 32; n++) {
        packet_decode_burst(p, in, n, 1514);
        for (uint32_t i = 0; i < n; i++) {
            packet_decode(&one, in + i, 1514);
            EXPECT_EQ_MEM(&one, p + i, sizeof one);
            EXPECT_EQ_INT(p[i].ts_ns, i);
            EXPECT_EQ_INT(p[i].off, i * 100);
        }
    }
    packet_count_burst(&c, p, 32);
    EXPECT_EQ_INT(c.n[PACKET_COUNT_IP4] + c.n[PACKET_COUNT_IP6] + c.n[PACKET_COUNT_NOT_IP], 32);
    uint64_t sum = 0;
    for (int t = 0; t < PKT_TUNNELS_CNT; t++)
        sum += c.tunnel[t];
    EXPECT_EQ_INT(sum, 32);
    EXPECT_EQ_INT(32 - c.tunnel[0], c.n[PACKET_COUNT_TUNNELS]);
}
