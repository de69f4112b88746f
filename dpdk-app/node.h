/*
 * The node: everything that a run is made of, wired as data. The composition root; node.c is the
 * only place that knows engine, scheduler, ports and sinks together.
 *
 *   inputs   what gives sealed blocks: a queue of a port (ingest.h), a capture or a file
 *            (feeder.h). An input fills one or more streams.
 *   streams  the sources of all jobs, those that say the same only once: jobs share the sealed
 *            blocks
 *   workers  one for each worker lcore
 *   control  the scheduler's shell: events in, actions out; sinks and stats
 *
 * All memory is taken in node_open, by owner, and printed as a sum. node_open is an ordered table
 * of steps; node_close undoes them in reverse.
 */
#ifndef DPDK_APP_NODE_H
#define DPDK_APP_NODE_H

#include <stdatomic.h>
#include <stdio.h>

#include "dpdk-app/eal.h"
#include "dpdk-app/feeder.h"
#include "dpdk-app/idle.h"
#include "dpdk-app/ingest.h"
#include "dpdk-app/pool.h"
#include "dpdk-app/port.h"
#include "dpdk-app/replay.h"
#include "dpdk-app/worker.h"
#include "io/writer.h"
#include "job/job.h"
#include "sched/sched.h"

#define INPUTS_MAX    64u
#define STREAMS_MAX   64u
#define INTERVALS_MAX 8u /* of a job that are in flight before it counts as late */

/* What the command line asks for. */
struct run_conf {
    const char *config; /* appliance file; NULL: the default */
    uint32_t jobs_cnt;
    const char *job[SCHED_JOBS_MAX];
    uint32_t pcaps_cnt;
    struct {
        const char *port, *file; /* port NULL: all ports */
    } pcap[PORTS_MAX];
    uint32_t inputs_cnt;
    struct {
        const char *source, *file;
    } input[JOB_SOURCES_MAX];
    bool pace, loop, no_huge, show_dropped;
    uint64_t rate;     /* of files of records, records/s */
    int64_t start_ns;  /* of files */
    const char *stats; /* file or "-" */
    uint64_t for_ns;   /* 0: until the input ends or a signal */
    const char *record, *replay;
    uint32_t burst, block_rows; /* packets a step, rows a block; 0: the default */
    const char *simd;
    int eal_argc;
    char **eal_argv;
};

struct node_job {
    struct job *job;
    struct plan *plan;
    struct job_state state;
    const struct source_spec *spec[JOB_SOURCES_MAX];
    uint32_t stream[JOB_SOURCES_MAX]; /* of each source */
    struct sink *sink[JOB_SINKS_MAX];
    void *state_mem;
};

struct node_stream {
    uint32_t job, source; /* the first that reads it */
    const struct job_source *conf;
};

struct node_input {
    struct ingest *ingest; /* one of the three */
    struct feeder *feeder;
    struct replay *replay;
    const struct port *port; /* of ingest */
    uint32_t port_queue;
    uint32_t lcore;
    uint32_t streams_cnt;
    uint32_t stream[INGEST_SOURCES_MAX];
    uint32_t queue[INGEST_SOURCES_MAX]; /* of the scheduler, for each stream */
    atomic_bool finished;               /* it has said its last word */
};

struct node_lcore {
    unsigned id;
    bool control;
    uint32_t inputs_cnt, workers_cnt;
    uint32_t input[INPUTS_MAX], worker[SCHED_WORKERS_MAX];
    _Atomic uint64_t busy_tsc; /* of useful work */
    struct idle idle;
    struct node *node;
};

struct control;

/* node_wait.h: a worker that waits for memory. */
struct node_wait {
    struct node *node;
    struct node_lcore *lcore;
    struct worker *worker;
    struct block_mem pool;
};

struct node {
    const struct run_conf *conf;
    struct appliance *appliance;
    struct eal eal;
    bool eal_up;
    bool live; /* records come from ports */
    uint32_t jobs_cnt, streams_cnt, inputs_cnt, queues_cnt, ports_cnt, workers_cnt, lcores_cnt;
    struct node_job job[SCHED_JOBS_MAX];
    struct node_stream stream[STREAMS_MAX];
    struct node_input input[INPUTS_MAX];
    struct port port[PORTS_MAX];
    struct worker worker[SCHED_WORKERS_MAX];
    struct node_wait wait[SCHED_WORKERS_MAX];
    struct node_lcore lcore[LCORES_MAX];
    uint64_t tick_ns; /* the greatest common divisor of the jobs' periods */
    uint64_t first_tick;
    struct tick_clock clock;
    struct pool *pool;
    struct control *control;
    atomic_bool shed;      /* ingest drops everything: pages or intervals pile up */
    _Atomic uint32_t cuts; /* how often ingest was asked to seal what it has: workers wait for it */
    atomic_bool no_wait;   /* nothing gives memory back: what finds none is lost */
    /* Ticks up to this are in the oldest interval of every job; files read what is beyond only
     * while half of the pages are free. */
    _Atomic uint64_t oldest_end_tick;
    atomic_int stopping; /* 1: inputs finish; 2: at once */
    atomic_bool halt;    /* lcores leave their loops */
};

/* node_load loads and checks the files alone; errors are printed to err. NULL on errors. */
struct node *node_load(const struct run_conf *conf, FILE *err);
/* node_open takes the machine's resources. 0, or an exit code with a sentence on err. */
int node_open(struct node *n, FILE *err);
/* node_run runs on all lcores until the end; returns an exit code. */
int node_run(struct node *n);
/* node_stop: 1: end the interval, write and report; 2: at once. From a signal handler. */
void node_stop(struct node *n, int how);
void node_close(struct node *n);

/* lcore.c: the loop of every lcore. */
int lcore_main(void *lcore);
/* lcore_others gives the lcore's other roles a turn, in the middle of a step of the worker that
 * waits; how much they did. */
uint32_t lcore_others(struct node_lcore *l, const struct worker *waiting);

#endif
