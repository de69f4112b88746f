#include "perf/memory.h"

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "base/assert.h"

#define MAPPINGS_MAX 256u

static const char *pages_mode = "none";

static struct mapping {
    void *at;
    size_t bytes;
} mappings[MAPPINGS_MAX];
static size_t mappings_cnt;

const char *perf_pages_mode(void)
{
    return pages_mode;
}

static void *map(size_t bytes, int flags)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

    if (p == MAP_FAILED)
        return NULL;
    MR_ASSERT(mappings_cnt < MAPPINGS_MAX);
    mappings[mappings_cnt++] = (struct mapping){p, bytes};
    return p;
}

void *perf_pages(size_t bytes)
{
    size_t huge = (bytes + PAGE_BYTES - 1) & ~(size_t)(PAGE_BYTES - 1);
    void *p = map(huge, MAP_HUGETLB | MAP_POPULATE);

    if (p) {
        pages_mode = "hugetlb 2 MB";
        return p;
    }
    p = map(huge + PAGE_BYTES, 0);
    MR_ASSERT(p);
    p = (void *)(((uintptr_t)p + PAGE_BYTES - 1) & ~(uintptr_t)(PAGE_BYTES - 1));
    pages_mode = madvise(p, huge, MADV_HUGEPAGE) ? "4 KB" : "transparent huge pages, where given";
    memset(p, 0, huge);
    return p;
}

size_t perf_pages_mark(void)
{
    return mappings_cnt;
}

void perf_pages_release(size_t mark)
{
    while (mappings_cnt > mark) {
        mappings_cnt--;
        munmap(mappings[mappings_cnt].at, mappings[mappings_cnt].bytes);
    }
}

/* ---- pages and descriptors of blocks ------------------------------------------------------------
 */

struct mem_page {
    uint32_t refs;
    uint8_t *bytes;
    struct mem_page *next;
};

struct perf_mem {
    struct mem_page *free_page;
    struct block *free_block;
};

struct perf_mem *perf_mem_new(uint32_t pages_cnt, uint32_t blocks_cnt)
{
    uint8_t *bytes = perf_pages((size_t)pages_cnt * PAGE_BYTES);
    uint8_t *at = perf_pages(sizeof(struct perf_mem) + pages_cnt * sizeof(struct mem_page) +
                             blocks_cnt * sizeof(struct block) + 64);
    struct perf_mem *m = (struct perf_mem *)at;
    struct mem_page *page = (struct mem_page *)(at + sizeof *m);
    struct block *block = (struct block *)(page + pages_cnt);

    for (uint32_t i = pages_cnt; i-- > 0;) {
        page[i] = (struct mem_page){.bytes = bytes + (size_t)i * PAGE_BYTES, .next = m->free_page};
        m->free_page = &page[i];
    }
    for (uint32_t i = blocks_cnt; i-- > 0;) {
        block[i] = (struct block){.home = i, .next = m->free_block};
        m->free_block = &block[i];
    }
    return m;
}

static void *page_get(void *ctx, uint8_t **bytes)
{
    struct perf_mem *m = ctx;
    struct mem_page *p = m->free_page;

    if (!p)
        return NULL;
    m->free_page = p->next;
    p->refs = 1;
    *bytes = p->bytes;
    return p;
}

static void page_hold(void *ctx, void *page)
{
    (void)ctx;
    ((struct mem_page *)page)->refs++;
}

static void page_drop(void *ctx, void *page)
{
    struct perf_mem *m = ctx;
    struct mem_page *p = page;

    if (--p->refs)
        return;
    p->next = m->free_page;
    m->free_page = p;
}

static struct block *block_get(void *ctx)
{
    struct perf_mem *m = ctx;
    struct block *b = m->free_block;

    if (!b)
        return NULL;
    m->free_block = b->next;
    *b = (struct block){.home = b->home};
    return b;
}

static void block_put(void *ctx, struct block *b)
{
    struct perf_mem *m = ctx;

    b->next = m->free_block;
    m->free_block = b;
}

struct block_mem perf_mem_seam(struct perf_mem *m)
{
    return (struct block_mem){m, page_get, page_hold, page_drop, block_get, block_put};
}

void perf_mem_release(struct perf_mem *m, struct block *b)
{
    if (b->page)
        page_drop(m, b->page);
    block_put(m, b);
}
