#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>

#include "base/simd.h"
#include "dpdk-app/control.h"
#include "dpdk-app/filter.h"
#include "dpdk-app/node.h"
#include "dpdk-app/node_wait.h"
#include "dpdk-app/node_wire.h"
#include "dpdk-app/plan_print.h"
#include "dpdk-app/tell.h"

#define MB         (1ull << 20)
#define BLOCKS_MAX (1u << 24)

static int fail(FILE *err, const char *sentence)
{
    fprintf(err, "millrace: %s\n", sentence);
    return EXIT_NO_RESOURCE;
}

/* Descriptors of blocks: 16 for each page, and, as shuffle blocks may be tiny, one for every
 * partition of every exchange from every worker in each interval under way, twice over. */
static uint32_t blocks_needed(const struct node *n)
{
    uint64_t pages = n->appliance->blocks_bytes / PAGE_BYTES, cnt = pages < 256 ? 4096 : 16 * pages;

    for (uint32_t j = 0; j < n->jobs_cnt; j++) {
        const struct plan *p = n->job[j].plan;
        uint64_t writes = p->outputs_cnt;
        for (uint32_t x = 0; x < p->exchanges_cnt; x++)
            writes += p->exchange[x]->partitions;
        cnt += 2 * writes * n->workers_cnt * (INTERVALS_MAX + 1);
    }
    return cnt < BLOCKS_MAX ? (uint32_t)cnt : BLOCKS_MAX;
}

/* Memory by owner, for EAL and for people. */
struct budget {
    uint64_t pages, states, runners, other;
};

static struct budget budget_of(const struct node *n)
{
    struct budget b = {.pages = n->appliance->blocks_bytes,
                       .other = 96 * MB + blocks_needed(n) * sizeof(struct block)};

    for (uint32_t j = 0; j < n->jobs_cnt; j++) {
        const struct node_job *nj = &n->job[j];
        b.states += job_state_bytes(nj->plan) + 64;
        b.runners += n->workers_cnt *
                     (runner_bytes(nj->plan, nj->job->sources_cnt) + sizeof(struct runner) + 4096);
    }
    return b;
}

/* Lcores that never sleep must leave a core to the I/O threads. */
static bool starves_io(const struct node *n, FILE *err)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);

    if (n->appliance->idle != IDLE_BUSY || (long)n->lcores_cnt < cpus)
        return false;
    fprintf(
        err,
        "%s: error: `idle: busy` on %u lcores leaves no core for the I/O threads on this machine "
        "of %ld: use `idle: adaptive` or fewer lcores\n",
        n->appliance->file, n->lcores_cnt, cpus);
    return true;
}

static int open_eal(struct node *n, FILE *err)
{
    struct budget b = budget_of(n);
    char text[512];
    struct eal_conf conf = {.appliance = n->appliance,
                            .no_huge = n->conf->no_huge,
                            .memory_bytes = b.pages + b.states + b.runners + b.other,
                            .files = !n->live,
                            .extra_cnt = (uint32_t)n->conf->eal_argc,
                            .extra = n->conf->eal_argv};

    if (eal_start(&n->eal, &conf, text, sizeof text))
        return fail(err, text);
    n->eal_up = true;
    fprintf(err,
            "memory: blocks %llu MB, state %llu MB, combine tables and scratch %llu MB, "
            "mbufs and rings %llu MB\n",
            (unsigned long long)(b.pages / MB), (unsigned long long)(b.states / MB),
            (unsigned long long)(b.runners / MB), (unsigned long long)(b.other / MB));
    return 0;
}

static int open_pool(struct node *n, FILE *err)
{
    char text[512];
    struct pool_conf conf = {.bytes = n->appliance->blocks_bytes, .blocks_cnt = blocks_needed(n)};

    n->pool = pool_new(&conf, text, sizeof text);
    return n->pool ? 0 : fail(err, text);
}

static void *take(uint64_t bytes)
{
    return rte_malloc(NULL, bytes, 64);
}

static int open_states(struct node *n, FILE *err)
{
    for (uint32_t j = 0; j < n->jobs_cnt; j++) {
        struct node_job *nj = &n->job[j];
        nj->state_mem = take(job_state_bytes(nj->plan) + 64);
        if (!nj->state_mem)
            return fail(err, "there is too little memory for the states: lower memory.state in "
                             "the appliance file or reserve more hugepages (scripts/hugepages)");
        job_state_init(&nj->state, nj->plan, nj->state_mem);
    }
    return 0;
}

static int open_runner(struct node *n, struct worker *w, uint32_t j)
{
    struct node_job *nj = &n->job[j];
    struct block_mem mem = node_wait_mem(n, w->idx);
    struct runner *r = take(sizeof *r);
    void *room = take(runner_bytes(nj->plan, nj->job->sources_cnt));

    w->tally[j] = worker_tally_new(nj->plan);
    if (!r || !room || !w->tally[j])
        return -ENOMEM;
    runner_init(r, nj->plan, nj->spec, nj->job->sources_cnt, &nj->state, &mem, room);
    if (n->conf->show_dropped) {
        r->shown = worker_keep_shown;
        r->shown_ctx = w;
    }
    w->runner[j] = r;
    w->jobs_cnt = j + 1;
    return 0;
}

static int open_workers(struct node *n, FILE *err)
{
    for (uint32_t i = 0; i < n->workers_cnt; i++) {
        int rc = worker_open(&n->worker[i], i, n->pool);
        for (uint32_t j = 0; !rc && j < n->jobs_cnt; j++)
            rc = open_runner(n, &n->worker[i], j);
        if (rc)
            return fail(err, "there is too little memory for the workers: reserve more "
                             "hugepages (scripts/hugepages)");
    }
    return 0;
}

static uint64_t gcd(uint64_t a, uint64_t b)
{
    return b ? gcd(b, a % b) : a;
}

static int open_clock(struct node *n, FILE *err)
{
    (void)err;
    tick_clock_init(&n->clock, n->tick_ns);
    /* a live run starts at a boundary of all jobs */
    uint64_t lcm = n->tick_ns;
    for (uint32_t j = 0; j < n->jobs_cnt; j++)
        lcm = lcm / gcd(lcm, n->job[j].job->interval_ns) * n->job[j].job->interval_ns;
    uint64_t now = (uint64_t)tick_clock_ns(&n->clock, rte_rdtsc());
    n->first_tick = (now / lcm + 1) * lcm / n->tick_ns;
    return 0;
}

static int open_inputs(struct node *n, FILE *err)
{
    char text[512];

    if (node_open_inputs(n, text, sizeof text))
        return fail(err, text);
    return 0;
}

static int open_control(struct node *n, FILE *err)
{
    char text[512];

    n->control = control_new(n, text, sizeof text);
    return n->control ? 0 : fail(err, text);
}

static const struct {
    const char *name;
    int (*open)(struct node *n, FILE *err);
} open_table[] = {
    {"eal", open_eal},         {"pool", open_pool},       {"clock", open_clock},
    {"states", open_states},   {"workers", open_workers}, {"inputs", open_inputs},
    {"control", open_control},
};

int node_open(struct node *n, FILE *err)
{
    for (uint32_t i = 0; i < sizeof open_table / sizeof open_table[0]; i++) {
        int rc = open_table[i].open(n, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* Two sources that say the same share one stream. */
static bool same_stream(const struct job_source *a, const struct job_source *b)
{
    bool ports = a->port && b->port && strcmp(a->port, b->port) == 0;
    bool filters = a->filter ? b->filter && strcmp(a->filter, b->filter) == 0 : !b->filter;

    return a->type == b->type && ports && filters && a->listen_any == b->listen_any &&
           a->listen_port == b->listen_port &&
           memcmp(&a->listen_ip, &b->listen_ip, sizeof a->listen_ip) == 0;
}

static bool has_input(const struct run_conf *c, const char *source)
{
    for (uint32_t i = 0; i < c->inputs_cnt; i++)
        if (strcmp(c->input[i].source, source) == 0)
            return true;
    return false;
}

static uint32_t stream_for(struct node *n, uint32_t job, uint32_t source)
{
    const struct job_source *s = &n->job[job].job->source[source];

    for (uint32_t i = 0; i < n->streams_cnt && !has_input(n->conf, s->spec.name); i++)
        if (same_stream(n->stream[i].conf, s) && !has_input(n->conf, n->stream[i].conf->spec.name))
            return i;
    n->stream[n->streams_cnt] = (struct node_stream){job, source, s};
    return n->streams_cnt++;
}

/* Plans, streams and ticks of the jobs. */
static int wire_jobs(struct node *n, FILE *err)
{
    char text[256];

    for (uint32_t j = 0; j < n->jobs_cnt; j++) {
        struct node_job *nj = &n->job[j];
        struct job *job = nj->job;
        nj->plan =
            plan_build(&job->graph, job->name, job->partitions, &job->zone, text, sizeof text);
        if (!nj->plan || n->streams_cnt + job->sources_cnt > STREAMS_MAX) {
            fprintf(err, "%s: error: %s\n", job->file,
                    nj->plan ? "the jobs have too many sources together" : text);
            return -E2BIG;
        }
        uint64_t least = plan_capacity(nj->plan, n->appliance->state_bytes / n->jobs_cnt);
        if (least) {
            fprintf(err,
                    "%s: error: memory.state of %llu MB is too little for the windows of %s: it "
                    "needs %llu MB at least\n",
                    n->appliance->file, (unsigned long long)(n->appliance->state_bytes / MB),
                    job->file, (unsigned long long)(least * n->jobs_cnt / MB + 1));
            return -ENOMEM;
        }
        n->tick_ns = gcd(job->interval_ns, n->tick_ns);
        for (uint32_t s = 0; s < job->sources_cnt; s++) {
            nj->spec[s] = &job->source[s].spec;
            nj->stream[s] = stream_for(n, j, s);
        }
    }
    return 0;
}

static void wire_lcore(struct node *n, unsigned id, bool control, int worker)
{
    uint32_t i = 0;

    while (i < n->lcores_cnt && n->lcore[i].id != id)
        i++;
    struct node_lcore *l = &n->lcore[i];
    if (i == n->lcores_cnt) {
        n->lcores_cnt++;
        l->id = id;
        l->node = n;
    }
    l->control |= control;
    if (worker >= 0)
        l->worker[l->workers_cnt++] = (uint32_t)worker;
}

static void wire_lcores(struct node *n)
{
    const struct appliance *a = n->appliance;

    wire_lcore(n, a->control, true, -1);
    n->workers_cnt = a->workers_cnt;
    for (uint32_t i = 0; i < a->workers_cnt; i++)
        wire_lcore(n, a->worker[i], false, (int)i);
    for (uint32_t i = 0; i < a->ingest_cnt; i++)
        wire_lcore(n, a->ingest[i], false, -1);
}

static void print_diags(const struct diags *d, FILE *err)
{
    struct strbuf text = {0};

    diags_print(d, &text);
    if (text.s)
        fputs(text.s, err);
    strbuf_release(&text);
}

/* Files need no port: without any appliance file there are defaults for them. */
static struct appliance *load_appliance(const struct run_conf *conf, bool files, struct diags *d)
{
    static const char two[] = "lcores: { control: 0, ingest: [0], workers: [1] }\n";
    static const char one[] = "lcores: { all: 0 }\n";
    const char *path = conf->config ? conf->config : appliance_default();

    if (conf->config || !files || access(path, R_OK) == 0)
        return appliance_load(path, d);
    const char *text = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? two : one;
    return appliance_parse("built-in appliance", text, strlen(text), d);
}

struct node *node_load(const struct run_conf *conf, FILE *err)
{
    struct node *n = calloc(1, sizeof *n);
    struct diags *d = calloc(1, sizeof *d);
    bool files = conf->pcaps_cnt || conf->inputs_cnt || conf->replay;

    if (!n || !d)
        abort();
    n->conf = conf;
    n->live = !files;
    n->appliance = load_appliance(conf, files, d);
    for (uint32_t j = 0; j < conf->jobs_cnt; j++) {
        n->job[j].job = job_load(conf->job[j], d, filter_check);
        if (n->job[j].job)
            job_check_ports(n->job[j].job, files ? NULL : n->appliance, d);
    }
    n->jobs_cnt = conf->jobs_cnt;
    print_diags(d, err);
    bool good = d->errors_cnt == 0;
    diags_release(d);
    free(d);
    if (good)
        wire_lcores(n);
    good = good && !starves_io(n, err);
    if (good && wire_jobs(n, err) == 0)
        return n;
    if (good)
        fputs("Not started.\n", err);
    node_close(n);
    return NULL;
}

int node_run(struct node *n)
{
    unsigned main_lcore = rte_get_main_lcore();
    struct node_lcore *mine = NULL;

    for (uint32_t i = 0; i < n->lcores_cnt; i++) {
        if (n->lcore[i].id == main_lcore)
            mine = &n->lcore[i];
        else if (rte_eal_remote_launch(lcore_main, &n->lcore[i], n->lcore[i].id))
            return EXIT_NO_RESOURCE;
    }
    tell_start(n);
    int rc = mine ? lcore_main(mine) : -1;
    tell_stop(n);
    if (rc)
        return EXIT_NO_RESOURCE;
    rte_eal_mp_wait_lcore();
    return control_exit(n->control);
}

void node_stop(struct node *n, int how)
{
    if (how > 1)
        _exit(130);
    atomic_store(&n->stopping, 1);
}

void node_close(struct node *n)
{
    if (n->control)
        control_free(n->control);
    node_close_inputs(n);
    for (uint32_t i = 0; n->pool && i < n->workers_cnt; i++) {
        worker_close(&n->worker[i]);
        for (uint32_t j = 0; j < n->worker[i].jobs_cnt; j++)
            rte_free(n->worker[i].runner[j]);
    }
    for (uint32_t j = 0; j < n->jobs_cnt; j++) {
        rte_free(n->job[j].state_mem);
        if (n->job[j].job)
            job_free(n->job[j].job);
    }
    if (n->pool)
        pool_free(n->pool);
    if (n->eal_up)
        eal_stop(&n->eal);
    if (n->appliance)
        appliance_free(n->appliance);
    free(n);
}
