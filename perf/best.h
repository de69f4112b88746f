/*
 * The best entries of a table, for limit programs: kept in order while all are offered.
 */
#ifndef PERF_BEST_H
#define PERF_BEST_H

#include <stdbool.h>
#include <stdint.h>

#define BEST_MAX 64u

struct best {
    uint64_t count;
    uint32_t entry;
};

struct bests {
    uint32_t max, cnt; /* wanted, there */
    struct best best[BEST_MAX];
};

/* bests_offer: before(ctx, a, b): does a rank before b? */
static inline void bests_offer(struct bests *s, struct best b,
                               bool (*before)(const void *ctx, struct best a, struct best b),
                               const void *ctx)
{
    uint32_t i = s->cnt;

    if (i == s->max && !before(ctx, b, s->best[i - 1]))
        return;
    i = i < s->max ? s->cnt++ : i - 1;
    for (; i > 0 && before(ctx, b, s->best[i - 1]); i--)
        s->best[i] = s->best[i - 1];
    s->best[i] = b;
}

#endif
