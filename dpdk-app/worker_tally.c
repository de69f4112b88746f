#include "dpdk-app/worker_tally.h"

#include <stdlib.h>

/* What was taken of the state of a partition already. */
struct state_seen {
    uint64_t refused, failed, too_long, keys;
};

struct worker_tally {
    const struct plan *plan;
    uint64_t count[WORKER_COUNTS_CNT], *failed; /* seen by all */
    uint64_t *state_failed;                     /* the worker's own, by fail_idx */
    struct state_seen *seen[PLAN_EXCHANGES_MAX];
};

static size_t bytes_of(const struct plan *p)
{
    size_t bytes = sizeof(struct worker_tally) + 2 * (p->fails_cnt + 1) * sizeof(uint64_t);

    for (uint32_t x = 0; x < p->exchanges_cnt; x++)
        bytes += p->exchange[x]->partitions * sizeof(struct state_seen);
    return bytes;
}

struct worker_tally *worker_tally_new(const struct plan *p)
{
    struct worker_tally *t = calloc(1, bytes_of(p));

    if (!t)
        return NULL;
    t->plan = p;
    t->failed = (uint64_t *)(t + 1);
    t->state_failed = t->failed + p->fails_cnt + 1;
    struct state_seen *seen = (struct state_seen *)(t->state_failed + p->fails_cnt + 1);
    for (uint32_t x = 0; x < p->exchanges_cnt; x++) {
        t->seen[x] = seen;
        seen += p->exchange[x]->partitions;
    }
    return t;
}

static void put(uint64_t *to, uint64_t v)
{
    __atomic_store_n(to, v, __ATOMIC_RELAXED);
}

/* What the state has counted since it was looked at last. */
static void put_state(struct worker_tally *t, const struct job_state *s, uint32_t x, uint32_t p)
{
    const struct exchange *e = t->plan->exchange[x];
    const struct agg_state *agg = s->agg[x] ? &s->agg[x][p] : NULL;
    const struct rows_state *rows = s->rows[x] ? &s->rows[x][p] : NULL;
    struct state_seen now = {.refused = agg ? agg->refused : rows->refused,
                             .failed = agg ? agg->failed : 0,
                             .too_long = rows ? rows->too_long : 0,
                             .keys = agg ? agg->t.live : 0};
    struct state_seen *seen = &t->seen[x][p];

    put(&t->count[WORKER_STATE_FULL], t->count[WORKER_STATE_FULL] + now.refused - seen->refused);
    put(&t->count[WORKER_LIST_TOO_LONG],
        t->count[WORKER_LIST_TOO_LONG] + now.too_long - seen->too_long);
    put(&t->count[WORKER_STATE_KEYS], t->count[WORKER_STATE_KEYS] + now.keys - seen->keys);
    if (agg && e->node->fn)
        t->state_failed[e->fail_idx] += now.failed - seen->failed;
    *seen = now;
}

void worker_tally_put(struct worker_tally *t, const struct runner *r, uint32_t x, uint32_t first,
                      uint32_t cnt)
{
    uint64_t offered = 0, dropped[RECORD_DROPS_CNT] = {0}, scratch_full = 0;

    for (uint32_t s = 0; s < r->sources_cnt; s++) {
        offered += r->counters[s].offered;
        for (uint32_t d = 0; d < RECORD_DROPS_CNT; d++)
            dropped[d] += r->counters[s].dropped[d];
    }
    for (uint32_t i = 0; i < t->plan->stages_cnt; i++)
        scratch_full += r->pipe[i].no_memory;
    put(&t->count[WORKER_RECORDS], offered);
    for (uint32_t d = 0; d < RECORD_DROPS_CNT; d++)
        put(&t->count[WORKER_DROPPED + d], dropped[d]);
    put(&t->count[WORKER_SCRATCH_FULL], scratch_full);
    put(&t->count[WORKER_NO_MEMORY], r->out.refused);
    put(&t->count[WORKER_ROW_TOO_LONG], r->out.too_long);
    put(&t->count[WORKER_DAMAGED_BLOCK], r->damaged);
    for (uint32_t p = first; p < first + cnt; p++)
        put_state(t, r->state, x, p);
    for (uint32_t f = 0; f < t->plan->fails_cnt; f++)
        put(&t->failed[f], r->failed[f] + t->state_failed[f]);
}

uint64_t worker_tally_get(const struct worker_tally *t, uint32_t count)
{
    return __atomic_load_n(&t->count[count], __ATOMIC_RELAXED);
}

uint64_t worker_tally_failed(const struct worker_tally *t, uint32_t fail_idx)
{
    return __atomic_load_n(&t->failed[fail_idx], __ATOMIC_RELAXED);
}
