#include "base/bytes.h"
#include "base/simd.h"
#include "rdd/tkey_sixteen.h"

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

/* --- loaded and hashed -------------------------------------------------------------------------
 */

#define LOAD_CHUNK 256u /* rows whose places are gathered first, where some are selected */

/* Rows from `i` to n; `cnt` that are not short have come before. */
static uint32_t load_hash_plain(struct tkey *k, uint32_t *hash, const uint8_t *base,
                                const uint32_t *off, const uint32_t *len, uint32_t i, uint32_t n,
                                uint16_t *longs, uint32_t cnt)
{
    struct tkey_seeds seeds = tkey_seeds();

    for (; i < n; i++) {
        tkey_load_hash(&k[i], &hash[i], seeds, base + off[i], len[i]);
        longs[cnt] = (uint16_t)i;
        cnt += len[i] > TKEY_INLINE;
    }
    return cnt;
}

/* In place of those at the edge another is loaded; then they, one by one. */
TKEY_AVX512 void tkey_edge_sixteen(struct tkey *k, uint32_t *hash, const uint8_t *base,
                                   const uint32_t *off, const uint32_t *len, uint32_t edge)
{
    struct tkey_seeds seeds = tkey_seeds();
    uint32_t safe[16], other = off[__builtin_ctz(~edge) % 16];

    if (edge != 0xffff) {
        _mm512_storeu_si512(
            safe, _mm512_mask_set1_epi32(_mm512_loadu_si512(off), (__mmask16)edge, (int)other));
        tkey_hash_sixteen(k, hash, base, safe, _mm512_loadu_si512(len), tkey_seeds_four());
    }
    for (uint32_t m = edge; m; m &= m - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(m);
        tkey_load_hash(&k[i], &hash[i], seeds, base + off[i], len[i]);
    }
}

/* Keys that are not short are noted, and done in a loop of their own: where they are among the
 * others cannot be foretold. */
TKEY_AVX512 static uint32_t load_hash_avx512(struct tkey *k, uint32_t *hash, const uint8_t *base,
                                             const uint32_t *off, const uint32_t *len, uint32_t n,
                                             uint16_t *longs)
{
    const struct tkey_seeds_four seeds = tkey_seeds_four();
    uint32_t i = 0, cnt = 0;

    for (; i + 16 <= n; i += 16) {
        __mmask16 is_long = tkey_load_sixteen(k + i, hash + i, base, off + i, len + i, seeds);
        cnt += places_put(longs + cnt, is_long, i);
    }
    for (uint32_t j = 0; j < cnt; j++)
        tkey_load_hash(&k[longs[j]], &hash[longs[j]], tkey_seeds(), base + off[longs[j]],
                       len[longs[j]]);
    return load_hash_plain(k, hash, base, off, len, i, n, longs, cnt);
}

static uint32_t load_hash(struct tkey *k, uint32_t *hash, const uint8_t *base, const uint32_t *off,
                          const uint32_t *len, uint32_t n, uint16_t *longs)
{
    if (simd_level == SIMD_AVX512)
        return load_hash_avx512(k, hash, base, off, len, n, longs);
    return load_hash_plain(k, hash, base, off, len, 0, n, longs, 0);
}

uint32_t tkeys_load_hash(struct tkey *k, uint32_t *hash, const struct enc_keys *e,
                         const uint16_t *sel, uint32_t n, uint16_t *longs)
{
    uint32_t off[LOAD_CHUNK], len[LOAD_CHUNK], all = 0;

    if (!sel)
        return load_hash(k, hash, e->base, e->off, e->len, n, longs);
    for (uint32_t at = 0; at < n; at += LOAD_CHUNK) {
        uint32_t cnt = n - at < LOAD_CHUNK ? n - at : LOAD_CHUNK;
        for (uint32_t i = 0; i < cnt; i++) {
            off[i] = e->off[sel[at + i]];
            len[i] = e->len[sel[at + i]];
        }
        uint32_t more = load_hash(k + at, hash + at, e->base, off, len, cnt, longs + all);
        for (uint32_t j = all; j < all + more; j++)
            longs[j] = (uint16_t)(longs[j] + at);
        all += more;
    }
    return all;
}

/* --- without a seed ----------------------------------------------------------------------------
 */

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

void tkeys_partition(uint16_t *part, const struct tkey *k, size_t stride, uint32_t n,
                     uint32_t partitions)
{
    const uint8_t *at = (const uint8_t *)k;

    for (uint32_t i = 0; i < n; i++, at += stride)
        part[i] = (uint16_t)tkey_partition((const struct tkey *)(const void *)at, partitions);
}
