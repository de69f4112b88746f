/*
 * Keyed tables: from a key to an entry, and a row of accumulators for each entry.
 *
 * An entry is the key and its row side by side, so that a row that is found has been fetched with
 * the key that it was found by. Entries never move and are numbered in the order in which they
 * came; free ones are used again, the last first.
 *
 * The index is extendible hashing over pages of TABLE_PAGE slots (half a hash, an entry number).
 * A directory leads from the first bits of a hash to a page, the last ones to a cache line in it,
 * whose slots are compared together; behind a full line come the next ones. A page that is three
 * quarters full splits in two: one page is all that ever moves at once, so a table grows to any
 * size without a pause, and a small one stays small in the cache. The directory has its full size
 * from the start, shared out among the pages that there are.
 *
 * Vectors of keys are looked up in three passes that run behind each other by some rows: the place
 * in a page is prefetched, then the entry that it names, then keys are compared. So many misses are
 * under way at once.
 *
 * All memory is the caller's and sized for `keys_max` entries at the start. A table belongs to one
 * partition of a state: one task at a time. The keys of a table are its own: long ones are copied
 * to its heap.
 *
 * What a lookup costs is part of `merge` in agg_state.h.
 */
#ifndef RDD_TABLE_H
#define RDD_TABLE_H

#include "rdd/heap.h"
#include "rdd/tkey.h"

#define TABLE_NONE UINT32_MAX
#define TABLE_PAGE 512u

struct table_page {
    uint16_t used;
    uint16_t depth; /* first bits of a hash that all its keys have in common */
};

struct table {
    uint64_t *slot; /* by page: hash & ~0xffffffff | entry + 1; 0: empty */
    uint32_t *dir;  /* by the first dir_bits of a hash: its page */
    struct table_page *page;
    uint32_t dir_bits, pages, pages_max;
    uint8_t *entry; /* key (len UINT32_MAX: free, and rest is the next free one), row */
    uint32_t stride, row_bytes;
    uint32_t keys_max;
    uint32_t entries; /* numbered so far, free ones included */
    uint32_t live;
    uint32_t free;           /* first free entry, or TABLE_NONE */
    const uint8_t *row_init; /* what a new row begins as */
    struct heap heap;
};

/* table_bytes: memory for keys_max keys with rows of row_bytes, the heap apart. */
size_t table_bytes(uint32_t keys_max, uint32_t row_bytes);
/* table_init lays the table out in mem (table_bytes, aligned to 64). The heap is the caller's to
 * set. row_init: row_bytes that a new row begins as. */
void table_init(struct table *t, void *mem, uint32_t keys_max, uint32_t row_bytes,
                const uint8_t *row_init);
/* table_clear forgets all keys, and the heap. Costs the directory. */
void table_clear(struct table *t);

static inline struct tkey *table_key(const struct table *t, uint32_t entry)
{
    return (struct tkey *)(void *)(t->entry + (size_t)entry * t->stride);
}

static inline uint8_t *table_row(const struct table *t, uint32_t entry)
{
    return t->entry + (size_t)entry * t->stride + sizeof(struct tkey);
}

static inline bool table_is_live(const struct table *t, uint32_t entry)
{
    return table_key(t, entry)->len != UINT32_MAX;
}

/* table_prefetch fetches an entry for writing: all that it takes of the first two lines. */
static inline void table_prefetch(const struct table *t, uint32_t entry)
{
    const uint8_t *p = t->entry + (size_t)entry * t->stride;

    __builtin_prefetch(p, 1);
    if (t->stride > 32) /* else entries divide lines */
        __builtin_prefetch(p + (t->stride < 64 ? t->stride - 1 : 64), 1);
}

/* table_find: entry[i] of each key, TABLE_NONE where it is not in. */
void table_find(const struct table *t, const struct tkey *k, const uint64_t *hash, uint32_t n,
                uint32_t *entry);
/* table_add makes an entry for a key that is not in; TABLE_NONE when there is no room. */
uint32_t table_add(struct table *t, const struct tkey *k, uint64_t hash);
/* table_remove takes n live entries out. Their heap bytes are not given back. */
void table_remove(struct table *t, const uint32_t *entry, uint32_t n);

#endif
