#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

#include "base/simd.h"
#include "rdd/byte_mask.h"

#define AVX2   __attribute__((target("avx2,bmi,bmi2,popcnt")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,bmi,bmi2,popcnt")))

/* What a byte must be for its bit: `space` tests for white space and wants it not to be. */
struct byte_test {
    bool space;
    uint8_t c;
};

/* --- scalar ------------------------------------------------------------------------------------
 */

static inline bool test_scalar(struct byte_test t, uint8_t b)
{
    if (t.space)
        return b != ' ' && (uint8_t)(b - '\t') > 4;
    return b == t.c;
}

static void mask_scalar(const uint8_t *p, uint32_t n, struct byte_test t, uint64_t *mask)
{
    for (uint32_t i = 0; i < n; i += 64) {
        uint64_t m = 0;
        for (uint32_t k = 0; k < 64 && i + k < n; k++)
            m |= (uint64_t)test_scalar(t, p[i + k]) << k;
        *mask++ = m;
    }
}

static inline uint32_t put_scalar(uint64_t m, uint32_t first, uint32_t *pos, uint32_t cnt)
{
    for (; m; m &= m - 1)
        pos[cnt++] = first + (uint32_t)__builtin_ctzll(m);
    return cnt;
}

static uint32_t positions_scalar(const uint64_t *mask, uint32_t words_cnt, uint32_t first,
                                 uint32_t *pos)
{
    uint32_t cnt = 0;

    for (uint32_t w = 0; w < words_cnt; w++)
        cnt = put_scalar(mask[w], first + w * 64, pos, cnt);
    return cnt;
}

/* Spans are found a chunk of the mask at a time: where they begin into off, where they end into
 * len; then, while both are in L1, the lengths. */
#define SPAN_CHUNK 32u

static inline void ends_to_lengths(const uint32_t *off, uint32_t *len, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        len[i] -= off[i];
}

static uint32_t spans_scalar(const uint64_t *mask, uint32_t words_cnt, uint32_t first,
                             uint32_t *off, uint32_t *len)
{
    uint32_t begins_cnt = 0, ends_cnt = 0;
    uint64_t before = 0;

    for (uint32_t w = 0; w < words_cnt; before = mask[w++]) {
        begins_cnt = put_scalar(bit_begins(mask[w], before), first + w * 64, off, begins_cnt);
        ends_cnt = put_scalar(bit_ends(mask[w], before), first + w * 64, len, ends_cnt);
    }
    ends_to_lengths(off, len, 0, ends_cnt);
    return ends_cnt;
}

/* --- AVX2 --------------------------------------------------------------------------------------
 */

AVX2 static inline uint32_t test_avx2(__m256i v, struct byte_test t)
{
    if (!t.space)
        return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, _mm256_set1_epi8((char)t.c)));
    __m256i shifted = _mm256_sub_epi8(v, _mm256_set1_epi8('\t'));
    __m256i control = _mm256_cmpeq_epi8(_mm256_min_epu8(shifted, _mm256_set1_epi8(4)), shifted);
    __m256i space = _mm256_cmpeq_epi8(v, _mm256_set1_epi8(' '));
    return ~(uint32_t)_mm256_movemask_epi8(_mm256_or_si256(space, control));
}

AVX2 static inline uint64_t word_avx2(const uint8_t *p, struct byte_test t)
{
    uint64_t lo = test_avx2(_mm256_loadu_si256((const __m256i *)p), t);
    uint64_t hi = test_avx2(_mm256_loadu_si256((const __m256i *)(p + 32)), t);

    return lo | hi << 32;
}

AVX2 static inline void mask_avx2(const uint8_t *p, uint32_t n, struct byte_test t, uint64_t *mask)
{
    uint32_t i = 0;

    for (; i + 64 <= n; i += 64)
        *mask++ = word_avx2(p + i, t);
    if (i < n) {
        uint8_t tail[64] = {0};
        memcpy(tail, p + i, n - i);
        *mask = word_avx2(tail, t) & ((1ull << (n - i)) - 1);
    }
}

/* Twelve positions are written whether there are as many or not: most words have some ten bits,
 * and a loop that ends after a number of rounds that cannot be guessed costs more. */
#define PUT_AT_ONCE 12u

AVX2 static inline uint32_t put_avx2(uint64_t m, uint32_t first, uint32_t *pos, uint32_t cnt)
{
    uint32_t hits = (uint32_t)_mm_popcnt_u64(m), *to = pos + cnt;

    for (uint32_t k = 0; k < PUT_AT_ONCE; k++, m = _blsr_u64(m))
        to[k] = first + (uint32_t)_tzcnt_u64(m);
    if (__builtin_expect(hits > PUT_AT_ONCE, 0))
        for (uint32_t k = PUT_AT_ONCE; k < hits; k++, m = _blsr_u64(m))
            to[k] = first + (uint32_t)_tzcnt_u64(m);
    return cnt + hits;
}

AVX2 static uint32_t positions_avx2(const uint64_t *mask, uint32_t words_cnt, uint32_t first,
                                    uint32_t *pos)
{
    uint32_t cnt = 0;

    for (uint32_t w = 0; w < words_cnt; w++)
        cnt = put_avx2(mask[w], first + w * 64, pos, cnt);
    return cnt;
}

AVX2 static uint32_t spans_avx2(const uint64_t *mask, uint32_t words_cnt, uint32_t first,
                                uint32_t *off, uint32_t *len)
{
    uint32_t begins_cnt = 0, ends_cnt = 0;
    uint64_t before = 0;

    for (uint32_t w = 0; w < words_cnt;) {
        uint32_t to = words_cnt - w < SPAN_CHUNK ? words_cnt : w + SPAN_CHUNK, done = ends_cnt;
        for (; w < to; before = mask[w++]) {
            begins_cnt = put_avx2(bit_begins(mask[w], before), first + w * 64, off, begins_cnt);
            ends_cnt = put_avx2(bit_ends(mask[w], before), first + w * 64, len, ends_cnt);
        }
        ends_to_lengths(off, len, done, ends_cnt);
    }
    return ends_cnt;
}

/* --- AVX-512 -----------------------------------------------------------------------------------
 */

AVX512 static inline uint64_t test_avx512(__m512i v, struct byte_test t)
{
    if (!t.space)
        return _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)t.c));
    __m512i shifted = _mm512_sub_epi8(v, _mm512_set1_epi8('\t'));
    return _mm512_mask_cmpneq_epi8_mask(_mm512_cmpgt_epu8_mask(shifted, _mm512_set1_epi8(4)), v,
                                        _mm512_set1_epi8(' '));
}

AVX512 static inline void mask_avx512(const uint8_t *p, uint32_t n, struct byte_test t,
                                      uint64_t *mask)
{
    uint32_t i = 0;

    for (; i + 64 <= n; i += 64)
        *mask++ = test_avx512(_mm512_loadu_si512(p + i), t);
    if (i < n) {
        __mmask64 there = (1ull << (n - i)) - 1;
        *mask = test_avx512(_mm512_maskz_loadu_epi8(there, p + i), t) & there;
    }
}

/* Positions 16 n to 16 n + 15 of a word, made 32 bits wide. */
#define STORE_POSITIONS(pos, at, n, first) \
    _mm512_storeu_si512(                   \
        (pos) + 16 * (n),                  \
        _mm512_add_epi32(_mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(at, n)), first))

AVX512 static inline uint32_t put_avx512(uint64_t m, __m512i iota, __m512i first, uint32_t *pos,
                                         uint32_t cnt)
{
    __m512i at = _mm512_maskz_compress_epi8(m, iota);
    uint32_t hits = (uint32_t)_mm_popcnt_u64(m);

    STORE_POSITIONS(pos + cnt, at, 0, first);
    if (__builtin_expect(hits > 16, 0)) {
        STORE_POSITIONS(pos + cnt, at, 1, first);
        STORE_POSITIONS(pos + cnt, at, 2, first);
        STORE_POSITIONS(pos + cnt, at, 3, first);
    }
    return cnt + hits;
}

AVX512 static inline __m512i iota_avx512(void)
{
    static const uint8_t iota[64] = {
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
        22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
        44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};

    return _mm512_loadu_si512(iota);
}

AVX512 static uint32_t positions_avx512(const uint64_t *mask, uint32_t words_cnt, uint32_t first,
                                        uint32_t *pos)
{
    const __m512i iota = iota_avx512(), step = _mm512_set1_epi32(64);
    __m512i at = _mm512_set1_epi32((int)first);
    uint32_t cnt = 0;

    for (uint32_t w = 0; w < words_cnt; w++, at = _mm512_add_epi32(at, step))
        cnt = put_avx512(mask[w], iota, at, pos, cnt);
    return cnt;
}

/* Where runs begin and end in a chunk of the mask, in turn, from its first byte; `before` is the
 * word before it. Returns how many from n on. */
AVX512 static inline uint32_t edges_avx512(const uint64_t *mask, uint32_t words_cnt,
                                           uint64_t before, uint16_t *edge, uint32_t n)
{
    const __m512i iota = iota_avx512(), step = _mm512_set1_epi16(64);
    __m512i first = _mm512_setzero_si512();

    for (uint32_t w = 0; w < words_cnt; before = mask[w++], first = _mm512_add_epi16(first, step)) {
        uint64_t edges = mask[w] ^ (mask[w] << 1 | before >> 63);
        __m512i at = _mm512_maskz_compress_epi8(edges, iota);
        uint32_t hits = (uint32_t)_mm_popcnt_u64(edges);
        __m512i low = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(at));
        _mm512_storeu_si512(edge + n, _mm512_add_epi16(low, first));
        if (__builtin_expect(hits > 32, 0)) {
            __m512i high = _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(at, 1));
            _mm512_storeu_si512(edge + n + 32, _mm512_add_epi16(high, first));
        }
        n += hits;
    }
    return n;
}

/* Pairs of edges become runs. */
AVX512 static inline void edges_to_spans(const uint16_t *edge, uint32_t cnt, uint32_t first,
                                         uint32_t *off, uint32_t *len)
{
    for (uint32_t i = 0; i < cnt; i += 16) {
        __m512i pair = _mm512_loadu_si512(edge + 2 * (size_t)i);
        __m512i begin = _mm512_and_si512(pair, _mm512_set1_epi32(0xffff));
        __m512i end = _mm512_srli_epi32(pair, 16);
        _mm512_storeu_si512(off + i, _mm512_add_epi32(begin, _mm512_set1_epi32((int)first)));
        _mm512_storeu_si512(len + i, _mm512_sub_epi32(end, begin));
    }
}

/* A run that goes on in the next chunk has an edge at its beginning there too, and its true one is
 * put right when it has ended. */
AVX512 static uint32_t spans_avx512(const uint64_t *mask, uint32_t words_cnt, uint32_t first,
                                    uint32_t *off, uint32_t *len)
{
    uint16_t edge[SPAN_CHUNK * 64 + 64];
    uint32_t cnt = 0, begin = 0;
    uint64_t before = 0;

    for (uint32_t w = 0; w < words_cnt; w += SPAN_CHUNK, first += SPAN_CHUNK * 64) {
        uint32_t words = words_cnt - w < SPAN_CHUNK ? words_cnt - w : SPAN_CHUNK;
        uint32_t open = (uint32_t)(before >> 63);
        edge[0] = 0;
        uint32_t n = edges_avx512(mask + w, words, before, edge, open);
        before = mask[w + words - 1];
        edges_to_spans(edge, n / 2, first, off + cnt, len + cnt);
        if (open && n > 1) {
            len[cnt] += first - begin;
            off[cnt] = begin;
        }
        if (n % 2 && (n > 1 || !open))
            begin = first + edge[n - 1];
        cnt += n / 2;
    }
    return cnt;
}

/* --- the table ---------------------------------------------------------------------------------
 */

/* Each test is a loop of its own: the constants below are folded into the inlined forms. */
AVX2 static void text_avx2(const uint8_t *p, uint32_t n, uint64_t *mask)
{
    mask_avx2(p, n, (struct byte_test){true, 0}, mask);
}

AVX2 static void equal_avx2(const uint8_t *p, uint32_t n, uint8_t c, uint64_t *mask)
{
    mask_avx2(p, n, (struct byte_test){false, c}, mask);
}

AVX512 static void text_avx512(const uint8_t *p, uint32_t n, uint64_t *mask)
{
    mask_avx512(p, n, (struct byte_test){true, 0}, mask);
}

AVX512 static void equal_avx512(const uint8_t *p, uint32_t n, uint8_t c, uint64_t *mask)
{
    mask_avx512(p, n, (struct byte_test){false, c}, mask);
}

void byte_mask_text(const uint8_t *p, uint32_t n, uint64_t *mask)
{
    if (simd_level == SIMD_AVX512)
        text_avx512(p, n, mask);
    else if (simd_level == SIMD_AVX2)
        text_avx2(p, n, mask);
    else
        mask_scalar(p, n, (struct byte_test){true, 0}, mask);
}

void byte_mask_equal(const uint8_t *p, uint32_t n, uint8_t c, uint64_t *mask)
{
    if (simd_level == SIMD_AVX512)
        equal_avx512(p, n, c, mask);
    else if (simd_level == SIMD_AVX2)
        equal_avx2(p, n, c, mask);
    else
        mask_scalar(p, n, (struct byte_test){false, c}, mask);
}

uint32_t bit_positions(const uint64_t *mask, uint32_t words_cnt, uint32_t first, uint32_t *pos)
{
    if (simd_level == SIMD_AVX512)
        return positions_avx512(mask, words_cnt, first, pos);
    if (simd_level == SIMD_AVX2)
        return positions_avx2(mask, words_cnt, first, pos);
    return positions_scalar(mask, words_cnt, first, pos);
}

uint32_t bit_spans(const uint64_t *mask, uint32_t words_cnt, uint32_t first, uint32_t *off,
                   uint32_t *len)
{
    if (simd_level == SIMD_AVX512)
        return spans_avx512(mask, words_cnt, first, off, len);
    if (simd_level == SIMD_AVX2)
        return spans_avx2(mask, words_cnt, first, off, len);
    return spans_scalar(mask, words_cnt, first, off, len);
}
