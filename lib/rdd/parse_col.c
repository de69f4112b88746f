#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

#include "base/simd.h"
#include "rdd/parse.h"
#include "rdd/parse_col.h"

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512cd,avx512dq,avx512vl,bmi")))
#define AVX2   __attribute__((target("avx2")))
#define INLINE static inline __attribute__((always_inline))
#define LANES  8u  /* of AVX-512; AVX2 takes two halves */
#define CHUNK  64u /* words that are loaded before they are looked at */

/* ---- AVX-512 ----------------------------------------------------------------------------------
 */

/* Eight short numbers. */
struct numbers {
    __m512i digits;
    __m512i point; /* all bits of the point's byte, counted from the last character */
    __mmask8 minus;
    __mmask8 odd; /* no short number: nothing of it counts */
};

AVX512 INLINE __m512i each(char c)
{
    return _mm512_set1_epi8(c);
}

/* Fields of a column, as parse_col.h has them. */
struct fields {
    const uint8_t *base;
    const uint32_t *off, *len;
    uint64_t end; /* of the last one: what lies behind it may not be there */
};

/* The first eight bytes of n fields. Words are loaded one by one, many at a time: cheaper here than
 * a gather. */
INLINE void words_load(uint64_t *to, const struct fields *f, uint32_t from, uint32_t n)
{
    const uint32_t *off = f->off + from, *len = f->len + from;
    const uint8_t *base = f->base;
    uint32_t whole = n;

    while (whole && (uint64_t)off[whole - 1] + sizeof *to > f->end)
        whole--;
    for (uint32_t i = 0; i < whole; i++)
        memcpy(&to[i], base + off[i], sizeof *to);
    for (uint32_t i = whole; i < n; i++) {
        to[i] = 0;
        memcpy(&to[i], base + off[i], len[i] < sizeof *to ? len[i] : sizeof *to);
    }
}

/* The bytes of eight fields, the first character lowest. Bytes behind a field are of the next. */
AVX512 INLINE struct numbers numbers_of(const uint64_t *words, const uint32_t *len)
{
    const __m512i one = _mm512_set1_epi64(1), eight = _mm512_set1_epi64(8);
    struct numbers s;
    __m512i n = _mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)(const void *)len));
    __m512i text = _mm512_loadu_si512(words);

    s.minus = _mm512_cmpeq_epi64_mask(_mm512_and_si512(text, _mm512_set1_epi64(0xff)),
                                      _mm512_set1_epi64('-'));
    s.odd = _mm512_cmpgt_epu64_mask(_mm512_sub_epi64(n, one), _mm512_set1_epi64(7));
    /* Digits as numbers, a minus as 0, the last character in the highest byte, zeros before the
     * first. */
    __m512i x = _mm512_xor_si512(text, each('0'));
    x = _mm512_mask_xor_epi64(x, s.minus, x, _mm512_set1_epi64('-' ^ '0'));
    x = _mm512_sllv_epi64(x, _mm512_slli_epi64(_mm512_sub_epi64(eight, n), 3));
    /* What is before the first point closes up over it. */
    s.point = _mm512_movm_epi8(_mm512_cmpeq_epi8_mask(x, each('.' ^ '0')));
    __mmask8 pointed = _mm512_test_epi64_mask(s.point, s.point);
    __m512i below = _mm512_andnot_si512(s.point, _mm512_sub_epi64(s.point, one));
    __m512i upto = _mm512_or_si512(_mm512_slli_epi64(below, 8), _mm512_set1_epi64(0xff));
    __m512i moved = _mm512_slli_epi64(_mm512_and_si512(x, below), 8);
    x = _mm512_mask_or_epi64(x, pointed, _mm512_andnot_si512(upto, x), moved);
    /* Something else than digits, or no digit at all? */
    n = _mm512_mask_sub_epi64(n, s.minus, n, one);
    n = _mm512_mask_sub_epi64(n, pointed, n, one);
    s.odd |= _mm512_testn_epi64_mask(n, n);
    __mmask64 wrong = _mm512_cmpgt_epu8_mask(x, each(9));
    if (__builtin_expect(wrong != 0, 0)) {
        __m512i bytes = _mm512_movm_epi8(wrong);
        s.odd |= _mm512_test_epi64_mask(bytes, bytes);
    }
    x = _mm512_maddubs_epi16(x, _mm512_set1_epi16(1 << 8 | 10));
    x = _mm512_madd_epi16(x, _mm512_set1_epi32(1 << 16 | 100));
    s.digits =
        _mm512_add_epi64(_mm512_mul_epu32(x, _mm512_set1_epi64(10000)), _mm512_srli_epi64(x, 32));
    return s;
}

/* Digits over a power of ten that a float holds: one rounding, as in parse_float. The quotient is
 * that by the reciprocal, put right by what is left over (Markstein); for eight digits and seven
 * places it was compared with the division for every pair. */
AVX512 INLINE __m512d quotients(__m512d v, __m512d power, __m512d inverse, __mmask8 minus)
{
    __m512d quotient = _mm512_mul_pd(v, inverse);
    __m512d left = _mm512_fnmadd_pd(quotient, power, v);
    __m512i sign = _mm512_set1_epi64(INT64_MIN);
    __m512i bits = _mm512_castpd_si512(_mm512_fmadd_pd(left, inverse, quotient));

    return _mm512_castsi512_pd(_mm512_mask_xor_epi64(bits, minus, bits, sign));
}

static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7};
static const double inverses[] = {1e0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7};

/* By the places behind the point of each. */
AVX512 INLINE __m512d quotients_of(__m512d v, __m512i behind, __mmask8 minus)
{
    __m512d power = _mm512_permutexvar_pd(behind, _mm512_loadu_pd(powers));
    __m512d inverse = _mm512_permutexvar_pd(behind, _mm512_loadu_pd(inverses));

    return quotients(v, power, inverse, minus);
}

AVX512 INLINE __m512d floats_of(const struct numbers *s)
{
    /* Bytes above the point; without one 8, of which the lookup takes 0. */
    __m512i behind = _mm512_srli_epi64(_mm512_lzcnt_epi64(s->point), 3);

    return quotients_of(_mm512_cvtepu64_pd(s->digits), behind, s->minus);
}

AVX512 INLINE __m512i ints_of(struct numbers *s)
{
    s->odd |= _mm512_test_epi64_mask(s->point, s->point);
    return _mm512_mask_sub_epi64(s->digits, s->minus, _mm512_setzero_si512(), s->digits);
}

/* ---- AVX2 -------------------------------------------------------------------------------------
 */

/* As struct numbers; what is a mask there is all bits of a word, or none, here. */
struct numbers4 {
    __m256i digits, minus, odd;
    __m256i upto; /* all bits up to and with the point's byte; without a point of every byte */
    __m256i pointed;
};

AVX2 INLINE __m256i each4(char c)
{
    return _mm256_set1_epi8(c);
}

AVX2 INLINE struct numbers4 numbers4_of(const uint64_t *words, const uint32_t *len)
{
    const __m256i one = _mm256_set1_epi64x(1), eight = _mm256_set1_epi64x(8),
                  none = _mm256_setzero_si256(), all = _mm256_set1_epi64x(-1);
    struct numbers4 s;
    __m256i n = _mm256_cvtepu32_epi64(_mm_loadu_si128((const __m128i *)(const void *)len));
    __m256i text = _mm256_loadu_si256((const __m256i *)(const void *)words);

    s.minus = _mm256_cmpeq_epi64(_mm256_and_si256(text, _mm256_set1_epi64x(0xff)),
                                 _mm256_set1_epi64x('-'));
    s.odd = _mm256_or_si256(_mm256_cmpgt_epi64(n, eight), _mm256_cmpeq_epi64(n, none));
    __m256i x = _mm256_xor_si256(text, each4('0'));
    x = _mm256_xor_si256(x, _mm256_and_si256(s.minus, _mm256_set1_epi64x('-' ^ '0')));
    x = _mm256_sllv_epi64(x, _mm256_slli_epi64(_mm256_sub_epi64(eight, n), 3));
    __m256i point = _mm256_cmpeq_epi8(x, each4('.' ^ '0'));
    s.pointed = _mm256_xor_si256(_mm256_cmpeq_epi64(point, none), all);
    __m256i below = _mm256_andnot_si256(point, _mm256_sub_epi64(point, one));
    s.upto = _mm256_or_si256(_mm256_slli_epi64(below, 8), _mm256_set1_epi64x(0xff));
    __m256i moved = _mm256_slli_epi64(_mm256_and_si256(x, below), 8);
    __m256i closed = _mm256_or_si256(_mm256_andnot_si256(s.upto, x), moved);
    x = _mm256_blendv_epi8(x, closed, s.pointed);
    n = _mm256_add_epi64(n, _mm256_add_epi64(s.minus, s.pointed));
    s.odd = _mm256_or_si256(s.odd, _mm256_cmpeq_epi64(n, none));
    __m256i right = _mm256_cmpeq_epi8(_mm256_min_epu8(x, each4(9)), x);
    s.odd = _mm256_or_si256(s.odd, _mm256_xor_si256(_mm256_cmpeq_epi64(right, all), all));
    x = _mm256_maddubs_epi16(x, _mm256_set1_epi16(1 << 8 | 10));
    x = _mm256_madd_epi16(x, _mm256_set1_epi32(1 << 16 | 100));
    s.digits =
        _mm256_add_epi64(_mm256_mul_epu32(x, _mm256_set1_epi64x(10000)), _mm256_srli_epi64(x, 32));
    return s;
}

AVX2 INLINE __m256d floats4_of(const struct numbers4 *s)
{
    const __m256d whole = _mm256_set1_pd(0x1p52);
    __m256i bytes = _mm256_sad_epu8(_mm256_and_si256(s->upto, each4(1)), _mm256_setzero_si256());
    __m256i behind = _mm256_sub_epi64(_mm256_set1_epi64x(8), bytes);
    __m256d by = _mm256_i64gather_pd(powers, behind, 8);
    __m256d v = _mm256_or_pd(_mm256_castsi256_pd(s->digits), whole);
    __m256i sign = _mm256_slli_epi64(s->minus, 63);

    v = _mm256_div_pd(_mm256_sub_pd(v, whole), by);
    return _mm256_xor_pd(v, _mm256_castsi256_pd(sign));
}

AVX2 INLINE __m256i ints4_of(struct numbers4 *s)
{
    s->odd = _mm256_or_si256(s->odd, s->pointed);
    return _mm256_sub_epi64(_mm256_xor_si256(s->digits, s->minus), s->minus);
}

AVX2 INLINE uint32_t odd4(__m256i odd)
{
    return (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(odd));
}

AVX2 INLINE uint32_t floats_half(double *to, const uint64_t *words, const uint32_t *len)
{
    struct numbers4 s = numbers4_of(words, len);

    _mm256_storeu_pd(to, floats4_of(&s));
    return odd4(s.odd);
}

AVX2 INLINE uint32_t ints_half(int64_t *to, const uint64_t *words, const uint32_t *len)
{
    struct numbers4 s = numbers4_of(words, len);

    _mm256_storeu_si256((__m256i *)(void *)to, ints4_of(&s));
    return odd4(s.odd);
}

/* ---- eight numbers ----------------------------------------------------------------------------
 * Each gives the odd ones of eight, by a bit.
 */

AVX512 INLINE uint32_t floats8_avx512(double *to, const uint64_t *words, const uint32_t *len)
{
    struct numbers s = numbers_of(words, len);

    _mm512_storeu_pd(to, floats_of(&s));
    return s.odd;
}

AVX512 INLINE uint32_t ints8_avx512(int64_t *to, const uint64_t *words, const uint32_t *len)
{
    struct numbers s = numbers_of(words, len);

    _mm512_storeu_si512(to, ints_of(&s));
    return s.odd;
}

AVX2 INLINE uint32_t floats8_avx2(double *to, const uint64_t *words, const uint32_t *len)
{
    return floats_half(to, words, len) | floats_half(to + 4, words + 4, len + 4) << 4;
}

AVX2 INLINE uint32_t ints8_avx2(int64_t *to, const uint64_t *words, const uint32_t *len)
{
    return ints_half(to, words, len) | ints_half(to + 4, words + 4, len + 4) << 4;
}

/* ---- columns ----------------------------------------------------------------------------------
 */

/* How many of n fields are taken eight at a time. */
static uint32_t lanes_cnt(uint32_t n)
{
    return simd_level == SIMD_SCALAR ? 0 : n - n % LANES;
}

static void float_alone(double *to, const struct fields *f, uint32_t i, uint8_t *bad)
{
    to[i] = 0;
    bad[i] |= parse_float((const char *)f->base + f->off[i], f->len[i], &to[i]) != 0;
}

/* Numbers of at most four characters whose points all lie at one place: */
struct pointed {
    uint64_t points; /* the bytes of it in sixteen numbers */
    __m512i weight;  /* of the digits, as far as bytes hold it; of the point none */
    __m512i most;    /* that a character may be */
    __m512d power, inverse;
};

/* So many characters behind the point: 1 to 3. */
AVX512 static struct pointed pointed_by(uint32_t behind)
{
    static const uint32_t weight[] = {0, 0x01000a64, 0x010a0064, 0x010a6400};
    uint32_t shift = 24 - 8 * behind, point = (uint32_t)('.' ^ '0') << shift;
    struct pointed p = {.points = 0x1111111111111111u << shift / 8};

    p.weight = _mm512_set1_epi32((int)weight[behind]);
    p.most = _mm512_set1_epi32((int)((0x09090909u & ~(0xffu << shift)) | point));
    p.power = _mm512_set1_pd(powers[behind]);
    p.inverse = _mm512_set1_pd(inverses[behind]);
    return p;
}

AVX512 INLINE __m512d lower8(__m512i x)
{
    return _mm512_cvtepi32_pd(_mm512_castsi512_si256(x));
}

AVX512 INLINE __m512d upper8(__m512i x)
{
    return _mm512_cvtepi32_pd(_mm512_extracti64x4_epi64(x, 1));
}

/* Sixteen of them, as bytes less '0', zeros before the first character. False when one is none. */
AVX512 INLINE bool pointed16(double *to, __m512i x, uint32_t minus, const struct pointed *p)
{
    if (_mm512_cmpgt_epu8_mask(x, p->most))
        return false;
    x = _mm512_madd_epi16(_mm512_maddubs_epi16(x, p->weight), _mm512_set1_epi16(1));
    _mm512_storeu_pd(to, quotients(lower8(x), p->power, p->inverse, (__mmask8)minus));
    _mm512_storeu_pd(to + LANES,
                     quotients(upper8(x), p->power, p->inverse, (__mmask8)(minus >> LANES)));
    return true;
}

/* Points anywhere, or none; if all lie at one place, the next numbers are likely to have them
 * there. */
AVX512 static bool scattered16(double *to, __m512i x, __m512i n, uint32_t minus, struct pointed *p)
{
    /* By the characters behind the point, 4 without one: what is before it closes up over it. */
    const __m512i close = _mm512_setr_epi32(0x02010080, 0x03010080, 0x03020080, 0x03020180,
                                            0x03020100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m512i lane = _mm512_set4_epi32(0x0c0c0c0c, 0x08080808, 0x04040404, 0);
    __m512i point = _mm512_movm_epi8(_mm512_cmpeq_epi8_mask(x, each('.' ^ '0')));
    __m512i behind = _mm512_srli_epi32(_mm512_lzcnt_epi32(point), 3);
    uint32_t first = (uint32_t)_mm_cvtsi128_si32(_mm512_castsi512_si128(behind));

    if (_mm512_cmpeq_epi32_mask(_mm512_add_epi32(n, behind), _mm512_set1_epi32(1)))
        return false; /* a point alone */
    x = _mm512_shuffle_epi8(x, _mm512_add_epi32(_mm512_permutexvar_epi32(behind, close), lane));
    if (_mm512_cmpgt_epu8_mask(x, each(9)))
        return false;
    x = _mm512_madd_epi16(_mm512_maddubs_epi16(x, _mm512_set1_epi16(1 << 8 | 10)),
                          _mm512_set1_epi32(1 << 16 | 100));
    if (first - 1 < 3 && !_mm512_cmpneq_epi32_mask(behind, _mm512_set1_epi32((int)first)))
        *p = pointed_by(first);
    behind = _mm512_and_si512(behind, _mm512_set1_epi32(3)); /* 0 without a point */
    _mm512_storeu_pd(to,
                     quotients_of(lower8(x), _mm512_cvtepu32_epi64(_mm512_castsi512_si256(behind)),
                                  (__mmask8)minus));
    _mm512_storeu_pd(to + LANES,
                     quotients_of(upper8(x),
                                  _mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64(behind, 1)),
                                  (__mmask8)(minus >> LANES)));
    return true;
}

/* Sixteen of a sign and at most four other characters, in words of four bytes, so that each
 * instruction does twice as many. False, and nothing of use, when one is longer or no number. */
AVX512 INLINE bool floats16_avx512(double *to, const uint64_t *words, const uint32_t *len,
                                   struct pointed *p)
{
    const __m512i one = _mm512_set1_epi32(1), zero = each('0');
    /* By the characters that are not the sign: those bytes. */
    const __m512i own = _mm512_setr_epi32(0, (int)0xff000000, (int)0xffff0000, (int)0xffffff00, -1,
                                          0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m512i lows =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    __m512i n = _mm512_loadu_si512(len), a = _mm512_loadu_si512(words),
            b = _mm512_loadu_si512(words + LANES);
    __m512i up = _mm512_sub_epi32(_mm512_set1_epi32(64), _mm512_slli_epi32(n, 3));
    __m512i first =
        _mm512_and_si512(_mm512_permutex2var_epi32(a, lows, b), _mm512_set1_epi32(0xff));
    __mmask16 minus = _mm512_cmpeq_epi32_mask(first, _mm512_set1_epi32('-'));

    a = _mm512_sllv_epi64(a, _mm512_cvtepu32_epi64(_mm512_castsi512_si256(up)));
    b = _mm512_sllv_epi64(b, _mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64(up, 1)));
    __m512i x = _mm512_permutex2var_epi32(a, _mm512_add_epi32(lows, one), b);
    n = _mm512_mask_sub_epi32(n, minus, n, one);
    if (_mm512_cmpgt_epu32_mask(_mm512_sub_epi32(n, one), _mm512_set1_epi32(3)))
        return false;
    x = _mm512_and_si512(_mm512_xor_si512(x, zero), _mm512_permutexvar_epi32(n, own));
    if (_mm512_cmpeq_epi8_mask(x, each('.' ^ '0')) == p->points)
        return pointed16(to, x, minus, p);
    return scattered16(to, x, n, minus, p);
}

/* n fields of a column from `from` on, a multiple of eight. */
#define COLUMN(target, name, type, eight, alone)                                         \
    target static void name(type *to, const struct fields *f, uint32_t from, uint32_t n, \
                            uint8_t *bad)                                                \
    {                                                                                    \
        uint64_t words[CHUNK];                                                           \
                                                                                         \
        for (uint32_t i = from; i < from + n; i += LANES) {                              \
            uint32_t at = (i - from) % CHUNK, left = from + n - i;                       \
            if (at == 0)                                                                 \
                words_load(words, f, i, left < CHUNK ? left : CHUNK);                    \
            uint32_t odd = eight(to + i, words + at, f->len + i);                        \
            for (; __builtin_expect(odd != 0, 0); odd &= odd - 1)                        \
                alone(to, f, i + (uint32_t)__builtin_ctz(odd), bad);                     \
        }                                                                                \
    }

COLUMN(AVX512, floats_long_avx512, double, floats8_avx512, float_alone)
COLUMN(AVX2, floats_avx2, double, floats8_avx2, float_alone)

/* Chunks of short ones sixteen at a time; one that is not short ends that for its chunk. */
AVX512 static void floats_avx512(double *to, const struct fields *f, uint32_t n, uint8_t *bad)
{
    uint64_t words[CHUNK];
    struct pointed p = pointed_by(1);

    for (uint32_t i = 0, end, at; i < n; i = end) {
        end = n - i < CHUNK ? n : i + CHUNK;
        words_load(words, f, i, end - i);
        for (at = i; at + 2 * LANES <= end; at += 2 * LANES)
            if (!floats16_avx512(to + at, words + (at - i), f->len + at, &p))
                break;
        floats_long_avx512(to, f, at, end - at, bad);
    }
}

static struct fields fields_of(const uint8_t *base, const uint32_t *off, const uint32_t *len,
                               uint32_t n)
{
    return (struct fields){base, off, len, n ? (uint64_t)off[n - 1] + len[n - 1] : 0};
}

void parse_floats(double *to, const uint8_t *base, const uint32_t *off, const uint32_t *len,
                  uint32_t n, uint8_t *bad)
{
    struct fields f = fields_of(base, off, len, n);
    uint32_t lanes = lanes_cnt(n);

    if (lanes && simd_level == SIMD_AVX512)
        floats_avx512(to, &f, lanes, bad);
    else if (lanes)
        floats_avx2(to, &f, 0, lanes, bad);
    for (uint32_t i = lanes; i < n; i++)
        float_alone(to, &f, i, bad);
}

static void int_alone(int64_t *to, const struct fields *f, uint32_t i, uint8_t *bad)
{
    to[i] = 0;
    bad[i] |= parse_int((const char *)f->base + f->off[i], f->len[i], &to[i]) != 0;
}

COLUMN(AVX512, ints_avx512, int64_t, ints8_avx512, int_alone)
COLUMN(AVX2, ints_avx2, int64_t, ints8_avx2, int_alone)

void parse_ints(int64_t *to, const uint8_t *base, const uint32_t *off, const uint32_t *len,
                uint32_t n, uint8_t *bad)
{
    struct fields f = fields_of(base, off, len, n);
    uint32_t lanes = lanes_cnt(n);

    if (lanes && simd_level == SIMD_AVX512)
        ints_avx512(to, &f, 0, lanes, bad);
    else if (lanes)
        ints_avx2(to, &f, 0, lanes, bad);
    for (uint32_t i = lanes; i < n; i++)
        int_alone(to, &f, i, bad);
}
