/*
 * millrace run: the command line of a run, its signals, and its end.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/simd.h"
#include "dpdk-app/command.h"
#include "dpdk-app/control.h"
#include "dpdk-app/node.h"
#include "io/send.h"
#include "job/units.h"
#include "rdd/parse.h"
#include "rdd/tkey.h"

static struct node *running;
static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
    (void)sig;
    node_stop(running, ++signals);
}

static void catch_signals(struct node *n)
{
    struct sigaction a = {.sa_handler = on_signal};

    running = n;
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
    a.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &a, NULL);
}

static int usage(const char *what, const char *value)
{
    fprintf(stderr, "millrace run: %s%s%s%s; see `millrace help`\n", what, value ? " '" : "",
            value ? value : "", value ? "'" : "");
    return EXIT_USAGE;
}

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"pcap", required_argument, NULL, 'p'},
    {"pace", no_argument, NULL, 'P'},
    {"loop", no_argument, NULL, 'L'},
    {"input", required_argument, NULL, 'i'},
    {"rate", required_argument, NULL, 'r'},
    {"start", required_argument, NULL, 'S'},
    {"stats", required_argument, NULL, 's'},
    {"for", required_argument, NULL, 'f'},
    {"show-dropped", no_argument, NULL, 'd'},
    {"no-huge", no_argument, NULL, 'n'},
    {"simd", required_argument, NULL, 'v'},
    {"burst", required_argument, NULL, 'b'},
    {"block-rows", required_argument, NULL, 'B'},
    {"record", required_argument, NULL, 'R'},
    {"replay", required_argument, NULL, 'Y'},
    {NULL, 0, NULL, 0},
};

/* NAME=FILE, or FILE alone when a name is not needed. */
static const char *split_name(char *arg, const char **name)
{
    char *eq = strchr(arg, '=');

    *name = eq ? arg : NULL;
    if (!eq)
        return arg;
    *eq = '\0';
    return eq + 1;
}

static int add_pcap(struct run_conf *c, char *arg)
{
    if (c->pcaps_cnt == PORTS_MAX)
        return usage("too many --pcap", NULL);
    /* a file whose own name has a '=' is given as PORT=FILE */
    bool plain = access(arg, R_OK) == 0;
    c->pcap[c->pcaps_cnt].port = NULL;
    c->pcap[c->pcaps_cnt].file = plain ? arg : split_name(arg, &c->pcap[c->pcaps_cnt].port);
    c->pcaps_cnt++;
    return 0;
}

static int add_input(struct run_conf *c, char *arg)
{
    if (c->inputs_cnt == JOB_SOURCES_MAX)
        return usage("too many --input", NULL);
    c->input[c->inputs_cnt].file = split_name(arg, &c->input[c->inputs_cnt].source);
    if (!c->input[c->inputs_cnt].source)
        return usage("--input takes SOURCE=FILE, not", arg);
    c->inputs_cnt++;
    return 0;
}

static int set_small(uint32_t *to, const char *arg, uint64_t most, const char *what)
{
    uint64_t v;

    if (parse_uint(arg, strlen(arg), &v) || v < 1 || v > most)
        return usage(what, arg);
    *to = (uint32_t)v;
    return 0;
}

static int set_option(struct run_conf *c, int opt, char *arg)
{
    int64_t ns;

    switch (opt) {
    case 'c': c->config = arg; return 0;
    case 'p': return add_pcap(c, arg);
    case 'P': c->pace = true; return 0;
    case 'L': c->loop = true; return 0;
    case 'i': return add_input(c, arg);
    case 'r':
        return send_parse_rate(arg, &c->rate)
                   ? usage("--rate takes records per second (2500, 10k, 1M), not", arg)
                   : 0;
    case 'S':
        return parse_time_ns(arg, strlen(arg), &c->start_ns)
                   ? usage("--start takes a time (1970-01-01T00:00:00Z), not", arg)
                   : 0;
    case 's': c->stats = arg; return 0;
    case 'f':
        if (parse_duration_ns(arg, strlen(arg), &ns) || ns <= 0)
            return usage("--for takes a duration (10s), not", arg);
        c->for_ns = (uint64_t)ns;
        return 0;
    case 'd': c->show_dropped = true; return 0;
    case 'n': c->no_huge = true; return 0;
    case 'v': c->simd = arg; return 0;
    case 'b':
        return set_small(&c->burst, arg, INGEST_BURST_MAX, "--burst takes packets, 1 to 64, not");
    case 'B':
        return set_small(&c->block_rows, arg, 1u << 20,
                         "--block-rows takes 1 to 1048576 rows, not");
    case 'R': c->record = arg; return 0;
    case 'Y': c->replay = arg; return 0;
    default: return EXIT_USAGE;
    }
}

static int parse_args(struct run_conf *c, int argc, char **argv)
{
    int opt, end = 0;

    while (end < argc && strcmp(argv[end], "--"))
        end++;
    c->eal_argc = argc > end ? argc - end - 1 : 0;
    c->eal_argv = argv + end + 1;
    c->rate = 1000000;
    while ((opt = getopt_long(end, argv, "", options, NULL)) != -1) {
        int rc = set_option(c, opt, optarg);
        if (rc)
            return rc;
    }
    if (optind == end)
        return usage("no job file is given", NULL);
    for (; optind < end; optind++) {
        if (c->jobs_cnt == SCHED_JOBS_MAX)
            return usage("too many job files", NULL);
        c->job[c->jobs_cnt++] = argv[optind];
    }
    if (!!c->pcaps_cnt + !!c->inputs_cnt + !!c->replay > 1)
        return usage("--pcap, --input and --replay do not go together", NULL);
    if ((c->pace || c->loop) && !c->pcaps_cnt && !c->inputs_cnt)
        return usage("--pace and --loop need --pcap", NULL);
    return 0;
}

static int set_simd(const char *name)
{
    enum simd_level level = SIMD_AUTO;

    if (name && simd_level_parse(name, &level))
        return usage("--simd takes scalar, avx2 or avx512, not", name);
    if (simd_init(level) == 0)
        return 0;
    fprintf(stderr, "millrace: this CPU has no %s\n", name);
    return EXIT_NO_RESOURCE;
}

/* The seed of the table hash: nobody outside can know it. */
static void seed_tables(void)
{
    uint64_t seed[2];

    if (getrandom(seed, sizeof seed, 0) == sizeof seed) {
        tkey_seed[0] ^= seed[0];
        tkey_seed[1] ^= seed[1];
    }
}

int command_run(int argc, char **argv)
{
    static struct run_conf conf;
    int rc = parse_args(&conf, argc, argv);

    if (!rc)
        rc = set_simd(conf.simd);
    if (rc)
        return rc;
    seed_tables();
    struct node *n = node_load(&conf, stderr);
    if (!n)
        return EXIT_BAD_CONFIG;
    catch_signals(n);
    rc = node_open(n, stderr);
    if (!rc) {
        rc = node_run(n);
        int told = control_report(n->control, stderr);
        rc = rc ? rc : told;
    }
    node_close(n);
    return rc;
}
