/*
 * The builder: how rows become sealed input blocks.
 *
 * One builder serves one source of one input queue (a queue of a port, a capture, a file). It
 * keeps at most one block open. The bytes of a row are either copied densely into a page of the
 * builder, or left where they are: in a page that somebody else filled (the landing page of a
 * NIC queue, a page that a file was read into). A block covers one data page and one run of rows
 * in an index page; it is sealed when the data page changes or is full, when its index is full,
 * when it has grown to the limits of the conf, and when its interval is over. Pages are shared:
 * the next block goes on in the same dense page and in the same index page.
 *
 * Ownership. An open block belongs to the builder; `sealed` hands it over, complete and
 * immutable, and the builder never touches it again. The block holds one reference on each of
 * its two pages and the builder one on each page that it still fills. The builder writes behind
 * the last sealed byte only, so readers of a sealed block and the builder never meet.
 *
 * Names. Sequence numbers count from 0 without gaps: an open block without a row is never
 * sealed. hdr.bytes is the size of the body as it is written out: index rows and row bytes.
 * hdr.crc32c stays 0.
 *
 * Errors. add_* take less than they are given, or return false, when there is no page or no
 * descriptor now; nothing has changed for the row that was not taken, and the caller counts it as
 * `no_memory` or waits.
 *
 * Cost: rows come by the burst, so that opening a block, the room in it and its page are looked at
 * once for a stretch of them; about 1 ns for a row that stays in place.
 */
#ifndef RDD_BUILDER_H
#define RDD_BUILDER_H

#include <stdbool.h>

#include "rdd/block.h"
#include "rdd/source.h"

/* Where blocks and pages come from. A page is known by its owner's handle (block.page) and by
 * the address of its PAGE_BYTES bytes. Any thread may call. */
struct block_mem {
    void *ctx;
    /* A page, held once by the caller; NULL: none now. */
    void *(*page_get)(void *ctx, uint8_t **bytes);
    void (*page_hold)(void *ctx, void *page);      /* one more reference */
    void (*page_drop)(void *ctx, void *page);      /* one less; the page returns with the last */
    struct block *(*block_get)(void *ctx);         /* a descriptor, `home` set; NULL: none now */
    void (*block_put)(void *ctx, struct block *b); /* the descriptor alone */
};

struct block_builder_conf {
    struct block_mem mem;
    enum block_kind kind; /* BLOCK_RUNS or BLOCK_PACKETS */
    uint64_t schema_hash;
    uint32_t node, source, queue; /* for ids and the canonical order */
    uint64_t boot_epoch;
    uint32_t rows_max, bytes_max; /* of a block; 0: what fits */
    /* sealed takes over a finished block. Called from add_*, begin and seal. */
    void (*sealed)(void *ctx, struct block *b);
    void *sealed_ctx;
};

/* A page that a builder fills from its front. */
struct block_fill {
    void *page; /* handle; NULL: none */
    uint8_t *base;
    uint32_t used; /* bytes */
};

struct block_builder {
    struct block_builder_conf conf;
    uint64_t interval;
    uint64_t sequence;   /* of the next block */
    struct block *open;  /* NULL: none */
    uint32_t index_room; /* rows that still fit into its index */
    uint32_t data_bytes; /* row bytes of the open block */
    struct block_fill index, dense;
};

/* Bytes of a row: where they are, and the page that they may stay in. */
struct block_bytes {
    const uint8_t *at;
    uint32_t len;             /* at most PAGE_BYTES */
    void *page;               /* handle, held by the caller during the call; NULL: copy */
    const uint8_t *page_base; /* its first byte */
};

void block_builder_init(struct block_builder *b, const struct block_builder_conf *conf);
/* block_builder_begin: rows added from now on belong to `interval` (never smaller than before);
 * an open block of an older interval is sealed. */
void block_builder_begin(struct block_builder *b, uint64_t interval);
/* block_builder_add_runs appends n runs of record bytes (BLOCK_RUNS), in order, and returns how
 * many it took: fewer than n only where the next one found no memory. An empty run is no row. */
uint32_t block_builder_add_runs(struct block_builder *b, const struct block_bytes *bytes,
                                uint32_t n);
/* block_builder_add_pkts appends n packets (BLOCK_PACKETS) in the same way: bytes are the frames,
 * bytes[i].len == row[i].cap_len. row->off is ignored and set in the block. */
uint32_t block_builder_add_pkts(struct block_builder *b, const struct pkt *row,
                                const struct block_bytes *bytes, uint32_t n);

static inline bool block_builder_add_run(struct block_builder *b, const struct block_bytes *bytes)
{
    return block_builder_add_runs(b, bytes, 1) == 1;
}

static inline bool block_builder_add_pkt(struct block_builder *b, const struct pkt *row,
                                         const struct block_bytes *bytes)
{
    return block_builder_add_pkts(b, row, bytes, 1) == 1;
}

/* Packets that the caller writes himself, rows and dense bytes, into the open block. */
struct block_room {
    struct pkt *row;
    uint8_t *base; /* of the block */
    uint32_t off;  /* of the first byte to write */
};

/* block_builder_room: is there room for n packets of `bytes` bytes in the open block, copied? It
 * may be written to whether or not anything is added. False says nothing: add_pkts may find room.
 */
bool block_builder_room(const struct block_builder *b, uint32_t n, uint32_t bytes,
                        struct block_room *room);
/* block_builder_added: what was written there, from its front on, are the block's next rows. */
void block_builder_added(struct block_builder *b, uint32_t n, uint32_t bytes);

/* block_builder_seal seals the open block, if there is one. */
void block_builder_seal(struct block_builder *b);
/* block_builder_cut seals it if it is worth a FEED of its own: for a worker that has nothing to
 * do. */
void block_builder_cut(struct block_builder *b);
/* block_builder_close seals and lets the builder's own pages go. The builder may be used again. */
void block_builder_close(struct block_builder *b);

/* block_input_row_bytes: the size of an index row. */
static inline uint32_t block_input_row_bytes(enum block_kind kind)
{
    return kind == BLOCK_PACKETS ? sizeof(struct pkt) : sizeof(struct run);
}

#endif
