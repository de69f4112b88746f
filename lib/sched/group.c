/*
 * Partitions of exchanges, in groups: shuffle blocks are merged as they come, then the interval
 * is closed. A group works at one interval at a time and has at most one entry in the heap of
 * its worker; commands of a group are carried out in the order in which they are given, so
 * CLOSE may follow the last MERGE, and MERGE of the next interval may follow CLOSE, at once.
 */
#include "sched/state.h"

void group_try(struct sched *s, struct group *g)
{
    struct sched_job_state *j = g->job;

    if (g->queued || g->pos >= j->tail)
        return;
    struct interval *iv = job_interval(s, j, g->pos);
    bool merge = iv->to_merge[g->idx].cnt > 0;
    if (!merge && iv->exchange[g->exchange].writers_left)
        return;
    g->queued = true;
    ready_push(&s->worker[g->worker].ready,
               (struct ready_entry){.rank = merge ? READY_MERGE : READY_CLOSE,
                                    .tick = iv->end_tick,
                                    .order = ++s->order,
                                    .what = g});
}

static void fill_merge(struct sched *s, struct slot *c, struct list *to_merge)
{
    uint32_t n = 0;

    while (to_merge->cnt && n < SCHED_MERGE_BLOCKS_MAX) {
        uint32_t i = list_pop(&s->items, to_merge);
        c->cmd.block[n] = s->items.item[i].block;
        c->cmd.block_partition[n] = s->items.item[i].partition;
        list_push(&s->items, &c->blocks, i);
        n++;
    }
    c->cmd.blocks_cnt = n;
}

void group_give(struct sched *s, struct group *g)
{
    struct interval *iv = job_interval(s, g->job, g->pos);
    bool merge = iv->to_merge[g->idx].cnt > 0;
    struct slot *c = act_command(s, g->worker, g->job, g->pos, merge ? CMD_MERGE : CMD_CLOSE);

    c->group = g;
    c->cmd.exchange = g->exchange;
    c->cmd.partition_first = g->partition_first;
    c->cmd.partition_cnt = g->partition_cnt;
    if (merge)
        fill_merge(s, c, &iv->to_merge[g->idx]);
    else
        g->pos++;
    g->queued = false;
    group_try(s, g);
}

void group_add(struct sched *s, struct sched_job_state *j, uint64_t pos,
               const struct shuffle_ref *ref)
{
    struct exchange_plan *x = &j->exchange[ref->exchange];
    MR_ASSERT(ref->partition < j->plan->exchange[ref->exchange]->partitions);
    struct group *g = &j->group[x->group_first + x->group_of[ref->partition]];
    uint32_t i = items_take(&s->items);

    MR_ASSERT(g->pos <= pos && s->refs_cnt < s->conf.refs_max);
    s->refs_cnt++;
    s->items.item[i] =
        (struct item){.block = ref->block, .input = ITEM_NONE, .partition = ref->partition};
    list_push(&s->items, &job_interval(s, j, pos)->to_merge[g->idx], i);
    group_try(s, g);
}

void group_done(struct sched *s, struct slot *c, bool lost)
{
    struct group *g = c->group;
    struct exchange_state *x = &job_interval(s, g->job, c->pos)->exchange[g->exchange];

    if (c->cmd.kind != CMD_CLOSE)
        return;
    x->lost |= lost;
    if (--x->groups_left == 0)
        stage_ended(s, g->job, c->pos, g->job->exchange[g->exchange].stage);
}
