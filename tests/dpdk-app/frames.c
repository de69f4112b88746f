#include "tests/dpdk-app/frames.h"

#include <string.h>

#include <rte_mbuf.h>

#include "dpdk-app/ethdev.h"

static const uint8_t mac_from[6] = {2, 0, 0, 0, 0, 1}, mac_to[6] = {2, 0, 0, 0, 0, 2};

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static uint32_t sum16(const uint8_t *p, uint32_t len, uint32_t sum)
{
    for (uint32_t i = 0; i < len; i++)
        sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
    return sum;
}

static uint32_t fold(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return ~sum & 0xffff;
}

static uint32_t put_eth(uint8_t *out, const uint8_t *to, uint16_t vlan, uint16_t type)
{
    uint32_t n = 12;

    memcpy(out, to, 6);
    memcpy(out + 6, mac_from, 6);
    if (vlan) {
        put16(out + 12, 0x8100);
        put16(out + 14, vlan);
        n = 16;
    }
    put16(out + n, type);
    return n + 2;
}

static void put_ip4(uint8_t *ip, uint8_t proto, uint8_t to, uint32_t len, bool more)
{
    memset(ip, 0, 20);
    ip[0] = 0x45;
    put16(ip + 2, 20 + len);
    ip[6] = more ? 0x20 : 0;
    ip[8] = 64;
    ip[9] = proto;
    memcpy(ip + 12, (uint8_t[]){10, 0, 0, 99}, 4);
    memcpy(ip + 16, (uint8_t[]){10, 0, 0, to}, 4);
    put16(ip + 10, fold(sum16(ip, 20, 0)));
}

uint32_t frame_udp(uint8_t *out, const struct udp_frame *f)
{
    uint32_t eth = put_eth(out, mac_to, f->vlan, 0x0800);
    uint8_t *ip = out + eth, *udp = ip + 20;
    uint32_t len = 8 + f->len;

    put_ip4(ip, 17, f->to, len, f->fragment);
    put16(udp, 4000);
    put16(udp + 2, f->port);
    put16(udp + 4, len);
    put16(udp + 6, 0);
    if (f->len)
        memcpy(udp + 8, f->payload, f->len);
    uint32_t sum = fold(sum16(udp, len, sum16(ip + 12, 8, 17 + len)));
    put16(udp + 6, f->bad_sum ? sum ^ 0x1234 : sum ? sum : 0xffff);
    return eth + 20 + len;
}

uint32_t frame_arp(uint8_t *out, uint8_t x)
{
    static const uint8_t all[6] = {255, 255, 255, 255, 255, 255};
    uint32_t n = put_eth(out, all, 0, 0x0806);
    uint8_t *a = out + n;

    memset(a, 0, 46);
    put16(a, 1);
    put16(a + 2, 0x0800);
    a[4] = 6;
    a[5] = 4;
    put16(a + 6, 1);
    memcpy(a + 8, mac_from, 6);
    memcpy(a + 14, (uint8_t[]){10, 0, 0, 99}, 4);
    memcpy(a + 24, (uint8_t[]){10, 0, 0, x}, 4);
    return n + 46;
}

uint32_t frame_ping(uint8_t *out, uint8_t x, const uint8_t *to_mac)
{
    uint32_t n = put_eth(out, to_mac, 0, 0x0800);
    uint8_t *icmp = out + n + 20;

    put_ip4(out + n, 1, x, 40, false);
    memset(icmp, 0, 40);
    icmp[0] = 8;
    memset(icmp + 8, 'p', 32);
    put16(icmp + 2, fold(sum16(icmp, 40, 0)));
    return n + 60;
}

bool frames_send(uint16_t port_id, const uint8_t *frame, uint32_t len, uint32_t seg_bytes)
{
    static struct rte_mempool *pool;
    struct rte_mbuf *head = NULL, *last = NULL;

    if (!pool)
        pool = rte_pktmbuf_pool_create("test_frames", 4095, 0, 0, FRAME_MAX + 128, SOCKET_ID_ANY);
    for (uint32_t at = 0; at < len;) {
        uint32_t n = seg_bytes && seg_bytes < len - at ? seg_bytes : len - at;
        struct rte_mbuf *m = pool ? rte_pktmbuf_alloc(pool) : NULL;

        if (!m) {
            rte_pktmbuf_free(head);
            return false;
        }
        memcpy(rte_pktmbuf_append(m, (uint16_t)n), frame + at, n);
        if (head) {
            last->next = m;
            head->nb_segs++;
            head->pkt_len += n;
        } else {
            head = m;
        }
        last = m;
        at += n;
    }
    if (rte_eth_tx_burst(port_id, 0, &head, 1) == 1)
        return true;
    rte_pktmbuf_free(head);
    return false;
}
