#include "perf/engine.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "io/fdio.h"
#include "io/order.h"
#include "io/render.h"
#include "job/job.h"
#include "perf/memory.h"
#include "rdd/task.h"
#include "sched/sched.h"

#define STATE_BYTES       (64u << 20)
#define MEM_PAGES         24u
#define OUTS_MAX          4096u
#define GROUPS_PER_WORKER 4u /* of partitions, as in the scheduler */

struct worker {
    struct runner *runner;
    struct perf_mem *mem;
    struct made *made; /* in the last phase, or read in it: taken back when the next begins */
    uint32_t made_cnt;
    uint32_t outs_cnt;
    struct block *outs[OUTS_MAX]; /* of the interval */
    bool complete;
};

struct engine {
    struct job *job;
    struct plan *plan;
    struct zone zone;
    struct job_state state;
    const struct source_spec *spec[JOB_SOURCES_MAX];
    uint32_t workers_cnt;
    struct worker worker[CREW_MAX];
    /* the phase under way */
    uint64_t interval;
    struct block *const *block;
    uint32_t blocks_cnt, round, exchange;
};

static void step_all(struct runner *r)
{
    while (runner_step(r))
        ;
}

static uint32_t groups_of(const struct engine *e, uint32_t partitions)
{
    uint32_t groups = GROUPS_PER_WORKER * e->workers_cnt;

    return groups < partitions ? groups : partitions;
}

static uint32_t owner(const struct engine *e, uint32_t exchange, uint32_t partition)
{
    uint32_t partitions = e->plan->exchange[exchange]->partitions;
    uint32_t group = ((partition + 1) * groups_of(e, partitions) - 1) / partitions;

    return group % e->workers_cnt;
}

/* What this worker gave to the others in the phase before has been read. */
static void take_back(struct worker *w)
{
    for (uint32_t i = 0; i < w->made_cnt; i++)
        perf_mem_release(w->mem, w->made[i].block);
    w->made_cnt = 0;
}

static void give(struct worker *w)
{
    struct task_out *out = &w->runner->out;

    for (uint32_t i = 0; i < out->made_cnt; i++) {
        if (out->made[i].exchange >= 0) {
            w->made[w->made_cnt++] = out->made[i];
            continue;
        }
        MR_ASSERT(w->outs_cnt < OUTS_MAX);
        w->outs[w->outs_cnt++] = out->made[i].block;
    }
    MR_ASSERT(out->refused == 0 && out->too_long == 0);
    out->made_cnt = 0;
}

static void map_work(void *ctx, uint32_t lcore)
{
    struct engine *e = ctx;
    struct worker *w = &e->worker[lcore];
    uint32_t task = e->round * e->workers_cnt + lcore;

    take_back(w);
    for (uint32_t s = 0; s < e->plan->stages_cnt; s++) {
        if (e->plan->stage[s]->source < 0)
            continue;
        for (uint32_t i = lcore; i < e->blocks_cnt; i += e->workers_cnt) {
            runner_feed(w->runner, s, e->interval, task, e->block[i]);
            step_all(w->runner);
        }
        runner_flush(w->runner, s, e->interval, task);
        step_all(w->runner);
    }
    give(w);
}

static void merge_work(void *ctx, uint32_t lcore)
{
    struct engine *e = ctx;
    struct runner *r = e->worker[lcore].runner;

    for (uint32_t from = 0; from < e->workers_cnt; from++) {
        const struct worker *w = &e->worker[from];
        for (uint32_t i = 0; i < w->made_cnt; i++) {
            const struct made *m = &w->made[i];
            if (owner(e, (uint32_t)m->exchange, m->partition) != lcore)
                continue;
            runner_merge(r, (uint32_t)m->exchange, e->interval, m->partition, m->block);
            step_all(r);
        }
    }
    MR_ASSERT(r->out.made_cnt == 0 && r->damaged == 0);
}

static void close_work(void *ctx, uint32_t lcore)
{
    struct engine *e = ctx;
    struct worker *w = &e->worker[lcore];
    uint32_t partitions = e->plan->exchange[e->exchange]->partitions;
    uint32_t groups = groups_of(e, partitions);

    take_back(w);
    for (uint32_t g = lcore; g < groups; g += e->workers_cnt) {
        uint32_t first = g * partitions / groups, end = (g + 1) * partitions / groups;
        runner_close_interval(w->runner, e->exchange, e->interval, first, end - first);
        step_all(w->runner);
        w->complete &= w->runner->complete;
    }
    give(w);
}

/* Shuffle blocks of the phase before go into the states of their partitions. */
static void exchange_made(struct engine *e, struct took *t)
{
    for (uint32_t i = 0; i < e->workers_cnt; i++) {
        if (!e->worker[i].made_cnt)
            continue;
        crew_phase(e->workers_cnt, merge_work, e, t);
        return;
    }
}

static void engine_interval(void *ctx, uint64_t number, struct block *const *block, uint32_t cnt,
                            struct took *t)
{
    struct engine *e = ctx;
    uint32_t at = 0, round = SCHED_TASK_BLOCKS_MAX * e->workers_cnt;

    for (uint32_t i = 0; i < e->workers_cnt; i++) {
        struct worker *w = &e->worker[i];
        for (uint32_t k = 0; k < w->outs_cnt; k++)
            perf_mem_release(w->mem, w->outs[k]);
        w->outs_cnt = 0;
        w->complete = true;
    }
    e->interval = number;
    e->round = 0;
    do {
        e->block = block + at;
        e->blocks_cnt = cnt - at < round ? cnt - at : round;
        crew_phase(e->workers_cnt, map_work, e, t);
        exchange_made(e, t);
        e->round++;
        at += e->blocks_cnt;
    } while (at < cnt);
    for (e->exchange = 0; e->exchange < e->plan->exchanges_cnt; e->exchange++) {
        crew_phase(e->workers_cnt, close_work, e, t);
        exchange_made(e, t);
    }
}

/* ---- the answer ---------------------------------------------------------------------------------
 */

/* Nothing is lost in a benchmark; a line that no limit program has if it was. */
static void answer_lost(const struct engine *e, struct strbuf *out)
{
    uint64_t dropped = 0, failed = 0;
    bool complete = true;

    for (uint32_t i = 0; i < e->workers_cnt; i++) {
        const struct runner *r = e->worker[i].runner;
        complete &= e->worker[i].complete;
        for (uint32_t s = 0; s < r->sources_cnt; s++)
            for (uint32_t d = 0; d < RECORD_DROPS_CNT; d++)
                dropped += r->counters[s].dropped[d];
        for (uint32_t f = 0; f < e->plan->fails_cnt; f++)
            failed += r->failed[f];
    }
    if (dropped || failed || !complete)
        strbuf_printf(out, "%llu records dropped, %llu rows failed%s\n",
                      (unsigned long long)dropped, (unsigned long long)failed,
                      complete ? "" : ", not complete");
}

static void engine_answer(void *ctx, struct strbuf *out)
{
    struct engine *e = ctx;
    struct out_rows rows = {0};
    struct render render = {0};
    struct block *outs[CREW_MAX * 64];
    uint32_t cnt = 0;

    for (uint32_t i = 0; i < e->workers_cnt; i++)
        for (uint32_t k = 0; k < e->worker[i].outs_cnt; k++) {
            MR_ASSERT(cnt < sizeof outs / sizeof outs[0]);
            outs[cnt++] = e->worker[i].outs[k];
        }
    struct out_rdd rdd = {.stream = &e->plan->output[0].stream,
                          .interval = e->interval,
                          .complete = true,
                          .blocks_cnt = cnt,
                          .block = outs};

    MR_ASSERT(out_rows_sort(&rows, &rdd) == 0);
    render_json_begin(&render, &rdd);
    for (uint32_t i = 0; i < rows.cnt; i++) {
        if (rdd.stream->key) {
            render_key_cell(&render, out, rows.row[i].row);
            strbuf_puts(out, " ");
        }
        render_value_cell(&render, out, rows.row[i].row);
        strbuf_puts(out, "\n");
    }
    out_rows_release(&rows);
    render_release(&render);
    answer_lost(e, out);
}

static uint64_t engine_records(void *ctx)
{
    struct engine *e = ctx;
    uint64_t offered = 0;

    for (uint32_t i = 0; i < e->workers_cnt; i++)
        for (uint32_t s = 0; s < e->worker[i].runner->sources_cnt; s++)
            offered += e->worker[i].runner->counters[s].offered;
    return offered;
}

/* ---- making it ----------------------------------------------------------------------------------
 */

static struct job *load(const struct engine_conf *conf)
{
    struct diags d = {0};
    struct strbuf text = {0}, said = {0};

    if (conf->text) {
        strbuf_puts(&text, conf->text);
    } else if (file_read(conf->path, &text)) {
        fprintf(stderr, "bench: %s cannot be read; run it from the top of the repository\n",
                conf->path);
        exit(66);
    }
    struct job *j = job_parse(conf->path, text.s ? text.s : "", text.len, &d, NULL);
    if (!j) {
        diags_print(&d, &said);
        fputs(said.s, stderr);
        exit(78);
    }
    strbuf_release(&text);
    diags_release(&d);
    return j;
}

static void worker_make(struct engine *e, struct worker *w, const struct engine_conf *conf)
{
    w->mem = perf_mem_new(conf->pages ? conf->pages : MEM_PAGES, MADE_MAX);
    struct block_mem seam = perf_mem_seam(w->mem);

    w->made = perf_pages(MADE_MAX * sizeof *w->made);
    w->runner = perf_pages(sizeof *w->runner);
    runner_init(w->runner, e->plan, e->spec, e->job->sources_cnt, &e->state, &seam,
                perf_pages(runner_bytes(e->plan, e->job->sources_cnt)));
}

/* Divides the state memory; more and more of it until the keys that are wanted fit. */
static void divide_state(struct plan *p, const struct engine_conf *conf)
{
    const struct exchange *x = p->exchange[0];
    size_t bytes = conf->state_bytes ? conf->state_bytes : STATE_BYTES;

    bool enough = plan_capacity(p, bytes) == 0;
    while (conf->keys && !(enough && x->keys_max * x->partitions >= conf->keys)) {
        bytes += bytes / 16;
        enough = plan_capacity(p, bytes) == 0;
    }
    MR_ASSERT(enough);
    if (conf->keys)
        *conf->bytes_per_key = (double)x->state_bytes / (double)x->keys_max;
}

struct team team_engine(const struct engine_conf *conf)
{
    struct engine *e = calloc(1, sizeof *e);
    char err[256];

    MR_ASSERT(e && conf->lcores > 0 && conf->lcores <= CREW_MAX);
    e->job = load(conf);
    e->plan =
        plan_build(&e->job->graph, e->job->name, e->job->partitions, &e->zone, err, sizeof err);
    MR_ASSERT(e->plan && e->plan->outputs_cnt == 1);
    divide_state(e->plan, conf);
    job_state_init(&e->state, e->plan, perf_pages(job_state_bytes(e->plan) + 64));
    for (uint32_t s = 0; s < e->job->sources_cnt; s++)
        e->spec[s] = &e->job->source[s].spec;
    e->workers_cnt = conf->lcores;
    for (uint32_t i = 0; i < e->workers_cnt; i++)
        worker_make(e, &e->worker[i], conf);
    return (struct team){e, engine_interval, engine_answer, engine_records};
}
