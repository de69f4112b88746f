#include "rdd/builder.h"

#include <immintrin.h>
#include <string.h>

#include "base/assert.h"

// An index page with less room than this is left for a new one, so that its end does not cut a
// stream of full pages into slivers.
#define INDEX_ROWS_MIN 256u
// Rows of an index begin on a cache line of their own.
#define INDEX_ALIGN 64u
// A block worth mapping on its own is as much as a step of a worker takes: 50 to 100 us of counting
// words, while a FEED costs some us.
#define CUT_BYTES 32768u
#define CUT_ROWS  1024u
// Where rows of packets and their bytes are going to be written is fetched so far ahead: 8 % of
// what ingest of small packets costs.
#define FETCH_BYTES 1024u

void block_builder_init(struct block_builder *b, const struct block_builder_conf *conf)
{
    MR_ASSERT(conf->kind == BLOCK_RUNS || conf->kind == BLOCK_PACKETS);
    *b = (struct block_builder){.conf = *conf};
}

static void fill_drop(struct block_builder *b, struct block_fill *f)
{
    if (f->page)
        b->conf.mem.page_drop(b->conf.mem.ctx, f->page);
    *f = (struct block_fill){0};
}

// fill_reserve makes room for `bytes` bytes, in a new page if they do not fit into this one. The
// old one is let go first: in a pool that is nearly empty it may be the new one.
static bool fill_reserve(struct block_builder *b, struct block_fill *f, uint32_t bytes)
{
    if (f->page && bytes <= PAGE_BYTES - f->used)
        return true;

    uint8_t *base;
    fill_drop(b, f);
    void *page = b->conf.mem.page_get(b->conf.mem.ctx, &base);
    if (!page)
        return false;
    *f = (struct block_fill){.page = page, .base = base};
    return true;
}

void block_builder_seal(struct block_builder *b)
{
    struct block *blk = b->open;
    uint32_t row_bytes = block_input_row_bytes(b->conf.kind);

    if (!blk)
        return;
    uint32_t index_bytes = blk->hdr.rows * row_bytes;

    blk->hdr.bytes = index_bytes + b->data_bytes;
    b->index.used += (index_bytes + INDEX_ALIGN - 1) & ~(INDEX_ALIGN - 1);
    b->open = NULL;
    b->sequence++;
    b->conf.sealed(b->conf.sealed_ctx, blk);
}

void block_builder_cut(struct block_builder *b)
{
    if (b->open && (b->data_bytes >= CUT_BYTES || b->open->hdr.rows >= CUT_ROWS))
        block_builder_seal(b);
}

void block_builder_begin(struct block_builder *b, uint64_t interval)
{
    if (interval == b->interval)
        return;
    MR_ASSERT(interval > b->interval);
    block_builder_seal(b);
    b->interval = interval;
}

void block_builder_close(struct block_builder *b)
{
    block_builder_seal(b);
    fill_drop(b, &b->index);
    fill_drop(b, &b->dense);
}

static bool builder_open(struct block_builder *b, void *page, const uint8_t *base)
{
    const struct block_builder_conf *conf = &b->conf;
    uint32_t row_bytes = block_input_row_bytes(conf->kind);

    if (!fill_reserve(b, &b->index, INDEX_ROWS_MIN * row_bytes))
        return false;
    struct block *blk = conf->mem.block_get(conf->mem.ctx);
    if (!blk)
        return false;

    blk->hdr = (struct block_hdr){
        .magic = BLOCK_MAGIC,
        .version = BLOCK_VERSION,
        .kind = (uint16_t)conf->kind,
        .id = {.a = (uint64_t)conf->node << 48 | (conf->boot_epoch & 0xffffffffffffu),
               .b = (uint64_t)conf->source << 32 | conf->queue,
               .c = b->sequence},
        .interval = b->interval,
        .schema_hash = conf->schema_hash,
    };
    blk->index = b->index.base + b->index.used;
    blk->base = base;
    blk->ord_hi = block_ord(conf->source, conf->node, conf->queue, b->sequence);
    blk->page = page;
    blk->index_page = b->index.page;
    conf->mem.page_hold(conf->mem.ctx, page);
    conf->mem.page_hold(conf->mem.ctx, b->index.page);

    b->open = blk;
    b->data_bytes = 0;
    b->index_room = (PAGE_BYTES - b->index.used) / row_bytes;
    if (conf->rows_max > 0 && conf->rows_max < b->index_room)
        b->index_room = conf->rows_max;
    return true;
}

// builder_room sees to it that a block is open on `page` with room for one more row.
static bool builder_room(struct block_builder *b, void *page, const uint8_t *base, uint32_t len)
{
    const struct block *blk = b->open;

    if (blk) {
        bool full = b->index_room == 0 || (b->conf.bytes_max > 0 && blk->hdr.rows > 0 &&
                                           (uint64_t)b->data_bytes + len > b->conf.bytes_max);
        if (blk->page == page && !full)
            return true;
        block_builder_seal(b);
    }
    return builder_open(b, page, base);
}

// builder_place opens the block that the next row goes into, in its page or in the dense one, which
// has room for it then.
static bool builder_place(struct block_builder *b, const struct block_bytes *bytes)
{
    MR_ASSERT(bytes->len <= PAGE_BYTES);
    if (bytes->page)
        return builder_room(b, bytes->page, bytes->page_base, bytes->len);
    return fill_reserve(b, &b->dense, bytes->len) &&
           builder_room(b, b->dense.page, b->dense.base, bytes->len);
}

// How many of n rows go where the first one goes: into the open block, on the same side.
static uint32_t stretch(const struct block_builder *b, const struct block_bytes *bytes, uint32_t n)
{
    const void *page = bytes->page;
    uint32_t most = n < b->index_room ? n : b->index_room, cnt = 1;
    uint64_t room = page ? UINT64_MAX : PAGE_BYTES - b->dense.used, used = bytes->len;
    uint64_t limit = b->conf.bytes_max ? b->conf.bytes_max - b->data_bytes : UINT64_MAX;

    for (room = room < limit ? room : limit; cnt < most && bytes[cnt].page == page; cnt++) {
        used += bytes[cnt].len;
        if (used > room || bytes[cnt].len == 0)
            break;
    }
    return cnt;
}

static inline void copy_32(uint8_t *to, const uint8_t *from)
{
    _mm256_storeu_si256((__m256i *)to, _mm256_loadu_si256((const __m256i *)from));
}

// 32 bytes at a time, the last ones overlapping: for a datagram of 1,400 bytes about two thirds of
// the time of memcpy, and no call for small frames.
static inline void copy_bytes(uint8_t *to, const uint8_t *from, uint32_t len)
{
    uint32_t i = 0;

    if (len < 32) {
        memcpy(to, from, len);
        return;
    }
    for (; i + 64 < len; i += 64) {
        copy_32(to + i, from + i);
        copy_32(to + i + 32, from + i + 32);
    }
    if (i + 32 < len)
        copy_32(to + i, from + i);
    copy_32(to + len - 32, from + len - 32);
}

// Where the bytes of a row are now, from the base of the open block.
static inline uint32_t settle(struct block_builder *b, const struct block_bytes *bytes)
{
    uint32_t off = b->dense.used;

    if (bytes->page)
        return (uint32_t)(bytes->at - bytes->page_base);
    copy_bytes(b->dense.base + off, bytes->at, bytes->len);
    b->dense.used += bytes->len;
    return off;
}

// builder_rows takes the next n rows of the open block's index.
static void *builder_rows(struct block_builder *b, uint32_t n)
{
    struct block *blk = b->open;
    uint8_t *rows = b->index.base + b->index.used;
    void *row = rows + (size_t)blk->hdr.rows * block_input_row_bytes(b->conf.kind);

    b->index_room -= n;
    blk->hdr.rows += n;
    return row;
}

static void fill_runs(struct block_builder *b, const struct block_bytes *bytes, uint32_t n)
{
    struct run *row = builder_rows(b, n);
    uint32_t used = 0;

    for (uint32_t i = 0; i < n; i++) {
        row[i] = (struct run){.off = settle(b, bytes + i), .len = bytes[i].len};
        used += bytes[i].len;
    }
    b->data_bytes += used;
}

static void fill_pkts(struct block_builder *b, const struct pkt *p, const struct block_bytes *bytes,
                      uint32_t n)
{
    struct pkt *row = builder_rows(b, n);
    uint32_t used = 0;

    for (uint32_t i = 0; i < n; i++) {
        MR_ASSERT(bytes[i].len == p[i].cap_len);
        __builtin_prefetch((const uint8_t *)(row + i) + FETCH_BYTES, 1);
        if (!bytes[i].page)
            __builtin_prefetch(b->dense.base + b->dense.used + FETCH_BYTES, 1);
        uint32_t off = settle(b, bytes + i);
        row[i] = p[i];
        row[i].off = off;
        used += bytes[i].len;
    }
    b->data_bytes += used;
}

uint32_t block_builder_add_runs(struct block_builder *b, const struct block_bytes *bytes,
                                uint32_t n)
{
    MR_ASSERT(b->conf.kind == BLOCK_RUNS);
    for (uint32_t i = 0, cnt; i < n; i += cnt) {
        cnt = 1;
        if (bytes[i].len == 0)
            continue;
        if (!builder_place(b, bytes + i))
            return i;
        cnt = stretch(b, bytes + i, n - i);
        fill_runs(b, bytes + i, cnt);
    }
    return n;
}

uint32_t block_builder_add_pkts(struct block_builder *b, const struct pkt *row,
                                const struct block_bytes *bytes, uint32_t n)
{
    MR_ASSERT(b->conf.kind == BLOCK_PACKETS);
    for (uint32_t i = 0, cnt; i < n; i += cnt) {
        if (!builder_place(b, bytes + i))
            return i;
        cnt = stretch(b, bytes + i, n - i);
        fill_pkts(b, row + i, bytes + i, cnt);
    }
    return n;
}

bool block_builder_room(const struct block_builder *b, uint32_t n, uint32_t bytes,
                        struct block_room *room)
{
    const struct block *blk = b->open;

    MR_ASSERT(b->conf.kind == BLOCK_PACKETS);
    if (!blk || blk->page != b->dense.page || n > b->index_room ||
        bytes > PAGE_BYTES - b->dense.used ||
        (b->conf.bytes_max && (uint64_t)b->data_bytes + bytes > b->conf.bytes_max))
        return false;
    *room = (struct block_room){.row = (struct pkt *)(uintptr_t)blk->index + blk->hdr.rows,
                                .base = b->dense.base,
                                .off = b->dense.used};
    return true;
}

void block_builder_added(struct block_builder *b, uint32_t n, uint32_t bytes)
{
    MR_ASSERT(n <= b->index_room && bytes <= PAGE_BYTES - b->dense.used);
    b->index_room -= n;
    b->open->hdr.rows += n;
    b->dense.used += bytes;
    b->data_bytes += bytes;
}
