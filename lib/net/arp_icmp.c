#include <string.h>

#include "base/bytes.h"
#include "net/arp_icmp.h"
#include "rdd/packet_sum.h"

#define ETH_BYTES 14u
#define TAG_BYTES 4u
#define ARP_BYTES 28u
#define IP4_BYTES 20u
#define IP6_BYTES 40u
#define NS_BYTES  24u
#define NA_BYTES  32u

/* Of an ICMP message: its IP packet has a 16-bit length. */
#define ECHO_BYTES_MAX 65000u

#define ETHER_IP4  0x0800u
#define ETHER_ARP  0x0806u
#define ETHER_VLAN 0x8100u
#define ETHER_IP6  0x86ddu

#define ICMP_ECHO_REPLY  0u
#define ICMP_ECHO        8u
#define ICMP6_ECHO       128u
#define ICMP6_ECHO_REPLY 129u
#define ICMP6_NEIGHBOUR  135u
#define ICMP6_ADVERTISE  136u
#define NA_SOLICITED     0x40u
#define NA_OVERRIDE      0x20u
#define OPT_TARGET_MAC   2u
#define HOP_LIMIT        64u
#define HOP_LIMIT_ND     255u

/* What every reply is made from. */
struct request {
    const struct host_address *me;
    const struct pkt *p;
    const uint8_t *frame, *l3, *l4;
    uint32_t l4_len; /* layer 4 with its payload */
};

static void put_be16(uint8_t *to, uint32_t v)
{
    to[0] = (uint8_t)(v >> 8);
    to[1] = (uint8_t)v;
}

static bool is_ip4(const struct ip *ip)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    return !memcmp(ip->b, mapped, 12);
}

/* A host may be answered; a group, everybody and nobody may not. */
static bool is_one_host4(const uint8_t *a)
{
    return a[0] != 0 && a[0] < 224 && a[0] != 127;
}

static bool is_one_host6(const uint8_t *a)
{
    static const uint8_t none[16];

    return a[0] != 0xff && memcmp(a, none, 16) != 0;
}

/* tags_off counts the VLAN tags that the NIC took off: those of the row that are not in the
 * frame. */
static uint32_t tags_off(const struct pkt *p)
{
    uint32_t tags = !!(p->flags & PKT_VLAN) + !!(p->flags & PKT_QINQ);
    uint32_t in_frame = (p->l3_off - ETH_BYTES) / TAG_BYTES;

    return tags > in_frame ? tags - in_frame : 0;
}

static uint32_t eth_bytes(const struct pkt *p)
{
    return p->l3_off + tags_off(p) * TAG_BYTES;
}

/* eth_put writes the Ethernet header back to the sender, tags included, and returns its size. */
static uint32_t eth_put(const struct request *q, uint8_t *out)
{
    uint32_t o = 12;

    memcpy(out, q->frame + 6, 6);
    memcpy(out + 6, q->me->mac, 6);
    if (tags_off(q->p)) {
        put_be16(out + o, ETHER_VLAN);
        put_be16(out + o + 2, q->p->vlan);
        o += TAG_BYTES;
    }
    memcpy(out + o, q->frame + 12, q->p->l3_off - 12u);
    return o + q->p->l3_off - 12u;
}

static uint32_t arp_reply(const struct request *q, uint8_t *out, uint32_t out_bytes)
{
    static const uint8_t ethernet_ip4_request[8] = {0, 1, 8, 0, 6, 4, 0, 1};
    const uint8_t *arp = q->l3;
    uint32_t need = eth_bytes(q->p) + ARP_BYTES;

    if (q->p->cap_len - q->p->l3_off < ARP_BYTES || out_bytes < need)
        return 0;
    if (memcmp(arp, ethernet_ip4_request, 8) || !is_ip4(&q->me->ip) ||
        memcmp(arp + 24, q->me->ip.b + 12, 4) || arp[8] & 1)
        return 0;
    uint8_t *a = out + eth_put(q, out);
    memcpy(a, arp, 7);
    a[7] = 2;
    memcpy(a + 8, q->me->mac, 6);
    memcpy(a + 14, q->me->ip.b + 12, 4);
    memcpy(a + 18, arp + 8, 10); /* the sender: MAC and address */
    return need;
}

static uint32_t echo_reply4(const struct request *q, uint8_t *out, uint32_t out_bytes)
{
    uint32_t need = eth_bytes(q->p) + IP4_BYTES + q->l4_len;

    if (!is_ip4(&q->me->ip) || memcmp(q->l3 + 16, q->me->ip.b + 12, 4) || need > out_bytes ||
        q->l4[0] != ICMP_ECHO || q->l4[1] != 0 || !is_one_host4(q->l3 + 12) ||
        !packet_ip_sum_ok(q->p, q->frame))
        return 0;

    uint8_t *ip = out + eth_put(q, out), *icmp = ip + IP4_BYTES;
    memset(ip, 0, IP4_BYTES);
    ip[0] = 0x45;
    put_be16(ip + 2, IP4_BYTES + q->l4_len);
    ip[6] = 0x40; /* not to be fragmented: no identification is needed */
    ip[8] = HOP_LIMIT;
    ip[9] = 1;
    memcpy(ip + 12, q->l3 + 16, 4);
    memcpy(ip + 16, q->l3 + 12, 4);
    uint16_t sum = (uint16_t)~inet_fold(inet_sum(ip, IP4_BYTES, 0));
    memcpy(ip + 10, &sum, 2);

    memcpy(icmp, q->l4, q->l4_len);
    icmp[0] = ICMP_ECHO_REPLY;
    icmp[2] = icmp[3] = 0;
    sum = (uint16_t)~inet_fold(inet_sum(icmp, q->l4_len, 0));
    memcpy(icmp + 2, &sum, 2);
    return need;
}

/* ip6_put writes the IPv6 header of an ICMPv6 message from us to q's sender. */
static void ip6_put(const struct request *q, uint8_t *ip, uint32_t len, uint8_t hop_limit)
{
    memset(ip, 0, IP6_BYTES);
    ip[0] = 0x60;
    put_be16(ip + 4, len);
    ip[6] = 58;
    ip[7] = hop_limit;
    memcpy(ip + 8, q->me->ip.b, 16);
    memcpy(ip + 24, q->l3 + 8, 16);
}

static void icmp6_sum(const uint8_t *ip, uint8_t *icmp, uint32_t len)
{
    uint64_t pseudo = (uint64_t)__builtin_bswap32(len) + (58u << 8);

    icmp[2] = icmp[3] = 0;
    uint16_t sum = (uint16_t)~inet_fold(inet_sum(icmp, len, inet_sum(ip + 8, 32, pseudo)));
    memcpy(icmp + 2, &sum, 2);
}

static uint32_t echo_reply6(const struct request *q, uint8_t *out, uint32_t out_bytes)
{
    uint32_t need = eth_bytes(q->p) + IP6_BYTES + q->l4_len;

    if (memcmp(q->l3 + 24, q->me->ip.b, 16) || need > out_bytes)
        return 0;
    uint8_t *ip = out + eth_put(q, out), *icmp = ip + IP6_BYTES;
    ip6_put(q, ip, q->l4_len, HOP_LIMIT);
    memcpy(icmp, q->l4, q->l4_len);
    icmp[0] = ICMP6_ECHO_REPLY;
    icmp6_sum(ip, icmp, q->l4_len);
    return need;
}

static uint32_t advertise(const struct request *q, uint8_t *out, uint32_t out_bytes)
{
    uint32_t need = eth_bytes(q->p) + IP6_BYTES + NA_BYTES;

    if (q->l4_len < NS_BYTES || q->l3[7] != HOP_LIMIT_ND || memcmp(q->l4 + 8, q->me->ip.b, 16) ||
        need > out_bytes)
        return 0;
    uint8_t *ip = out + eth_put(q, out), *na = ip + IP6_BYTES;
    ip6_put(q, ip, NA_BYTES, HOP_LIMIT_ND);
    memset(na, 0, NA_BYTES);
    na[0] = ICMP6_ADVERTISE;
    na[4] = NA_SOLICITED | NA_OVERRIDE;
    memcpy(na + 8, q->me->ip.b, 16);
    na[24] = OPT_TARGET_MAC;
    na[25] = 1; /* in units of 8 bytes */
    memcpy(na + 26, q->me->mac, 6);
    icmp6_sum(ip, na, NA_BYTES);
    return need;
}

static uint32_t icmp6_reply(const struct request *q, uint8_t *out, uint32_t out_bytes)
{
    if (is_ip4(&q->me->ip) || !is_one_host6(q->l3 + 8) || q->l4[1] != 0)
        return 0;
    if (q->l4[0] == ICMP6_ECHO)
        return echo_reply6(q, out, out_bytes);
    return q->l4[0] == ICMP6_NEIGHBOUR ? advertise(q, out, out_bytes) : 0;
}

uint32_t arp_icmp_reply(const struct host_address *me, const struct pkt *p, const uint8_t *frame,
                        uint8_t *out, uint32_t out_bytes)
{
    struct request q = {.me = me, .p = p, .frame = frame};

    /* An answer goes to one host, and not to ourselves. */
    if (p->l3_off < ETH_BYTES || frame[6] & 1 || !memcmp(frame + 6, me->mac, 6))
        return 0;
    if (p->l3_off > ETH_BYTES + 2 * TAG_BYTES)
        return 0;
    q.l3 = frame + p->l3_off;
    if (p->ether_type == ETHER_ARP)
        return arp_reply(&q, out, out_bytes);
    if (!(p->flags & PKT_ICMP) || p->flags & (PKT_FRAGMENT | PKT_CUT) ||
        packet_sum(p, frame) == PACKET_SUM_BAD)
        return 0;
    q.l4 = frame + p->l4_off;
    q.l4_len = (uint32_t)(p->payload_off - p->l4_off) + p->payload_len;
    if (q.l4_len > ECHO_BYTES_MAX)
        return 0;
    if (p->flags & PKT_IP4)
        return echo_reply4(&q, out, out_bytes);
    return icmp6_reply(&q, out, out_bytes);
}
