#include "perf/team.h"

#include <stdlib.h>

#include "base/assert.h"

struct copies {
    uint32_t cnt;
    struct side limit[CREW_MAX];
    /* the interval under way */
    uint64_t number;
    struct block *const *block;
    uint32_t blocks_cnt;
};

static void copy_work(void *ctx, uint32_t lcore)
{
    struct copies *c = ctx;
    const struct side *l = &c->limit[lcore];

    for (uint32_t i = lcore; i < c->blocks_cnt; i += c->cnt)
        l->feed(l->ctx, c->number, c->block[i]);
    l->close(l->ctx, c->number);
}

static void copies_interval(void *ctx, uint64_t number, struct block *const *block, uint32_t cnt,
                            struct took *t)
{
    struct copies *c = ctx;

    c->number = number;
    c->block = block;
    c->blocks_cnt = cnt;
    crew_phase(c->cnt, copy_work, c, t);
}

static void copies_answer(void *ctx, struct strbuf *out)
{
    struct copies *c = ctx;

    c->limit[0].answer(c->limit[0].ctx, out);
}

struct team team_copies(struct side (*make)(void), uint32_t cnt)
{
    struct copies *c = calloc(1, sizeof *c);

    MR_ASSERT(c && cnt > 0 && cnt <= CREW_MAX);
    c->cnt = cnt;
    for (uint32_t i = 0; i < cnt; i++)
        c->limit[i] = make();
    return (struct team){.ctx = c, .interval = copies_interval, .answer = copies_answer};
}
