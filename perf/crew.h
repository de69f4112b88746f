/*
 * The lcores of a benchmark: thread 0 is the caller's, the others wait until there is work. Each is
 * tied to a cpu of its own, the last cpu first.
 *
 * Work is done in phases: all lcores do their share at the same time, and a phase ends when the
 * last of them has ended. Its busy time is the cpu time of the lcore that took longest: so busy
 * time of several phases is what they take where nobody else uses the cpus.
 */
#ifndef PERF_CREW_H
#define PERF_CREW_H

#include <stdint.h>

#define CREW_MAX 8u

struct took {
    double busy_s, wall_s;
};

/* crew_cpus: so many lcores can be had here. */
uint32_t crew_cpus(void);
/* crew_cpu: the cpu of a lcore. */
uint32_t crew_cpu(uint32_t lcore);
/* crew_phase lets `cnt` lcores do work(ctx, lcore), and adds what it took to *t. */
void crew_phase(uint32_t cnt, void (*work)(void *ctx, uint32_t lcore), void *ctx, struct took *t);

#endif
