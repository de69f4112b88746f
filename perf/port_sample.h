/*
 * What a running node does in a stretch of time: records that its workers have read, and the CPU
 * time of its lcores, both at the same moments, so that neither a backlog at the ends nor other
 * programs on the machine are in the rate.
 */
#ifndef PERF_PORT_SAMPLE_H
#define PERF_PORT_SAMPLE_H

#include <pthread.h>

#include "dpdk-app/node.h"
#include "perf/port_replay.h"

struct port_moment {
    double wall_s;
    uint64_t records;
    double written_s; /* CPU time in which frames were put into pages */
    uint32_t threads_cnt;
    int tid[LCORES_MAX];
    double cpu_s[LCORES_MAX];
};

struct port_sample {
    const struct node *node;
    const struct replay *replay;
    double from_s, for_s; /* from now */
    pthread_t thread;
    struct port_moment begin, end;
};

/* port_sample_start looks from_s seconds from now, and again for_s later, in a thread of its own.
 */
int port_sample_start(struct port_sample *s, const struct node *n, const struct replay *r,
                      double from_s, double for_s);
void port_sample_wait(struct port_sample *s);
/* port_sample_worker: CPU seconds of the worker lcore, of several the one that had most; it is the
 * main lcore only where that is the only one, and then without what it did in the wire's place. */
double port_sample_worker(const struct port_sample *s);

#endif
