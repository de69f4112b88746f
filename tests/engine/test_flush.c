/*
 * Keys so long that the combine tables of both sides of a union leave in the middle of a task, each
 * after records of its own: `first` and `last` of a record that stands on both sides are still
 * those that the reference finds, in whatever order what left is merged.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/engine/trial.h"
#include "tests/test.h"

#define KEY_BYTES 12000u /* a table has room for some 340 of them */
#define KEYS      700u
#define RECORDS   800u /* of an interval: some 40 blocks */
#define INTERVALS 2u
#define FIRST     3u

static const char program[] =
    "  k = lines.map(r => (substr(r.line, 0, 12000), substr(r.line, 12000)))\n"
    "  b = k.filter(p => !endsWith(p._2, \"3\")).mapValues(v => v + \"b\")\n"
    "  b.union(k).reduceByKey((x, y) => x).map(p => (substr(p._1, 0, 6), p._2)).output(o)\n"
    "  b.union(k).mapValues(v => (length(v), v)).reduceByKey((x, y) => (x._1, y._2))\n"
    "    .map(p => (substr(p._1, 0, 6), p._2)).output(o)\n";

static void put_line(struct strbuf *b, struct prng *p, uint32_t i)
{
    uint32_t key = (uint32_t)prng_below(p, KEYS);

    strbuf_printf(b, "%06u%0*d%u\n", key, (int)KEY_BYTES - 6, 0, i);
}

static void interval(struct engine *e, struct ref *ref, struct prng *p, uint64_t n,
                     struct strbuf *expected)
{
    struct strbuf text = {0};

    for (uint32_t i = 0; i < RECORDS; i++) {
        size_t from = text.len;
        put_line(&text, p, i);
        struct ref_val line = ref_bytes(text.s + from, (uint32_t)(text.len - from - 1));
        ref_feed(ref, 0, &line);
        if (i + 1 < RECORDS && prng_below(p, 20))
            continue;
        engine_block(e, 0, 0, n, text.s, text.len);
        text.len = 0;
        for (uint64_t k = prng_below(p, 30); k && engine_step(e); k--)
            ;
    }
    strbuf_release(&text);
    engine_close(e, n);
    ref_interval_all(ref, n, true, expected);
}

static void run(uint64_t seed)
{
    struct prng p = prng_of(seed);
    struct strbuf expected = {0};
    struct job *job = job_of("flush", program, 1);

    EXPECT(job != NULL);
    struct engine_conf conf = {.job = job,
                               .workers = (uint32_t)prng_below(&p, 3) + 1,
                               .queues = 1,
                               .state_bytes = 600u << 20, /* so many long keys */
                               .first_interval = FIRST,
                               .seed = seed};
    struct engine *e = engine_new(&conf);
    struct ref *ref = ref_new(&job->graph, job->name, 1);
    for (uint64_t n = FIRST; n < FIRST + INTERVALS; n++)
        interval(e, ref, &p, n, &expected);
    engine_stop(e, FIRST + INTERVALS - 1);
    EXPECT_EQ_STR(engine_output(e), expected.s);
    struct engine_counts counts;
    engine_counts(e, &counts);
    EXPECT_EQ_INT(counts.refused + counts.failed + counts.dropped, 0);
    ref_free(ref);
    engine_free(e);
    job_free(job);
    strbuf_release(&expected);
}

TEST(flush, between_the_sides_of_a_union)
{
    for (uint64_t k = 0; k < 3; k++)
        run(prng_seed(1) * 100 + k);
}
