/*
 * A job on a port that replays frames (port_replay.h), or a bare receive loop on it:
 *
 *   port --config APPLIANCE --job JOB [--frames text|keys:N|packets] [--seconds N]
 *        [--rate PACKETS/S] [--stats FILE] [--out FILE] [--bare | --ingest] [--verify] [--fresh]
 *        [--lossless]
 *
 * The appliance runs as `millrace run` runs it, in this process; its first port has to be a
 * net_null with rxd: 4096. Another device is left alone, for traffic that comes from a wire
 * (perf/gen). --bare polls bursts of 32 and frees them, --ingest seals blocks that nobody reads;
 * neither runs a job. --lossless ends the run with the first packet that is lost. What the port saw
 * goes to --out as one JSON object.
 */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>

#include "base/simd.h"
#include "dpdk-app/control.h"
#include "dpdk-app/ethdev.h"
#include "dpdk-app/node.h"
#include "io/fdio.h"
#include "perf/port_replay.h"
#include "perf/port_sample.h"

#define FRAMES_CNT  32768u
#define BURST       32u
#define SEED        1u
#define SLICE_STEPS 8192u
#define SLICES_MAX  65536u
#define WARM_S      1.5 /* the run begins at the next second */
#define WATCH_NS    100000000

struct options {
    struct run_conf run;
    const char *frames, *out;
    double seconds, rate;
    bool bare, ingest, verify, fresh, lossless;
};

static struct node *running;
static atomic_bool run_over;

static void on_signal(int sig)
{
    (void)sig;
    node_stop(running, 1);
}

static double seconds_of(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int parse(struct options *o, int argc, char **argv)
{
    static const struct option known[] = {
        {"config", required_argument, NULL, 'c'},
        {"job", required_argument, NULL, 'j'},
        {"frames", required_argument, NULL, 'f'},
        {"seconds", required_argument, NULL, 't'},
        {"rate", required_argument, NULL, 'r'},
        {"stats", required_argument, NULL, 's'},
        {"out", required_argument, NULL, 'o'},
        {"bare", no_argument, NULL, 'b'},
        {"ingest", no_argument, NULL, 'i'},
        {"verify", no_argument, NULL, 'v'},
        {"fresh", no_argument, NULL, 'F'},
        {"lossless", no_argument, NULL, 'l'},
        {NULL, 0, NULL, 0},
    };
    int opt;

    *o = (struct options){.frames = "text", .out = "/dev/stderr", .seconds = 5};
    while ((opt = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (opt) {
        case 'c': o->run.config = optarg; break;
        case 'j': o->run.job[0] = optarg; break;
        case 'f': o->frames = optarg; break;
        case 't': o->seconds = strtod(optarg, NULL); break;
        case 'r': o->rate = strtod(optarg, NULL); break;
        case 's': o->run.stats = optarg; break;
        case 'o': o->out = optarg; break;
        case 'b': o->bare = true; break;
        case 'i': o->ingest = true; break;
        case 'v': o->verify = true; break;
        case 'F': o->fresh = true; break;
        case 'l': o->lossless = true; break;
        default: return -1;
        }
    }
    o->run.jobs_cnt = 1;
    /* loops without a job have no end: what comes behind one is not kept */
    o->run.for_ns = o->bare || o->ingest ? 0 : (uint64_t)(o->seconds * 1e9);
    return o->run.config && o->run.job[0] && o->seconds > 0 ? 0 : -1;
}

/* Polls and frees, nothing else. */
static uint32_t bare_step(struct node *n)
{
    struct port *p = &n->port[0];
    struct rte_mbuf *mbuf[BURST];

    if (!port_enter(p, 0))
        return 0;
    uint16_t cnt = rte_eth_rx_burst(p->id, 0, mbuf, BURST);
    rte_pktmbuf_free_bulk(mbuf, cnt);
    port_leave(p, 0);
    return cnt;
}

/* Seals blocks, which nobody reads. */
static uint32_t ingest_only_step(struct node *n)
{
    struct ingest *q = n->input[0].ingest;
    struct ingest_msg msg;
    uint32_t did = ingest_step(q, rte_rdtsc());

    while (ingest_recv(q, &msg, 1))
        if (msg.kind == INGEST_BLOCK)
            pool_block_release(n->pool, msg.block);
    return did;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* A loop of one step in the main thread. Returns the median over slices of packets/s of the CPU
 * time that the thread had; *best: of the fastest tenth. */
static double loop(struct node *n, uint32_t (*step)(struct node *n), double seconds, double *best)
{
    static double rate[SLICES_MAX];
    double warm = seconds_of(CLOCK_MONOTONIC) + WARM_S;
    double all = 0, all_s = 1e-9;
    uint32_t cnt = 0;

    while (cnt < SLICES_MAX) {
        double from_s = seconds_of(CLOCK_THREAD_CPUTIME_ID);
        uint64_t packets = 0;
        for (uint32_t i = 0; i < SLICE_STEPS; i++)
            packets += step(n);
        double now = seconds_of(CLOCK_MONOTONIC);
        if (n->port[0].traits->loses_peer)
            port_link_poll(&n->port[0]);
        double took_s = seconds_of(CLOCK_THREAD_CPUTIME_ID) - from_s;
        if (now > warm + seconds)
            break;
        if (now <= warm)
            continue;
        rate[cnt++] = (double)packets / took_s;
        all += (double)packets;
        all_s += took_s;
    }
    if (cnt == 0)
        return 0;
    qsort(rate, cnt, sizeof *rate, by_size);
    *best = rate[cnt - 1 - cnt / 10];
    /* a wire that is slower than its port: mostly nothing has come */
    return rate[cnt / 2] > 0 ? rate[cnt / 2] : all / all_s;
}

static unsigned long long u64(uint64_t v)
{
    return v;
}

static void put(const struct options *o, const struct replay *r, const struct gen_frames *frames,
                const struct port_sample *s, double per_s, double best)
{
    FILE *f = fopen(o->out, "w");

    if (!f)
        return;
    fprintf(f, "{\"packets_per_s\": %.0f, \"best_per_s\": %.0f, ", per_s, best);
    fprintf(f, "\"records\": %llu, \"wall_s\": %.4f, \"cpu_s\": %.4f, ",
            u64(s->end.records - s->begin.records), s->end.wall_s - s->begin.wall_s,
            port_sample_worker(s));
    fprintf(f, "\"delivered\": %llu, \"missed\": %llu, \"no_mbuf\": %llu, ", u64(r->delivered),
            u64(r->missed), u64(r->no_mbuf));
    fprintf(f, "\"pages_written\": %llu, \"bad\": %llu, \"records_per_packet\": %u, ",
            u64(r->pages_written), u64(r->bad), frames->records);
    fprintf(f, "\"packet_bytes\": %u}\n", frames->bytes);
    fclose(f);
}

/* Ends the run when a packet was lost. */
static void *watch_losses(void *replay)
{
    const struct replay *r = replay;

    while (!atomic_load(&run_over)) {
        if (atomic_load_explicit(&r->missed, memory_order_relaxed) > 0) {
            node_stop(running, 1);
            break;
        }
        nanosleep(&(struct timespec){.tv_nsec = WATCH_NS}, NULL);
    }
    return NULL;
}

/* The job, looked at when its window of pages is warm. */
static int run_job(struct node *n, const struct options *o, const struct replay *r,
                   struct port_sample *s)
{
    pthread_t watch;
    int rc;

    if (o->lossless) {
        if (pthread_create(&watch, NULL, watch_losses, (void *)(uintptr_t)r))
            return 1;
        rc = node_run(n);
        atomic_store(&run_over, true);
        pthread_join(watch, NULL);
    } else {
        if (port_sample_start(s, n, r, WARM_S + 1, o->seconds > 3 ? o->seconds - 2 : 1))
            return 1;
        rc = node_run(n);
        port_sample_wait(s);
    }
    control_report(n->control, stderr);
    return rc;
}

static int run(struct node *n, const struct options *o, struct replay *r,
               const struct gen_frames *frames)
{
    static struct port_sample sample;
    double per_s = 0, best = 0;
    int rc = node_open(n, stderr);

    if (rc)
        return rc;
    struct port *p = &n->port[0];
    r->verify = o->verify;
    r->fresh = o->fresh;
    if (!strncmp(p->conf->device, "net_null", 8))
        replay_attach(r, p, frames, o->rate);
    if (o->bare || o->ingest) {
        p->queue[0].landing->in_pages = true;
        per_s = loop(n, o->bare ? bare_step : ingest_only_step, o->seconds, &best);
    } else {
        rc = run_job(n, o, r, &sample);
    }
    put(o, r, frames, &sample, per_s, best);
    return rc;
}

int main(int argc, char **argv)
{
    static struct replay replay;
    struct options o;
    struct gen_frames frames;

    if (parse(&o, argc, argv) || gen_frames_make(&frames, o.frames, FRAMES_CNT, SEED)) {
        fputs("port: see the head of perf/port.c for its arguments\n", stderr);
        return 64;
    }
    simd_init(SIMD_AUTO);
    job_seams.read_file = file_read;
    running = node_load(&o.run, stderr);
    if (!running)
        return 78;
    sigaction(SIGINT, &(struct sigaction){.sa_handler = on_signal}, NULL);
    int rc = run(running, &o, &replay, &frames);
    node_close(running);
    gen_frames_free(&frames);
    return rc;
}
