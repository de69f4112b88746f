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

/* Takes out the entry at i; the last one takes its place, and sinks or rises from there. */
static struct ready_entry take(struct ready *r, uint32_t i)
{
    struct ready_entry taken = r->entry[i], last = r->entry[--r->cnt];

    if (i == r->cnt)
        return taken;
    for (; i > 0 && before(&last, &r->entry[(i - 1) / 2]); i = (i - 1) / 2)
        r->entry[i] = r->entry[(i - 1) / 2];
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
    return taken;
}

struct ready_entry ready_pop(struct ready *r)
{
    MR_ASSERT(r->cnt);
    return take(r, 0);
}

void ready_remove(struct ready *r, const void *what)
{
    for (uint32_t i = 0; i < r->cnt; i++)
        if (r->entry[i].what == what) {
            take(r, i);
            return;
        }
}

bool ready_pop_if(struct ready *r, bool (*may)(const struct ready_entry *e), struct ready_entry *e)
{
    uint32_t best = r->cnt;

    for (uint32_t i = 0; i < r->cnt; i++)
        if (may(&r->entry[i]) && (best == r->cnt || before(&r->entry[i], &r->entry[best])))
            best = i;
    if (best == r->cnt)
        return false;
    *e = take(r, best);
    return true;
}
