/*
 * Limit program for the least, mean and greatest temperature of each station. It knows that a block
 * is lines of "station;temperature", that no name is longer than 32 bytes, and that temperatures
 * have one digit behind the point and one or two before it; it stops when a name is longer.
 *
 * A step is some 8 KB of lines, each of these a loop of its own over all of it:
 *   marks    64 bytes to a mask of ';' and '\n', the mask to positions (compress)
 *   tenths   the four bytes before the newline, and the length, to a signed number of tenths
 *   stations the name, masked to 32 bytes; two seeded rounds of AES are the hash (without AVX-512 a
 *            seeded multiplication, folded); a table of 131,072 slots of a cache line {32 key
 * bytes, count and sum, error, greatest and least}: few names are away from their home slot
 *
 * The job adds floats, so that what "12.3" is as a float counts, not 123 tenths. The sum is exact:
 * a float of this kind is a whole number of 2^-56, ten of which are tenths * 2^56 and a small
 * error, from a table; the errors are summed beside the tenths.
 */
#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/simd.h"
#include "perf/blocks.h"
#include "perf/gen_1brc.h"
#include "perf/side.h"
#include "rdd/print.h"
#include "rdd/tkey.h"

#define STEP_BYTES 8192u
#define STEP_MARKS (STEP_BYTES / 2 + 64)
#define NAME_MAX   32u
#define SLOT_BITS  17
#define SLOTS      (1u << SLOT_BITS)
#define USED_MAX   (SLOTS / 2)
#define TENTHS     GEN_1BRC_TENTHS_MAX
#define COUNT_ONE  (1ull << 40) /* the sum of tenths + TENTHS below it, of 2^24 records */
#define UNIT_BITS  56

struct slot {
    uint8_t name[NAME_MAX]; /* padded with zeros; begins with 0: free */
    uint64_t count_sum;
    int64_t error;
    int32_t max, max_negated; /* of tenths */
    uint64_t spare;
};

_Static_assert(sizeof(struct slot) == 64, "a slot is a cache line");

struct result {
    uint32_t slot;
    double min, mean, max;
};

struct stations {
    struct slot *slot;
    uint32_t *used; /* slots in the order in which their names came */
    uint32_t used_cnt, results_cnt;
    struct result *result;
    int16_t error[2 * TENTHS + 1];
    uint16_t mark[STEP_MARKS]; /* of record i: ';' at 2 i, '\n' at 2 i + 1 */
    int32_t tenths[STEP_MARKS / 2];
};

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi2,aes")))

/* ---- marks ------------------------------------------------------------------------------------
 */

AVX512 static uint32_t marks_avx512(struct stations *s, const uint8_t *p, uint32_t bytes)
{
    static const uint8_t count[64] = {
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
        22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
        44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
    const __m512i index = _mm512_loadu_si512(count), semicolon = _mm512_set1_epi8(';'),
                  newline = _mm512_set1_epi8('\n');
    uint32_t n = 0;

    for (uint32_t at = 0; at < bytes; at += 64) {
        uint64_t live = at + 64 <= bytes ? ~0ull : (1ull << bytes % 64) - 1;
        __m512i x = _mm512_loadu_si512(p + at);
        uint64_t m = _mm512_cmpeq_epi8_mask(x, semicolon) | _mm512_cmpeq_epi8_mask(x, newline);
        m &= live;
        __m512i found = _mm512_maskz_compress_epi8(m, index);
        __m512i wide = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(found));
        _mm512_storeu_si512(s->mark + n, _mm512_add_epi16(wide, _mm512_set1_epi16((short)at)));
        n += (uint32_t)__builtin_popcountll(m);
    }
    return n / 2;
}

static uint32_t marks_avx2(struct stations *s, const uint8_t *p, uint32_t bytes)
{
    const __m256i semicolon = _mm256_set1_epi8(';'), newline = _mm256_set1_epi8('\n');
    uint32_t n = 0;

    for (uint32_t at = 0; at < bytes; at += 32) {
        __m256i x = _mm256_loadu_si256((const __m256i *)(p + at));
        __m256i hit =
            _mm256_or_si256(_mm256_cmpeq_epi8(x, semicolon), _mm256_cmpeq_epi8(x, newline));
        uint32_t m = (uint32_t)_mm256_movemask_epi8(hit);
        m &= at + 32 <= bytes ? ~0u : (1u << bytes % 32) - 1;
        uint32_t end = n + (uint32_t)__builtin_popcount(m);
        for (; n < end; m &= m - 1)
            s->mark[n++] = (uint16_t)(at + (uint32_t)__builtin_ctz(m));
    }
    return n / 2;
}

/* ---- tenths -----------------------------------------------------------------------------------
 */

/* "12.3", "-2.3" or ";2.3" */
static void tenths_avx2(struct stations *s, const uint8_t *p, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t end = s->mark[2 * i + 1], w;
        memcpy(&w, p + end - 4, 4);
        uint32_t first = (w & 0xff) - '0', digit = first < 10 ? ~0u : 0;
        uint32_t v = (first & digit) * 100 + (w >> 8 & 15) * 10 + (w >> 24 & 15);
        uint32_t minus = 0u - (uint32_t)((end - s->mark[2 * i] == 6) | ((w & 0xff) == '-'));
        s->tenths[i] = (int32_t)((v ^ minus) - minus);
    }
}

AVX512 static void tenths_avx512(struct stations *s, const uint8_t *p, uint32_t n)
{
    const __m512i low4 = _mm512_set1_epi32(15), ten = _mm512_set1_epi32(10);

    for (uint32_t i = 0; i < n; i += 16) {
        __m512i x = _mm512_loadu_si512(s->mark + 2 * i);
        __m512i end = _mm512_srli_epi32(x, 16),
                semicolon = _mm512_and_si512(x, _mm512_set1_epi32(0xffff));
        __m512i w = _mm512_mask_i32gather_epi32(
            _mm512_setzero_si512(), i + 16 <= n ? 0xffff : (__mmask16)((1u << (n - i)) - 1), end,
            p - 4, 1);
        __m512i first =
            _mm512_sub_epi32(_mm512_and_si512(w, _mm512_set1_epi32(0xff)), _mm512_set1_epi32('0'));
        __mmask16 digit = _mm512_cmplt_epu32_mask(first, ten);
        __mmask16 minus =
            _mm512_cmpeq_epi32_mask(first, _mm512_set1_epi32('-' - '0')) |
            _mm512_cmpeq_epi32_mask(_mm512_sub_epi32(end, semicolon), _mm512_set1_epi32(6));
        __m512i v = _mm512_maskz_mullo_epi32(digit, first, ten);
        v = _mm512_add_epi32(v, _mm512_and_si512(_mm512_srli_epi32(w, 8), low4));
        v = _mm512_mullo_epi32(v, ten);
        v = _mm512_add_epi32(v, _mm512_and_si512(_mm512_srli_epi32(w, 24), low4));
        v = _mm512_mask_sub_epi32(v, minus, _mm512_setzero_si512(), v);
        _mm512_storeu_si512(s->tenths + i, v);
    }
}

/* ---- stations ---------------------------------------------------------------------------------
 */

/* The slot of a name that is not at home; a new one takes the first that is free. */
static __attribute__((noinline)) struct slot *elsewhere(struct stations *s, uint32_t home,
                                                        const uint8_t *name)
{
    for (uint32_t at = home;; at = (at + 1) % SLOTS) {
        struct slot *slot = &s->slot[at];
        if (!memcmp(slot->name, name, NAME_MAX))
            return slot;
        if (slot->name[0])
            continue;
        MR_ASSERT(s->used_cnt < USED_MAX);
        s->used[s->used_cnt++] = at;
        memcpy(slot->name, name, NAME_MAX);
        slot->max = slot->max_negated = INT32_MIN;
        return slot;
    }
}

static inline void slot_add(const struct stations *s, struct slot *slot, int32_t tenths)
{
    __m128i both = _mm_insert_epi32(_mm_cvtsi32_si128(tenths), -tenths, 1);

    slot->count_sum += COUNT_ONE + (uint64_t)(uint32_t)(tenths + TENTHS);
    slot->error += s->error[tenths + TENTHS];
    both = _mm_max_epi32(both, _mm_loadl_epi64((const __m128i *)(const void *)&slot->max));
    _mm_storel_epi64((__m128i *)(void *)&slot->max, both);
}

AVX512 static void stations_avx512(struct stations *s, const uint8_t *p, uint32_t n)
{
    const __m128i s0 = _mm_set_epi64x((int64_t)tkey_seed[0], (int64_t)tkey_seed[1]);
    const __m128i s1 = _mm_set_epi64x((int64_t)tkey_seed[1], (int64_t)tkey_seed[0]);
    uint32_t begin = 0, longest = 0;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t len = s->mark[2 * i] - begin;
        __mmask32 k = _bzhi_u32(~0u, len);
        __m256i name = _mm256_maskz_loadu_epi8(k, p + begin);
        __m128i h = _mm_xor_si128(_mm256_castsi256_si128(name), s0);
        h = _mm_aesenc_si128(h, _mm256_extracti128_si256(name, 1));
        h = _mm_aesenc_si128(h, s1);
        uint32_t home = (uint64_t)_mm_cvtsi128_si64(h) >> (64 - SLOT_BITS);
        struct slot *slot = &s->slot[home];
        __m256i there = _mm256_load_si256((const __m256i *)(const void *)slot->name);
        if (__builtin_expect(_mm256_cmpneq_epi64_mask(there, name), 0)) {
            uint8_t text[NAME_MAX];
            _mm256_storeu_si256((__m256i *)(void *)text, name);
            slot = elsewhere(s, home, text);
        }
        slot_add(s, slot, s->tenths[i]);
        longest = len > longest ? len : longest;
        begin = s->mark[2 * i + 1] + 1u;
    }
    MR_ASSERT(longest <= NAME_MAX);
}

static inline uint64_t mum(uint64_t a, uint64_t b)
{
    unsigned __int128 m = (unsigned __int128)a * b;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static void stations_avx2(struct stations *s, const uint8_t *p, uint32_t n)
{
    static const uint8_t ones[2 * NAME_MAX] = {[0 ... NAME_MAX - 1] = 0xff};
    uint32_t begin = 0, longest = 0;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t len = s->mark[2 * i] - begin;
        uint64_t w[4];
        MR_ASSERT(len <= NAME_MAX);
        __m256i name = _mm256_loadu_si256((const __m256i *)(p + begin));
        name = _mm256_and_si256(name, _mm256_loadu_si256((const __m256i *)(ones + NAME_MAX - len)));
        _mm256_storeu_si256((__m256i *)(void *)w, name);
        uint64_t h = mum(w[0] ^ w[2] ^ tkey_seed[0], w[1] ^ w[3] ^ tkey_seed[1]);
        uint32_t home = (uint32_t)(h >> (64 - SLOT_BITS));
        struct slot *slot = &s->slot[home];
        __m256i there = _mm256_load_si256((const __m256i *)(const void *)slot->name);
        if (__builtin_expect(_mm256_movemask_epi8(_mm256_cmpeq_epi8(there, name)) != -1, 0))
            slot = elsewhere(s, home, (const uint8_t *)w);
        slot_add(s, slot, s->tenths[i]);
        longest = len > longest ? len : longest;
        begin = s->mark[2 * i + 1] + 1u;
    }
}

static void stations_feed(void *ctx, uint64_t interval, const struct block *b)
{
    struct stations *s = ctx;
    const uint8_t *p = perf_block_text(b), *end = p + perf_block_bytes(b);

    (void)interval;
    while (p < end) {
        uint32_t bytes = end - p < STEP_BYTES ? (uint32_t)(end - p) : STEP_BYTES, n;
        if (simd_level == SIMD_AVX512) {
            n = marks_avx512(s, p, bytes);
            tenths_avx512(s, p, n);
            stations_avx512(s, p, n);
        } else {
            n = marks_avx2(s, p, bytes);
            tenths_avx2(s, p, n);
            stations_avx2(s, p, n);
        }
        MR_ASSERT(n);
        p += s->mark[2 * n - 1] + 1u; /* the line that is cut waits for the next step */
    }
}

/* The sum of the floats: tenths and errors make ten times it, in units of 2^-56. */
static double sum_of(int64_t tenths, int64_t error)
{
    __int128 ten_times = ((__int128)tenths << UNIT_BITS) + error;

    return (double)(ten_times / 10) / (double)(1ull << UNIT_BITS);
}

static void stations_close(void *ctx, uint64_t interval)
{
    struct stations *s = ctx;

    (void)interval;
    s->results_cnt = 0;
    for (uint32_t i = 0; i < s->used_cnt; i++) {
        struct slot *slot = &s->slot[s->used[i]];
        int64_t count = (int64_t)(slot->count_sum / COUNT_ONE);
        int64_t tenths = (int64_t)(slot->count_sum % COUNT_ONE) - count * TENTHS;
        if (!count)
            continue;
        s->result[s->results_cnt++] =
            (struct result){s->used[i], -slot->max_negated / 10.0,
                            sum_of(tenths, slot->error) / (double)count, slot->max / 10.0};
        slot->count_sum = 0;
        slot->error = 0;
        slot->max = slot->max_negated = INT32_MIN;
    }
}

static const struct stations *sorted; /* for the comparison: one side is asked at a time */

static int by_name(const void *a, const void *b)
{
    const struct result *x = a, *y = b;

    return memcmp(sorted->slot[x->slot].name, sorted->slot[y->slot].name, NAME_MAX);
}

static void put_float(struct strbuf *out, const char *before, double v)
{
    uint8_t text[PRINT_BYTES_MAX];
    uint32_t n = print_float(text, v);

    strbuf_printf(out, "%s%.*s", before, (int)n, (const char *)text);
}

static void stations_answer(void *ctx, struct strbuf *out)
{
    const struct stations *s = ctx;

    sorted = s;
    qsort(s->result, s->results_cnt, sizeof *s->result, by_name);
    for (uint32_t i = 0; i < s->results_cnt; i++) {
        const struct result *r = &s->result[i];
        strbuf_printf(out, "%.32s ", (const char *)s->slot[r->slot].name);
        put_float(out, "(", r->min);
        put_float(out, ", ", r->mean);
        put_float(out, ", ", r->max);
        strbuf_puts(out, ")\n");
    }
}

struct side limit_1brc(void)
{
    struct stations *s = perf_pages(sizeof *s);

    s->slot = perf_pages(SLOTS * sizeof *s->slot);
    s->used = perf_pages(USED_MAX * sizeof *s->used);
    s->result = perf_pages(USED_MAX * sizeof *s->result);
    for (int32_t t = -TENTHS; t <= TENTHS; t++) {
        __int128 units = (__int128)(t / 10.0 * (double)(1ull << UNIT_BITS));
        s->error[t + TENTHS] = (int16_t)(units * 10 - ((__int128)t << UNIT_BITS));
    }
    return (struct side){s, stations_feed, stations_close, stations_answer};
}
