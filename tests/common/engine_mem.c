#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "rdd/source.h"
#include "tests/common/engine_mem.h"

#define BLOCKS_MAX 131072u

struct mem_page {
    uint32_t refs;
    uint8_t *bytes;
};

struct engine_mem {
    struct block *block[BLOCKS_MAX];
    uint32_t used, free_cnt;
    uint32_t free[BLOCKS_MAX];
    uint64_t pages_out, blocks_out;
};

struct engine_mem *engine_mem_new(void)
{
    struct engine_mem *m = calloc(1, sizeof *m);

    MR_ASSERT(m);
    return m;
}

void engine_mem_free(struct engine_mem *m)
{
    MR_ASSERT(m->pages_out == 0);
    MR_ASSERT(m->blocks_out == 0);
    for (uint32_t i = 0; i < m->used; i++)
        free(m->block[i]);
    free(m);
}

static void *page_get(void *ctx, uint8_t **bytes)
{
    struct engine_mem *m = ctx;
    struct mem_page *p = malloc(sizeof *p);

    MR_ASSERT(p);
    p->refs = 1;
    p->bytes = *bytes = aligned_alloc(4096, PAGE_BYTES);
    MR_ASSERT(p->bytes);
    m->pages_out++;
    return p;
}

static void page_hold(void *ctx, void *page)
{
    (void)ctx;
    ((struct mem_page *)page)->refs++;
}

static void page_drop(void *ctx, void *page)
{
    struct engine_mem *m = ctx;
    struct mem_page *p = page;

    MR_ASSERT(p->refs > 0);
    if (--p->refs)
        return;
    m->pages_out--;
    free(p->bytes);
    free(p);
}

static struct block *block_get(void *ctx)
{
    struct engine_mem *m = ctx;
    uint32_t slot = m->free_cnt ? m->free[--m->free_cnt] : m->used++;

    MR_ASSERT(slot < BLOCKS_MAX);
    if (!m->block[slot])
        m->block[slot] = calloc(1, sizeof **m->block);
    memset(m->block[slot], 0, sizeof **m->block);
    m->block[slot]->home = slot;
    m->blocks_out++;
    return m->block[slot];
}

static void block_put(void *ctx, struct block *b)
{
    struct engine_mem *m = ctx;

    m->free[m->free_cnt++] = b->home;
    m->blocks_out--;
}

struct block_mem engine_mem_seam(struct engine_mem *m)
{
    return (struct block_mem){m, page_get, page_hold, page_drop, block_get, block_put};
}

struct block *engine_mem_block(const struct engine_mem *m, uint32_t slot)
{
    return m->block[slot];
}

void engine_mem_release(struct engine_mem *m, struct block *b)
{
    if (b->page)
        page_drop(m, b->page);
    if (b->index_page)
        page_drop(m, b->index_page);
    block_put(m, b);
}

struct block *engine_mem_input(struct engine_mem *m, const char *const *text, const size_t *len,
                               uint32_t n)
{
    struct block *b = block_get(m);
    uint8_t *bytes, *index;
    uint32_t used = 0;

    b->page = page_get(m, &bytes);
    b->index_page = page_get(m, &index);
    MR_ASSERT(n * sizeof(struct run) <= PAGE_BYTES);
    for (uint32_t i = 0; i < n; i++) {
        MR_ASSERT(used + len[i] <= PAGE_BYTES);
        struct run r = {used, (uint32_t)len[i]};
        memcpy(index + i * sizeof r, &r, sizeof r);
        memcpy(bytes + used, text[i], len[i]);
        used += (uint32_t)len[i];
    }
    b->hdr = (struct block_hdr){
        .magic = BLOCK_MAGIC, .version = BLOCK_VERSION, .kind = BLOCK_RUNS, .rows = n};
    b->index = index;
    b->base = bytes;
    return b;
}
