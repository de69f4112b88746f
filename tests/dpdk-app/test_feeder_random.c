// Feeders of captures against a plain reader: random captures, little memory, other threads.

#include "dpdk-app/feeder.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "tests/dpdk-app/feeder_harness.h"

#define FRAMES_MAX 3000

// ---- against a plain reader ------------------------------------------------------------------

struct plain {
    uint32_t rows_cnt, frames_cnt, late;
    struct trial_row row[FRAMES_MAX * 4];
    uint64_t first, last;
    bool busy[200000]; // by tick
};

static void plain_row(struct plain *p, uint32_t stream, uint64_t tick, const uint8_t *bytes,
                      uint32_t len, int64_t ts_ns)
{
    p->row[p->rows_cnt++] = (struct trial_row){
        .stream = stream, .tick = tick, .hash = trial_hash(bytes, len), .len = len, .ts_ns = ts_ns};
}

// Writes a random capture and says what must come of it.
static void make_plain(struct plain *p, struct trial *t, const char *streams, struct prng *rng)
{
    static const char kind[] = "uuuuuuuuttffoeasmcj";
    static uint8_t bytes[65536];
    uint32_t n = (uint32_t)prng_below(rng, FRAMES_MAX), cap_len, wire_len, len;
    uint64_t open = 0, ns = prng_below(rng, 4) * 1000000000 + 5;
    const uint8_t *payload;

    memset(p, 0, sizeof *p);
    trial_pcap(t);
    for (uint32_t i = 0; i < n; i++) {
        char k = kind[prng_below(rng, sizeof kind - 1)];

        ns += prng_below(rng, 300) ? prng_below(rng, 9000000) : prng_below(rng, 20000000000);
        int64_t ts = (int64_t)ns - (prng_below(rng, 30) ? 0 : (int64_t)prng_below(rng, ns));
        uint64_t tick = (uint64_t)ts / TRIAL_TICK_NS;
        open = i == 0 || tick > open ? tick : open;
        p->first = i == 0 ? tick : p->first;
        p->late += tick < open;
        p->busy[open] = true;
        len = (uint32_t)prng_between(rng, 1, prng_below(rng, 2) ? 9000 : 100);
        len = trial_make(t, k, len, bytes, &cap_len, &wire_len, &payload);
        trial_frame(t, ts, bytes, cap_len, wire_len);
        for (uint32_t s = 0; streams[s]; s++) {
            if (streams[s] == 'p' || (streams[s] == 'f' && strchr("uofesc", k)))
                plain_row(p, s, open, bytes, cap_len, ts);
            else if (streams[s] == 'u' && len)
                plain_row(p, s, open, payload, len, 0);
        }
    }
    p->frames_cnt = n;
    p->last = open;
}

static void expect_rows(const struct plain *p, const struct trial *t, uint32_t streams_cnt)
{
    EXPECT_EQ_INT(t->rows_cnt, p->rows_cnt);
    for (uint32_t s = 0; s < streams_cnt && t->rows_cnt == p->rows_cnt; s++) {
        uint32_t a = 0, b = 0;
        for (;;) {
            while (a < t->rows_cnt && t->row[a].stream != s)
                a++;
            while (b < p->rows_cnt && p->row[b].stream != s)
                b++;
            if (a == t->rows_cnt || b == p->rows_cnt)
                break;
            EXPECT_EQ_INT(t->row[a].tick, p->row[b].tick);
            EXPECT_EQ_INT(t->row[a].len, p->row[b].len);
            EXPECT_EQ_INT(t->row[a].ts_ns, p->row[b].ts_ns);
            EXPECT(t->row[a++].hash == p->row[b++].hash);
        }
        EXPECT(a == t->rows_cnt && b == p->rows_cnt);
    }
}

// Of the ticks after a busy one the first `memory` are closed, the others skipped.
static void expect_ticks(const struct plain *p, const struct trial *t)
{
    const char *at = t->log;
    uint64_t tick = p->first, empty = 0, skipped = 0, gaps = 0;
    struct feeder_view v;

    while (*at) {
        char kind = *at;
        char *end;
        uint64_t to = strtoull(at + 1, &end, 10);
        for (; (kind == 'c' || kind == 's') && tick <= to; tick++) {
            empty = p->busy[tick] ? 0 : empty + 1;
            gaps += empty == t->conf.memory_ticks + 1;
            skipped += empty > t->conf.memory_ticks;
            EXPECT_EQ_INT(kind, empty > t->conf.memory_ticks ? 's' : 'c');
        }
        at += strcspn(at, " ");
        at += *at == ' ';
    }
    EXPECT_EQ_INT(tick, p->frames_cnt ? p->last + 1 : p->first);
    feeder_look(t->f, &v);
    EXPECT_EQ_INT(v.late, p->late);
    EXPECT_EQ_INT(v.gaps, gaps);
    EXPECT_EQ_INT(v.skipped_ticks, skipped);
    EXPECT_EQ_INT(v.packets.packet[FEED_RECEIVED], p->frames_cnt);
    for (int i = FEED_TAKEN; i < FEED_COUNTERS_CNT; i++)
        v.packets.packet[FEED_RECEIVED] -= v.packets.packet[i];
    EXPECT_EQ_INT(v.packets.packet[FEED_RECEIVED], 0);
}

TEST(feeder_random, loses_nothing_when_memory_is_short)
{
    static const char *const streams[] = {"u", "p", "up", "fup", "ufup"};
    static struct plain p;
    uint64_t seed = prng_seed(1), waits = 0;

    for (uint64_t round = 0; round < 40; round++) {
        struct prng rng = prng_of(seed + round);
        const char *s = streams[prng_below(&rng, sizeof streams / sizeof *streams)];
        uint32_t pages_min = 2 * (uint32_t)strlen(s);
        struct feeder_view v;
        struct trial t;

        REQUIRE(trial_begin(&t, pages_min + (uint32_t)prng_below(&rng, 3), s));
        t.conf.memory_ticks = prng_below(&rng, 4);
        t.conf.rows_max = (uint32_t)prng_below(&rng, 2) * (uint32_t)prng_between(&rng, 1, 100);
        t.conf.bytes_max = (uint32_t)prng_below(&rng, 2) * (uint32_t)prng_between(&rng, 1, 100000);
        t.conf.pages_reserve = (uint32_t)prng_below(&rng, t.pages_cnt / 2 + 1);
        make_plain(&p, &t, s, &rng);
        REQUIRE(trial_open(&t));
        trial_run_short(&t, &rng);
        feeder_look(t.f, &v);
        waits += v.waits;
        expect_rows(&p, &t, (uint32_t)strlen(s));
        if (t.log_len + 64 < sizeof t.log)
            expect_ticks(&p, &t);
        trial_end(&t);
    }
    EXPECT(waits > 0);
}

// ---- threads ---------------------------------------------------------------------------------

struct lcore {
    struct feeder *f;
    atomic_bool halt;
};

static void *step_on(void *arg)
{
    struct lcore *l = arg;

    for (uint64_t ns = 0; !atomic_load(&l->halt); ns += 1000000)
        if (!feeder_step(l->f, ns))
            sched_yield();
    return NULL;
}

TEST(feeder_random, speaks_to_another_thread)
{
    static struct plain p;
    struct prng rng = prng_of(prng_seed(9));
    struct feeder_view v;
    struct lcore l = {0};
    pthread_t thread;
    struct trial t;

    REQUIRE(trial_begin(&t, 16, "up"));
    t.conf.rows_max = 3;
    do {
        rewind(t.file);
        make_plain(&p, &t, "up", &rng);
    } while (p.frames_cnt < FRAMES_MAX / 2);
    REQUIRE(trial_open(&t));
    l.f = t.f;
    REQUIRE(pthread_create(&thread, NULL, step_on, &l) == 0);
    while (!t.ended) {
        trial_recv(&t, false);
        feeder_look(t.f, &v);
        EXPECT_EQ_STR(feeder_error(t.f), "");
        sched_yield();
    }
    atomic_store(&l.halt, true);
    pthread_join(thread, NULL);
    expect_rows(&p, &t, 2);
    trial_end(&t);
}
