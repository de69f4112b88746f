/*
 * Before the end of a tick: what came is to be mapped, flushed and merged when it ends, so that as
 * little as possible is left to do between then and the result.
 *
 * In the last half of a tick, of ENDING_NS at most, the scheduler is told so (EV_ENDING) and
 * ends map tasks whenever their worker has nothing else to do; and so that it has something, ingest
 * is asked to seal what it has instead of filling pages (node.cuts): when that half begins,
 * and then whenever a third of what was left of it is over, CUT_NS apart at least. So the last task
 * holds what came in some hundred us, after a dozen others, each two thirds as long as the one
 * before: a worker that needs no more time than that, for what it is given in short tasks, is done
 * with all of them in time. One that is behind is not disturbed: nothing is cut before it is done
 * with what it has.
 *
 * Ticks of less than twice ENDING_NS_MIN are left alone: what can be done before their end
 * costs as much as it saves.
 */
#include <rte_cycles.h>

#include "dpdk-app/control_state.h"

#define ENDING_NS     100000000
#define ENDING_NS_MIN 1000000
#define CUT_NS        250000

static int64_t ending_ns(uint64_t tick_ns)
{
    int64_t ns = (int64_t)(tick_ns / 2);

    return ns < ENDING_NS_MIN ? 0 : ns > ENDING_NS ? ENDING_NS : ns;
}

static bool is_hungry(const struct control *c)
{
    struct sched_view v;

    sched_look(c->sched, &v);
    return v.hungry;
}

void control_watch_ending(struct control *c)
{
    struct node *n = c->node;
    int64_t before = ending_ns(n->tick_ns), now = tick_clock_ns(&n->clock, rte_rdtsc());
    uint64_t tick = tick_clock_tick(&n->clock, now);
    int64_t left = (int64_t)((tick + 1) * n->tick_ns) - now;

    if (!n->live || left > before || c->phase != CONTROL_RUNNING)
        return;
    if (tick >= c->ending_end) {
        struct event e = {.kind = EV_ENDING, .tick = tick};
        c->ending_end = tick + 1;
        c->cut_ns = now;
        control_event(c, &e);
    }
    if (now < c->cut_ns || !is_hungry(c))
        return;
    atomic_fetch_add_explicit(&n->cuts, 1, memory_order_relaxed);
    c->cut_ns = now + (left / 3 > CUT_NS ? left / 3 : CUT_NS);
}
