#include <stdio.h>
#include <stdlib.h>

#include "base/simd.h"
#include "net/packet.h"
#include "rdd/packet_sum.h"
#include "tests/net/frame_build.h"
#include "tests/prng.h"
#include "tests/test.h"

static struct frame f;

static struct pkt decode(void)
{
    struct packet_frame in = {
        .bytes = f.b, .cap_len = f.len, .wire_len = f.len, .vlan_tci = PACKET_NO_TAG};
    struct pkt p;

    packet_decode(&p, &in, 1514);
    return p;
}

static void datagram(int version, const char *payload, uint32_t n)
{
    frame_begin(&f);
    if (version == 4)
        frame_ip4(&f, 0);
    else
        frame_ip6(&f);
    frame_udp(&f, 1234, 9000);
    frame_data(&f, payload, n);
    frame_end(&f);
}

/* ---- checksums ---------------------------------------------------------------------------- */

TEST(packet_sum, adds_as_the_plain_way_does)
{
    struct prng r = prng_of(prng_seed(31));
    uint8_t b[3000];

    prng_fill(&r, b, sizeof b);
    for (int round = 0; round < 3000; round++) {
        uint32_t at = (uint32_t)prng_below(&r, 70), n = (uint32_t)prng_below(&r, 2900);
        if (round < 600)
            n = (uint32_t)round / 2;
        simd_init(round % 2 ? SIMD_AUTO : SIMD_SCALAR);
        uint8_t *exact = malloc(n ? n : 1);
        memcpy(exact, b + at, n);
        uint32_t sum = frame_sum(exact, n, 0);
        EXPECT_EQ_INT(inet_fold(inet_sum(exact, n, 0)), (sum >> 8 | sum << 8) & 0xffff);
        free(exact);
    }
    memset(b, 0xff, sizeof b);
    EXPECT_EQ_INT(inet_fold(inet_sum(b, sizeof b, 0)), 0xffff);
    EXPECT_EQ_INT(inet_fold(0), 0);
    EXPECT_EQ_INT(inet_fold(UINT64_MAX), 0xffff);
}

static void build_any(int version, int l4)
{
    frame_begin(&f);
    if (version == 4)
        frame_ip4(&f, 0);
    else
        frame_ip6(&f);
    if (l4 == 0)
        frame_udp(&f, 1, 2);
    else if (l4 == 1)
        frame_tcp(&f, 1, 2, 0x18, 4);
    else
        frame_icmp(&f, 8, 0, 1);
}

TEST(packet_sum, tells_good_from_bad_from_unfinished)
{
    struct prng r = prng_of(prng_seed(32));

    for (int round = 0; round < 6000; round++) {
        int version = round % 2 ? 4 : 6, l4 = round / 2 % 3;
        uint32_t n = (uint32_t)prng_below(&r, 300);
        build_any(version, l4);
        prng_fill(&r, frame_more(&f, n), n);
        frame_end(&f);
        struct pkt p = decode();
        EXPECT_EQ_INT(packet_sum(&p, f.b), PACKET_SUM_OK);
        EXPECT(packet_ip_sum_ok(&p, f.b));
        packet_mark_sum(&p, f.b);
        EXPECT_EQ_INT(p.flags & (PKT_SUM_BAD | PKT_SUM_UNFINISHED), 0);

        uint32_t field = frame_get16(&f, frame_sum_at(&f));
        uint32_t pseudo = frame_pseudo(&f, f.len - f.l4);
        if (pseudo && pseudo != field) {
            frame_be16(&f, frame_sum_at(&f), pseudo);
            EXPECT_EQ_INT(packet_sum(&p, f.b), PACKET_SUM_UNFINISHED);
            packet_mark_sum(&p, f.b);
            EXPECT_EQ_INT(p.flags & (PKT_SUM_BAD | PKT_SUM_UNFINISHED), PKT_SUM_UNFINISHED);
        }
        frame_be16(&f, frame_sum_at(&f), field ^ 0x0100);
        if (frame_get16(&f, frame_sum_at(&f)) != pseudo)
            EXPECT_EQ_INT(packet_sum(&p, f.b), PACKET_SUM_BAD);
    }
}

TEST(packet_sum, has_nothing_to_check)
{
    datagram(4, "abc", 3);
    frame_be16(&f, frame_sum_at(&f), 0);
    struct pkt p = decode();
    EXPECT_EQ_INT(packet_sum(&p, f.b), PACKET_SUM_NONE);

    datagram(6, "abc", 3); /* IPv6 wants one */
    frame_be16(&f, frame_sum_at(&f), 0);
    p = decode();
    EXPECT_EQ_INT(packet_sum(&p, f.b), PACKET_SUM_BAD);
    frame_be16(&f, f.l4 + 2, 4789); /* but not of VXLAN */
    p = decode();
    EXPECT_EQ_INT(packet_sum(&p, f.b), PACKET_SUM_NONE);

    datagram(4, "abc", 3);
    f.len--;
    p = decode();
    EXPECT_EQ_INT(packet_sum(&p, f.b), PACKET_SUM_NONE);

    frame_begin(&f);
    frame_ip4(&f, 8);
    f.b[f.ip + 20] = 137; /* strict source route */
    f.b[f.ip + 21] = 7;
    frame_udp(&f, 1, 2);
    frame_end(&f);
    f.b[f.l4 + 6] ^= 1;
    p = decode();
    EXPECT_EQ_INT(packet_sum(&p, f.b), PACKET_SUM_NONE);

    frame_begin(&f);
    frame_ip6(&f);
    frame_ext(&f, 51, 4); /* AH is stepped over by its own unit */
    frame_ext(&f, 43, 2)[3] = 1;
    frame_udp(&f, 1, 2);
    frame_end(&f);
    f.b[f.l4 + 6] ^= 1;
    p = decode();
    EXPECT_EQ_INT(packet_sum(&p, f.b), PACKET_SUM_NONE);
    f.b[f.l4 - 21] = 0; /* no segments left: the address is the last one */
    EXPECT_EQ_INT(f.b[f.ip + 40 + 24 + 3], 0);
    EXPECT_EQ_INT(packet_sum(&p, f.b), PACKET_SUM_BAD);
}

/* ---- what a udp source takes -------------------------------------------------------------- */

static void nothing(void)
{
}

static void short_frame(void)
{
    f.len = 13;
}

static void short_header(void)
{
    f.len = 14 + 19;
}

static void other_type(void)
{
    frame_type(&f, 0x0806);
}

static void bad_version(void)
{
    f.b[f.ip] = 0x65;
}

static void bad_ip_sum(void)
{
    f.b[f.ip + 10] ^= 0x40;
}

static void bad_ip_length(void)
{
    frame_be16(&f, f.ip + 2, 19);
    frame_sum_ip(&f);
}

static void no_ip_length(void)
{
    frame_be16(&f, f.ip + 2, 0);
    frame_sum_ip(&f);
}

static void fragment(void)
{
    frame_be16(&f, f.ip + 6, 0x2000);
    frame_sum_ip(&f);
}

static void not_udp(void)
{
    f.b[f.ip + 9] = 6;
    frame_sum_ip(&f);
}

static void cut(void)
{
    f.len--;
}

static void no_udp_header(void)
{
    frame_be16(&f, f.ip + 2, 27);
    frame_sum_ip(&f);
}

static void udp_length_small(void)
{
    frame_be16(&f, f.l4 + 4, 7);
}

static void udp_length_large(void)
{
    frame_be16(&f, f.l4 + 4, 14);
}

static void other_port(void)
{
    frame_be16(&f, f.l4 + 2, 9001);
}

static void other_address(void)
{
    f.b[f.ip + 19] = 3;
    frame_sum_ip(&f);
}

static void bad_udp_sum(void)
{
    f.b[f.len - 1] ^= 1;
}

static void no_udp_sum(void)
{
    frame_be16(&f, f.l4 + 6, 0);
}

static void unfinished(void)
{
    frame_be16(&f, f.l4 + 6, frame_pseudo(&f, f.len - f.l4));
}

static void padded(void)
{
    frame_more(&f, 60 - f.len);
}

static void merged(void)
{
    frame_more(&f, 3000);
    frame_end(&f);
}

TEST(packet_udp, takes_what_is_sound)
{
    static const struct {
        void (*damage)(void);
        enum packet_drop why;
    } rows[] = {
        {nothing, PACKET_TAKEN},
        {padded, PACKET_TAKEN},
        {no_udp_sum, PACKET_TAKEN},
        {unfinished, PACKET_TAKEN},
        {short_frame, PACKET_TOO_SHORT},
        {short_header, PACKET_TOO_SHORT},
        {other_type, PACKET_NOT_IP},
        {bad_version, PACKET_BAD_IP_HEADER},
        {bad_ip_sum, PACKET_BAD_IP_CHECKSUM},
        {bad_ip_length, PACKET_BAD_IP_LENGTH},
        {no_ip_length, PACKET_BAD_IP_LENGTH},
        {fragment, PACKET_FRAGMENT},
        {not_udp, PACKET_NOT_UDP},
        {cut, PACKET_CUT},
        {no_udp_header, PACKET_BAD_UDP_LENGTH},
        {udp_length_small, PACKET_BAD_UDP_LENGTH},
        {udp_length_large, PACKET_BAD_UDP_LENGTH},
        {other_port, PACKET_OTHER_PORT},
        {other_address, PACKET_OTHER_ADDRESS},
        {merged, PACKET_MERGED},
        {bad_udp_sum, PACKET_BAD_UDP_CHECKSUM},
    };
    static const struct packet_listen l = {.ip = {{[10] = 0xff, 0xff, 10, 0, 0, 2}}, .port = 9000};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct run payload = {0, 0};
        datagram(4, "hello", 5);
        rows[i].damage();
        struct pkt p = decode();
        enum packet_drop why = packet_udp_match(&p, f.b, &l, &payload);
        EXPECT_EQ_STR(why == PACKET_TAKEN ? "taken" : packet_drop_name[why],
                      rows[i].why == PACKET_TAKEN ? "taken" : packet_drop_name[rows[i].why]);
        if (why != PACKET_TAKEN)
            continue;
        EXPECT_EQ_INT(payload.len, 5);
        EXPECT_EQ_MEM(f.b + payload.off, "hello", 5);
    }
}

TEST(packet_udp, listens_at_an_address_or_at_any)
{
    struct packet_listen any = {.any = true, .port = 9000};
    struct packet_listen at6 = {.ip = {{0xfd, [15] = 2}}, .port = 9000};
    struct run payload;

    datagram(6, "", 0);
    struct pkt p = decode();
    EXPECT_EQ_INT(packet_udp_match(&p, f.b, &any, &payload), PACKET_TAKEN);
    EXPECT_EQ_INT(payload.len, 0);
    EXPECT_EQ_INT(packet_udp_match(&p, f.b, &at6, &payload), PACKET_TAKEN);
    at6.ip.b[15] = 3;
    EXPECT_EQ_INT(packet_udp_match(&p, f.b, &at6, &payload), PACKET_OTHER_ADDRESS);

    datagram(4, "", 0);
    p = decode();
    EXPECT_EQ_INT(packet_udp_match(&p, f.b, &any, &payload), PACKET_TAKEN);
    EXPECT_EQ_INT(packet_udp_match(&p, f.b, &at6, &payload), PACKET_OTHER_ADDRESS);
}

TEST(packet_udp, has_a_name_for_every_reason)
{
    for (int i = 0; i < PACKET_DROPS_CNT; i++)
        EXPECT(packet_drop_name[i] && packet_drop_name[i][0]);
    for (int i = 0; i < PACKET_COUNTS_CNT; i++)
        EXPECT(packet_count_name[i] && packet_count_name[i][0]);
    for (int i = 1; i < PKT_TUNNELS_CNT; i++)
        EXPECT(pkt_tunnel_name[i] && pkt_tunnel_name[i][0]);
}

/* ---- bursts ------------------------------------------------------------------------------- */

/* Datagrams that are sound, and ones with a byte of their headers or of their data changed. */
static void some_datagram(struct prng *r)
{
    static const uint16_t ports[] = {9000, 9000, 9000, 4789, 1701, 6635};
    uint32_t options = prng_below(r, 8) == 0 ? 4 : 0;

    frame_begin(&f);
    if (prng_below(r, 8) == 0)
        frame_ip6(&f);
    else
        frame_ip4(&f, options);
    frame_udp(&f, (uint16_t)prng_below(r, 2000), ports[prng_below(r, 6)]);
    frame_data(&f, "a line\nanother\n", (uint32_t)prng_below(r, 15));
    frame_end(&f);
    if (prng_below(r, 3) == 0)
        f.b[prng_below(r, f.len)] ^= (uint8_t)(1u << prng_below(r, 8));
    if (prng_below(r, 4) == 0) /* no checksum */
        memset(f.b + 40, 0, 2);
    if (prng_below(r, 8) == 0)
        f.len -= (uint32_t)prng_below(r, 12);
}

/* Untagged IPv4 without options, and no port where those of tunnels lie. */
static bool is_plain(const struct pkt *p, const uint8_t *b)
{
    uint32_t src = (uint32_t)(b[34] << 8 | b[35]), dst = (uint32_t)(b[36] << 8 | b[37]);

    return p->flags == (PKT_IP4 | PKT_UDP) && p->l4_off == 34 && p->ip_proto == b[23] &&
           (src < 1701 || src > 6635) && (dst < 1701 || dst > 6635);
}

/* What is taken at once of a burst is what is taken one by one, up to the first that is not plain.
 */
static uint32_t check_taken_at_once(const struct packet_frame *in, const struct pkt *p,
                                    const struct run *payload, const uint8_t *why, uint32_t n,
                                    const struct packet_listen *l)
{
    struct packet_whole whole[64], at_once[64];
    uint32_t cnt = 0;

    for (uint32_t i = 0; i < n; i++)
        whole[i] = (struct packet_whole){in[i].bytes, in[i].cap_len};
    while (cnt < n && why[cnt] == PACKET_TAKEN && payload[cnt].len > 0 &&
           is_plain(p + cnt, in[cnt].bytes))
        cnt++;
    EXPECT_EQ_INT(packet_udp_take_burst(whole, n, 1514, l, at_once), cnt);
    for (uint32_t i = 0; i < cnt; i++) {
        EXPECT(at_once[i].bytes == in[i].bytes + payload[i].off);
        EXPECT_EQ_INT(at_once[i].len, payload[i].len);
    }
    return cnt;
}

TEST(packet_udp, matches_bursts_as_one_by_one)
{
    enum { N = 32 };
    static uint8_t bytes[N][sizeof f.b];
    struct prng r = prng_of(prng_seed(33));
    uint32_t taken = 0, refused = 0, at_once = 0;

    for (int round = 0; round < 400; round++) {
        struct packet_frame in[N];
        struct pkt p[N];
        struct run payload[N] = {{0, 0}}, one;
        uint8_t why[N];
        struct packet_listen l = {.any = round % 2, .port = 9000};

        for (uint32_t i = 0; i < N; i++) {
            some_datagram(&r);
            memcpy(bytes[i], f.b, f.len);
            in[i] = (struct packet_frame){
                .bytes = bytes[i], .cap_len = f.len, .wire_len = f.len, .vlan_tci = PACKET_NO_TAG};
        }
        packet_decode_burst(p, in, N, 1514);
        l.ip = (struct ip){{[10] = 0xff, 0xff}};
        memcpy(l.ip.b + 12, bytes[prng_below(&r, N)] + 30, 4);
        uint32_t cnt = packet_udp_match_burst(p, in, N, &l, payload, why), sum = 0;
        for (uint32_t i = 0; i < N; i++) {
            EXPECT_EQ_INT(why[i], packet_udp_match(&p[i], bytes[i], &l, &one));
            sum += why[i] == PACKET_TAKEN;
            if (why[i] == PACKET_TAKEN)
                EXPECT_EQ_MEM(&payload[i], &one, sizeof one);
        }
        EXPECT_EQ_INT(cnt, sum);
        for (uint32_t i = 0; i < N; i++)
            at_once += check_taken_at_once(in + i, p + i, payload + i, why + i, N - i, &l);
        taken += cnt;
        refused += N - cnt;
    }
    EXPECT(taken > 1000 && refused > 1000 && at_once > 1000);
}
