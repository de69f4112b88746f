/*
 * Lineage: what was lost is made again from its ancestors, to the same bytes.
 *
 * While a job runs, its shuffle blocks are dropped at random (their bodies are overwritten) and
 * made again when they are needed: those of a map task from its input blocks, in a runner that has
 * seen nothing else; those of a CLOSE from states that begin empty and take the shuffle blocks of
 * all earlier intervals, made again themselves if need be. Partitions of states are dropped between
 * intervals (all their memory is overwritten) and made again from shuffle blocks. The order in
 * which blocks are merged again is drawn by chance. In the end the outputs must be those of the
 * reference, and every block that was made must be remade once more to the same header and bytes.
 *
 * One thing is compared by what it says and not by its bytes: the block of a top whose candidates
 * did not fit one buffer may be cut differently. No program here is that large.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/crc32c.h"
#include "rdd/agg_state.h"
#include "tests/engine/trial.h"
#include "tests/test.h"

#define INTERVALS    9u
#define BLOCKS_MAX   16384u
#define TASKS_MAX    1024u
#define SAME_MAX     1024u /* blocks of one partition in one interval */
#define KEEP_FOR_RUN 1000u
#define GARBAGE      0xa5

/* A map task and its blocks, or a CLOSE of a group of partitions. */
struct producer {
    bool is_close;
    uint32_t stage, task;                    /* map */
    uint32_t exchange, first, partition_cnt; /* CLOSE */
    uint64_t interval;
    uint32_t inputs_cnt;
    struct block *input[SCHED_TASK_BLOCKS_MAX];
};

/* A shuffle block that was made. */
struct known {
    struct block *block;
    struct block_hdr hdr;
    uint32_t crc, exchange, partition, producer;
    bool dropped;
};

struct lineage {
    struct trial trial;
    struct prng prng;
    struct producer producer[TASKS_MAX];
    struct known known[BLOCKS_MAX];
    uint32_t producers_cnt, known_cnt, remade_cnt, states_cnt;
};

static void remake(struct lineage *l, struct known *k);

static uint8_t *body_of(const struct known *k)
{
    return (uint8_t *)(uintptr_t)k->block->base;
}

static void drop(struct known *k)
{
    memset(body_of(k), GARBAGE, k->hdr.bytes);
    k->dropped = true;
}

/* ---- what the run tells ---------------------------------------------------------------------- */

static void on_lineage(void *ctx, const struct action *a)
{
    struct lineage *l = ctx;
    struct producer *p = &l->producer[l->producers_cnt++];

    MR_ASSERT(l->producers_cnt < TASKS_MAX);
    *p = (struct producer){.stage = a->stage, .task = a->task, .interval = a->interval};
    for (uint32_t i = 0; i < a->blocks_cnt; i++)
        p->input[p->inputs_cnt++] = engine_block_at(l->trial.engine, a->blocks[i].slot);
}

static uint32_t map_of(const struct lineage *l, const struct cmd *c)
{
    for (uint32_t i = 0; i < l->producers_cnt; i++) {
        const struct producer *p = &l->producer[i];
        if (!p->is_close && p->stage == c->stage && p->task == c->task &&
            p->interval == c->interval)
            return i;
    }
    MR_ASSERT(!"its lineage came before the end of the task");
    return 0;
}

static uint32_t close_of(struct lineage *l, const struct cmd *c)
{
    MR_ASSERT(l->producers_cnt < TASKS_MAX);
    l->producer[l->producers_cnt] = (struct producer){.is_close = true,
                                                      .exchange = c->exchange,
                                                      .first = c->partition_first,
                                                      .partition_cnt = c->partition_cnt,
                                                      .interval = c->interval};
    return l->producers_cnt++;
}

static void on_done(void *ctx, const struct cmd *c, const struct runner *r)
{
    struct lineage *l = ctx;

    MR_ASSERT(c->kind != CMD_FEED || !r->out.made_cnt); /* tables are larger than any input here */
    if (c->kind != CMD_FLUSH && c->kind != CMD_CLOSE)
        return;
    uint32_t producer = c->kind == CMD_FLUSH ? map_of(l, c) : close_of(l, c);
    for (uint32_t i = 0; i < r->out.made_cnt; i++) {
        const struct made *m = &r->out.made[i];
        if (m->exchange < 0)
            continue;
        MR_ASSERT(l->known_cnt < BLOCKS_MAX);
        struct known *k = &l->known[l->known_cnt++];
        *k = (struct known){.block = m->block,
                            .hdr = m->block->hdr,
                            .crc = crc32c(0, m->block->base, m->block->hdr.bytes),
                            .exchange = (uint32_t)m->exchange,
                            .partition = m->partition,
                            .producer = producer};
        if (prng_chance(&l->prng, 20))
            drop(k);
    }
}

static void on_merging(void *ctx, struct block *b)
{
    struct lineage *l = ctx;

    for (uint32_t i = 0; i < l->known_cnt; i++)
        if (l->known[i].block == b && l->known[i].dropped)
            remake(l, &l->known[i]);
}

/* ---- making again ---------------------------------------------------------------------------- */

static void run(struct runner *r)
{
    while (runner_step(r))
        ;
}

static void let_go(struct lineage *l, struct runner *r)
{
    for (uint32_t i = 0; i < r->out.made_cnt; i++)
        engine_drop(l->trial.engine, r->out.made[i].block);
    r->out.made_cnt = 0;
}

/* The shuffle blocks of an interval for a partition go into its state, in any order. */
static void merge_again(struct lineage *l, struct runner *r, uint32_t exchange, uint32_t partition,
                        uint64_t interval)
{
    struct known *of[SAME_MAX];
    uint32_t n = 0;

    for (uint32_t i = 0; i < l->known_cnt; i++) {
        struct known *k = &l->known[i];
        if (k->exchange != exchange || k->partition != partition || k->hdr.interval != interval)
            continue;
        uint32_t at = (uint32_t)prng_below(&l->prng, n + 1);
        MR_ASSERT(n < SAME_MAX);
        of[n++] = of[at];
        of[at] = k;
    }
    for (uint32_t i = 0; i < n; i++) {
        struct known *k = of[i];
        if (k->dropped)
            remake(l, k);
        runner_merge(r, exchange, interval, partition, k->block);
        run(r);
    }
}

/* The oldest interval that the state of x after interval n knows of. */
static uint64_t oldest_of(const struct lineage *l, uint32_t exchange, uint64_t n)
{
    uint64_t len = engine_plan(l->trial.engine)->exchange[exchange]->len;

    return n - l->trial.first < len ? l->trial.first : n - len + 1;
}

static void map_again(struct runner *r, const struct producer *p)
{
    for (uint32_t i = 0; i < p->inputs_cnt; i++) {
        runner_feed(r, p->stage, p->interval, p->task, p->input[i]);
        run(r);
    }
    runner_flush(r, p->stage, p->interval, p->task);
    run(r);
}

static void close_again(struct lineage *l, struct runner *r, const struct producer *p)
{
    for (uint64_t n = oldest_of(l, p->exchange, p->interval); n <= p->interval; n++) {
        let_go(l, r); /* what the earlier intervals emitted */
        for (uint32_t i = 0; i < p->partition_cnt; i++)
            merge_again(l, r, p->exchange, p->first + i, n);
        runner_close_interval(r, p->exchange, n, p->first, p->partition_cnt);
        run(r);
    }
}

static void compare(struct known *k, const struct block *again)
{
    EXPECT_EQ_MEM(&again->hdr, &k->hdr, sizeof k->hdr);
    EXPECT_EQ_INT(crc32c(0, again->base, again->hdr.bytes), k->crc);
    if (again->hdr.bytes == k->hdr.bytes)
        memcpy(body_of(k), again->base, again->hdr.bytes);
}

static bool same_id(const struct block_id *a, const struct block_id *b)
{
    return a->a == b->a && a->b == b->b && a->c == b->c;
}

/* One block again, and with it whatever its task makes: all that were lost come back. */
static void remake(struct lineage *l, struct known *k)
{
    const struct producer *p = &l->producer[k->producer];
    struct job_state state;
    const struct plan *plan = engine_plan(l->trial.engine);
    void *mem = aligned_alloc(64, (job_state_bytes(plan) + 63) & ~(size_t)63);

    job_state_init(&state, plan, mem);
    struct runner *r = engine_runner(l->trial.engine, &state);
    r->out.made_cnt = 0;
    if (p->is_close)
        close_again(l, r, p);
    else
        map_again(r, p);
    bool found = false;
    for (uint32_t i = 0; i < r->out.made_cnt; i++)
        for (uint32_t j = 0; j < l->known_cnt; j++)
            if (l->known[j].producer == k->producer && r->out.made[i].exchange >= 0 &&
                same_id(&r->out.made[i].block->hdr.id, &l->known[j].hdr.id)) {
                compare(&l->known[j], r->out.made[i].block);
                l->known[j].dropped = false;
                found |= k == &l->known[j];
                l->remade_cnt++;
            }
    EXPECT(found);
    let_go(l, r);
    engine_runner_free(r);
    free(mem);
}

/* The state of one partition is lost after interval n and made again, where it was. */
static void state_again(struct lineage *l, uint32_t exchange, uint32_t partition, uint64_t n)
{
    struct job_state *state = engine_state(l->trial.engine);
    const struct exchange *x = state->plan->exchange[exchange];
    struct runner *r = engine_runner(l->trial.engine, state);

    if (x->kind == EX_AGG) {
        struct agg_state *s = &state->agg[exchange][partition];
        void *mem = s->row_init;
        memset(mem, GARBAGE, x->state_bytes);
        agg_state_init(s, x, mem);
    } else {
        struct rows_state *s = &state->rows[exchange][partition];
        void *mem = s->span;
        memset(mem, GARBAGE, x->state_bytes);
        rows_state_init(s, x, mem);
    }
    r->out.made_cnt = 0;
    for (uint64_t i = oldest_of(l, exchange, n); i <= n; i++) {
        merge_again(l, r, exchange, partition, i);
        runner_close_interval(r, exchange, i, partition, 1);
        run(r);
        let_go(l, r);
    }
    engine_runner_free(r);
    l->states_cnt++;
}

static void drop_at_random(struct lineage *l, uint64_t n)
{
    const struct plan *plan = engine_plan(l->trial.engine);

    for (uint32_t i = 0; i < l->known_cnt; i++)
        if (prng_chance(&l->prng, 10))
            drop(&l->known[i]);
    for (uint32_t i = 0; i < 2 && plan->exchanges_cnt; i++) {
        uint32_t x = (uint32_t)prng_below(&l->prng, plan->exchanges_cnt);
        state_again(l, x, (uint32_t)prng_below(&l->prng, plan->exchange[x]->partitions), n);
    }
}

static void lose_and_make_again(const struct program *p, uint64_t seed)
{
    struct lineage *l = calloc(1, sizeof *l);
    struct engine_hook hook = {l, on_lineage, on_done, on_merging};

    l->prng = prng_of(~seed);
    if (trial_begin(&l->trial, p, seed, KEEP_FOR_RUN, &hook)) {
        uint64_t last = l->trial.first + INTERVALS - 1;
        for (uint64_t n = l->trial.first; n <= last; n++) {
            trial_interval(&l->trial, n);
            engine_run(l->trial.engine);
            drop_at_random(l, n);
        }
        for (uint32_t i = 0; i < l->known_cnt; i += 1 + (uint32_t)prng_below(&l->prng, 60))
            remake(l, &l->known[i]);
        EXPECT(!l->known_cnt || l->remade_cnt > 0);
        EXPECT(!l->known_cnt || l->states_cnt > 0);
        trial_end(&l->trial, last);
    }
    free(l);
}

/* Exchanges over exchanges: blocks that depend on what a state emits, and in which order. */
static const char *const chains[] = {"chain_of_wide", "deep_chain",   "windows_of_wide",
                                     "slow_chain",    "top_then_map", "sizes_of_lists"};

static void chains_lost(void)
{
    for (uint32_t i = 0; i < programs_cnt; i++)
        for (uint32_t k = 0; k < sizeof chains / sizeof chains[0]; k++)
            for (uint64_t n = 0; !strcmp(programs[i].name, chains[k]) && n < 4; n++)
                lose_and_make_again(&programs[i], prng_seed(1) * 100 + n);
}

static void programs_lost(uint32_t from, uint32_t step)
{
    uint64_t seed = prng_seed(1);

    for (uint32_t i = from; i < programs_cnt; i += step)
        lose_and_make_again(&programs[i], seed * 1000 + i);
}

TEST(lineage, gives_the_same_bytes_0)
{
    programs_lost(0, 2);
}
TEST(lineage, gives_the_same_bytes_1)
{
    programs_lost(1, 2);
}
TEST(lineage, gives_the_same_bytes_of_chains)
{
    chains_lost();
}
