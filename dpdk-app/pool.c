#include "dpdk-app/pool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_memzone.h>

#include "base/asan.h"
#include "base/assert.h"
#include "dpdk-app/free_list.h"

#define PAGE_SHIFT 21
// EAL gives at most 32 GB in one piece.
#define PART_PAGES_MAX 8192u
#define PARTS_MAX      64u

// A part: pages of one NUMA node, one after the other.
struct pool_part {
    const struct rte_memzone *zone;
    uint8_t *base;
    uint32_t pages_cnt;
    int socket;
    struct page *page;
    struct free_list free;
};

struct pool {
    uint32_t parts_cnt;
    struct pool_part part[PARTS_MAX];
    uint32_t blocks_cnt;
    struct block *block;
    struct free_list blocks_free;
    _Atomic uint32_t pages_free_min;
    _Atomic uint64_t pages_refused, blocks_refused;
};

_Static_assert(PAGE_BYTES == 1u << PAGE_SHIFT, "pages are found by a shift");

static int list_init(struct free_list *l, uint32_t n, int socket)
{
    _Atomic uint32_t *next = rte_zmalloc_socket("free", sizeof *next * n, 64, socket);

    if (!next)
        return -ENOMEM;
    free_list_init(l, next);
    for (uint32_t i = n; i-- > 0;)
        free_list_give(l, i);
    return 0;
}

static void part_free(struct pool_part *part)
{
    if (part->base)
        MR_UNPOISON(part->base, (size_t)part->pages_cnt * PAGE_BYTES);
    rte_free(part->free.next);
    rte_free(part->page);
    if (part->zone)
        rte_memzone_free(part->zone);
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    for (uint32_t i = 0; i < p->parts_cnt; i++)
        part_free(&p->part[i]);
    rte_free(p->blocks_free.next);
    rte_free(p->block);
    rte_free(p);
}

static int part_init(struct pool_part *part, uint32_t idx, uint32_t pages_cnt, int socket)
{
    static _Atomic uint32_t names_cnt; // of memzones, which are global to the process
    char name[RTE_MEMZONE_NAMESIZE];

    part->socket = socket;
    part->pages_cnt = pages_cnt;
    snprintf(name, sizeof name, "mr_pages%" PRIu32, atomic_fetch_add(&names_cnt, 1));
    part->zone =
        rte_memzone_reserve_aligned(name, (size_t)pages_cnt * PAGE_BYTES, socket, 0, PAGE_BYTES);
    part->page = rte_zmalloc_socket("pages", sizeof(struct page) * pages_cnt, 64, socket);
    if (!part->zone || !part->page || list_init(&part->free, pages_cnt, socket) < 0)
        return -ENOMEM;

    part->base = part->zone->addr;
    for (uint32_t i = 0; i < pages_cnt; i++) {
        struct page *pg = &part->page[i];

        pg->addr = part->base + (size_t)i * PAGE_BYTES;
        pg->iova = rte_mem_virt2iova(pg->addr);
        pg->part = idx;
    }
    MR_POISON(part->base, (size_t)pages_cnt * PAGE_BYTES);
    return 0;
}

static int pool_init_pages(struct pool *p, uint32_t pages_cnt, uint64_t sockets)
{
    uint32_t left = pages_cnt;
    uint32_t nodes_left = (uint32_t)__builtin_popcountll(sockets);

    for (int s = 0; s < 64; s++) {
        if (!(sockets >> s & 1))
            continue;
        uint32_t share = left / nodes_left--;
        left -= share;
        while (share > 0) {
            uint32_t n = RTE_MIN(share, PART_PAGES_MAX);

            if (p->parts_cnt == PARTS_MAX)
                return -ENOMEM;
            uint32_t idx = p->parts_cnt++;
            if (part_init(&p->part[idx], idx, n, s) < 0)
                return -ENOMEM;
            share -= n;
        }
    }
    return 0;
}

static int pool_init_blocks(struct pool *p, uint32_t cnt)
{
    p->blocks_cnt = cnt;
    p->block = rte_zmalloc("blocks", sizeof(struct block) * cnt, 64);
    return p->block ? list_init(&p->blocks_free, cnt, SOCKET_ID_ANY) : -ENOMEM;
}

struct pool *pool_new(const struct pool_conf *conf, char *err, size_t err_bytes)
{
    uint32_t pages_cnt = (uint32_t)(conf->bytes / PAGE_BYTES);
    uint32_t blocks_cnt = conf->blocks_cnt ? conf->blocks_cnt : RTE_MAX(16 * pages_cnt, 4096u);
    int here = (int)rte_socket_id();
    uint64_t sockets = conf->sockets ? conf->sockets : 1ull << (here < 0 ? 0 : here);

    if (pages_cnt == 0) {
        snprintf(err, err_bytes, "the block pool needs at least one page of 2 MB");
        return NULL;
    }
    struct pool *p = rte_zmalloc("pool", sizeof *p, 64);
    if (!p || pool_init_pages(p, pages_cnt, sockets) < 0 || pool_init_blocks(p, blocks_cnt) < 0) {
        snprintf(err, err_bytes,
                 "not enough memory for %" PRIu64 " MB of blocks: give EAL more (hugepages, or -m "
                 "with --no-huge), or lower memory.blocks in the appliance file",
                 conf->bytes >> 20);
        pool_free(p);
        return NULL;
    }
    atomic_store(&p->pages_free_min, pages_cnt);
    return p;
}

uint32_t pool_pages_free(const struct pool *p)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < p->parts_cnt; i++)
        n += free_list_cnt(&p->part[i].free);
    return n;
}

static struct page *part_get(struct pool_part *part)
{
    uint32_t slot = free_list_take(&part->free);

    if (slot == FREE_LIST_NONE)
        return NULL;
    struct page *pg = &part->page[slot];
    MR_UNPOISON(pg->addr, PAGE_BYTES);
    atomic_store_explicit(&pg->refs, 1, memory_order_relaxed);
    return pg;
}

static void pool_note_free(struct pool *p)
{
    uint32_t n = pool_pages_free(p);

    if (n < atomic_load_explicit(&p->pages_free_min, memory_order_relaxed))
        atomic_store_explicit(&p->pages_free_min, n, memory_order_relaxed);
}

struct page *pool_get_on(struct pool *p, int socket)
{
    struct page *pg = NULL;

    for (uint32_t i = 0; i < p->parts_cnt && !pg; i++)
        if (socket < 0 || p->part[i].socket == socket)
            pg = part_get(&p->part[i]);
    for (uint32_t i = 0; i < p->parts_cnt && !pg && socket >= 0; i++)
        if (p->part[i].socket != socket)
            pg = part_get(&p->part[i]);
    if (!pg)
        atomic_fetch_add_explicit(&p->pages_refused, 1, memory_order_relaxed);
    pool_note_free(p);
    return pg;
}

struct page *pool_get(struct pool *p)
{
    return pool_get_on(p, (int)rte_socket_id());
}

void page_unref(struct pool *p, struct page *pg, uint32_t n)
{
    // Release: what this holder did with the page is done before the next one gets it; acquire:
    // whoever drops the last reference sees what all the others did.
    uint32_t had = atomic_fetch_sub_explicit(&pg->refs, n, memory_order_acq_rel);

    MR_ASSERT(had >= n && n > 0);
    if (had > n)
        return;
    MR_POISON(pg->addr, PAGE_BYTES);
    struct pool_part *part = &p->part[pg->part];
    free_list_give(&part->free, (uint32_t)(pg - part->page));
}

struct page *pool_page_of(const struct pool *p, const void *addr)
{
    for (uint32_t i = 0; i < p->parts_cnt; i++) {
        const struct pool_part *part = &p->part[i];
        uintptr_t off = (uintptr_t)addr - (uintptr_t)part->base;

        if (off >> PAGE_SHIFT < part->pages_cnt)
            return &part->page[off >> PAGE_SHIFT];
    }
    return NULL;
}

struct block *pool_block_get(struct pool *p)
{
    uint32_t slot = free_list_take(&p->blocks_free);

    if (slot == FREE_LIST_NONE) {
        atomic_fetch_add_explicit(&p->blocks_refused, 1, memory_order_relaxed);
        return NULL;
    }
    p->block[slot] = (struct block){.home = slot};
    return &p->block[slot];
}

void pool_block_put(struct pool *p, struct block *b)
{
    free_list_give(&p->blocks_free, (uint32_t)(b - p->block));
}

struct block *pool_block(const struct pool *p, uint32_t home)
{
    MR_ASSERT(home < p->blocks_cnt);
    return &p->block[home];
}

void pool_block_release(struct pool *p, struct block *b)
{
    if (b->page)
        page_unref(p, b->page, 1);
    if (b->index_page)
        page_unref(p, b->index_page, 1);
    pool_block_put(p, b);
}

void pool_look(struct pool *p, struct pool_view *v)
{
    *v = (struct pool_view){
        .pages_free = pool_pages_free(p),
        .pages_free_min = atomic_load_explicit(&p->pages_free_min, memory_order_relaxed),
        .blocks_cnt = p->blocks_cnt,
        .blocks_free = free_list_cnt(&p->blocks_free),
        .pages_refused = atomic_load_explicit(&p->pages_refused, memory_order_relaxed),
        .blocks_refused = atomic_load_explicit(&p->blocks_refused, memory_order_relaxed),
    };
    for (uint32_t i = 0; i < p->parts_cnt; i++)
        v->pages_cnt += p->part[i].pages_cnt;
}
