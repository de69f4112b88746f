#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/simd.h"
#include "tests/common/parse_job.h"
#include "tests/engine/trial.h"
#include "tests/test.h"

#define RECORDS 220u /* of a source in an interval, at most */
#define FIRST   1000u

struct job *job_of(const char *name, const char *program, uint32_t partitions)
{
    struct strbuf text = {0};

    strbuf_printf(&text,
                  "job: t\ninterval: 1s\npartitions: %u\nsources:\n"
                  "  lines: { type: udp, port: p, listen: 1, format: text }\n"
                  "  nums: { type: udp, port: p, listen: 2, format: csv, "
                  "schema: { k: string, v: int, x: float } }\n"
                  "  recs: { type: udp, port: p, listen: 3, format: binary, record: 8, schema: { "
                  "k: { type: int, width: 1 }, v: { type: int, width: 2, signed: true }, "
                  "tag: { type: string, width: 4 } } }\n"
                  "program: |\n%ssinks:\n  o: { type: console, format: jsonl }\n",
                  partitions, program);
    return parse_job(name, &text);
}

static void put_line(struct strbuf *b, struct prng *p)
{
    static const char *const words[] = {
        "a", "the", "cat", "e", "of", "abide", "supercalifragilistic", "z", "dare", "\xff\x01"};
    uint64_t n = prng_below(p, 7);

    for (uint64_t i = 0; i < n; i++)
        strbuf_printf(b, "%s%s", i ? (prng_chance(p, 20) ? "  " : " ") : "",
                      words[prng_below(p, prng_below(p, 10) + 1)]);
    strbuf_puts(b, "\n");
}

static void put_num(struct strbuf *b, struct prng *p)
{
    static const char *const keys[] = {"k", "key", "a-rather-long-key-of-many-bytes", "", "q"};
    int64_t v = prng_between(p, -6, 40);

    if (prng_chance(p, 3))
        strbuf_puts(b, "damaged");
    else
        strbuf_printf(b, "%s%lld,%lld,%g", keys[prng_below(p, 5)], (long long)prng_below(p, 6),
                      (long long)v, (double)prng_between(p, -1000, 1000) / 8);
    strbuf_puts(b, "\n");
}

/* Some end early: the last of a datagram is cut then, another begins in the middle of the next. */
static void put_rec(struct strbuf *b, struct prng *p)
{
    int64_t v = prng_between(p, -6, 40);
    uint8_t rec[8] = {(uint8_t)prng_below(p, 3), (uint8_t)(v >> 8), (uint8_t)v};

    memcpy(rec + 3, "tags", prng_below(p, 5));
    strbuf_add(b, (const char *)rec, prng_chance(p, 1) ? 5 : sizeof rec);
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
    static void (*const put[])(struct strbuf *, struct prng *) = {put_line, put_num, put_rec};
    uint32_t queue = 0;

    while (left) {
        struct strbuf payload[16] = {{0}};
        const char *text[16];
        size_t len[16];
        uint32_t n = 0, most = (uint32_t)prng_below(&t->prng, 16) + 1;
        for (; n < most && left; n++) {
            uint64_t records = prng_below(&t->prng, left) + 1;
            left -= records;
            for (; records; records--)
                put[source](&payload[n], &t->prng);
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

bool trial_begin(struct trial *t, const struct program *p, uint64_t seed, uint64_t keep,
                 const struct engine_hook *hook)
{
    *t = (struct trial){.name = p->name, .seed = seed, .prng = prng_of(seed)};
    uint32_t partitions = (uint32_t[]){1, 3, 64}[prng_below(&t->prng, 3)];

    simd_init(SIMD_AUTO);
    simd_init((enum simd_level)prng_below(&t->prng, (uint64_t)simd_level + 1));
    t->job = job_of(p->name, p->text, partitions);
    EXPECT(t->job != NULL);
    if (!t->job)
        return false;
    t->queues = (uint32_t)prng_below(&t->prng, 3) + 1;
    t->first = FIRST + prng_below(&t->prng, 8);
    struct engine_conf conf = {.job = t->job,
                               .workers = (uint32_t)prng_below(&t->prng, 4) + 1,
                               .queues = t->queues,
                               .state_bytes = 40u << 20,
                               .first_interval = t->first,
                               .seed = seed,
                               .keep = keep,
                               .hook = hook};
    t->engine = engine_new(&conf);
    t->ref = ref_new(&t->job->graph, t->job->name, t->job->partitions);
    return true;
}

void trial_interval(struct trial *t, uint64_t n)
{
    feed_source(t, 0, n);
    feed_source(t, 1, n);
    feed_source(t, 2, n);
    engine_close(t->engine, n);
    ref_interval_all(t->ref, n, true, &t->expected);
}

void trial_end(struct trial *t, uint64_t last)
{
    engine_stop(t->engine, last);
    const char *expected = t->expected.s ? t->expected.s : "";
    if (strcmp(engine_output(t->engine), expected))
        fprintf(stderr, "%s differs with seed %llu\n", t->name, (unsigned long long)t->seed);
    EXPECT_EQ_STR(engine_output(t->engine), expected);
    struct engine_counts counts;
    engine_counts(t->engine, &counts);
    t->failed = counts.failed;
    for (uint32_t i = 0; i < t->job->graph.nodes_cnt; i++)
        t->ref_failed += ref_failed(t->ref, i);
    ref_free(t->ref);
    engine_free(t->engine);
    job_free(t->job);
    strbuf_release(&t->expected);
}
