/* Actions and commands go out. Their arrays are as long as the most that one step can do. */
#include "sched/state.h"

struct action *act(struct sched *s, enum action_kind kind)
{
    MR_ASSERT(s->actions_cnt < s->actions_max);
    struct action *a = &s->action[s->actions_cnt++];

    *a = (struct action){.kind = kind, .complete = true};
    return a;
}

struct block_ref *act_scratch(struct sched *s, uint32_t cnt)
{
    MR_ASSERT(cnt <= s->scratch_max - s->scratch_cnt);
    struct block_ref *p = s->scratch + s->scratch_cnt;

    s->scratch_cnt += cnt;
    return p;
}

static struct slot *free_slot(struct worker *w)
{
    for (uint32_t i = 0; i < SCHED_CREDITS; i++)
        if (!w->slot[i].used)
            return &w->slot[i];
    MR_ASSERT(!"a worker without credit is given nothing");
    return NULL;
}

/* The caller fills in what the command is about; it is read when the step returns. */
struct slot *act_command(struct sched *s, uint32_t worker, struct sched_job_state *j, uint64_t pos,
                         enum cmd_kind kind)
{
    struct worker *w = &s->worker[worker];
    struct slot *c = free_slot(w);
    struct interval *iv = job_interval(s, j, pos);

    c->used = true;
    c->pos = pos;
    c->group = NULL;
    c->task = NULL;
    c->blocks = LIST_EMPTY;
    c->rows = 0;
    c->cmd.seq = ++s->seq;
    c->cmd.attempt = 0;
    c->cmd.job = (uint16_t)j->idx;
    c->cmd.kind = (uint16_t)kind;
    c->cmd.interval = iv->number;
    c->cmd.stage = c->cmd.task = c->cmd.exchange = 0;
    c->cmd.partition_first = c->cmd.partition_cnt = c->cmd.blocks_cnt = 0;
    w->out_cnt++;
    s->commands_cnt++;
    iv->commands_out++;

    struct action *a = act(s, ACT_COMMAND);
    a->worker = worker;
    a->job = j->idx;
    a->interval = iv->number;
    a->cmd = &c->cmd;
    return c;
}

void act_release_list(struct sched *s, struct list *l)
{
    while (l->cnt) {
        uint32_t i = list_pop(&s->items, l);
        struct item *it = &s->items.item[i];

        if (it->input != ITEM_NONE) {
            input_drop(s, it->input);
        } else {
            act(s, ACT_RELEASE)->block = it->block;
            s->refs_cnt--;
        }
        items_give(&s->items, i);
    }
}
