/*
 * The engine's side: the runner that ships (rdd/task.h), driven as the scheduler drives a worker,
 * on the thread of the benchmark: blocks are fed as they come, a map task ends with its 64th block
 * or with the interval, what it made is merged at once, and the end of the interval closes the
 * exchanges, lower ones first.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "io/order.h"
#include "io/render.h"
#include "job/job.h"
#include "perf/memory.h"
#include "perf/side.h"
#include "rdd/task.h"
#include "sched/sched.h"

#define STATE_BYTES (64u << 20)
#define MEM_PAGES   24u
#define OUTS_MAX    4096u

struct engine_side {
    struct job *job;
    struct plan *plan;
    struct zone zone;
    struct job_state state;
    struct runner *runner;
    const struct source_spec *spec[JOB_SOURCES_MAX];
    struct perf_mem *mem;
    uint32_t task, fed; /* of the interval; blocks of the open task */
    uint64_t interval;
    uint32_t outs_cnt;
    struct block *outs[OUTS_MAX];
};

static struct job *load(const char *path)
{
    struct diags d = {0};
    struct strbuf text = {0}, said = {0};
    char part[4096];
    size_t n;
    FILE *f = fopen(path, "r");

    while (f && (n = fread(part, 1, sizeof part, f)))
        strbuf_add(&text, part, n);
    if (!f || ferror(f)) {
        fprintf(stderr, "bench: %s cannot be read; run it from the top of the repository\n", path);
        exit(66);
    }
    fclose(f);
    struct job *j = job_parse(path, text.s ? text.s : "", text.len, &d, NULL);
    if (!j) {
        diags_print(&d, &said);
        fputs(said.s, stderr);
        exit(78);
    }
    strbuf_release(&text);
    diags_release(&d);
    return j;
}

static void step_all(struct runner *r)
{
    while (runner_step(r))
        ;
}

/* What the task made goes into the states of the next exchanges, or is kept as output. */
static void merge_made(struct engine_side *e)
{
    static struct made made[MADE_MAX];
    struct runner *r = e->runner;
    uint32_t cnt = r->out.made_cnt;

    memcpy(made, r->out.made, cnt * sizeof *made);
    r->out.made_cnt = 0;
    for (uint32_t i = 0; i < cnt; i++) {
        if (made[i].exchange < 0) {
            MR_ASSERT(e->outs_cnt < OUTS_MAX);
            e->outs[e->outs_cnt++] = made[i].block;
            continue;
        }
        runner_merge(r, (uint32_t)made[i].exchange, e->interval, made[i].partition, made[i].block);
        step_all(r);
        perf_mem_release(e->mem, made[i].block);
    }
    MR_ASSERT(r->out.made_cnt == 0);
}

static void begin_interval(struct engine_side *e, uint64_t interval)
{
    if (interval == e->interval)
        return;
    e->interval = interval;
    e->task = 0;
    for (uint32_t i = 0; i < e->outs_cnt; i++)
        perf_mem_release(e->mem, e->outs[i]);
    e->outs_cnt = 0;
}

static void end_task(struct engine_side *e)
{
    for (uint32_t s = 0; s < e->plan->stages_cnt; s++) {
        if (e->plan->stage[s]->source < 0)
            continue;
        runner_flush(e->runner, s, e->interval, e->task);
        step_all(e->runner);
        merge_made(e);
    }
    e->task++;
    e->fed = 0;
}

static void engine_feed(void *ctx, uint64_t interval, const struct block *b)
{
    struct engine_side *e = ctx;

    begin_interval(e, interval);
    for (uint32_t s = 0; s < e->plan->stages_cnt; s++) {
        if (e->plan->stage[s]->source < 0)
            continue;
        runner_feed(e->runner, s, interval, e->task, b);
        step_all(e->runner);
    }
    if (++e->fed == SCHED_TASK_BLOCKS_MAX)
        end_task(e);
}

static void engine_close(void *ctx, uint64_t interval)
{
    struct engine_side *e = ctx;

    begin_interval(e, interval);
    if (e->fed)
        end_task(e);
    for (uint32_t x = 0; x < e->plan->exchanges_cnt; x++) {
        runner_close_interval(e->runner, x, interval, 0, e->plan->exchange[x]->partitions);
        step_all(e->runner);
        merge_made(e);
    }
}

static void engine_answer(void *ctx, struct strbuf *out)
{
    struct engine_side *e = ctx;
    struct out_rows rows = {0};
    struct render render = {0};
    struct out_rdd rdd = {.stream = &e->plan->output[0].stream,
                          .interval = e->interval,
                          .complete = true,
                          .blocks_cnt = e->outs_cnt,
                          .block = e->outs};

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
}

struct side side_engine(const char *path)
{
    struct engine_side *e = calloc(1, sizeof *e);
    char err[256];

    MR_ASSERT(e);
    e->job = load(path);
    e->mem = perf_mem_new(MEM_PAGES, MADE_MAX);
    e->plan =
        plan_build(&e->job->graph, e->job->name, e->job->partitions, &e->zone, err, sizeof err);
    MR_ASSERT(e->plan && plan_capacity(e->plan, STATE_BYTES) == 0);
    job_state_init(&e->state, e->plan, perf_pages(job_state_bytes(e->plan) + 64));
    for (uint32_t s = 0; s < e->job->sources_cnt; s++)
        e->spec[s] = &e->job->source[s].spec;
    struct block_mem seam = perf_mem_seam(e->mem);
    e->runner = perf_pages(sizeof *e->runner);
    runner_init(e->runner, e->plan, e->spec, e->job->sources_cnt, &e->state, &seam,
                perf_pages(runner_bytes(e->plan, e->job->sources_cnt)));
    e->interval = UINT64_MAX;
    return (struct side){e, engine_feed, engine_close, engine_answer};
}
