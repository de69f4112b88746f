/* Commands that wait for a credit of their worker: a heap, the most urgent on top. */
#include "sched/state.h"

static bool before(const struct ready_entry *a, const struct ready_entry *b)
{
    if (a->rank != b->rank)
        return a->rank < b->rank;
    if (a->tick != b->tick)
        return a->tick < b->tick;
    return a->order < b->order;
}

void ready_push(struct ready *r, struct ready_entry e)
{
    uint32_t i = r->cnt++;

    MR_ASSERT(i < r->max);
    while (i > 0 && before(&e, &r->entry[(i - 1) / 2])) {
        r->entry[i] = r->entry[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    r->entry[i] = e;
}

struct ready_entry ready_pop(struct ready *r)
{
    MR_ASSERT(r->cnt);
    struct ready_entry top = r->entry[0], last = r->entry[--r->cnt];
    uint32_t i = 0;

    for (;;) {
        uint32_t kid = 2 * i + 1;
        if (kid + 1 < r->cnt && before(&r->entry[kid + 1], &r->entry[kid]))
            kid++;
        if (kid >= r->cnt || !before(&r->entry[kid], &last))
            break;
        r->entry[i] = r->entry[kid];
        i = kid;
    }
    r->entry[i] = last;
    return top;
}
