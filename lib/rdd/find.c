#include <immintrin.h>
#include <stddef.h>

#include "base/assert.h"
#include "base/simd.h"
#include "rdd/find.h"
#include "rdd/str.h"

#define AVX2   __attribute__((target("avx2,bmi")))
#define AVX512 __attribute__((target("avx512f,avx512bw,bmi")))

/* How usual a byte is in text, logs and headers; 0 for those not listed. */
static uint32_t commonness(uint8_t c)
{
    static const char usual[] = "@%$#{}[]<>|+*;XQZJKVYWUGFPHBLMDOCRNSIATE()'\"?!&=_,:/\n-.zjqxkv"
                                "98765432bywgpfm1ucdlhrs0ninoate ";
    const char *at = c ? strrchr(usual, c) : usual + sizeof usual;

    return at ? (uint32_t)(at - usual) + 1 : 0;
}

void needle_init(struct needle *nd, const uint8_t *s, uint32_t n)
{
    uint32_t first = 0, second = n - 1;

    MR_ASSERT(n > 0);
    for (uint32_t i = 1; i < n; i++)
        if (commonness(s[i]) < commonness(s[first]))
            first = i;
    if (second == first)
        second = 0;
    for (uint32_t i = 0; i < n; i++)
        if (i != first && s[i] != s[first] && commonness(s[i]) < commonness(s[second]))
            second = i;
    nd->s = s;
    nd->n = n;
    nd->rare_off[0] = first < second ? first : second;
    nd->rare_off[1] = first < second ? second : first;
}

static const uint8_t *find_scalar(const struct needle *nd, const uint8_t *p, const uint8_t *end)
{
    const uint32_t off = nd->rare_off[0];
    const uint8_t rare = nd->s[off];

    while ((size_t)(end - p) >= nd->n) {
        /* Places where the needle still fits. */
        const uint8_t *hit = memchr(p + off, rare, (size_t)(end - p) - nd->n + 1);
        if (!hit)
            return NULL;
        p = hit - off;
        if (str_equal(p, nd->s, nd->n))
            return p;
        p++;
    }
    return NULL;
}

#define NO_PLACE 64u

/* The first k, a bit of `mask`, for which the needle lies at p + k; NO_PLACE if none. */
static inline uint32_t verify(const struct needle *nd, const uint8_t *p, const uint8_t *end,
                              uint64_t mask)
{
    for (; mask; mask &= mask - 1) {
        uint32_t k = (uint32_t)__builtin_ctzll(mask);
        if ((size_t)(end - p) < k + (size_t)nd->n)
            break;
        if (str_equal(p + k, nd->s, nd->n))
            return k;
    }
    return NO_PLACE;
}

AVX2 static inline uint32_t hits_avx2(const uint8_t *p, uint32_t off0, uint32_t off1, __m256i b0,
                                      __m256i b1)
{
    __m256i x = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(p + off0)), b0);
    __m256i y = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(p + off1)), b1);

    return (uint32_t)_mm256_movemask_epi8(_mm256_and_si256(x, y));
}

AVX2 static const uint8_t *find_avx2(const struct needle *nd, const uint8_t *p, const uint8_t *end)
{
    const uint32_t off0 = nd->rare_off[0], off1 = nd->rare_off[1];
    const __m256i b0 = _mm256_set1_epi8((char)nd->s[off0]);
    const __m256i b1 = _mm256_set1_epi8((char)nd->s[off1]);

    for (; (size_t)(end - p) >= 64 + (size_t)off1; p += 64) {
        uint64_t hits = hits_avx2(p, off0, off1, b0, b1);
        hits |= (uint64_t)hits_avx2(p + 32, off0, off1, b0, b1) << 32;
        uint32_t k = hits ? verify(nd, p, end, hits) : NO_PLACE;
        if (k != NO_PLACE)
            return p + k;
    }
    return find_scalar(nd, p, end);
}

AVX512 static inline uint64_t hits_avx512(const uint8_t *p, uint32_t off0, uint32_t off1,
                                          __m512i b0, __m512i b1)
{
    __mmask64 x = _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(p + off0), b0);

    return _mm512_mask_cmpeq_epi8_mask(x, _mm512_loadu_si512(p + off1), b1);
}

/* The last places: the loads are cut at the end of the run. */
AVX512 static const uint8_t *find_tail_avx512(const struct needle *nd, const uint8_t *p,
                                              const uint8_t *end, __m512i b0, __m512i b1)
{
    for (; (size_t)(end - p) >= nd->n; p += 64) {
        size_t places_cnt = (size_t)(end - p) - nd->n + 1;
        __mmask64 fits = places_cnt >= 64 ? ~0ull : (1ull << places_cnt) - 1;
        __m512i v0 = _mm512_maskz_loadu_epi8(fits, p + nd->rare_off[0]);
        __m512i v1 = _mm512_maskz_loadu_epi8(fits, p + nd->rare_off[1]);
        __mmask64 hits =
            _mm512_mask_cmpeq_epi8_mask(_mm512_mask_cmpeq_epi8_mask(fits, v0, b0), v1, b1);
        uint32_t k = verify(nd, p, end, hits);
        if (k != NO_PLACE)
            return p + k;
        if (places_cnt <= 64)
            break;
    }
    return NULL;
}

/* Loads of 64 bytes that cross a cache line cost twice. One of the two can be kept from that:
 * where to go on after a step at p, so that the first lies on a line. */
static inline const uint8_t *next_line(const uint8_t *p, uint32_t off)
{
    return p + 64 - ((uintptr_t)(p + off) & 63);
}

AVX512 static const uint8_t *find_avx512(const struct needle *nd, const uint8_t *p,
                                         const uint8_t *end)
{
    const uint32_t off0 = nd->rare_off[0], off1 = nd->rare_off[1];
    const __m512i b0 = _mm512_set1_epi8((char)nd->s[off0]);
    const __m512i b1 = _mm512_set1_epi8((char)nd->s[off1]);

    if ((size_t)(end - p) >= 256 + (size_t)off1) {
        uint32_t k = verify(nd, p, end, hits_avx512(p, off0, off1, b0, b1));
        if (k != NO_PLACE)
            return p + k;
        p = next_line(p, off0);
    }
    for (; (size_t)(end - p) >= 128 + (size_t)off1; p += 128) {
        uint64_t lo = hits_avx512(p, off0, off1, b0, b1);
        uint64_t hi = hits_avx512(p + 64, off0, off1, b0, b1);
        if (!(lo | hi))
            continue;
        uint32_t k = verify(nd, p, end, lo);
        if (k == NO_PLACE)
            k += verify(nd, p + 64, end, hi);
        if (k != 2 * NO_PLACE)
            return p + k;
    }
    return find_tail_avx512(nd, p, end, b0, b1);
}

const uint8_t *find_first(const struct needle *nd, const uint8_t *p, const uint8_t *end)
{
    if (simd_level == SIMD_AVX512)
        return find_avx512(nd, p, end);
    if (simd_level == SIMD_AVX2)
        return find_avx2(nd, p, end);
    return find_scalar(nd, p, end);
}
