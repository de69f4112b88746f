#include "rdd/table.h"
#include "base/assert.h"

#define SLOTS_MIN      64u
#define PREFETCH_SLOTS 131072u /* tables whose slots outgrow L2 gain by a prefetch pass */
#define SPARSE_SLOTS   32768u  /* below: a quarter full at most, they fit L2; above: half */
#define HOMES          256u    /* keys whose home slots are looked at together */
#define HASH_BITS      0xffffffff00000000ull

static uint32_t slots_for(uint32_t keys)
{
    uint32_t n = SLOTS_MIN;

    while ((uint64_t)n * 2 < (uint64_t)keys * 3) /* at most two thirds full */
        n *= 2;
    return n;
}

static size_t round64(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

size_t table_bytes(uint32_t keys_max, uint32_t row_bytes)
{
    return round64(slots_for(keys_max) * sizeof(uint64_t)) +
           round64(keys_max * sizeof(struct tkey)) + round64((size_t)keys_max * row_bytes);
}

void table_init(struct table *t, void *mem, uint32_t keys_max, uint32_t row_bytes,
                const uint8_t *row_init)
{
    uint8_t *p = mem;

    *t = (struct table){
        .keys_max = keys_max, .row_bytes = row_bytes, .row_init = row_init, .free = TABLE_NONE};
    t->slots_max = slots_for(keys_max);
    t->slots_mask = SLOTS_MIN - 1;
    t->slot = (uint64_t *)(void *)p;
    p += round64(t->slots_max * sizeof(uint64_t));
    t->key = (struct tkey *)(void *)p;
    p += round64(keys_max * sizeof(struct tkey));
    t->row = p;
    memset(t->slot, 0, SLOTS_MIN * sizeof(uint64_t));
}

void table_clear(struct table *t)
{
    memset(t->slot, 0, ((size_t)t->slots_mask + 1) * sizeof(uint64_t));
    t->entries = 0;
    t->live = 0;
    t->free = TABLE_NONE;
    t->heap.used = 0;
}

static void slot_put(uint64_t *slot, uint32_t mask, uint64_t hash, uint32_t entry)
{
    uint32_t s = (uint32_t)(hash >> 32) & mask;

    while (slot[s])
        s = (s + 1) & mask;
    slot[s] = (hash & HASH_BITS) | (entry + 1);
}

static void table_grow(struct table *t)
{
    t->slots_mask = t->slots_mask * 2 + 1;
    memset(t->slot, 0, ((size_t)t->slots_mask + 1) * sizeof(uint64_t));
    for (uint32_t e = 0; e < t->entries; e++) {
        uint64_t hash;
        if (!table_is_live(t, e))
            continue;
        tkeys_hash(&hash, &t->key[e], 1);
        slot_put(t->slot, t->slots_mask, hash, e);
    }
}

/* The slot of key k, or the empty slot where it would go. */
static inline uint32_t probe(const struct table *t, const struct tkey *k, uint64_t hash)
{
    uint32_t s = (uint32_t)(hash >> 32) & t->slots_mask;

    for (;; s = (s + 1) & t->slots_mask) {
        uint64_t v = t->slot[s];
        if (!v)
            return s;
        if (((v ^ hash) & HASH_BITS) == 0 && tkey_equal(&t->key[(uint32_t)v - 1], k))
            return s;
    }
}

static void prefetch_slots(const struct table *t, const uint64_t *hash, uint32_t n)
{
    if (t->slots_mask < PREFETCH_SLOTS)
        return;
    for (uint32_t i = 0; i < n; i++)
        __builtin_prefetch(&t->slot[(uint32_t)(hash[i] >> 32) & t->slots_mask]);
}

void table_find(const struct table *t, const struct tkey *k, const uint64_t *hash, uint32_t n,
                uint32_t *entry)
{
    prefetch_slots(t, hash, n);
    for (uint32_t i = 0; i < n; i++)
        entry[i] = (uint32_t)t->slot[probe(t, &k[i], hash[i])] - 1;
}

/* A new entry for k in the empty slot s; TABLE_NONE when there is no room. */
static uint32_t table_add(struct table *t, const struct tkey *k, uint64_t hash, uint32_t s)
{
    struct tkey own = *k;

    if (t->live == t->keys_max)
        return TABLE_NONE;
    if (!tkey_is_short(k)) {
        own.ptr = heap_copy(&t->heap, k->ptr, k->len);
        if (!own.ptr)
            return TABLE_NONE;
    }
    uint32_t e = t->free;
    if (e != TABLE_NONE)
        memcpy(&t->free, t->key[e].rest, sizeof t->free);
    else
        e = t->entries++;
    t->key[e] = own;
    memcpy(table_row(t, e), t->row_init, t->row_bytes);
    t->slot[s] = (hash & HASH_BITS) | (e + 1);
    t->live++;
    uint64_t sparse = t->slots_mask + 1 < SPARSE_SLOTS ? 4 : 2;
    if (t->live * sparse > t->slots_mask && t->slots_mask + 1 < t->slots_max)
        table_grow(t);
    return e;
}

/* What lies in the home slots of n keys: loads that hang on nothing, so that many are under way at
 * once. */
static void load_homes(const struct table *t, const uint64_t *hash, uint32_t n, uint64_t *home)
{
    prefetch_slots(t, hash, n);
    for (uint32_t i = 0; i < n; i++)
        home[i] = t->slot[(uint32_t)(hash[i] >> 32) & t->slots_mask];
}

/* Is this the slot of k? A slot once seen is good for as long as no key is removed. */
static inline bool slot_is(const struct table *t, uint64_t slot, const struct tkey *k,
                           uint64_t hash)
{
    return slot && ((slot ^ hash) & HASH_BITS) == 0 && tkey_equal(&t->key[(uint32_t)slot - 1], k);
}

static uint32_t upsert_one(struct table *t, const struct tkey *k, uint64_t hash)
{
    uint32_t s = probe(t, k, hash);
    uint32_t e = (uint32_t)t->slot[s] - 1;

    return e == TABLE_NONE ? table_add(t, k, hash, s) : e;
}

uint32_t table_upsert(struct table *t, const struct tkey *k, const uint64_t *hash, uint32_t n,
                      uint32_t *entry)
{
    uint64_t home[HOMES];

    for (uint32_t done = 0; done < n; done += HOMES) {
        uint32_t m = n - done < HOMES ? n - done : HOMES;
        load_homes(t, hash + done, m, home);
        for (uint32_t j = 0; j < m; j++) {
            uint32_t i = done + j;
            entry[i] = (uint32_t)home[j] - 1;
            if (__builtin_expect(!slot_is(t, home[j], &k[i], hash[i]), 0))
                entry[i] = upsert_one(t, &k[i], hash[i]);
            if (entry[i] == TABLE_NONE)
                return i;
        }
    }
    return n;
}

/* Backward-shift deletion: what follows in the run moves up, so there are no tombstones. */
static void slot_delete(struct table *t, uint32_t s)
{
    uint32_t hole = s;

    for (uint32_t i = (s + 1) & t->slots_mask; t->slot[i]; i = (i + 1) & t->slots_mask) {
        uint32_t home = (uint32_t)(t->slot[i] >> 32) & t->slots_mask;
        if (((i - home) & t->slots_mask) >= ((i - hole) & t->slots_mask)) {
            t->slot[hole] = t->slot[i];
            hole = i;
        }
    }
    t->slot[hole] = 0;
}

void table_remove(struct table *t, uint32_t entry)
{
    uint64_t hash;

    MR_ASSERT(table_is_live(t, entry));
    tkeys_hash(&hash, &t->key[entry], 1);
    slot_delete(t, probe(t, &t->key[entry], hash));
    t->key[entry].len = UINT32_MAX;
    memcpy(t->key[entry].rest, &t->free, sizeof t->free);
    t->free = entry;
    t->live--;
}
