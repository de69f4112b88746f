// The pool as lib/rdd sees it.
#include "base/assert.h"
#include "dpdk-app/pool.h"

static void *source_get(void *ctx)
{
    struct page *pg = pool_get(ctx);

    return pg ? pg->addr : NULL;
}

static void source_put(void *ctx, void *addr)
{
    struct page *pg = pool_page_of(ctx, addr);

    MR_ASSERT(pg && pg->addr == addr);
    page_unref(ctx, pg, 1);
}

struct page_source pool_page_source(struct pool *p)
{
    return (struct page_source){.ctx = p, .get = source_get, .put = source_put};
}

static void *mem_page_get(void *ctx, uint8_t **bytes)
{
    struct page *pg = pool_get(ctx);

    if (pg)
        *bytes = pg->addr;
    return pg;
}

static void mem_page_hold(void *ctx, void *page)
{
    (void)ctx;
    page_ref(page, 1);
}

static void mem_page_drop(void *ctx, void *page)
{
    page_unref(ctx, page, 1);
}

static struct block *mem_block_get(void *ctx)
{
    return pool_block_get(ctx);
}

static void mem_block_put(void *ctx, struct block *b)
{
    pool_block_put(ctx, b);
}

struct block_mem pool_block_mem(struct pool *p)
{
    return (struct block_mem){
        .ctx = p,
        .page_get = mem_page_get,
        .page_hold = mem_page_hold,
        .page_drop = mem_page_drop,
        .block_get = mem_block_get,
        .block_put = mem_block_put,
    };
}
