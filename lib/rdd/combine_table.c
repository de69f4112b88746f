#include "rdd/combine_table.h"
#include "base/assert.h"
#include "rdd/agg_cell.h"
#include "rdd/tkey_load.h"

#define SLOTS_MIN      2048u
#define SPARSE_SLOTS   131072u    /* so many and less: an eighth full at most; more: a quarter */
#define PREFETCH_BYTES (2u << 20) /* entries that outgrow the second-level cache gain by it */
#define NOBODY         UINT32_MAX

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

size_t combine_table_bytes(uint32_t keys_max, uint32_t row_bytes)
{
    return round64(slots_for(keys_max) * sizeof(uint32_t)) +
           round64(((size_t)keys_max + 1) * (COMBINE_ROW_OFF + row_bytes));
}

void combine_table_init(struct combine_table *t, void *mem, uint32_t keys_max, uint32_t row_bytes,
                        const uint8_t *row_init)
{
    uint32_t slots_max = slots_for(keys_max);

    MR_ASSERT(row_bytes >= 8 && row_bytes % 8 == 0);
    *t = (struct combine_table){.slot = mem,
                                .entry = (uint8_t *)mem + round64(slots_max * sizeof(uint32_t)),
                                .stride = COMBINE_ROW_OFF + row_bytes,
                                .row_bytes = row_bytes,
                                .slots_max = slots_max,
                                .keys_max = keys_max,
                                .row_init = row_init};
    t->slots_mask = SLOTS_MIN - 1;
    *combine_key(t, 0) = (struct tkey){.len = NOBODY};
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
        t->slot[s] = e;
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
    t->slot[slot] = e;
    if (slots < t->slots_max && t->live > slots / (slots < SPARSE_SLOTS ? 8 : 4))
        grow(t);
    return e;
}

/* The entry of a key that was not seen at home at first sight. */
__attribute__((noinline)) static uint32_t entry_of(struct combine_table *t, const struct tkey *k,
                                                   uint32_t hash)
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

/* --- vectors -----------------------------------------------------------------------------------
 */

/* Keys as they are compared, the upper halves of their hashes, and what lay in their home slots. */
struct probes {
    struct tkey key[VEC_ROWS_MAX];
    uint32_t hash[VEC_ROWS_MAX];
    uint32_t home[VEC_ROWS_MAX];
};

/* What a probe needs of the table, in registers. */
struct prober {
    struct tkey_seeds seeds;
    const uint32_t *slot;
    uint64_t mask;
};

static inline void probe_load(struct probes *p, uint32_t i, struct prober t, const uint8_t *bytes,
                              uint32_t len)
{
    __m128i k = tkey_load(bytes, len);
    uint64_t hash = __builtin_expect(len <= TKEY_INLINE, 1) ? tkey_hash_short(k, t.seeds)
                                                            : tkey_hash_long(bytes, len);

    _mm_storeu_si128((__m128i *)(void *)&p->key[i], k);
    p->hash[i] = (uint32_t)(hash >> 32);
    p->home[i] = t.slot[hash >> 32 & t.mask];
}

static void probes_load(struct probes *p, const struct combine_table *t, const struct enc_keys *e,
                        const uint16_t *sel, uint32_t n)
{
    const uint8_t *base = e->base;
    const uint32_t *off = e->off, *len = e->len;
    struct prober by = {tkey_seeds(), t->slot, t->slots_mask};

    if (sel)
        for (uint32_t i = 0; i < n; i++)
            probe_load(p, i, by, base + off[sel[i]], len[sel[i]]);
    else
        for (uint32_t i = 0; i < n; i++)
            probe_load(p, i, by, base + off[i], len[i]);
    if ((size_t)t->live * t->stride > PREFETCH_BYTES)
        for (uint32_t i = 0; i < n; i++)
            __builtin_prefetch(combine_key(t, p->home[i]));
}

/* The row of probe i. Long keys are never at home at first sight: what is compared holds where
 * their bytes are. */
static inline uint8_t *probe_row(struct combine_table *t, uint8_t *entries, uint64_t stride,
                                 const struct probes *p, uint32_t i)
{
    uint8_t *at = entries + p->home[i] * stride;
    __m128i k = _mm_loadu_si128((const __m128i *)(const void *)&p->key[i]);
    __m128i differ = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(void *)at), k);

    if (__builtin_expect(!_mm_testz_si128(differ, differ), 0))
        at = entries + entry_of(t, &p->key[i], p->hash[i]) * stride;
    return at + COMBINE_ROW_OFF;
}

void combine_table_rows(struct combine_table *t, const struct enc_keys *e, const uint16_t *sel,
                        uint32_t n, uint8_t **row)
{
    uint8_t *entries = t->entry;
    uint64_t stride = t->stride;
    struct probes p;

    probes_load(&p, t, e, sel, n);
    for (uint32_t i = 0; i < n; i++)
        row[i] = probe_row(t, entries, stride, &p, i);
}

void combine_table_count(struct combine_table *t, const struct enc_keys *e, const uint16_t *sel,
                         uint32_t n)
{
    uint8_t *entries = t->entry;
    uint64_t stride = t->stride;
    struct probes p;

    probes_load(&p, t, e, sel, n);
    for (uint32_t i = 0; i < n; i++) {
        uint8_t *row = probe_row(t, entries, stride, &p, i);
        store_i64(row, load_i64(row) + 1);
    }
}
