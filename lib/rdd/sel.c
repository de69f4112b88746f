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

uint32_t sel_where(uint16_t *to, const int64_t *cond, bool want, const uint16_t *sel, uint32_t n)
{
    uint32_t from = 0, cnt = 0;

    if (!sel && simd_level == SIMD_AVX512) {
        from = n - n % 32;
        cnt = where_avx512(to, cond, want, from);
    }
    return where_each(to, cond, want, sel, from, n, cnt);
}
