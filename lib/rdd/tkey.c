#include "base/bytes.h"
#include "rdd/tkey_load.h"

uint64_t tkey_seed[2] = {0x9e3779b97f4a7c15ull, 0xd1b54a32d192ed03ull};

#define KEY_MOVE(n)                                                                         \
    {                                                                                       \
        -1, -1, -1, -1, n > 0 ? 0 : -1, n > 1 ? 1 : -1, n > 2 ? 2 : -1, n > 3 ? 3 : -1,     \
            n > 4 ? 4 : -1, n > 5 ? 5 : -1, n > 6 ? 6 : -1, n > 7 ? 7 : -1, n > 8 ? 8 : -1, \
            n > 9 ? 9 : -1, n > 10 ? 10 : -1, n > 11 ? 11 : -1                              \
    }
const int8_t tkey_move[TKEY_INLINE + 1][16] __attribute__((aligned(16))) = {
    KEY_MOVE(0), KEY_MOVE(1), KEY_MOVE(2), KEY_MOVE(3),  KEY_MOVE(4),  KEY_MOVE(5), KEY_MOVE(6),
    KEY_MOVE(7), KEY_MOVE(8), KEY_MOVE(9), KEY_MOVE(10), KEY_MOVE(11), KEY_MOVE(12)};

__m128i tkey_load_edge(const uint8_t *p, uint32_t len)
{
    uint8_t b[16] = {0};

    memcpy(b, p, len);
    return _mm_loadu_si128((const __m128i *)(const void *)b);
}

void tkeys_load(struct tkey *k, const struct enc_keys *e, const uint16_t *sel, uint32_t n)
{
    const uint8_t *base = e->base;
    const uint32_t *off = e->off, *len = e->len;

    if (sel)
        for (uint32_t i = 0; i < n; i++)
            _mm_storeu_si128((__m128i *)(void *)&k[i], tkey_load(base + off[sel[i]], len[sel[i]]));
    else
        for (uint32_t i = 0; i < n; i++)
            _mm_storeu_si128((__m128i *)(void *)&k[i], tkey_load(base + off[i], len[i]));
}

/* A product of 128 bits, folded: mixes every bit of both. */
static inline uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 m = (unsigned __int128)a * b;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/* A long key, sixteen bytes at a time; the last are filled up with zeros. What is loaded for them
 * begins before them, inside the key, and is moved down: no copy. */
static uint64_t mix_bytes(const uint8_t *p, uint32_t len, uint64_t s0, uint64_t s1)
{
    uint64_t h = s0 ^ len, low = 0, high = 0;
    uint32_t i = 0;

    for (; i + 16 <= len; i += 16)
        h = mix(load_le64(p + i) ^ s1, load_le64(p + i + 8) ^ h);
    if (len - i > 8) {
        low = load_le64(p + i);
        high = load_le64(p + len - 8) >> 8 * (i + 16 - len);
    } else if (len - i) {
        low = load_le64(p + len - 8) >> 8 * (i + 8 - len);
    }
    h = mix(low ^ s1, high ^ h);
    return mix(h ^ s0, s1 ^ len);
}

uint64_t tkey_hash_long(const uint8_t *p, uint32_t len)
{
    return mix_bytes(p, len, tkey_seed[0], tkey_seed[1]);
}

void tkeys_hash(uint64_t *hash, const struct tkey *k, uint32_t n)
{
    struct tkey_seeds seeds = tkey_seeds();

    for (uint32_t i = 0; i < n; i++)
        hash[i] =
            tkey_is_short(&k[i])
                ? tkey_hash_short(_mm_loadu_si128((const __m128i *)(const void *)&k[i]), seeds)
                : tkey_hash_long(k[i].ptr, k[i].len);
}

uint64_t tkey_rank(const struct tkey *k)
{
    const uint64_t s0 = 0xa0761d6478bd642full, s1 = 0xe7037ed1a0b428dbull;
    uint64_t w[2];

    if (!tkey_is_short(k))
        return mix_bytes(k->ptr, k->len, s0, s1);
    memcpy(w, k, 16);
    return mix(w[0] ^ s0, w[1] ^ s1);
}

uint32_t tkey_partition(const struct tkey *k, uint32_t partitions)
{
    return (uint32_t)((tkey_rank(k) >> 32) * partitions >> 32);
}
