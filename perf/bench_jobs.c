/*
 * The stock jobs from sealed blocks against their limit programs: bench_jobs [JOB]... (or JOB in
 * the environment; LCORES=1 leaves out the rows on more than one; PROFILE=1 runs the engine alone,
 * to be watched). bench_jobs list names the jobs. perf/README.md gives the method.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/simd.h"
#include "perf/engine.h"
#include "perf/feeds.h"
#include "perf/report.h"
#include "perf/side.h"

#define SEED       1u
#define LCORES_MAX 2u
#define PROFILE_S  5.0 /* of the engine's busy time */

/* A row of the table. Jobs of the same feed stand together: its blocks are made once for them. */
static const struct job_bench {
    const char *name, *path;
    const struct perf_feed *feed;
    struct side (*limit)(void);
} benches[] = {
    {"grep", "configs/grep.yaml", &feed_text, limit_grep},
    {"wordcount", "configs/wordcount.yaml", &feed_text, limit_wordcount},
    {"topk", "configs/topk.yaml", &feed_text, limit_topk},
    {"wordcount-generic", "perf/jobs/wordcount-generic.yaml", &feed_text, limit_wordcount_generic},
    {"talkers", "configs/top-talkers.yaml", &feed_packets, limit_talkers},
    {"1brc", "configs/min-mean-max.yaml", &feed_1brc, limit_1brc},
    {"1brc-10k", "configs/min-mean-max.yaml", &feed_1brc_10k, limit_1brc},
    {"ysb", "configs/ysb.yaml", &feed_ysb, limit_ysb}};

#define BENCHES_CNT (sizeof benches / sizeof benches[0])

static struct bench_row run(const struct job_bench *j, const struct perf_blocks *b, uint32_t lcores)
{
    struct bench_row row = {.job = j->name, .feed = "blocks", .lcores = lcores};
    struct engine_conf conf = {.path = j->path, .lcores = lcores};
    size_t mark = perf_pages_mark();
    struct team engine = team_engine(&conf), limit = team_copies(j->limit, lcores), check;

    if (lcores > 1)
        check = team_copies(j->limit, 1);
    duel_run(&row.duel, &engine, &limit, lcores > 1 ? &check : NULL, b);
    perf_pages_release(mark);
    return row;
}

/* For a profile: the engine alone, for as long as a duel would take. */
static void run_engine(const struct job_bench *j, const struct perf_blocks *b)
{
    struct engine_conf conf = {.path = j->path, .lcores = 1};
    size_t mark = perf_pages_mark();
    struct team engine = team_engine(&conf);
    struct took t = {0};

    for (uint64_t n = 0; n < WINDOW_INTERVALS || t.busy_s < PROFILE_S; n++)
        engine.interval(engine.ctx, n, b->block, b->cnt, &t);
    perf_pages_release(mark);
}

static bool wanted(const char *name, int argc, char **argv)
{
    const char *job = getenv("JOB");

    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], name))
            return true;
    return argc == 1 && (!job || !*job || !strcmp(job, name));
}

static uint32_t lcores_max(void)
{
    const char *lcores = getenv("LCORES");
    uint32_t most = crew_cpus() < LCORES_MAX ? crew_cpus() : LCORES_MAX;

    return lcores && !strcmp(lcores, "1") ? 1 : most;
}

/* What a loop that only reads the blocks gets, by lcores. */
static void read_rates(double *per_s, uint32_t lcores, const struct perf_blocks *b)
{
    for (uint32_t i = 0; i < lcores; i++) {
        struct team s = team_copies(limit_read, i + 1);
        per_s[i] = 0;
        for (uint32_t n = 0; n < 5; n++) {
            struct took t = {0};
            s.interval(s.ctx, n, b->block, b->cnt, &t);
            double rate = (double)b->bytes / t.busy_s;
            per_s[i] = rate > per_s[i] ? rate : per_s[i];
        }
    }
}

/* Makes the blocks of the feed, instead of those of the feed before. */
static void make_blocks(struct perf_blocks *b, const struct perf_feed *feed)
{
    static const struct perf_feed *made;

    if (feed == made)
        return;
    made = feed;
    perf_pages_release(0);
    perf_blocks_make(b, feed, duel_blocks(report_cache_bytes()), SEED);
}

static int list(void)
{
    for (uint32_t i = 0; i < BENCHES_CNT; i++)
        puts(benches[i].name);
    return 0;
}

int main(int argc, char **argv)
{
    struct perf_blocks blocks;
    struct bench_row row[BENCHES_CNT * LCORES_MAX];
    const struct perf_feed *shown = NULL;
    const char *build = getenv("BUILD");
    double read_per_s[LCORES_MAX];
    char path[4096];
    uint32_t cnt = 0, lcores = lcores_max();
    bool agrees = true, profile = getenv("PROFILE") != NULL;

    if (argc == 2 && !strcmp(argv[1], "list"))
        return list();
    simd_init(SIMD_AUTO);
    make_blocks(&blocks, &feed_text);
    read_rates(read_per_s, lcores, &blocks);
    for (uint32_t i = 0; i < BENCHES_CNT; i++) {
        if (!wanted(benches[i].name, argc, argv))
            continue;
        make_blocks(&blocks, benches[i].feed);
        if (benches[i].feed != shown)
            report_feed(stdout, &blocks);
        shown = benches[i].feed;
        if (profile)
            run_engine(&benches[i], &blocks);
        for (uint32_t l = 1; l <= lcores && !profile; l++) {
            row[cnt] = run(&benches[i], &blocks, l);
            agrees &= row[cnt].duel.answer_agrees;
            report_row(stdout, &row[cnt++]);
        }
    }
    if (profile)
        return 0;
    if (!cnt) {
        fprintf(stderr, "bench: there is no such job; bench_jobs list names them\n");
        return 64;
    }
    snprintf(path, sizeof path, "%s/bench.json", build ? build : "build");
    if (report_json(path, row, cnt, read_per_s, lcores)) {
        fprintf(stderr, "bench: %s cannot be written\n", path);
        return 74;
    }
    return agrees ? 0 : 1;
}
