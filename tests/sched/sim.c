#include "tests/sched/sim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sim_fail(struct sim *m, const char *fmt, ...)
{
    va_list ap;
    if (m->why[0])
        return;
    va_start(ap, fmt);
    vsnprintf(m->why, sizeof m->why, fmt, ap);
    va_end(ap);
}

struct sim *sim_new(const struct sched_conf *conf, uint64_t seed)
{
    struct sim *m = calloc(1, sizeof *m);
    m->prng = prng_of(seed);
    m->conf = *conf;
    m->known_end = conf->first_tick;
    m->shuffle_percent = 50;
    m->ahead_max = UINT32_MAX;
    for (uint32_t i = 0; i < conf->queues_cnt; i++) {
        m->source_of_queue[i] = conf->queue[i].source;
        m->open[i] = conf->first_tick;
    }
    for (uint32_t i = 0; i < conf->jobs_cnt; i++) {
        struct sim_job *j = &m->job[i];
        j->plan = conf->job[i].plan;
        j->ratio = conf->job[i].ratio;
        j->map_at_boundary = conf->job[i].map_at_boundary;
        j->next_done = j->out_interval = conf->first_tick / j->ratio;
    }
    m->s = sched_new(conf);
    return m;
}

void sim_free(struct sim *m)
{
    sched_free(m->s);
    free(m);
}

static struct block_ref new_block(struct sim *m, struct sim_block b)
{
    uint32_t i = m->blocks_cnt++;
    if (i >= SIM_BLOCKS_MAX)
        abort();
    m->block[i] = b;
    return (struct block_ref){
        .id = {b.kind, i, b.interval}, .slot = i + 7, .rows = (uint32_t)prng_below(&m->prng, 1000)};
}

static void step(struct sim *m, const struct event *e)
{
    bool done = false;
    do {
        const struct action *a;
        uint32_t cnt = sched_step(m->s, e, &a);
        for (uint32_t i = 0; i < cnt; i++) {
            sim_check(m, &a[i]);
            done |= a[i].kind == ACT_INTERVAL;
        }
        e = NULL;
    } while (sched_more(m->s));
    if (done)
        sim_check_held(m);
}

static void known(struct sim *m, uint64_t end)
{
    m->known_end = end > m->known_end ? end : m->known_end;
}

uint32_t sim_block(struct sim *m, uint32_t queue, uint64_t tick)
{
    uint32_t i = m->blocks_cnt;
    if (!m->stopping)
        known(m, tick + 1);
    struct block_ref ref = new_block(m, (struct sim_block){.kind = SIM_INPUT,
                                                           .source = m->source_of_queue[queue],
                                                           .tick = tick,
                                                           .late = m->stopping});
    step(m, &(struct event){.kind = EV_BLOCK, .queue = queue, .tick = tick, .block = ref});
    return i;
}

void sim_close(struct sim *m, uint32_t queue, uint64_t tick)
{
    known(m, tick + 1);
    m->open[queue] = tick + 1;
    step(m, &(struct event){.kind = EV_CLOSED, .queue = queue, .tick = tick});
}

void sim_skip(struct sim *m, uint64_t tick)
{
    for (uint64_t t = m->known_end; t <= tick; t++)
        m->skipped[t] = true;
    known(m, tick + 1);
    for (uint32_t q = 0; q < m->conf.queues_cnt; q++)
        m->open[q] = tick + 1;
    step(m, &(struct event){.kind = EV_SKIP, .tick = tick});
}

void sim_ending(struct sim *m, uint64_t tick)
{
    step(m, &(struct event){.kind = EV_ENDING, .tick = tick});
}

void sim_stop(struct sim *m, uint64_t tick, uint64_t cut_tick)
{
    known(m, tick + 1);
    m->stopping = true;
    m->cut_tick = cut_tick;
    step(m, &(struct event){.kind = EV_STOP, .tick = tick, .cut_tick = cut_tick});
}

// An answer that nobody waits for changes nothing.
void sim_stale(struct sim *m)
{
    struct sched_view before, after;
    struct event e = {.kind = EV_DONE,
                      .worker = (uint32_t)prng_below(&m->prng, m->conf.workers_cnt + 1),
                      .seq = 1000000};
    const struct sim_worker *w = &m->worker[e.worker];
    if (e.worker < m->conf.workers_cnt && w->queue_cnt && prng_chance(&m->prng, 50)) {
        e.seq = w->queue[0].seq;
        e.attempt = w->queue[0].attempt + 1;
    }
    const struct action *a;
    sched_look(m->s, &before);
    if (sched_step(m->s, &e, &a))
        sim_fail(m, "a stale answer gave actions");
    sched_look(m->s, &after);
    if (after.stale != before.stale + 1 || after.commands_out != before.commands_out)
        sim_fail(m, "a stale answer was not counted");
}

void sim_memory(struct sim *m, uint32_t ahead_max, bool tight)
{
    m->ahead_max = ahead_max;
    m->tight = tight;
    sched_memory(m->s, ahead_max, tight);
    if (sched_more(m->s))
        step(m, NULL);
}

// What a stage writes: random shuffle blocks and rows.
static void emit(struct sim *m, struct sim_answer *an, const struct stage *st)
{
    const struct plan *p = m->job[an->cmd.job].plan;
    if (!slide_active(st->slide, an->cmd.interval))
        return;
    for (uint32_t x = 0; x < p->exchanges_cnt; x++)
        while ((st->writes >> x & 1) && an->shuffle_cnt < 16 &&
               prng_chance(&m->prng, m->shuffle_percent)) {
            uint32_t part = (uint32_t)prng_below(&m->prng, p->exchange[x]->partitions);
            an->shuffle[an->shuffle_cnt++] = (struct shuffle_ref){
                .block = new_block(m, (struct sim_block){.kind = SIM_SHUFFLE,
                                                         .job = an->cmd.job,
                                                         .interval = an->cmd.interval,
                                                         .exchange = x,
                                                         .partition = part}),
                .exchange = (uint16_t)x,
                .partition = (uint16_t)part};
        }
    for (uint32_t o = 0; o < p->outputs_cnt; o++)
        if ((st->outputs >> o & 1) && slide_active(p->output[o].slide, an->cmd.interval) &&
            an->out_cnt < 8 && prng_chance(&m->prng, 40))
            an->out[an->out_cnt++] = (struct out_ref){
                .block = new_block(m, (struct sim_block){.kind = SIM_OUT,
                                                         .job = an->cmd.job,
                                                         .interval = an->cmd.interval,
                                                         .output = o}),
                .output = o};
}

static void do_feed(struct sim *m, uint32_t worker, const struct cmd *c)
{
    struct sim_job *j = &m->job[c->job];
    struct sim_task *t = &j->task[c->stage][worker];
    struct sim_interval *iv = &j->interval[c->interval];
    struct sim_block *b = &m->block[c->block[0].id.b];
    if (!t->open) {
        *t = (struct sim_task){.open = true, .interval = c->interval, .number = c->task};
        iv->tasks_out[c->stage]++;
        iv->tasks_cnt[c->stage]++;
    }
    if (t->interval != c->interval || t->number != c->task || t->cnt == SCHED_TASK_BLOCKS_MAX)
        sim_fail(m, "FEED of a task that is not the open one");
    else
        t->block[t->cnt++] = (uint32_t)c->block[0].id.b;
    if (b->kind != SIM_INPUT || b->tick / j->ratio != c->interval ||
        (b->fed[c->job] >> c->stage & 1))
        sim_fail(m, "a block fed twice or in a wrong interval");
    b->fed[c->job] |= 1u << c->stage;
}

static void do_flush(struct sim *m, uint32_t worker, const struct cmd *c)
{
    struct sim_job *j = &m->job[c->job];
    struct sim_task *t = &j->task[c->stage][worker];
    if (!t->open || t->interval != c->interval || t->number != c->task)
        sim_fail(m, "FLUSH of a task that is not the open one");
    if (!j->lineage[c->stage][worker])
        sim_fail(m, "FLUSH without lineage");
    j->lineage[c->stage][worker]--;
    t->open = false;
}

static uint64_t group_bits(struct sim *m, uint32_t worker, const struct cmd *c)
{
    const struct exchange *x = m->job[c->job].plan->exchange[c->exchange];
    uint32_t groups = 4 * m->conf.workers_cnt, part = 0, g = 0;
    groups = groups < x->partitions ? groups : x->partitions;
    for (; g < groups; g++, part = g * x->partitions / groups)
        if (part == c->partition_first)
            break;
    if (g == groups || g % m->conf.workers_cnt != worker ||
        c->partition_cnt != (g + 1) * x->partitions / groups - part)
        sim_fail(m, "a group that does not live here");
    return ((UINT64_C(1) << c->partition_cnt) - 1) << c->partition_first;
}

// Intervals before this one that are run must be closed; returns false if one is not.
static bool closed_before(struct sim *m, const struct cmd *c, uint64_t bits)
{
    struct sim_job *j = &m->job[c->job];
    for (uint64_t n = m->conf.first_tick / j->ratio; n < c->interval; n++)
        if (sim_expected(m, j, n) && (j->interval[n].closed[c->exchange] & bits) != bits)
            return false;
    return !(j->interval[c->interval].closed[c->exchange] & bits);
}

static void do_merge(struct sim *m, uint32_t worker, const struct cmd *c)
{
    uint64_t bits = group_bits(m, worker, c);
    if (!closed_before(m, c, bits) || !c->blocks_cnt)
        sim_fail(m, "MERGE out of order");
    for (uint32_t i = 0; i < c->blocks_cnt; i++) {
        struct sim_block *b = &m->block[c->block[i].id.b];
        if (b->kind != SIM_SHUFFLE || b->merged || b->interval != c->interval ||
            b->exchange != c->exchange || b->partition != c->block_partition[i] ||
            b->job != c->job || !(bits >> b->partition & 1))
            sim_fail(m, "a shuffle block merged twice or in a wrong place");
        b->merged = true;
    }
}

static void do_close(struct sim *m, uint32_t worker, const struct cmd *c)
{
    struct sim_job *j = &m->job[c->job];
    uint64_t bits = group_bits(m, worker, c);
    if (!closed_before(m, c, bits))
        sim_fail(m, "CLOSE out of order");
    for (uint32_t s = 0; s < j->plan->stages_cnt; s++)
        if ((j->plan->stage[s]->writes >> c->exchange & 1) &&
            !sim_stage_ended(m, c->job, s, c->interval))
            sim_fail(m, "CLOSE before the end of stage %u", s);
    for (uint32_t i = 0; i < m->blocks_cnt; i++) {
        const struct sim_block *b = &m->block[i];
        if (b->kind == SIM_SHUFFLE && b->job == c->job && b->interval == c->interval &&
            b->exchange == c->exchange && (bits >> b->partition & 1) && !b->merged)
            sim_fail(m, "CLOSE before a merge");
    }
    j->interval[c->interval].closed[c->exchange] |= bits;
}

static void carry_out(struct sim *m, uint32_t worker)
{
    struct sim_worker *w = &m->worker[worker];
    struct cmd *c = &w->queue[0];
    struct sim_answer *an = &w->answer[w->answers_cnt++];
    const struct plan *p = m->job[c->job].plan;
    *an = (struct sim_answer){.cmd = *c};
    switch (c->kind) {
    case CMD_FEED: do_feed(m, worker, c); break;
    case CMD_FLUSH: do_flush(m, worker, c); break;
    case CMD_MERGE: do_merge(m, worker, c); break;
    default: do_close(m, worker, c); break;
    }
    if (c->kind == CMD_FEED || c->kind == CMD_FLUSH)
        emit(m, an, p->stage[c->stage]);
    if (c->kind == CMD_CLOSE) {
        emit(m, an, p->stage[p->exchange[c->exchange]->stage]);
    }
    an->lost = c->kind != CMD_MERGE && prng_chance(&m->prng, m->lost_percent);
    memmove(&w->queue[0], &w->queue[1], --w->queue_cnt * sizeof w->queue[0]);
}

static void answer(struct sim *m, uint32_t worker)
{
    struct sim_worker *w = &m->worker[worker];
    uint32_t i0 = prng_chance(&m->prng, m->overtake_percent)
                      ? (uint32_t)prng_below(&m->prng, w->answers_cnt)
                      : 0;
    struct sim_answer an = w->answer[i0];
    const struct cmd *c = &an.cmd;
    struct sim_interval *iv = &m->job[c->job].interval[c->interval];
    memmove(&w->answer[i0], &w->answer[i0 + 1], (--w->answers_cnt - i0) * sizeof w->answer[0]);
    for (uint32_t i = 0; i < c->blocks_cnt; i++)
        m->block[c->block[i].id.b].readers_out--;
    if (c->kind == CMD_FEED || c->kind == CMD_FLUSH)
        iv->stage_lost[c->stage] |= an.lost;
    if (c->kind == CMD_FEED)
        iv->feeds_out[c->stage]--;
    if (c->kind == CMD_FLUSH)
        iv->tasks_out[c->stage]--;
    if (c->kind == CMD_CLOSE) {
        iv->closed_done[c->exchange] |= ((UINT64_C(1) << c->partition_cnt) - 1)
                                        << c->partition_first;
        iv->lost[c->exchange] |= an.lost;
    }
    step(m, &(struct event){.kind = EV_DONE,
                            .worker = worker,
                            .seq = c->seq,
                            .attempt = c->attempt,
                            .lost = an.lost,
                            .shuffle_cnt = an.shuffle_cnt,
                            .out_cnt = an.out_cnt,
                            .shuffle = an.shuffle,
                            .out = an.out});
}

bool sim_work(struct sim *m)
{
    uint32_t first = (uint32_t)prng_below(&m->prng, m->conf.workers_cnt);
    for (uint32_t i = 0; i < m->conf.workers_cnt; i++) {
        uint32_t worker = (first + i) % m->conf.workers_cnt;
        struct sim_worker *w = &m->worker[worker];
        if (w->answers_cnt && (!w->queue_cnt || prng_chance(&m->prng, 50))) {
            answer(m, worker);
            return true;
        }
        if (w->queue_cnt) {
            carry_out(m, worker);
            return true;
        }
    }
    return false;
}

void sim_drain(struct sim *m)
{
    while (!m->why[0] && sim_work(m))
        ;
}

void sim_check_end(struct sim *m)
{
    struct sched_view v;
    sched_look(m->s, &v);
    if (!m->stopped || !sched_idle(m->s))
        sim_fail(m, "the run has not ended");
    if (v.blocks_held || v.blocks_waiting || v.refs_held || v.commands_out || v.intervals_open)
        sim_fail(m, "something is left at the end");
    for (uint32_t i = 0; i < m->blocks_cnt; i++)
        if (m->block[i].kind == SIM_OUT ? !m->block[i].left : !m->block[i].released)
            sim_fail(m, "block %u is never let go", i);
    for (uint32_t i = 0; i < m->conf.jobs_cnt; i++)
        for (uint64_t n = 0; n < SIM_INTERVALS_MAX; n++)
            if (sim_expected(m, &m->job[i], n) != m->job[i].interval[n].done)
                sim_fail(m, "interval %" PRIu64 " of job %u: done is wrong", n, i);
}
