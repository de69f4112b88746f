/* Packets laid down as they come, against decoding and copying one by one, in every form. */
#include <stdlib.h>

#include "base/simd.h"
#include "net/packet.h"
#include "net/packet_lay.h"
#include "tests/net/frame_build.h"
#include "tests/prng.h"
#include "tests/test.h"

#define BURST       32u
#define FRAME_BYTES 3000u
#define LIMIT       1514u

static struct frame f;
static uint8_t frame[BURST][FRAME_BYTES];
static struct packet_whole whole[BURST];

/* A frame that is plain, or not for one reason of many. */
static void random_frame(struct prng *r)
{
    static const uint16_t ports[] = {1700, 1701, 1702, 4789, 6634, 6635, 6636, 9000, 80, 65535};

    frame_begin(&f);
    if (prng_chance(r, 3))
        frame_tag(&f, 0x8100, 5);
    if (prng_chance(r, 95))
        frame_ip4(&f, prng_chance(r, 5) ? 4 * (uint32_t)prng_below(r, 11) : 0);
    else
        frame_ip6(&f);
    uint32_t src = prng_chance(r, 10) ? ports[prng_below(r, 10)] : (uint32_t)prng_below(r, 65536);
    uint32_t dst = prng_chance(r, 10) ? ports[prng_below(r, 10)] : (uint32_t)prng_below(r, 65536);
    if (prng_chance(r, 70))
        frame_udp(&f, src, dst);
    else if (prng_chance(r, 80))
        frame_tcp(&f, src, dst, (uint8_t)prng_u64(r), (uint32_t)prng_below(r, 11) * 4);
    else
        frame_proto(&f, (uint8_t)prng_u64(r));
    uint32_t n = (uint32_t)prng_below(r, prng_chance(r, 10) ? 2000 : 60);
    prng_fill(r, frame_more(&f, n), n);
    frame_end(&f);
    if (prng_chance(r, 30)) {
        n = (uint32_t)prng_below(r, 20);
        prng_fill(r, frame_more(&f, n), n);
    }
    if (prng_chance(r, 10))
        f.b[12 + prng_below(r, 36)] ^= (uint8_t)(1u << prng_below(r, 8));
    if (prng_chance(r, 3))
        f.len -= (uint32_t)prng_below(r, f.len);
}

/* No port of UDP lies where those of tunnels do. */
static bool is_clear_of_tunnels(const uint8_t *b)
{
    uint32_t src = (uint32_t)(b[34] << 8 | b[35]), dst = (uint32_t)(b[36] << 8 | b[37]);

    return (src < 1701 || src > 6635) && (dst < 1701 || dst > 6635);
}

/* What a plain packet is, in the terms of its row. */
static bool is_plain(const struct pkt *p, const uint8_t *b)
{
    bool udp = p->flags == (PKT_IP4 | PKT_UDP), tcp = p->flags == (PKT_IP4 | PKT_TCP);

    return (udp || tcp) && p->l3_off == 14 && p->l4_off == 34 && p->ip_proto == b[23] &&
           (b[16] << 8 | b[17]) >= 28 && (tcp || is_clear_of_tunnels(b));
}

static void fill_burst(struct prng *r, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        random_frame(r);
        prng_fill(r, frame[i] + f.len, PACKET_LAY_SLACK);
        memcpy(frame[i], f.b, f.len);
        whole[i] = (struct packet_whole){frame[i], f.len};
    }
}

/* Lays a burst and compares. Returns how many were laid. */
static uint32_t lay(struct prng *r, uint32_t n, uint32_t frame_bytes_max)
{
    static uint8_t base[BURST * FRAME_BYTES + 200 + PACKET_LAY_SLACK];
    struct pkt row[BURST], one;
    struct packet_lay to = {.row = row,
                            .base = base,
                            .off = (uint32_t)prng_below(r, 200),
                            .frame_bytes_max = frame_bytes_max,
                            .ts_ns = (int64_t)prng_u64(r)};
    uint32_t laid = packet_lay_burst(&to, whole, n), off = to.off;

    for (uint32_t i = 0; i < n && i <= laid; i++) {
        packet_decode(&one,
                      &(struct packet_frame){frame[i], to.ts_ns, off, whole[i].len, whole[i].len,
                                             PACKET_NO_TAG},
                      frame_bytes_max);
        EXPECT_EQ_INT(is_plain(&one, frame[i]), i < laid);
        if (i == laid)
            break;
        EXPECT_EQ_MEM(&row[i], &one, sizeof one);
        EXPECT_EQ_MEM(base + off, frame[i], whole[i].len);
        off += whole[i].len;
    }
    return laid;
}

TEST(packet_lay, lays_what_is_decoded)
{
    struct prng r = prng_of(prng_seed(23));

    for (int level = SIMD_SCALAR; level <= SIMD_AVX512; level++) {
        uint64_t laid = 0, whole_bursts = 0;

        if (simd_init((enum simd_level)level))
            continue;
        for (int round = 0; round < 2500; round++) {
            uint32_t n = (uint32_t)prng_below(&r, BURST + 1);
            fill_burst(&r, n);
            uint32_t cnt = lay(&r, n, prng_chance(&r, 50) ? LIMIT : 0);
            laid += cnt;
            whole_bursts += n > 3 && cnt == n;
        }
        EXPECT(laid > 3000 && whole_bursts > 20);
    }
    simd_init(SIMD_AUTO);
}

/* Every length and every byte that decides, one by one. */
TEST(packet_lay, stops_before_the_first_that_is_not_plain)
{
    struct prng r = prng_of(24);

    for (int level = SIMD_SCALAR; level <= SIMD_AVX512; level++) {
        if (simd_init((enum simd_level)level))
            continue;
        for (uint32_t at = 12; at < 48; at++)
            for (uint32_t value = 0; value < 256; value++) {
                frame_begin(&f);
                frame_ip4(&f, 0);
                frame_udp(&f, 1234, 9000);
                frame_data(&f, "some text", 9);
                frame_end(&f);
                f.b[at] = (uint8_t)value;
                memcpy(frame[0], f.b, f.len);
                whole[0] = (struct packet_whole){frame[0], f.len};
                lay(&r, 1, LIMIT);
            }
    }
    simd_init(SIMD_AUTO);
}
