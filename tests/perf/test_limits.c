// The limit programs of the benchmarks against plain counts of the same bytes, in every form that
// the machine can run.

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/simd.h"
#include "perf/feeds.h"
#include "perf/side.h"
#include "tests/test.h"

#define BLOCKS    3u
#define INTERVALS 34u // one block each, so that some leave the window
#define KEY_BYTES 16u

// A word or an address of a block, and what it adds.
struct seen {
    char key[KEY_BYTES];
    uint32_t block, amount;
};

struct total {
    char key[KEY_BYTES];
    uint64_t of[BLOCKS], all;
};

struct plain {
    struct total *total;
    uint32_t cnt;
};

static int by_key(const void *a, const void *b)
{
    return memcmp(((const struct seen *)a)->key, ((const struct seen *)b)->key, KEY_BYTES);
}

static int by_rank(const void *a, const void *b)
{
    const struct total *x = a, *y = b;

    if (x->all != y->all)
        return x->all < y->all ? 1 : -1;
    return memcmp(x->key, y->key, KEY_BYTES);
}

static struct plain add_up(struct seen *seen, uint32_t cnt)
{
    struct plain p = {.total = calloc(cnt + 1, sizeof(struct total))};

    qsort(seen, cnt, sizeof *seen, by_key);
    for (uint32_t i = 0; i < cnt; i++) {
        if (i == 0 || by_key(&seen[i], &seen[i - 1]))
            memcpy(p.total[p.cnt++].key, seen[i].key, KEY_BYTES);
        p.total[p.cnt - 1].of[seen[i].block] += seen[i].amount;
    }
    return p;
}

// The first `top` of the window that ends with interval n; remainder: 0, or what sums are taken by.
static void expect_top(struct plain p, uint64_t n, uint32_t top, uint64_t remainder, bool is_ip,
                       const struct side *s)
{
    struct strbuf want = {0}, got = {0};
    struct total *t = malloc((p.cnt + 1) * sizeof *t);
    uint32_t cnt = 0;

    for (uint32_t i = 0; i < p.cnt; i++) {
        uint64_t sum = 0;
        for (uint64_t m = n + 1 > WINDOW_INTERVALS ? n + 1 - WINDOW_INTERVALS : 0; m <= n; m++)
            sum += p.total[i].of[m % BLOCKS];
        if (!sum)
            continue;
        t[cnt] = p.total[i];
        t[cnt++].all = remainder ? sum % remainder : sum;
    }
    qsort(t, cnt, sizeof *t, by_rank);
    for (uint32_t i = 0; i < cnt && i < top; i++) {
        const uint8_t *k = (const uint8_t *)t[i].key;
        if (is_ip)
            strbuf_printf(&want, "%u.%u.%u.%u", k[0], k[1], k[2], k[3]);
        else
            strbuf_printf(&want, "%.16s", t[i].key);
        strbuf_printf(&want, " %llu\n", (unsigned long long)t[i].all);
    }
    s->answer(s->ctx, &got);
    EXPECT(cnt >= top);
    EXPECT_EQ_STR(got.s ? got.s : "", want.s ? want.s : "");
    strbuf_release(&want);
    strbuf_release(&got);
    free(t);
}

static bool keep_all(const char *word, uint32_t len, uint32_t *key_len)
{
    (void)word;
    *key_len = len;
    return true;
}

// As in perf/jobs/wordcount-generic.yaml.
static bool keep_generic(const char *word, uint32_t len, uint32_t *key_len)
{
    *key_len = len < 8 ? len : 8;
    return len > 2 && word[0] != 'e' && !(len == 3 && !memcmp(word, "the", 3));
}

static struct plain count_words(const struct perf_blocks *b,
                                bool (*keep)(const char *word, uint32_t len, uint32_t *key_len))
{
    struct seen *seen = calloc(b->bytes / 2, sizeof *seen);
    uint32_t cnt = 0;

    for (uint32_t k = 0; k < b->cnt; k++) {
        const char *p = (const char *)perf_block_text(b->block[k]);
        const char *end = p + perf_block_bytes(b->block[k]);
        while (p < end) {
            uint32_t len = 0, key_len;
            while (p + len < end && !isspace((unsigned char)p[len]))
                len++;
            if (len && keep(p, len, &key_len)) {
                seen[cnt] = (struct seen){.block = k, .amount = 1};
                memcpy(seen[cnt++].key, p, key_len);
            }
            p += len + 1;
        }
    }
    struct plain plain = add_up(seen, cnt);
    free(seen);
    return plain;
}

static void compare(const struct perf_feed *feed, struct side (*make)(void),
                    struct plain (*count)(const struct perf_blocks *b), uint32_t top,
                    uint64_t remainder, bool is_ip)
{
    static const enum simd_level levels[] = {SIMD_AUTO, SIMD_AVX2};
    struct perf_blocks b;

    perf_blocks_make(&b, feed, BLOCKS, 7);
    struct plain plain = count(&b);
    for (uint32_t l = 0; l < 2; l++) {
        simd_init(levels[l]);
        struct side s = make();
        for (uint64_t n = 0; n < INTERVALS; n++) {
            s.feed(s.ctx, n, b.block[n % BLOCKS]);
            s.close(s.ctx, n);
            if (n == 0 || n >= WINDOW_INTERVALS - 1)
                expect_top(plain, n, top, remainder, is_ip, &s);
        }
    }
    simd_init(SIMD_AUTO);
    free(plain.total);
    perf_pages_release(0);
}

static struct plain all_words(const struct perf_blocks *b)
{
    return count_words(b, keep_all);
}

static struct plain generic_words(const struct perf_blocks *b)
{
    return count_words(b, keep_generic);
}

TEST(limits, wordcount)
{
    compare(&feed_text, limit_wordcount, all_words, 20, 0, false);
}

TEST(limits, topk)
{
    compare(&feed_text, limit_topk, all_words, 50, 0, false);
}

TEST(limits, wordcount_generic)
{
    compare(&feed_text, limit_wordcount_generic, generic_words, 20, 1000003, false);
}

static struct plain sum_sources(const struct perf_blocks *b)
{
    struct seen *seen = calloc(b->records, sizeof *seen);
    uint32_t cnt = 0;

    for (uint32_t k = 0; k < b->cnt; k++) {
        const struct pkt *p = b->block[k]->index;
        for (uint32_t i = 0; i < b->block[k]->hdr.rows; i++) {
            seen[cnt] = (struct seen){.block = k, .amount = p[i].wire_len};
            memcpy(seen[cnt++].key, b->block[k]->base + p[i].off + 26, 4); // IPv4 without a tag
        }
    }
    struct plain plain = add_up(seen, cnt);
    free(seen);
    return plain;
}

TEST(limits, talkers)
{
    compare(&feed_packets, limit_talkers, sum_sources, 10, 0, true);
}

static unsigned long long matching_lines(const struct block *b)
{
    const char *p = (const char *)perf_block_text(b), *end = p + perf_block_bytes(b);
    unsigned long long lines = 0;

    while (p < end) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        lines += memmem(p, (size_t)(nl - p), "the", 3) != NULL;
        p = nl + 1;
    }
    return lines;
}

TEST(limits, grep)
{
    struct perf_blocks b;

    perf_blocks_make(&b, &feed_text, BLOCKS, 7);
    struct side s = limit_grep();
    for (uint64_t n = 0; n < BLOCKS; n++) {
        struct strbuf got = {0};
        char want[32];
        s.feed(s.ctx, n, b.block[n]);
        s.close(s.ctx, n);
        s.answer(s.ctx, &got);
        snprintf(want, sizeof want, "%llu\n", matching_lines(b.block[n]));
        EXPECT(matching_lines(b.block[n]) > 0);
        EXPECT_EQ_STR(got.s, want);
        strbuf_release(&got);
    }
    perf_pages_release(0);
}
