/*
 * Shuffle blocks: how blocks of rows of accumulators and of encoded rows are written and read.
 *
 * A writer packs blocks one after the other into open pages, so that 64 small partitions do not
 * take 64 pages. A block's header lies in front of its body; both are position-independent.
 *
 * Body of a BLOCK_AGG (all parts padded to 8 bytes):
 *
 *   0   uint32 rows, row_bytes, key_bytes, string_bytes
 *   16  uint32 key_off[rows + 1]       keys are their encodings, key_off from the first key byte
 *       keys
 *       rows                           rows of accumulators, rows x row_bytes
 *       strings                        struct cell_str.ptr is an offset into them
 *
 * Body of a BLOCK_ROWS: see rows.h.
 *
 * Who owns a block: whoever the writer hands it to (`made`); it holds one reference on its page.
 */
#ifndef RDD_SHUFFLE_H
#define RDD_SHUFFLE_H

#include "rdd/agg.h"
#include "rdd/builder.h"
#include "rdd/table.h"

struct shuffle_writer {
    struct block_mem mem;
    void *page; /* open page; NULL: none */
    uint8_t *bytes;
    uint32_t used;
    uint64_t refused; /* blocks for which there was no page: their records are lost and counted */
};

#define SHUFFLE_BODY_MAX (PAGE_BYTES - (uint32_t)sizeof(struct block_hdr))

void shuffle_writer_init(struct shuffle_writer *w, const struct block_mem *mem);
/* shuffle_writer_close lets the open page go. */
void shuffle_writer_close(struct shuffle_writer *w);

/* What a new block is called. */
struct shuffle_name {
    enum block_kind kind;
    struct block_id id;
    uint64_t interval, schema_hash;
};

/* shuffle_begin gives room for a body of at most `bytes`, or NULL when there is no page now. The
 * body's place is 8-byte aligned. One block is begun at a time. */
uint8_t *shuffle_begin(struct shuffle_writer *w, uint32_t bytes);
/* shuffle_end makes the begun body a block of `bytes` bytes and `rows` rows. NULL: no descriptor.
 */
struct block *shuffle_end(struct shuffle_writer *w, const struct shuffle_name *name, uint32_t bytes,
                          uint32_t rows);

/* Keys and rows of accumulators as some table holds them: those of entry e lie e strides on. */
struct agg_rows {
    const void *key; /* struct tkey */
    const void *row;
    size_t key_stride, row_stride;
};

/* agg_block_bytes: the size of the body with these n entries. */
uint64_t agg_block_bytes(const struct agg_spec *a, const struct agg_rows *rows,
                         const uint32_t *entry, uint32_t n);
/* agg_block_fill writes that body. */
void agg_block_fill(uint8_t *body, const struct agg_spec *a, const struct agg_rows *rows,
                    const uint32_t *entry, uint32_t n);

/* A BLOCK_AGG being read: n entries at a time. Rows are copied to the arena, strings are views
 * of the block. */
struct agg_block_reader {
    const uint8_t *body;
    uint32_t rows, row_bytes, at;
    const uint32_t *key_off;
    const uint8_t *keys, *row, *strings;
};

/* Returns 0, or -EINVAL when the body is damaged (it came from outside). */
int agg_block_open(struct agg_block_reader *r, const struct block *b, const struct agg_spec *a);
/* agg_block_next gives up to VEC_ROWS_MAX entries: their keys (views) and rows; returns how
 * many, 0 at the end, -ENOMEM when the arena is full. */
int agg_block_next(struct agg_block_reader *r, const struct agg_spec *a, struct tkey *key,
                   const uint8_t **row, struct arena *arena);

#endif
