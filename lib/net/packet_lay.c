#include "net/packet_lay.h"

#include <immintrin.h>
#include <stddef.h>

#include "base/simd.h"
#include "net/packet_plain.h"

#define AVX2 __attribute__((target("avx2")))

/* Where rows and bytes are going to be written is fetched so far ahead. */
#define FETCH_BYTES 1024u

static inline void fetch_ahead(const struct pkt *row, const uint8_t *bytes)
{
    __builtin_prefetch((const uint8_t *)row + FETCH_BYTES, 1);
    __builtin_prefetch(bytes + FETCH_BYTES, 1);
}

static inline void copy_frame(uint8_t *to, const struct packet_whole *f)
{
    memcpy(to, f->bytes, PACKET_LAY_SLACK);
    if (f->len > PACKET_LAY_SLACK)
        memcpy(to + PACKET_LAY_SLACK, f->bytes + PACKET_LAY_SLACK, f->len - PACKET_LAY_SLACK);
}

/* ---- scalar ------------------------------------------------------------------------------- */

/* Lays one packet; false: it is not plain. */
static inline bool lay_one(const struct packet_lay *to, struct pkt *row, uint32_t off,
                           const struct packet_whole *f)
{
    struct packet_frame frame = plain_frame(f, to->ts_ns, off);

    if (!plain_decode(row, &frame, to->frame_bytes_max))
        return false;
    copy_frame(to->base + off, f);
    return true;
}

static uint32_t lay_scalar(const struct packet_lay *to, const struct packet_whole *f, uint32_t n)
{
    uint32_t off = to->off, i;

    for (i = 0; i < n; i++) {
        fetch_ahead(to->row + i, to->base + off);
        if (!lay_one(to, to->row + i, off, f + i))
            break;
        off += f[i].len;
    }
    return i;
}

/* ---- AVX2 --------------------------------------------------------------------------------- */

/*
 * Eight words of a frame say whether it is plain UDP: each lies in a range, or its distance from
 * another word does. Shuffles put them side by side, the length of the IP packet where the row
 * wants that of the payload.
 */
enum word {
    W_TYPE,
    W_VERSION, /* and length of the header, TOS */
    W_FRAGMENT,
    W_PROTO, /* and TTL */
    W_SOURCE,
    W_IP_LEN, /* from the shortest one on: the length of the payload */
    W_DESTINATION,
    W_UDP_LEN, /* less the length of the IP packet */
};

#define WORDS      8
#define IP_BYTES   20u
#define PORT_LOW   (PLAIN_TUNNEL_PORT_MAX + 1)
#define PORT_RANGE (0xffffu - (PLAIN_TUNNEL_PORT_MAX - PLAIN_TUNNEL_PORT_MIN + 1))

/* Where the bytes of each word lie in the 16 that begin at `from`, counted from 1; 0: nowhere. */
#define WORD(word, at, from) [2 * (word)] = (at) - (from) + 2, [2 * (word) + 1] = (at) - (from) + 1
#define SWAPPED_WORD(word, at, from) \
    [2 * (word)] = (at) - (from) + 1, [2 * (word) + 1] = (at) - (from) + 2

#define FRONT_AT PLAIN_TYPE_AT
#define BACK_AT  (PLAIN_TYPE_AT + 16)

static const uint8_t words_front[2 * WORDS] = {
    WORD(W_TYPE, PLAIN_TYPE_AT, FRONT_AT), WORD(W_VERSION, PLAIN_IP_AT, FRONT_AT),
    WORD(W_FRAGMENT, PLAIN_IP_AT + 6, FRONT_AT), SWAPPED_WORD(W_PROTO, PLAIN_IP_AT + 8, FRONT_AT),
    WORD(W_IP_LEN, PLAIN_IP_AT + 2, FRONT_AT)};
static const uint8_t words_back[2 * WORDS] = {WORD(W_SOURCE, PLAIN_L4_AT, BACK_AT),
                                              WORD(W_DESTINATION, PLAIN_L4_AT + 2, BACK_AT),
                                              WORD(W_UDP_LEN, PLAIN_L4_AT + 4, BACK_AT)};
static const uint8_t words_less[2 * WORDS] = {WORD(W_UDP_LEN, PLAIN_IP_AT + 2, FRONT_AT)};
static const uint16_t words_kept[WORDS] = {0xffff, 0xffff, 0x3fff, 0xffff,
                                           0xffff, 0xffff, 0xffff, 0xffff};
static const uint16_t words_low[WORDS] = {[W_TYPE] = PLAIN_ETHER_IP4,
                                          [W_VERSION] = 0x4500,
                                          [W_PROTO] = PLAIN_UDP << 8,
                                          [W_SOURCE] = PORT_LOW,
                                          [W_IP_LEN] = PLAIN_UDP_END - PLAIN_IP_AT,
                                          [W_DESTINATION] = PORT_LOW,
                                          [W_UDP_LEN] = (uint16_t)-IP_BYTES};
/* That of W_IP_LEN follows from the length of the frame. */
static const uint16_t words_range[WORDS] = {
    [W_VERSION] = 0xff, [W_PROTO] = 0xff, [W_SOURCE] = PORT_RANGE, [W_DESTINATION] = PORT_RANGE};

_Static_assert(offsetof(struct pkt, off) == 8 && offsetof(struct pkt, cap_len) == 12 &&
                   offsetof(struct pkt, wire_len) == 16 &&
                   offsetof(struct pkt, payload_len) == 16 + 2 * W_IP_LEN,
               "where the parts of a row are put");

static inline __m128i load_16(const void *at)
{
    return _mm_loadu_si128(at);
}

/* As a shuffle wants them: nowhere has its highest bit set. */
static inline __m128i places(const uint8_t *word)
{
    return _mm_sub_epi8(load_16(word), _mm_set1_epi8(1));
}

AVX2 static uint32_t lay_avx2(const struct packet_lay *to, const struct packet_whole *f, uint32_t n)
{
    const struct pkt like = {.ts_ns = to->ts_ns,
                             .off = to->off,
                             .l3_off = PLAIN_IP_AT,
                             .l4_off = PLAIN_L4_AT,
                             .payload_off = PLAIN_UDP_END,
                             .flags = PKT_IP4 | PKT_UDP,
                             .ether_type = PLAIN_ETHER_IP4,
                             .ip_proto = PLAIN_UDP};
    const __m128i front = places(words_front), back = places(words_back);
    const __m128i less = places(words_less), kept = load_16(words_kept);
    const __m128i low = load_16(words_low), range = load_16(words_range);
    const __m128i head = _mm_set1_epi16(PLAIN_UDP_END);
    const __m128i row1 = load_16((const __m128i *)&like + 1);
    const __m128i row2 = load_16((const __m128i *)&like + 2);
    __m128i row0 = load_16(&like);
    const uint32_t most = to->frame_bytes_max ? to->frame_bytes_max : UINT16_MAX;
    uint8_t *bytes = to->base + to->off;
    uint32_t i;

    for (i = 0; i < n; i++) {
        __m128i *row = (__m128i *)(to->row + i);
        __m128i len = _mm_set1_epi32((int)f[i].len);
        __m128i a = load_16(f[i].bytes + FRONT_AT), b = load_16(f[i].bytes + BACK_AT);
        __m128i w = _mm_or_si128(_mm_shuffle_epi8(a, front), _mm_shuffle_epi8(b, back));
        w = _mm_sub_epi16(_mm_sub_epi16(_mm_and_si128(w, kept), low), _mm_shuffle_epi8(a, less));
        __m128i room = _mm_sub_epi16(_mm_set1_epi16((short)f[i].len), head);
        __m128i r = _mm_blend_epi16(range, room, 1 << W_IP_LEN);
        fetch_ahead(to->row + i, bytes);
        if (f[i].len - PLAIN_UDP_END > most - PLAIN_UDP_END ||
            _mm_movemask_epi8(_mm_cmpeq_epi16(_mm_max_epu16(w, r), r)) != 0xffff) {
            if (!lay_one(to, to->row + i, (uint32_t)(bytes - to->base), f + i))
                break;
        } else {
            copy_frame(bytes, f + i);
            _mm_storeu_si128(row, _mm_blend_epi32(row0, len, 1 << 3));
            _mm_storeu_si128(row + 1,
                             _mm_blend_epi32(_mm_blend_epi16(row1, w, 1 << W_IP_LEN), len, 1));
            _mm_storeu_si128(row + 2, row2);
        }
        bytes += f[i].len;
        row0 = _mm_add_epi32(row0, _mm_blend_epi32(_mm_setzero_si128(), len, 1 << 2));
    }
    return i;
}

uint32_t packet_lay_burst(const struct packet_lay *to, const struct packet_whole *f, uint32_t n)
{
    return simd_level == SIMD_SCALAR ? lay_scalar(to, f, n) : lay_avx2(to, f, n);
}
