// Plans made by hand, and at random.

#include "tests/sched/sim.h"

#include <string.h>

static struct stage *add_stage(struct sim_plan *p, int source, struct exchange *from,
                               uint64_t slide)
{
    uint32_t i = p->plan.stages_cnt++;
    p->stage[i] = (struct stage){.idx = i, .source = source, .from = from, .slide = slide};
    p->plan.stage[i] = &p->stage[i];
    return &p->stage[i];
}

static struct exchange *add_exchange(struct sim_plan *p, uint32_t partitions, uint64_t slide)
{
    uint32_t i = p->plan.exchanges_cnt++;
    struct exchange *x = &p->exchange[i];
    *x = (struct exchange){.idx = i, .partitions = partitions, .len = slide, .slide = slide};
    p->plan.exchange[i] = x;
    x->stage = add_stage(p, -1, x, slide)->idx;
    return x;
}

static void writes(struct stage *s, struct exchange *x)
{
    s->writes |= UINT64_C(1) << x->idx;
    x->upstream |= UINT64_C(1) << s->idx;
}

static void add_output(struct sim_plan *p, struct stage *s, uint64_t exchanges)
{
    uint32_t o = p->plan.outputs_cnt++;
    p->plan.output[o] = (struct output){.slide = s->slide, .exchanges = exchanges};
    s->outputs |= UINT64_C(1) << o;
}

void sim_plan_simple(struct sim_plan *p, uint64_t slide)
{
    memset(p, 0, sizeof *p);
    struct stage *s = add_stage(p, 0, NULL, 1);
    struct exchange *x = add_exchange(p, SIM_PARTITIONS, slide);
    writes(s, x);
    add_output(p, &p->stage[x->stage], 1);
}

void sim_plan_grep(struct sim_plan *p)
{
    memset(p, 0, sizeof *p);
    add_output(p, add_stage(p, 0, NULL, 1), 0);
}

void sim_plan_random(struct sim_plan *p, struct prng *r, uint32_t sources_cnt)
{
    memset(p, 0, sizeof *p);
    uint32_t exchanges_cnt = (uint32_t)prng_below(r, 5);
    for (uint32_t i = 0; i < sources_cnt; i++)
        add_stage(p, (int)i, NULL, 1);
    for (uint32_t i = 0; i < exchanges_cnt; i++) {
        uint32_t before = p->plan.stages_cnt;
        struct exchange *x =
            add_exchange(p, prng_chance(r, 30) ? 1 : SIM_PARTITIONS, 1 + prng_below(r, 3));
        x->len = prng_chance(r, 10) ? WINDOW_FOREVER : x->slide * (1 + prng_below(r, 3));
        writes(&p->stage[prng_below(r, before)], x);
        for (uint32_t s = 0; s < before; s++)
            if (prng_chance(r, 20))
                writes(&p->stage[s], x);
    }
    for (uint32_t s = 0; s < p->plan.stages_cnt; s++)
        if (prng_chance(r, 60))
            add_output(p, &p->stage[s], prng_u64(r) & ((1u << exchanges_cnt) - 1));
    // A union: one output of two stages.
    if (p->plan.outputs_cnt && prng_chance(r, 30))
        p->stage[prng_below(r, p->plan.stages_cnt)].outputs |= 1;
}
