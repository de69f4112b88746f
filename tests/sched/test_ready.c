// The heap of waiting commands against a plain search for the most urgent one.

#include "sched/state.h"
#include "tests/prng.h"
#include "tests/test.h"

#include <stdlib.h>

#define ENTRIES_MAX 64

static bool more_urgent(const struct ready_entry *a, const struct ready_entry *b)
{
    if (a->rank != b->rank)
        return a->rank < b->rank;
    return a->tick != b->tick ? a->tick < b->tick : a->order < b->order;
}

static uint64_t most_urgent(struct ready_entry *e, uint32_t *cnt)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < *cnt; i++)
        if (more_urgent(&e[i], &e[best]))
            best = i;
    uint64_t order = e[best].order;
    e[best] = e[--*cnt];
    return order;
}

TEST(ready, the_most_urgent_comes_first)
{
    struct ready_entry heap[ENTRIES_MAX], naive[ENTRIES_MAX];
    struct ready r = {.entry = heap, .max = ENTRIES_MAX};
    struct prng p = prng_of(prng_seed(3));
    uint32_t cnt = 0;
    for (uint64_t i = 0; i < 20000; i++) {
        if (cnt < ENTRIES_MAX && (cnt == 0 || prng_chance(&p, 52))) {
            struct ready_entry e = {
                .rank = (enum ready_rank)prng_below(&p, 3), .tick = prng_below(&p, 4), .order = i};
            naive[cnt++] = e;
            ready_push(&r, e);
        } else {
            EXPECT_EQ_INT(ready_pop(&r).order, most_urgent(naive, &cnt));
        }
    }
}

static bool is_even(const struct ready_entry *e)
{
    return e->order % 2 == 0;
}

TEST(ready, the_most_urgent_of_those_that_may_go_comes_first)
{
    struct ready_entry heap[ENTRIES_MAX], even[ENTRIES_MAX], odd[ENTRIES_MAX], got;
    struct ready r = {.entry = heap, .max = ENTRIES_MAX};
    struct prng p = prng_of(prng_seed(4));
    uint32_t even_cnt = 0, odd_cnt = 0;
    for (uint64_t i = 0; i < 20000; i++) {
        if (even_cnt + odd_cnt < ENTRIES_MAX && prng_chance(&p, 52)) {
            struct ready_entry e = {
                .rank = (enum ready_rank)prng_below(&p, 3), .tick = prng_below(&p, 4), .order = i};
            if (is_even(&e))
                even[even_cnt++] = e;
            else
                odd[odd_cnt++] = e;
            ready_push(&r, e);
        } else if (prng_chance(&p, 70)) {
            bool some = even_cnt > 0;
            EXPECT_EQ_INT(ready_pop_if(&r, is_even, &got), some);
            if (some)
                EXPECT_EQ_INT(got.order, most_urgent(even, &even_cnt));
        } else if (even_cnt == 0 && odd_cnt > 0) {
            EXPECT_EQ_INT(ready_pop(&r).order, most_urgent(odd, &odd_cnt));
        }
        EXPECT_EQ_INT(r.cnt, even_cnt + odd_cnt);
    }
}
