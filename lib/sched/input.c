/*
 * What queues say: blocks, ends of ticks, gaps, the end of the run.
 *
 * A block is known once, here, and has one item in a list of each reader of its source. An
 * interval is known to come as soon as any queue has spoken of a tick in it.
 */
#include "sched/state.h"

uint64_t input_source_open(const struct sched *s, uint32_t source)
{
    uint64_t open = UINT64_MAX;

    if (s->stopping)
        return open;
    for (uint32_t q = 0; q < s->conf.queues_cnt; q++)
        if (s->queue[q].source == source && s->queue[q].open < open)
            open = s->queue[q].open;
    return open;
}

/* Ticks before `end` have been spoken of. */
static void know(struct sched *s, uint64_t end)
{
    if (end <= s->known_tick_end)
        return;
    s->known_tick_end = end;
    for (uint32_t i = 0; i < s->conf.jobs_cnt; i++) {
        struct sched_job_state *j = &s->job[i];
        j->known_end = max_u64(j->known_end, (end + j->ratio - 1) / j->ratio);
    }
}

/* Sources may have closed ticks: the open intervals that end in them are told. */
static void close_intervals(struct sched *s)
{
    for (uint32_t i = 0; i < s->readers_cnt; i++) {
        struct reader *r = &s->reader[i];
        struct sched_job_state *j = r->job;
        uint64_t open = input_source_open(s, r->source);

        for (uint64_t pos = j->head; pos < j->tail; pos++) {
            struct interval *iv = job_interval(s, j, pos);
            if (iv->end_tick >= open)
                break;
            if (!iv->stage[r->stage].closed)
                maptask_close(s, r, pos);
        }
    }
}

static uint32_t input_new(struct sched *s, const struct event *e, uint32_t readers_cnt)
{
    uint32_t i = s->input_free;

    MR_ASSERT(i != ITEM_NONE);
    struct input_block *b = &s->input[i];
    s->input_free = b->next_free;
    b->block = e->block;
    b->tick = e->tick;
    b->order = ++s->order;
    b->feeds_left = b->holds = readers_cnt;
    s->input_cnt++;
    s->input_waiting_cnt++;
    return i;
}

static void reader_add(struct sched *s, struct reader *r, uint32_t input)
{
    struct sched_job_state *j = r->job;
    uint64_t number = s->input[input].tick / j->ratio;
    uint32_t i = items_take(&s->items);

    s->items.item[i] = (struct item){.block = s->input[input].block, .input = input};
    for (uint64_t pos = j->tail; pos > j->head; pos--) {
        struct interval *iv = job_interval(s, j, pos - 1);
        if (iv->number != number)
            continue;
        MR_ASSERT(!iv->stage[r->stage].closed);
        list_push_front(&s->items, &iv->stage[r->stage].waiting, i);
        r->waiting_cnt++;
        return;
    }
    MR_ASSERT(number >= j->next);
    list_push(&s->items, &r->later, i);
}

void input_block(struct sched *s, const struct event *e)
{
    const struct input_queue *q = &s->queue[e->queue];
    uint32_t readers_cnt = 0;

    for (uint32_t i = 0; i < s->readers_cnt; i++)
        readers_cnt += s->reader[i].source == q->source;
    if (s->stopping || !readers_cnt) {
        act(s, ACT_RELEASE)->block = e->block;
        return;
    }
    MR_ASSERT(e->tick >= q->open);
    know(s, e->tick + 1);

    uint32_t input = input_new(s, e, readers_cnt);
    for (uint32_t i = 0; i < s->readers_cnt; i++)
        if (s->reader[i].source == q->source)
            reader_add(s, &s->reader[i], input);
}

void input_closed(struct sched *s, const struct event *e)
{
    struct input_queue *q = &s->queue[e->queue];

    if (s->stopping || e->tick < q->open)
        return;
    q->open = e->tick + 1;
    know(s, q->open);
    close_intervals(s);
}

/* Nothing is known of the ticks up to to_tick: intervals that hold no other ticks are skipped. */
static void job_skip(struct sched *s, struct sched_job_state *j, uint64_t to_tick)
{
    uint64_t from = j->known_end, to = to_tick / j->ratio;

    if (from >= to)
        return;
    MR_ASSERT(j->gap_tail - j->gap_head < s->gaps_max);
    j->gap[j->gap_tail++ % s->gaps_max] = (struct gap){from, to};
    j->known_end = to;
}

void input_skip(struct sched *s, uint64_t tick)
{
    if (s->stopping)
        return;
    if (tick >= s->known_tick_end) {
        for (uint32_t i = 0; i < s->conf.jobs_cnt; i++)
            job_skip(s, &s->job[i], tick + 1);
        s->known_tick_end = tick + 1;
    }
    for (uint32_t q = 0; q < s->conf.queues_cnt; q++)
        s->queue[q].open = max_u64(s->queue[q].open, tick + 1);
    close_intervals(s);
}

void input_stop(struct sched *s, const struct event *e)
{
    if (s->stopping)
        return;
    know(s, e->tick + 1);
    s->stopping = true;
    s->cut_tick = e->cut_tick;
    close_intervals(s);
}

void input_read(struct sched *s, uint32_t input)
{
    if (--s->input[input].feeds_left == 0)
        s->input_waiting_cnt--;
}

void input_drop(struct sched *s, uint32_t input)
{
    struct input_block *b = &s->input[input];

    if (--b->holds)
        return;
    act(s, ACT_RELEASE)->block = b->block;
    b->next_free = s->input_free;
    s->input_free = input;
    s->input_cnt--;
}
