/*
 * Sends the frames of the benchmarks (gen_frames.h) from any DPDK port, as fast as it takes them or
 * at a rate, so that two boxes, or two NICs of one, measure on a wire:
 *
 *   gen --device DEVICE [--frames text|keys:N|packets] [--rate PACKETS/S] [--seconds N]
 *       [--count N] [--cpu N] [-- EAL ARGS]
 *
 * DEVICE is what an appliance file takes: a PCI address, or a virtual device with its arguments.
 * Frames are made once, into mbufs that are sent again and again. With a rate the schedule is open:
 * what is late is sent at once, and what the device does not take is tried again, so nothing is
 * left out. It ends after --seconds or --count packets, or at SIGINT, with one JSON object on
 * standard output.
 *
 * Cost: 8 ns a packet on net_null.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>

#include "base/assert.h"
#include "dpdk-app/ethdev.h"
#include "perf/gen_frames.h"

#define FRAMES_CNT  8192u
#define BURST       32u
#define TXD         1024u
#define SEED        1u
#define ARGS_MAX    64
#define LINK_WAIT_S 10u
#define LINGER_US   200000u /* what lies in shared rings goes with the port */

struct options {
    const char *device, *frames, *cpu;
    double rate, seconds;
    uint64_t count;
    int eal_argc;
    char **eal_argv;
};

struct sender {
    uint16_t port;
    struct rte_mbuf *mbuf[FRAMES_CNT];
    uint64_t sent, refused; /* refused: by the device, and sent later */
    double took_s;
};

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
    (void)sig;
    stop = 1;
}

static int parse(struct options *o, int argc, char **argv)
{
    static const struct option known[] = {
        {"device", required_argument, NULL, 'd'},
        {"frames", required_argument, NULL, 'f'},
        {"rate", required_argument, NULL, 'r'},
        {"seconds", required_argument, NULL, 't'},
        {"count", required_argument, NULL, 'n'},
        {"cpu", required_argument, NULL, 'c'},
        {NULL, 0, NULL, 0},
    };
    int opt, end = 0;

    while (end < argc && strcmp(argv[end], "--") != 0)
        end++;
    *o = (struct options){.frames = "text",
                          .cpu = "0",
                          .count = UINT64_MAX,
                          .eal_argc = argc > end ? argc - end - 1 : 0,
                          .eal_argv = argv + end + 1};
    while ((opt = getopt_long(end, argv, "", known, NULL)) != -1) {
        switch (opt) {
        case 'd': o->device = optarg; break;
        case 'f': o->frames = optarg; break;
        case 'r': o->rate = strtod(optarg, NULL); break;
        case 't': o->seconds = strtod(optarg, NULL); break;
        case 'n': o->count = strtoull(optarg, NULL, 10); break;
        case 'c': o->cpu = optarg; break;
        default: return -1;
        }
    }
    return o->device ? 0 : -1;
}

static int start_eal(const struct options *o)
{
    static char lcores[32];
    bool is_virtual = !strncmp(o->device, "net_", 4);
    const char *given[ARGS_MAX] = {"gen", "--in-memory", "--no-telemetry", "--lcores", lcores};
    char *argv[ARGS_MAX];
    int argc = 5;

    snprintf(lcores, sizeof lcores, "0@%s", o->cpu);
    given[argc++] = is_virtual ? "--vdev" : "-a";
    given[argc++] = o->device;
    if (is_virtual) {
        given[argc++] = "--no-pci";
        given[argc++] = "--iova-mode=va";
    }
    for (int i = 0; i < o->eal_argc && argc < ARGS_MAX - 1; i++)
        given[argc++] = o->eal_argv[i];
    for (int i = 0; i < argc; i++)
        argv[i] = (char *)(uintptr_t)given[i]; /* EAL moves them about, and writes to none */
    return rte_eal_init(argc, argv);
}

/* All frames, each in an mbuf that the sender keeps a reference on. */
static int make_mbufs(struct sender *s, const struct gen_frames *f, int socket)
{
    struct rte_mempool *pool = rte_pktmbuf_pool_create(
        "gen", FRAMES_CNT, 0, 0, (uint16_t)(GEN_FRAME_BYTES_MAX + RTE_PKTMBUF_HEADROOM), socket);

    for (uint32_t i = 0; i < FRAMES_CNT; i++) {
        s->mbuf[i] = pool ? rte_pktmbuf_alloc(pool) : NULL;
        if (!s->mbuf[i])
            return -ENOMEM;
        memcpy(rte_pktmbuf_append(s->mbuf[i], (uint16_t)f->bytes), gen_frame(f, i), f->bytes);
    }
    return 0;
}

static int open_port(struct sender *s)
{
    struct rte_eth_conf conf = {0};
    uint16_t rxd = TXD, txd = TXD;
    struct rte_eth_link link = {0};
    struct rte_mempool *rx;

    if (rte_eth_dev_count_avail() == 0)
        return -ENODEV;
    s->port = (uint16_t)rte_eth_find_next(0);
    int socket = rte_eth_dev_socket_id(s->port);
    int rc = rte_eth_dev_configure(s->port, 1, 1, &conf);
    rc = rc ? rc : rte_eth_dev_adjust_nb_rx_tx_desc(s->port, &rxd, &txd);
    rx =
        rte_pktmbuf_pool_create("gen_rx", 2 * rxd + BURST, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, socket);
    if (rc == -ENOTSUP)
        rc = 0;
    rc = rc || !rx ? -1 : rte_eth_rx_queue_setup(s->port, 0, rxd, (unsigned)socket, NULL, rx);
    rc = rc ? rc : rte_eth_tx_queue_setup(s->port, 0, txd, (unsigned)socket, NULL);
    /* a memif cannot start before its peer is there */
    for (uint32_t i = 0; !rc && i < 100 * LINK_WAIT_S && rte_eth_dev_start(s->port) < 0; i++)
        rte_delay_us_sleep(10000);
    for (uint32_t i = 0; !rc && i < 100 * LINK_WAIT_S && !stop; i++) {
        if (rte_eth_link_get_nowait(s->port, &link) == 0 && link.link_status == RTE_ETH_LINK_UP)
            return 0;
        rte_delay_us_sleep(10000);
    }
    return rc ? rc : -ENETDOWN;
}

/* One burst from frame number s->sent on; at most `most`. */
static void send_burst(struct sender *s, uint64_t most)
{
    uint32_t at = (uint32_t)(s->sent % FRAMES_CNT), n = BURST;

    n = most < n ? (uint32_t)most : n;
    n = n < FRAMES_CNT - at ? n : FRAMES_CNT - at;
    for (uint32_t i = 0; i < n; i++)
        rte_mbuf_refcnt_update(s->mbuf[at + i], 1);
    uint16_t took = rte_eth_tx_burst(s->port, 0, &s->mbuf[at], (uint16_t)n);
    for (uint32_t i = took; i < n; i++)
        rte_mbuf_refcnt_update(s->mbuf[at + i], -1);
    s->sent += took;
    s->refused += n - took;
}

static void run(struct sender *s, const struct options *o)
{
    double hz = (double)rte_get_tsc_hz();
    uint64_t from = rte_rdtsc(), now = from;
    uint64_t until = o->seconds > 0 ? from + (uint64_t)(o->seconds * hz) : UINT64_MAX;

    while (!stop && now < until && s->sent < o->count) {
        uint64_t most = o->count - s->sent;

        now = rte_rdtsc();
        if (o->rate > 0) {
            uint64_t due = (uint64_t)((double)(now - from) / hz * o->rate);
            uint64_t late = due > s->sent ? due - s->sent : 0;
            most = late < most ? late : most;
        }
        if (most > 0)
            send_burst(s, most);
    }
    s->took_s = (double)(rte_rdtsc() - from) / hz;
}

int main(int argc, char **argv)
{
    static struct sender s;
    struct options o;
    struct gen_frames frames;

    if (parse(&o, argc, argv) || gen_frames_make(&frames, o.frames, FRAMES_CNT, SEED)) {
        fputs("gen: see the head of perf/gen.c for its arguments\n", stderr);
        return 64;
    }
    sigaction(SIGINT, &(struct sigaction){.sa_handler = on_signal}, NULL);
    if (start_eal(&o) < 0 || open_port(&s) < 0 || make_mbufs(&s, &frames, SOCKET_ID_ANY) < 0) {
        fprintf(stderr, "gen: device '%s' cannot be opened, or its link does not come up\n",
                o.device);
        return 69;
    }
    run(&s, &o);
    printf("{\"sent\": %llu, \"refused\": %llu, \"seconds\": %.3f, \"packets_per_s\": %.0f, "
           "\"gbit_per_s\": %.2f}\n",
           (unsigned long long)s.sent, (unsigned long long)s.refused, s.took_s,
           (double)s.sent / s.took_s, (double)s.sent * frames.bytes * 8 / s.took_s / 1e9);
    rte_delay_us_sleep(LINGER_US);
    rte_eth_dev_stop(s.port);
    rte_eth_dev_close(s.port);
    rte_eal_cleanup();
    return 0;
}
