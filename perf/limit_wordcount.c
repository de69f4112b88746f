/*
 * Limit program for WordCount and TopKCount: the most frequent words of a sliding window. It knows
 * that records are 100 bytes and that no word is longer than 12, and stops when it is not so.
 *
 * A step is 81 records, each of these a loop of its own over all of it:
 *   tokens   64 bytes to a mask, the mask to where words begin and end (compress), and these to one
 *            number of 32 bits a word: begin << 16 | bits of the word behind the 64th << 8 | bits
 *   keys     two loads and two bzhi make 8 + 4 bytes; a seeded multiplication, folded, is the hash
 *   count    a table of 131,072 slots {8 + 4 key bytes, 32-bit count}: few words are away from
 *            their home slot, and each costs a mispredicted branch
 * At the end of an interval its counts go into the window's, those of 30 intervals ago leave, and
 * the best are picked.
 */
#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/simd.h"
#include "perf/blocks.h"
#include "perf/gen_text.h"
#include "perf/side.h"
#include "rdd/tkey.h"

#define STEP_BYTES  (81 * GEN_RECORD_BYTES)
#define STEP_WORDS  (STEP_BYTES / 2 + 64)
#define SLOT_BITS   17
#define SLOTS       (1u << SLOT_BITS)
#define ENTRIES_MAX (SLOTS / 2)
#define TOP_MAX     64u
#define LETTERS_MAX 12u

struct slot {
    uint64_t head;
    uint32_t tail, count;
};

struct best {
    uint64_t count;
    uint32_t entry;
};

struct words {
    struct slot *slot;
    uint32_t *slot_of;                 /* by entry: words in the order in which they came */
    uint64_t *total;                   /* by entry: in the window */
    uint32_t *delta[WINDOW_INTERVALS]; /* by entry: in each of its intervals */
    uint32_t entries, top, best_cnt;
    struct best best[TOP_MAX];
    uint16_t begin[STEP_WORDS], end[STEP_WORDS];
    uint32_t packed[STEP_WORDS];
    uint64_t head[STEP_WORDS];
    uint32_t tail[STEP_WORDS], home[STEP_WORDS];
};

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi2")))

AVX512 static inline void put_bits(uint16_t *to, uint64_t bits, __m512i index, uint32_t first)
{
    __m512i at = _mm512_maskz_compress_epi8(bits, index);
    __m512i wide = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(at));

    _mm512_storeu_si512(to, _mm512_add_epi16(wide, _mm512_set1_epi16((short)first)));
}

AVX512 static uint32_t tokens_avx512(struct words *w, const uint8_t *p, uint32_t bytes)
{
    static const uint8_t count[64] = {
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
        22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
        44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
    const __m512i index = _mm512_loadu_si512(count), space = _mm512_set1_epi8(' ');
    uint32_t begins = 0, ends = 0;
    uint64_t last = 0;

    for (uint32_t at = 0; at < bytes; at += 64) {
        uint64_t live = at + 64 <= bytes ? ~0ull : (1ull << bytes % 64) - 1;
        uint64_t m = _mm512_mask_cmpgt_epu8_mask(live, _mm512_loadu_si512(p + at), space);
        uint64_t before = m << 1 | last;
        put_bits(w->begin + begins, m & ~before, index, at);
        put_bits(w->end + ends, ~m & before, index, at);
        begins += (uint32_t)__builtin_popcountll(m & ~before);
        ends += (uint32_t)__builtin_popcountll(~m & before);
        last = m >> 63;
    }
    MR_ASSERT(begins == ends);
    return begins;
}

static uint32_t tokens_scalar(struct words *w, const uint8_t *p, uint32_t bytes)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < bytes;) {
        if (p[i] <= ' ') {
            i++;
            continue;
        }
        w->begin[n] = (uint16_t)i;
        while (p[i] > ' ')
            i++;
        w->end[n++] = (uint16_t)i;
    }
    return n;
}

static void pack(struct words *w, uint32_t n)
{
    uint32_t longest = 0;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)(w->end[i] - w->begin[i]) * 8, over = bits > 64 ? bits - 64 : 0;
        longest = bits > longest ? bits : longest;
        w->packed[i] = (uint32_t)w->begin[i] << 16 | over << 8 | bits;
    }
    MR_ASSERT(longest <= LETTERS_MAX * 8);
}

AVX512 static void pack_avx512(struct words *w, uint32_t n)
{
    __m512i longest = _mm512_setzero_si512();

    for (uint32_t i = n; i % 16; i++) /* filled up with empty words */
        w->begin[i] = w->end[i] = 0;
    for (uint32_t i = 0; i < n; i += 16) {
        __m512i s = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(w->begin + i)));
        __m512i e = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(w->end + i)));
        __m512i bits = _mm512_slli_epi32(_mm512_sub_epi32(e, s), 3);
        __m512i over = _mm512_subs_epu16(bits, _mm512_set1_epi32(64));
        __m512i low = _mm512_or_si512(bits, _mm512_slli_epi32(over, 8));
        longest = _mm512_max_epu32(longest, bits);
        _mm512_storeu_si512(w->packed + i, _mm512_or_si512(low, _mm512_slli_epi32(s, 16)));
    }
    MR_ASSERT(_mm512_reduce_max_epu32(longest) <= LETTERS_MAX * 8);
}

static void keys(struct words *w, const uint8_t *p, uint32_t n)
{
    const uint64_t s0 = tkey_seed[0], s1 = tkey_seed[1];

    for (uint32_t i = 0; i < n; i++) {
        uint32_t x = w->packed[i];
        uint64_t head;
        uint32_t tail;
        memcpy(&head, p + (x >> 16), 8);
        memcpy(&tail, p + (x >> 16) + 8, 4);
        head = _bzhi_u64(head, x);
        tail = _bzhi_u32(tail, x >> 8);
        unsigned __int128 m = (unsigned __int128)(head ^ s0) * (tail ^ s1);
        w->head[i] = head;
        w->tail[i] = tail;
        w->home[i] = (uint32_t)(((uint64_t)m ^ (uint64_t)(m >> 64)) >> (64 - SLOT_BITS));
    }
}

/* The slot of word i, which is not at home; a new word takes the first empty one. */
static __attribute__((noinline)) struct slot *elsewhere(struct words *w, uint32_t i)
{
    for (uint32_t at = w->home[i];; at = (at + 1) % SLOTS) {
        struct slot *s = &w->slot[at];
        if (s->head == w->head[i] && s->tail == w->tail[i])
            return s;
        if (s->head)
            continue;
        MR_ASSERT(w->entries < ENTRIES_MAX);
        w->slot_of[w->entries++] = at;
        s->head = w->head[i];
        s->tail = w->tail[i];
        return s;
    }
}

static void count(struct words *w, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct slot *s = &w->slot[w->home[i]];
        if (__builtin_expect(s->head != w->head[i] || s->tail != w->tail[i], 0))
            s = elsewhere(w, i);
        s->count++;
    }
}

static void words_feed(void *ctx, uint64_t interval, const struct block *b)
{
    struct words *w = ctx;

    const uint8_t *text = perf_block_text(b);
    uint32_t total = perf_block_bytes(b);

    (void)interval;
    for (uint32_t at = 0; at < total; at += STEP_BYTES) {
        const uint8_t *p = text + at;
        uint32_t left = total - at, bytes = left < STEP_BYTES ? left : STEP_BYTES, n;
        if (simd_level == SIMD_AVX512) {
            n = tokens_avx512(w, p, bytes);
            pack_avx512(w, n);
        } else {
            n = tokens_scalar(w, p, bytes);
            pack(w, n);
        }
        keys(w, p, n);
        count(w, n);
    }
}

/* Does entry a come before b? More first, then by the bytes of the word. */
static bool before(const struct words *w, struct best a, struct best b)
{
    const struct slot *x = &w->slot[w->slot_of[a.entry]], *y = &w->slot[w->slot_of[b.entry]];

    if (a.count != b.count)
        return a.count > b.count;
    return memcmp(x, y, LETTERS_MAX) < 0;
}

static void offer(struct words *w, struct best b)
{
    uint32_t i = w->best_cnt;

    if (i == w->top && !before(w, b, w->best[i - 1]))
        return;
    i = i < w->top ? w->best_cnt++ : i - 1;
    for (; i > 0 && before(w, b, w->best[i - 1]); i--)
        w->best[i] = w->best[i - 1];
    w->best[i] = b;
}

static void words_close(void *ctx, uint64_t interval)
{
    struct words *w = ctx;
    uint32_t *delta = w->delta[interval % WINDOW_INTERVALS];

    w->best_cnt = 0;
    for (uint32_t e = 0; e < w->entries; e++) {
        struct slot *s = &w->slot[w->slot_of[e]];
        w->total[e] += s->count;
        w->total[e] -= delta[e];
        delta[e] = s->count;
        s->count = 0;
        if (w->total[e])
            offer(w, (struct best){w->total[e], e});
    }
}

static void words_answer(void *ctx, struct strbuf *out)
{
    const struct words *w = ctx;

    for (uint32_t i = 0; i < w->best_cnt; i++)
        strbuf_printf(out, "%.12s %llu\n", (const char *)&w->slot[w->slot_of[w->best[i].entry]],
                      (unsigned long long)w->best[i].count);
}

static struct side make(uint32_t top)
{
    struct words *w = perf_pages(sizeof *w);

    MR_ASSERT(top <= TOP_MAX);
    w->top = top;
    w->slot = perf_pages(SLOTS * sizeof *w->slot);
    w->slot_of = perf_pages(ENTRIES_MAX * sizeof *w->slot_of);
    w->total = perf_pages(ENTRIES_MAX * sizeof *w->total);
    uint32_t *deltas = perf_pages(WINDOW_INTERVALS * ENTRIES_MAX * sizeof *deltas);
    for (uint32_t i = 0; i < WINDOW_INTERVALS; i++)
        w->delta[i] = deltas + i * ENTRIES_MAX;
    return (struct side){w, words_feed, words_close, words_answer};
}

struct side limit_wordcount(void)
{
    return make(20);
}

struct side limit_topk(void)
{
    return make(50);
}
