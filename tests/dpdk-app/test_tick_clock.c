// The mapped time: it follows the wall clock and never goes back.

#include "dpdk-app/tick_clock.h"

#include <time.h>

#include <rte_cycles.h>

#include "tests/dpdk-app/eal_once.h"
#include "tests/prng.h"
#include "tests/test.h"

#define SYNC_NS 100000000
#define S       1000000000ll

static int64_t wall_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * S + t.tv_nsec;
}

TEST(tick_clock, shows_the_wall_clock)
{
    struct tick_clock c;

    REQUIRE(eal_once());
    tick_clock_init(&c, S);
    int64_t before = wall_now();
    int64_t ns = tick_clock_ns(&c, rte_rdtsc());
    int64_t after = wall_now();
    EXPECT(ns >= before - 1000000 && ns <= after + 1000000);
    EXPECT_EQ_INT(tick_clock_tick(&c, ns), ns / S);
    EXPECT_EQ_INT(tick_clock_tick(&c, -5), 0);
    uint64_t tsc = tick_clock_tsc(&c, ns + S);
    int64_t back = tick_clock_ns(&c, tsc) - (ns + S);
    EXPECT(back > -10 && back < 10);
}

// Runs the clock for a while against a wall clock that is `offset` ns off from now on, and
// returns how far ahead of it the mapped time ends.
static int64_t run(struct tick_clock *c, uint64_t *tsc, int64_t *wall, int64_t offset, int syncs)
{
    uint64_t per_sync = rte_get_tsc_hz() / (S / SYNC_NS);
    int64_t last = tick_clock_ns(c, *tsc);

    *wall += offset;
    for (int i = 0; i < syncs; i++) {
        for (int part = 0; part < 10; part++) {
            *tsc += per_sync / 10;
            int64_t ns = tick_clock_ns(c, *tsc);
            EXPECT(ns >= last);
            last = ns;
        }
        *wall += SYNC_NS;
        tick_clock_follow(c, *tsc, *wall);
        EXPECT(tick_clock_ns(c, *tsc) >= last);
    }
    return tick_clock_ns(c, *tsc) - *wall;
}

TEST(tick_clock, never_goes_back)
{
    static const struct {
        int64_t offset;
        int syncs;
        int64_t ahead_max;
        uint64_t steps;
    } table[] = {
        {0, 20, 100000, 0},       {50000, 5, 100000, 0},    {-50000, 20, 100000, 0},
        {5 * S, 3, 100000, 1},    {-1 * S, 100, 100000, 1}, {-3600 * S, 10, 3600 * S, 1},
        {3600 * S, 3, 100000, 1},
    };
    struct tick_clock c;

    REQUIRE(eal_once());
    tick_clock_init(&c, S);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        tick_clock_init(&c, S);
        uint64_t tsc = rte_rdtsc();
        int64_t wall = tick_clock_ns(&c, tsc);
        int64_t ahead = run(&c, &tsc, &wall, table[i].offset, table[i].syncs);
        EXPECT(ahead <= table[i].ahead_max);
        EXPECT(ahead >= -1000000);
        EXPECT_EQ_INT(c.steps, table[i].steps);
    }
}

// EAL rounds the rate of the TSC. What is off by 0.2 % at first is right between two readings soon;
// a clock that is set meanwhile spoils nothing.
TEST(tick_clock, learns_the_rate)
{
    struct tick_clock c;

    REQUIRE(eal_once());
    tick_clock_init(&c, S);
    for (int faster = -1; faster <= 1; faster++) {
        uint64_t per_sync = rte_get_tsc_hz() / (S / SYNC_NS), tsc = rte_rdtsc();
        int64_t off = 0;
        per_sync += (uint64_t)(faster * (int64_t)(per_sync / 500));
        tick_clock_init(&c, S);
        int64_t wall = tick_clock_ns(&c, tsc);
        c.read_tsc = tsc;
        c.read_ns = wall;
        for (int i = 0; i < 60; i++) {
            tsc += per_sync;
            wall += SYNC_NS + (i == 30 ? 5 * S : 0);
            off = tick_clock_ns(&c, tsc) - wall;
            if (i == 0 && faster)
                EXPECT(off * faster > 150000);
            tick_clock_follow(&c, tsc, wall);
        }
        EXPECT(off > -2000 && off < 2000);
    }
}
