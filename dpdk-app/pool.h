/*
 * The block pool: all pages of the node, taken once at start.
 *
 * A page is PAGE_BYTES of EAL memory, aligned to its size, with a descriptor (struct page)
 * beside it. Pages of a NUMA node lie one after the other, so the descriptor of any address is
 * found by a shift. Free pages and free descriptors of blocks wait in lists (free_list.h) from
 * which any thread takes and to which any thread gives.
 *
 * Invariants.
 *  1. refs counts the holders of a page: builders and landings that fill it, blocks in it. The
 *     page is in the free list exactly when refs is 0.
 *  2. Whoever takes a reference has one, or was handed the page by one who has.
 *  3. The bytes of a free page are poisoned (base/asan.h).
 *  4. block.page and block.index_page are struct page pointers or NULL; block.home is the slot
 *     of the descriptor.
 *
 * pool_block_release lets a whole block go: its pages and its descriptor.
 *
 * Errors: taking gives NULL when there is nothing now; pool_new explains itself in err.
 */
#ifndef DPDK_APP_POOL_H
#define DPDK_APP_POOL_H

#include <stdatomic.h>

#include <rte_common.h>

#include "rdd/builder.h"

struct page {
    uint8_t *addr;
    rte_iova_t iova;
    _Atomic uint32_t refs;
    uint32_t part;   /* of the pool: its NUMA node */
    uint32_t posted; /* landing.h: headers that point into it; its queue's lcore only */
} __rte_cache_aligned;

struct pool;

struct pool_conf {
    uint64_t bytes;      /* of pages, over all nodes */
    uint32_t blocks_cnt; /* descriptors; 0: 16 for each page, at least 4096 */
    uint64_t sockets;    /* NUMA nodes to spread over, as a mask; 0: that of the caller */
};

/* pool_new: once, at start. NULL: err holds one sentence with the remedy. */
struct pool *pool_new(const struct pool_conf *conf, char *err, size_t err_bytes);
/* pool_free: everything must have come back, or nothing use it any more. */
void pool_free(struct pool *p);

/* pool_get_on takes a page, held once; of `socket` if there is one (-1: any). NULL: none.
 * pool_get prefers the NUMA node of the calling lcore. */
struct page *pool_get_on(struct pool *p, int socket);
struct page *pool_get(struct pool *p);

static inline void page_ref(struct page *pg, uint32_t n)
{
    atomic_fetch_add_explicit(&pg->refs, n, memory_order_relaxed);
}

/* page_unref drops n references; the page returns to the pool with the last. */
void page_unref(struct pool *p, struct page *pg, uint32_t n);

/* pool_page_of: the page that holds addr; NULL when it is no memory of the pool. */
struct page *pool_page_of(const struct pool *p, const void *addr);

/* Descriptors of blocks. A new one is zeroed, `home` set. */
struct block *pool_block_get(struct pool *p);
void pool_block_put(struct pool *p, struct block *b);
/* pool_block: the descriptor in slot `home`. */
struct block *pool_block(const struct pool *p, uint32_t home);
/* pool_block_release drops the pages of b (where set) and gives the descriptor back. */
void pool_block_release(struct pool *p, struct block *b);

/* The pool as the seams of lib/rdd: page_source speaks in addresses, block_mem in struct page. */
struct page_source pool_page_source(struct pool *p);
struct block_mem pool_block_mem(struct pool *p);

struct pool_view {
    uint32_t pages_cnt, pages_free, pages_free_min; /* min: since the start */
    uint32_t blocks_cnt, blocks_free;
    uint64_t pages_refused, blocks_refused; /* takes that found nothing */
};

/* pool_look: from any thread. */
void pool_look(struct pool *p, struct pool_view *v);
/* pool_pages_free: cheap, for decisions. */
uint32_t pool_pages_free(const struct pool *p);

#endif
