/*
 * The engine against the reference: every program, on random records, at random cuts into
 * datagrams and blocks, any number of workers and queues, any interleaving of their vectors, every
 * SIMD level; each interval's output must be the same bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/simd.h"
#include "tests/common/engine.h"
#include "tests/common/reference.h"
#include "tests/engine/programs.h"
#include "tests/test.h"

#define INTERVALS 11u
#define RECORDS   220u /* of a source in an interval, at most */
#define FIRST     1000u

struct trial {
    struct prng prng;
    struct job *job;
    struct ref *ref;
    struct engine *engine;
    uint32_t queues;
    struct strbuf expected;
};

static struct job *job_of(const struct program *p, uint32_t partitions)
{
    struct strbuf text = {0};
    struct diags *d = calloc(1, sizeof *d);

    strbuf_printf(&text,
                  "job: t\ninterval: 1s\npartitions: %u\nsources:\n"
                  "  lines: { type: udp, port: p, listen: 1, format: text }\n"
                  "  nums: { type: udp, port: p, listen: 2, format: csv, "
                  "schema: { k: string, v: int, x: float } }\n"
                  "program: |\n%ssinks:\n  o: { type: console, format: jsonl }\n",
                  partitions, p->text);
    struct job *j = job_parse(p->name, text.s, text.len, d, NULL);
    if (!j) {
        struct strbuf out = {0};
        diags_print(d, &out);
        fputs(out.s, stderr);
        strbuf_release(&out);
    }
    diags_release(d);
    free(d);
    strbuf_release(&text);
    return j;
}

static void put_words(struct strbuf *b, struct prng *p)
{
    static const char *const words[] = {
        "a", "the", "cat", "e", "of", "abide", "supercalifragilistic", "z", "dare", "\xff\x01"};
    uint64_t n = prng_below(p, 7);

    for (uint64_t i = 0; i < n; i++)
        strbuf_printf(b, "%s%s", i ? (prng_chance(p, 20) ? "  " : " ") : "",
                      words[prng_below(p, prng_below(p, 10) + 1)]);
}

static void put_nums(struct strbuf *b, struct prng *p)
{
    static const char *const keys[] = {"k", "key", "a-rather-long-key-of-many-bytes", "", "q"};
    int64_t v = prng_between(p, -6, 40);

    if (prng_chance(p, 3))
        strbuf_puts(b, "damaged");
    else
        strbuf_printf(b, "%s%lld,%lld,%g", keys[prng_below(p, 5)], (long long)prng_below(p, 6),
                      (long long)v, (double)prng_between(p, -1000, 1000) / 8);
}

/* What the reference is fed: the records as the source reader decodes them. */
static void feed_reference(struct trial *t, uint32_t source, const struct strbuf *payload)
{
    static uint8_t memory[4 << 20];
    struct col cols[8];
    struct vec v = {.col = cols};
    struct run run = {0, (uint32_t)payload->len};
    struct arena arena;
    struct source_reader r;
    struct source_counters counters = {0};

    arena_init(&arena, memory, sizeof memory);
    source_reader_init(&r, &t->job->source[source].spec, &run, 1, (const uint8_t *)payload->s, 0,
                       NULL, &counters);
    while (source_read(&r, &v, &arena) > 0) {
        ref_feed_vec(t->ref, source, &v);
        arena_reset(&arena);
    }
}

/* The records of a source in an interval: cut into datagrams, these into blocks of queues in
 * canonical order. */
static void feed_source(struct trial *t, uint32_t source, uint64_t interval)
{
    uint64_t left = prng_chance(&t->prng, 15) ? 0 : prng_below(&t->prng, RECORDS);
    uint32_t queue = 0;

    while (left) {
        struct strbuf payload[16] = {{0}};
        const char *text[16];
        size_t len[16];
        uint32_t n = 0, most = (uint32_t)prng_below(&t->prng, 16) + 1;
        for (; n < most && left; n++) {
            uint64_t records = prng_below(&t->prng, left) + 1;
            left -= records;
            for (; records; records--) {
                (source ? put_nums : put_words)(&payload[n], &t->prng);
                strbuf_puts(&payload[n], "\n");
            }
            text[n] = payload[n].s;
            len[n] = payload[n].len;
            feed_reference(t, source, &payload[n]);
        }
        engine_runs(t->engine, source, queue, interval, text, len, n);
        if (queue + 1 < t->queues && prng_chance(&t->prng, 30))
            queue++;
        for (uint32_t i = 0; i < n; i++)
            strbuf_release(&payload[i]);
    }
}

static void run_trial(const struct program *p, uint64_t seed)
{
    struct trial t = {.prng = prng_of(seed)};
    uint32_t partitions = (uint32_t[]){1, 3, 64}[prng_below(&t.prng, 3)];

    simd_init(SIMD_AUTO);
    simd_init((enum simd_level)prng_below(&t.prng, (uint64_t)simd_level + 1));
    t.job = job_of(p, partitions);
    EXPECT(t.job != NULL);
    if (!t.job)
        return;
    t.queues = (uint32_t)prng_below(&t.prng, 3) + 1;
    struct engine_conf conf = {.job = t.job,
                               .workers = (uint32_t)prng_below(&t.prng, 4) + 1,
                               .queues = t.queues,
                               .state_bytes = 128u << 20,
                               .first_interval = FIRST + prng_below(&t.prng, 8),
                               .seed = seed,
                               .keep = prng_below(&t.prng, 3)};
    t.engine = engine_new(&conf);
    t.ref = ref_new(&t.job->graph, t.job->name, t.job->partitions);
    for (uint64_t n = conf.first_interval; n < conf.first_interval + INTERVALS; n++) {
        feed_source(&t, 0, n);
        feed_source(&t, 1, n);
        engine_close(t.engine, n);
        for (uint64_t k = prng_below(&t.prng, 400); k && engine_step(t.engine); k--)
            ;
        ref_interval_all(t.ref, n, true, &t.expected);
    }
    engine_stop(t.engine, conf.first_interval + INTERVALS - 1);
    const char *expected = t.expected.s ? t.expected.s : "";
    if (strcmp(engine_output(t.engine), expected))
        fprintf(stderr, "%s differs with seed %llu\n", p->name, (unsigned long long)seed);
    EXPECT_EQ_STR(engine_output(t.engine), expected);
    ref_free(t.ref);
    engine_free(t.engine);
    job_free(t.job);
    strbuf_release(&t.expected);
}

static void run_programs(uint32_t from, uint32_t step)
{
    uint64_t seed = prng_seed(1);

    for (uint32_t i = from; i < programs_cnt; i += step)
        for (uint64_t k = 0; k < 6; k++)
            run_trial(&programs[i], seed * 1000 + k);
}

TEST(engine, agrees_with_the_reference_0)
{
    run_programs(0, 4);
}
TEST(engine, agrees_with_the_reference_1)
{
    run_programs(1, 4);
}
TEST(engine, agrees_with_the_reference_2)
{
    run_programs(2, 4);
}
TEST(engine, agrees_with_the_reference_3)
{
    run_programs(3, 4);
}
