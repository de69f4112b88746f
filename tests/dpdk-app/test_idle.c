// The idle policy: work starts over, sleeps grow, and end in time.

#include "dpdk-app/idle.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_cycles.h>

#include "tests/dpdk-app/eal_once.h"
#include "tests/test.h"

static uint64_t us_of(uint64_t cycles)
{
    return cycles * 1000000 / rte_get_tsc_hz();
}

// Idles for `rounds` rounds; returns how long the last of them took.
static uint64_t idle_for(struct idle *i, uint32_t rounds, uint64_t until)
{
    uint64_t took = 0;

    for (uint32_t k = 0; k < rounds; k++) {
        uint64_t now = rte_rdtsc();
        idle_step(i, false, now, until);
        took = rte_rdtsc() - now;
    }
    return us_of(took);
}

TEST(idle, sleeps_only_after_a_while)
{
    struct idle i;

    REQUIRE(eal_once());
    REQUIRE(idle_init(&i, IDLE_ADAPTIVE) == 0);
    idle_for(&i, 128, 0);
    EXPECT_EQ_INT(i.slept, 0);
    EXPECT(idle_for(&i, 1, 0) >= 50);
    EXPECT(idle_for(&i, 10, 0) >= 500);
    idle_step(&i, true, rte_rdtsc(), 0);
    EXPECT_EQ_INT(i.rounds, 0);
    uint64_t slept = i.slept;
    idle_for(&i, 128, 0);
    EXPECT_EQ_INT(i.slept, slept);
    idle_close(&i);
}

TEST(idle, never_sleeps_when_busy)
{
    struct idle i;

    REQUIRE(eal_once());
    REQUIRE(idle_init(&i, IDLE_BUSY) == 0);
    idle_for(&i, 2000, 0);
    EXPECT_EQ_INT(i.slept, 0);
    idle_close(&i);
}

TEST(idle, is_awake_in_time)
{
    struct idle i;

    REQUIRE(eal_once());
    REQUIRE(idle_init(&i, IDLE_ADAPTIVE) == 0);
    idle_for(&i, 300, rte_rdtsc());
    EXPECT_EQ_INT(i.slept, 0);
    idle_close(&i);
}

TEST(idle, wakes_for_what_it_watches)
{
    struct idle i;
    int fd = eventfd(1, EFD_CLOEXEC);

    REQUIRE(eal_once());
    REQUIRE(idle_init(&i, IDLE_ADAPTIVE) == 0);
    REQUIRE(fd >= 0 && idle_watch(&i, fd) == 0);
    idle_watch_is_all(&i);
    idle_for(&i, 128, 0);
    uint64_t one, best = UINT64_MAX;
    for (int k = 0; k < 20; k++) {
        uint64_t took = idle_for(&i, 1, 0);
        best = took < best ? took : best;
    }
    EXPECT(best < 900); // asleep it would have been a millisecond each
    EXPECT_EQ_INT(read(fd, &one, sizeof one), sizeof one);
    EXPECT(idle_for(&i, 1, 0) >= 900);
    idle_close(&i);
    close(fd);
}

static _Atomic bool woken;

static void *waker(void *idle)
{
    struct idle *i = idle;

    while (!atomic_load(&i->asleep))
        ;
    atomic_store(&woken, true);
    idle_wake(i);
    return NULL;
}

// Whatever moment it comes at, a wake-up ends the sleep: nobody sleeps on after it.
TEST(idle, is_woken)
{
    static struct idle i;
    pthread_t thread;

    REQUIRE(eal_once());
    for (int k = 0; k < 50; k++) {
        REQUIRE(idle_init(&i, IDLE_ADAPTIVE) == 0);
        i.sleep_us = 999999;
        atomic_store(&woken, false);
        REQUIRE(pthread_create(&thread, NULL, waker, &i) == 0);
        while (!atomic_load(&woken))
            idle_step(&i, false, rte_rdtsc(), 0);
        pthread_join(thread, NULL);
        EXPECT_EQ_INT(atomic_load(&i.asleep), 0);
        EXPECT(us_of(i.slept) < 900000);
        idle_close(&i);
    }
}

TEST(idle, a_wake_up_for_nothing_is_one_more_round)
{
    struct idle i;

    REQUIRE(eal_once());
    REQUIRE(idle_init(&i, IDLE_ADAPTIVE) == 0);
    idle_for(&i, 128, 0);
    EXPECT_EQ_INT(atomic_load(&i.asleep), 1);
    idle_wake(&i);
    EXPECT_EQ_INT(atomic_load(&i.asleep), 0);
    uint64_t slept = i.slept;
    idle_for(&i, 1, 0);
    EXPECT_EQ_INT(i.slept, slept);
    EXPECT_EQ_INT(atomic_load(&i.asleep), 1);
    idle_for(&i, 1, 0);
    EXPECT(i.slept > slept);
    idle_step(&i, true, rte_rdtsc(), 0);
    EXPECT_EQ_INT(atomic_load(&i.asleep), 0);
    idle_close(&i);
}
