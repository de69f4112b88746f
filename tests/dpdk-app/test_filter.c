// Filters: native code and interpreter agree, and bad expressions are explained.

#include "dpdk-app/filter.h"

#include <string.h>

#include <rte_mbuf.h>

#include "tests/dpdk-app/eal_once.h"
#include "tests/dpdk-app/frames.h"
#include "tests/prng.h"
#include "tests/test.h"

static struct rte_mbuf *mbuf_of(struct rte_mempool *mp, const uint8_t *frame, uint32_t len)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(mp);

    memcpy(rte_pktmbuf_append(m, (uint16_t)len), frame, len);
    return m;
}

TEST(filter, gives_one_verdict_either_way)
{
    static const char *const expr[] = {
        "",
        "ip or ip6",
        "not ip",
        "ip6",
        "not arp and not ip6",
        "udp port 9000",
        "vlan 7",
        "host 10.0.0.7",
        "len > 200",
        "udp[8] = 0x61",
        "arp",
        "not udp",
        "vlan and udp port 9001",
        "portrange 9000-9002",
        "ip[6:2] & 0x1fff = 0",
        "host 192.168.0.1 or net 200.0.0.0/8",
        "udp[8:4] = 0x61626364 or udp[8:2] = 0x6162",
        "udp[8:4] > 0x80000000",
        "ip[2:2] - ((ip[0] & 0xf) << 2) > 100",
        "ip[8] - 100 > 1000",
        "udp[(udp[4:2] & 7) + 8] & 1 = 1",
        "udp[4:2] * 3 / 2 >= len",
        "ether[0] & 1 = 0 and ip[16] >= 224",
        "udp[9] = udp[10] or udp[8:4] = ip[12:4]",
        "ether src 02:00:00:00:00:01 and less 300",
        "tcp[tcpflags] & tcp-syn != 0 or udp[8] & 4 = 4",
        "ip[6:2] & 0x7f = 0",
        "ip6 proto 17 or icmp[icmptype] = icmp-echo",
    };
    struct prng rng = prng_of(prng_seed(11));
    uint8_t frame[FRAME_MAX], payload[400];
    char err[256] = "";

    REQUIRE(eal_once());
    struct rte_mempool *mp = rte_pktmbuf_pool_create("filter", 63, 0, 0, 2176, SOCKET_ID_ANY);
    REQUIRE(mp != NULL);
    for (size_t e = 0; e < sizeof expr / sizeof expr[0]; e++) {
        struct filter *f = filter_new(expr[e], err, sizeof err);
        REQUIRE(f != NULL);
        EXPECT_EQ_INT(filter_check(expr[e], err, sizeof err), 0);
        uint32_t taken = 0;
        for (int i = 0; i < 1000; i++) {
            prng_fill(&rng, payload, sizeof payload);
            memcpy(payload, "abcd", prng_below(&rng, 5));
            struct udp_frame u = {.port = (uint16_t)prng_between(&rng, 8999, 9003),
                                  .to = (uint8_t)prng_between(&rng, 6, 8),
                                  .vlan = prng_chance(&rng, 30) ? 7 : 0,
                                  .payload = payload,
                                  .len = (uint32_t)prng_below(&rng, sizeof payload)};
            uint32_t len = prng_chance(&rng, 10) ? frame_arp(frame, 7) : frame_udp(frame, &u);
            for (uint32_t k = (uint32_t)prng_below(&rng, 3); k > 0; k--)
                frame[prng_below(&rng, len)] = (uint8_t)prng_u64(&rng);
            if (prng_chance(&rng, 10))
                memcpy(frame + 30, (uint8_t[]){192, 168, 0, 1}, 4);
            if (prng_chance(&rng, 10))
                len = 1 + (uint32_t)prng_below(&rng, len);
            struct rte_mbuf *m = mbuf_of(mp, frame, len);
            bool takes = filter_takes(f, frame, len, len);
            EXPECT_EQ_INT(filter_takes_mbuf(f, m, frame, len), takes);
            taken += takes;
            rte_pktmbuf_free(m);
        }
        EXPECT(e > 2 || taken > 0);
        filter_free(f);
    }
    rte_mempool_free(mp);
}

TEST(filter, explains_a_bad_expression)
{
    char err[256] = "";

    EXPECT_EQ_INT(filter_check("ip orr ip6", err, sizeof err), -22);
    EXPECT(err[0] != '\0');
    EXPECT(filter_new("port http1x", err, sizeof err) == NULL);
}
