#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "dpdk-app/node_wire.h"

/* The lcore that carries input i: the ingest lcores in turn. */
static void place_input(struct node *n, uint32_t input)
{
    const struct appliance *a = n->appliance;
    unsigned id = a->ingest_cnt ? a->ingest[input % a->ingest_cnt] : a->control;

    for (uint32_t i = 0; i < n->lcores_cnt; i++)
        if (n->lcore[i].id == id) {
            n->lcore[i].input[n->lcore[i].inputs_cnt++] = input;
            n->input[input].lcore = i;
            return;
        }
}

static struct node_input *input_new(struct node *n)
{
    struct node_input *in = &n->input[n->inputs_cnt];

    place_input(n, n->inputs_cnt++);
    return in;
}

static void input_fills(struct node *n, struct node_input *in, uint32_t stream)
{
    in->stream[in->streams_cnt] = stream;
    in->queue[in->streams_cnt++] = n->queues_cnt++;
}

uint32_t node_input_group(const struct node_input *in, const struct node_job *nj)
{
    uint32_t group = 0;

    for (uint32_t k = 0; k < in->streams_cnt; k++)
        for (uint32_t s = 0; s < nj->job->sources_cnt; s++)
            group |= (uint32_t)(in->stream[k] == nj->stream[s]) << k;
    return group;
}

static bool port_has(const struct node *n, const char *port, uint32_t stream)
{
    const char *p = n->stream[stream].conf->port;

    return p && strcmp(p, port) == 0;
}

static int too_many(char *err, size_t err_bytes)
{
    snprintf(err, err_bytes,
             "there are too many queues: at most %u inputs and %u queues of "
             "streams; lower `queues` of the ports",
             INPUTS_MAX, SCHED_QUEUES_MAX);
    return -E2BIG;
}

/* The first tick after a run of limited time; 0: of any other. */
static uint64_t end_tick(const struct node *n)
{
    uint64_t ticks = (n->conf->for_ns + n->tick_ns - 1) / n->tick_ns;

    return ticks ? n->first_tick + ticks : 0;
}

static int open_queue(struct node *n, struct port *port, uint32_t queue, char *err,
                      size_t err_bytes)
{
    struct ingest_conf conf = {.port = port,
                               .port_queue = queue,
                               .queue_idx = n->inputs_cnt,
                               .boot_epoch = (uint64_t)time(NULL),
                               .pool = n->pool,
                               .clock = &n->clock,
                               .start_tick = n->first_tick,
                               .end_tick = end_tick(n),
                               .burst = n->conf->burst,
                               .rows_max = n->conf->block_rows,
                               .shed = &n->shed,
                               .cuts = &n->cuts};

    if (n->inputs_cnt == INPUTS_MAX)
        return too_many(err, err_bytes);
    struct node_input *in = input_new(n);
    for (uint32_t s = 0; s < n->streams_cnt; s++) {
        if (!port_has(n, port->conf->name, s))
            continue;
        if (n->queues_cnt == SCHED_QUEUES_MAX || in->streams_cnt == INGEST_SOURCES_MAX)
            return too_many(err, err_bytes);
        conf.source[conf.sources_cnt++] = (struct ingest_source){s, n->stream[s].conf};
        input_fills(n, in, s);
    }
    in->port = port;
    in->port_queue = queue;
    conf.groups_cnt = n->jobs_cnt;
    for (uint32_t j = 0; j < n->jobs_cnt; j++)
        conf.group[j] = node_input_group(in, &n->job[j]);
    in->ingest = ingest_new(&conf, err, err_bytes);
    return in->ingest ? 0 : -EIO;
}

/* Ports that no job reads stay closed. */
static bool port_is_read(const struct node *n, const char *name)
{
    for (uint32_t s = 0; s < n->streams_cnt; s++)
        if (port_has(n, name, s))
            return true;
    return false;
}

static void show_port(const struct port *p)
{
    struct strbuf text = {0};

    port_print(p, &text);
    fputs(text.s ? text.s : "", stderr);
    strbuf_release(&text);
}

static int open_ports(struct node *n, char *err, size_t err_bytes)
{
    for (uint32_t i = 0; i < n->appliance->ports_cnt; i++) {
        struct port *p = &n->port[n->ports_cnt];
        struct port_open_conf conf = {
            .conf = &n->appliance->port[i], .pool = n->pool, .link_wait_ms = 1000};
        if (!port_is_read(n, conf.conf->name))
            continue;
        int rc = port_open(p, &conf, err, err_bytes);
        if (rc)
            return rc;
        n->ports_cnt++;
        show_port(p);
        for (uint32_t q = 0; q < p->queues_cnt; q++) {
            rc = open_queue(n, p, q, err, err_bytes);
            if (rc)
                return rc;
        }
    }
    return 0;
}

/* The last of them lies in the first interval that gives an empty result, wherever in its interval
 * the input ended. */
uint64_t node_memory_ticks(const struct node *n)
{
    uint64_t ticks = 0;

    for (uint32_t j = 0; j < n->jobs_cnt; j++) {
        const struct plan *p = n->job[j].plan;
        uint64_t t = p->memory_len * (p->interval_ns / n->tick_ns);
        ticks = t > ticks ? t : ticks;
    }
    return ticks;
}

/* Pages that files leave to shuffles and outputs, of the interval that is under way and beyond. */
static uint32_t pages_reserve(const struct node *n)
{
    return (uint32_t)(n->appliance->blocks_bytes / PAGE_BYTES / 4);
}

static uint32_t pages_ahead(const struct node *n)
{
    return 2 * pages_reserve(n);
}

uint64_t node_streams_hash(const struct node *n)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (uint32_t s = 0; s < n->streams_cnt; s++)
        h = (h ^ type_hash(n->stream[s].conf->spec.type)) * 0x100000001b3u;
    return h;
}

static struct feeder_conf feeder_base(const struct node *n)
{
    const struct run_conf *c = n->conf;

    return (struct feeder_conf){.pace = c->pace,
                                .loop = c->loop,
                                .rate = c->rate,
                                .start_ns = c->start_ns,
                                .tick_ns = n->tick_ns,
                                .memory_ticks = node_memory_ticks(n),
                                .queue_idx = n->inputs_cnt,
                                .pool = n->pool,
                                .rows_max = n->conf->block_rows,
                                .pages_reserve = pages_reserve(n),
                                .pages_ahead = pages_ahead(n),
                                .oldest_end_tick = &n->oldest_end_tick};
}

static int add_feeder(struct node *n, struct feeder_conf *conf, char *err, size_t err_bytes)
{
    struct node_input *in = input_new(n);

    for (uint32_t i = 0; i < conf->streams_cnt; i++)
        input_fills(n, in, conf->stream[i].stream_idx);
    conf->groups_cnt = n->jobs_cnt;
    for (uint32_t j = 0; j < n->jobs_cnt; j++)
        conf->group[j] = node_input_group(in, &n->job[j]);
    in->feeder = feeder_new(conf, err, err_bytes);
    return in->feeder ? 0 : -EIO;
}

static int open_capture(struct node *n, const char *port, const char *file, char *err,
                        size_t err_bytes)
{
    struct feeder_conf conf = feeder_base(n);

    conf.file = file;
    for (uint32_t s = 0; s < n->streams_cnt && conf.streams_cnt < FEEDER_STREAMS_MAX; s++)
        if (n->stream[s].conf->port && (!port || port_has(n, port, s)))
            conf.stream[conf.streams_cnt++] = (struct feeder_stream){s, n->stream[s].conf};
    if (!conf.streams_cnt) {
        if (port)
            snprintf(err, err_bytes, "--pcap %s=%s: no source of the jobs reads port '%s'", port,
                     file, port);
        else
            snprintf(
                err, err_bytes,
                "--pcap %s: no source of the jobs has a `port`: add port: NAME to the one that "
                "is to read the capture (for a capture any name will do)",
                file);
        return -EINVAL;
    }
    return add_feeder(n, &conf, err, err_bytes);
}

static int open_file(struct node *n, const char *source, const char *file, char *err,
                     size_t err_bytes)
{
    uint32_t found = 0;

    for (uint32_t s = 0; s < n->streams_cnt; s++) {
        struct feeder_conf conf = feeder_base(n);
        if (strcmp(n->stream[s].conf->spec.name, source))
            continue;
        if (n->stream[s].conf->type == SOURCE_TYPE_PACKETS) {
            snprintf(err, err_bytes,
                     "--input %s=%s: '%s' is a source of packets; use --pcap FILE for it", source,
                     file, source);
            return -EINVAL;
        }
        conf.file = file;
        conf.records = true;
        conf.stream[conf.streams_cnt++] = (struct feeder_stream){s, n->stream[s].conf};
        int rc = add_feeder(n, &conf, err, err_bytes);
        if (rc)
            return rc;
        found++;
    }
    if (!found)
        snprintf(err, err_bytes, "--input %s=%s: no job has a source '%s'", source, file, source);
    return found ? 0 : -EINVAL;
}

static int check_streams(const struct node *n, char *err, size_t err_bytes)
{
    for (uint32_t s = 0; s < n->streams_cnt; s++) {
        bool fed = false;
        for (uint32_t i = 0; i < n->inputs_cnt && !fed; i++)
            for (uint32_t k = 0; k < n->input[i].streams_cnt; k++)
                fed |= n->input[i].stream[k] == s;
        if (fed)
            continue;
        snprintf(err, err_bytes,
                 "source '%s' of %s has no input: add --input %s=FILE or --pcap FILE",
                 n->stream[s].conf->spec.name, n->job[n->stream[s].job].job->file,
                 n->stream[s].conf->spec.name);
        return -EINVAL;
    }
    return 0;
}

/* All files begin with the earliest of them. */
static void align_feeders(struct node *n)
{
    uint64_t first = UINT64_MAX;

    for (uint32_t i = 0; i < n->inputs_cnt; i++) {
        uint64_t t = feeder_first_tick(n->input[i].feeder);
        first = t < first ? t : first;
    }
    n->first_tick = first == UINT64_MAX ? 0 : first;
    for (uint32_t i = 0; i < n->inputs_cnt; i++)
        feeder_align(n->input[i].feeder, n->first_tick);
    for (uint32_t i = 1; i < n->inputs_cnt; i++) /* through time together */
        feeder_join(n->input[0].feeder, n->input[i].feeder);
}

/* A recorded run stands in for all inputs. */
static int open_replay(struct node *n, char *err, size_t err_bytes)
{
    struct replay_conf conf = {.dir = n->conf->replay,
                               .pool = n->pool,
                               .pages_reserve = pages_reserve(n),
                               .pages_ahead = pages_ahead(n),
                               .oldest_end_tick = &n->oldest_end_tick,
                               .tick_ns = n->tick_ns,
                               .streams_cnt = n->streams_cnt,
                               .hash = node_streams_hash(n)};
    struct node_input *in = input_new(n);

    for (uint32_t s = 0; s < n->streams_cnt; s++)
        input_fills(n, in, s);
    in->replay = replay_new(&conf, err, err_bytes);
    if (!in->replay)
        return -EIO;
    n->first_tick = replay_first_tick(in->replay);
    return 0;
}

/* Pages that are held however little comes: what files are read into, the open index of each
 * stream (captures: its copied bytes too), the open page of each job at each worker; and two at
 * each worker for what a task makes. A quarter stays free of files. */
static int check_pages(const struct node *n, char *err, size_t err_bytes)
{
    uint32_t pages = n->workers_cnt * (n->jobs_cnt + 2), have;

    for (uint32_t i = 0; i < n->inputs_cnt; i++)
        pages +=
            n->input[i].replay ? 1 : n->input[i].streams_cnt * (n->conf->pcaps_cnt ? 2 : 1) + 1;
    pages += (pages + 2) / 3;
    have = (uint32_t)(n->appliance->blocks_bytes / PAGE_BYTES);
    if (pages <= have)
        return 0;
    snprintf(err, err_bytes,
             "%s: memory.blocks of %u MB is too little for %u input%s and %u job%s on %u worker%s: "
             "%u MB at least",
             n->appliance->file, have * (PAGE_BYTES >> 20), n->inputs_cnt,
             n->inputs_cnt == 1 ? "" : "s", n->jobs_cnt, n->jobs_cnt == 1 ? "" : "s",
             n->workers_cnt, n->workers_cnt == 1 ? "" : "s", pages * (PAGE_BYTES >> 20));
    return -ENOMEM;
}

int node_open_inputs(struct node *n, char *err, size_t err_bytes)
{
    const struct run_conf *c = n->conf;
    int rc = 0;

    if (n->live)
        return open_ports(n, err, err_bytes);
    if (c->replay) {
        rc = open_replay(n, err, err_bytes);
        return rc ? rc : check_pages(n, err, err_bytes);
    }
    for (uint32_t i = 0; !rc && i < c->pcaps_cnt; i++)
        rc = open_capture(n, c->pcap[i].port, c->pcap[i].file, err, err_bytes);
    for (uint32_t i = 0; !rc && i < c->inputs_cnt; i++)
        rc = open_file(n, c->input[i].source, c->input[i].file, err, err_bytes);
    if (!rc)
        rc = check_streams(n, err, err_bytes);
    if (!rc)
        rc = check_pages(n, err, err_bytes);
    if (!rc)
        align_feeders(n);
    return rc;
}

void node_close_inputs(struct node *n)
{
    for (uint32_t i = 0; i < n->inputs_cnt; i++) {
        if (n->input[i].ingest)
            ingest_free(n->input[i].ingest);
        if (n->input[i].feeder)
            feeder_free(n->input[i].feeder);
        if (n->input[i].replay)
            replay_free(n->input[i].replay);
    }
    for (uint32_t i = 0; i < n->ports_cnt; i++)
        port_close(&n->port[i]);
}

int node_input_fd(const struct node *n, uint32_t input)
{
    const struct node_input *in = &n->input[input];

    return in->port ? in->port->queue[in->port_queue].fd : -1;
}
