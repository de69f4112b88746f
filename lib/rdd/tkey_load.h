/*
 * How the bytes of a key become sixteen: what tkeys_load does for each, for loops that do
 * something with the key at once.
 */
#ifndef RDD_TKEY_LOAD_H
#define RDD_TKEY_LOAD_H

#include <immintrin.h>

#include "base/bytes.h"
#include "rdd/tkey.h"

/* Row n moves n bytes behind the length of a key, and zeros behind them. */
extern const int8_t tkey_move[TKEY_INLINE + 1][16];

/* A load that stays inside its 4 KB page cannot fault. The bytes behind the string may belong to
 * others, who may be writing them; they are masked away. */
__attribute__((no_sanitize("address", "thread", "alignment"))) static inline __m128i tkey_load_over(
    const uint8_t *p)
{
    return *(const __m128i_u *)(const void *)p;
}

/* tkey_load_edge: the same sixteen bytes where they would cross into a page that may not be there.
 */
__m128i tkey_load_edge(const uint8_t *p, uint32_t len);

/* Sixteen bytes at p of which `len` count. None may: then p may be where a page ends, and it is the
 * byte before p that says which page there is. */
static inline __m128i tkey_load_16(const uint8_t *p, uint32_t len)
{
    if (__builtin_expect((((uintptr_t)p - 1) & 4095) < 4096 - 16, 1))
        return tkey_load_over(p);
    return tkey_load_edge(p, len);
}

/* A short key. No branch hangs on its length: those of words cannot be foretold. */
static inline __m128i tkey_load_short(const uint8_t *p, uint32_t len)
{
    __m128i move = _mm_load_si128((const __m128i *)tkey_move[len]);
    __m128i bytes = _mm_shuffle_epi8(tkey_load_16(p, len), move);

    return _mm_or_si128(bytes, _mm_cvtsi32_si128((int)len));
}

static inline __m128i tkey_load_long(const uint8_t *p, uint32_t len)
{
    return _mm_set_epi64x((int64_t)(uintptr_t)p, (int64_t)((uint64_t)load_le32(p) << 32 | len));
}

static inline __m128i tkey_load(const uint8_t *p, uint32_t len)
{
    return __builtin_expect(len <= TKEY_INLINE, 1) ? tkey_load_short(p, len)
                                                   : tkey_load_long(p, len);
}

/*
 * The table hash of a short key: three rounds of AES under two secret keys, of which any part may
 * be used. After two rounds one byte of the key would reach no more than a byte of each word, and
 * whoever knows that could aim; the third ends it. It takes 0.6 ns less than a folded product of
 * 128 bits, because nothing leaves the vector registers on the way.
 */
struct tkey_seeds {
    __m128i s0, s1;
};

static inline struct tkey_seeds tkey_seeds(void)
{
    __m128i s0 = _mm_loadu_si128((const __m128i *)(const void *)tkey_seed);

    return (struct tkey_seeds){s0, _mm_aesenc_si128(_mm_shuffle_epi32(s0, 0x4e), s0)};
}

static inline uint64_t tkey_hash_short(__m128i k, struct tkey_seeds s)
{
    k = _mm_aesenc_si128(_mm_xor_si128(k, s.s0), s.s1);
    k = _mm_aesenc_si128(k, s.s0);
    k = _mm_aesenc_si128(k, s.s1);
    return (uint64_t)_mm_cvtsi128_si64(k);
}

/* tkey_hash_long: the table hash of a key that is not held inline. */
uint64_t tkey_hash_long(const uint8_t *p, uint32_t len);

/* A key and the upper half of its hash. */
static inline void tkey_load_hash(struct tkey *k, uint32_t *hash, struct tkey_seeds seeds,
                                  const uint8_t *p, uint32_t len)
{
    __m128i key = tkey_load(p, len);
    uint64_t h = __builtin_expect(len <= TKEY_INLINE, 1) ? tkey_hash_short(key, seeds)
                                                         : tkey_hash_long(p, len);

    _mm_storeu_si128((__m128i *)(void *)k, key);
    *hash = (uint32_t)(h >> 32);
}

#endif
