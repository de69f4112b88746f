/*
 * Intervals of a job: opened in order as far as the ring reaches, their outputs leave in order,
 * and what is done is retired in order.
 */
#include "sched/state.h"

static void reset(struct sched_job_state *j, struct interval *iv)
{
    const struct plan *p = j->plan;

    iv->number = j->next;
    iv->end_tick = j->next * j->ratio + j->ratio - 1;
    iv->sources_left = j->sources_cnt;
    iv->stages_left = p->stages_cnt;
    iv->commands_out = 0;
    iv->lost = false;
    iv->kept = LIST_EMPTY;
    for (uint32_t i = 0; i < p->stages_cnt; i++)
        iv->stage[i] = (struct stage_state){.waiting = LIST_EMPTY};
    for (uint32_t i = 0; i < p->exchanges_cnt; i++)
        iv->exchange[i] = (struct exchange_state){.writers_left = j->exchange[i].writers_cnt,
                                                  .groups_left = j->exchange[i].groups_cnt};
    for (uint32_t i = 0; i < p->outputs_cnt; i++)
        iv->output[i] =
            (struct output_state){.writers_left = j->output_writers_cnt[i], .blocks = LIST_EMPTY};
    for (uint32_t i = 0; i < j->groups_cnt; i++)
        iv->to_merge[i] = LIST_EMPTY;
}

/* The blocks that waited for this interval to have a place. */
static void admit(struct sched *s, struct reader *r, struct interval *iv)
{
    struct list rest = LIST_EMPTY, *waiting = &iv->stage[r->stage].waiting;

    while (r->later.cnt) {
        uint32_t i = list_pop(&s->items, &r->later);
        uint64_t number = s->input[s->items.item[i].input].tick / r->job->ratio;
        if (number == iv->number)
            list_push_front(&s->items, waiting, i);
        else
            list_push(&s->items, &rest, i);
    }
    r->later = rest;
    r->waiting_cnt += waiting->cnt;
}

static void open_next(struct sched *s, struct sched_job_state *j)
{
    uint64_t pos = j->tail++;
    struct interval *iv = job_interval(s, j, pos);

    reset(j, iv);
    j->next++;
    for (uint32_t i = 0; i < s->readers_cnt; i++)
        if (s->reader[i].job == j)
            admit(s, &s->reader[i], iv);
    for (uint32_t i = 0; i < s->readers_cnt; i++) {
        struct reader *r = &s->reader[i];
        if (r->job == j && input_source_open(s, r->source) > iv->end_tick)
            maptask_close(s, r, pos);
    }
}

static void open_known(struct sched *s, struct sched_job_state *j)
{
    while (j->tail - j->head < s->ring_cnt) {
        if (j->gap_head < j->gap_tail && j->gap[j->gap_head % s->gaps_max].from == j->next) {
            j->next = j->gap[j->gap_head++ % s->gaps_max].to;
            continue;
        }
        if (j->next >= j->known_end)
            return;
        open_next(s, j);
    }
}

void stage_lost(struct sched_job_state *j, struct interval *iv, uint32_t stage)
{
    const struct stage *st = j->plan->stage[stage];

    iv->lost = true;
    for (uint32_t x = 0; x < j->plan->exchanges_cnt; x++)
        iv->exchange[x].lacks |= st->writes >> x & 1;
    for (uint32_t o = 0; o < j->plan->outputs_cnt; o++)
        iv->output[o].lost |= st->outputs >> o & 1;
}

/* Does the window of the exchange that ends with this interval cover one that lacks records? What
 * is written in all of them is known when the exchange closes. */
static bool window_lacks(struct sched *s, struct sched_job_state *j, uint64_t pos,
                         uint32_t exchange)
{
    uint64_t len = j->plan->exchange[exchange]->len, number = job_interval(s, j, pos)->number;
    const struct exchange_plan *x = &j->exchange[exchange];

    for (uint64_t p = j->head; p <= pos; p++) {
        const struct interval *iv = job_interval(s, j, p);
        if (iv->exchange[exchange].lacks && number - iv->number < len)
            return true;
    }
    return x->has_lacked && number - x->lacked < len;
}

void stage_ended(struct sched *s, struct sched_job_state *j, uint64_t pos, uint32_t stage)
{
    struct interval *iv = job_interval(s, j, pos);
    const struct stage *st = j->plan->stage[stage];

    MR_ASSERT(!iv->stage[stage].ended);
    if (st->from && window_lacks(s, j, pos, st->from->idx))
        iv->exchange[st->from->idx].lost = true;
    if (st->from && iv->exchange[st->from->idx].lost) {
        iv->lost = true;
        if (slide_active(st->from->slide, iv->number))
            stage_lost(j, iv, stage);
    }
    iv->stage[stage].ended = true;
    iv->stages_left--;
    for (uint32_t o = 0; o < j->plan->outputs_cnt; o++)
        iv->output[o].writers_left -= st->outputs >> o & 1;
    for (uint32_t x = 0; x < j->plan->exchanges_cnt; x++) {
        if (!(st->writes >> x & 1) || --iv->exchange[x].writers_left)
            continue;
        struct group *g = &j->group[j->exchange[x].group_first];
        for (uint32_t i = 0; i < j->exchange[x].groups_cnt; i++)
            group_try(s, &g[i]);
    }
}

static bool is_cut(const struct sched *s, const struct interval *iv)
{
    return s->stopping && iv->end_tick >= s->cut_tick;
}

static void output_leave(struct sched *s, struct sched_job_state *j, struct interval *iv,
                         uint32_t output)
{
    struct list *l = &iv->output[output].blocks;
    struct block_ref *blocks = act_scratch(s, l->cnt);
    struct action *a = act(s, ACT_OUTPUT);

    a->job = j->idx;
    a->interval = iv->number;
    a->output = output;
    a->complete = !is_cut(s, iv) && !iv->output[output].lost;
    a->blocks = blocks;
    a->blocks_cnt = l->cnt;
    while (l->cnt) {
        uint32_t i = list_pop(&s->items, l);
        *blocks++ = s->items.item[i].block;
        items_give(&s->items, i);
        s->refs_cnt--;
    }
}

static void outputs_leave(struct sched *s, struct sched_job_state *j)
{
    for (; j->out_pos < j->tail; j->out_pos++, j->out_idx = 0) {
        struct interval *iv = job_interval(s, j, j->out_pos);

        for (; j->out_idx < j->plan->outputs_cnt; j->out_idx++) {
            uint32_t o = j->out_idx;
            if (!slide_active(j->plan->output[o].slide, iv->number))
                continue;
            if (iv->output[o].writers_left)
                return;
            output_leave(s, j, iv, o);
        }
    }
}

static void keep(struct sched *s, struct sched_job_state *j, struct list *blocks)
{
    if (!s->conf.keep) {
        MR_ASSERT(!blocks->cnt);
        return;
    }
    struct list *l = &j->kept[j->kept_cnt++ % s->conf.keep];
    act_release_list(s, l);
    list_append(&s->items, l, blocks);
}

static bool retire(struct sched *s, struct sched_job_state *j)
{
    struct interval *iv = job_interval(s, j, j->head);

    if (j->head == j->out_pos || iv->stages_left || iv->commands_out)
        return false;
    if (!j->retire_left) {
        s->more = true;
        return false;
    }
    j->retire_left--;
    struct action *a = act(s, ACT_INTERVAL);
    a->job = j->idx;
    a->interval = iv->number;
    a->complete = !is_cut(s, iv) && !iv->lost;
    for (uint32_t x = 0; x < j->plan->exchanges_cnt; x++)
        if (iv->exchange[x].lacks) {
            j->exchange[x].has_lacked = true;
            j->exchange[x].lacked = iv->number;
        }
    keep(s, j, &iv->kept);
    j->head++;
    return true;
}

void job_progress(struct sched *s, struct sched_job_state *j)
{
    bool retired;

    do {
        open_known(s, j);
        outputs_leave(s, j);
        retired = false;
        while (retire(s, j))
            retired = true;
    } while (retired);
}

void job_release_kept(struct sched *s, struct sched_job_state *j)
{
    for (uint64_t i = 0; i < s->conf.keep; i++)
        act_release_list(s, &j->kept[(j->kept_cnt + i) % s->conf.keep]);
}

bool job_ahead_room(const struct sched *s)
{
    uint32_t ahead = s->commands_cnt;

    for (uint32_t i = 0; ahead >= s->ahead_max && i < s->conf.jobs_cnt; i++) {
        const struct sched_job_state *j = &s->job[i];
        if (j->head < j->tail)
            ahead -= j->ring[j->head % s->ring_cnt].commands_out;
    }
    return ahead < s->ahead_max;
}

uint64_t job_unopened(const struct sched *s, const struct sched_job_state *j, uint64_t end)
{
    uint64_t n = end > j->next ? end - j->next : 0;

    for (uint64_t i = j->gap_head; i < j->gap_tail; i++) {
        const struct gap *g = &j->gap[i % s->gaps_max];
        if (g->to <= end)
            n -= g->to - g->from;
    }
    return n;
}
