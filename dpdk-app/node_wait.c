#include "dpdk-app/node_wait.h"

#include <rte_cycles.h>

#define NAP_US 20u /* when the lcore has nothing else to do */

/* One turn of the others. False: it is no use to wait. */
static bool wait_a_turn(struct node_wait *w)
{
    uint64_t from = rte_rdtsc();

    if (atomic_load_explicit(&w->node->no_wait, memory_order_relaxed))
        return false;
    atomic_store_explicit(&w->worker->waiting, true, memory_order_relaxed);
    if (!lcore_others(w->lcore, w->worker))
        rte_delay_us_sleep(NAP_US);
    w->worker->waited_tsc += rte_rdtsc() - from;
    return true;
}

static void has_come(struct node_wait *w)
{
    if (atomic_load_explicit(&w->worker->waiting, memory_order_relaxed))
        atomic_store_explicit(&w->worker->waiting, false, memory_order_relaxed);
}

static void *page_get(void *ctx, uint8_t **bytes)
{
    struct node_wait *w = ctx;
    void *page;

    do
        page = w->pool.page_get(w->pool.ctx, bytes);
    while (!page && wait_a_turn(w));
    has_come(w);
    return page;
}

static void page_hold(void *ctx, void *page)
{
    struct node_wait *w = ctx;

    w->pool.page_hold(w->pool.ctx, page);
}

static void page_drop(void *ctx, void *page)
{
    struct node_wait *w = ctx;

    w->pool.page_drop(w->pool.ctx, page);
}

static struct block *block_get(void *ctx)
{
    struct node_wait *w = ctx;
    struct block *b;

    do
        b = w->pool.block_get(w->pool.ctx);
    while (!b && wait_a_turn(w));
    has_come(w);
    return b;
}

static void block_put(void *ctx, struct block *b)
{
    struct node_wait *w = ctx;

    w->pool.block_put(w->pool.ctx, b);
}

static struct node_lcore *lcore_of(struct node *n, uint32_t worker)
{
    for (uint32_t l = 0; l < n->lcores_cnt; l++)
        for (uint32_t i = 0; i < n->lcore[l].workers_cnt; i++)
            if (n->lcore[l].worker[i] == worker)
                return &n->lcore[l];
    return NULL;
}

struct block_mem node_wait_mem(struct node *n, uint32_t worker)
{
    n->wait[worker] = (struct node_wait){.node = n,
                                         .lcore = lcore_of(n, worker),
                                         .worker = &n->worker[worker],
                                         .pool = pool_block_mem(n->pool)};
    return (struct block_mem){.ctx = &n->wait[worker],
                              .page_get = page_get,
                              .page_hold = page_hold,
                              .page_drop = page_drop,
                              .block_get = block_get,
                              .block_put = block_put};
}
