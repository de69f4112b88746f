#include <immintrin.h>
#include <string.h>

#include "rdd/byte_find.h"

#define AVX512 __attribute__((target("avx512f,avx512bw")))

static uint32_t byte_find_scalar(const uint8_t *p, uint32_t n, uint8_t c, uint32_t *pos,
                                 uint32_t max)
{
    uint32_t cnt = 0;

    for (uint32_t i = 0; i < n && cnt < max; i++)
        if (p[i] == c)
            pos[cnt++] = i;
    return cnt;
}

/* Most steps hold no hit or one: four are stored without asking, the rest is rare. */
static inline uint32_t mask_store(uint64_t mask, uint32_t at, uint32_t *pos, uint32_t cnt,
                                  uint32_t max)
{
    uint32_t hits = (uint32_t)__builtin_popcountll(mask);
    uint32_t end = cnt + hits < max ? cnt + hits : max;

    for (uint32_t k = 0; k < 4; k++) {
        pos[cnt + k] = at + (uint32_t)_tzcnt_u64(mask);
        mask = _blsr_u64(mask);
    }
    for (uint32_t k = cnt + 4; k < end; k++) {
        pos[k] = at + (uint32_t)_tzcnt_u64(mask);
        mask = _blsr_u64(mask);
    }
    return end;
}

static inline uint64_t mask_avx2(const uint8_t *p, __m256i c)
{
    __m256i lo = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)p), c);
    __m256i hi = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(p + 32)), c);

    return (uint32_t)_mm256_movemask_epi8(lo) | (uint64_t)(uint32_t)_mm256_movemask_epi8(hi) << 32;
}

static uint32_t byte_find_avx2(const uint8_t *p, uint32_t n, uint8_t c, uint32_t *pos, uint32_t max)
{
    const __m256i cv = _mm256_set1_epi8((char)c);
    uint32_t cnt = 0, i = 0;

    for (; i + 64 <= n && cnt < max; i += 64) {
        uint64_t mask = mask_avx2(p + i, cv);
        if (mask)
            cnt = mask_store(mask, i, pos, cnt, max);
    }
    if (i < n && cnt < max) {
        uint8_t tail[64] = {0};
        memcpy(tail, p + i, n - i);
        uint64_t mask = mask_avx2(tail, cv) & ((UINT64_C(1) << (n - i)) - 1);
        if (mask)
            cnt = mask_store(mask, i, pos, cnt, max);
    }
    return cnt;
}

AVX512 static uint32_t byte_find_avx512(const uint8_t *p, uint32_t n, uint8_t c, uint32_t *pos,
                                        uint32_t max)
{
    const __m512i cv = _mm512_set1_epi8((char)c);
    uint32_t cnt = 0, i = 0;

    for (; i + 64 <= n && cnt < max; i += 64) {
        uint64_t mask = _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(p + i), cv);
        if (mask)
            cnt = mask_store(mask, i, pos, cnt, max);
    }
    if (i < n && cnt < max) {
        uint64_t live = (UINT64_C(1) << (n - i)) - 1;
        __m512i v = _mm512_maskz_loadu_epi8(live, p + i);
        uint64_t mask = _mm512_mask_cmpeq_epi8_mask(live, v, cv);
        if (mask)
            cnt = mask_store(mask, i, pos, cnt, max);
    }
    return cnt;
}

uint32_t byte_find(const uint8_t *p, uint32_t n, uint8_t c, uint32_t *pos, uint32_t max)
{
    if (n < 8)
        return byte_find_scalar(p, n, c, pos, max);
    if (__builtin_cpu_supports("avx512bw"))
        return byte_find_avx512(p, n, c, pos, max);
    return byte_find_avx2(p, n, c, pos, max);
}
