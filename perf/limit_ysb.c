/*
 * Limit program for the Yahoo streaming benchmark: counts the views of each campaign. It knows that
 * a block is records of 16 bytes, that kind and ad lie in their first eight, and that ten ads make
 * a campaign.
 *
 * A step is 512 records, each of these a loop of its own over all of it:
 *   views      the first words of eight records side by side, those of views compressed
 *   campaigns  the ad divided by ten, and a seeded hash: two multiplications, folded between
 *   count      a table of 4,096 slots {campaign, count}: no campaign is away from its home slot but
 *              by bad luck. Meanwhile memory gives the next step: that alone made 1,200 M records/s
 *              of 750 (Zen 4)
 */
#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/simd.h"
#include "perf/blocks.h"
#include "perf/side.h"
#include "rdd/tkey.h"

#define RECORD_BYTES  16u
#define STEP_RECORDS  512u
#define LINE_BYTES    64u
#define SLOT_BITS     12
#define SLOTS         (1u << SLOT_BITS)
#define USED_MAX      (SLOTS / 2)
#define ADS           10u
#define KIND_BITS     0x0000ffff00000000ull /* of the first word of a record, as loaded */
#define TENTH         0xcccccccdull         /* x / 10 == x * TENTH >> 35 for 32 bits of x */
#define HASH_MULTIPLY 0x9e3779b97f4a7c15ull

struct slot {
    uint64_t campaign_1; /* campaign + 1; 0: free */
    uint64_t count;
};

struct ysb {
    struct slot slot[SLOTS];
    uint32_t used[USED_MAX];
    uint32_t used_cnt, answer_cnt;
    struct slot answer[USED_MAX];
    uint64_t view[STEP_RECORDS + 8];
    uint64_t campaign_1[STEP_RECORDS + 8];
    uint64_t home[STEP_RECORDS + 8];
};

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))

/* ---- AVX-512 ----------------------------------------------------------------------------------
 */

AVX512 static uint32_t views_avx512(struct ysb *y, const uint8_t *p, uint32_t n)
{
    const __m512i firsts = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14);
    const __m512i kind = _mm512_set1_epi64((int64_t)KIND_BITS);
    uint32_t cnt = 0, i = 0;

    for (; i + 8 <= n; i += 8, p += 8 * RECORD_BYTES) {
        __m512i low = _mm512_loadu_si512(p), high = _mm512_loadu_si512(p + 64);
        __m512i w = _mm512_permutex2var_epi64(low, firsts, high);
        __mmask8 view = _mm512_testn_epi64_mask(w, kind);
        _mm512_storeu_si512(y->view + cnt, _mm512_maskz_compress_epi64(view, w));
        cnt += (uint32_t)__builtin_popcount(view);
    }
    for (; i < n; i++, p += RECORD_BYTES) {
        memcpy(&y->view[cnt], p, 8);
        cnt += (y->view[cnt] & KIND_BITS) == 0;
    }
    return cnt;
}

AVX512 static void campaigns_avx512(struct ysb *y, uint32_t n)
{
    const __m512i swap = _mm512_set4_epi32(-1, 0x08090a0b, -1, 0x00010203);
    const __m512i tenth = _mm512_set1_epi64((int64_t)TENTH), one = _mm512_set1_epi64(1);
    const __m512i seed = _mm512_set1_epi64((int64_t)tkey_seed[0]);
    const __m512i multiply = _mm512_set1_epi64((int64_t)HASH_MULTIPLY);

    for (uint32_t i = 0; i < n; i += 8) {
        __m512i ad = _mm512_shuffle_epi8(_mm512_loadu_si512(y->view + i), swap);
        __m512i c = _mm512_srli_epi64(_mm512_mul_epu32(ad, tenth), 35);
        c = _mm512_add_epi64(c, one);
        __m512i h = _mm512_mullo_epi64(_mm512_xor_si512(c, seed), multiply);
        h = _mm512_mullo_epi64(_mm512_xor_si512(h, _mm512_srli_epi64(h, 32)), multiply);
        _mm512_storeu_si512(y->campaign_1 + i, c);
        _mm512_storeu_si512(y->home + i, _mm512_srli_epi64(h, 64 - SLOT_BITS));
    }
}

/* ---- without ----------------------------------------------------------------------------------
 */

static uint32_t views_plain(struct ysb *y, const uint8_t *p, uint32_t n)
{
    uint32_t cnt = 0;

    for (uint32_t i = 0; i < n; i++, p += RECORD_BYTES) {
        memcpy(&y->view[cnt], p, 8);
        cnt += (y->view[cnt] & KIND_BITS) == 0;
    }
    return cnt;
}

static void campaigns_plain(struct ysb *y, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint64_t c = (uint64_t)(__builtin_bswap32((uint32_t)y->view[i]) / ADS) + 1;
        uint64_t h = (c ^ tkey_seed[0]) * HASH_MULTIPLY;
        h = (h ^ h >> 32) * HASH_MULTIPLY;
        y->campaign_1[i] = c;
        y->home[i] = h >> (64 - SLOT_BITS);
    }
}

/* ---- the table --------------------------------------------------------------------------------
 */

static __attribute__((noinline)) struct slot *elsewhere(struct ysb *y, uint32_t i)
{
    for (uint32_t at = (uint32_t)y->home[i];; at = (at + 1) % SLOTS) {
        struct slot *s = &y->slot[at];
        if (s->campaign_1 == y->campaign_1[i])
            return s;
        if (s->campaign_1)
            continue;
        MR_ASSERT(y->used_cnt < USED_MAX);
        y->used[y->used_cnt++] = at;
        s->campaign_1 = y->campaign_1[i];
        return s;
    }
}

/* A line of the next step for each view: there are more views than lines. */
static void count(struct ysb *y, uint32_t n, const uint8_t *next)
{
    for (uint32_t i = 0; i < n; i++) {
        __builtin_prefetch(next + (size_t)i * LINE_BYTES, 0, 2);
        struct slot *s = &y->slot[y->home[i]];
        if (__builtin_expect(s->campaign_1 != y->campaign_1[i], 0))
            s = elsewhere(y, i);
        s->count++;
    }
}

static void ysb_feed(void *ctx, uint64_t interval, const struct block *b)
{
    struct ysb *y = ctx;
    const uint8_t *p = perf_block_text(b);
    uint32_t records = perf_block_bytes(b) / RECORD_BYTES;

    (void)interval;
    for (uint32_t i = 0; i < records; i += STEP_RECORDS, p += STEP_RECORDS * RECORD_BYTES) {
        uint32_t n = records - i < STEP_RECORDS ? records - i : STEP_RECORDS;
        if (simd_level == SIMD_AVX512) {
            n = views_avx512(y, p, n);
            campaigns_avx512(y, n);
        } else {
            n = views_plain(y, p, n);
            campaigns_plain(y, n);
        }
        count(y, n, p + STEP_RECORDS * RECORD_BYTES);
    }
}

static void ysb_close(void *ctx, uint64_t interval)
{
    struct ysb *y = ctx;

    (void)interval;
    y->answer_cnt = 0;
    for (uint32_t i = 0; i < y->used_cnt; i++) {
        struct slot *s = &y->slot[y->used[i]];
        if (s->count)
            y->answer[y->answer_cnt++] = *s;
        s->count = 0;
    }
}

static int by_campaign(const void *a, const void *b)
{
    const struct slot *x = a, *y = b;

    return (x->campaign_1 > y->campaign_1) - (x->campaign_1 < y->campaign_1);
}

static void ysb_answer(void *ctx, struct strbuf *out)
{
    struct ysb *y = ctx;

    qsort(y->answer, y->answer_cnt, sizeof *y->answer, by_campaign);
    for (uint32_t i = 0; i < y->answer_cnt; i++)
        strbuf_printf(out, "%llu %llu\n", (unsigned long long)(y->answer[i].campaign_1 - 1),
                      (unsigned long long)y->answer[i].count);
}

struct side limit_ysb(void)
{
    return (struct side){perf_pages(sizeof(struct ysb)), ysb_feed, ysb_close, ysb_answer};
}
