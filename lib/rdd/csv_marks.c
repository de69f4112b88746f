#include <immintrin.h>
#include <string.h>

#include "base/assert.h"
#include "base/simd.h"
#include "rdd/csv_marks.h"

/* What will be looked at next time, is fetched while what is found now is worked at. */
#define AHEAD_BYTES CSV_MARKS_BYTES

#define INLINE static inline __attribute__((always_inline))
#define AVX2   __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt")))
#define AVX512 \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,bmi,bmi2,lzcnt,popcnt")))

/* ---- scalar -----------------------------------------------------------------------------------
 */

static uint32_t find_scalar(struct csv_marks *m, const uint8_t *p, uint32_t n,
                            const struct csv_shape *s, uint32_t marks_max)
{
    uint32_t cnt = 0, fields = 0;

    for (uint32_t i = 0; i < n && cnt < marks_max && !m->odd; i++) {
        bool newline = p[i] == '\n';
        m->returns |= p[i] == '\r';
        if (s->quoted && p[i] == '"') {
            m->odd = true;
        } else if (newline || p[i] == s->separator) {
            fields++;
            m->odd = newline != (fields == s->fields);
            m->mark[cnt] = (uint16_t)i;
            cnt += !m->odd;
            fields = newline ? 0 : fields;
        }
    }
    return cnt;
}

/* ---- marks as bits ----------------------------------------------------------------------------
 */

/* Where newlines are expected among marks. */
struct csv_lines {
    uint32_t phase;       /* marks of the line so far */
    const uint64_t *ends; /* by phase; bit j: the j-th mark from here on ends a line */
};

static struct csv_lines lines_expected(uint64_t *ends, uint32_t fields)
{
    MR_ASSERT(fields >= 1 && fields <= 64);
    for (uint32_t phase = 0; phase < fields; phase++) {
        ends[phase] = 0;
        for (uint32_t j = fields - 1 - phase; j < 64; j += fields)
            ends[phase] |= 1ull << j;
    }
    return (struct csv_lines){0, ends};
}

/* The bits of some bytes one behind the other. */
struct csv_bits {
    uint64_t newlines, separators, quotes;
};

/* How many marks are as expected: all `n` of them, or those before the first that is not. */
AVX2 INLINE uint32_t marks_plain(struct csv_lines *l, const struct csv_bits *b, uint64_t marks,
                                 uint32_t n)
{
    uint64_t is = _pext_u64(b->newlines, marks);
    uint64_t odd = _bzhi_u64(is ^ l->ends[l->phase], n);

    if (__builtin_expect((odd | b->quotes) != 0, 0)) {
        odd |= _pext_u64(b->quotes, marks);
        return (uint32_t)_tzcnt_u64(odd);
    }
    /* Those behind the last newline, if there is one. */
    uint32_t behind = n - 64 + (uint32_t)_lzcnt_u64(is);
    l->phase = is ? behind : l->phase + n;
    return n;
}

/* ---- AVX2 -------------------------------------------------------------------------------------
 */

/* So many positions are written whether there are as many or not: a loop that ends after a number
 * of rounds that cannot be guessed costs more. */
#define PUT_AT_ONCE 6u

AVX2 INLINE void put_avx2(uint32_t bits, uint32_t first, uint16_t *to, uint32_t n)
{
    for (uint32_t k = 0; k < PUT_AT_ONCE; k++, bits &= bits - 1)
        to[k] = (uint16_t)(first + (uint32_t)_tzcnt_u32(bits));
    for (uint32_t k = PUT_AT_ONCE; k < n; k++, bits &= bits - 1)
        to[k] = (uint16_t)(first + (uint32_t)_tzcnt_u32(bits));
}

AVX2 INLINE uint32_t equal_avx2(__m256i x, uint8_t c)
{
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(x, _mm256_set1_epi8((char)c)));
}

AVX2 static uint32_t find_avx2(struct csv_marks *m, const uint8_t *p, uint32_t n,
                               const struct csv_shape *s, uint32_t marks_max)
{
    uint64_t ends[64];
    struct csv_lines l = lines_expected(ends, s->fields);
    uint32_t cnt = 0, quoted = s->quoted ? ~0u : 0, returns = 0;

    for (uint32_t at = 0; at < n && cnt < marks_max && !m->odd; at += 32) {
        uint8_t tail[32] = {0};
        const uint8_t *from = p + at;
        uint32_t live = ~0u;
        if (n - at < 32) {
            memcpy(tail, from, n - at);
            from = tail;
            live = (1u << (n - at)) - 1;
        }
        __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)from);
        struct csv_bits b = {equal_avx2(x, '\n') & live, equal_avx2(x, s->separator) & live,
                             equal_avx2(x, '"') & live & quoted};
        uint32_t marks = (uint32_t)(b.newlines | b.separators | b.quotes);
        uint32_t marks_cnt = (uint32_t)_mm_popcnt_u32(marks);
        returns |= equal_avx2(x, '\r');
        put_avx2(marks, at, m->mark + cnt, marks_cnt);
        uint32_t plain = marks_plain(&l, &b, marks, marks_cnt);
        m->odd = plain < marks_cnt;
        cnt += plain;
    }
    m->returns = returns != 0;
    return cnt;
}

/* ---- AVX-512 ----------------------------------------------------------------------------------
 */

/* What stays the same from step to step, and what does not. */
struct csv_scan {
    __m512i newline, separator, quote, ret;
    uint64_t quoted;
    struct csv_lines lines;
    uint16_t *mark;
    uint32_t cnt;
    uint64_t returns;
    bool odd;
};

/* The places of the bits, which lie from `first` on. Most often they are few. */
AVX512 INLINE void put_avx512(uint64_t bits, uint32_t first, uint16_t *to, uint32_t n)
{
    static const uint8_t count[64] = {
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
        22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
        44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
    __m512i found = _mm512_maskz_compress_epi8(bits, _mm512_loadu_si512(count));
    __m512i base = _mm512_set1_epi16((short)first);
    __m256i few = _mm256_cvtepu8_epi16(_mm512_castsi512_si128(found));

    few = _mm256_add_epi16(few, _mm512_castsi512_si256(base));
    _mm256_storeu_si256((__m256i *)(void *)to, few);
    if (__builtin_expect(n > 16, 0)) {
        __m512i low = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(found));
        __m512i high = _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(found, 1));
        _mm512_storeu_si512(to, _mm512_add_epi16(low, base));
        _mm512_storeu_si512(to + 32, _mm512_add_epi16(high, base));
    }
}

AVX512 INLINE void step_avx512(struct csv_scan *s, __m512i x, uint64_t live, uint32_t at)
{
    struct csv_bits b = {_mm512_cmpeq_epi8_mask(x, s->newline),
                         _mm512_cmpeq_epi8_mask(x, s->separator) & live,
                         _mm512_cmpeq_epi8_mask(x, s->quote) & s->quoted};
    uint64_t marks = b.newlines | b.separators | b.quotes;
    uint32_t n = (uint32_t)_mm_popcnt_u64(marks);

    s->returns |= _mm512_cmpeq_epi8_mask(x, s->ret);
    put_avx512(marks, at, s->mark + s->cnt, n);
    uint32_t plain = marks_plain(&s->lines, &b, marks, n);
    s->odd = plain < n;
    s->cnt += plain;
}

AVX512 static uint32_t find_avx512(struct csv_marks *m, const uint8_t *p, uint32_t n,
                                   const struct csv_shape *shape, uint32_t marks_max)
{
    uint64_t ends[64];
    struct csv_scan s;
    uint32_t at = 0;

    s.lines = lines_expected(ends, shape->fields);
    s.newline = _mm512_set1_epi8('\n');
    s.separator = _mm512_set1_epi8((char)shape->separator);
    s.quote = _mm512_set1_epi8('"');
    s.ret = _mm512_set1_epi8('\r');
    s.quoted = shape->quoted ? ~0ull : 0;
    s.mark = m->mark;
    s.cnt = 0;
    s.returns = 0;
    s.odd = false;
    for (; n - at >= 64 && s.cnt < marks_max && !s.odd; at += 64) {
        __builtin_prefetch(p + at + AHEAD_BYTES, 0, 2);
        step_avx512(&s, _mm512_loadu_si512(p + at), ~0ull, at);
    }
    if (at < n && s.cnt < marks_max && !s.odd) {
        uint64_t live = _bzhi_u64(~0ull, n - at);
        step_avx512(&s, _mm512_maskz_loadu_epi8(live, p + at), live, at);
    }
    m->returns = s.returns != 0;
    m->odd = s.odd;
    return s.cnt;
}

void csv_marks_find(struct csv_marks *m, const uint8_t *p, uint32_t n, const struct csv_shape *s,
                    uint32_t lines_max)
{
    uint32_t most = lines_max < n ? lines_max : n, cnt; /* of a byte at least */

    MR_ASSERT(n <= CSV_MARKS_BYTES);
    m->returns = m->odd = false;
    if (simd_level == SIMD_AVX512)
        cnt = find_avx512(m, p, n, s, most * s->fields);
    else if (simd_level == SIMD_AVX2)
        cnt = find_avx2(m, p, n, s, most * s->fields);
    else
        cnt = find_scalar(m, p, n, s, most * s->fields);
    m->lines_cnt = cnt / s->fields;
    if (m->lines_cnt >= lines_max) {
        m->lines_cnt = lines_max;
        m->odd = false;
    }
}
