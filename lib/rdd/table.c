#include <immintrin.h>

#include "base/assert.h"
#include "rdd/table.h"

#define HASH_BITS            0xffffffff00000000ull
#define SLOT_MASK            (TABLE_PAGE - 1)
#define LINE                 8u /* slots of a cache line, which are looked at together */
#define SPLIT_USED           (TABLE_PAGE / 4 * 3)
#define PAGE_KEYS            (TABLE_PAGE / 3 * 2) /* on average, when the table is full */
#define PAGE_BYTES_OF(pages) ((size_t)(pages)*TABLE_PAGE * sizeof(uint64_t))
#define GROUP                16u /* keys of one pass of a lookup */

static uint32_t dir_bits_for(uint32_t keys)
{
    uint32_t bits = 0;

    while (((uint64_t)PAGE_KEYS << bits) < keys)
        bits++;
    return bits;
}

static size_t round64(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

static uint32_t stride_of(uint32_t row_bytes)
{
    return (uint32_t)sizeof(struct tkey) + ((row_bytes + 7) & ~7u);
}

size_t table_bytes(uint32_t keys_max, uint32_t row_bytes)
{
    size_t pages = (size_t)1 << dir_bits_for(keys_max);

    return PAGE_BYTES_OF(pages) + round64(pages * sizeof(uint32_t)) +
           round64(pages * sizeof(struct table_page)) +
           round64((size_t)keys_max * stride_of(row_bytes));
}

void table_init(struct table *t, void *mem, uint32_t keys_max, uint32_t row_bytes,
                const uint8_t *row_init)
{
    uint8_t *p = mem;

    *t = (struct table){.keys_max = keys_max,
                        .row_bytes = row_bytes,
                        .stride = stride_of(row_bytes),
                        .row_init = row_init,
                        .dir_bits = dir_bits_for(keys_max)};
    t->pages_max = 1u << t->dir_bits;
    t->slot = (uint64_t *)(void *)p;
    p += PAGE_BYTES_OF(t->pages_max);
    t->dir = (uint32_t *)(void *)p;
    p += round64(t->pages_max * sizeof(uint32_t));
    t->page = (struct table_page *)(void *)p;
    p += round64(t->pages_max * sizeof(struct table_page));
    t->entry = p;
    table_clear(t);
}

static uint64_t *page_slots(const struct table *t, uint32_t page)
{
    return t->slot + (size_t)page * TABLE_PAGE;
}

void table_clear(struct table *t)
{
    memset(t->dir, 0, t->pages_max * sizeof(uint32_t));
    memset(t->slot, 0, PAGE_BYTES_OF(1));
    t->page[0] = (struct table_page){0};
    t->pages = 1;
    t->entries = 0;
    t->live = 0;
    t->free = TABLE_NONE;
    t->heap.used = 0;
}

static inline uint32_t dir_at(const struct table *t, uint64_t hash)
{
    return (uint32_t)((hash >> 1) >> (63 - t->dir_bits));
}

/* The first slot of a line: the others of the line are as good. */
static inline uint32_t home_of(uint64_t hash)
{
    return (uint32_t)(hash >> 32) * LINE & SLOT_MASK;
}

/* Bit i: slot i of half a line is empty or has this hash. */
static inline uint32_t hits(const uint64_t *slot, __m256i hash)
{
    __m256i v = _mm256_load_si256((const __m256i *)(const void *)slot);
    __m256i same = _mm256_cmpeq_epi32(v, hash); /* the upper halves are what counts */
    __m256i none = _mm256_cmpeq_epi64(v, _mm256_setzero_si256());

    return (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(_mm256_or_si256(same, none)));
}

/* The first slot from `at` on that is empty or has this hash. */
static inline uint32_t probe(const uint64_t *slot, uint64_t hash, uint32_t at)
{
    __m256i same = _mm256_set1_epi64x((long long)hash);
    uint32_t from = 0xffu << at % LINE;

    for (at -= at % LINE;; at = (at + LINE) & SLOT_MASK, from = 0xff) {
        uint32_t hit = (hits(slot + at, same) | hits(slot + at + 4, same) << 4) & from;
        if (__builtin_expect(hit != 0, 1))
            return at + (uint32_t)__builtin_ctz(hit);
    }
}

/* The entry of key k in the page from slot `at` on, where its hash was found, or TABLE_NONE. */
static inline uint32_t match(const struct table *t, const uint64_t *slot, uint32_t at,
                             const struct tkey *k, uint64_t hash)
{
    while (slot[at]) {
        uint32_t e = (uint32_t)slot[at] - 1;
        if (tkey_equal(table_key(t, e), k))
            return e;
        at = probe(slot, hash, (at + 1) & SLOT_MASK);
    }
    return TABLE_NONE;
}

/* Keys of a lookup under way, by pass. */
struct lookup {
    const struct table *t;
    const struct tkey *k;
    const uint64_t *hash;
    uint32_t n;
    uint32_t page[4 * GROUP], at[4 * GROUP]; /* ring over three groups under way */
};

static inline uint32_t group_end(const struct lookup *l, uint32_t from)
{
    return l->n - from < GROUP ? l->n : from + GROUP;
}

static inline void fetch_slots(struct lookup *l, uint32_t from)
{
    for (uint32_t i = from; i < group_end(l, from); i++) {
        uint32_t page = l->t->dir[dir_at(l->t, l->hash[i])];
        l->page[i % (4 * GROUP)] = page;
        __builtin_prefetch(page_slots(l->t, page) + home_of(l->hash[i]));
    }
}

static inline void fetch_entries(struct lookup *l, uint32_t from)
{
    for (uint32_t i = from; i < group_end(l, from); i++) {
        const uint64_t *slot = page_slots(l->t, l->page[i % (4 * GROUP)]);
        uint32_t at = probe(slot, l->hash[i], home_of(l->hash[i]));
        l->at[i % (4 * GROUP)] = at;
        if (slot[at])
            table_prefetch(l->t, (uint32_t)slot[at] - 1);
    }
}

static inline void match_keys(const struct lookup *l, uint32_t from, uint32_t *entry)
{
    for (uint32_t i = from; i < group_end(l, from); i++)
        entry[i] = match(l->t, page_slots(l->t, l->page[i % (4 * GROUP)]), l->at[i % (4 * GROUP)],
                         &l->k[i], l->hash[i]);
}

void table_find(const struct table *t, const struct tkey *k, const uint64_t *hash, uint32_t n,
                uint32_t *entry)
{
    struct lookup l; /* the rings need no beginning */

    l.t = t;
    l.k = k;
    l.hash = hash;
    l.n = n;
    for (uint32_t at = 0; at < n + 2 * GROUP; at += GROUP) {
        if (at < n)
            fetch_slots(&l, at);
        if (at >= GROUP && at - GROUP < n)
            fetch_entries(&l, at - GROUP);
        if (at >= 2 * GROUP)
            match_keys(&l, at - 2 * GROUP, entry);
    }
}

static void slot_put(uint64_t *slot, uint64_t value)
{
    uint32_t at = home_of(value);

    while (slot[at])
        at = (at + 1) & SLOT_MASK;
    slot[at] = value;
}

/* The keys of a page whose next bit of the hash is set move to a new page. */
static void split(struct table *t, uint32_t page, uint64_t hash)
{
    uint64_t own[TABLE_PAGE], *slot = page_slots(t, page), *other = page_slots(t, t->pages);
    uint32_t depth = ++t->page[page].depth, used = 0;

    memcpy(own, slot, sizeof own);
    memset(slot, 0, sizeof own);
    memset(other, 0, sizeof own);
    for (uint32_t i = 0; i < TABLE_PAGE; i++) {
        bool moves = own[i] >> (64 - depth) & 1;
        if (own[i])
            slot_put(moves ? other : slot, own[i]);
        used += own[i] && moves;
    }
    t->page[page].used = (uint16_t)(t->page[page].used - used);
    t->page[t->pages] = (struct table_page){(uint16_t)used, (uint16_t)depth};
    /* the directory: the second half of what led to the page */
    uint32_t len = 1u << (t->dir_bits - depth), first = dir_at(t, hash) & ~(2 * len - 1);
    for (uint32_t i = 0; i < len; i++)
        t->dir[first + len + i] = t->pages;
    t->pages++;
}

uint32_t table_add(struct table *t, const struct tkey *k, uint64_t hash)
{
    struct tkey own = *k;
    uint32_t page;

    if (t->live == t->keys_max)
        return TABLE_NONE;
    for (page = t->dir[dir_at(t, hash)];
         t->page[page].used >= SPLIT_USED && t->page[page].depth < t->dir_bits;
         page = t->dir[dir_at(t, hash)])
        split(t, page, hash);
    if (t->page[page].used == TABLE_PAGE - 1) /* one stays empty; does not happen by chance */
        return TABLE_NONE;
    if (!tkey_is_short(k)) {
        own.ptr = heap_copy(&t->heap, k->ptr, k->len);
        if (!own.ptr)
            return TABLE_NONE;
    }
    uint32_t e = t->free;
    if (e != TABLE_NONE)
        memcpy(&t->free, table_key(t, e)->rest, sizeof t->free);
    else
        e = t->entries++;
    *table_key(t, e) = own;
    memcpy(table_row(t, e), t->row_init, t->row_bytes);
    slot_put(page_slots(t, page), (hash & HASH_BITS) | (e + 1));
    t->page[page].used++;
    t->live++;
    return e;
}

/* Backward-shift deletion: what follows in the run moves up, so there are no tombstones. */
static void slot_delete(uint64_t *slot, uint32_t at)
{
    uint32_t hole = at;

    for (uint32_t i = (at + 1) & SLOT_MASK; slot[i]; i = (i + 1) & SLOT_MASK)
        if (((i - home_of(slot[i])) & SLOT_MASK) >= ((i - hole) & SLOT_MASK)) {
            slot[hole] = slot[i];
            hole = i;
        }
    slot[hole] = 0;
}

static void remove_one(struct table *t, uint32_t entry, uint64_t hash)
{
    uint32_t page = t->dir[dir_at(t, hash)], at = home_of(hash);
    uint64_t *slot = page_slots(t, page);
    struct tkey *k = table_key(t, entry);

    while ((uint32_t)slot[at] != entry + 1)
        at = (at + 1) & SLOT_MASK;
    slot_delete(slot, at);
    t->page[page].used--;
    k->len = UINT32_MAX;
    memcpy(k->rest, &t->free, sizeof t->free);
    t->free = entry;
    t->live--;
}

void table_remove(struct table *t, const uint32_t *entry, uint32_t n)
{
    uint64_t hash[GROUP];

    for (uint32_t done = 0; done < n; done += GROUP) {
        uint32_t m = n - done < GROUP ? n - done : GROUP;
        for (uint32_t i = 0; i < m; i++) {
            MR_ASSERT(table_is_live(t, entry[done + i]));
            tkeys_hash(&hash[i], table_key(t, entry[done + i]), 1);
            __builtin_prefetch(page_slots(t, t->dir[dir_at(t, hash[i])]) + home_of(hash[i]), 1);
        }
        for (uint32_t i = 0; i < m; i++)
            remove_one(t, entry[done + i], hash[i]);
    }
}
