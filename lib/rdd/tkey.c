#include "base/bytes.h"
#include "base/simd.h"
#include "rdd/tkey_load.h"

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,aes,vaes")))

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

static inline void load_hash_one(struct tkey *k, uint32_t *hash, struct tkey_seeds seeds,
                                 const uint8_t *p, uint32_t len)
{
    __m128i key = tkey_load(p, len);
    uint64_t h = __builtin_expect(len <= TKEY_INLINE, 1) ? tkey_hash_short(key, seeds)
                                                         : tkey_hash_long(p, len);

    _mm_storeu_si128((__m128i *)(void *)k, key);
    *hash = (uint32_t)(h >> 32);
}

static uint32_t load_hash_plain(struct tkey *k, uint32_t *hash, const uint8_t *base,
                                const uint32_t *off, const uint32_t *len, uint32_t n,
                                uint16_t *longs)
{
    struct tkey_seeds seeds = tkey_seeds();
    uint32_t cnt = 0;

    for (uint32_t i = 0; i < n; i++) {
        load_hash_one(&k[i], &hash[i], seeds, base + off[i], len[i]);
        longs[cnt] = (uint16_t)i;
        cnt += len[i] > TKEY_INLINE;
    }
    return cnt;
}

/* Sixteen bytes each from four places, which may belong to others (tkey_load_over). */
AVX512 __attribute__((no_sanitize("address", "thread", "alignment"))) static inline __m512i
load_four(const uint8_t *base, const uint32_t *off)
{
    __m512i x = _mm512_castsi128_si512(*(const __m128i_u *)(const void *)(base + off[0]));

    x = _mm512_inserti32x4(x, *(const __m128i_u *)(const void *)(base + off[1]), 1);
    x = _mm512_inserti32x4(x, *(const __m128i_u *)(const void *)(base + off[2]), 2);
    return _mm512_inserti32x4(x, *(const __m128i_u *)(const void *)(base + off[3]), 3);
}

/* Four short keys and their hashes. Each is what lies from four bytes before its own on, the
 * length put over those four and zeros behind; `len` has the lengths there. */
AVX512 static inline __m512i load_hash_four(struct tkey *k, const uint8_t *base,
                                            const uint32_t *off, __m512i len, __m512i s0,
                                            __m512i s1)
{
    const __m512i place =
        _mm512_broadcast_i32x4(_mm_setr_epi8(-1, -1, -1, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
    __m512i lens = _mm512_shuffle_epi8(len, _mm512_setzero_si512());
    __mmask64 own = _mm512_cmplt_epu8_mask(place, lens);
    __m512i key = _mm512_mask_mov_epi8(len, own, load_four(base - sizeof k->len, off));

    _mm512_storeu_si512(k, key);
    key = _mm512_aesenc_epi128(_mm512_xor_si512(key, s0), s1);
    return _mm512_aesenc_epi128(_mm512_aesenc_epi128(key, s0), s1);
}

/* Sixteen short keys of which none lies at the edge of a page. */
AVX512 static inline void load_hash_sixteen(struct tkey *k, uint32_t *hash, const uint8_t *base,
                                            const uint32_t *off, __m512i len, __m512i s0,
                                            __m512i s1)
{
    const __m512i upper = _mm512_setr_epi32(1, 5, 9, 13, 17, 21, 25, 29, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m512i first = _mm512_setr_epi32(0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0);
    __m512i h[4];

    for (int q = 0; q < 4; q++) {
        __m512i which = _mm512_add_epi32(first, _mm512_set1_epi32(4 * q));
        __m512i lens = _mm512_maskz_permutexvar_epi32(0x1111, which, len);
        h[q] = load_hash_four(k + 4 * q, base, off + 4 * q, lens, s0, s1);
    }
    __m512i low = _mm512_permutex2var_epi32(h[0], upper, h[1]);
    __m512i high = _mm512_permutex2var_epi32(h[2], upper, h[3]);
    _mm512_storeu_si512(hash, _mm512_inserti64x4(low, _mm512_castsi512_si256(high), 1));
}

/* The sixteen from `first` on that the bits say, behind each other; all sixteen places are written.
 */
AVX512 static inline void places_put(uint16_t *to, __mmask16 bits, uint32_t first)
{
    const __m512i count = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    __m512i at =
        _mm512_add_epi32(_mm512_maskz_compress_epi32(bits, count), _mm512_set1_epi32((int)first));

    _mm256_storeu_si256((__m256i *)(void *)to, _mm512_cvtepi32_epi16(at));
}

/* Sixteen keys of which some lie at the edge of a page: in their place another is loaded, then
 * they, one by one. */
AVX512 __attribute__((noinline)) static void load_hash_edge(struct tkey *k, uint32_t *hash,
                                                            const uint8_t *base,
                                                            const uint32_t *off,
                                                            const uint32_t *len, uint32_t edge,
                                                            __m512i s0, __m512i s1)
{
    struct tkey_seeds seeds = tkey_seeds();
    uint32_t safe[16], other = off[__builtin_ctz(~edge) % 16];

    if (edge != 0xffff) {
        _mm512_storeu_si512(
            safe, _mm512_mask_set1_epi32(_mm512_loadu_si512(off), (__mmask16)edge, (int)other));
        load_hash_sixteen(k, hash, base, safe, _mm512_loadu_si512(len), s0, s1);
    }
    for (uint32_t m = edge; m; m &= m - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(m);
        load_hash_one(&k[i], &hash[i], seeds, base + off[i], len[i]);
    }
}

/* Keys that are not short are noted, and done in a loop of their own: where they are among the
 * others cannot be foretold. */
AVX512 static uint32_t load_hash_avx512(struct tkey *k, uint32_t *hash, const uint8_t *base,
                                        const uint32_t *off, const uint32_t *len, uint32_t n,
                                        uint16_t *longs)
{
    struct tkey_seeds seeds = tkey_seeds();
    const __m512i s0 = _mm512_broadcast_i32x4(seeds.s0), s1 = _mm512_broadcast_i32x4(seeds.s1);
    const __m512i from = _mm512_set1_epi32((int)(uint32_t)((uintptr_t)base - sizeof k->len));
    uint32_t i = 0, cnt = 0;

    for (; i + 16 <= n; i += 16) {
        __m512i lens = _mm512_loadu_si512(len + i), at = _mm512_loadu_si512(off + i);
        at = _mm512_and_si512(_mm512_add_epi32(at, from), _mm512_set1_epi32(4095));
        __mmask16 edge = _mm512_cmpgt_epu32_mask(at, _mm512_set1_epi32(4096 - 16));
        __mmask16 is_long = _mm512_cmpgt_epu32_mask(lens, _mm512_set1_epi32(TKEY_INLINE));
        if (__builtin_expect(edge, 0))
            load_hash_edge(k + i, hash + i, base, off + i, len + i, edge, s0, s1);
        else
            load_hash_sixteen(k + i, hash + i, base, off + i, lens, s0, s1);
        places_put(longs + cnt, is_long, i);
        cnt += (uint32_t)__builtin_popcount(is_long);
    }
    for (uint32_t j = 0; j < cnt; j++) {
        const uint8_t *p = base + off[longs[j]];
        uint32_t bytes = len[longs[j]];
        struct tkey *key = &k[longs[j]];
        _mm_storeu_si128((__m128i *)(void *)key, tkey_load_long(p, bytes));
        hash[longs[j]] = (uint32_t)(tkey_hash_long(p, bytes) >> 32);
    }
    for (; i < n; i++) {
        load_hash_one(&k[i], &hash[i], seeds, base + off[i], len[i]);
        longs[cnt] = (uint16_t)i;
        cnt += len[i] > TKEY_INLINE;
    }
    return cnt;
}

static uint32_t load_hash(struct tkey *k, uint32_t *hash, const uint8_t *base, const uint32_t *off,
                          const uint32_t *len, uint32_t n, uint16_t *longs)
{
    if (simd_level == SIMD_AVX512)
        return load_hash_avx512(k, hash, base, off, len, n, longs);
    return load_hash_plain(k, hash, base, off, len, n, longs);
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
