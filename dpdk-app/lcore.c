/*
 * The loop of every lcore: its roles in turn, each a bounded step, then the idle policy.
 */
#include <rte_cycles.h>

#include "dpdk-app/control.h"
#include "dpdk-app/idle.h"
#include "dpdk-app/node.h"
#include "dpdk-app/node_wire.h"

static uint64_t now_ns(void)
{
    static _Thread_local uint64_t hz;

    if (!hz)
        hz = rte_get_tsc_hz();
    return (uint64_t)((unsigned __int128)rte_rdtsc() * 1000000000u / hz);
}

static uint32_t step_ingest(struct node *n, struct node_input *in)
{
    if (atomic_load_explicit(&in->finished, memory_order_relaxed))
        return 0;
    if (!atomic_load_explicit(&n->stopping, memory_order_relaxed))
        return ingest_turn(in->ingest);
    if (ingest_finish(in->ingest, rte_rdtsc()))
        atomic_store(&in->finished, true);
    return 1;
}

static uint32_t step_feeder(struct node *n, struct node_input *in)
{
    if (atomic_load_explicit(&n->stopping, memory_order_relaxed))
        feeder_stop(in->feeder);
    return feeder_step(in->feeder, now_ns());
}

static uint32_t step_input(struct node *n, struct node_input *in)
{
    if (in->replay)
        return 0; /* control reads it */
    return in->ingest ? step_ingest(n, in) : step_feeder(n, in);
}

uint32_t lcore_others(struct node_lcore *l, const struct worker *waiting)
{
    uint32_t did = 0;

    for (uint32_t i = 0; i < l->inputs_cnt; i++)
        did += step_input(l->node, &l->node->input[l->input[i]]);
    for (uint32_t i = 0; i < l->workers_cnt; i++) {
        struct worker *w = &l->node->worker[l->worker[i]];
        if (w != waiting && !atomic_load_explicit(&w->waiting, memory_order_relaxed))
            did += worker_step(w);
    }
    if (l->control)
        did += control_step(l->node->control);
    return did;
}

static uint32_t step_control(struct node *n)
{
    uint32_t did = control_step(n->control);

    if (control_over(n->control))
        atomic_store(&n->halt, true);
    return did;
}

/* Adds the time since *from to the lcore's busy time when something was done. */
static uint32_t counted(struct node_lcore *l, uint32_t did, uint64_t *from)
{
    uint64_t now = rte_rdtsc();

    if (did)
        atomic_fetch_add_explicit(&l->busy_tsc, now - *from, memory_order_relaxed);
    *from = now;
    return did;
}

static uint32_t lcore_turn(struct node_lcore *l)
{
    struct node *n = l->node;
    uint64_t from = rte_rdtsc();
    uint32_t did = 0;

    for (uint32_t i = 0; i < l->inputs_cnt; i++)
        did += counted(l, step_input(n, &n->input[l->input[i]]), &from);
    for (uint32_t i = 0; i < l->workers_cnt; i++) {
        struct worker *w = &n->worker[l->worker[i]];
        uint32_t stepped = worker_step(w);
        from += w->waited_tsc; /* is no work */
        did += counted(l, stepped, &from);
    }
    if (l->control)
        did += counted(l, step_control(n), &from);
    return did;
}

/* Sockets to wait on, and when the next tick of its queues ends. */
static void watch_ports(struct node_lcore *l)
{
    for (uint32_t i = 0; i < l->inputs_cnt; i++) {
        int fd = node_input_fd(l->node, l->input[i]);
        if (fd >= 0)
            idle_watch(&l->idle, fd);
    }
}

static uint64_t next_tick(const struct node_lcore *l)
{
    uint64_t until = 0;

    for (uint32_t i = 0; i < l->inputs_cnt; i++) {
        const struct node_input *in = &l->node->input[l->input[i]];
        uint64_t t = in->ingest ? ingest_next_tick(in->ingest) : 0;
        until = t && (!until || t < until) ? t : until;
    }
    return until;
}

int lcore_main(void *lcore)
{
    struct node_lcore *l = lcore;
    struct idle *idle = &l->idle;

    if (idle_init(idle, l->node->appliance->idle))
        return -1;
    watch_ports(l);
    while (!atomic_load_explicit(&l->node->halt, memory_order_relaxed)) {
        bool worked = lcore_turn(l) != 0;
        idle_step(idle, worked, rte_rdtsc(), worked ? 0 : next_tick(l));
    }
    idle_close(idle);
    return 0;
}
