#include <immintrin.h>

#include "base/simd.h"
#include "rdd/sel.h"

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,popcnt")))

static uint32_t where_each(uint16_t *to, const int64_t *cond, bool want, const uint16_t *sel,
                           uint32_t from, uint32_t n, uint32_t cnt)
{
    const uint32_t flip = !want;

    if (sel)
        for (uint32_t i = from; i < n; i++) {
            to[cnt] = sel[i];
            cnt += (uint32_t)(cond[sel[i]] != 0) ^ flip;
        }
    else
        for (uint32_t i = from; i < n; i++) {
            to[cnt] = (uint16_t)i;
            cnt += (uint32_t)(cond[i] != 0) ^ flip;
        }
    return cnt;
}

AVX512 static inline uint32_t eight(const int64_t *cond)
{
    __m512i c = _mm512_loadu_si512(cond);

    return _mm512_test_epi64_mask(c, c);
}

/* The first n rows, n a multiple of 32. */
AVX512 static uint32_t where_avx512(uint16_t *to, const int64_t *cond, bool want, uint32_t n)
{
    static const uint16_t count[32] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                       11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                       22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
    __m512i rows = _mm512_loadu_si512(count);
    uint32_t cnt = 0, flip = want ? 0 : ~0u;

    for (uint32_t i = 0; i < n; i += 32, cond += 32) {
        uint32_t here =
            eight(cond) | eight(cond + 8) << 8 | eight(cond + 16) << 16 | eight(cond + 24) << 24;
        here ^= flip;
        _mm512_storeu_si512(to + cnt, _mm512_maskz_compress_epi16(here, rows));
        cnt += (uint32_t)_mm_popcnt_u32(here);
        rows = _mm512_add_epi16(rows, _mm512_set1_epi16(32));
    }
    return cnt;
}

static inline uint32_t four(const int64_t *cond)
{
    __m256i zero = _mm256_cmpeq_epi64(_mm256_loadu_si256((const __m256i *)(const void *)cond),
                                      _mm256_setzero_si256());

    return (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(zero)) ^ 15u;
}

/* The first n rows, n a multiple of 8: a byte for each row, those that hold moved together. */
static uint32_t where_avx2(uint16_t *to, const int64_t *cond, bool want, uint32_t n)
{
    uint32_t cnt = 0, flip = want ? 0 : 255;

    for (uint32_t i = 0; i < n; i += 8) {
        uint32_t here = (four(cond + i) | four(cond + i + 4) << 4) ^ flip;
        uint64_t bytes = _pdep_u64(here, 0x0101010101010101) * 255;
        uint64_t rows = _pext_u64(0x0706050403020100, bytes);
        __m128i wide = _mm_cvtepu8_epi16(_mm_cvtsi64_si128((int64_t)rows));
        wide = _mm_add_epi16(wide, _mm_set1_epi16((int16_t)i));
        _mm_storeu_si128((__m128i *)(void *)(to + cnt), wide);
        cnt += (uint32_t)__builtin_popcount(here);
    }
    return cnt;
}

uint32_t sel_where(uint16_t *to, const int64_t *cond, bool want, const uint16_t *sel, uint32_t n)
{
    uint32_t from = 0, cnt = 0;

    if (!sel && simd_level == SIMD_AVX512) {
        from = n - n % 32;
        cnt = where_avx512(to, cond, want, from);
    } else if (!sel && simd_level == SIMD_AVX2) {
        from = n - n % 8;
        cnt = where_avx2(to, cond, want, from);
    }
    return where_each(to, cond, want, sel, from, n, cnt);
}
