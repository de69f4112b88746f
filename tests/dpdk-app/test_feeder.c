// Feeders of captures: ticks, gaps, late frames, verdicts, pace, loops, memory, time together.

#include "dpdk-app/feeder.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/dpdk-app/feeder_harness.h"

// ---- ticks -----------------------------------------------------------------------------------

struct tick_case {
    const char *name, *streams, *frames, *log;
    uint64_t memory_ticks, late, gaps, skipped;
    int64_t first; // align to this; -1: not
};

static const struct tick_case tick_case[] = {
    {"each tick", "u", "0:u 100:u 1000:u 2999:u", "b0.0x2 c0 b0.1x1 c1 b0.2x1 c2 e", 2, 0, 0, 0,
     -1},
    {"short gap", "u", "500:u 3500:u", "b0.0x1 c2 b0.3x1 c3 e", 2, 0, 0, 0, -1},
    {"long gap", "u", "500:u 4500:u", "b0.0x1 c2 s3 b0.4x1 c4 e", 2, 0, 1, 1, -1},
    {"two gaps", "u", "0:u 9000:u 9001:u 19000:u", "b0.0x1 c2 s8 b0.9x2 c11 s18 b0.19x1 c19 e", 2,
     0, 2, 13, -1},
    {"no memory", "u", "0:u 1000:u 2500:u 9000:u", "b0.0x1 c0 b0.1x1 c1 b0.2x1 c2 s8 b0.9x1 c9 e",
     0, 0, 1, 6, -1},
    {"endless memory", "u", "0:u 900000:u", "b0.0x1 c899 b0.900x1 c900 e", UINT64_MAX, 0, 0, 0, -1},
    {"late", "u", "2000:u 1500:u 2100:u 100:o", "b0.2x3 c2 e", 2, 2, 0, 0, -1},
    {"late after a gap", "u", "0:u 9000:u 8999:u", "b0.0x1 c2 s8 b0.9x2 c9 e", 2, 1, 1, 6, -1},
    {"what nobody takes keeps time", "u", "0:u 1000:t 2000:t 3000:u", "b0.0x1 c0 c1 c2 b0.3x1 c3 e",
     0, 0, 0, 0, -1},
    {"two streams", "up", "0:u 10:t 1000:t", "b0.0x1 b1.0x2 c0 b1.1x1 c1 e", 2, 0, 0, 0, -1},
    {"filter", "fp", "0:u 10:t 1000:t", "b0.0x1 b1.0x2 c0 b1.1x1 c1 e", 2, 0, 0, 0, -1},
    {"aligned", "u", "5000:u", "c4 b0.5x1 c5 e", 2, 0, 0, 0, 3},
    {"aligned far", "u", "5000:u", "c2 s4 b0.5x1 c5 e", 2, 0, 1, 2, 0},
    {"nothing taken", "u", "5000:o", "c5 e", 2, 0, 0, 0, -1},
    {"empty", "u", "", "e", 2, 0, 0, 0, -1},
    {"empty, aligned", "u", "", "e", 2, 0, 0, 0, 7},
};

static void run_tick_case(const struct tick_case *tc)
{
    struct trial t;
    struct feeder_view v;

    REQUIRE(trial_begin(&t, 16, tc->streams));
    t.conf.memory_ticks = tc->memory_ticks;
    trial_pcap(&t);
    trial_frames(&t, tc->frames);
    REQUIRE(trial_open(&t));
    EXPECT_EQ_INT(feeder_first_tick(t.f), *tc->frames ? strtol(tc->frames, NULL, 10) / 1000 : -1);
    if (tc->first >= 0)
        feeder_align(t.f, (uint64_t)tc->first);
    trial_run(&t);
    EXPECT_EQ_STR(t.log, tc->log);
    feeder_look(t.f, &v);
    EXPECT_EQ_INT(v.late, tc->late);
    EXPECT_EQ_INT(v.gaps, tc->gaps);
    EXPECT_EQ_INT(v.skipped_ticks, tc->skipped);
    EXPECT_EQ_STR(feeder_error(t.f), "");
    EXPECT_EQ_INT(feeder_last_tick(t.f), *tc->frames ? (int64_t)t.closed_until - 1 : -1);
    trial_end(&t);
}

TEST(feeder, cuts_ticks)
{
    for (size_t i = 0; i < sizeof tick_case / sizeof *tick_case; i++) {
        char was[64];

        snprintf(was, sizeof was, "%s", tick_case[i].name);
        run_tick_case(&tick_case[i]);
        EXPECT_EQ_STR(was, tick_case[i].name);
    }
}

// ---- verdicts --------------------------------------------------------------------------------

static const struct verdict_case {
    const char *streams;
    char kind;
    enum feed_counter what;
    uint32_t rows;
} verdict_case[] = {
    {"u", 'u', FEED_TAKEN, 1},     {"u", 'o', FEED_NO_SOURCE, 0}, {"u", 't', FEED_NO_SOURCE, 0},
    {"u", 'a', FEED_NO_SOURCE, 0}, {"u", 'e', FEED_EMPTY, 0},     {"u", 's', FEED_BAD_CHECKSUM, 0},
    {"u", 'f', FEED_FRAGMENT, 0},  {"u", 'm', FEED_MALFORMED, 0}, {"u", 'c', FEED_CUT, 0},
    {"f", 't', FEED_FILTERED, 0},  {"f", 'u', FEED_TAKEN, 1},     {"uf", 't', FEED_FILTERED, 0},
    {"uf", 's', FEED_TAKEN, 1},    {"fu", 'e', FEED_TAKEN, 1},    {"up", 'u', FEED_TAKEN, 2},
    {"uuu", 'u', FEED_TAKEN, 3},   {"p", 'm', FEED_TAKEN, 1},     {"p", 'c', FEED_TAKEN, 1},
    {"p", 'j', FEED_TAKEN, 1},     {"p", 's', FEED_TAKEN, 1},
};

TEST(feeder, counts_each_frame_once)
{
    for (size_t i = 0; i < sizeof verdict_case / sizeof *verdict_case; i++) {
        const struct verdict_case *vc = &verdict_case[i];
        char frames[] = {'7', ':', vc->kind, '\0'};
        struct feeder_view v;
        struct trial t;

        REQUIRE(trial_begin(&t, 16, vc->streams));
        trial_pcap(&t);
        trial_frames(&t, frames);
        REQUIRE(trial_open(&t));
        trial_run(&t);
        feeder_look(t.f, &v);
        EXPECT_EQ_INT(v.packets.packet[FEED_RECEIVED], 1);
        for (int k = FEED_TAKEN; k < FEED_COUNTERS_CNT; k++)
            EXPECT_EQ_INT(v.packets.packet[k], k == (int)vc->what);
        EXPECT_EQ_STR(feed_counter_name[vc->what], feed_counter_name[vc->what]);
        EXPECT_EQ_INT(t.rows_cnt, vc->rows);
        trial_end(&t);
    }
}

TEST(feeder, tells_what_frames_were)
{
    struct feeder_view v;
    struct trial t;

    REQUIRE(trial_begin(&t, 16, "p"));
    trial_pcap(&t);
    trial_frames(&t, "0:u 0:a 0:f 0:j 0:c");
    REQUIRE(trial_open(&t));
    trial_run(&t);
    feeder_look(t.f, &v);
    EXPECT_EQ_INT(v.seen.n[PACKET_COUNT_IP4], 4);
    EXPECT_EQ_INT(v.seen.n[PACKET_COUNT_NOT_IP], 1);
    EXPECT_EQ_INT(v.seen.n[PACKET_COUNT_FRAGMENTS], 1);
    EXPECT_EQ_INT(v.seen.n[PACKET_COUNT_CUT], 1);
    EXPECT_EQ_INT(t.row[3].len, 37506);
    EXPECT_EQ_INT(v.bytes, 3 * 50 + t.row[1].len + 37506);
    trial_end(&t);
}

// ---- what cannot be --------------------------------------------------------------------------

TEST(feeder, refuses_in_a_sentence)
{
    struct trial t;

    REQUIRE(trial_begin(&t, 16, "u"));
    fputs("this is no capture, but it is long enough to look at", t.file);
    EXPECT(!trial_open(&t));
    EXPECT_HAS_STR(t.err, "capture '");
    t.conf.file = "/nowhere";
    EXPECT(!trial_open(&t));
    EXPECT_HAS_STR(t.err, "No such file");
    trial_end(&t);

    REQUIRE(trial_begin(&t, 16, "f"));
    trial_pcap(&t);
    t.source[0].filter = "no filter at all";
    EXPECT(!trial_open(&t));
    EXPECT(t.err[0] != '\0');
    trial_end(&t);
}

TEST(feeder, keeps_what_stands_before_damage)
{
    // Bytes that are cut off behind: of the second frame, of its header, of the first one.
    static const struct {
        uint32_t bytes;
        const char *log;
    } cut[] = {{3, "b0.0x1 c0 e"}, {60, "b0.0x1 c0 e"}, {70, "e"}};

    for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
        struct trial t;

        REQUIRE(trial_begin(&t, 16, "u"));
        trial_pcap(&t);
        trial_frames(&t, "0:u 1000:u");
        fflush(t.file);
        REQUIRE(ftruncate(fileno(t.file), ftell(t.file) - cut[i].bytes) == 0);
        REQUIRE(trial_open(&t));
        EXPECT_EQ_STR(feeder_error(t.f), "");
        trial_run(&t);
        EXPECT_EQ_STR(t.log, cut[i].log);
        EXPECT_HAS_STR(feeder_error(t.f), "damaged after frame");
        trial_end(&t);
    }
}

// ---- time ------------------------------------------------------------------------------------

static void step_until_idle(struct trial *t)
{
    while (feeder_step(t->f, t->now_ns))
        trial_recv(t, false);
    trial_recv(t, false);
}

TEST(feeder, waits_until_a_frame_is_due)
{
    static const struct {
        uint64_t ms;
        const char *log;
    } at[] = {
        {0, ""},
        {400, ""},
        {899, ""},
        {900, "b0.1x2 c1"}, // the tick has ended, though no newer frame came
        {3300, "b0.1x2 c1 c3"},
        {5000, "b0.1x2 c1 c3"}, // windows are empty: the rest of the gap waits for its end
        {7949, "b0.1x2 c1 c3"},
        {7950, "b0.1x2 c1 c3 s8 b0.9x1 c9 e"},
    };
    struct trial t;

    REQUIRE(trial_begin(&t, 16, "u"));
    t.conf.pace = true;
    trial_pcap(&t);
    trial_frames(&t, "1100:u 1500:u 9050:u");
    REQUIRE(trial_open(&t));
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        t.now_ns = 1000 + at[i].ms * 1000000;
        step_until_idle(&t);
        EXPECT_EQ_STR(t.log, at[i].log);
    }
    trial_end(&t);
}

TEST(feeder, looks_at_the_clock_late)
{
    struct trial t;

    REQUIRE(trial_begin(&t, 16, "u"));
    t.conf.pace = true;
    trial_pcap(&t);
    trial_frames(&t, "1100:u 1200:u 1000:u 9050:u");
    REQUIRE(trial_open(&t));
    step_until_idle(&t);
    t.now_ns = 6000000000;
    step_until_idle(&t);
    EXPECT_EQ_STR(t.log, "b0.1x3 c3");
    t.now_ns *= 2;
    step_until_idle(&t);
    EXPECT_EQ_STR(t.log, "b0.1x3 c3 s8 b0.9x1 c9 e");
    trial_end(&t);
}

TEST(feeder, starts_again_with_time_going_on)
{
    struct feeder_view v;
    struct trial t;

    // A span of 1.5 s and a gap of 0.75 s: the second round is 2.25 s later.
    REQUIRE(trial_begin(&t, 16, "u"));
    t.conf.loop = true;
    t.conf.rows_max = 1;
    trial_pcap(&t);
    trial_frames(&t, "0:u 1200:u 1500:u");
    REQUIRE(trial_open(&t));
    while (t.rows_cnt < 100) {
        REQUIRE(feeder_step(t.f, 0));
        trial_recv(&t, false);
    }
    feeder_stop(t.f);
    trial_run(&t);
    for (uint32_t i = 0; i < 100; i++) {
        static const uint32_t ms[] = {0, 1200, 1500};
        EXPECT_EQ_INT(t.row[i].tick, (ms[i % 3] + i / 3 * 2250) / 1000);
        EXPECT_EQ_INT(t.row[i].hash, t.row[i % 3].hash);
    }
    feeder_look(t.f, &v);
    EXPECT_EQ_INT(v.packets.packet[FEED_RECEIVED], t.rows_cnt);
    EXPECT_EQ_INT(v.late, 0);
    EXPECT_EQ_INT(feeder_last_tick(t.f), t.row[t.rows_cnt - 1].tick);
    trial_end(&t);
}

TEST(feeder, ends_where_it_is)
{
    struct trial t;

    REQUIRE(trial_begin(&t, 16, "u"));
    t.conf.pace = true;
    trial_pcap(&t);
    trial_frames(&t, "1000:u 2000:u 3000:u");
    REQUIRE(trial_open(&t));
    step_until_idle(&t);
    t.now_ns = 1000000000;
    step_until_idle(&t);
    feeder_stop(t.f);
    feeder_stop(t.f);
    step_until_idle(&t);
    EXPECT_EQ_STR(t.log, "b0.1x1 c1 b0.2x1 c2 e");
    EXPECT_EQ_INT(feeder_last_tick(t.f), 2);
    trial_end(&t);
}

#define TOGETHER 3
#define FRAMES   3000

// A capture of its own rhythm.
struct traveller {
    struct trial t;
    uint32_t n;
    uint64_t tick[FRAMES];
};

static void make_traveller(struct traveller *v, struct prng *rng)
{
    char frame[32];

    trial_pcap(&v->t);
    for (uint64_t ms = 0; v->n < FRAMES && ms < 20000; v->n++) {
        ms += prng_below(rng, 400) ? prng_below(rng, 20) : prng_below(rng, 8000);
        v->tick[v->n] = ms / 1000;
        snprintf(frame, sizeof frame, "%llu:u", (unsigned long long)ms);
        trial_frames(&v->t, frame);
    }
}

static uint32_t received(const struct traveller *v)
{
    struct feeder_view view;

    feeder_look(v->t.f, &view);
    return (uint32_t)view.packets.packet[FEED_RECEIVED];
}

// Nobody has read of a tick while another has still to read of one before it.
static void expect_together(const struct traveller *v)
{
    uint64_t newest = 0, next = UINT64_MAX;

    for (int i = 0; i < TOGETHER; i++) {
        uint32_t n = received(&v[i]);
        if (n > 0 && v[i].tick[n - 1] > newest)
            newest = v[i].tick[n - 1];
        if (n < v[i].n && v[i].tick[n] < next)
            next = v[i].tick[n];
    }
    EXPECT(newest <= next);
}

TEST(feeder, goes_through_time_with_others)
{
    static struct traveller v[TOGETHER];
    struct prng rng = prng_of(prng_seed(5));
    uint32_t ended = 0;

    for (int i = 0; i < TOGETHER; i++) {
        v[i].n = 0;
        REQUIRE(trial_begin(&v[i].t, 16, "u"));
        make_traveller(&v[i], &rng);
        REQUIRE(trial_open(&v[i].t));
        feeder_align(v[i].t.f, 0);
        for (int k = 0; k <= i; k++)
            feeder_join(v[k].t.f, v[i].t.f);
    }
    for (int i = 0; i < 100000 && ended < TOGETHER; i++) {
        struct traveller *w = &v[prng_below(&rng, 10) % (i / 1000 % TOGETHER + 1)];

        feeder_step(w->t.f, 0);
        trial_recv(&w->t, false);
        expect_together(v);
        ended = 0;
        for (int k = 0; k < TOGETHER; k++)
            ended += v[k].t.ended;
    }
    EXPECT_EQ_INT(ended, TOGETHER);
    for (int i = 0; i < TOGETHER; i++) {
        EXPECT_EQ_INT(v[i].t.rows_cnt, v[i].n);
        trial_end(&v[i].t);
    }
}
