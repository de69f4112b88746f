#include "rdd/combine_table.h"
#include "base/assert.h"
#include "rdd/combine_find.h"

#define SLOTS_MIN    2048u
#define SPARSE_SLOTS 131072u /* so many and less: an eighth full at most; more: a quarter */
#define NOBODY       UINT32_MAX

static uint32_t slots_for(uint32_t keys)
{
    uint32_t n = SLOTS_MIN;

    while (n < 4 * keys)
        n *= 2;
    return n;
}

static size_t round64(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

/* Of an entry that is no smaller than half a line of the cache, what a record touches lies in its
 * first line, if it can. Longer ones take an odd number of lines, so that the first lines of them
 * use all sets of a cache. */
static uint32_t stride_for(uint32_t row_bytes)
{
    uint32_t bytes = COMBINE_ROW_OFF + row_bytes;

    return bytes <= 32 ? bytes : (uint32_t)round64(bytes) | 64;
}

size_t combine_table_bytes(uint32_t keys_max, uint32_t row_bytes)
{
    return round64(slots_for(keys_max) * sizeof(uint16_t)) +
           round64(((size_t)keys_max + 1) * stride_for(row_bytes));
}

void combine_table_init(struct combine_table *t, void *mem, uint32_t keys_max, uint32_t row_bytes,
                        const uint8_t *row_init)
{
    uint32_t slots_max = slots_for(keys_max);

    MR_ASSERT(keys_max <= COMBINE_TABLE_KEYS_MAX && row_bytes >= 8 && row_bytes % 8 == 0);
    uint8_t *entries = (uint8_t *)mem + round64(slots_max * sizeof(uint16_t));
    *t = (struct combine_table){.slot = mem,
                                .entry = entries,
                                .stride = stride_for(row_bytes),
                                .row_bytes = row_bytes,
                                .slots_max = slots_max,
                                .keys_max = keys_max,
                                .row_init = row_init};
    t->slots_mask = SLOTS_MIN - 1;
    *combine_key(t, 0) = (struct tkey){.len = NOBODY};
    memcpy(combine_row(t, 0), row_init, row_bytes);
    combine_table_clear(t);
}

void combine_table_clear(struct combine_table *t)
{
    memset(t->slot, 0, ((size_t)t->slots_mask + 1) * sizeof *t->slot);
    t->live = 0;
    t->heap.used = 0;
}

/* --- one key -----------------------------------------------------------------------------------
 */

static void grow(struct combine_table *t)
{
    uint64_t hash;

    t->slots_mask = t->slots_mask * 2 + 1;
    memset(t->slot, 0, ((size_t)t->slots_mask + 1) * sizeof *t->slot);
    for (uint32_t e = 1; e <= t->live; e++) {
        tkeys_hash(&hash, combine_key(t, e), 1);
        uint32_t s = (uint32_t)(hash >> 32) & t->slots_mask;
        while (t->slot[s])
            s = (s + 1) & t->slots_mask;
        t->slot[s] = (uint16_t)e;
    }
}

static uint32_t add(struct combine_table *t, const struct tkey *k, uint32_t slot)
{
    uint32_t e = ++t->live, slots = t->slots_mask + 1;
    struct tkey own = *k;

    MR_ASSERT(e <= t->keys_max); /* the caller asked for room */
    if (!tkey_is_short(k)) {
        own.ptr = heap_copy(&t->heap, k->ptr, k->len);
        MR_ASSERT(own.ptr); /* the caller measured */
    }
    *combine_key(t, e) = own;
    memcpy(combine_row(t, e), t->row_init, t->row_bytes);
    t->slot[slot] = (uint16_t)e;
    if (slots < t->slots_max && t->live > slots / (slots < SPARSE_SLOTS ? 8 : 4))
        grow(t);
    return e;
}

uint32_t combine_table_entry(struct combine_table *t, const struct tkey *k, uint32_t hash)
{
    uint32_t e;

    for (uint32_t s = hash & t->slots_mask;; s = (s + 1) & t->slots_mask) {
        e = t->slot[s];
        if (!e)
            return add(t, k, s);
        if (tkey_equal(combine_key(t, e), k))
            return e;
    }
}

void combine_table_rows(struct combine_table *t, const struct enc_keys *e, const uint16_t *sel,
                        uint32_t n, uint8_t **row)
{
    combine_find_rows(t, e, sel, n, row);
}

void combine_table_count(struct combine_table *t, const struct enc_keys *e, const uint16_t *sel,
                         uint32_t n)
{
    combine_find_count(t, e, sel, n);
}
