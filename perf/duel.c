#include "perf/duel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#define BLOCKS_MIN 64u
#define CACHES     4u  /* the set is so many times the last-level cache */
#define BUSY_S     1.5 /* of the engine: where an interval is short, more of them are timed */

struct pair {
    struct took engine, limit;
    uint64_t records, bytes;
};

uint32_t duel_blocks(uint64_t cache_bytes)
{
    uint32_t cnt = (uint32_t)(CACHES * cache_bytes / PAGE_BYTES);

    return cnt < BLOCKS_MIN ? BLOCKS_MIN : (cnt + 3) / 4 * 4;
}

static bool agree(const struct team *a, const struct team *b)
{
    struct strbuf x = {0}, y = {0};

    a->answer(a->ctx, &x);
    b->answer(b->ctx, &y);
    bool same = x.len > 0 && x.len == y.len && !memcmp(x.s, y.s, x.len);
    if (!same)
        fprintf(stderr, "engine:\n%slimit program:\n%s", x.s ? x.s : "", y.s ? y.s : "");
    strbuf_release(&x);
    strbuf_release(&y);
    return same;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double quantile(const double *x, uint32_t cnt, double q)
{
    double sorted[REPETITIONS_MAX];

    memcpy(sorted, x, cnt * sizeof *x);
    qsort(sorted, cnt, sizeof *sorted, by_size);
    return sorted[(uint32_t)(q * (cnt - 1) + 0.5)];
}

/* The blocks of interval n, in the order in which they are fed. */
static uint32_t choose(const struct perf_blocks *b, uint64_t n, struct block **block,
                       struct pair *p)
{
    uint32_t cnt = b->cnt * 3 / 4;

    for (uint32_t i = 0; i < cnt; i++) {
        uint32_t k = (uint32_t)((n * cnt + i) % b->cnt);
        block[i] = b->block[k];
        p->records += b->block_records[k];
        p->bytes += perf_block_bytes(block[i]);
    }
    return cnt;
}

static void run_pair(struct pair *p, uint64_t n, struct block *const *block, uint32_t cnt,
                     const struct team *engine, const struct team *limit)
{
    if (n % 2)
        engine->interval(engine->ctx, n, block, cnt, &p->engine);
    limit->interval(limit->ctx, n, block, cnt, &p->limit);
    if (n % 2 == 0)
        engine->interval(engine->ctx, n, block, cnt, &p->engine);
}

static void sum_up(struct duel *d, const struct pair *p, uint32_t cnt)
{
    double x[6][REPETITIONS_MAX];

    for (uint32_t i = 0; i < cnt; i++) {
        double records = (double)p[i].records;
        x[0][i] = records / p[i].engine.busy_s;
        x[1][i] = records / p[i].limit.busy_s;
        x[2][i] = records / p[i].engine.wall_s;
        x[3][i] = records / p[i].limit.wall_s;
        x[4][i] = p[i].limit.busy_s / p[i].engine.busy_s;
        x[5][i] = (double)p[i].bytes / p[i].engine.busy_s;
    }
    d->records_per_s = quantile(x[0], cnt, 0.5);
    d->limit_records_per_s = quantile(x[1], cnt, 0.5);
    d->wall_per_s = quantile(x[2], cnt, 0.5);
    d->limit_wall_per_s = quantile(x[3], cnt, 0.5);
    d->ratio = quantile(x[4], cnt, 0.5);
    d->low = quantile(x[4], cnt, 0.1);
    d->high = quantile(x[4], cnt, 0.9);
    d->bytes_per_s = quantile(x[5], cnt, 0.5);
    d->repetitions = cnt;
}

void duel_run(struct duel *d, const struct team *engine, const struct team *limit,
              const struct team *check, const struct perf_blocks *b)
{
    struct block **block = malloc(b->cnt * sizeof(struct block *));
    struct pair pair[REPETITIONS_MAX] = {0};
    uint64_t n = 0, records = 0;
    double busy_s = 0;
    uint32_t cnt = 0;

    MR_ASSERT(block);
    *d = (struct duel){.answer_agrees = true};
    while (cnt < REPETITIONS_MIN || (cnt < REPETITIONS_MAX && busy_s < BUSY_S)) {
        struct pair p = {0};
        struct took untimed;
        uint32_t blocks_cnt = choose(b, n, block, &p);
        run_pair(&p, n, block, blocks_cnt, engine, limit);
        if (check)
            check->interval(check->ctx, n, block, blocks_cnt, &untimed);
        records += p.records;
        if (n++ < WINDOW_INTERVALS)
            continue;
        d->answer_agrees &= agree(engine, check ? check : limit);
        d->answer_agrees &= !engine->records || engine->records(engine->ctx) == records;
        busy_s += p.engine.busy_s;
        pair[cnt++] = p;
    }
    sum_up(d, pair, cnt);
    free(block);
}
