#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "perf/blocks.h"

static const char *pages_mode = "none";

const char *perf_pages_mode(void)
{
    return pages_mode;
}

void *perf_pages(size_t bytes)
{
    size_t huge = (bytes + PAGE_BYTES - 1) & ~(size_t)(PAGE_BYTES - 1);
    void *p = mmap(NULL, huge, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_POPULATE, -1, 0);

    if (p != MAP_FAILED) {
        pages_mode = "hugetlb 2 MB";
        return p;
    }
    p = mmap(NULL, huge + PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MR_ASSERT(p != MAP_FAILED);
    p = (void *)(((uintptr_t)p + PAGE_BYTES - 1) & ~(uintptr_t)(PAGE_BYTES - 1));
    pages_mode = madvise(p, huge, MADV_HUGEPAGE) ? "4 KB" : "transparent huge pages, where given";
    memset(p, 0, huge);
    return p;
}

void perf_blocks_make(struct perf_blocks *b, uint32_t cnt, uint64_t seed)
{
    struct gen_text *g = malloc(sizeof *g);
    struct run *runs = perf_pages((size_t)cnt * PERF_RUNS * sizeof *runs);
    uint8_t *text = perf_pages((size_t)cnt * PAGE_BYTES);

    *b = (struct perf_blocks){.cnt = cnt, .block = calloc(cnt, sizeof *b->block)};
    MR_ASSERT(g && b->block);
    gen_text_init(g, seed);
    for (uint32_t i = 0; i < cnt; i++) {
        struct block *k = &b->block[i];
        k->hdr = (struct block_hdr){.magic = BLOCK_MAGIC,
                                    .version = BLOCK_VERSION,
                                    .kind = BLOCK_RUNS,
                                    .id = {0, 0, i},
                                    .rows = PERF_RUNS};
        k->index = runs + (size_t)i * PERF_RUNS;
        k->base = text + (size_t)i * PAGE_BYTES;
        k->ord_hi = block_ord(0, 0, 0, i);
        for (uint32_t r = 0; r < PERF_RUNS; r++)
            runs[(size_t)i * PERF_RUNS + r] = (struct run){r * PERF_RUN_BYTES, PERF_RUN_BYTES};
        for (uint32_t r = 0; r < PERF_BLOCK_RECORDS; r++)
            gen_text_record(g, text + (size_t)i * PAGE_BYTES + (size_t)r * GEN_RECORD_BYTES);
    }
    b->words_per_record = (double)g->words / (double)g->records;
    free(g);
}

/* ---- memory of a runner's own blocks ------------------------------------------------------------
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
    struct perf_mem *m = calloc(1, sizeof *m);
    struct mem_page *page = calloc(pages_cnt, sizeof *page);
    struct block *block = calloc(blocks_cnt, sizeof *block);
    uint8_t *bytes = perf_pages((size_t)pages_cnt * PAGE_BYTES);

    MR_ASSERT(m && page && block);
    for (uint32_t i = 0; i < pages_cnt; i++) {
        page[i] = (struct mem_page){.bytes = bytes + (size_t)i * PAGE_BYTES, .next = m->free_page};
        m->free_page = &page[i];
    }
    for (uint32_t i = 0; i < blocks_cnt; i++) {
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
