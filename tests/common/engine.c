#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "io/order.h"
#include "io/render.h"
#include "tests/common/engine.h"
#include "tests/common/engine_mem.h"

#define WORKERS_MAX 8u

struct engine_worker {
    struct runner *runner;
    struct cmd cmd[SCHED_CREDITS + 4];
    uint32_t head, tail;
    bool running;
    uint32_t at;
};

struct engine {
    struct engine_conf conf;
    struct plan *plan;
    struct zone zone;
    struct job_state state;
    void *state_mem;
    struct engine_mem *mem;
    struct sched *sched;
    struct engine_worker worker[WORKERS_MAX];
    const struct source_spec *spec[JOB_SOURCES_MAX];
    uint64_t seq[64];
    struct prng prng;
    struct strbuf out;
    struct render render;
    struct out_rows rows;
    struct shuffle_ref *shuffle;
    struct out_ref *outs;
    uint64_t blocks_out;
};

static void *take(size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 63) & ~(size_t)63);

    MR_ASSERT(p);
    return p;
}

/* A runner with its memory behind it. */
struct runner *engine_runner(struct engine *e, struct job_state *state)
{
    struct block_mem mem = engine_mem_seam(e->mem);
    uint32_t sources = e->conf.job->sources_cnt;
    size_t head = (sizeof(struct runner) + 63) & ~(size_t)63;
    struct runner *r = take(head + runner_bytes(e->plan, sources));

    runner_init(r, e->plan, e->spec, sources, state, &mem, (uint8_t *)r + head);
    return r;
}

void engine_runner_free(struct runner *r)
{
    runner_close(r);
    free(r);
}

static void new_sched(struct engine *e)
{
    struct sched_conf *c = calloc(1, sizeof *c);
    uint32_t sources = e->conf.job->sources_cnt;

    MR_ASSERT(c);
    *c = (struct sched_conf){.workers_cnt = e->conf.workers,
                             .queues_cnt = sources * e->conf.queues,
                             .jobs_cnt = 1,
                             .first_tick = e->conf.first_interval,
                             .keep = e->conf.keep,
                             .intervals_max = 4,
                             .blocks_max = 4096,
                             .refs_max = 65536};
    for (uint32_t q = 0; q < c->queues_cnt; q++)
        c->queue[q].source = q / e->conf.queues;
    c->job[0] = (struct sched_job){
        .plan = e->plan, .ratio = 1, .map_at_boundary = e->conf.job->map_start_at_boundary};
    for (uint32_t s = 0; s < sources; s++)
        c->job[0].source[s] = s;
    e->sched = sched_new(c);
    MR_ASSERT(e->sched);
    free(c);
}

struct engine *engine_new(const struct engine_conf *conf)
{
    struct engine *e = calloc(1, sizeof *e);
    char err[256];

    MR_ASSERT(e && conf->workers <= WORKERS_MAX);
    e->conf = *conf;
    e->mem = engine_mem_new();
    e->prng = prng_of(conf->seed);
    e->plan = plan_build(&conf->job->graph, conf->job->name, conf->job->partitions, &e->zone, err,
                         sizeof err);
    MR_ASSERT(e->plan);
    MR_ASSERT(plan_capacity(e->plan, conf->state_bytes ? conf->state_bytes : 64u << 20) == 0);
    e->state_mem = take(job_state_bytes(e->plan) + 64);
    job_state_init(&e->state, e->plan, e->state_mem);
    for (uint32_t s = 0; s < conf->job->sources_cnt; s++)
        e->spec[s] = &conf->job->source[s].spec;
    for (uint32_t i = 0; i < conf->workers; i++)
        e->worker[i].runner = engine_runner(e, &e->state);
    new_sched(e);
    e->shuffle = calloc(MADE_MAX, sizeof *e->shuffle);
    e->outs = calloc(MADE_MAX, sizeof *e->outs);
    return e;
}

void engine_free(struct engine *e)
{
    for (uint32_t i = 0; i < e->conf.workers; i++)
        engine_runner_free(e->worker[i].runner);
    sched_free(e->sched);
    engine_mem_free(e->mem);
    free(e->state_mem);
    zone_free(&e->zone);
    strbuf_release(&e->out);
    render_release(&e->render);
    out_rows_release(&e->rows);
    free(e->shuffle);
    free(e->outs);
    free(e);
}

static void write_output(struct engine *e, const struct action *a)
{
    struct block **block = calloc(a->blocks_cnt + 1, sizeof *block);
    struct out_rdd rdd = {.stream = &e->plan->output[a->output].stream,
                          .interval = a->interval,
                          .complete = a->complete,
                          .blocks_cnt = a->blocks_cnt,
                          .block = block};

    for (uint32_t i = 0; i < a->blocks_cnt; i++)
        block[i] = engine_mem_block(e->mem, a->blocks[i].slot);
    MR_ASSERT(out_rows_sort(&e->rows, &rdd) == 0);
    render_json_begin(&e->render, &rdd);
    for (uint32_t i = 0; i < e->rows.cnt; i++)
        render_json(&e->render, &e->out, e->rows.row[i].row);
    for (uint32_t i = 0; i < a->blocks_cnt; i++)
        engine_mem_release(e->mem, block[i]);
    e->blocks_out += a->blocks_cnt;
    free(block);
}

static void act(struct engine *e, const struct action *a)
{
    struct engine_worker *w = &e->worker[a->worker];

    switch (a->kind) {
    case ACT_COMMAND:
        MR_ASSERT(w->tail - w->head < SCHED_CREDITS);
        w->cmd[w->tail++ % (SCHED_CREDITS + 4)] = *a->cmd;
        return;
    case ACT_OUTPUT: write_output(e, a); return;
    case ACT_RELEASE: engine_mem_release(e->mem, engine_mem_block(e->mem, a->block.slot)); return;
    case ACT_LINEAGE:
        if (e->conf.hook && e->conf.hook->lineage)
            e->conf.hook->lineage(e->conf.hook->ctx, a);
        return;
    default: return;
    }
}

static void event(struct engine *e, const struct event *ev)
{
    do {
        const struct action *a;
        uint32_t n = sched_step(e->sched, ev, &a);
        for (uint32_t i = 0; i < n; i++)
            act(e, &a[i]);
        ev = NULL;
    } while (sched_more(e->sched));
}

void engine_runs(struct engine *e, uint32_t source, uint32_t queue, uint64_t interval,
                 const char *const *text, const size_t *len, uint32_t n)
{
    uint64_t seq = e->seq[source * e->conf.queues + queue]++;
    struct block *b = engine_mem_input(e->mem, text, len, n);

    b->hdr.id = (struct block_id){0, (uint64_t)source << 32 | queue, seq};
    b->hdr.interval = interval;
    b->ord_hi = block_ord(source, 0, queue, seq);
    struct event ev = {.kind = EV_BLOCK,
                       .queue = source * e->conf.queues + queue,
                       .tick = interval,
                       .block = {b->hdr.id, b->home, b->hdr.rows}};
    event(e, &ev);
}

void engine_block(struct engine *e, uint32_t source, uint32_t queue, uint64_t interval,
                  const char *text, size_t len)
{
    engine_runs(e, source, queue, interval, &text, &len, 1);
}

void engine_close(struct engine *e, uint64_t interval)
{
    for (uint32_t q = 0; q < e->conf.job->sources_cnt * e->conf.queues; q++) {
        struct event ev = {.kind = EV_CLOSED, .queue = q, .tick = interval};
        event(e, &ev);
    }
}

static void begin_merge(struct engine *e, struct runner *r, const struct cmd *c, uint32_t at)
{
    struct block *b = engine_mem_block(e->mem, c->block[at].slot);

    if (e->conf.hook && e->conf.hook->merging)
        e->conf.hook->merging(e->conf.hook->ctx, b);
    runner_merge(r, c->exchange, c->interval, c->block_partition[at], b);
}

static void begin(struct engine *e, struct engine_worker *w, const struct cmd *c)
{
    struct runner *r = w->runner;

    r->out.made_cnt = 0;
    w->running = true;
    if (c->kind == CMD_FEED)
        runner_feed(r, c->stage, c->interval, c->task, engine_mem_block(e->mem, c->block[0].slot));
    else if (c->kind == CMD_FLUSH)
        runner_flush(r, c->stage, c->interval, c->task);
    else if (c->kind == CMD_MERGE)
        begin_merge(e, r, c, w->at);
    else
        runner_close_interval(r, c->exchange, c->interval, c->partition_first, c->partition_cnt);
}

static void answer(struct engine *e, uint32_t worker, const struct cmd *c)
{
    struct runner *r = e->worker[worker].runner;
    struct event ev = {.kind = EV_DONE,
                       .worker = worker,
                       .seq = c->seq,
                       .attempt = c->attempt,
                       .lost = runner_lost(r),
                       .shuffle = e->shuffle,
                       .out = e->outs};

    if (e->conf.hook && e->conf.hook->done)
        e->conf.hook->done(e->conf.hook->ctx, c, r);
    for (uint32_t i = 0; i < r->out.made_cnt; i++) {
        const struct made *m = &r->out.made[i];
        struct block_ref ref = {m->block->hdr.id, m->block->home, m->block->hdr.rows};
        if (m->exchange < 0)
            e->outs[ev.out_cnt++] = (struct out_ref){ref, m->output};
        else
            e->shuffle[ev.shuffle_cnt++] =
                (struct shuffle_ref){ref, (uint16_t)m->exchange, (uint16_t)m->partition};
    }
    event(e, &ev);
}

bool engine_step(struct engine *e)
{
    uint32_t first = (uint32_t)prng_below(&e->prng, e->conf.workers);

    for (uint32_t k = 0; k < e->conf.workers; k++) {
        uint32_t i = (first + k) % e->conf.workers;
        struct engine_worker *w = &e->worker[i];
        if (w->head == w->tail)
            continue;
        struct cmd c = w->cmd[w->head % (SCHED_CREDITS + 4)];
        if (!w->running)
            begin(e, w, &c);
        if (runner_step(w->runner))
            return true;
        w->running = false;
        if (c.kind == CMD_MERGE && ++w->at < c.blocks_cnt)
            return true;
        w->at = 0;
        w->head++;
        answer(e, i, &c);
        return true;
    }
    return false;
}

void engine_run(struct engine *e)
{
    while (engine_step(e))
        ;
}

void engine_stop(struct engine *e, uint64_t interval)
{
    struct event ev = {.kind = EV_STOP, .tick = interval, .cut_tick = UINT64_MAX};

    event(e, &ev);
    engine_run(e);
}

const struct plan *engine_plan(const struct engine *e)
{
    return e->plan;
}

struct job_state *engine_state(struct engine *e)
{
    return &e->state;
}

struct block *engine_block_at(const struct engine *e, uint32_t slot)
{
    return engine_mem_block(e->mem, slot);
}

void engine_drop(struct engine *e, struct block *b)
{
    engine_mem_release(e->mem, b);
}

const char *engine_output(const struct engine *e)
{
    return e->out.s ? e->out.s : "";
}

static void count_states(const struct engine *e, struct engine_counts *c)
{
    for (uint32_t x = 0; x < e->plan->exchanges_cnt; x++)
        for (uint32_t p = 0; p < e->plan->exchange[x]->partitions; p++) {
            const struct agg_state *agg = e->state.agg[x] ? &e->state.agg[x][p] : NULL;
            c->refused += agg ? agg->refused : e->state.rows[x][p].refused;
            c->failed += agg ? agg->failed : 0;
        }
}

void engine_counts(const struct engine *e, struct engine_counts *c)
{
    *c = (struct engine_counts){.blocks_out = e->blocks_out};
    count_states(e, c);
    for (uint32_t i = 0; i < e->conf.workers; i++) {
        const struct runner *r = e->worker[i].runner;
        for (uint32_t s = 0; s < e->conf.job->sources_cnt; s++) {
            c->records += r->counters[s].offered;
            for (uint32_t d = 0; d < RECORD_DROPS_CNT; d++)
                c->dropped += r->counters[s].dropped[d];
        }
        for (uint32_t f = 0; f < e->plan->fails_cnt; f++)
            c->failed += r->failed[f];
    }
}
