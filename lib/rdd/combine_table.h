/*
 * The combine table of a map task: from a key to its row of accumulators.
 *
 * It differs from the table of a state (table.h) in what it need not do: no key ever leaves alone,
 * and all of them leave at the flush. An entry is `stride` bytes: the key (16), then the row, so
 * that a record that finds its key touches one place. Entries lie one behind the other in the order
 * in which their keys came, of 512 at a time those that are not short last; this is the order in
 * which they leave. Frequent keys come early, so they share few cache lines. They never move. Entry
 * 0 is nobody's: its key equals none.
 *
 * A slot is the number of an entry, two bytes; 0 is an empty one. Slots are cheap, so many are
 * empty, and few keys are away from home. How vectors are looked up: combine_find.h.
 *
 * Closed. Where most records bring a key of their own, a table that takes them all fits no cache
 * and combines little. Then its owner closes it: the keys of which it saw more than one record
 * stay, few enough for the second-level cache, and a record of any other key gets an entry of its
 * own behind theirs, which is written once and not looked for.
 *
 * All memory is the caller's, for keys_max keys; only the slots in use grow inside it.
 */
#ifndef RDD_COMBINE_TABLE_H
#define RDD_COMBINE_TABLE_H

#include "rdd/heap.h"
#include "rdd/tkey.h"
#include "rdd/vec.h"

#define COMBINE_TABLE_KEYS_MAX UINT16_MAX

struct combine_table {
    uint16_t *slot;
    uint8_t *entry;
    uint32_t stride, row_bytes;
    uint32_t slots_mask, slots_max;
    uint32_t keys_max, live; /* entries 1 to live are in use */
    uint32_t kept;           /* closed: entries 1 to kept are looked for, the others are not */
    bool is_closed;
    uint64_t records; /* entered since it was cleared or closed, or let entries go */
    const uint8_t *row_init;
    struct heap heap; /* bytes of long keys, and strings of rows */
};

#define COMBINE_ROW_OFF ((uint32_t)sizeof(struct tkey))

static inline struct tkey *combine_key(const struct combine_table *t, uint32_t entry)
{
    return (struct tkey *)(void *)(t->entry + (size_t)entry * t->stride);
}

static inline uint8_t *combine_row(const struct combine_table *t, uint32_t entry)
{
    return t->entry + (size_t)entry * t->stride + COMBINE_ROW_OFF;
}

/* combine_table_bytes: memory for keys_max (at most COMBINE_TABLE_KEYS_MAX) keys with rows of
 * row_bytes (a multiple of 8). */
size_t combine_table_bytes(uint32_t keys_max, uint32_t row_bytes);
/* combine_table_init lays the table out in mem, aligned to 64; the heap is the caller's to set.
 * row_init: row_bytes that a new row begins as. */
void combine_table_init(struct combine_table *t, void *mem, uint32_t keys_max, uint32_t row_bytes,
                        const uint8_t *row_init);
/* combine_table_clear forgets all keys, and the heap. Costs the slots in use. */
void combine_table_clear(struct combine_table *t);
/* combine_table_close keeps some of the keys, with empty rows, and closes the table. It has no
 * strings in its rows. */
void combine_table_close(struct combine_table *t);
/* combine_table_pass forgets the entries of a closed table that it does not look for. */
void combine_table_pass(struct combine_table *t);
/* combine_table_has_room: may n more keys come, whatever they are? */
static inline bool combine_table_has_room(const struct combine_table *t, uint32_t n)
{
    return n <= t->keys_max - t->live;
}

/* combine_table_entry finds or adds a key; hash is the upper half of its hash. */
uint32_t combine_table_entry(struct combine_table *t, const struct tkey *k, uint32_t hash);
/* combine_table_rows finds or adds the keys of n rows (sel: which; NULL: the first n), at most
 * VEC_ROWS_MAX and with room for all, the heap's included; row[i] is where the accumulators of the
 * i-th are. */
void combine_table_rows(struct combine_table *t, const struct enc_keys *e, const uint16_t *sel,
                        uint32_t n, uint8_t **row);
/* combine_table_count is that, and adds one to the count that every row begins with. */
void combine_table_count(struct combine_table *t, const struct enc_keys *e, const uint16_t *sel,
                         uint32_t n);

#endif
