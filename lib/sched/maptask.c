/*
 * Source stages: blocks are fed to the open map tasks of the workers, tasks are flushed.
 */
#include "sched/state.h"

static struct stage_state *task_stage(struct sched *s, const struct reader *r, uint64_t pos)
{
    return &job_interval(s, r->job, pos)->stage[r->stage];
}

static void check_ended(struct sched *s, struct reader *r, uint64_t pos)
{
    const struct stage_state *st = task_stage(s, r, pos);

    if (st->closed && !st->waiting.cnt && !st->tasks_open && !st->out_cnt && !st->ended)
        stage_ended(s, r->job, pos, r->stage);
}

static void queue_flush(struct sched *s, struct maptask *t)
{
    if (t->queued)
        return;
    t->queued = true;
    ready_push(&s->worker[t->worker].ready,
               (struct ready_entry){.rank = READY_FLUSH,
                                    .tick = job_interval(s, t->reader->job, t->pos)->end_tick,
                                    .order = ++s->order,
                                    .what = t});
}

/* Nothing more comes for this interval: its open tasks end. */
static void flush_all(struct sched *s, struct reader *r, uint64_t pos)
{
    for (uint32_t w = 0; w < s->conf.workers_cnt; w++)
        if (r->task[w].open && r->task[w].pos == pos)
            queue_flush(s, &r->task[w]);
}

void maptask_close(struct sched *s, struct reader *r, uint64_t pos)
{
    struct stage_state *st = task_stage(s, r, pos);

    st->closed = true;
    job_interval(s, r->job, pos)->sources_left--;
    if (!st->waiting.cnt)
        flush_all(s, r, pos);
    check_ended(s, r, pos);
}

static void begin(struct sched *s, struct maptask *t, uint64_t pos)
{
    struct stage_state *st = task_stage(s, t->reader, pos);

    t->open = true;
    t->pos = pos;
    t->number = st->tasks_cnt++;
    t->blocks_cnt = 0;
    st->tasks_open++;
}

void maptask_flush(struct sched *s, struct maptask *t)
{
    struct reader *r = t->reader;
    struct stage_state *st = task_stage(s, r, t->pos);
    struct block_ref *blocks = act_scratch(s, t->blocks_cnt);
    struct action *a = act(s, ACT_LINEAGE);

    MR_ASSERT(t->open);
    for (uint32_t i = 0; i < t->blocks_cnt; i++)
        blocks[i] = t->block[i];
    a->job = r->job->idx;
    a->interval = job_interval(s, r->job, t->pos)->number;
    a->stage = r->stage;
    a->task = t->number;
    a->blocks = blocks;
    a->blocks_cnt = t->blocks_cnt;

    struct slot *c = act_command(s, t->worker, r->job, t->pos, CMD_FLUSH);
    c->task = t;
    c->cmd.stage = r->stage;
    c->cmd.task = t->number;
    st->out_cnt++;
    st->tasks_open--;
    t->open = t->queued = false;
}

static void feed(struct sched *s, struct maptask *t, uint64_t pos)
{
    struct reader *r = t->reader;
    struct stage_state *st = task_stage(s, r, pos);
    struct worker *w = &s->worker[t->worker];
    struct slot *c = act_command(s, t->worker, r->job, pos, CMD_FEED);

    if (!t->open)
        begin(s, t, pos);
    uint32_t i = list_pop(&s->items, &st->waiting);
    list_push(&s->items, &c->blocks, i);
    c->task = t;
    c->rows = s->items.item[i].block.rows;
    c->cmd.stage = r->stage;
    c->cmd.task = t->number;
    c->cmd.blocks_cnt = 1;
    c->cmd.block[0] = s->items.item[i].block;
    c->cmd.block_partition[0] = 0;
    t->block[t->blocks_cnt++] = c->cmd.block[0];
    w->feeds_cnt++;
    w->map_rows += c->rows;
    r->waiting_cnt--;
    st->out_cnt++;

    if (t->blocks_cnt == SCHED_TASK_BLOCKS_MAX)
        queue_flush(s, t);
    if (st->closed && !st->waiting.cnt)
        flush_all(s, r, pos);
}

/* Does only the interval that everything else waits for go on? While shuffle blocks pile up, or
 * memory is short; and when it has ended and a single block of a later one waits: its result is not
 * to come behind that, while a worker that has much to map loses nothing. */
static bool oldest_only(struct sched *s, const struct reader *r)
{
    struct sched_job_state *j = r->job;

    if (s->conf.refs_max - s->refs_cnt < s->conf.refs_max / 4 || !job_ahead_room(s))
        return true;
    return r->waiting_cnt == 1 && !job_interval(s, j, j->head)->sources_left;
}

/* The oldest interval of which blocks of r may be fed, or UINT64_MAX. */
static uint64_t oldest_pos(struct sched *s, const struct reader *r)
{
    struct sched_job_state *j = r->job;
    uint64_t tail = j->head < j->tail && oldest_only(s, r) ? j->head + 1 : j->tail;

    for (uint64_t pos = j->head; r->waiting_cnt && pos < tail; pos++) {
        struct interval *iv = job_interval(s, j, pos);
        if (j->map_at_boundary && iv->sources_left)
            break;
        if (iv->stage[r->stage].waiting.cnt)
            return pos;
    }
    return UINT64_MAX;
}

/* The reader whose turn it is: of the oldest interval, and there the block that came last, so that
 * a block that several jobs read is read by all of them while it is hot. */
static struct reader *oldest_reader(struct sched *s, uint64_t *pos)
{
    struct reader *best = NULL;
    uint64_t best_tick = 0, best_order = 0;

    for (uint32_t i = 0; i < s->readers_cnt; i++) {
        struct reader *r = &s->reader[i];
        uint64_t p = oldest_pos(s, r);
        if (p == UINT64_MAX)
            continue;
        struct interval *iv = job_interval(s, r->job, p);
        uint32_t input = s->items.item[iv->stage[r->stage].waiting.head].input;
        uint64_t tick = iv->end_tick, order = s->input[input].order;
        if (best && (tick > best_tick || (tick == best_tick && order <= best_order)))
            continue;
        best = r;
        best_tick = tick;
        best_order = order;
        *pos = p;
    }
    return best;
}

static bool may_feed(const struct sched *s, const struct worker *w)
{
    if (s->tight)
        return !w->out_cnt;
    return w->out_cnt < SCHED_CREDITS && w->feeds_cnt < SCHED_FEEDS;
}

/* The worker with the least to map, of those that may be given a FEED; workers_cnt if none. */
static uint32_t idlest_worker(const struct sched *s)
{
    uint32_t best = s->conf.workers_cnt;

    for (uint32_t i = 0; i < s->conf.workers_cnt; i++) {
        const struct worker *w = &s->worker[i], *b = &s->worker[best];
        if (!may_feed(s, w))
            continue;
        if (best == s->conf.workers_cnt || w->map_rows < b->map_rows ||
            (w->map_rows == b->map_rows && w->out_cnt < b->out_cnt))
            best = i;
    }
    return best;
}

bool maptask_feed_one(struct sched *s)
{
    uint32_t worker = idlest_worker(s);
    if (worker == s->conf.workers_cnt)
        return false;

    uint64_t pos = 0;
    struct reader *r = oldest_reader(s, &pos);
    if (!r)
        return false;

    struct maptask *t = &r->task[worker];
    if (t->open && t->pos != pos) {
        if (t->queued) /* memory is short, and it waits for the interval that is fed now */
            ready_remove(&s->worker[worker].ready, t);
        maptask_flush(s, t);
    } else {
        MR_ASSERT(!t->queued);
        feed(s, t, pos);
    }
    return true;
}

static bool may_end(struct sched *s, const struct maptask *t)
{
    struct sched_job_state *j = t->reader->job;

    return t->open && !t->queued && !s->worker[t->worker].out_cnt &&
           job_interval(s, j, t->pos)->end_tick < s->ending_end &&
           (t->pos == j->head || job_ahead_room(s));
}

bool maptask_end_one(struct sched *s)
{
    for (uint32_t i = 0; i < s->readers_cnt; i++)
        for (uint32_t w = 0; w < s->conf.workers_cnt; w++)
            if (may_end(s, &s->reader[i].task[w])) {
                maptask_flush(s, &s->reader[i].task[w]);
                return true;
            }
    return false;
}

void maptask_done(struct sched *s, struct slot *c, bool lost)
{
    struct reader *r = c->task->reader;
    struct worker *w = &s->worker[c->task->worker];

    if (c->cmd.kind == CMD_FEED) {
        w->feeds_cnt--;
        w->map_rows -= c->rows;
        input_read(s, s->items.item[c->blocks.head].input);
    }
    task_stage(s, r, c->pos)->out_cnt--;
    if (lost)
        stage_lost(r->job, job_interval(s, r->job, c->pos), r->stage);
    check_ended(s, r, c->pos);
}
