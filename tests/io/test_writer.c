#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "io/writer.h"
#include "tests/io/make_rdd.h"
#include "tests/test.h"

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
}

static void poll_one(struct writer *w, struct writer_done *d)
{
    while (!writer_poll_done(w, d))
        nap();
}

// A call that waits until it is let go.
struct gate {
    _Atomic bool open;
    _Atomic int passed_cnt;
};

static int pass_gate(void *arg, struct strbuf *err)
{
    struct gate *g = arg;

    (void)err;
    while (!atomic_load(&g->open))
        nap();
    atomic_fetch_add(&g->passed_cnt, 1);
    return 0;
}

static int fail(void *arg, struct strbuf *err)
{
    (void)arg;
    strbuf_puts(err, "no such luck");
    return -EIO;
}

static bool push_patiently(struct writer *w, const struct writer_work *work)
{
    for (int i = 0; i < 50; i++) {
        if (writer_try_push(w, work))
            return true;
        nap();
    }
    return false;
}

// Calls that write down when they were made.
struct mark {
    int *next;
    int at;
};

static int make_mark(void *arg, struct strbuf *err)
{
    struct mark *m = arg;

    (void)err;
    m->at = (*m->next)++;
    return 0;
}

TEST(writer, does_the_work_in_order_and_gives_it_back)
{
    enum { CALLS = 200 };
    struct writer *w = writer_open(&(struct writer_conf){.queue_cnt = 4});
    struct mark mark[CALLS];
    struct writer_done d;
    int next = 0, pushed = 0, done = 0;

    REQUIRE(w != NULL);
    while (done < CALLS) {
        if (pushed < CALLS) {
            mark[pushed] = (struct mark){.next = &next, .at = -1};
            if (writer_try_push(w, &(struct writer_work){.call = make_mark, .arg = &mark[pushed]}))
                pushed++;
        }
        while (writer_poll_done(w, &d)) {
            EXPECT_EQ_INT(d.err, 0);
            EXPECT(d.work.arg == &mark[done]);
            EXPECT_EQ_INT(mark[done].at, done);
            done++;
        }
    }
    EXPECT_EQ_INT(writer_backlog(w), 0);
    EXPECT_EQ_INT(writer_stop(w, 5000000000), 0);
    EXPECT(!writer_poll_done(w, &d));
    writer_free(w);
}

TEST(writer, a_full_queue_takes_no_more)
{
    struct writer *w = writer_open(&(struct writer_conf){.queue_cnt = 3});
    struct gate gate = {0};
    struct writer_work work = {.call = pass_gate, .arg = &gate};
    struct writer_done d;

    REQUIRE(w != NULL);
    for (int i = 0; i < 3; i++)
        EXPECT(push_patiently(w, &work));
    EXPECT(!push_patiently(w, &work));
    EXPECT_EQ_INT(writer_backlog(w), 3);
    atomic_store(&gate.open, true);
    while (writer_backlog(w))
        nap();
    // done, but not fetched: there is room only when it is
    EXPECT(!push_patiently(w, &work));
    poll_one(w, &d);
    EXPECT(push_patiently(w, &work));
    EXPECT_EQ_INT(writer_stop(w, 5000000000), 0);
    EXPECT_EQ_INT(atomic_load(&gate.passed_cnt), 4);
    for (int i = 0; i < 3; i++)
        EXPECT(writer_poll_done(w, &d));
    EXPECT(!writer_poll_done(w, &d));
    EXPECT(!writer_try_push(w, &work));
    writer_free(w);
}

TEST(writer, a_call_that_fails_says_why)
{
    struct writer *w = writer_open(&(struct writer_conf){.queue_cnt = 1});
    struct writer_work work = {.call = fail};
    struct writer_done d;

    REQUIRE(w != NULL);
    EXPECT(push_patiently(w, &work));
    poll_one(w, &d);
    EXPECT_EQ_INT(d.err, -EIO);
    EXPECT_EQ_STR(d.error, "no such luck");
    EXPECT_EQ_INT(writer_stop(w, 5000000000), 0);
    writer_free(w);
}

TEST(writer, stop_waits_only_so_long)
{
    struct writer *w = writer_open(&(struct writer_conf){.queue_cnt = 2});
    struct gate gate = {0};
    struct writer_work work = {.call = pass_gate, .arg = &gate};

    REQUIRE(w != NULL);
    EXPECT(push_patiently(w, &work));
    EXPECT_EQ_INT(writer_stop(w, 20000000), -ETIMEDOUT);
    atomic_store(&gate.open, true);
    EXPECT_EQ_INT(writer_stop(w, 5000000000), 0);
    writer_free(w);
}

// RDDs go to a file sink and a console at once, through one thread.
TEST(writer, rdds_reach_their_sinks)
{
    enum { INTERVALS = 20 };
    static struct make_rdd m[INTERVALS];
    char folder[64];
    struct strbuf err = {0};
    int ends[2];
    struct screen screen;
    struct writer_done d;
    uint64_t digest[2] = {0, 0};

    make_folder(folder);
    EXPECT_EQ_INT(pipe(ends), 0);
    screen_init(&screen, ends[1], true);
    struct sink_env env = {.live = true, .screen = &screen};
    struct sink *sink[2] = {
        sink_open(&(struct sink_conf){.name = "files",
                                      .type = "file",
                                      .rows = SINK_ROWS_JSONL,
                                      .path = folder,
                                      .roll_ns = 60000000000},
                  &env, &err),
        sink_open(&(struct sink_conf){.name = "screen", .type = "console"}, &env, &err)};
    REQUIRE(sink[0] && sink[1]);
    for (int k = 0; k < 2; k++)
        EXPECT_EQ_INT(sink_stream(sink[k], &make_counts), 0);
    struct writer *w = writer_open(&(struct writer_conf){.queue_cnt = 64, .screen = &screen});
    REQUIRE(w != NULL);
    for (int i = 0; i < INTERVALS; i++) {
        make_rdd(&m[i], &make_counts, (uint64_t)i);
        make_count(&m[i], "b", 2);
        make_count(&m[i], "a", 1);
        for (int k = 0; k < 2; k++) {
            struct writer_work work = {.sink = sink[k], .rdd = &m[i].rdd};
            EXPECT(push_patiently(w, &work));
        }
    }
    for (int i = 0; i < 2 * INTERVALS; i++) {
        poll_one(w, &d);
        EXPECT_EQ_INT(d.err, 0);
        EXPECT_EQ_INT(d.rows_cnt, 2);
        EXPECT(d.work.rdd == &m[i / 2].rdd);
        digest[i % 2] = d.digest;
    }
    EXPECT(digest[0] == digest[1]);
    EXPECT_EQ_INT(writer_stop(w, 5000000000), 0);
    writer_free(w);
    for (int k = 0; k < 2; k++)
        EXPECT_EQ_INT(sink_close(sink[k], &err), 0);
    screen_release(&screen);
    char *out = read_back(folder, "counts/0.jsonl");
    EXPECT_HAS_STR(out, "{\"interval\": 19, \"end\": \"1970-01-01T00:00:20Z\", \"stream\": "
                        "\"counts\", \"key\": \"a\", \"value\": 1}\n"
                        "{\"interval\": 19, ");
    free(out);
    char drawn[64];
    EXPECT(read(ends[0], drawn, sizeof drawn) > 0);
    for (int i = 0; i < INTERVALS; i++)
        make_release(&m[i]);
    strbuf_release(&err);
    close(ends[0]);
    close(ends[1]);
    remove_folder(folder);
}
