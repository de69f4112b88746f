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

/* --- scalar ------------------------------------------------------------------------------------
 */

/* flag[k]: do all probes match at p[k]? Of `left` bytes from p on. */
static void flag_places(const struct needle *nd, const uint8_t *p, uint32_t left, uint8_t *flag)
{
    for (uint32_t i = 0; i < NEEDLE_PROBES; i++) {
        const uint32_t off = nd->probe_off[i], n = left > off ? left - off : 0;
        const uint8_t b = nd->s[off], *at = p + off;
        if (n >= 64)
            for (uint32_t k = 0; k < 64; k++)
                flag[k] &= at[k] == b;
        else
            for (uint32_t k = 0; k < 64; k++)
                flag[k] = k < n && flag[k] && at[k] == b;
    }
}

static uint64_t flags_mask(const uint8_t *flag)
{
    uint64_t m = 0;

    for (uint32_t k = 0; k < 64; k += 8)
        m |= (load_le64(flag + k) * 0x0102040810204080u >> 56) << k;
    return m;
}

static uint64_t newlines_scalar(const uint8_t *p, uint32_t n, uint32_t at)
{
    uint8_t flag[64] = {0};

    for (uint32_t k = 0; k < 64 && at + k < n; k++)
        flag[k] = p[at + k] == '\n';
    return flags_mask(flag);
}

static uint32_t sweep_scalar(const struct needle_set *set, const uint8_t *p, uint32_t n,
                             struct sweep_hit *hit, uint32_t *lines)
{
    uint32_t hits = 0, sum = 0;

    for (uint32_t at = 0; at < n; at += 64) {
        uint8_t flag[64];
        struct sweep_hit h = {.off = at, .lines = sum};
        for (uint32_t i = 0; i < set->cnt; i++) {
            memset(flag, 1, sizeof flag);
            flag_places(&set->needle[i], p + at, n - at, flag);
            h.places |= flags_mask(flag);
        }
        for (uint32_t k = 0; lines && h.places && k < 3; k++)
            h.newlines[k] = at || k ? newlines_scalar(p, n, at + 64 * k - 64) : 0;
        for (uint32_t k = at; lines && k < n && k < at + 64; k++)
            sum += p[k] == '\n';
        if (h.places)
            hit[hits++] = h;
    }
    if (lines)
        *lines = sum;
    return hits;
}

/* --- AVX2, and AVX-512 at the end of the text --------------------------------------------------
 */

struct probes {
    __m256i b[NEEDLES_MAX][NEEDLE_PROBES];
};

AVX2 INLINE struct probes probes_of(const struct needle_set *set, uint32_t cnt)
{
    struct probes pr;

    for (uint32_t i = 0; i < cnt; i++)
        for (uint32_t k = 0; k < NEEDLE_PROBES; k++)
            pr.b[i][k] = _mm256_set1_epi8((char)set->needle[i].s[set->needle[i].probe_off[k]]);
    return pr;
}

/* Of the 32 bytes at p, which are v, where may a needle begin? */
AVX2 INLINE __m256i places_of(const struct needle_set *set, uint32_t cnt, const struct probes *pr,
                              const uint8_t *p, __m256i v)
{
    __m256i any = _mm256_setzero_si256();

    for (uint32_t i = 0; i < cnt; i++) {
        const uint32_t *off = set->needle[i].probe_off;
        __m256i m = _mm256_cmpeq_epi8(v, pr->b[i][0]);
        for (uint32_t k = 1; k < NEEDLE_PROBES; k++) {
            __m256i at = _mm256_loadu_si256((const __m256i *)(p + off[k]));
            m = _mm256_and_si256(m, _mm256_cmpeq_epi8(at, pr->b[i][k]));
        }
        any = i ? _mm256_or_si256(any, m) : m;
    }
    return any;
}

AVX2 INLINE uint64_t mask_of(__m256i lo, __m256i hi)
{
    return (uint32_t)_mm256_movemask_epi8(lo) | (uint64_t)_mm256_movemask_epi8(hi) << 32;
}

AVX2 INLINE uint32_t sum_of(__m256i bytes)
{
    __m256i s = _mm256_sad_epu8(bytes, _mm256_setzero_si256());
    __m128i t = _mm_add_epi64(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));

    return (uint32_t)(_mm_cvtsi128_si64(t) + _mm_extract_epi64(t, 1));
}

/* Of the text p[0..n), the bytes from `at` on, of which not all 64 are there: those that are b. */
AVX2 INLINE uint64_t equal_tail_avx2(const uint8_t *p, uint32_t n, uint32_t at, uint8_t b)
{
    const __m256i v = _mm256_set1_epi8((char)b);
    uint32_t left = at < n ? n - at : 0;
    uint8_t tail[64] = {0};
    const uint8_t *from = tail;

    if (!left)
        return 0;
    if (n < 64)
        memcpy(tail, p + at, left);
    else
        from = p + (left < 64 ? n - 64 : at); /* the last 64 bytes end with the text */
    const __m256i *at32 = (const __m256i *)(const void *)from;
    uint64_t m = mask_of(_mm256_cmpeq_epi8(_mm256_loadu_si256(at32), v),
                         _mm256_cmpeq_epi8(_mm256_loadu_si256(at32 + 1), v));
    if (left >= 64)
        return m;
    return n < 64 ? m & ((1ull << left) - 1) : m >> (64 - left);
}

AVX512 INLINE uint64_t equal_tail_avx512(const uint8_t *p, uint32_t n, uint32_t at, uint8_t b)
{
    __mmask64 there = at >= n ? 0 : n - at >= 64 ? ~0ull : (1ull << (n - at)) - 1;
    __m512i v = _mm512_maskz_loadu_epi8(there, p + at);

    return _mm512_mask_cmpeq_epi8_mask(there, v, _mm512_set1_epi8((char)b));
}

/* What a hit says about newlines. */
AVX2 static void put_newlines(struct sweep_hit *h, const uint8_t *p, uint32_t n)
{
    h->newlines[0] = h->off ? equal_tail_avx2(p, n, h->off - 64, '\n') : 0;
    h->newlines[1] = equal_tail_avx2(p, n, h->off, '\n');
    h->newlines[2] = equal_tail_avx2(p, n, h->off + 64, '\n');
}

/* Steps for which the sum of a byte of newlines cannot be more than 255. */
#define STEPS_MAX 127u

/* The steps of which all probes lie in the text. Returns where they end; *lines grows. */
AVX2 INLINE uint32_t sweep_body(const struct needle_set *set, uint32_t cnt, const uint8_t *p,
                                uint32_t n, struct sweep_hit *hit, uint32_t *hits_cnt,
                                uint32_t *lines)
{
    const __m256i newline = _mm256_set1_epi8('\n'), none = _mm256_setzero_si256();
    const struct probes pr = probes_of(set, cnt);
    uint32_t end = n < 64 + set->reach ? 0 : n - 63 - set->reach;
    uint32_t at = 0, hits = 0, sum = 0;

    while (at < end) {
        uint32_t to = end - at < 64 * STEPS_MAX ? end : at + 64 * STEPS_MAX;
        __m256i ends = none;
        for (; at < to; at += 64) {
            __m256i v = _mm256_loadu_si256((const __m256i *)(p + at));
            __m256i w = _mm256_loadu_si256((const __m256i *)(p + at + 32));
            __m256i x = places_of(set, cnt, &pr, p + at, v);
            __m256i y = places_of(set, cnt, &pr, p + at + 32, w);
            __m256i nv = lines ? _mm256_cmpeq_epi8(v, newline) : none;
            __m256i nw = lines ? _mm256_cmpeq_epi8(w, newline) : none;
            uint64_t places = mask_of(x, y);
            if (__builtin_expect(places != 0, 0)) {
                struct sweep_hit *h = &hit[hits++];
                h->places = places;
                h->off = at;
                h->lines = lines ? sum + sum_of(ends) : 0;
                if (lines)
                    put_newlines(h, p, n);
            }
            ends = _mm256_sub_epi8(ends, _mm256_add_epi8(nv, nw));
        }
        if (lines)
            sum += sum_of(ends);
    }
    *hits_cnt = hits;
    if (lines)
        *lines = sum;
    return at;
}

/* The whole of a form: the body, and the rest with another way to load. */
#define SWEEP(equal_tail)                                                              \
    uint32_t hits, sum = 0;                                                            \
    uint32_t at = sweep_body(set, cnt, p, n, hit, &hits, lines ? &sum : NULL);         \
                                                                                       \
    for (; at < n; at += 64) {                                                         \
        struct sweep_hit h = {.off = at, .lines = sum};                                \
        for (uint32_t i = 0; i < cnt; i++) {                                           \
            const struct needle *nd = &set->needle[i];                                 \
            uint64_t m = ~0ull;                                                        \
            for (uint32_t k = 0; k < NEEDLE_PROBES; k++)                               \
                m &= equal_tail(p, n, at + nd->probe_off[k], nd->s[nd->probe_off[k]]); \
            h.places |= m;                                                             \
        }                                                                              \
        if (h.places && lines)                                                         \
            put_newlines(&h, p, n);                                                    \
        if (h.places)                                                                  \
            hit[hits++] = h;                                                           \
        sum += lines ? (uint32_t)_mm_popcnt_u64(equal_tail(p, n, at, '\n')) : 0;       \
    }                                                                                  \
    if (lines)                                                                         \
        *lines = sum;                                                                  \
    return hits

AVX2 INLINE uint32_t sweep_avx2(const struct needle_set *set, uint32_t cnt, const uint8_t *p,
                                uint32_t n, struct sweep_hit *hit, uint32_t *lines)
{
    SWEEP(equal_tail_avx2);
}

AVX512 INLINE uint32_t sweep_avx512(const struct needle_set *set, uint32_t cnt, const uint8_t *p,
                                    uint32_t n, struct sweep_hit *hit, uint32_t *lines)
{
    SWEEP(equal_tail_avx512);
}

/* --- the table ---------------------------------------------------------------------------------
 */

typedef uint32_t (*sweep_form)(const struct needle_set *set, const uint8_t *p, uint32_t n,
                               struct sweep_hit *hit, uint32_t *lines);

/* One needle is the usual number, and then all of it stays in registers. */
#define FORMS(level, LEVEL)                                                                        \
    LEVEL static uint32_t text_##level(const struct needle_set *set, const uint8_t *p, uint32_t n, \
                                       struct sweep_hit *hit, uint32_t *lines)                     \
    {                                                                                              \
        (void)lines;                                                                               \
        return sweep_##level(set, 1, p, n, hit, NULL);                                             \
    }                                                                                              \
    LEVEL static uint32_t one_##level(const struct needle_set *set, const uint8_t *p, uint32_t n,  \
                                      struct sweep_hit *hit, uint32_t *lines)                      \
    {                                                                                              \
        uint32_t sum, hits = sweep_##level(set, 1, p, n, hit, &sum);                               \
        *lines = sum;                                                                              \
        return hits;                                                                               \
    }                                                                                              \
    LEVEL static uint32_t two_##level(const struct needle_set *set, const uint8_t *p, uint32_t n,  \
                                      struct sweep_hit *hit, uint32_t *lines)                      \
    {                                                                                              \
        uint32_t sum, hits = sweep_##level(set, 2, p, n, hit, &sum);                               \
        *lines = sum;                                                                              \
        return hits;                                                                               \
    }                                                                                              \
    LEVEL static uint32_t some_##level(const struct needle_set *set, const uint8_t *p, uint32_t n, \
                                       struct sweep_hit *hit, uint32_t *lines)                     \
    {                                                                                              \
        uint32_t sum, hits = sweep_##level(set, set->cnt, p, n, hit, &sum);                        \
        *lines = sum;                                                                              \
        return hits;                                                                               \
    }

FORMS(avx2, AVX2)
FORMS(avx512, AVX512)

uint32_t sweep_lines(const struct needle_set *set, const uint8_t *p, uint32_t n,
                     struct sweep_hit *hit, uint32_t *lines)
{
    static const sweep_form form[][3] = {
        [SIMD_SCALAR] = {sweep_scalar, sweep_scalar, sweep_scalar},
        [SIMD_AVX2] = {one_avx2, two_avx2, some_avx2},
        [SIMD_AVX512] = {one_avx512, two_avx512, some_avx512},
    };

    return form[simd_level][set->cnt < 3 ? set->cnt - 1 : 2](set, p, n, hit, lines);
}

uint32_t sweep_text(const struct needle_set *set, const uint8_t *p, uint32_t n,
                    struct sweep_hit *hit)
{
    static const sweep_form form[] = {
        [SIMD_SCALAR] = sweep_scalar,
        [SIMD_AVX2] = text_avx2,
        [SIMD_AVX512] = text_avx512,
    };

    MR_ASSERT(set->cnt == 1);
    return form[simd_level](set, p, n, hit, NULL);
}
