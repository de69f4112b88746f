#include <immintrin.h>
#include <string.h>

#include "base/bytes.h"
#include "base/simd.h"
#include "rdd/packet_sum.h"

#define PROTO_ICMP  1u
#define PROTO_TCP   6u
#define PROTO_UDP   17u
#define PROTO_ICMP6 58u
#define PROTO_ROUTE 43u
#define PROTO_AH    51u

/* 32-bit words are added up in 64-bit lanes: no carry is lost before 2^32 of them. len is a
 * multiple of 64. */
__attribute__((target("avx2"))) static uint64_t sum_avx2(const uint8_t *b, uint32_t len)
{
    const __m256i zero = _mm256_setzero_si256();
    __m256i lane[4] = {zero, zero, zero, zero};
    uint64_t out[4];

    for (uint32_t i = 0; i < len; i += 64) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(b + i));
        __m256i w = _mm256_loadu_si256((const __m256i *)(b + i + 32));
        lane[0] = _mm256_add_epi64(lane[0], _mm256_unpacklo_epi32(v, zero));
        lane[1] = _mm256_add_epi64(lane[1], _mm256_unpackhi_epi32(v, zero));
        lane[2] = _mm256_add_epi64(lane[2], _mm256_unpacklo_epi32(w, zero));
        lane[3] = _mm256_add_epi64(lane[3], _mm256_unpackhi_epi32(w, zero));
    }
    lane[0] =
        _mm256_add_epi64(_mm256_add_epi64(lane[0], lane[1]), _mm256_add_epi64(lane[2], lane[3]));
    memcpy(out, &lane[0], sizeof out);
    return out[0] + out[1] + out[2] + out[3];
}

uint64_t inet_sum(const void *p, uint32_t len, uint64_t sum)
{
    const uint8_t *b = p;
    uint32_t i = 0;

    if (len >= 128 && simd_level != SIMD_SCALAR) {
        i = len & ~63u;
        sum += sum_avx2(b, i);
    }
    for (; i + 8 <= len; i += 8) {
        uint64_t w = load_le64(b + i);
        sum += (w & 0xffffffffu) + (w >> 32);
    }
    if (len & 4) {
        sum += load_le32(b + i);
        i += 4;
    }
    if (len & 2) {
        sum += load_le16(b + i);
        i += 2;
    }
    return len & 1 ? sum + b[i] : sum;
}

uint16_t inet_fold(uint64_t sum)
{
    sum = (sum & 0xffffffffu) + (sum >> 32);
    sum = (sum & 0xffffffffu) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

bool packet_ip_sum_ok(const struct pkt *p, const uint8_t *frame)
{
    if (!(p->flags & PKT_IP4))
        return true;
    const uint8_t *ip = frame + p->l3_off;
    return inet_fold(inet_sum(ip, (ip[0] & 15u) * 4, 0)) == 0xffff;
}

/* A source route keeps the last address, which the checksum covers, outside of the header. */
static bool routed_elsewhere(const struct pkt *p, const uint8_t *ip)
{
    if (p->flags & PKT_IP4) {
        uint32_t end = (ip[0] & 15u) * 4;
        for (uint32_t i = 20; i < end && ip[i] != 0;) {
            if (ip[i] == 131 || ip[i] == 137) /* loose and strict source route */
                return true;
            if (ip[i] == 1)
                i++;
            else if (i + 1 < end && ip[i + 1] >= 2)
                i += ip[i + 1];
            else
                return false;
        }
        return false;
    }
    uint32_t next = ip[6], end = (uint32_t)(p->l4_off - p->l3_off);
    for (uint32_t i = 40; i + 4 <= end;) {
        if (next == PROTO_ROUTE && ip[i + 3])
            return true;
        uint32_t bytes = next == PROTO_AH ? (ip[i + 1] + 2u) * 4 : (ip[i + 1] + 1u) * 8;
        next = ip[i];
        i += bytes;
    }
    return false;
}

/* The field's place in the layer-4 header. */
static uint32_t sum_field(const struct pkt *p)
{
    switch (p->ip_proto) {
    case PROTO_TCP: return 16;
    case PROTO_UDP: return 6;
    default: return 2;
    }
}

/* The sum of the pseudo header: addresses, protocol, length. Addresses of a family lie side by
 * side. */
static uint64_t pseudo_sum(const struct pkt *p, const uint8_t *ip, uint32_t len)
{
    uint64_t sum = (uint64_t)__builtin_bswap32(len) + ((uint64_t)p->ip_proto << 8);

    if (p->flags & PKT_IP4)
        return p->ip_proto == PROTO_ICMP ? 0 : inet_sum(ip + 12, 8, sum);
    return inet_sum(ip + 8, 32, sum);
}

enum packet_sum packet_sum(const struct pkt *p, const uint8_t *frame)
{
    if (!(p->flags & (PKT_TCP | PKT_UDP | PKT_ICMP)) || p->flags & (PKT_FRAGMENT | PKT_CUT) ||
        p->payload_len == UINT16_MAX)
        return PACKET_SUM_NONE;

    const uint8_t *ip = frame + p->l3_off, *l4 = frame + p->l4_off;
    uint32_t len = (uint32_t)(p->payload_off - p->l4_off) + p->payload_len;
    uint16_t field = load_le16(l4 + sum_field(p));

    if (p->flags & PKT_UDP) {
        uint32_t udp_len = load_be16(l4 + 4);
        if (field == 0 && (p->flags & PKT_IP4 || p->tunnel))
            return PACKET_SUM_NONE;
        if (udp_len < 8 || udp_len > len)
            return PACKET_SUM_BAD;
        len = udp_len;
    }
    if (p->l4_off - p->l3_off != (p->flags & PKT_IP4 ? 20 : 40) && routed_elsewhere(p, ip))
        return PACKET_SUM_NONE;
    uint64_t pseudo = pseudo_sum(p, ip, len);
    if (inet_fold(inet_sum(l4, len, pseudo)) == 0xffff)
        return PACKET_SUM_OK;
    return pseudo && inet_fold(pseudo) == field ? PACKET_SUM_UNFINISHED : PACKET_SUM_BAD;
}
