#include <stdio.h>
#include <stdlib.h>

#include "net/packet.h"
#include "rdd/format.h"
#include "tests/net/frame_build.h"
#include "tests/prng.h"
#include "tests/test.h"

#define ARENA_BYTES (4u << 20)
#define PACKETS_MAX 3000u

static struct frame f;

/* Packets in a block, read back through the reader. */
struct reading {
    uint8_t *bytes;
    struct pkt *pkt;
    uint32_t len, cnt;
    struct zone z;
    struct source_spec spec;
    struct source_counters counters;
    struct source_reader reader;
    struct arena arena;
    struct col col[TYPE_LEAVES_MAX];
    struct vec vec;
};

static void add_frame(struct reading *r, const struct frame *fr)
{
    r->bytes = realloc(r->bytes, r->len + fr->len + 1);
    r->pkt = realloc(r->pkt, (r->cnt + 1) * sizeof *r->pkt);
    memcpy(r->bytes + r->len, fr->b, fr->len);
    struct packet_frame in = {.bytes = r->bytes + r->len,
                              .ts_ns = 1000 + r->cnt,
                              .off = r->len,
                              .cap_len = fr->len,
                              .wire_len = fr->len,
                              .vlan_tci = PACKET_NO_TAG};
    packet_decode(&r->pkt[r->cnt++], &in, 1514);
    r->len += fr->len;
}

static void begin(struct reading *r, const bool *want)
{
    if (!r->arena.base)
        arena_init(&r->arena, aligned_alloc(64, ARENA_BYTES), ARENA_BYTES);
    r->bytes = realloc(r->bytes, r->len ? r->len : 1); /* no byte more than there is */
    r->spec = (struct source_spec){.kind = SOURCE_PACKETS, .type = packets_type(&r->z)};
    r->counters = (struct source_counters){0};
    r->vec = (struct vec){.col = r->col};
    source_reader_init(&r->reader, &r->spec, r->pkt, r->cnt, r->bytes, 3, want, &r->counters);
}

static int next(struct reading *r)
{
    arena_reset(&r->arena);
    return source_read(&r->reader, &r->vec, &r->arena);
}

static void end(struct reading *r)
{
    free(r->bytes);
    free(r->pkt);
    free(r->arena.base);
    zone_free(&r->z);
    *r = (struct reading){0};
}

static int print(char *out, size_t bytes, const struct col *c, uint32_t row)
{
    size_t at = 0;

    switch (c->kind) {
    case TYPE_STRING:
        return snprintf(out, bytes, "%.*s", (int)c->s.len[row],
                        (const char *)c->s.base + c->s.off[row]);
    case TYPE_IP:
        for (int i = 0; i < 16; i++)
            at += (size_t)snprintf(out + at, bytes - at, "%02x", c->ip[row].b[i]);
        return (int)at;
    default: return snprintf(out, bytes, "%lld", (long long)c->i[row]);
    }
}

/* Every field of packet `row` that is not empty, "name=value ". The frame is left out. */
static void print_row(const struct reading *r, uint32_t row, char *out, size_t bytes)
{
    size_t at = 0;

    out[0] = '\0';
    for (uint32_t k = 0; k < packet_fields_cnt; k++) {
        char value[256];
        print(value, sizeof value, &r->col[k], row);
        if (strspn(value, "0") != strlen(value) && strcmp(packet_fields[k].name, "frame") != 0)
            at += (size_t)snprintf(out + at, bytes - at, "%s=%s ", packet_fields[k].name, value);
    }
}

static void udp4_vlans(void)
{
    frame_begin(&f);
    frame_tag(&f, 0x88a8, 0xe064);
    frame_tag(&f, 0x8100, 0x0007);
    frame_ip4(&f, 4);
    f.b[f.ip + 1] = 0xb9;
    frame_be16(&f, f.ip + 4, 0x1234);
    f.b[f.ip + 6] = 0x40;
    frame_udp(&f, 1234, 53);
    frame_data(&f, "hello", 5);
    frame_end(&f);
    frame_more(&f, 9);
}

static void tcp6(void)
{
    frame_begin(&f);
    frame_ip6(&f);
    f.b[f.ip] = 0x6b;
    f.b[f.ip + 1] = 0x9a;
    f.b[f.ip + 3] = 0x55;
    frame_ext(&f, 60, 0);
    frame_tcp(&f, 443, 5000, 0x12, 4);
    f.b[f.l4 + 7] = 1;
    f.b[f.l4 + 11] = 2;
    f.b[f.l4 + 15] = 3;
    frame_data(&f, "x", 1);
    frame_end(&f);
}

static void fragment6(void)
{
    frame_begin(&f);
    frame_ip6(&f);
    frame_fragment6(&f, 1480, 1, 0xabcdef01);
    frame_proto(&f, 17);
    frame_data(&f, "tail", 4);
    frame_end(&f);
}

static void bad_icmp4(void)
{
    frame_begin(&f);
    frame_ip4(&f, 0);
    frame_icmp(&f, 3, 4, 9);
    frame_end(&f);
    f.b[f.len - 1] ^= 1;
}

static void unfinished_gre_syn(void)
{
    frame_begin(&f);
    frame_ip4(&f, 0);
    frame_tcp(&f, 1, 2, 2, 0);
    frame_end(&f);
    frame_be16(&f, frame_sum_at(&f), frame_pseudo(&f, f.len - f.l4));
}

static void gre(void)
{
    frame_begin(&f);
    frame_ip4(&f, 0);
    frame_proto(&f, 47);
    frame_data(&f, "in", 2);
    frame_end(&f);
}

static void arp(void)
{
    frame_begin(&f);
    frame_type(&f, 0x0806);
    frame_data(&f, "abc", 3);
}

#define MACS "eth_src=02:00:00:00:00:02 eth_dst=02:00:00:00:00:01 "
#define IPS4                                   \
    "src_ip=00000000000000000000ffff0a000001 " \
    "dst_ip=00000000000000000000ffff0a000002 "
#define IPS6                                   \
    "src_ip=fd000000000000000000000000000001 " \
    "dst_ip=fd000000000000000000000000000002 "

TEST(packet_fields, have_the_values_of_the_headers)
{
    static const struct {
        void (*build)(void);
        const char *fields;
    } rows[] = {
        {udp4_vlans,
         "ts=1000 wire_len=68 cap_len=68 " MACS
         "ether_type=2048 vlan=100 vlan_priority=7 vlan2=7 ip_version=4 " IPS4
         "proto=17 ttl=64 tos=185 dscp=46 ecn=1 ip_len=37 ip_header_len=24 ip_id=4660 "
         "dont_fragment=1 src_port=1234 dst_port=53 udp_len=13 checksum_ok=1 payload=hello "
         "payload_len=5 "},
        {tcp6, "ts=1001 wire_len=87 cap_len=87 " MACS "ether_type=34525 ip_version=6 " IPS6
               "proto=6 ttl=63 tos=185 dscp=46 ecn=1 ip_len=73 ip_header_len=48 flow_label=655445 "
               "src_port=443 dst_port=5000 tcp_flags=18 tcp_seq=1 tcp_ack=2 tcp_window=3 "
               "tcp_header_len=24 checksum_ok=1 payload=x payload_len=1 "},
        {fragment6,
         "ts=1002 wire_len=66 cap_len=66 " MACS "ether_type=34525 ip_version=6 " IPS6
         "proto=17 ttl=63 ip_len=52 ip_header_len=48 ip_id=2882400001 fragment=1 "
         "more_fragments=1 fragment_offset=1480 checksum_ok=1 payload=tail payload_len=4 "},
        {bad_icmp4, "ts=1003 wire_len=42 cap_len=42 " MACS "ether_type=2048 ip_version=4 " IPS4
                    "proto=1 ttl=64 ip_len=28 ip_header_len=20 icmp_type=3 icmp_code=4 icmp_id=9 "},
        {unfinished_gre_syn,
         "ts=1004 wire_len=54 cap_len=54 " MACS "ether_type=2048 ip_version=4 " IPS4
         "proto=6 ttl=64 ip_len=40 ip_header_len=20 src_port=1 dst_port=2 tcp_flags=2 "
         "tcp_header_len=20 checksum_ok=1 checksum_unfinished=1 "},
        {gre, "ts=1005 wire_len=36 cap_len=36 " MACS "ether_type=2048 ip_version=4 " IPS4
              "proto=47 ttl=64 ip_len=22 ip_header_len=20 checksum_ok=1 tunnel=gre payload=in "
              "payload_len=2 "},
        {arp, "ts=1006 wire_len=17 cap_len=17 " MACS
              "ether_type=2054 checksum_ok=1 payload=abc payload_len=3 "},
    };
    struct reading r = {0};
    char out[2048];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rows[i].build();
        add_frame(&r, &f);
    }
    begin(&r, NULL);
    REQUIRE(next(&r) == 1);
    REQUIRE(r.vec.rows == sizeof rows / sizeof rows[0]);
    for (uint32_t i = 0; i < r.vec.rows; i++) {
        print_row(&r, i, out, sizeof out);
        EXPECT_EQ_STR(out, rows[i].fields);
    }
    EXPECT_EQ_INT(next(&r), 0);
    end(&r);
}

/* A frame that stops anywhere has fields that stop there too. */
TEST(packet_fields, never_leave_the_frame)
{
    static void (*const build[])(void) = {udp4_vlans, tcp6, fragment6, bad_icmp4, gre, arp};
    struct prng p = prng_of(prng_seed(43));

    for (int round = 0; round < 3000; round++) {
        struct reading r = {0};
        build[round % 6]();
        for (uint32_t i = 0, n = (uint32_t)prng_below(&p, 4); i < n; i++)
            f.b[prng_below(&p, f.len)] = (uint8_t)prng_u64(&p);
        f.len = (uint32_t)prng_below(&p, f.len + 1);
        add_frame(&r, &f);
        begin(&r, NULL);
        EXPECT_EQ_INT(next(&r), 1);
        for (uint32_t k = 0; k < packet_fields_cnt; k++)
            if (r.col[k].kind == TYPE_STRING && r.col[k].s.base == r.bytes)
                EXPECT(r.col[k].s.off[0] + r.col[k].s.len[0] <= r.len);
        EXPECT_EQ_INT(next(&r), 0);
        end(&r);
    }
}

/* What comes next is said: rows of the index, and frames where they are read and lie close. */
TEST(packet_fields, vectors_say_what_comes_next)
{
    static const struct {
        const char *field;
        uint32_t more;
        bool frames;
    } cases[] = {{"wire_len", 0, false}, {"dst_ip", 0, true}, {"src_port", 400, false}};

    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct reading r = {0};
        bool want[TYPE_LEAVES_MAX] = {false};
        for (uint32_t i = 0; i < PACKETS_MAX; i++) {
            frame_begin(&f);
            frame_ip4(&f, 0);
            frame_udp(&f, i, 9);
            frame_more(&f, cases[c].more);
            frame_end(&f);
            add_frame(&r, &f);
        }
        for (uint32_t k = 0; k < packet_fields_cnt; k++)
            want[k] = !strcmp(packet_fields[k].name, cases[c].field);
        begin(&r, want);
        for (uint32_t at = VEC_ROWS_MAX; next(&r) > 0; at += VEC_ROWS_MAX) {
            const struct ahead *a = r.vec.ahead;
            REQUIRE(a != NULL);
            if (at >= PACKETS_MAX) {
                EXPECT(!a->end[0] && !a->end[1]);
                continue;
            }
            uint32_t left = PACKETS_MAX - at, n = left < VEC_ROWS_MAX ? left : VEC_ROWS_MAX;
            EXPECT(a->at[0] >= (const uint8_t *)&r.pkt[at]);
            EXPECT(a->end[0] == (const uint8_t *)&r.pkt[at + n]);
            EXPECT_EQ_INT(a->end[1] != NULL, cases[c].frames);
            if (cases[c].frames)
                EXPECT(a->end[1] ==
                       r.bytes + r.pkt[at].off + r.pkt[at].off - r.pkt[at - VEC_ROWS_MAX].off);
        }
        end(&r);
    }
}

/* Where vectors end depends on what is read, and does not show. */
TEST(packet_fields, vectors_have_room)
{
    struct reading r = {0};
    bool want[TYPE_LEAVES_MAX] = {false};
    int64_t sum = 0;
    uint32_t vectors = 0;

    for (uint32_t i = 0; i < PACKETS_MAX; i++) {
        frame_begin(&f);
        frame_ip4(&f, 0);
        frame_udp(&f, i, 9);
        frame_more(&f, 400);
        frame_end(&f);
        add_frame(&r, &f);
    }
    for (uint32_t k = 0; k < packet_fields_cnt; k++)
        want[k] = !strcmp(packet_fields[k].name, "src_port");
    for (int whole = 0; whole < 2; whole++) {
        uint32_t at = 0;
        vectors = 0;
        for (uint32_t k = 0; k < packet_fields_cnt; k++)
            want[k] |= whole && !strcmp(packet_fields[k].name, "payload");
        begin(&r, want);
        while (next(&r) > 0) {
            EXPECT_EQ_INT(r.vec.ord_lo, at);
            EXPECT_EQ_INT(r.vec.ord_hi, 3);
            for (uint32_t k = 0; k < packet_fields_cnt; k++)
                EXPECT(!!r.col[k].i == want[k]);
            for (uint32_t i = 0; i < r.vec.rows; i++, at++)
                for (uint32_t k = 0; k < packet_fields_cnt; k++)
                    if (!strcmp(packet_fields[k].name, "src_port"))
                        sum += r.col[k].i[i] == at ? 1 : 0;
            EXPECT(r.vec.rows <= (whole ? VEC_BYTES_MAX / 442 + 1 : VEC_ROWS_MAX));
            vectors++;
        }
        EXPECT_EQ_INT(at, PACKETS_MAX);
        EXPECT_EQ_INT(r.counters.offered, PACKETS_MAX);
        EXPECT_EQ_INT(r.counters.bytes, r.len);
        if (!whole)
            EXPECT_EQ_INT(vectors, 3);
    }
    EXPECT_EQ_INT(sum, 2 * PACKETS_MAX);
    EXPECT(vectors > 30);
    end(&r);
}

TEST(packet_fields, are_documented)
{
    struct zone z = {0};
    const struct type *t = packets_type(&z);

    REQUIRE(t && type_leaves(t) == packet_fields_cnt);
    for (uint32_t i = 0; i < packet_fields_cnt; i++) {
        EXPECT_EQ_STR(t->name[i], packet_fields[i].name);
        EXPECT_EQ_INT(type_leaf(t, i)->kind, packet_fields[i].type);
        EXPECT(packet_fields[i].doc && strlen(packet_fields[i].doc) > 3);
        for (uint32_t k = 0; k < i; k++)
            EXPECT(strcmp(packet_fields[i].name, packet_fields[k].name) != 0);
    }
    zone_free(&z);
}
