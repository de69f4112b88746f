#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "dpdk-app/control_state.h"
#include "dpdk-app/node_wire.h"

#define WRITER_QUEUE 64u
#define OUTS_MIN     256u
#define STOP_NS      10000000000ull

static enum sink_rows rows_as(enum sink_format f)
{
    return f == SINK_TABLE ? SINK_ROWS_TABLE : f == SINK_CSV ? SINK_ROWS_CSV : SINK_ROWS_JSONL;
}

static int open_sink(struct control *c, uint32_t job, uint32_t idx, struct strbuf *err)
{
    struct node_job *nj = &c->node->job[job];
    const struct job_sink *s = &nj->job->sink[idx];
    struct sink_conf conf = {.name = s->name,
                             .type = s->type == SINK_CONSOLE ? "console" : "file",
                             .rows = rows_as(s->format),
                             .path = s->path,
                             .roll_ns = s->roll_ns};
    struct sink_env env = {.live = c->node->live, .screen = &c->screen};

    nj->sink[idx] = sink_open(&conf, &env, err);
    if (!nj->sink[idx])
        return -EIO;
    for (uint32_t o = 0; o < nj->plan->outputs_cnt; o++) {
        const struct out_stream *st = &nj->plan->output[o].stream;
        if (st->sink_idx == idx && sink_stream(nj->sink[idx], st)) {
            strbuf_puts(err, nj->sink[idx]->error);
            return -EIO;
        }
    }
    return 0;
}

int control_open_sinks(struct control *c, char *err, size_t err_bytes)
{
    struct strbuf text = {0};
    struct writer_conf conf = {
        .queue_cnt = WRITER_QUEUE, .screen = &c->screen, .cpus = &c->node->eal.spare_cpus};
    int rc = 0;

    screen_init(&c->screen, STDOUT_FILENO, isatty(STDOUT_FILENO));
    for (uint32_t j = 0; j < c->node->jobs_cnt; j++)
        for (uint32_t i = 0; !rc && i < c->node->job[j].job->sinks_cnt; i++)
            rc = open_sink(c, j, i, &text);
    if (!rc) {
        c->writer = writer_open(&conf);
        c->report = report_new(c->node, c->writer, &c->screen, &text);
        rc = c->writer && c->report ? 0 : -ENOMEM;
    }
    if (!rc && c->node->conf->record) {
        c->recorder =
            recorder_open(c->node->conf->record, c->writer, c->node->workers_cnt, err, err_bytes);
        if (!c->recorder)
            return -EIO;
        recorder_begin(c->recorder, c->node->first_tick, c->node->tick_ns, c->node->streams_cnt,
                       node_streams_hash(c->node));
    }
    if (rc)
        snprintf(err, err_bytes, "%s", text.len ? text.s : "the I/O thread could not be started");
    strbuf_release(&text);
    return rc;
}

void control_close_sinks(struct control *c)
{
    struct strbuf err = {0};

    if (c->writer && writer_stop(c->writer, STOP_NS)) {
        fputs("millrace: a sink is stuck in a write; its last rows are not written\n", stderr);
        return;
    }
    if (c->writer)
        writer_free(c->writer);
    if (c->report)
        report_free(c->report);
    if (c->recorder)
        recorder_close(c->recorder);
    for (uint32_t j = 0; j < c->node->jobs_cnt; j++)
        for (uint32_t i = 0; i < JOB_SINKS_MAX; i++)
            if (c->node->job[j].sink[i])
                sink_close(c->node->job[j].sink[i], &err);
    if (err.len)
        fprintf(stderr, "millrace: %s\n", err.s);
    strbuf_release(&err);
    screen_release(&c->screen);
}

/* A step may retire all intervals under way and let the outputs of as many new ones leave. */
int control_outputs_init(struct control *c)
{
    struct out_ring *r = &c->outs;
    struct pool_view v;

    pool_look(c->node->pool, &v);
    for (uint32_t j = 0; j < c->node->jobs_cnt; j++)
        r->step_max += 2 * (INTERVALS_MAX + 1) * c->node->job[j].plan->outputs_cnt;
    r->max = r->step_max + OUTS_MIN;
    r->blocks_max = 2 * (uint64_t)v.blocks_cnt; /* as no output is cut at the end of the ring */
    r->wait = calloc(r->max, sizeof *r->wait);
    r->block = calloc(r->blocks_max, sizeof(struct block *));
    return r->wait && r->block ? 0 : -ENOMEM;
}

bool control_outputs_room(const struct control *c)
{
    return c->outs.max - (c->outs.tail - c->outs.head) >= c->outs.step_max;
}

bool control_outputs_pending(const struct control *c)
{
    return c->outs.head != c->outs.tail;
}

/* Room for n blocks, one beside the other. */
static struct block **blocks_room(struct out_ring *r, uint32_t n)
{
    uint64_t at = r->blocks_tail % r->blocks_max;

    if (at + n > r->blocks_max) {
        r->blocks_tail += r->blocks_max - at;
        at = 0;
    }
    r->blocks_tail += n;
    MR_ASSERT(r->blocks_tail - r->blocks_head <= r->blocks_max);
    return r->block + at;
}

void control_output(struct control *c, const struct action *a)
{
    const struct node_job *nj = &c->node->job[a->job];
    struct out_ring *r = &c->outs;

    MR_ASSERT(r->tail - r->head < r->max);
    struct out_wait *w = &r->wait[r->tail++ % r->max];
    *w = (struct out_wait){.job = a->job, .output = a->output};
    w->rdd = (struct out_rdd){.stream = &nj->plan->output[a->output].stream,
                              .interval = a->interval,
                              .complete = a->complete,
                              .blocks_cnt = a->blocks_cnt,
                              .block = blocks_room(r, a->blocks_cnt)};
    w->blocks_end = r->blocks_tail;
    for (uint32_t i = 0; i < a->blocks_cnt; i++)
        w->rdd.block[i] = pool_block(c->node->pool, a->blocks[i].slot);
    report_output(c->report, a->job, a->interval);
}

static uint32_t push_waiting(struct control *c)
{
    struct out_ring *r = &c->outs;
    uint32_t did = 0;

    for (; r->pushed != r->tail; r->pushed++, did++) {
        struct out_wait *w = &r->wait[r->pushed % r->max];
        struct writer_work work = {.sink = c->node->job[w->job].sink[w->rdd.stream->sink_idx],
                                   .rdd = &w->rdd};
        if (!writer_try_push(c->writer, &work))
            break;
    }
    return did;
}

static void written(struct control *c, const struct writer_done *d)
{
    struct out_ring *r = &c->outs;
    struct out_wait *w = &r->wait[r->head++ % r->max];

    MR_ASSERT(d->work.rdd == &w->rdd);
    for (uint32_t i = 0; i < w->rdd.blocks_cnt; i++)
        pool_block_release(c->node->pool, w->rdd.block[i]);
    r->blocks_head = w->blocks_end;
    report_written(c->report, w->job, w->rdd.interval, w->output, d);
}

static void record_done(struct control *c, const struct writer_done *d, struct block *b)
{
    if (d->err && !c->exit_code) {
        fprintf(stderr, "millrace: %s\n", d->error);
        c->exit_code = EXIT_NO_RESOURCE;
    }
    if (b)
        control_release(c, b);
}

uint32_t control_outputs(struct control *c)
{
    struct writer_done d;
    uint32_t did = push_waiting(c);

    while (writer_poll_done(c->writer, &d)) {
        did++;
        struct block *b = NULL;
        if (d.work.rdd)
            written(c, &d);
        else if (c->recorder && recorder_called(c->recorder, &d, &b))
            record_done(c, &d, b);
        else
            report_called(c->report, &d);
    }
    return did;
}
