#include <immintrin.h>
#include <string.h>

#include "base/assert.h"
#include "base/simd.h"
#include "rdd/csv_marks.h"

#define AVX2   __attribute__((target("avx2,bmi,popcnt")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,bmi,popcnt")))

/* The bytes that are looked for; without quotes the separator twice. */
struct csv_bytes {
    uint8_t separator, quote;
};

/* ---- scalar -----------------------------------------------------------------------------------
 */

static void find_scalar(struct csv_marks *m, const uint8_t *p, uint32_t n, struct csv_bytes b,
                        uint32_t lines_max)
{
    for (uint32_t i = 0; i < n && m->lines_cnt < lines_max; i++) {
        m->returns |= p[i] == '\r';
        m->quotes |= p[i] == b.quote;
        if (p[i] == '\n')
            m->line[m->lines_cnt++] = (uint16_t)i;
        if (p[i] == '\n' || p[i] == b.separator || p[i] == b.quote)
            m->mark[m->marks_cnt++] = (uint16_t)i;
    }
}

/* ---- AVX2 -------------------------------------------------------------------------------------
 */

/* So many positions are written whether there are as many or not: a loop that ends after a number
 * of rounds that cannot be guessed costs more. */
#define PUT_AT_ONCE 6u

AVX2 static inline uint32_t put_avx2(uint32_t bits, uint32_t first, uint16_t *to, uint32_t cnt)
{
    uint32_t end = cnt + (uint32_t)_mm_popcnt_u32(bits);

    for (uint32_t k = cnt; k < cnt + PUT_AT_ONCE; k++, bits &= bits - 1)
        to[k] = (uint16_t)(first + (uint32_t)_tzcnt_u32(bits));
    for (uint32_t k = cnt + PUT_AT_ONCE; k < end; k++, bits &= bits - 1)
        to[k] = (uint16_t)(first + (uint32_t)_tzcnt_u32(bits));
    return end;
}

AVX2 static inline uint32_t equal_avx2(__m256i x, uint8_t c)
{
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(x, _mm256_set1_epi8((char)c)));
}

AVX2 static void find_avx2(struct csv_marks *m, const uint8_t *p, uint32_t n, struct csv_bytes b,
                           uint32_t lines_max)
{
    for (uint32_t at = 0; at < n && m->lines_cnt < lines_max; at += 32) {
        uint8_t tail[32] = {0};
        const uint8_t *from = p + at;
        uint32_t live = ~0u;
        if (n - at < 32) {
            memcpy(tail, from, n - at);
            from = tail;
            live = (1u << (n - at)) - 1;
        }
        __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)from);
        uint32_t lines = equal_avx2(x, '\n') & live;
        uint32_t quotes = equal_avx2(x, b.quote) & live;
        uint32_t marks = (equal_avx2(x, b.separator) & live) | quotes;
        m->quotes |= quotes != 0;
        m->returns |= equal_avx2(x, '\r') != 0;
        m->marks_cnt = put_avx2(lines | marks, at, m->mark, m->marks_cnt);
        m->lines_cnt = put_avx2(lines, at, m->line, m->lines_cnt);
    }
}

/* ---- AVX-512 ----------------------------------------------------------------------------------
 */

AVX512 static inline uint32_t put_avx512(uint64_t bits, __m512i index, uint32_t first, uint16_t *to,
                                         uint32_t cnt)
{
    __m512i found = _mm512_maskz_compress_epi8(bits, index), base = _mm512_set1_epi16((short)first);
    __m512i low = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(found));
    uint32_t n = (uint32_t)_mm_popcnt_u64(bits);

    _mm512_storeu_si512(to + cnt, _mm512_add_epi16(low, base));
    if (__builtin_expect(n > 32, 0)) {
        __m512i high = _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(found, 1));
        _mm512_storeu_si512(to + cnt + 32, _mm512_add_epi16(high, base));
    }
    return cnt + n;
}

AVX512 static void find_avx512(struct csv_marks *m, const uint8_t *p, uint32_t n,
                               struct csv_bytes b, uint32_t lines_max)
{
    static const uint8_t count[64] = {
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
        22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
        44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
    const __m512i index = _mm512_loadu_si512(count), newline = _mm512_set1_epi8('\n'),
                  separator = _mm512_set1_epi8((char)b.separator),
                  quote = _mm512_set1_epi8((char)b.quote), ret = _mm512_set1_epi8('\r');
    uint32_t marks_cnt = 0, lines_cnt = 0;
    uint64_t returns = 0, quotes = 0;

    for (uint32_t at = 0; at < n && lines_cnt < lines_max; at += 64) {
        uint64_t live = n - at < 64 ? (1ull << (n - at)) - 1 : ~0ull;
        __m512i x = _mm512_maskz_loadu_epi8(live, p + at);
        uint64_t lines = _mm512_mask_cmpeq_epi8_mask(live, x, newline);
        uint64_t quote_bits = _mm512_mask_cmpeq_epi8_mask(live, x, quote);
        uint64_t marks = _mm512_mask_cmpeq_epi8_mask(live, x, separator) | quote_bits | lines;
        quotes |= quote_bits;
        returns |= _mm512_cmpeq_epi8_mask(x, ret);
        marks_cnt = put_avx512(marks, index, at, m->mark, marks_cnt);
        lines_cnt = put_avx512(lines, index, at, m->line, lines_cnt);
    }
    m->marks_cnt = marks_cnt;
    m->lines_cnt = lines_cnt;
    m->returns = returns != 0;
    m->quotes = quotes != 0;
}

void csv_marks_find(struct csv_marks *m, const uint8_t *p, uint32_t n, uint8_t separator,
                    bool quoted, uint32_t lines_max)
{
    const struct csv_bytes b = {separator, quoted ? '"' : separator};

    MR_ASSERT(n <= CSV_MARKS_BYTES);
    m->marks_cnt = m->lines_cnt = 0;
    m->returns = m->quotes = false;
    if (simd_level == SIMD_AVX512)
        find_avx512(m, p, n, b, lines_max);
    else if (simd_level == SIMD_AVX2)
        find_avx2(m, p, n, b, lines_max);
    else
        find_scalar(m, p, n, b, lines_max);
    m->quotes &= quoted;
}
