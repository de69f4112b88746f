/*
 * The stock jobs from sealed blocks, on one worker, against their limit programs: bench_jobs
 * [JOB]... (or JOB in the environment). perf/README.md gives the method.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/simd.h"
#include "perf/blocks.h"
#include "perf/feeds.h"
#include "perf/report.h"
#include "perf/side.h"

#define BLOCKS_CNT  64u /* 128 MB: several times the last-level cache */
#define FILL_BLOCKS 8u  /* of an interval while the window fills */
#define PASSES      2u  /* over all blocks, in a timed interval */
#define REPETITIONS 7u
#define SEED        1u

static struct side wordcount_limit(void)
{
    return limit_wordcount(20);
}

static struct side topk_limit(void)
{
    return limit_wordcount(50);
}

/* A row of the table. Jobs of the same feed stand together: its blocks are made once for them. */
static const struct job_bench {
    const char *name, *path;
    const struct perf_feed *feed;
    struct side (*limit)(void);
} benches[] = {{"grep", "configs/grep.yaml", &feed_text, limit_grep},
               {"wordcount", "configs/wordcount.yaml", &feed_text, wordcount_limit},
               {"topk", "configs/topk.yaml", &feed_text, topk_limit}};

#define BENCHES_CNT (sizeof benches / sizeof benches[0])

struct took {
    double busy_s, wall_s;
};

static double now_s(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* One interval of a side: `passes` over the first `cnt` blocks. */
static struct took interval(const struct side *s, uint64_t number, const struct perf_blocks *b,
                            uint32_t cnt, uint32_t passes)
{
    double busy_s = now_s(CLOCK_THREAD_CPUTIME_ID), wall_s = now_s(CLOCK_MONOTONIC);

    for (uint32_t p = 0; p < passes; p++)
        for (uint32_t i = 0; i < cnt; i++)
            s->feed(s->ctx, number, b->block[i]);
    s->close(s->ctx, number);
    return (struct took){now_s(CLOCK_THREAD_CPUTIME_ID) - busy_s, now_s(CLOCK_MONOTONIC) - wall_s};
}

static bool agree(const struct side *a, const struct side *b)
{
    struct strbuf x = {0}, y = {0};

    a->answer(a->ctx, &x);
    b->answer(b->ctx, &y);
    bool same = x.len > 0 && x.len == y.len && !memcmp(x.s, y.s, x.len);
    if (!same)
        fprintf(stderr, "engine:\n%slimit program:\n%s", x.s ? x.s : "", y.s ? y.s : "");
    strbuf_release(&x);
    strbuf_release(&y);
    return same;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *x, uint32_t cnt)
{
    qsort(x, cnt, sizeof *x, by_size);
    return x[cnt / 2];
}

static struct bench_row run(const struct job_bench *j, const struct perf_blocks *b)
{
    struct bench_row row = {.job = j->name, .feed = "blocks", .lcores = 1, .answer_agrees = true};
    double records = (double)b->records * PASSES;
    size_t mark = perf_pages_mark();
    struct side engine = side_engine(j->path), limit = j->limit();
    double rate[4][REPETITIONS], ratio[REPETITIONS];
    uint64_t n = 0;

    for (; n < WINDOW_INTERVALS; n++) {
        interval(&engine, n, b, FILL_BLOCKS, 1);
        interval(&limit, n, b, FILL_BLOCKS, 1);
    }
    for (uint32_t i = 0; i < REPETITIONS; i++, n++) {
        struct took e = interval(&engine, n, b, b->cnt, PASSES);
        struct took l = interval(&limit, n, b, b->cnt, PASSES);
        row.answer_agrees &= agree(&engine, &limit);
        rate[0][i] = records / e.busy_s;
        rate[1][i] = records / l.busy_s;
        rate[2][i] = records / e.wall_s;
        rate[3][i] = records / l.wall_s;
        ratio[i] = l.busy_s / e.busy_s;
    }
    row.records_per_s = median(rate[0], REPETITIONS);
    row.limit_records_per_s = median(rate[1], REPETITIONS);
    row.wall_per_s = median(rate[2], REPETITIONS);
    row.limit_wall_per_s = median(rate[3], REPETITIONS);
    row.ratio = median(ratio, REPETITIONS);
    row.spread = (ratio[REPETITIONS - 1] - ratio[0]) / row.ratio;
    perf_pages_release(mark);
    return row;
}

static bool wanted(const char *name, int argc, char **argv)
{
    const char *job = getenv("JOB");

    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], name))
            return true;
    return argc == 1 && (!job || !*job || !strcmp(job, name));
}

int main(int argc, char **argv)
{
    const struct perf_feed *feed = NULL;
    struct perf_blocks blocks;
    struct bench_row row[BENCHES_CNT];
    const char *build = getenv("BUILD");
    char path[4096];
    uint32_t cnt = 0;
    bool agrees = true;

    simd_init(SIMD_AUTO);
    for (uint32_t i = 0; i < BENCHES_CNT; i++) {
        if (!wanted(benches[i].name, argc, argv))
            continue;
        if (benches[i].feed != feed) {
            feed = benches[i].feed;
            perf_pages_release(0);
            perf_blocks_make(&blocks, feed, BLOCKS_CNT, SEED);
            if (!cnt)
                report_machine();
            report_feed(&blocks);
        }
        row[cnt] = run(&benches[i], &blocks);
        agrees &= row[cnt].answer_agrees;
        report_row(&row[cnt++]);
    }
    snprintf(path, sizeof path, "%s/bench.json", build ? build : "build");
    if (!cnt || report_json(path, row, cnt)) {
        fprintf(stderr, cnt ? "bench: %s cannot be written\n" : "bench: there is no such job%s\n",
                cnt ? path : "");
        return 1;
    }
    return agrees ? 0 : 1;
}
