/*
 * Encoded rows: how rows leave the vectors, for output, for groupByKey and windows of rows,
 * and for top.
 *
 * The body of a BLOCK_ROWS is a sequence of rows, each a struct row_hdr followed by the
 * encoding (enc.h) of its key and of its value and padded to 8 bytes. A row that is no pair has
 * key_bytes 0 and its whole value in the value. Its order is its place in the stream (vec.h).
 * Canonical order of keyed rows: key, then order; of unkeyed rows: order; of ranked rows (top):
 * rank.
 */
#ifndef RDD_ROWS_H
#define RDD_ROWS_H

#include "rdd/block.h"
#include "rdd/enc.h"

struct row_hdr {
    uint64_t ord_hi, ord_lo;
    uint32_t key_bytes, val_bytes;
};

static inline uint32_t row_bytes(const struct row_hdr *h)
{
    return (uint32_t)((sizeof *h + h->key_bytes + h->val_bytes + 7) & ~(size_t)7);
}

static inline const uint8_t *row_key(const struct row_hdr *h)
{
    return (const uint8_t *)(h + 1);
}

static inline const uint8_t *row_val(const struct row_hdr *h)
{
    return (const uint8_t *)(h + 1) + h->key_bytes;
}

static inline const struct row_hdr *row_next(const struct row_hdr *h)
{
    return (const struct row_hdr *)((const uint8_t *)h + row_bytes(h));
}

enum row_order {
    ROWS_BY_KEY,  /* pairs: key, then as they came */
    ROWS_AS_CAME, /* by place (vec.h) */
    ROWS_BY_RANK, /* top: ord_lo is the rank */
};

/* What a sink must know of a stream whose rows it gets. */
struct out_stream {
    const char *job;
    const char *name; /* "counts", "bytes.reduceByKeyAndWindow.top" */
    const struct type *type;
    const struct type *key; /* pairs: the key's type; else NULL */
    const struct type *value;
    enum row_order order;
    bool by_value; /* behind a shuffle: what came has no order of its own; unkeyed rows, and rows
                      of one key, leave by value, so that partitions do not show */
    uint32_t sink_idx; /* in the job's sinks */
    uint64_t interval_ns;
};

/*
 * One RDD on its way out: the rows of one stream in one interval, all partitions. Given to a
 * sink in program order; the sink sorts them, writes them, and gives the blocks back through
 * `done`.
 */
struct out_rdd {
    const struct out_stream *stream;
    uint64_t interval;
    bool complete; /* false: cut short by a stop, or lost records to a full state */
    uint32_t blocks_cnt;
    struct block **block;
};

#endif
