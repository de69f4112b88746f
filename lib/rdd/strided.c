#include <immintrin.h>
#include <string.h>

#include "base/bytes.h"
#include "base/simd.h"
#include "rdd/sel_kernel.h"
#include "rdd/strided.h"

#define INLINE static inline __attribute__((always_inline))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,popcnt")))

/* ---- one by one -------------------------------------------------------------------------------
 */

INLINE uint64_t load_uint(const uint8_t *p, uint32_t width, bool big_endian)
{
    uint64_t v = 0;

    switch (width) {
    case 1: return *p;
    case 2: return big_endian ? load_be16(p) : load_le16(p);
    case 4: return big_endian ? load_be32(p) : load_le32(p);
    case 8: return big_endian ? load_be64(p) : load_le64(p);
    default: break;
    }
    for (uint32_t i = 0; i < width; i++)
        v = v << 8 | p[big_endian ? i : width - 1 - i];
    return v;
}

uint64_t strided_load(const uint8_t *p, uint32_t width, bool big_endian)
{
    return load_uint(p, width, big_endian);
}

INLINE void load_each(int64_t *to, const struct strided *s, uint32_t from, uint32_t width,
                      bool big_endian)
{
    const uint8_t *p = s->p + s->offset;
    const uint16_t *row = s->row;
    const size_t stride = s->stride;

    if (row)
#pragma GCC unroll 4
        for (uint32_t i = from; i < s->n; i++)
            to[i] = (int64_t)load_uint(p + row[i] * stride, width, big_endian);
    else
        for (uint32_t i = from; i < s->n; i++)
            to[i] = (int64_t)load_uint(p + i * stride, width, big_endian);
}

/* The usual widths have loops of their own. */
static void load_all(int64_t *to, const struct strided *s, uint32_t from)
{
    switch (s->width * 2 + s->big_endian) {
    case 2:
    case 3: load_each(to, s, from, 1, false); return;
    case 4: load_each(to, s, from, 2, false); return;
    case 5: load_each(to, s, from, 2, true); return;
    case 8: load_each(to, s, from, 4, false); return;
    case 9: load_each(to, s, from, 4, true); return;
    case 16: load_each(to, s, from, 8, false); return;
    case 17: load_each(to, s, from, 8, true); return;
    default: load_each(to, s, from, s->width, s->big_endian);
    }
}

static void ints_plain(int64_t *to, const struct strided *s, uint32_t from, bool is_signed)
{
    uint32_t shift = 64 - 8 * s->width;

    load_all(to, s, from);
    if (is_signed && shift)
        for (uint32_t i = from; i < s->n; i++)
            to[i] = (int64_t)((uint64_t)to[i] << shift) >> shift;
}

/* ---- eight records at a time --------------------------------------------------------------------
 */

#define LANES     8u
#define WORDS_MAX 4u

/* Records are up to four words, and the field lies inside one of them. */
static bool in_a_word(const struct strided *s)
{
    return s->stride % 8 == 0 && s->stride / 8 <= WORDS_MAX && s->offset % 8 + s->width <= 8;
}

/* Which word of each of eight records has the field. */
AVX512 INLINE __m512i places_of(const struct strided *s, uint32_t words)
{
    const __m512i lanes = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);

    return _mm512_add_epi64(_mm512_mullo_epi64(lanes, _mm512_set1_epi64(words)),
                            _mm512_set1_epi64(s->offset / 8));
}

/* The word with the field of each of eight records of `words` words. */
AVX512 INLINE __m512i pick(const uint8_t *p, uint32_t words, __m512i at)
{
    if (words == 1)
        return _mm512_loadu_si512(p);
    __m512i low = _mm512_permutex2var_epi64(_mm512_loadu_si512(p), at, _mm512_loadu_si512(p + 64));
    if (words == 2)
        return low;
    __m512i third = _mm512_loadu_si512(p + 128);
    __m512i fourth = words == 4 ? _mm512_loadu_si512(p + 192) : third;
    __m512i high = _mm512_permutex2var_epi64(third, at, fourth);
    return _mm512_mask_blend_epi64(_mm512_cmpgt_epi64_mask(at, _mm512_set1_epi64(15)), low, high);
}

/* From words to numbers: the field goes to the top of its word, then down with its sign or with
 * zeros. */
struct number {
    bool big_endian, is_signed;
    __m128i up, down;
};

AVX512 INLINE struct number number_of(const struct strided *s, bool is_signed)
{
    uint32_t inside = s->offset % 8, behind = 8 - inside - s->width;

    return (struct number){.big_endian = s->big_endian,
                           .is_signed = is_signed,
                           .up = _mm_cvtsi32_si128((int)(8 * (s->big_endian ? inside : behind))),
                           .down = _mm_cvtsi32_si128((int)(64 - 8 * s->width))};
}

AVX512 INLINE __m512i numbers(__m512i w, const struct number *as)
{
    const __m512i swap =
        _mm512_broadcast_i32x4(_mm_setr_epi8(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8));

    if (as->big_endian)
        w = _mm512_shuffle_epi8(w, swap);
    w = _mm512_sll_epi64(w, as->up);
    return as->is_signed ? _mm512_sra_epi64(w, as->down) : _mm512_srl_epi64(w, as->down);
}

AVX512 INLINE uint32_t ints_words(int64_t *to, const struct strided *s, uint32_t words,
                                  bool is_signed)
{
    const __m512i at = places_of(s, words);
    const struct number as = number_of(s, is_signed);
    const uint8_t *p = s->p;
    uint32_t i = 0;

    for (; i + LANES <= s->n; i += LANES, p += LANES * 8 * words)
        _mm512_storeu_si512(to + i, numbers(pick(p, words, at), &as));
    return i;
}

/* Returns how many it did. */
AVX512 static uint32_t ints_avx512(int64_t *to, const struct strided *s, bool is_signed)
{
    switch (s->stride / 8) {
    case 1: return ints_words(to, s, 1, is_signed);
    case 2: return ints_words(to, s, 2, is_signed);
    case 3: return ints_words(to, s, 3, is_signed);
    default: return ints_words(to, s, 4, is_signed);
    }
}

void strided_ints(int64_t *to, const struct strided *s, bool is_signed)
{
    uint32_t done = 0;

    if (simd_level == SIMD_AVX512 && !s->row && in_a_word(s))
        done = ints_avx512(to, s, is_signed);
    ints_plain(to, s, done, is_signed);
}

/* ---- comparisons --------------------------------------------------------------------------------
 */

#define STEP 32u /* records whose bits are made rows at once */

/* The bytes of the field in its word as the number lies in them, others zero. */
static uint64_t as_it_lies(const struct strided *s, uint64_t number)
{
    uint8_t word[8] = {0};
    uint64_t out;

    for (uint32_t i = 0; i < s->width; i++)
        word[s->offset % 8 + i] = (uint8_t)(number >> 8 * (s->big_endian ? s->width - 1 - i : i));
    memcpy(&out, word, sizeof out);
    return out;
}

/* Is there a field with this number? */
static bool may_equal(const struct strided *s, bool is_signed, int64_t y)
{
    uint32_t shift = 64 - 8 * s->width;
    uint64_t up = (uint64_t)y << shift;

    return y == (is_signed ? (int64_t)up >> shift : (int64_t)(up >> shift));
}

/* A comparison in registers. Equal words are found as they lie, others are masked. */
enum test_kind { ZERO, EQUAL, GREATER };

struct test {
    struct number as;
    __m512i mask, with;
    uint32_t flip;
};

AVX512 INLINE struct test test_of(const struct strided *s, bool is_signed,
                                  const struct sel_ask *ask)
{
    uint64_t lies = as_it_lies(s, (uint64_t)ask->with);

    return (struct test){.as = number_of(s, is_signed),
                         .mask = _mm512_set1_epi64((int64_t)as_it_lies(s, ~0ull)),
                         .with = _mm512_set1_epi64(ask->greater ? ask->with : (int64_t)lies),
                         .flip = ask->want ? 0 : ~0u};
}

AVX512 INLINE __mmask8 passed(__m512i w, const struct test *t, enum test_kind kind)
{
    if (kind == GREATER)
        return _mm512_cmpgt_epi64_mask(numbers(w, &t->as), t->with);
    if (kind == ZERO)
        return _mm512_testn_epi64_mask(w, t->mask);
    return _mm512_cmpeq_epi64_mask(_mm512_and_si512(w, t->mask), t->with);
}

AVX512 INLINE uint32_t where_words(uint16_t *to, const struct strided *s, uint32_t words,
                                   bool is_signed, const struct sel_ask *ask, enum test_kind kind)
{
    const __m512i at = places_of(s, words);
    const struct test t = test_of(s, is_signed, ask);
    const uint8_t *p = s->p;
    uint32_t cnt = 0;

    for (uint32_t i = 0; i + STEP <= s->n; i += STEP) {
        uint32_t here = 0;
        for (uint32_t k = 0; k < STEP; k += LANES, p += LANES * 8 * words)
            here |= (uint32_t)passed(pick(p, words, at), &t, kind) << k;
        cnt += sel_put_32(to + cnt, here ^ t.flip, i);
    }
    return cnt;
}

AVX512 INLINE uint32_t where_kind(uint16_t *to, const struct strided *s, uint32_t words,
                                  bool is_signed, const struct sel_ask *ask)
{
    if (ask->greater)
        return where_words(to, s, words, is_signed, ask, GREATER);
    if (ask->with)
        return where_words(to, s, words, is_signed, ask, EQUAL);
    return where_words(to, s, words, is_signed, ask, ZERO);
}

/* Does as many as make whole steps. */
AVX512 static uint32_t where_avx512(uint16_t *to, const struct strided *s, bool is_signed,
                                    const struct sel_ask *ask)
{
    switch (s->stride / 8) {
    case 1: return where_kind(to, s, 1, is_signed, ask);
    case 2: return where_kind(to, s, 2, is_signed, ask);
    case 3: return where_kind(to, s, 3, is_signed, ask);
    default: return where_kind(to, s, 4, is_signed, ask);
    }
}

#define SOME 256u /* whose numbers stay in L1 until they are compared */

/* Records from, from + 1, ...: up to SOME of them. */
static uint32_t where_some(uint16_t *to, const struct strided *s, uint32_t from, bool is_signed,
                           enum sel_op op, int64_t y)
{
    struct strided some = *s;
    int64_t number[SOME];

    some.p += (size_t)from * s->stride;
    some.n = s->n - from < SOME ? s->n - from : SOME;
    strided_ints(number, &some, is_signed);
    uint32_t cnt = sel_compare(to, number, op, y, some.n);
    for (uint32_t i = 0; from && i < cnt; i++)
        to[i] = (uint16_t)(to[i] + from);
    return cnt;
}

uint32_t strided_where(uint16_t *to, const struct strided *s, bool is_signed, enum sel_op op,
                       int64_t y)
{
    const struct sel_ask ask = sel_ask_of(op, y);
    uint32_t from = 0, cnt = 0;

    if (simd_level == SIMD_AVX512 && in_a_word(s) &&
        (ask.greater || may_equal(s, is_signed, ask.with))) {
        cnt = where_avx512(to, s, is_signed, &ask);
        from = s->n - s->n % STEP;
    }
    for (; from < s->n; from += SOME)
        cnt += where_some(to + cnt, s, from, is_signed, op, y);
    return cnt;
}
