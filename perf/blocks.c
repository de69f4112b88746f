#include "perf/blocks.h"

#include "base/assert.h"
#include "net/packet.h"

/* Pages for the rows of an index beside a page of data: 48 bytes a frame of 64, or 8 a run. */
static uint32_t index_pages(enum block_kind kind, uint32_t cnt)
{
    return kind == BLOCK_PACKETS ? cnt + 2 : cnt / 8 + 2;
}

static void on_sealed(void *ctx, struct block *b)
{
    struct perf_blocks *s = ctx;

    MR_ASSERT(s->room > 0);
    ((struct block **)s->block)[s->cnt++] = b;
    s->bytes += perf_block_bytes(b);
    s->room--;
}

/* A row was added; it is one too many when it has opened a block behind the last of the set. */
static bool added(struct perf_blocks *b, bool ok, uint32_t records)
{
    MR_ASSERT(ok);
    if (!b->room)
        return false;
    b->block_records[b->cnt] += records;
    b->records += records;
    return true;
}

bool perf_blocks_run(struct perf_blocks *b, const void *payload, uint32_t len, uint32_t records)
{
    struct block_bytes bytes = {.at = payload, .len = len};

    return added(b, block_builder_add_run(b->builder, &bytes), records);
}

bool perf_blocks_frame(struct perf_blocks *b, const void *frame, uint32_t len, int64_t ts_ns)
{
    struct block_bytes bytes = {.at = frame, .len = len};
    struct packet_frame f = {
        .bytes = frame, .ts_ns = ts_ns, .cap_len = len, .wire_len = len, .vlan_tci = PACKET_NO_TAG};
    struct pkt row;

    packet_decode(&row, &f, 0);
    return added(b, block_builder_add_pkt(b->builder, &row, &bytes), 1);
}

void perf_blocks_make(struct perf_blocks *b, const struct perf_feed *feed, uint32_t cnt,
                      uint64_t seed)
{
    /* One page and one block are for the row that is too many. */
    struct perf_mem *mem = perf_mem_new(cnt + 1 + index_pages(feed->kind, cnt), cnt + 1);
    struct block_builder builder;
    struct block_builder_conf conf = {
        .mem = perf_mem_seam(mem), .kind = feed->kind, .sealed = on_sealed, .sealed_ctx = b};

    *b = (struct perf_blocks){.block = perf_pages(cnt * sizeof *b->block),
                              .block_records = perf_pages(cnt * sizeof *b->block_records),
                              .builder = &builder,
                              .room = cnt};
    block_builder_init(&builder, &conf);
    feed->fill(b, seed);
    MR_ASSERT(b->cnt == cnt && b->records);
    b->builder = NULL;
}
