/* The step: an event changes the state, then whatever may be given is given. */
#include "sched/state.h"

static struct slot *find_command(struct sched *s, const struct event *e)
{
    if (e->worker >= s->conf.workers_cnt)
        return NULL;
    struct worker *w = &s->worker[e->worker];
    for (uint32_t i = 0; i < SCHED_CREDITS; i++)
        if (w->slot[i].used && w->slot[i].cmd.seq == e->seq && w->slot[i].cmd.attempt == e->attempt)
            return &w->slot[i];
    return NULL;
}

static void take_output(struct sched *s, struct sched_job_state *j, struct interval *iv,
                        const struct out_ref *ref)
{
    uint32_t i = items_take(&s->items);

    MR_ASSERT(s->refs_cnt < s->conf.refs_max && ref->output < j->plan->outputs_cnt);
    MR_ASSERT(slide_active(j->plan->output[ref->output].slide, iv->number));
    s->refs_cnt++;
    s->items.item[i] = (struct item){.block = ref->block, .input = ITEM_NONE};
    list_push(&s->items, &iv->output[ref->output].blocks, i);
}

/* What the command has read is not needed for it any more. */
static void let_go(struct sched *s, struct slot *c, struct interval *iv)
{
    if (s->conf.keep)
        list_append(&s->items, &iv->kept, &c->blocks);
    else
        act_release_list(s, &c->blocks);
}

static void command_done(struct sched *s, const struct event *e)
{
    struct slot *c = find_command(s, e);
    if (!c) {
        s->stale++;
        return;
    }
    struct sched_job_state *j = &s->job[c->cmd.job];
    struct interval *iv = job_interval(s, j, c->pos);

    for (uint32_t i = 0; i < e->shuffle_cnt; i++)
        group_add(s, j, c->pos, &e->shuffle[i]);
    for (uint32_t i = 0; i < e->out_cnt; i++)
        take_output(s, j, iv, &e->out[i]);
    if (c->task)
        maptask_done(s, c, e->lost);
    else
        group_done(s, c, e->lost);
    let_go(s, c, iv);
    c->used = false;
    s->worker[e->worker].out_cnt--;
    s->commands_cnt--;
    iv->commands_out--;
}

static void take(struct sched *s, const struct event *e)
{
    switch (e->kind) {
    case EV_BLOCK: input_block(s, e); break;
    case EV_CLOSED: input_closed(s, e); break;
    case EV_SKIP: input_skip(s, e->tick); break;
    case EV_ENDING: s->ending_end = max_u64(s->ending_end, e->tick + 1); break;
    case EV_DONE: command_done(s, e); break;
    case EV_STOP: input_stop(s, e); break;
    }
}

/* What makes no blocks, or those of the oldest interval. */
static bool is_not_ahead(const struct ready_entry *e)
{
    const struct group *g = e->what;
    const struct maptask *t = e->what;

    switch (e->rank) {
    case READY_CLOSE: return g->pos == g->job->head;
    case READY_MERGE: return true;
    case READY_FLUSH: return t->pos == t->reader->job->head;
    }
    return true;
}

static bool next_ready(const struct sched *s, struct ready *r, struct ready_entry *e)
{
    if (!job_ahead_room(s))
        return ready_pop_if(r, is_not_ahead, e);
    if (!r->cnt)
        return false;
    *e = ready_pop(r);
    return true;
}

static void give_ready(struct sched *s, struct worker *w)
{
    struct ready_entry e;

    while (w->out_cnt < SCHED_CREDITS && next_ready(s, &w->ready, &e)) {
        if (e.rank == READY_FLUSH)
            maptask_flush(s, e.what);
        else
            group_give(s, e.what);
    }
}

static void give(struct sched *s)
{
    do {
        for (uint32_t i = 0; i < s->conf.workers_cnt; i++)
            give_ready(s, &s->worker[i]);
    } while (maptask_feed_one(s) || maptask_end_one(s));
}

static void check_stopped(struct sched *s)
{
    if (!s->stopping || s->stopped || s->more || s->commands_cnt)
        return;
    for (uint32_t i = 0; i < s->conf.jobs_cnt; i++)
        if (s->job[i].head < s->job[i].tail)
            return;
    for (uint32_t i = 0; i < s->conf.jobs_cnt; i++)
        job_release_kept(s, &s->job[i]);
    MR_ASSERT(!s->refs_cnt && !s->input_cnt);
    s->stopped = true;
    act(s, ACT_STOPPED);
}

uint32_t sched_step(struct sched *s, const struct event *e, const struct action **actions)
{
    s->actions_cnt = 0;
    s->scratch_cnt = 0;
    s->more = false;
    for (uint32_t i = 0; i < s->conf.jobs_cnt; i++)
        s->job[i].retire_left = s->ring_cnt;

    if (e)
        take(s, e);
    for (uint32_t i = 0; i < s->conf.jobs_cnt; i++)
        job_progress(s, &s->job[i]);
    give(s);
    check_stopped(s);
    *actions = s->action;
    return s->actions_cnt;
}

void sched_memory(struct sched *s, uint32_t ahead_max, bool tight)
{
    bool had_room = job_ahead_room(s), was_tight = s->tight;

    s->ahead_max = ahead_max;
    s->tight = tight;
    s->more |= (job_ahead_room(s) && !had_room) || (was_tight && !tight); /* may go on */
}

bool sched_more(const struct sched *s)
{
    return s->more;
}

/* Intervals of a job whose input has ended and that are not done. */
static uint64_t late_intervals(const struct sched *s, const struct sched_job_state *j)
{
    uint64_t n = 0, end = j->known_end;

    for (uint64_t pos = j->head; pos < j->tail; pos++)
        n += j->ring[pos % s->ring_cnt].sources_left == 0;
    for (uint32_t i = 0; i < s->readers_cnt; i++) {
        uint64_t open = input_source_open(s, s->reader[i].source) / j->ratio;
        if (s->reader[i].job == j && open < end)
            end = open;
    }
    return n + job_unopened(s, j, end);
}

/* The interval that a job is at, as its last tick. */
static uint64_t oldest_end(const struct sched *s, const struct sched_job_state *j)
{
    uint64_t number = j->head < j->tail ? j->ring[j->head % s->ring_cnt].number : j->next;

    return number * j->ratio + j->ratio - 1;
}

static bool is_hungry(const struct sched *s)
{
    for (uint32_t i = 0; i < s->readers_cnt; i++)
        if (s->reader[i].waiting_cnt)
            return false;
    for (uint32_t i = 0; i < s->conf.workers_cnt; i++)
        if (!s->worker[i].out_cnt)
            return true;
    return false;
}

void sched_look(const struct sched *s, struct sched_view *v)
{
    *v = (struct sched_view){.oldest_end_tick = UINT64_MAX,
                             .blocks_waiting = s->input_waiting_cnt,
                             .blocks_held = s->input_cnt,
                             .refs_held = s->refs_cnt,
                             .commands_out = s->commands_cnt,
                             .hungry = is_hungry(s),
                             .stale = s->stale};
    for (uint32_t i = 0; i < s->conf.jobs_cnt; i++) {
        const struct sched_job_state *j = &s->job[i];
        uint64_t known = j->tail - j->head + job_unopened(s, j, j->known_end);

        if (oldest_end(s, j) < v->oldest_end_tick) {
            v->oldest_end_tick = oldest_end(s, j);
            v->oldest_job = i;
        }
        v->intervals_open = max_u64(v->intervals_open, known);
        v->backlogged |= late_intervals(s, j) > s->conf.intervals_max;
    }
}

bool sched_idle(const struct sched *s)
{
    return !s->commands_cnt && !s->more;
}
