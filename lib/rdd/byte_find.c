#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

#include "base/simd.h"
#include "rdd/byte_find.h"

#define INLINE static inline __attribute__((always_inline))
#define AVX2   __attribute__((target("avx2,bmi")))
#define AVX512 __attribute__((target("avx512f,avx512bw,bmi")))

/* Below this the set-up of a vector step costs more than it saves. */
#define SCALAR_BYTES 8u

INLINE uint32_t find_scalar(const uint8_t *p, uint32_t n, const uint8_t c[3], bool three,
                            uint32_t *pos, uint32_t max)
{
    uint32_t cnt = 0;

    for (uint32_t i = 0; i < n && cnt < max; i++)
        if (p[i] == c[0] || (three && (p[i] == c[1] || p[i] == c[2])))
            pos[cnt++] = i;
    return cnt;
}

/* Most steps hold no hit or a few: four are stored without asking, the rest is rare. */
INLINE uint32_t mask_store(uint64_t mask, uint32_t at, uint32_t *pos, uint32_t cnt, uint32_t max)
{
    uint32_t hits = (uint32_t)__builtin_popcountll(mask);
    uint32_t end = cnt + hits < max ? cnt + hits : max;

    for (uint32_t k = cnt; k < cnt + 4; k++) {
        pos[k] = at + (mask ? (uint32_t)__builtin_ctzll(mask) : 0);
        mask &= mask - 1;
    }
    for (uint32_t k = cnt + 4; k < end; k++) {
        pos[k] = at + (uint32_t)__builtin_ctzll(mask);
        mask &= mask - 1;
    }
    return end;
}

AVX2 INLINE uint64_t mask32_avx2(const uint8_t *p, const __m256i *c, bool three)
{
    __m256i v = _mm256_loadu_si256((const __m256i *)p), hit = _mm256_cmpeq_epi8(v, c[0]);

    if (three)
        hit = _mm256_or_si256(
            hit, _mm256_or_si256(_mm256_cmpeq_epi8(v, c[1]), _mm256_cmpeq_epi8(v, c[2])));
    return (uint32_t)_mm256_movemask_epi8(hit);
}

AVX2 INLINE uint32_t find_avx2(const uint8_t *p, uint32_t n, const uint8_t c[3], bool three,
                               uint32_t *pos, uint32_t max)
{
    const __m256i cv[3] = {_mm256_set1_epi8((char)c[0]), _mm256_set1_epi8((char)c[1]),
                           _mm256_set1_epi8((char)c[2])};
    uint32_t cnt = 0, i = 0;

    for (; n - i >= 64 && cnt < max; i += 64) {
        uint64_t mask = mask32_avx2(p + i, cv, three) | mask32_avx2(p + i + 32, cv, three) << 32;
        if (mask)
            cnt = mask_store(mask, i, pos, cnt, max);
    }
    if (i < n && cnt < max) {
        uint8_t tail[64] = {0};
        memcpy(tail, p + i, n - i);
        uint64_t mask = mask32_avx2(tail, cv, three) | mask32_avx2(tail + 32, cv, three) << 32;
        mask &= (UINT64_C(1) << (n - i)) - 1;
        if (mask)
            cnt = mask_store(mask, i, pos, cnt, max);
    }
    return cnt;
}

AVX512 INLINE uint64_t mask_avx512(__m512i v, const __m512i *c, bool three)
{
    uint64_t hit = _mm512_cmpeq_epi8_mask(v, c[0]);

    if (three)
        hit |= _mm512_cmpeq_epi8_mask(v, c[1]) | _mm512_cmpeq_epi8_mask(v, c[2]);
    return hit;
}

AVX512 INLINE uint32_t find_avx512(const uint8_t *p, uint32_t n, const uint8_t c[3], bool three,
                                   uint32_t *pos, uint32_t max)
{
    const __m512i cv[3] = {_mm512_set1_epi8((char)c[0]), _mm512_set1_epi8((char)c[1]),
                           _mm512_set1_epi8((char)c[2])};
    uint32_t cnt = 0, i = 0;

    for (; n - i >= 64 && cnt < max; i += 64) {
        uint64_t mask = mask_avx512(_mm512_loadu_si512(p + i), cv, three);
        if (mask)
            cnt = mask_store(mask, i, pos, cnt, max);
    }
    if (i < n && cnt < max) {
        uint64_t live = (UINT64_C(1) << (n - i)) - 1;
        uint64_t mask = live & mask_avx512(_mm512_maskz_loadu_epi8(live, p + i), cv, three);
        if (mask)
            cnt = mask_store(mask, i, pos, cnt, max);
    }
    return cnt;
}

static uint32_t find1_scalar(const uint8_t *p, uint32_t n, const uint8_t c[3], uint32_t *pos,
                             uint32_t max)
{
    return find_scalar(p, n, c, false, pos, max);
}

static uint32_t find3_scalar(const uint8_t *p, uint32_t n, const uint8_t c[3], uint32_t *pos,
                             uint32_t max)
{
    return find_scalar(p, n, c, true, pos, max);
}

AVX2 static uint32_t find1_avx2(const uint8_t *p, uint32_t n, const uint8_t c[3], uint32_t *pos,
                                uint32_t max)
{
    return find_avx2(p, n, c, false, pos, max);
}

AVX2 static uint32_t find3_avx2(const uint8_t *p, uint32_t n, const uint8_t c[3], uint32_t *pos,
                                uint32_t max)
{
    return find_avx2(p, n, c, true, pos, max);
}

AVX512 static uint32_t find1_avx512(const uint8_t *p, uint32_t n, const uint8_t c[3], uint32_t *pos,
                                    uint32_t max)
{
    return find_avx512(p, n, c, false, pos, max);
}

AVX512 static uint32_t find3_avx512(const uint8_t *p, uint32_t n, const uint8_t c[3], uint32_t *pos,
                                    uint32_t max)
{
    return find_avx512(p, n, c, true, pos, max);
}

uint32_t byte_find(const uint8_t *p, uint32_t n, uint8_t c, uint32_t *pos, uint32_t max)
{
    const uint8_t all[3] = {c, c, c};

    if (n < SCALAR_BYTES || simd_level == SIMD_SCALAR)
        return find1_scalar(p, n, all, pos, max);
    return simd_level == SIMD_AVX2 ? find1_avx2(p, n, all, pos, max)
                                   : find1_avx512(p, n, all, pos, max);
}

uint32_t byte_find3(const uint8_t *p, uint32_t n, const uint8_t c[3], uint32_t *pos, uint32_t max)
{
    if (n < SCALAR_BYTES || simd_level == SIMD_SCALAR)
        return find3_scalar(p, n, c, pos, max);
    return simd_level == SIMD_AVX2 ? find3_avx2(p, n, c, pos, max)
                                   : find3_avx512(p, n, c, pos, max);
}
