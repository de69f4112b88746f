/*
 * The best entries of states whose rows go to a top and nowhere else (plan_best.h): what emission
 * need not make rows of.
 *
 * While a close task emits, the best x->best.cnt entries that it came by are known by value and
 * key, in a heap with the worst of them first: over all partitions of the task, since they all end
 * in one writer. What is behind the worst of them cannot be one of the best any more; the top never
 * sees it, and shows what it would have shown. It is as many rows less as there are keys: of k keys
 * in any order, about cnt * (1 + ln(k / cnt)) are handed on.
 *
 * Where ties are decided by something else than the key, or the row of an entry could be longer
 * than what a top takes, an entry is handed on and not counted on.
 *
 * Measured (perf/bench_state, Zen 4, 20 best, tasks of 16 partitions, all keys of one value, so
 * that the keys decide): 1.8 ns a key of the window at 100 k keys and 2.0 at 1 M; 4.5 at 10 k,
 * where what is handed on counts. To make rows of all takes 3.7 to 6, and a top another 12 to look
 * at.
 */
#ifndef RDD_AGG_BEST_H
#define RDD_AGG_BEST_H

#include "base/bytes.h"
#include "rdd/plan.h"
#include "rdd/tkey.h"

struct best_entry {
    int64_t value;
    const struct tkey *key; /* of the state: it stands still while the task emits */
};

struct agg_best {
    struct best_entry *e;
    uint32_t max, cnt;
    bool by_key;
    int64_t floor;     /* no value below it is one of the best */
    struct tkey worst; /* nor this value with a key behind this one; len UINT32_MAX: with any */
};

/* agg_best_begin forgets all entries: a task begins for the states of x. mem: room for x->best.cnt
 * entries, the caller's. */
void agg_best_begin(struct agg_best *b, const struct exchange *x, struct best_entry *mem);
/* agg_best_reset forgets all entries: some of those that come may have come before. */
void agg_best_reset(struct agg_best *b);

/* Their bytes lie one behind the other, filled up with zeros. */
static inline bool agg_best_is_behind(const struct tkey *a, const struct tkey *b)
{
    uint64_t x = load_be64(a->pre), y = load_be64(b->pre);

    return x > y || (x == y && load_be32(a->rest + 4) > load_be32(b->rest + 4));
}

/* agg_best_is_out: is this entry none of the best for certain? */
static inline bool agg_best_is_out(const struct agg_best *b, int64_t value, const struct tkey *key)
{
    if (value != b->floor)
        return value < b->floor;
    return tkey_is_short(&b->worst) && tkey_is_short(key) && agg_best_is_behind(key, &b->worst);
}

/* agg_best_takes: may this entry be one of the best? Then it is counted on. An entry comes once. */
bool agg_best_takes(struct agg_best *b, int64_t value, const struct tkey *key);

#endif
