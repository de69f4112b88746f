// Feeders of files of records: ticks cut by number, loops, pipes, pace, little memory.

#include "dpdk-app/feeder.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rdd/format_walk.h"
#include "tests/dpdk-app/feeder_harness.h"

static const struct format lines = {.kind = FORMAT_TEXT};
static const struct format table = {.kind = FORMAT_CSV, .separator = ',', .header = true};
static const struct format frames = {.kind = FORMAT_FRAMES, .length_bytes = 1};

// ---- ticks -----------------------------------------------------------------------------------

static const struct records_case {
    const struct format *format;
    const char *bytes;
    uint64_t rate, tick_ms;
    int64_t start_ms;
    const char *text, *log;
} records_case[] = {
    {&lines, "a\nb\nc\nd\ne\n", 2, 1000, 0, "[0]a\nb\n[1]c\nd\n[2]e\n",
     "b0.0x1 c0 b0.1x1 c1 b0.2x1 c2 e"},
    {&lines, "a\nb\nc\nd\n", 3, 1000, 0, "[0]a\nb\nc\n[1]d\n", "b0.0x1 c0 b0.1x1 c1 e"},
    {&lines, "a\nb\nc\nd", 2, 1000, 500, "[0]a\n[1]b\nc\n[2]d", "b0.0x1 c0 b0.1x1 c1 b0.2x1 c2 e"},
    {&lines, "a\nb\nc\n", 1, 1000, -1000, "[0]a\nb\n[1]c\n", "b0.0x1 c0 b0.1x1 c1 e"},
    {&lines, "a\n\n\nb\n", 2, 1000, 7000, "[7]a\n\n[8]\nb\n", "b0.7x1 c7 b0.8x1 c8 e"},
    {&lines, "a\nb\nc\n", 2, 100, 0, "[0]a\n[5]b\n[10]c\n",
     "b0.0x1 c2 s4 b0.5x1 c7 s9 b0.10x1 c10 e"},
    {&lines, "a\nb\nc\n", 0, 1000, 0, "[0]a\nb\nc\n", "b0.0x1 c0 e"},
    {&lines, "", 2, 1000, 3000, "", "e"},
    {&table, "h\n1\n2\n", 1, 1000, 0, "[0]1\n[1]2\n", "b0.0x1 c0 b0.1x1 c1 e"},
    {&table, "h\n", 1, 1000, 0, "", "e"},
    {&frames, "\1a\2bc\3de", 1, 1000, 0, "[0]\1a[1]\2bc[2]\3de", "b0.0x1 c0 b0.1x1 c1 b0.2x1 c2 e"},
};

static bool begin(struct trial *t, uint32_t pages_cnt, const char *streams,
                  const struct format *format)
{
    if (!trial_begin(t, pages_cnt, streams))
        return false;
    t->source[0].spec.format = *format;
    t->with_text = true;
    strbuf_puts(&t->text, "");
    return true;
}

TEST(feeder_records, cuts_ticks)
{
    for (size_t i = 0; i < sizeof records_case / sizeof *records_case; i++) {
        const struct records_case *rc = &records_case[i];
        struct feeder_view v;
        struct trial t;

        REQUIRE(begin(&t, 8, "l", rc->format));
        t.conf.rate = rc->rate;
        t.conf.tick_ns = rc->tick_ms * 1000000;
        t.conf.start_ns = rc->start_ms * 1000000;
        fputs(rc->bytes, t.file);
        REQUIRE(trial_open(&t));
        EXPECT_EQ_INT(feeder_first_tick(t.f), rc->start_ms < 0 ? 0 : rc->start_ms / 1000);
        trial_run(&t);
        EXPECT_EQ_STR(t.text.s, rc->text);
        EXPECT_EQ_STR(t.log, rc->log);
        EXPECT_EQ_STR(feeder_error(t.f), "");
        feeder_look(t.f, &v);
        if (rc->format == &lines && *rc->bytes)
            EXPECT_EQ_INT(v.bytes, strlen(rc->bytes));
        trial_end(&t);
    }
}

// ---- against a plain reader ------------------------------------------------------------------

struct plain {
    struct strbuf file, text;
    uint64_t records_cnt, tick;
};

static void plain_expect(struct plain *p, const struct feeder_conf *conf, const char *bytes,
                         size_t len)
{
    uint64_t ns = (uint64_t)((unsigned __int128)p->records_cnt++ * 1000000000 / conf->rate);
    uint64_t tick = ((uint64_t)conf->start_ns + ns) / conf->tick_ns;

    if (p->text.len == 0 || p->tick != tick)
        strbuf_printf(&p->text, "[%llu]", (unsigned long long)tick);
    p->tick = tick;
    strbuf_add(&p->text, bytes, len);
}

// All records of the file once more.
static void plain_round(struct plain *p, const struct feeder_conf *conf)
{
    const char *at = p->file.s, *end = at + p->file.len, *nl;

    for (; at < end; at = nl) {
        nl = memchr(at, '\n', (size_t)(end - at));
        nl = nl ? nl + 1 : end;
        plain_expect(p, conf, at, (size_t)(nl - at));
    }
}

static void make_file(struct plain *p, struct prng *rng, size_t bytes)
{
    static char line[FORMAT_WALK_BYTES];

    *p = (struct plain){0};
    strbuf_puts(&p->file, "");
    strbuf_puts(&p->text, "");
    while (p->file.len < bytes) {
        size_t len = prng_below(rng, prng_below(rng, 500) ? 120
                                     : prng_below(rng, 8) ? 9000
                                                          : sizeof line);
        for (size_t i = 0; i < len; i++)
            line[i] = (char)('a' + (p->file.len / 7 + i) % 26);
        line[len] = '\n';
        strbuf_add(&p->file, line, len + (prng_below(rng, 1000) || p->file.len + len < bytes));
    }
}

static void plain_release(struct plain *p)
{
    strbuf_release(&p->file);
    strbuf_release(&p->text);
}

TEST(feeder_records, loses_nothing_when_memory_is_short)
{
    static const char *const streams[] = {"l", "ll"};
    uint64_t seed = prng_seed(1), waits = 0;

    for (uint64_t round = 0; round < 30; round++) {
        struct prng rng = prng_of(seed + round);
        const char *s = streams[prng_below(&rng, 2)];
        struct feeder_view v;
        struct plain p;
        struct trial t;

        make_file(&p, &rng, prng_below(&rng, 6000000));
        REQUIRE(begin(&t, 3 + (uint32_t)prng_below(&rng, 3), s, &lines));
        t.source[1].spec.format = lines;
        t.conf.rate = (uint64_t)prng_between(&rng, 1, prng_below(&rng, 2) ? 1000000 : 1000);
        t.conf.start_ns = (int64_t)prng_below(&rng, 3000000000);
        t.conf.tick_ns = (uint64_t)prng_between(&rng, 900000000, 3000000000);
        t.conf.rows_max = (uint32_t)prng_below(&rng, 2) * (uint32_t)prng_between(&rng, 1, 100);
        t.conf.bytes_max = (uint32_t)prng_below(&rng, 2) * (uint32_t)prng_between(&rng, 1, 100000);
        t.conf.pages_reserve = (uint32_t)prng_below(&rng, 3);
        fwrite(p.file.s, 1, p.file.len, t.file);
        REQUIRE(trial_open(&t));
        trial_run_short(&t, &rng);
        plain_round(&p, &t.conf);
        EXPECT_EQ_INT(t.text.len, p.text.len);
        EXPECT(t.text.len == p.text.len && memcmp(t.text.s, p.text.s, p.text.len) == 0);
        feeder_look(t.f, &v);
        EXPECT_EQ_INT(v.records, p.records_cnt);
        waits += v.waits;
        plain_release(&p);
        trial_end(&t);
    }
    EXPECT(waits > 0);
}

TEST(feeder_records, starts_again_with_time_going_on)
{
    static const size_t bytes[] = {1, 300, 40000, 3000000};

    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
        struct prng rng = prng_of(i + 1);
        struct feeder_view v;
        struct plain p;
        struct trial t;

        make_file(&p, &rng, bytes[i]);
        REQUIRE(begin(&t, 8, "l", &lines));
        t.conf.loop = true;
        t.conf.rate = 777;
        fwrite(p.file.s, 1, p.file.len, t.file);
        REQUIRE(trial_open(&t));
        for (int n = 0; n < 700; n++) {
            feeder_step(t.f, 0);
            trial_recv(&t, false);
        }
        feeder_stop(t.f);
        trial_run(&t);
        feeder_look(t.f, &v);
        while (p.records_cnt < v.records)
            plain_round(&p, &t.conf);
        REQUIRE(t.text.len > 0 && t.text.len <= p.text.len);
        EXPECT(memcmp(t.text.s, p.text.s, t.text.len) == 0);
        plain_release(&p);
        trial_end(&t);
    }
}

TEST(feeder_records, starts_again_although_the_name_is_gone)
{
    struct trial t;

    REQUIRE(begin(&t, 8, "l", &lines));
    t.conf.loop = true;
    fputs("a\nb\n", t.file);
    REQUIRE(trial_open(&t));
    unlink(t.path);
    for (int n = 0; n < 3; n++)
        feeder_step(t.f, 0);
    feeder_stop(t.f);
    trial_run(&t);
    EXPECT_EQ_STR(t.text.s, "[0]a\nb\na\nb\na\nb\n");
    EXPECT_EQ_STR(feeder_error(t.f), "");
    trial_end(&t);
}

TEST(feeder_records, refuses_in_a_sentence)
{
    struct trial t;

    REQUIRE(begin(&t, 8, "l", &lines));
    t.conf.file = "/nowhere";
    EXPECT(!trial_open(&t));
    EXPECT_HAS_STR(t.err, "No such file");
    t.conf.file = t.folder;
    EXPECT(!trial_open(&t));
    EXPECT_HAS_STR(t.err, "directory");
    t.conf.loop = true;
    t.conf.file = "-";
    EXPECT(!trial_open(&t));
    EXPECT_HAS_STR(t.err, "only a regular file can be looped");
    trial_end(&t);
}

// ---- waiting ---------------------------------------------------------------------------------

static void step_until_idle(struct trial *t)
{
    while (feeder_step(t->f, t->now_ns))
        trial_recv(t, false);
    trial_recv(t, false);
}

TEST(feeder_records, waits_for_a_pipe)
{
    struct trial t;

    REQUIRE(begin(&t, 8, "l", &lines));
    fclose(t.file);
    t.file = NULL;
    unlink(t.path);
    REQUIRE(mkfifo(t.path, 0600) == 0);
    int fd = open(t.path, O_RDWR);
    t.conf.rate = 2;
    REQUIRE(trial_open(&t));
    EXPECT(!feeder_step(t.f, 0));
    EXPECT_EQ_INT(write(fd, "a\nb", 3), 3);
    step_until_idle(&t);
    EXPECT_EQ_INT(write(fd, "b\nc\nd", 5), 5);
    step_until_idle(&t);
    EXPECT_EQ_STR(t.text.s, "[0]a\nbb\n");
    EXPECT_EQ_STR(t.log, "b0.0x2 c0");
    close(fd);
    step_until_idle(&t);
    EXPECT_EQ_STR(t.text.s, "[0]a\nbb\n[1]c\nd");
    EXPECT(t.ended);
    trial_end(&t);
}

TEST(feeder_records, waits_until_a_record_is_due)
{
    struct feeder_view v;
    struct trial t;

    REQUIRE(begin(&t, 8, "l", &lines));
    t.conf.pace = true;
    t.conf.rate = 10;
    t.conf.start_ns = 950000000;
    for (int i = 0; i < 30; i++)
        fputs("a\n", t.file);
    REQUIRE(trial_open(&t));
    for (uint64_t ms = 0; ms < 2900; ms += 30) {
        t.now_ns = 5000 + ms * 1000000;
        step_until_idle(&t);
        feeder_look(t.f, &v);
        EXPECT_EQ_INT(v.records, ms / 100 + 1);
    }
    t.now_ns = 5000 + 3000000000; // when one more would have been due
    step_until_idle(&t);
    EXPECT(t.ended);
    EXPECT_EQ_STR(t.log, "b0.0x1 c0 b0.1x10 c1 b0.2x10 c2 b0.3x9 c3 e");
    trial_end(&t);
}
