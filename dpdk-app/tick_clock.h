/*
 * The clock of live queues: TSC readings mapped to wall-clock time, and time cut into ticks.
 *
 * A tick is the greatest common divisor of the jobs' periods; tick number = floor(ns since 1970
 * / period). The mapping is set by one thread (the control core, tick_clock_sync, every 100 ms
 * or so) and read by any lcore without a system call, once per burst.
 *
 * The wall clock is kept by NTP or PTP. The mapped time follows it and never goes back: where the
 * wall clock is ahead it jumps there, where it is behind the mapped time runs slower (by an
 * eighth at most) until they meet, so that intervals go on whatever the clock does. A difference
 * of more than TICK_CLOCK_STEP_NS is a step of the clock: counted, to be shown. The rate of the TSC
 * is learnt from the wall clock: what EAL says is rounded, and was 150 us wrong at the end of 100
 * ms.
 *
 * Two mappings are kept in turn, and the one that was published last is never written to: a
 * reader waits for nobody, even where the writer shares its CPU.
 */
#ifndef DPDK_APP_TICK_CLOCK_H
#define DPDK_APP_TICK_CLOCK_H

#include <stdatomic.h>
#include <stdint.h>

#define TICK_CLOCK_STEP_NS 10000000 /* 10 ms */

struct tick_map {
    _Atomic uint64_t base_tsc;
    _Atomic int64_t base_ns;
    _Atomic uint64_t ns_per_tsc; /* 32.32 fixed point */
};

struct tick_clock {
    struct tick_map map[2];
    _Atomic uint32_t version; /* map[version & 1] holds */
    uint64_t period_ns;
    uint64_t nominal;  /* ns_per_tsc as far as it is known */
    uint64_t eal;      /* the same by EAL's rate of the TSC */
    uint64_t read_tsc; /* both clocks when they were last read */
    int64_t read_ns;
    _Atomic uint64_t steps;   /* of the wall clock, forward or back */
    _Atomic int64_t ahead_ns; /* of the mapped time before the wall clock; 0: as it should be */
};

/* tick_clock_init reads the clocks; after EAL's init (it needs the TSC's rate). */
void tick_clock_init(struct tick_clock *c, uint64_t period_ns);
/* tick_clock_sync follows the wall clock: one thread. */
void tick_clock_sync(struct tick_clock *c);
/* tick_clock_follow is the same for given readings (tests; the step of a simulator). */
void tick_clock_follow(struct tick_clock *c, uint64_t tsc, int64_t wall_ns);

/* tick_clock_ns: mapped time of a TSC reading. */
int64_t tick_clock_ns(const struct tick_clock *c, uint64_t tsc);
/* tick_clock_tsc: the TSC reading at which the mapped time will be ns. */
uint64_t tick_clock_tsc(const struct tick_clock *c, int64_t ns);

static inline uint64_t tick_clock_tick(const struct tick_clock *c, int64_t ns)
{
    return ns < 0 ? 0 : (uint64_t)ns / c->period_ns;
}

#endif
