/*
 * Memory, from control's side: how short it is, who must hold back, and whether anything moves.
 */
#include <inttypes.h>

#include <rte_cycles.h>

#include "dpdk-app/control_state.h"

#define STILL_MS      500u /* longer than a feeder's patience with its open blocks */
#define STILL_LIVE_MS 100u
#define PAGES_AHEAD   8u
#define BEHIND_MS     100u

/* Many intervals pile up, and the end of the oldest is long past: some short ones do whenever the
 * machine runs something else. */
static bool is_behind(const struct control *c, const struct sched_view *v)
{
    uint64_t closed = control_closed_by_all(c);

    return v->backlogged && closed > v->oldest_end_tick &&
           (closed - v->oldest_end_tick) * c->node->tick_ns > BEHIND_MS * 1000000ull;
}

/* Live ports shed when intervals or pages pile up, before tasks find no page. They go on as soon as
 * a page has come back: it is filled and read (the newest block is mapped first) while it is in the
 * cache, and of what piled up before, as much waits as before. */
static void watch_shed(struct control *c, const struct sched_view *v, uint32_t free_pages)
{
    struct node *n = c->node;
    bool shed = atomic_load_explicit(&n->shed, memory_order_relaxed);
    bool low = is_behind(c, v) || free_pages < c->pages_low + (shed ? 1 : 0);

    for (uint32_t w = 0; w < n->workers_cnt; w++)
        low |= atomic_load_explicit(&n->worker[w].waiting, memory_order_relaxed);
    if (shed != low)
        atomic_store(&n->shed, !shed);
    if (free_pages >= c->pages_cnt / 4 && atomic_load_explicit(&n->no_wait, memory_order_relaxed))
        atomic_store(&n->no_wait, false);
}

/* Half of the pages are for the oldest interval alone (files read ahead while more are free), and
 * of these a quarter for what its tasks make: merges go first then. A command that lies ahead is
 * counted on to make PAGES_AHEAD pages. Where that leads nowhere all may go on after all. */
static void tell_sched(struct control *c, uint32_t free_pages)
{
    uint32_t half = c->pages_cnt / 2;

    if (c->still_tsc && rte_rdtsc() - c->still_tsc > rte_get_tsc_hz() * STILL_MS / 2000)
        sched_memory(c->sched, UINT32_MAX, false);
    else
        sched_memory(c->sched, free_pages > half ? (free_pages - half) / PAGES_AHEAD : 0,
                     free_pages < half / 2);
}

/* All files that have not ended wait for memory, or for one that does. */
static bool files_wait(const struct control *c)
{
    bool waits = false;

    for (uint32_t i = 0; i < c->node->inputs_cnt; i++) {
        const struct node_input *in = &c->node->input[i];
        if (c->input[i].ended)
            continue;
        enum feeder_stand stand = in->feeder ? feeder_stand(in->feeder)
                                  : in->replay && replay_waits(in->replay) ? FEEDER_WAITS_FOR_MEMORY
                                                                           : FEEDER_MOVES;
        if (stand == FEEDER_MOVES)
            return false;
        waits |= stand == FEEDER_WAITS_FOR_MEMORY;
    }
    return waits;
}

static bool pool_is_empty(const struct control *c)
{
    struct pool_view v;

    pool_look(c->node->pool, &v);
    return !v.pages_free || !v.blocks_free;
}

/* Everybody waits for memory, and nobody can give any back. */
static bool stands_still(const struct control *c)
{
    bool waits = false;

    if (control_outputs_pending(c) || report_pending(c->report) ||
        (c->recorder && recorder_pending(c->recorder)))
        return false;
    for (uint32_t w = 0; w < c->node->workers_cnt; w++) {
        if (atomic_load_explicit(&c->node->worker[w].waiting, memory_order_relaxed))
            waits = true;
        else if (c->commands_out[w])
            return false;
    }
    return waits ? pool_is_empty(c) : files_wait(c);
}

/* Live, what finds no memory is lost, and the run goes on; a run over files ends. */
static void give_up(struct control *c, const struct sched_view *v)
{
    struct node *n = c->node;
    const struct job *job = n->job[v->oldest_job].job;

    atomic_store(&n->no_wait, true);
    if (n->live || c->gave_up)
        return;
    c->gave_up = true;
    c->exit_code = EXIT_NO_RESOURCE;
    fprintf(stderr,
            "millrace: interval %" PRIu64 " of %s does not fit into memory.blocks of %" PRIu64
            " MB: its records and what becomes of them need more at one time; raise memory.blocks "
            "in %s, or make its intervals smaller (`interval`, --rate). What came is written, not "
            "complete\n",
            v->oldest_end_tick / (job->interval_ns / n->tick_ns), job->name,
            n->appliance->blocks_bytes >> 20, n->appliance->file);
    atomic_store(&n->stopping, 1);
}

void control_watch_memory(struct control *c, bool did)
{
    uint64_t now = rte_rdtsc(), limit_ms = c->node->live ? STILL_LIVE_MS : STILL_MS;
    uint32_t free_pages = pool_pages_free(c->node->pool);
    struct sched_view v;

    sched_look(c->sched, &v);
    c->oldest_end_tick = v.oldest_end_tick;
    if (c->node->live) {
        watch_shed(c, &v, free_pages);
    } else {
        atomic_store_explicit(&c->node->oldest_end_tick, v.oldest_end_tick, memory_order_relaxed);
        tell_sched(c, free_pages);
    }
    if (did || !stands_still(c))
        c->still_tsc = 0;
    else if (!c->still_tsc)
        c->still_tsc = now;
    else if (now - c->still_tsc > rte_get_tsc_hz() / 1000 * limit_ms)
        give_up(c, &v);
}
