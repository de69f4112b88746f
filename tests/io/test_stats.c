#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/stats.h"
#include "tests/io/make_rdd.h"
#include "tests/prng.h"
#include "tests/test.h"

TEST(stats, a_ledger_closes)
{
    struct stats_ledger l = {.offered = 10, .processed = 7};

    EXPECT(!stats_closed(&l));
    stats_drop(&l, "no_source", 2);
    stats_drop(&l, "malformed", 0);
    EXPECT(!stats_closed(&l));
    stats_drop(&l, "no_source", 1);
    EXPECT(stats_closed(&l));
    EXPECT_EQ_INT(stats_dropped(&l), 3);
    EXPECT_EQ_INT(l.reasons_cnt, 2);
}

TEST(stats, spreads)
{
    static struct stats_spread s;

    memset(&s, 0, sizeof s);
    EXPECT_EQ_INT(stats_spread_at(&s, 0.5), 0);
    for (uint64_t i = 1; i <= 20; i++)
        stats_spread_add(&s, i); // exact below 64
    EXPECT_EQ_INT(stats_spread_at(&s, 0.5), 10);
    EXPECT_EQ_INT(stats_spread_at(&s, 0.99), 19);
    EXPECT_EQ_INT(stats_spread_at(&s, 1), 20);
    stats_spread_add(&s, UINT64_MAX);
    EXPECT(stats_spread_at(&s, 1) == UINT64_MAX);
}

// To 1/32 over all magnitudes, against the sorted values.
static int cmp_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

TEST(stats, spreads_of_random_times)
{
    enum { N = 1000 };
    static struct stats_spread s;
    struct prng p = prng_of(prng_seed(61));
    uint64_t v[N];

    for (int round = 0; round < 50; round++) {
        memset(&s, 0, sizeof s);
        for (int i = 0; i < N; i++) {
            v[i] = prng_u64(&p) >> prng_below(&p, 64);
            stats_spread_add(&s, v[i]);
        }
        qsort(v, N, sizeof v[0], cmp_u64);
        for (int part = 1; part <= 100; part++) {
            uint64_t is = stats_spread_at(&s, part / 100.0), want = v[N * part / 100 - 1];
            EXPECT(is >= want);
            EXPECT(is - want <= want / 32);
        }
    }
}

static void fill(struct stats_interval *s)
{
    memset(s, 0, sizeof *s);
    s->job = "wordcount";
    s->interval = 1795132801;
    s->interval_ns = 1000000000;
    s->complete = true;
    s->packets = (struct stats_ledger){.offered = 10, .processed = 8};
    stats_drop(&s->packets, "no_source", 1);
    stats_drop(&s->packets, "malformed", 0);
    stats_drop(&s->packets, "bad_checksum", 1);
    s->records = (struct stats_ledger){.offered = 1234567, .processed = 1234567};
    s->records_per_s = 1234567.0;
    s->close_delay_ns = 41000;
    s->processing_ns = 97200000;
    s->lcores_cnt = 2;
    s->lcore[0] = (struct stats_lcore){0, "control, ingest", 500};
    s->lcore[1] = (struct stats_lcore){7, "worker", 600};
    s->streams_cnt = 2;
    s->stream[0] = (struct stats_stream){"counts.top", 20, 0x00f1e2d3c4b5a697};
    s->stream[1] = (struct stats_stream){"all", 0, 7};
}

TEST(stats, the_line_of_an_interval)
{
    static struct stats_interval s;
    struct strbuf out = {0};

    fill(&s);
    stats_interval_json(&out, &s);
    EXPECT_EQ_STR(out.s,
                  "{\"job\": \"wordcount\", \"interval\": 1795132801, "
                  "\"end\": \"2026-11-20T00:00:02Z\", "
                  "\"packets\": {\"offered\": 10, \"processed\": 8, "
                  "\"dropped\": {\"no_source\": 1, \"bad_checksum\": 1}}, "
                  "\"records\": {\"offered\": 1234567, \"processed\": 1234567, \"dropped\": {}}, "
                  "\"records_per_s\": 1234567.0, \"close_delay_ns\": 41000, "
                  "\"processing_ns\": 97200000, \"backlog\": 0, "
                  "\"busy_ns\": {\"0\": 500, \"7\": 600}, "
                  "\"rows\": {\"counts.top\": 20, \"all\": 0}, "
                  "\"digest\": {\"counts.top\": \"00f1e2d3c4b5a697\", "
                  "\"all\": \"0000000000000007\"}}\n");
    strbuf_clear(&out);
    s.complete = false;
    s.streams_cnt = 0;
    s.lcores_cnt = 0;
    stats_interval_json(&out, &s);
    EXPECT_HAS_STR(out.s, "\"busy_ns\": {}, \"rows\": {}, \"digest\": {}, \"complete\": false}\n");
    strbuf_release(&out);
}

TEST(stats, the_status_line)
{
    static struct stats_interval s;
    struct strbuf out = {0};

    fill(&s);
    stats_status(&out, &s);
    EXPECT_EQ_STR(
        out.s, "wordcount  interval 1795132801: 1,234,567 records/s, dropped 2 packets 0 records, "
               "processing 97.2 ms of 1 s (9.7 %), close delay 41 us\n");
    strbuf_clear(&out);
    s.backlog = 3;
    stats_status(&out, &s);
    EXPECT_HAS_STR(out.s, "close delay 41 us, 3 intervals behind\n");
    strbuf_release(&out);
}

static struct stats_job job;
static struct stats_final final;

static void fill_final(void)
{
    static struct stats_interval s;

    fill(&s);
    memset(&job, 0, sizeof job);
    memset(&final, 0, sizeof final);
    job.job = "wordcount";
    job.interval_ns = 1000000000;
    job.packets = s.packets;
    job.records = s.records;
    job.records.processed -= 5;
    job.records_per_s = 30864.2;
    for (int i = 0; i < 40; i++)
        stats_job_add(&job, &s);
    final.run_ns = 40100000000;
    final.jobs_cnt = 1;
    final.job = &job;
    final.lcores_cnt = 1;
    final.lcore[0] = (struct stats_lcore){0, "control, ingest", 10025000000};
}

TEST(stats, the_last_line)
{
    struct strbuf out = {0};

    fill_final();
    stats_drop(&job.records, "bad_value", 5);
    stats_final_json(&out, &final);
    EXPECT_EQ_STR(out.s, "{\"final\": true, \"seconds\": 40.1, \"busy_ns\": {\"0\": 10025000000}, "
                         "\"jobs\": [{\"job\": \"wordcount\", \"intervals\": 40, "
                         "\"packets\": {\"offered\": 10, \"processed\": 8, "
                         "\"dropped\": {\"no_source\": 1, \"bad_checksum\": 1}}, "
                         "\"records\": {\"offered\": 1234567, \"processed\": 1234562, "
                         "\"dropped\": {\"bad_value\": 5}}, \"records_per_s\": 30864.2, "
                         "\"close_delay_ns\": {\"median\": 41000, \"p99\": 41000, \"max\": 41000}, "
                         "\"processing_ns\": {\"median\": 97200000, \"p99\": 97200000, "
                         "\"max\": 97200000}, \"lost_outputs\": 0}]}\n");
    strbuf_release(&out);
}

TEST(stats, the_summary)
{
    struct strbuf out = {0};

    fill_final();
    stats_drop(&job.records, "bad_value", 5);
    stats_summary(&out, &final);
    EXPECT_EQ_STR(out.s, "wordcount: 40 intervals of 1 s, 30,864 records/s\n"
                         "  close delay: median 41 us, p99 41 us, max 41 us\n"
                         "  processing time: median 97.2 ms, p99 97.2 ms, max 97.2 ms\n"
                         "                                   packets           records\n"
                         "  offered                               10         1,234,567\n"
                         "  processed                              8         1,234,562\n"
                         "  dropped                                2                 5\n"
                         "    no_source                            1\n"
                         "    bad_checksum                         1\n"
                         "    bad_value                                              5\n"
                         "lcore 0 (control, ingest): busy 10.0 s of 40.1 s (25.0 %)\n");
    strbuf_clear(&out);
    fill_final();
    job.lost_outputs_cnt = 2;
    stats_summary(&out, &final);
    EXPECT_HAS_STR(out.s, "  The ledger of records does not close: 5 are neither processed nor "
                          "dropped.\n");
    EXPECT_HAS_STR(out.s, "  2 results could not be written.\n");
    strbuf_release(&out);
}

TEST(stats, a_report_goes_to_its_file_and_to_the_screen)
{
    static struct stats_report report;
    char folder[64], path[96], shown[96];
    struct strbuf err = {0};
    struct screen screen;
    struct stats_out o;

    make_folder(folder);
    snprintf(path, sizeof path, "%s/stats", folder);
    snprintf(shown, sizeof shown, "%s/shown", folder);
    int fd = open(shown, O_WRONLY | O_CREAT, 0600);
    screen_init(&screen, fd, false);
    EXPECT_EQ_INT(stats_out_open(&o, path, &screen, &err), 0);
    report = (struct stats_report){.out = &o, .section = screen_section(&screen)};
    fill(&report.interval);
    EXPECT_EQ_INT(stats_report(&report, &err), 0);
    report.section = STATS_NO_SECTION;
    EXPECT_EQ_INT(stats_report(&report, &err), 0);
    fill_final();
    stats_final_json(&o.line, &final);
    EXPECT_EQ_INT(stats_out_write(&o, &err), 0);
    stats_out_close(&o);
    screen_release(&screen);
    close(fd);
    char *lines = read_back(folder, "stats"), *status = read_back(folder, "shown");
    int lines_cnt = 0;
    for (const char *p = lines; *p; p++)
        lines_cnt += *p == '\n';
    EXPECT_EQ_INT(lines_cnt, 3);
    EXPECT_HAS_STR(lines, "}\n{\"final\": true, ");
    EXPECT(strncmp(status, "wordcount  interval ", 20) == 0);
    free(lines);
    free(status);
    remove_folder(folder);

    EXPECT_EQ_INT(stats_out_open(&o, "/nowhere/stats", NULL, &err), -ENOENT);
    EXPECT_EQ_STR(err.s, "cannot write statistics to '/nowhere/stats': No such file or directory");
    strbuf_release(&err);
    EXPECT_EQ_INT(stats_out_open(&o, NULL, NULL, &err), 0);
    EXPECT_EQ_INT(o.fd, -1);
    stats_out_close(&o);
}
