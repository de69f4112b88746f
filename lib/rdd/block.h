/*
 * Blocks: immutable, named runs of records.
 *
 * Every block has one header of 64 bytes, position-independent and the same in memory, on disk
 * and on the wire. The id of an input block is (node, boot epoch, source, queue, sequence); of
 * a shuffle or state block (stage fingerprint, task, partition, interval): what it is, never
 * who made it, so that making it again gives the same name and the same bytes.
 *
 * In memory an input block is an index of rows (struct run or struct pkt, source.h) and bytes
 * that lie where the NIC wrote them; written out (ckpt/record.h) the index and the bytes follow
 * the header densely. The body of every other kind follows its header in its page.
 *
 * Who owns a block: the queue that fills it, until it is sealed; from then on the control core
 * alone, which counts the tasks that read it and lets it go. A page returns to its pool when
 * the last block in it is let go.
 */
#ifndef RDD_BLOCK_H
#define RDD_BLOCK_H

#include <stdint.h>

#define BLOCK_MAGIC   0x4b424c4du /* "MLBK" */
#define BLOCK_VERSION 1u
#define PAGE_BYTES    2097152u

enum block_kind {
    BLOCK_RUNS = 1,    /* input: struct run[] and bytes */
    BLOCK_PACKETS = 2, /* input: struct pkt[] and frames */
    BLOCK_AGG = 3,     /* partial aggregates by key (agg_block.h) */
    BLOCK_ROWS = 4,    /* encoded rows (rows.h) */
};

struct block_id {
    uint64_t a; /* input: node << 48 | boot epoch; else: stage fingerprint */
    uint64_t b; /* input: source << 32 | queue; else: task << 40 | block of it << 16 | partition */
    uint64_t c; /* input: sequence; else: interval */
};

struct block_hdr {
    uint32_t magic;
    uint16_t version;
    uint16_t kind;
    struct block_id id;
    uint64_t interval;
    uint64_t schema_hash; /* type_hash of the rows */
    uint32_t rows;
    uint32_t bytes;  /* of the body */
    uint32_t crc32c; /* of the body; 0 until it is written out */
    uint32_t flags;  /* 0 */
};

_Static_assert(sizeof(struct block_hdr) == 64, "a block header is 64 bytes");

/* A block in memory. The struct is owned by whoever owns the block. */
struct block {
    struct block_hdr hdr;
    const void *index;   /* input blocks: rows of the index */
    const uint8_t *base; /* input: the bytes the index points into; else: the body */
    uint64_t ord_hi;     /* input: place of this block in the canonical order */
    void *page;          /* what to let go with it: owner's business */
    void *index_page;
    uint32_t refs; /* tasks and lineage holding it; control core only */
    uint32_t home; /* owner's business (pool slot) */
    struct block *next;
};

/* block_ord: the canonical order of an input block: source, node, queue, sequence. */
static inline uint64_t block_ord(uint32_t source, uint32_t node, uint32_t queue, uint64_t seq)
{
    return (uint64_t)source << 56 | (uint64_t)(node & 0xff) << 48 | (uint64_t)(queue & 0xff) << 40 |
           (seq & 0xffffffffffu);
}

/* Pages come through this seam: hugepage pool in the appliance, malloc in tests. get returns
 * PAGE_BYTES bytes aligned to 64, or NULL when there is none now. Any thread may call. */
struct page_source {
    void *ctx;
    void *(*get)(void *ctx);
    void (*put)(void *ctx, void *page);
};

#endif
