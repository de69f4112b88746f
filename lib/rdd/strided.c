#include <immintrin.h>

#include "base/bytes.h"
#include "base/simd.h"
#include "rdd/strided.h"

#define INLINE static inline __attribute__((always_inline))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))

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
    const uint8_t *p = s->p + s->offset + (size_t)from * s->stride;

    for (uint32_t i = from; i < s->n; i++, p += s->stride)
        to[i] = (int64_t)load_uint(p, width, big_endian);
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

AVX512 INLINE uint32_t ints_words(int64_t *to, const struct strided *s, uint32_t words,
                                  bool is_signed)
{
    const __m512i swap =
        _mm512_broadcast_i32x4(_mm_setr_epi8(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8));
    const __m512i lanes = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);
    __m512i at = _mm512_add_epi64(_mm512_mullo_epi64(lanes, _mm512_set1_epi64(words)),
                                  _mm512_set1_epi64(s->offset / 8));
    uint32_t inside = s->offset % 8, behind = 8 - inside - s->width, i = 0;
    /* The field goes to the top of its word, then down with its sign or with zeros. */
    __m128i up = _mm_cvtsi32_si128((int)(8 * (s->big_endian ? inside : behind)));
    __m128i down = _mm_cvtsi32_si128((int)(64 - 8 * s->width));

    for (const uint8_t *p = s->p; i + LANES <= s->n; i += LANES, p += LANES * 8 * words) {
        __m512i w = pick(p, words, at);
        if (s->big_endian)
            w = _mm512_shuffle_epi8(w, swap);
        w = _mm512_sll_epi64(w, up);
        w = is_signed ? _mm512_sra_epi64(w, down) : _mm512_srl_epi64(w, down);
        _mm512_storeu_si512(to + i, w);
    }
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

    if (simd_level == SIMD_AVX512 && in_a_word(s))
        done = ints_avx512(to, s, is_signed);
    ints_plain(to, s, done, is_signed);
}
