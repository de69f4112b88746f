#include <immintrin.h>
#include <stddef.h>

#include "base/assert.h"
#include "base/simd.h"
#include "rdd/find.h"

#define INLINE static inline __attribute__((always_inline))
#define AVX2   __attribute__((target("avx2,bmi,bmi2,popcnt")))
#define AVX512 __attribute__((target("avx512f,avx512bw,bmi,bmi2,popcnt")))

/* How usual a byte is in text, logs and headers; 0 for those not listed. */
static uint32_t commonness(uint8_t c)
{
    static const char usual[] = "@%$#{}[]<>|+*;XQZJKVYWUGFPHBLMDOCRNSIATE()'\"?!&=_,:/\n-.zjqxkv"
                                "98765432bywgpfm1ucdlhrs0ninoate ";
    const char *at = c ? strrchr(usual, c) : usual + sizeof usual;

    return at ? (uint32_t)(at - usual) + 1 : 0;
}

/* The offset of the rarest byte; one that is probed already says nothing new. */
static uint32_t rarest(const struct needle *nd, uint32_t probes_cnt)
{
    uint32_t best = UINT32_MAX, off = 0;

    for (uint32_t i = 0; i < nd->n && i < NEEDLE_REACH; i++) {
        uint32_t c = 2 * commonness(nd->s[i]);
        bool probed = false;
        for (uint32_t k = 0; k < probes_cnt; k++) {
            probed |= nd->probe_off[k] == i;
            c |= nd->s[nd->probe_off[k]] == nd->s[i]; /* of two that are as rare, the new byte */
        }
        if (!probed && c < best) {
            best = c;
            off = i;
        }
    }
    return off;
}

void needle_set_add(struct needle_set *set, const uint8_t *s, uint32_t n)
{
    MR_ASSERT(n > 0 && set->cnt < NEEDLES_MAX);
    struct needle *nd = &set->needle[set->cnt++];

    *nd = (struct needle){.s = s, .n = n};
    for (uint32_t k = 1; k < NEEDLE_PROBES; k++) {
        nd->probe_off[k] = rarest(nd, k);
        set->reach = nd->probe_off[k] > set->reach ? nd->probe_off[k] : set->reach;
    }
}

/* What a step of a form found in 64 bytes. */
INLINE void sweep_put(struct sweep *s, uint64_t newlines, uint64_t places, bool lines)
{
    if (__builtin_expect(places != 0, 0))
        s->hit[s->hits_cnt++] = (struct sweep_hit){places, s->words_cnt, s->lines_cnt};
    if (lines) {
        s->ends[s->words_cnt] = newlines;
        s->lines_cnt += (uint32_t)__builtin_popcountll(newlines);
    }
    s->words_cnt++;
}

/* --- scalar ------------------------------------------------------------------------------------
 */

static uint64_t places_scalar(const struct needle *nd, const uint8_t *p, uint32_t left)
{
    const uint32_t *off = nd->probe_off;
    uint64_t m = 0;

    for (uint32_t k = 0; k < 64 && k < left; k++) {
        bool is = true;
        for (uint32_t i = 0; i < NEEDLE_PROBES; i++)
            is = is && k + off[i] < left && p[k + off[i]] == nd->s[off[i]];
        m |= (uint64_t)is << k;
    }
    return m;
}

static void sweep_scalar(struct sweep *s, const uint8_t *p, uint32_t n)
{
    for (uint32_t at = 0; at < n; at += 64) {
        uint64_t newlines = 0, places = 0;
        for (uint32_t k = 0; s->ends && k < 64 && at + k < n; k++)
            newlines |= (uint64_t)(p[at + k] == '\n') << k;
        for (uint32_t i = 0; i < s->set->cnt; i++)
            places |= places_scalar(&s->set->needle[i], p + at, n - at);
        sweep_put(s, newlines, places, s->ends);
    }
}

/* --- AVX2 --------------------------------------------------------------------------------------
 */

AVX2 INLINE uint64_t equal_avx2(const uint8_t *p, __m256i b)
{
    __m256i lo = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)p), b);
    __m256i hi = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(p + 32)), b);

    return (uint32_t)_mm256_movemask_epi8(lo) | (uint64_t)_mm256_movemask_epi8(hi) << 32;
}

AVX2 INLINE uint64_t places_avx2(const uint8_t *p, const uint32_t *off, const __m256i *b)
{
    __m256i lo = _mm256_set1_epi8(-1), hi = lo;

    for (uint32_t i = 0; i < NEEDLE_PROBES; i++) {
        const __m256i *v = (const __m256i *)(p + off[i]);
        lo = _mm256_and_si256(lo, _mm256_cmpeq_epi8(_mm256_loadu_si256(v), b[i]));
        hi = _mm256_and_si256(hi, _mm256_cmpeq_epi8(_mm256_loadu_si256(v + 1), b[i]));
    }
    return (uint32_t)_mm256_movemask_epi8(lo) | (uint64_t)_mm256_movemask_epi8(hi) << 32;
}

/* Of the piece p[0..n), the 64 bytes from `at`, of which not all are there: those that are b. */
AVX2 static uint64_t equal_tail_avx2(const uint8_t *p, uint32_t n, uint32_t at, uint8_t b)
{
    const __m256i v = _mm256_set1_epi8((char)b);
    uint8_t tail[64] = {0};

    if (at >= n)
        return 0;
    if (n - at >= 64)
        return equal_avx2(p + at, v);
    if (n >= 64) /* the last 64 bytes of the piece end with them */
        return equal_avx2(p + n - 64, v) >> (64 - (n - at));
    memcpy(tail, p + at, n - at);
    return equal_avx2(tail, v) & ((1ull << (n - at)) - 1);
}

AVX2 INLINE void sweep_avx2(struct sweep *to, const uint8_t *p, uint32_t n, uint32_t cnt,
                            bool lines)
{
    const struct needle *nd = to->set->needle;
    const __m256i newline = _mm256_set1_epi8('\n');
    __m256i b[NEEDLES_MAX][NEEDLE_PROBES];
    struct sweep s = *to;
    uint32_t at = 0;

    for (uint32_t i = 0; i < cnt; i++)
        for (uint32_t k = 0; k < NEEDLE_PROBES; k++)
            b[i][k] = _mm256_set1_epi8((char)nd[i].s[nd[i].probe_off[k]]);
    for (; at + 64 + s.set->reach <= n; at += 64) {
        uint64_t places = 0;
        for (uint32_t i = 0; i < cnt; i++)
            places |= places_avx2(p + at, nd[i].probe_off, b[i]);
        sweep_put(&s, lines ? equal_avx2(p + at, newline) : 0, places, lines);
    }
    for (; at < n; at += 64) {
        uint64_t places = 0;
        for (uint32_t i = 0; i < cnt; i++) {
            uint64_t m = ~0ull;
            for (uint32_t k = 0; k < NEEDLE_PROBES; k++)
                m &= equal_tail_avx2(p, n, at + nd[i].probe_off[k], nd[i].s[nd[i].probe_off[k]]);
            places |= m;
        }
        sweep_put(&s, lines ? equal_tail_avx2(p, n, at, '\n') : 0, places, lines);
    }
    *to = s;
}

/* --- AVX-512 -----------------------------------------------------------------------------------
 */

/* The bytes of the piece p[0..n) from `at` that are b. */
AVX512 INLINE uint64_t equal_tail_avx512(const uint8_t *p, uint32_t n, uint32_t at, __m512i b)
{
    __mmask64 there = at >= n ? 0 : n - at >= 64 ? ~0ull : (1ull << (n - at)) - 1;

    return _mm512_mask_cmpeq_epi8_mask(there, _mm512_maskz_loadu_epi8(there, p + at), b);
}

AVX512 INLINE void sweep_avx512(struct sweep *to, const uint8_t *p, uint32_t n, uint32_t cnt,
                                bool lines)
{
    const struct needle *nd = to->set->needle;
    const __m512i newline = _mm512_set1_epi8('\n');
    __m512i b[NEEDLES_MAX][NEEDLE_PROBES];
    struct sweep s = *to;
    uint32_t at = 0;

    for (uint32_t i = 0; i < cnt; i++)
        for (uint32_t k = 0; k < NEEDLE_PROBES; k++)
            b[i][k] = _mm512_set1_epi8((char)nd[i].s[nd[i].probe_off[k]]);
    for (; at + 64 + s.set->reach <= n; at += 64) {
        uint64_t places = 0;
        for (uint32_t i = 0; i < cnt; i++) {
            __mmask64 m = ~0ull;
            for (uint32_t k = 0; k < NEEDLE_PROBES; k++)
                m = _mm512_mask_cmpeq_epi8_mask(m, _mm512_loadu_si512(p + at + nd[i].probe_off[k]),
                                                b[i][k]);
            places |= m;
        }
        uint64_t ends = lines ? _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(p + at), newline) : 0;
        sweep_put(&s, ends, places, lines);
    }
    for (; at < n; at += 64) {
        uint64_t places = 0;
        for (uint32_t i = 0; i < cnt; i++) {
            uint64_t m = ~0ull;
            for (uint32_t k = 0; k < NEEDLE_PROBES; k++)
                m &= equal_tail_avx512(p, n, at + nd[i].probe_off[k], b[i][k]);
            places |= m;
        }
        sweep_put(&s, lines ? equal_tail_avx512(p, n, at, newline) : 0, places, lines);
    }
    *to = s;
}

/* --- the table ---------------------------------------------------------------------------------
 */

/* One needle is the usual number, and then everything of it stays in registers. */
#define FORMS(level, LEVEL)                                                             \
    LEVEL static void one_##level(struct sweep *s, const uint8_t *p, uint32_t n)        \
    {                                                                                   \
        sweep_##level(s, p, n, 1, false);                                               \
    }                                                                                   \
    LEVEL static void one_lines_##level(struct sweep *s, const uint8_t *p, uint32_t n)  \
    {                                                                                   \
        sweep_##level(s, p, n, 1, true);                                                \
    }                                                                                   \
    LEVEL static void some_lines_##level(struct sweep *s, const uint8_t *p, uint32_t n) \
    {                                                                                   \
        sweep_##level(s, p, n, s->set->cnt, true);                                      \
    }

FORMS(avx2, AVX2)
FORMS(avx512, AVX512)

void sweep_add(struct sweep *s, const uint8_t *p, uint32_t n)
{
    static void (*const form[][3])(struct sweep *, const uint8_t *, uint32_t) = {
        [SIMD_SCALAR] = {sweep_scalar, sweep_scalar, sweep_scalar},
        [SIMD_AVX2] = {one_avx2, one_lines_avx2, some_lines_avx2},
        [SIMD_AVX512] = {one_avx512, one_lines_avx512, some_lines_avx512},
    };

    MR_ASSERT(s->ends || s->set->cnt == 1);
    form[simd_level][!s->ends ? 0 : s->set->cnt == 1 ? 1 : 2](s, p, n);
}
