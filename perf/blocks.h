/*
 * Sealed blocks for the benchmarks, sealed by the builder that ships (rdd/builder.h) from rows one
 * behind the other, as ingest's dense copy lays them. A set is made once and recycled.
 *
 * What is in them is a feed: its fill adds rows until a set is full,
 *   runs     payloads of datagrams, which a format cuts into records (perf_blocks_run)
 *   packets  frames, decoded as at the burst (perf_blocks_frame)
 * Both return false when the set is full; that row is not in it.
 *
 * The bytes of a block are at block->base + first row's offset, perf_block_bytes of them without a
 * gap; 64 bytes behind them can be read.
 */
#ifndef PERF_BLOCKS_H
#define PERF_BLOCKS_H

#include "perf/memory.h"

struct perf_blocks {
    uint32_t cnt;
    struct block *const *block;
    uint64_t *block_records; /* in each */
    uint64_t records;        /* in all of them */
    uint64_t bytes;          /* the same */
    char note[128];          /* of the fill, for the report: what the records are */
    struct block_builder *builder;
    uint32_t room; /* blocks that are still to come */
};

struct perf_feed {
    enum block_kind kind;
    void (*fill)(struct perf_blocks *b, uint64_t seed);
};

bool perf_blocks_run(struct perf_blocks *b, const void *payload, uint32_t len, uint32_t records);
bool perf_blocks_frame(struct perf_blocks *b, const void *frame, uint32_t len, int64_t ts_ns);

void perf_blocks_make(struct perf_blocks *b, const struct perf_feed *feed, uint32_t cnt,
                      uint64_t seed);

static inline uint32_t perf_block_bytes(const struct block *b)
{
    return b->hdr.bytes - b->hdr.rows * block_input_row_bytes((enum block_kind)b->hdr.kind);
}

/* perf_block_text: the first byte of a block of runs. */
static inline const uint8_t *perf_block_text(const struct block *b)
{
    return b->base + ((const struct run *)b->index)->off;
}

#endif
