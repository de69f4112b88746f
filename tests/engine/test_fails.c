/*
 * A window with an inverse whose lambda fails: products of powers of two that do not always fit. A
 * failure cannot be taken out again, so a key has no row from the interval on in which its records,
 * or they and those of the window, do not fit, until it has left the window. The model says so of
 * the records of each interval; the engine must agree however they are cut and whoever works.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/engine/trial.h"
#include "tests/test.h"

#define KEYS      24u
#define INTERVALS 40u
#define LEN       3u
#define FIRST     5u
#define RECORDS   60u
#define BITS_MAX  62u

static const char program[] = "  nums.map(r => (r.k, r.v)).reduceByKeyAndWindow((a, b) => a * b, "
                              "(a, b) => a / b, \"3s\", \"1s\").output(o)\n";

struct part {
    uint32_t records, bits;
    bool failed;
};

struct record {
    uint32_t key, bits;
};

struct fails {
    struct prng prng;
    struct record record[INTERVALS][RECORDS];
    uint32_t records_cnt[INTERVALS];
    struct part delta[INTERVALS][KEYS], total[KEYS];
    uint32_t lacking;
    struct strbuf expected; /* lines of interval, key, value */
};

/* Few records of many keys: windows run empty. */
static void draw(struct fails *f)
{
    for (uint32_t n = 0; n < INTERVALS; n++) {
        f->records_cnt[n] = (uint32_t)prng_below(&f->prng, RECORDS);
        for (uint32_t i = 0; i < f->records_cnt[n]; i++) {
            uint64_t key = prng_below(&f->prng, prng_below(&f->prng, KEYS) + 1);
            f->record[n][i] = (struct record){(uint32_t)key, prng_chance(&f->prng, 40) ? 15 : 1};
        }
    }
}

static void add(struct part *to, const struct part *p)
{
    to->failed |= p->failed || to->bits + p->bits > BITS_MAX;
    to->bits += p->bits;
    to->records += p->records;
}

static void model_key(struct fails *f, uint32_t n, uint32_t key)
{
    struct part *total = &f->total[key];

    if (n >= LEN && f->delta[n - LEN][key].records) {
        const struct part *d = &f->delta[n - LEN][key];
        total->records -= d->records;
        total->bits -= d->bits;
        if (!total->records)
            *total = (struct part){0};
    }
    if (f->delta[n][key].records)
        add(total, &f->delta[n][key]);
    if (total->records && !total->failed)
        strbuf_printf(&f->expected, "%u k%02u %llu\n", n + FIRST, key, 1ull << total->bits);
    f->lacking += total->records && total->failed;
}

static void model(struct fails *f)
{
    for (uint32_t n = 0; n < INTERVALS; n++) {
        for (uint32_t i = 0; i < f->records_cnt[n]; i++) {
            const struct record *r = &f->record[n][i];
            add(&f->delta[n][r->key], &(struct part){1, r->bits, false});
        }
        for (uint32_t key = 0; key < KEYS; key++)
            model_key(f, n, key);
    }
}

/* The records of an interval in any order, in blocks of any size. */
static void feed(struct fails *f, struct engine *e, uint32_t n, uint32_t queues)
{
    struct strbuf text = {0};

    for (uint32_t left = f->records_cnt[n]; left; left--) {
        uint32_t at = (uint32_t)prng_below(&f->prng, left);
        struct record r = f->record[n][at];
        f->record[n][at] = f->record[n][left - 1];
        f->record[n][left - 1] = r;
        strbuf_printf(&text, "k%02u,%llu,0\n", r.key, 1ull << r.bits);
        if (left > 1 && prng_chance(&f->prng, 80))
            continue;
        engine_block(e, 1, (uint32_t)prng_below(&f->prng, queues), n + FIRST, text.s, text.len);
        text.len = 0;
        for (uint64_t k = prng_below(&f->prng, 5); k && engine_step(e); k--)
            ;
    }
    strbuf_release(&text);
    engine_close(e, n + FIRST);
}

static void shorten(struct strbuf *out, const char *lines)
{
    for (const char *end; (end = strchr(lines, '\n')); lines = end + 1) {
        const char *key = strstr(lines, "\"key\": "), *value = strstr(lines, "\"value\": ");
        strbuf_printf(out, "%lu %.3s %lld\n", strtoul(lines + strlen("{\"interval\": "), NULL, 10),
                      key + 8, strtoll(value + 9, NULL, 10));
    }
}

static void run(struct fails *f, const struct job *job, uint64_t seed)
{
    struct strbuf is = {0};
    uint32_t queues = (uint32_t)prng_below(&f->prng, 3) + 1;
    struct engine_conf conf = {.job = job,
                               .workers = (uint32_t)prng_below(&f->prng, 4) + 1,
                               .queues = queues,
                               .first_interval = FIRST,
                               .seed = seed};
    struct engine *e = engine_new(&conf);
    struct engine_counts counts;

    for (uint32_t n = 0; n < INTERVALS; n++)
        feed(f, e, n, queues);
    engine_stop(e, FIRST + INTERVALS - 1);
    shorten(&is, engine_output(e));
    EXPECT_EQ_STR(is.s, f->expected.s);
    engine_counts(e, &counts);
    EXPECT_EQ_INT(counts.failed, f->lacking);
    engine_free(e);
    strbuf_release(&is);
}

TEST(fails, with_an_inverse)
{
    struct job *job = job_of("fails", program, 3);
    struct fails *f = calloc(1, sizeof *f);

    EXPECT(job != NULL);
    f->prng = prng_of(prng_seed(1));
    draw(f);
    model(f);
    EXPECT(f->lacking > 40);
    for (uint64_t k = 0; k < 8; k++)
        run(f, job, k);
    strbuf_release(&f->expected);
    free(f);
    job_free(job);
}
