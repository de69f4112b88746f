/*
 * How cost and memory grow, from sealed blocks on one worker (and on more, for lcores):
 * bench_growth [PLOT]... writes growth.json, of which perf/plot.py makes plots.
 *
 *   slide         work of an interval in windows of 30 and 300, with and without an inverse
 *   keys          cost per word and bytes of state per key, 1 k to 10 M keys (KEYS_MIN=n,
 * KEYS_MAX=n: some of them) record_bytes  cost per record, 16 B to 8 KB partitions    cost per
 * record, 1 to 1,024 lcores        records/s packets       bytes that a packet takes while it is
 * held, by its size
 *
 * Costs are medians of busy time per interval. In `keys` the answer is compared with a plain count
 * of the same bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/simd.h"
#include "perf/engine.h"
#include "perf/feed_words.h"

#define TIMED       31u
#define KEYS_LEAST  1000u
#define KEYS_MOST   FEED_WORDS_MAX
#define TOP         20u
#define KEYS_BLOCKS 8u /* of an interval, at least: a slide is little beside what comes in */

static const char job_form[] =
    "job: growth\ninterval: 1s\npartitions: %u\n"
    "sources:\n  lines: { type: udp, port: net0, listen: 9000, format: text }\n"
    "program: |\n"
    "  words = lines.flatMap(r => split(r.line))\n"
    "  sums = words.map(w => (w, %s)).reduceByKeyAndWindow(%s, \"%us\", \"1s\")\n"
    "  sums.top(20).output(screen)\n"
    "sinks:\n  screen: { type: console, format: table }\n";

#define SUM     "(a, b) => a + b"
#define SUM_INV "(a, b) => a + b, (a, b) => a - b"
#define MAX     "(a, b) => max(a, b)"

struct job_kind {
    const char *value, *reduce;
    uint32_t window, partitions, lcores;
    size_t state_bytes;
    uint64_t keys;
};

static struct team make_engine(const struct job_kind *k, double *bytes_per_key)
{
    char text[1024];

    snprintf(text, sizeof text, job_form, k->partitions, k->value, k->reduce, k->window);
    struct engine_conf conf = {.path = "growth",
                               .text = text,
                               .lcores = k->lcores,
                               .state_bytes = k->state_bytes,
                               .pages = k->keys > 1000000 ? 512 : 128,
                               .keys = k->keys,
                               .bytes_per_key = bytes_per_key};
    return team_engine(&conf);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

struct cost {
    double median_s, mean_s, worst_s; /* busy time of an interval */
    uint64_t next;                    /* interval */
};

/* Interval n takes `cnt` blocks, going round. */
static uint64_t one(const struct team *t, const struct perf_blocks *b, uint64_t n, uint32_t cnt,
                    struct took *took)
{
    struct block **block = malloc(cnt * sizeof(struct block *));
    uint64_t records = 0;

    MR_ASSERT(block);
    for (uint32_t i = 0; i < cnt; i++) {
        uint32_t k = (uint32_t)((n * cnt + i) % b->cnt);
        block[i] = b->block[k];
        records += b->block_records[k];
    }
    t->interval(t->ctx, n, block, cnt, took);
    free(block);
    return records;
}

static struct cost measure(const struct team *t, const struct perf_blocks *b, uint32_t cnt,
                           uint32_t fill, uint32_t timed)
{
    double *s = calloc(timed, sizeof *s), sum = 0;
    uint64_t n = 0;

    MR_ASSERT(s);
    for (; n < fill; n++)
        one(t, b, n, cnt, &(struct took){0});
    for (uint32_t i = 0; i < timed; i++, n++) {
        struct took took = {0};
        one(t, b, n, cnt, &took);
        s[i] = took.busy_s;
        sum += s[i];
    }
    qsort(s, timed, sizeof *s, by_size);
    struct cost c = {s[timed / 2], sum / timed, s[timed - 1], n};
    free(s);
    return c;
}

static void make_blocks(struct perf_blocks *b, uint32_t keys, uint32_t record_bytes, uint32_t cnt)
{
    perf_pages_release(0);
    feed_words_conf = (struct feed_words_conf){.keys = keys, .record_bytes = record_bytes};
    perf_blocks_make(b, &feed_words, cnt, 1);
}

/* Whole windows are timed: without an inverse some slides do more than others. */
static void plot_slide(FILE *f)
{
    static const uint32_t window[] = {30, 300};
    struct perf_blocks b;

    for (uint32_t inverse = 0; inverse < 2; inverse++)
        for (uint32_t i = 0; i < 2; i++) {
            make_blocks(&b, 10000, 100, 32);
            struct job_kind k = {.value = inverse ? "1" : "length(w)",
                                 .reduce = inverse ? SUM_INV : MAX,
                                 .window = window[i],
                                 .partitions = 64,
                                 .lcores = 1,
                                 .state_bytes = (size_t)512 << 20};
            struct team t = make_engine(&k, NULL);
            struct cost c = measure(&t, &b, 1, 2 * window[1], window[1]);
            fprintf(f,
                    "%s\n  {\"window\": %u, \"inverse\": %s, \"mean_us\": %.1f, \"median_us\": "
                    "%.1f, \"worst_us\": %.1f}",
                    inverse || i ? "," : "", window[i], inverse ? "true" : "false", c.mean_s * 1e6,
                    c.median_s * 1e6, c.worst_s * 1e6);
            fprintf(stderr, "slide: window %u, inverse %u: %.0f us (worst %.0f)\n", window[i],
                    inverse, c.mean_s * 1e6, c.worst_s * 1e6);
        }
}

/* The best words of the last 30 intervals before n, counted plainly. */
static void count_plainly(const struct perf_blocks *b, uint64_t n, uint32_t cnt, uint32_t keys,
                          struct strbuf *out)
{
    uint32_t *count = calloc(keys, sizeof *count);

    MR_ASSERT(count);
    for (uint64_t at = (n - 30) * cnt; at < n * cnt; at++) {
        const struct block *k = b->block[at % b->cnt];
        const uint8_t *p = perf_block_text(k), *end = p + perf_block_bytes(k);
        for (; p < end; p++) {
            if (*p != 'k')
                continue;
            uint32_t rank = 0;
            for (uint32_t i = 1; i < FEED_WORD_BYTES; i++)
                rank = rank * 10 + (uint32_t)(p[i] - '0');
            count[rank]++;
        }
    }
    for (uint32_t i = 0; i < TOP; i++) {
        uint32_t best = 0;
        for (uint32_t r = 1; r < keys; r++)
            if (count[r] > count[best])
                best = r;
        strbuf_printf(out, "k%07u %u\n", best, count[best]);
        count[best] = 0;
    }
    free(count);
}

static bool answer_agrees(const struct team *t, const struct perf_blocks *b, uint64_t n,
                          uint32_t cnt, uint32_t keys)
{
    struct strbuf x = {0}, y = {0};

    t->answer(t->ctx, &x);
    count_plainly(b, n, cnt, keys, &y);
    bool same = x.len == y.len && !memcmp(x.s, y.s, x.len);
    if (!same)
        fprintf(stderr, "engine:\n%splain count:\n%s", x.s ? x.s : "", y.s);
    strbuf_release(&x);
    strbuf_release(&y);
    return same;
}

static uint64_t keys_limit(const char *name, uint64_t otherwise)
{
    const char *n = getenv(name);

    return n ? strtoull(n, NULL, 10) : otherwise;
}

/* A window goes round the whole set, so it has every key. */
static bool plot_keys(FILE *f)
{
    uint64_t min = keys_limit("KEYS_MIN", KEYS_LEAST), max = keys_limit("KEYS_MAX", KEYS_MOST);
    bool agrees = true, is_first = true;

    for (uint32_t keys = KEYS_LEAST; keys <= max && keys <= KEYS_MOST; keys *= 10) {
        if (keys < min)
            continue;
        uint32_t blocks = (feed_words_blocks(keys) + 29) / 30 * 30;
        uint32_t cnt = blocks / 30 < KEYS_BLOCKS ? KEYS_BLOCKS : blocks / 30;
        struct perf_blocks b;
        struct job_kind k = {"1", SUM_INV, 30, 64, 1, 1 << 20, keys * 5ull / 4};
        double per_key;

        make_blocks(&b, keys, 100, blocks);
        struct team t = make_engine(&k, &per_key);
        struct cost c = measure(&t, &b, cnt, 30, keys > 1000000 ? 9 : TIMED);
        bool same = answer_agrees(&t, &b, c.next, cnt, keys);
        double words = (double)b.records / b.cnt * cnt * (99 / (FEED_WORD_BYTES + 1));
        fprintf(f,
                "%s\n  {\"keys\": %u, \"ns_per_word\": %.3f, \"bytes_per_key\": %.0f, "
                "\"answer_agrees\": %s}",
                is_first ? "" : ",", keys, c.median_s / words * 1e9, per_key,
                same ? "true" : "false");
        fprintf(stderr, "keys: %u: %.2f ns a word, %.0f bytes a key, answer %s\n", keys,
                c.median_s / words * 1e9, per_key, same ? "agrees" : "DIFFERS");
        agrees &= same;
        is_first = false;
    }
    return agrees;
}

static void plot_record_bytes(FILE *f)
{
    struct job_kind k = {"1", SUM_INV, 30, 64, 1, 0, 0};
    struct perf_blocks b;

    for (uint32_t bytes = 16; bytes <= 8192; bytes *= 2) {
        make_blocks(&b, 10000, bytes, 64);
        struct team t = make_engine(&k, NULL);
        struct cost c = measure(&t, &b, 16, 30, TIMED);
        double records = (double)b.records / b.cnt * 16, all = (double)b.bytes / b.cnt * 16;
        fprintf(f, "%s\n  {\"record_bytes\": %u, \"ns_per_record\": %.2f, \"ns_per_byte\": %.4f}",
                bytes > 16 ? "," : "", bytes, c.median_s / records * 1e9, c.median_s / all * 1e9);
        fprintf(stderr, "record_bytes: %u: %.1f ns a record, %.3f ns a byte\n", bytes,
                c.median_s / records * 1e9, c.median_s / all * 1e9);
    }
}

static void plot_partitions(FILE *f)
{
    struct job_kind k = {"1", SUM_INV, 30, 1, 1, (size_t)256 << 20, 0};
    struct perf_blocks b;

    for (k.partitions = 1; k.partitions <= 1024; k.partitions *= 4) {
        make_blocks(&b, 10000, 100, 64);
        struct team t = make_engine(&k, NULL);
        struct cost c = measure(&t, &b, 16, 30, TIMED);
        double records = (double)b.records / b.cnt * 16;
        fprintf(f, "%s\n  {\"partitions\": %u, \"ns_per_record\": %.2f}",
                k.partitions > 1 ? "," : "", k.partitions, c.median_s / records * 1e9);
        fprintf(stderr, "partitions: %u: %.1f ns a record\n", k.partitions,
                c.median_s / records * 1e9);
    }
}

static void plot_lcores(FILE *f)
{
    struct job_kind k = {"1", SUM_INV, 30, 64, 1, 0, 0};
    struct perf_blocks b;

    for (k.lcores = 1; k.lcores <= crew_cpus(); k.lcores++) {
        make_blocks(&b, 10000, 100, 64);
        struct team t = make_engine(&k, NULL);
        struct cost c = measure(&t, &b, 48, 30, TIMED);
        double records = (double)b.records / b.cnt * 48;
        fprintf(f, "%s\n  {\"lcores\": %u, \"records_per_s\": %.0f}", k.lcores > 1 ? "," : "",
                k.lcores, records / c.median_s);
        fprintf(stderr, "lcores: %u: %.2f M records/s\n", k.lcores, records / c.median_s / 1e6);
    }
}

/* ---- packets ------------------------------------------------------------------------------------
 */

static uint32_t frame_bytes;

static void fill_frames(struct perf_blocks *b, uint64_t seed)
{
    uint8_t frame[1518] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45};

    (void)seed;
    while (perf_blocks_frame(b, frame, frame_bytes, 0))
        ;
}

static void plot_packets(FILE *f)
{
    static const uint32_t bytes[] = {60, 128, 256, 512, 1024, 1514};
    static const struct perf_feed feed = {BLOCK_PACKETS, fill_frames};

    for (uint32_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
        struct perf_blocks b;
        const void *data = NULL, *index = NULL;
        uint32_t pages = 0;

        perf_pages_release(0);
        frame_bytes = bytes[i];
        perf_blocks_make(&b, &feed, 64, 1);
        for (uint32_t k = 0; k < b.cnt; k++) {
            pages += (b.block[k]->page != data) + (b.block[k]->index_page != index);
            data = b.block[k]->page;
            index = b.block[k]->index_page;
        }
        double held = (double)pages * PAGE_BYTES / (double)b.records;
        fprintf(f, "%s\n  {\"packet_bytes\": %u, \"held_bytes\": %.1f}", i ? "," : "", bytes[i],
                held);
        fprintf(stderr, "packets: %u bytes take %.0f\n", bytes[i], held);
    }
}

static bool wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], name))
            return true;
    return argc == 1;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*plot)(FILE *f);
    } plots[] = {{"slide", plot_slide},
                 {"record_bytes", plot_record_bytes},
                 {"partitions", plot_partitions},
                 {"lcores", plot_lcores},
                 {"packets", plot_packets}};
    const char *build = getenv("BUILD");
    char path[4096];
    bool agrees = true;

    simd_init(SIMD_AUTO);
    snprintf(path, sizeof path, "%s/growth.json", build ? build : "build");
    FILE *f = fopen(path, "w");
    if (!f) {
        fprintf(stderr, "bench: %s cannot be written\n", path);
        return 74;
    }
    fprintf(f, "{\"simd\": \"%s\"", simd_level_name(simd_level));
    for (uint32_t i = 0; i < sizeof plots / sizeof plots[0]; i++) {
        if (!wanted(plots[i].name, argc, argv))
            continue;
        fprintf(f, ",\n \"%s\": [", plots[i].name);
        plots[i].plot(f);
        fprintf(f, "]");
    }
    if (wanted("keys", argc, argv)) {
        fprintf(f, ",\n \"keys\": [");
        agrees = plot_keys(f);
        fprintf(f, "]");
    }
    fprintf(f, "}\n");
    return fclose(f) ? 74 : agrees ? 0 : 1;
}
