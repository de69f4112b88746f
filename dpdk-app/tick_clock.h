/*
 * The clock of live queues: TSC readings mapped to wall-clock time, and time cut into ticks.
 *
 * A tick is the greatest common divisor of the jobs' periods; tick number = floor(ns since 1970
 * / period). The mapping is set by one thread (the control core, tick_clock_sync, every 100 ms
 * or so) and read by any lcore without a system call, once per burst.
 *
 * The wall clock is kept by NTP or PTP: its slewing is followed at every sync. A jump (more than
 * TICK_CLOCK_STEP_NS against the old mapping) is a step: it is counted, and followed too; that
 * tick numbers never go back is kept by the readers (struct ingest), each for itself.
 */
#ifndef DPDK_APP_TICK_CLOCK_H
#define DPDK_APP_TICK_CLOCK_H

#include <stdatomic.h>
#include <stdint.h>

#define TICK_CLOCK_STEP_NS 10000000 /* 10 ms */

struct tick_clock {
    _Atomic uint32_t version; /* odd: being written */
    _Atomic uint64_t base_tsc;
    _Atomic int64_t base_ns;
    _Atomic uint64_t ns_per_tsc; /* 32.32 fixed point */
    uint64_t period_ns;
    _Atomic uint64_t steps; /* of the wall clock, forward or back */
};

/* tick_clock_init reads the clocks; after EAL's init (it needs the TSC's rate). */
void tick_clock_init(struct tick_clock *c, uint64_t period_ns);
/* tick_clock_sync sets the mapping anew: one thread. */
void tick_clock_sync(struct tick_clock *c);

/* tick_clock_ns: wall-clock ns of a TSC reading. */
int64_t tick_clock_ns(const struct tick_clock *c, uint64_t tsc);
/* tick_clock_tsc: the TSC reading at which the wall clock shows ns. */
uint64_t tick_clock_tsc(const struct tick_clock *c, int64_t ns);

static inline uint64_t tick_clock_tick(const struct tick_clock *c, int64_t ns)
{
    return ns < 0 ? 0 : (uint64_t)ns / c->period_ns;
}

#endif
