// Every action of the scheduler against the naive account.

#include "tests/sched/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct sim_block *the_block(struct sim *m, const struct block_ref *ref)
{
    static struct sim_block none;
    if (ref->id.b >= m->blocks_cnt || ref->slot != (uint32_t)ref->id.b + 7) {
        sim_fail(m, "no such block");
        return &none;
    }
    return &m->block[ref->id.b];
}

// An interval is run if it has a tick that was not skipped.
bool sim_expected(const struct sim *m, const struct sim_job *j, uint64_t interval)
{
    for (uint64_t t = interval * j->ratio; t < (interval + 1) * j->ratio; t++)
        if (t >= m->conf.first_tick && t < m->known_end && !m->skipped[t])
            return true;
    return false;
}

static bool input_ended(const struct sim *m, const struct sim_job *j, uint32_t job_idx,
                        uint32_t stage, uint64_t interval)
{
    uint32_t source = m->conf.job[job_idx].source[j->plan->stage[stage]->source];
    for (uint32_t q = 0; q < m->conf.queues_cnt; q++)
        if (!m->stopping && m->source_of_queue[q] == source &&
            m->open[q] < (interval + 1) * j->ratio)
            return false;
    return true;
}

bool sim_stage_ended(const struct sim *m, uint32_t job_idx, uint32_t stage, uint64_t interval)
{
    const struct sim_job *j = &m->job[job_idx];
    const struct stage *st = j->plan->stage[stage];
    const struct sim_interval *iv = &j->interval[interval];
    if (st->source < 0) {
        uint64_t all = (UINT64_C(1) << st->from->partitions) - 1;
        return iv->closed_done[st->from->idx] == all;
    }
    if (!input_ended(m, j, job_idx, stage, interval) || iv->tasks_out[stage] ||
        iv->feeds_out[stage])
        return false;
    uint32_t source = m->conf.job[job_idx].source[st->source];
    for (uint32_t i = 0; i < m->blocks_cnt; i++) {
        const struct sim_block *b = &m->block[i];
        if (b->kind == SIM_INPUT && !b->late && b->source == source &&
            b->tick / j->ratio == interval && !(b->fed[job_idx] >> stage & 1))
            return false;
    }
    return true;
}

// What lacks records, said by the definition: what a stage writes, if a task lost some or what it
// reads lacks some; the result of an exchange, if its state lost some or anything that was written
// into it in its window lacks some. `seen` keeps what was found out: 1: lacks, 2: does not.
struct lacking {
    const struct sim *m;
    const struct sim_job *j;
    uint8_t seen[8][SIM_INTERVALS_MAX];
};

static bool stage_lacks(struct lacking *l, uint64_t n, uint32_t stage);

static bool window_lacks(struct lacking *l, uint64_t n, uint32_t x)
{
    const struct plan *p = l->j->plan;
    for (uint64_t k = n + 1; k-- > 0 && n - k < p->exchange[x]->len;)
        for (uint32_t s = 0; s < p->stages_cnt && sim_expected(l->m, l->j, k); s++)
            if ((p->stage[s]->writes >> x & 1) && stage_lacks(l, k, s))
                return true;
    return false;
}

static bool exchange_lacks(struct lacking *l, uint64_t n, uint32_t x)
{
    uint8_t *seen = &l->seen[x][n];
    if (!*seen)
        *seen = l->j->interval[n].lost[x] || window_lacks(l, n, x) ? 1 : 2;
    return *seen == 1;
}

static bool stage_lacks(struct lacking *l, uint64_t n, uint32_t stage)
{
    const struct stage *st = l->j->plan->stage[stage];
    if (st->source >= 0)
        return l->j->interval[n].stage_lost[stage];
    return slide_active(st->slide, n) && exchange_lacks(l, n, st->from->idx);
}

static bool is_cut(const struct sim *m, const struct sim_job *j, uint64_t interval)
{
    return m->stopping && (interval + 1) * j->ratio > m->cut_tick;
}

static bool output_complete(const struct sim *m, const struct sim_job *j, uint64_t interval,
                            uint32_t output)
{
    struct lacking l = {.m = m, .j = j};
    for (uint32_t s = 0; m->lost_percent && s < j->plan->stages_cnt; s++)
        if ((j->plan->stage[s]->outputs >> output & 1) && stage_lacks(&l, interval, s))
            return false;
    return !is_cut(m, j, interval);
}

static bool interval_complete(const struct sim *m, const struct sim_job *j, uint64_t interval)
{
    struct lacking l = {.m = m, .j = j};
    for (uint32_t s = 0; m->lost_percent && s < j->plan->stages_cnt; s++)
        if (stage_lacks(&l, interval, s))
            return false;
    for (uint32_t x = 0; m->lost_percent && x < j->plan->exchanges_cnt; x++)
        if (exchange_lacks(&l, interval, x))
            return false;
    return !is_cut(m, j, interval);
}

// Does a command of this interval lie beyond the oldest that is not done?
static bool lies_ahead(const struct sim *m, const struct cmd *c)
{
    const struct sim_job *j = &m->job[c->job];

    for (uint64_t n = j->next_done; n < c->interval; n++)
        if (sim_expected(m, j, n))
            return true;
    return false;
}

static uint32_t ahead_out(const struct sim *m)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < m->conf.workers_cnt; i++) {
        const struct sim_worker *w = &m->worker[i];
        for (uint32_t k = 0; k < w->queue_cnt; k++)
            n += lies_ahead(m, &w->queue[k]);
        for (uint32_t k = 0; k < w->answers_cnt; k++)
            n += lies_ahead(m, &w->answer[k].cmd);
    }
    return n;
}

// Few commands lie ahead; while it is tight, a worker is fed when it has nothing else to do.
static void check_memory(struct sim *m, const struct action *a, uint32_t out_cnt)
{
    bool feed = a->cmd->kind == CMD_FEED;

    if (m->tight && feed && out_cnt > 1)
        sim_fail(m, "memory is tight: a FEED behind other commands");
    if ((feed || a->cmd->kind == CMD_CLOSE) && lies_ahead(m, a->cmd) &&
        ahead_out(m) >= m->ahead_max)
        sim_fail(m, "%u commands lie ahead, one more of interval %" PRIu64, m->ahead_max,
                 a->cmd->interval);
}

static void check_command(struct sim *m, const struct action *a)
{
    struct sim_worker *w = &m->worker[a->worker];
    struct sim_job *j = &m->job[a->cmd->job];
    uint32_t feeds_cnt = a->cmd->kind == CMD_FEED, out_cnt = 1 + w->queue_cnt + w->answers_cnt;
    for (uint32_t i = 0; i < w->queue_cnt; i++)
        feeds_cnt += w->queue[i].kind == CMD_FEED;
    for (uint32_t i = 0; i < w->answers_cnt; i++)
        feeds_cnt += w->answer[i].cmd.kind == CMD_FEED;
    if (out_cnt > SCHED_CREDITS || feeds_cnt > SCHED_FEEDS) {
        sim_fail(m, "worker %u has no credit", a->worker);
        return;
    }
    check_memory(m, a, out_cnt);
    if (a->cmd->kind == CMD_FEED) {
        j->interval[a->cmd->interval].feeds_out[a->cmd->stage]++;
        for (uint32_t i = 0; j->map_at_boundary && i < j->plan->stages_cnt; i++)
            if (j->plan->stage[i]->source >= 0 &&
                !input_ended(m, j, a->cmd->job, i, a->cmd->interval))
                sim_fail(m, "fed before the boundary");
    }
    for (uint32_t i = 0; i < a->cmd->blocks_cnt; i++) {
        struct sim_block *b = the_block(m, &a->cmd->block[i]);
        b->readers_out++;
        if (b->released)
            sim_fail(m, "command %" PRIu64 " reads a released block", a->cmd->seq);
    }
    w->queue[w->queue_cnt++] = *a->cmd;
    size_t len = strlen(m->given);
    snprintf(m->given + len, sizeof m->given - len, "%c%" PRIu64 " ", "FEMC"[a->cmd->kind],
             a -> cmd -> interval);
}

static void next_output(struct sim_job *j)
{
    if (++j->out_output >= j->plan->outputs_cnt) {
        j->out_output = 0;
        j->out_interval++;
    }
}

static void check_output(struct sim *m, const struct action *a)
{
    struct sim_job *j = &m->job[a->job];
    while (j->out_interval < SIM_INTERVALS_MAX &&
           (!sim_expected(m, j, j->out_interval) ||
            !slide_active(j->plan->output[j->out_output].slide, j->out_interval)))
        next_output(j);
    if (a->interval != j->out_interval || a->output != j->out_output) {
        sim_fail(m, "output %" PRIu64 ".%u, expected %" PRIu64 ".%u", a->interval, a->output,
                 j->out_interval, j->out_output);
        return;
    }
    for (uint32_t s = 0; s < j->plan->stages_cnt; s++)
        if ((j->plan->stage[s]->outputs >> a->output & 1) &&
            !sim_stage_ended(m, a->job, s, a->interval))
            sim_fail(m, "output %" PRIu64 ".%u left too early", a->interval, a->output);
    uint32_t expected_cnt = 0;
    for (uint32_t i = 0; i < m->blocks_cnt; i++) {
        struct sim_block *b = &m->block[i];
        expected_cnt += b->kind == SIM_OUT && b->job == a->job && b->interval == a->interval &&
                        b->output == a->output;
    }
    for (uint32_t i = 0; i < a->blocks_cnt; i++) {
        struct sim_block *b = the_block(m, &a->blocks[i]);
        if (b->kind != SIM_OUT || b->left || b->job != a->job || b->interval != a->interval ||
            b->output != a->output)
            sim_fail(m, "a block that is not of this output");
        b->left = true;
    }
    if (a->blocks_cnt != expected_cnt)
        sim_fail(m, "an output left with %u blocks of %u", a->blocks_cnt, expected_cnt);
    if (a->complete != output_complete(m, j, a->interval, a->output))
        sim_fail(m, "output %" PRIu64 ".%u: complete is wrong", a->interval, a->output);
    j->interval[a->interval].outputs_left |= UINT64_C(1) << a->output;
    next_output(j);
}

static void check_interval(struct sim *m, const struct action *a)
{
    struct sim_job *j = &m->job[a->job];
    while (j->next_done < SIM_INTERVALS_MAX && !sim_expected(m, j, j->next_done))
        j->next_done++;
    if (a->interval != j->next_done) {
        sim_fail(m, "interval %" PRIu64 " done, expected %" PRIu64, a->interval, j->next_done);
        return;
    }
    for (uint32_t s = 0; s < j->plan->stages_cnt; s++)
        if (!sim_stage_ended(m, a->job, s, a->interval))
            sim_fail(m, "interval %" PRIu64 " done before its stage %u", a->interval, s);
    for (uint32_t o = 0; o < j->plan->outputs_cnt; o++)
        if (slide_active(j->plan->output[o].slide, a->interval) !=
            (j->interval[a->interval].outputs_left >> o & 1))
            sim_fail(m, "interval %" PRIu64 " done, its output %u wrong", a->interval, o);
    if (a->complete != interval_complete(m, j, a->interval))
        sim_fail(m, "interval %" PRIu64 ": complete is wrong", a->interval);
    j->interval[a->interval].done = true;
    j->done_at[a->interval] = ++j->done_cnt;
    j->next_done++;
}

// Is the block free to go, as far as job `job` is concerned, for which it is of this interval?
static bool may_go(const struct sim *m, uint32_t job, uint64_t interval)
{
    const struct sim_job *j = &m->job[job];
    if (!m->conf.keep || m->stopping)
        return true;
    return j->interval[interval].done && j->done_cnt >= j->done_at[interval] + m->conf.keep;
}

// Has every stage that reads this input block mapped it, and its interval been kept long enough?
static bool input_may_go(const struct sim *m, const struct sim_block *b)
{
    for (uint32_t i = 0; i < m->conf.jobs_cnt; i++) {
        const struct sim_job *j = &m->job[i];
        for (uint32_t s = 0; s < j->plan->stages_cnt; s++) {
            int source = j->plan->stage[s]->source;
            if (source < 0 || m->conf.job[i].source[source] != b->source)
                continue;
            if (!(b->fed[i] >> s & 1) || !may_go(m, i, b->tick / j->ratio))
                return false;
        }
    }
    return true;
}

static void check_release(struct sim *m, const struct action *a)
{
    struct sim_block *b = the_block(m, &a->block);
    if (b->released || b->readers_out || b->kind == SIM_OUT)
        sim_fail(m, "block %" PRIu64 " let go twice, or while it is read", a->block.id.b);
    b->released = true;
    if (b->kind == SIM_SHUFFLE && (!b->merged || !may_go(m, b->job, b->interval)))
        sim_fail(m, "a shuffle block let go too early");
    if (b->kind == SIM_INPUT && !b->late && !input_may_go(m, b))
        sim_fail(m, "an input block let go too early");
}

void sim_check_held(struct sim *m)
{
    for (uint32_t i = 0; i < m->blocks_cnt && !m->stopping; i++) {
        const struct sim_block *b = &m->block[i];
        bool gone = b->released || b->readers_out || b->kind == SIM_OUT;
        if (!gone && b->kind == SIM_SHUFFLE && b->merged && may_go(m, b->job, b->interval))
            sim_fail(m, "a shuffle block is held too long");
        if (!gone && b->kind == SIM_INPUT && input_may_go(m, b))
            sim_fail(m, "an input block is held too long");
    }
}

// The lineage of a task is what will have been fed to it when its FLUSH is carried out; FEEDs may
// still be in the worker's queue.
static void check_lineage(struct sim *m, const struct action *a)
{
    struct sim_job *j = &m->job[a->job];
    uint32_t found_cnt = 0, worker = SCHED_WORKERS_MAX;
    for (uint32_t w = 0; w < m->conf.workers_cnt; w++) {
        const struct sim_task *t = &j->task[a->stage][w];
        uint32_t cnt = 0;
        if (t->open && t->interval == a->interval && t->number == a->task)
            for (uint32_t i = 0; i < t->cnt; i++, cnt++)
                if (cnt >= a->blocks_cnt || t->block[i] != a->blocks[cnt].id.b)
                    sim_fail(m, "lineage is not what was fed");
        for (uint32_t i = 0; i < m->worker[w].queue_cnt; i++) {
            const struct cmd *c = &m->worker[w].queue[i];
            if (c->kind != CMD_FEED || c->job != a->job || c->stage != a->stage ||
                c->interval != a->interval || c->task != a->task)
                continue;
            if (cnt >= a->blocks_cnt || c->block[0].id.b != a->blocks[cnt].id.b)
                sim_fail(m, "lineage is not what is being fed");
            cnt++;
        }
        if (cnt) {
            found_cnt += cnt;
            worker = w;
        }
    }
    if (worker == SCHED_WORKERS_MAX || found_cnt != a->blocks_cnt)
        sim_fail(m, "lineage of %u blocks, %u fed", a->blocks_cnt, found_cnt);
    else
        j->lineage[a->stage][worker]++;
}

static void write_log(struct sim *m, const struct action *a)
{
    char *log = m->log[a->job];
    size_t len = strlen(log), room = sizeof m->log[0] - len;
    if (a->kind == ACT_OUTPUT)
        snprintf(log + len, room, "%" PRIu64 ".%u%s ", a->interval, a->output,
                 a->complete ? "" : "!");
    else
        snprintf(log + len, room, "%" PRIu64 "%s ", a->interval, a->complete ? "" : "!");
}

void sim_check(struct sim *m, const struct action *a)
{
    if (m->stopped && !(a->kind == ACT_RELEASE && the_block(m, &a->block)->late))
        sim_fail(m, "an action after the end");
    switch (a->kind) {
    case ACT_COMMAND: check_command(m, a); break;
    case ACT_OUTPUT: check_output(m, a); break;
    case ACT_RELEASE: check_release(m, a); break;
    case ACT_INTERVAL: check_interval(m, a); break;
    case ACT_LINEAGE: check_lineage(m, a); break;
    case ACT_STOPPED: m->stopped = true; break;
    }
    if (a->kind == ACT_OUTPUT || a->kind == ACT_INTERVAL)
        write_log(m, a);
}
