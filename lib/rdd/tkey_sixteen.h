/*
 * Sixteen keys at once, with AVX-512: loaded and hashed as tkey_load.h does it for one.
 */
#ifndef RDD_TKEY_SIXTEEN_H
#define RDD_TKEY_SIXTEEN_H

#include "rdd/tkey_load.h"

#define TKEY_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,aes,vaes,bmi2,popcnt")))

struct tkey_seeds_four {
    __m512i s0, s1;
};

TKEY_AVX512 static inline struct tkey_seeds_four tkey_seeds_four(void)
{
    struct tkey_seeds s = tkey_seeds();

    return (struct tkey_seeds_four){_mm512_broadcast_i32x4(s.s0), _mm512_broadcast_i32x4(s.s1)};
}

/* Sixteen bytes each from four places, which may belong to others (tkey_load_over). */
TKEY_AVX512
__attribute__((no_sanitize("address", "thread", "alignment"))) static inline __m512i tkey_load_four(
    const uint8_t *base, const uint32_t *off)
{
    __m512i x = _mm512_castsi128_si512(*(const __m128i_u *)(const void *)(base + off[0]));

    x = _mm512_inserti32x4(x, *(const __m128i_u *)(const void *)(base + off[1]), 1);
    x = _mm512_inserti32x4(x, *(const __m128i_u *)(const void *)(base + off[2]), 2);
    return _mm512_inserti32x4(x, *(const __m128i_u *)(const void *)(base + off[3]), 3);
}

/* Four short keys and their hashes. Each is what lies from four bytes before its own on, the
 * length put over those four and zeros behind; `len` has the lengths there. */
TKEY_AVX512 static inline __m512i tkey_hash_four(struct tkey *k, const uint8_t *base,
                                                 const uint32_t *off, __m512i len,
                                                 struct tkey_seeds_four s)
{
    const __m512i place =
        _mm512_broadcast_i32x4(_mm_setr_epi8(-1, -1, -1, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
    __m512i lens = _mm512_shuffle_epi8(len, _mm512_setzero_si512());
    __mmask64 own = _mm512_cmplt_epu8_mask(place, lens);
    __m512i key = _mm512_mask_mov_epi8(len, own, tkey_load_four(base - sizeof k->len, off));

    _mm512_storeu_si512(k, key);
    key = _mm512_aesenc_epi128(_mm512_xor_si512(key, s.s0), s.s1);
    return _mm512_aesenc_epi128(_mm512_aesenc_epi128(key, s.s0), s.s1);
}

/* Sixteen short keys of which none lies at the edge of a page, and the upper halves of their
 * hashes. */
TKEY_AVX512 static inline void tkey_hash_sixteen(struct tkey *k, uint32_t *hash,
                                                 const uint8_t *base, const uint32_t *off,
                                                 __m512i len, struct tkey_seeds_four s)
{
    const __m512i upper = _mm512_setr_epi32(1, 5, 9, 13, 17, 21, 25, 29, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m512i first = _mm512_setr_epi32(0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0);
    __m512i h[4];

    for (int q = 0; q < 4; q++) {
        __m512i which = _mm512_add_epi32(first, _mm512_set1_epi32(4 * q));
        __m512i lens = _mm512_maskz_permutexvar_epi32(0x1111, which, len);
        h[q] = tkey_hash_four(k + 4 * q, base, off + 4 * q, lens, s);
    }
    __m512i low = _mm512_permutex2var_epi32(h[0], upper, h[1]);
    __m512i high = _mm512_permutex2var_epi32(h[2], upper, h[3]);
    _mm512_storeu_si512(hash, _mm512_inserti64x4(low, _mm512_castsi512_si256(high), 1));
}

/* tkey_edge_sixteen: the same where some of them (bits) lie at the edge of a page. */
void tkey_edge_sixteen(struct tkey *k, uint32_t *hash, const uint8_t *base, const uint32_t *off,
                       const uint32_t *len, uint32_t edge);

/* The keys at base + off[0..16), and the upper halves of their hashes. Returns which of them are
 * not short: what it makes of these has no meaning. */
TKEY_AVX512 static inline __mmask16 tkey_load_sixteen(struct tkey *k, uint32_t *hash,
                                                      const uint8_t *base, const uint32_t *off,
                                                      const uint32_t *len, struct tkey_seeds_four s)
{
    const uint32_t from = (uint32_t)((uintptr_t)base - sizeof k->len);
    __m512i lens = _mm512_loadu_si512(len), at = _mm512_loadu_si512(off);

    at = _mm512_add_epi32(at, _mm512_set1_epi32((int)from));
    at = _mm512_and_si512(at, _mm512_set1_epi32(4095));
    __mmask16 edge = _mm512_cmpgt_epu32_mask(at, _mm512_set1_epi32(4096 - 16));
    if (__builtin_expect(edge, 0))
        tkey_edge_sixteen(k, hash, base, off, len, edge);
    else
        tkey_hash_sixteen(k, hash, base, off, lens, s);
    return _mm512_cmpgt_epu32_mask(lens, _mm512_set1_epi32(TKEY_INLINE));
}

/* The sixteen from `first` on that the bits say, behind each other; all sixteen places are written.
 * Returns how many they are. */
TKEY_AVX512 static inline uint32_t places_put(uint16_t *to, __mmask16 bits, uint32_t first)
{
    const __m512i count = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    __m512i at =
        _mm512_add_epi32(_mm512_maskz_compress_epi32(bits, count), _mm512_set1_epi32((int)first));

    _mm256_storeu_si256((__m256i *)(void *)to, _mm512_cvtepi32_epi16(at));
    return (uint32_t)__builtin_popcount(bits);
}

#endif
