/* All memory of the scheduler, taken at once and given back at once. */
#include <errno.h>
#include <stdlib.h>

#include "sched/state.h"

static uint32_t exchange_groups(const struct sched *s, const struct exchange *x)
{
    uint32_t n = 4 * s->conf.workers_cnt;

    MR_ASSERT(x->partitions > 0);
    n = n < SCHED_GROUPS_MAX ? n : SCHED_GROUPS_MAX;
    return n < x->partitions ? n : x->partitions;
}

static int job_groups(struct sched *s, struct sched_job_state *j)
{
    const struct plan *p = j->plan;
    uint32_t g = 0;

    for (uint32_t i = 0; i < p->exchanges_cnt; i++)
        j->groups_cnt += exchange_groups(s, p->exchange[i]);
    j->group = calloc(j->groups_cnt + 1, sizeof *j->group);
    j->exchange = calloc(p->exchanges_cnt + 1, sizeof *j->exchange);
    if (!j->group || !j->exchange)
        return -ENOMEM;
    for (uint32_t i = 0; i < p->exchanges_cnt; i++) {
        struct exchange_plan *x = &j->exchange[i];
        uint32_t partitions = p->exchange[i]->partitions;

        *x = (struct exchange_plan){.group_first = g,
                                    .groups_cnt = exchange_groups(s, p->exchange[i]),
                                    .stage = p->exchange[i]->stage,
                                    .group_of = calloc(partitions, sizeof *x->group_of)};
        if (!x->group_of)
            return -ENOMEM;
        for (uint32_t k = 0; k < x->groups_cnt; k++, g++) {
            uint32_t first = k * partitions / x->groups_cnt;
            uint32_t end = (k + 1) * partitions / x->groups_cnt;
            j->group[g] = (struct group){.job = j,
                                         .idx = g,
                                         .exchange = i,
                                         .worker = k % s->conf.workers_cnt,
                                         .partition_first = first,
                                         .partition_cnt = end - first};
            s->worker[j->group[g].worker].ready.max++;
            for (uint32_t part = first; part < end; part++)
                x->group_of[part] = (uint16_t)k;
        }
    }
    return 0;
}

/* Who writes what. */
static void job_stages(struct sched_job_state *j)
{
    const struct plan *p = j->plan;

    for (uint32_t i = 0; i < p->stages_cnt; i++) {
        const struct stage *st = p->stage[i];
        j->sources_cnt += st->source >= 0;
        MR_ASSERT(st->source >= 0 || p->exchange[st->from->idx]->stage == i);
        for (uint32_t x = 0; x < p->exchanges_cnt; x++)
            j->exchange[x].writers_cnt += st->writes >> x & 1;
        for (uint32_t o = 0; o < p->outputs_cnt; o++)
            j->output_writers_cnt[o] += st->outputs >> o & 1;
    }
    for (uint32_t x = 0; x < p->exchanges_cnt; x++)
        MR_ASSERT(j->exchange[x].writers_cnt > 0);
    MR_ASSERT(j->sources_cnt > 0);
}

static int job_ring(struct sched *s, struct sched_job_state *j)
{
    const struct plan *p = j->plan;

    j->ring = calloc(s->ring_cnt, sizeof *j->ring);
    j->gap = calloc(s->gaps_max, sizeof *j->gap);
    j->kept = calloc(s->conf.keep + 1, sizeof *j->kept);
    if (!j->ring || !j->gap || !j->kept)
        return -ENOMEM;
    for (uint64_t i = 0; i < s->conf.keep; i++)
        j->kept[i] = LIST_EMPTY;
    for (uint32_t i = 0; i < s->ring_cnt; i++) {
        struct interval *iv = &j->ring[i];
        iv->stage = calloc(p->stages_cnt + 1, sizeof *iv->stage);
        iv->exchange = calloc(p->exchanges_cnt + 1, sizeof *iv->exchange);
        iv->output = calloc(p->outputs_cnt + 1, sizeof *iv->output);
        iv->to_merge = calloc(j->groups_cnt + 1, sizeof *iv->to_merge);
        if (!iv->stage || !iv->exchange || !iv->output || !iv->to_merge)
            return -ENOMEM;
    }
    return 0;
}

static int job_init(struct sched *s, uint32_t idx)
{
    struct sched_job_state *j = &s->job[idx];
    const struct sched_job *conf = &s->conf.job[idx];

    j->idx = idx;
    j->plan = conf->plan;
    j->ratio = conf->ratio;
    j->map_at_boundary = conf->map_at_boundary;
    j->next = j->known_end = s->conf.first_tick / j->ratio;
    int err = job_groups(s, j);
    if (err)
        return err;
    job_stages(j);
    return job_ring(s, j);
}

static int reader_init(struct sched *s, struct reader *r, uint32_t job, const struct stage *st)
{
    *r = (struct reader){.job = &s->job[job],
                         .stage = st->idx,
                         .source = s->conf.job[job].source[st->source],
                         .later = LIST_EMPTY,
                         .task = calloc(s->conf.workers_cnt, sizeof *r->task)};
    if (!r->task)
        return -ENOMEM;
    MR_ASSERT(input_source_open(s, r->source) != UINT64_MAX);
    for (uint32_t w = 0; w < s->conf.workers_cnt; w++) {
        r->task[w].reader = r;
        r->task[w].worker = w;
        s->worker[w].ready.max++;
    }
    return 0;
}

static int readers_init(struct sched *s)
{
    for (uint32_t i = 0; i < s->conf.jobs_cnt; i++)
        s->readers_cnt += s->job[i].sources_cnt;
    s->reader = calloc(s->readers_cnt + 1, sizeof *s->reader);
    if (!s->reader)
        return -ENOMEM;
    struct reader *r = s->reader;
    for (uint32_t i = 0; i < s->conf.jobs_cnt; i++)
        for (uint32_t k = 0; k < s->job[i].plan->stages_cnt; k++) {
            const struct stage *st = s->job[i].plan->stage[k];
            int err = st->source >= 0 ? reader_init(s, r++, i, st) : 0;
            if (err)
                return err;
        }
    return 0;
}

static int blocks_init(struct sched *s)
{
    uint32_t readers_max = 0;

    for (uint32_t i = 0; i < s->readers_cnt; i++) {
        uint32_t n = 0;
        for (uint32_t k = 0; k < s->readers_cnt; k++)
            n += s->reader[k].source == s->reader[i].source;
        readers_max = n > readers_max ? n : readers_max;
    }
    s->input = calloc(s->conf.blocks_max + 1, sizeof *s->input);
    if (!s->input)
        return -ENOMEM;
    for (uint32_t i = 0; i < s->conf.blocks_max; i++)
        s->input[i].next_free = i + 1 < s->conf.blocks_max ? i + 1 : ITEM_NONE;
    s->input_free = s->conf.blocks_max ? 0 : ITEM_NONE;
    return items_init(&s->items, s->conf.blocks_max * readers_max + s->conf.refs_max);
}

/* The arrays of one step: what it can do at most is counted owner by owner. */
static int step_init(struct sched *s)
{
    uint32_t commands = s->conf.workers_cnt * SCHED_CREDITS;

    s->actions_max = 2 * commands                            /* with their lineage */
                     + s->conf.blocks_max + s->conf.refs_max /* all let go at once */
                     + 2;                                    /* stopped; a block of nobody */
    for (uint32_t i = 0; i < s->conf.jobs_cnt; i++)
        s->actions_max += s->ring_cnt * (2 * s->job[i].plan->outputs_cnt + 1);
    s->scratch_max = commands * SCHED_TASK_BLOCKS_MAX + s->conf.refs_max;
    s->action = calloc(s->actions_max, sizeof *s->action);
    s->scratch = calloc(s->scratch_max, sizeof *s->scratch);
    return s->action && s->scratch ? 0 : -ENOMEM;
}

static int workers_init(struct sched *s)
{
    for (uint32_t i = 0; i < s->conf.workers_cnt; i++) {
        struct ready *r = &s->worker[i].ready;
        r->entry = calloc(r->max + 1, sizeof *r->entry);
        if (!r->entry)
            return -ENOMEM;
    }
    return 0;
}

static int init(struct sched *s)
{
    for (uint32_t i = 0; i < s->conf.queues_cnt; i++)
        s->queue[i] = (struct input_queue){s->conf.queue[i].source, s->conf.first_tick};
    s->known_tick_end = s->conf.first_tick;
    s->ring_cnt = s->conf.intervals_max + 1;
    s->gaps_max = 2 * s->ring_cnt + 64;
    s->job = calloc(s->conf.jobs_cnt + 1, sizeof *s->job);
    s->worker = calloc(s->conf.workers_cnt, sizeof *s->worker);
    if (!s->job || !s->worker)
        return -ENOMEM;
    int err = 0;
    for (uint32_t i = 0; !err && i < s->conf.jobs_cnt; i++)
        err = job_init(s, i);
    err = err ? err : readers_init(s);
    err = err ? err : blocks_init(s);
    err = err ? err : workers_init(s);
    return err ? err : step_init(s);
}

struct sched *sched_new(const struct sched_conf *conf)
{
    MR_ASSERT(conf->workers_cnt > 0 && conf->workers_cnt <= SCHED_WORKERS_MAX);
    MR_ASSERT(conf->jobs_cnt <= SCHED_JOBS_MAX && conf->queues_cnt <= SCHED_QUEUES_MAX);
    MR_ASSERT(conf->intervals_max >= 2 && conf->blocks_max > 0 && conf->refs_max > 0);
    struct sched *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->conf = *conf;
    s->ahead_max = UINT32_MAX;
    if (init(s)) {
        sched_free(s);
        return NULL;
    }
    return s;
}

static void job_release(struct sched *s, struct sched_job_state *j)
{
    for (uint32_t i = 0; j->exchange && i < j->plan->exchanges_cnt; i++)
        free(j->exchange[i].group_of);
    for (uint32_t i = 0; j->ring && i < s->ring_cnt; i++) {
        free(j->ring[i].stage);
        free(j->ring[i].exchange);
        free(j->ring[i].output);
        free(j->ring[i].to_merge);
    }
    free(j->group);
    free(j->exchange);
    free(j->ring);
    free(j->gap);
    free(j->kept);
}

void sched_free(struct sched *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; s->job && i < s->conf.jobs_cnt; i++)
        job_release(s, &s->job[i]);
    for (uint32_t i = 0; s->reader && i < s->readers_cnt; i++)
        free(s->reader[i].task);
    for (uint32_t i = 0; s->worker && i < s->conf.workers_cnt; i++)
        free(s->worker[i].ready.entry);
    free(s->job);
    free(s->reader);
    free(s->worker);
    free(s->input);
    free(s->items.item);
    free(s->action);
    free(s->scratch);
    free(s);
}
