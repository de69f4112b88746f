#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>

#include "base/assert.h"
#include "dpdk-app/control_state.h"
#include "dpdk-app/node_wire.h"

void control_release(struct control *c, struct block *b)
{
    if (b->refs > 1)
        b->refs--;
    else
        pool_block_release(c->node->pool, b);
}

static void carry_out(struct control *c, const struct action *a)
{
    struct node *n = c->node;

    switch (a->kind) {
    case ACT_COMMAND:
        if (!worker_command(&n->worker[a->worker], a->cmd))
            MR_ASSERT(!"room for a command: credits are fewer than the ring holds");
        idle_wake(&n->wait[a->worker].lcore->idle);
        c->commands_out[a->worker]++;
        return;
    case ACT_OUTPUT: control_output(c, a); return;
    case ACT_RELEASE: control_release(c, pool_block(n->pool, a->block.slot)); return;
    case ACT_INTERVAL: report_interval(c->report, a->job, a->interval, a->complete); return;
    case ACT_LINEAGE:
        if (c->recorder)
            recorder_lineage(c->recorder, n->job[a->job].job->name, a);
        return;
    case ACT_STOPPED: c->phase = CONTROL_DRAINING; return;
    }
}

void control_event(struct control *c, const struct event *e)
{
    const struct action *a;
    uint32_t cnt = sched_step(c->sched, e, &a);

    for (uint32_t i = 0; i < cnt; i++)
        carry_out(c, &a[i]);
}

static void answered(struct control *c, uint32_t worker, const struct answer_msg *m)
{
    struct event e = {.kind = EV_DONE,
                      .worker = worker,
                      .seq = m->seq,
                      .attempt = m->attempt,
                      .lost = m->lost,
                      .shuffle = c->shuffle,
                      .out = c->out};
    const struct ref_msg *r = c->inbox[worker].ref;

    for (uint32_t i = 0; i < m->refs_cnt; i++) {
        if (r[i].exchange < 0)
            c->out[e.out_cnt++] = (struct out_ref){r[i].block, r[i].partition_or_output};
        else
            c->shuffle[e.shuffle_cnt++] = (struct shuffle_ref){r[i].block, (uint16_t)r[i].exchange,
                                                               (uint16_t)r[i].partition_or_output};
    }
    c->commands_out[worker]--;
    report_work(c->report, m);
    control_event(c, &e);
}

static uint32_t answers(struct control *c)
{
    struct answer_msg m;
    uint32_t did = 0;

    for (uint32_t w = 0; w < c->node->workers_cnt; w++)
        while (control_room(c) && worker_answer(&c->node->worker[w], &m, &c->inbox[w])) {
            answered(c, w, &m);
            did++;
        }
    return did;
}

/* The record says when all queues have closed a tick. */
void control_mark_closed(struct control *c)
{
    uint64_t closed = control_closed_by_all(c);

    if (!c->recorder || closed <= c->marked || c->phase >= CONTROL_STOPPING)
        return;
    c->marked = closed;
    recorder_mark(c->recorder, RECORD_CLOSED, closed - 1, UINT64_MAX);
}

static void stop_at(struct control *c, uint64_t tick, uint64_t cut_tick)
{
    struct event e = {.kind = EV_STOP, .tick = tick, .cut_tick = cut_tick};

    c->phase = CONTROL_STOPPING;
    if (c->recorder)
        recorder_mark(c->recorder, RECORD_END, tick, cut_tick);
    control_event(c, &e);
}

/* The end: a signal, --for, or inputs that came to theirs. */
static void watch_end(struct control *c)
{
    struct node *n = c->node;

    if (c->phase == CONTROL_RUNNING && control_closed_by_all(c) > c->last_tick) {
        atomic_store(&n->stopping, 1); /* what comes now is after the end */
        stop_at(c, c->last_tick, UINT64_MAX);
    }
    if (c->phase == CONTROL_RUNNING && atomic_load(&n->stopping)) {
        c->cut = true;
        c->phase = CONTROL_FINISHING;
        if (n->input[0].replay)
            replay_stop(n->input[0].replay);
    }
    if (c->phase > CONTROL_FINISHING || !control_inputs_ended(c))
        return;
    uint64_t end = control_closed_by_any(c);
    if (end == n->first_tick) { /* nothing came at all */
        c->phase = CONTROL_DRAINING;
        return;
    }
    uint64_t last = end - 1, cut = c->cut ? end - 1 : UINT64_MAX;
    if (n->input[0].replay && !c->cut)
        replay_end(n->input[0].replay, &last, &cut);
    stop_at(c, last, cut);
}

static void watch_clock(struct control *c)
{
    uint64_t now = rte_rdtsc();

    if (now - c->sync_tsc < rte_get_tsc_hz() / 10)
        return;
    c->sync_tsc = now;
    if (!c->node->live)
        return;
    tick_clock_sync(&c->node->clock);
    for (uint32_t i = 0; i < c->node->ports_cnt; i++)
        port_link_poll(&c->node->port[i]);
}

static void end_run(struct control *c)
{
    if (c->phase != CONTROL_DRAINING || control_outputs_pending(c) || report_pending(c->report))
        return;
    if (c->recorder && recorder_pending(c->recorder))
        return;
    c->phase = CONTROL_OVER;
}

bool control_room(const struct control *c)
{
    return control_outputs_room(c) && report_room(c->report) &&
           (!c->recorder || recorder_room(c->recorder));
}

uint32_t control_step(struct control *c)
{
    uint32_t did = answers(c);

    did += control_inputs(c);
    did += control_outputs(c);
    did += report_step(c->report);
    did += c->recorder ? recorder_step(c->recorder) : 0;
    control_mark_closed(c);
    watch_clock(c);
    control_watch_memory(c, did > 0);
    if (sched_more(c->sched) && control_room(c)) {
        control_event(c, NULL);
        did++;
    }
    if (control_room(c)) {
        control_watch_ending(c);
        watch_end(c);
    }
    end_run(c);
    return did;
}

bool control_over(const struct control *c)
{
    return c->phase == CONTROL_OVER;
}

/* The first few dropped frames of each kind, in hex. */
static void show_dropped(struct control *c, FILE *f)
{
    struct strbuf text = {0};

    for (uint32_t i = 0; i < c->node->inputs_cnt; i++) {
        if (c->node->input[i].ingest)
            ingest_show_dropped(c->node->input[i].ingest, &text);
        if (c->node->input[i].feeder)
            feeder_show_dropped(c->node->input[i].feeder, &text);
    }
    if (text.s)
        fputs(text.s, f);
    strbuf_release(&text);
    for (uint32_t w = 0; w < c->node->workers_cnt; w++)
        worker_show(&c->node->worker[w], f);
}

int control_report(struct control *c, FILE *f)
{
    if (c->node->conf->show_dropped)
        show_dropped(c, f);
    return report_final(c->report, f);
}

int control_exit(const struct control *c)
{
    return c->exit_code;
}

static void sched_conf_fill(const struct node *n, struct sched_conf *s)
{
    struct pool_view v;

    pool_look(n->pool, &v);
    *s = (struct sched_conf){.workers_cnt = n->workers_cnt,
                             .queues_cnt = n->queues_cnt,
                             .jobs_cnt = n->jobs_cnt,
                             .first_tick = n->first_tick,
                             .intervals_max = INTERVALS_MAX,
                             .blocks_max = v.blocks_cnt,
                             .refs_max = v.blocks_cnt};
    for (uint32_t i = 0; i < n->inputs_cnt; i++)
        for (uint32_t k = 0; k < n->input[i].streams_cnt; k++)
            s->queue[n->input[i].queue[k]].source = n->input[i].stream[k];
    for (uint32_t j = 0; j < n->jobs_cnt; j++) {
        const struct node_job *nj = &n->job[j];
        s->job[j] = (struct sched_job){.plan = nj->plan,
                                       .ratio = nj->job->interval_ns / n->tick_ns,
                                       .map_at_boundary = nj->job->map_start_at_boundary};
        memcpy(s->job[j].source, nj->stream, sizeof s->job[j].source);
    }
}

static void set_end(struct control *c)
{
    const struct node *n = c->node;
    uint64_t ticks = (n->conf->for_ns + n->tick_ns - 1) / n->tick_ns;

    c->last_tick = ticks ? n->first_tick + ticks - 1 : UINT64_MAX;
}

struct control *control_new(struct node *n, char *err, size_t err_bytes)
{
    struct control *c = calloc(1, sizeof *c);
    struct sched_conf *conf = calloc(1, sizeof *conf);

    if (!c || !conf)
        abort();
    c->node = n;
    sched_conf_fill(n, conf);
    c->sched = sched_new(conf);
    free(conf);
    c->inbox = calloc(n->workers_cnt, sizeof *c->inbox);
    c->shuffle = calloc(WORKER_REFS_MAX, sizeof *c->shuffle);
    c->out = calloc(WORKER_REFS_MAX, sizeof *c->out);
    if (!c->sched || !c->inbox || !c->shuffle || !c->out || control_outputs_init(c)) {
        snprintf(err, err_bytes, "out of memory while setting the scheduler up");
        control_free(c);
        return NULL;
    }
    for (uint32_t i = 0; i < n->inputs_cnt; i++)
        c->input[i] = (struct control_input){
            .closed = n->first_tick, .empty = n->first_tick, .told = n->first_tick};
    c->memory_ticks = node_memory_ticks(n);
    c->marked = n->first_tick;
    struct pool_view v;
    pool_look(n->pool, &v);
    c->pages_cnt = v.pages_cnt;
    c->pages_low = (v.pages_cnt + 4) / 5;
    set_end(c);
    if (control_open_sinks(c, err, err_bytes)) {
        control_free(c);
        return NULL;
    }
    return c;
}

void control_free(struct control *c)
{
    control_close_sinks(c);
    if (c->sched)
        sched_free(c->sched);
    free(c->inbox);
    free(c->shuffle);
    free(c->out);
    free(c->outs.wait);
    free(c->outs.block);
    free(c);
}
