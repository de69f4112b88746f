#include <immintrin.h>

#include "base/simd.h"
#include "rdd/sel_kernel.h"

#define INLINE static inline __attribute__((always_inline))
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
    uint32_t cnt = 0, flip = want ? 0 : ~0u;

    for (uint32_t i = 0; i < n; i += 32, cond += 32) {
        uint32_t here =
            eight(cond) | eight(cond + 8) << 8 | eight(cond + 16) << 16 | eight(cond + 24) << 24;
        cnt += sel_put_32(to + cnt, here ^ flip, i);
    }
    return cnt;
}

static inline uint32_t four(const int64_t *cond)
{
    __m256i zero = _mm256_cmpeq_epi64(_mm256_loadu_si256((const __m256i *)(const void *)cond),
                                      _mm256_setzero_si256());

    return (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(zero)) ^ 15u;
}

/* The rows first to first + 7 of which the bits are set: a byte for each, moved together. */
static inline uint32_t put_eight(uint16_t *to, uint32_t here, uint32_t first)
{
    uint64_t bytes = _pdep_u64(here, 0x0101010101010101) * 255;
    uint64_t rows = _pext_u64(0x0706050403020100, bytes);
    __m128i wide = _mm_cvtepu8_epi16(_mm_cvtsi64_si128((int64_t)rows));

    wide = _mm_add_epi16(wide, _mm_set1_epi16((int16_t)first));
    _mm_storeu_si128((__m128i *)(void *)to, wide);
    return (uint32_t)__builtin_popcount(here);
}

/* The first n rows, n a multiple of 8. */
static uint32_t where_avx2(uint16_t *to, const int64_t *cond, bool want, uint32_t n)
{
    uint32_t cnt = 0, flip = want ? 0 : 255;

    for (uint32_t i = 0; i < n; i += 8)
        cnt += put_eight(to + cnt, (four(cond + i) | four(cond + i + 4) << 4) ^ flip, i);
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

/* --- comparisons -------------------------------------------------------------------------------
 */

INLINE uint32_t compare_each(uint16_t *to, const int64_t *a, bool greater, int64_t y, bool want,
                             uint32_t from, uint32_t n, uint32_t cnt)
{
    for (uint32_t i = from; i < n; i++) {
        to[cnt] = (uint16_t)i;
        cnt += (greater ? a[i] > y : a[i] == y) == want;
    }
    return cnt;
}

INLINE uint32_t compare_avx2(uint16_t *to, const int64_t *a, bool greater, int64_t y, bool want,
                             uint32_t n)
{
    const __m256i with = _mm256_set1_epi64x(y);
    uint32_t cnt = 0, flip = want ? 0 : 255;

    for (uint32_t i = 0; i < n; i += 8) {
        uint32_t here = 0;
        for (uint32_t k = 0; k < 8; k += 4) {
            __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(a + i + k));
            x = greater ? _mm256_cmpgt_epi64(x, with) : _mm256_cmpeq_epi64(x, with);
            here |= (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(x)) << k;
        }
        cnt += put_eight(to + cnt, here ^ flip, i);
    }
    return cnt;
}

AVX512 INLINE uint32_t compare_eight(const int64_t *a, bool greater, __m512i with)
{
    __m512i x = _mm512_loadu_si512(a);

    return greater ? _mm512_cmpgt_epi64_mask(x, with) : _mm512_cmpeq_epi64_mask(x, with);
}

AVX512 INLINE uint32_t compare_avx512(uint16_t *to, const int64_t *a, bool greater, int64_t y,
                                      bool want, uint32_t n)
{
    const __m512i with = _mm512_set1_epi64(y);
    uint32_t cnt = 0, flip = want ? 0 : ~0u;

    for (uint32_t i = 0; i < n; i += 32, a += 32) {
        uint32_t here = compare_eight(a, greater, with) | compare_eight(a + 8, greater, with) << 8 |
                        compare_eight(a + 16, greater, with) << 16 |
                        compare_eight(a + 24, greater, with) << 24;
        cnt += sel_put_32(to + cnt, here ^ flip, i);
    }
    return cnt;
}

/* Two functions, so that neither asks which it is in the loop. */
AVX512 static uint32_t equal_avx512(uint16_t *to, const int64_t *a, int64_t y, bool want,
                                    uint32_t n)
{
    return compare_avx512(to, a, false, y, want, n);
}

AVX512 static uint32_t greater_avx512(uint16_t *to, const int64_t *a, int64_t y, bool want,
                                      uint32_t n)
{
    return compare_avx512(to, a, true, y, want, n);
}

INLINE uint32_t compare(uint16_t *to, const int64_t *a, bool greater, int64_t y, bool want,
                        uint32_t n)
{
    uint32_t from = 0, cnt = 0;

    if (simd_level == SIMD_AVX512) {
        from = n - n % 32;
        cnt = (greater ? greater_avx512 : equal_avx512)(to, a, y, want, from);
    } else if (simd_level == SIMD_AVX2) {
        from = n - n % 8;
        cnt = compare_avx2(to, a, greater, y, want, from);
    }
    return compare_each(to, a, greater, y, want, from, n, cnt);
}

uint32_t sel_compare(uint16_t *to, const int64_t *a, enum sel_op op, int64_t y, uint32_t n)
{
    const struct sel_ask ask = sel_ask_of(op, y);

    if (ask.greater)
        return compare(to, a, true, ask.with, ask.want, n);
    return compare(to, a, false, ask.with, ask.want, n);
}
