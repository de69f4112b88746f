/*
 * What an lcore does when it finds nothing to do.
 *
 * adaptive: 64 rounds with a pause, 64 with a yield to others on the CPU, then sleep until a
 * packet socket has something (where everything that the lcore serves has one), or for 50 us
 * growing to 500 us. busy: a pause, always; for isolated cores. Any work starts over.
 *
 * Who gives an lcore something to do may wake it (idle_wake). Only control does so, for workers: a
 * wake-up is a system call if the other one sleeps, and ingest and workers make none.
 *
 * Two lcores that spin on one CPU take 8 ms for a round trip, with this policy 6 us; an idle
 * lcore costs a few percent of a CPU. Sleeping is never longer than to `until`.
 */
#ifndef DPDK_APP_IDLE_H
#define DPDK_APP_IDLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "job/job.h"

struct idle {
    enum idle_mode mode;
    uint32_t rounds;         /* without work */
    uint32_t sleep_us;       /* of the next sleep */
    _Atomic uint32_t asleep; /* a futex; 1: it sleeps, or will after one more round */
    int epoll_fd;            /* -1: none */
    bool fds_are_all;        /* epoll sees everything that may come */
    uint64_t slept;          /* TSC cycles, for busy time */
};

/* idle_init: on the lcore's own thread (timer slack is the thread's). */
int idle_init(struct idle *i, enum idle_mode mode);
void idle_close(struct idle *i);
/* idle_watch adds a descriptor whose readiness is work. */
int idle_watch(struct idle *i, int fd);
/* idle_watch_is_all: every way in which work can come has been watched, so a sleep may be as long
 * as a millisecond. Not to be said of an lcore that serves rings. */
static inline void idle_watch_is_all(struct idle *i)
{
    i->fds_are_all = i->epoll_fd >= 0;
}

/* idle_step is called once a round of the lcore's loop. now and until are TSC readings; until is
 * when the lcore has to be awake (0: any time). */
void idle_step(struct idle *i, bool worked, uint64_t now, uint64_t until);
/* idle_wake: from any other thread, when what there is to do can be seen. Ends the sleep of an
 * lcore that watches no descriptors, or that which it is about to begin. */
void idle_wake(struct idle *i);

#endif
