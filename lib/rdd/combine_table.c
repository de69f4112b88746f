#include "rdd/combine_table.h"

#include <immintrin.h>

#include "base/assert.h"
#include "rdd/agg_cell.h"
#include "rdd/combine_find.h"

#define SLOTS_MIN    2048u
#define SPARSE_SLOTS 131072u /* so many and less: an eighth full at most; more: a quarter */
#define NOBODY       UINT32_MAX
#define KEPT_MAX     16384u /* keys of a closed table */
#define KEPT_RECORDS 2u     /* a key that stays had so many */

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
    t->live = t->kept = 0;
    t->is_closed = false;
    t->records = 0;
    t->heap.used = 0;
}

/* --- one key -----------------------------------------------------------------------------------
 */

/* Are there too many keys for so many slots? */
static inline bool is_dense(const struct combine_table *t, uint32_t slots)
{
    return slots < t->slots_max && t->live > slots / (slots < SPARSE_SLOTS ? 8 : 4);
}

static void index_all(struct combine_table *t, uint32_t slots)
{
    uint64_t hash;

    t->slots_mask = slots - 1;
    memset(t->slot, 0, ((size_t)t->slots_mask + 1) * sizeof *t->slot);
    for (uint32_t e = 1; e <= t->live; e++) {
        tkeys_hash(&hash, combine_key(t, e), 1);
        uint32_t s = (uint32_t)(hash >> 32) & t->slots_mask;
        while (t->slot[s])
            s = (s + 1) & t->slots_mask;
        t->slot[s] = (uint16_t)e;
    }
}

/* A new entry behind the others, with an empty row. */
static uint32_t append(struct combine_table *t, const struct tkey *k)
{
    uint32_t e = ++t->live;
    struct tkey own = *k;

    MR_ASSERT(e <= t->keys_max); /* the caller asked for room */
    if (!tkey_is_short(k)) {
        own.ptr = heap_copy(&t->heap, k->ptr, k->len);
        MR_ASSERT(own.ptr); /* the caller measured */
    }
    *combine_key(t, e) = own;
    memcpy(combine_row(t, e), t->row_init, t->row_bytes);
    return e;
}

static uint32_t add(struct combine_table *t, const struct tkey *k, uint32_t slot)
{
    uint32_t e = append(t, k), slots = t->slots_mask + 1;

    t->slot[slot] = (uint16_t)e;
    if (is_dense(t, slots))
        index_all(t, 2 * slots);
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

/* --- closed ------------------------------------------------------------------------------------
 */

/* The bytes of a key that stays move up, behind those of the ones before it. */
static void keep(struct combine_table *t, uint32_t entry)
{
    struct tkey *to = combine_key(t, ++t->kept);

    *to = *combine_key(t, entry);
    if (!tkey_is_short(to)) {
        uint8_t *bytes = t->heap.base + t->heap.used;
        memmove(bytes, to->ptr, to->len);
        to->ptr = bytes;
        t->heap.used += to->len;
    }
    memcpy(combine_row(t, t->kept), t->row_init, t->row_bytes);
}

void combine_table_close(struct combine_table *t)
{
    uint32_t slots = SLOTS_MIN;

    MR_ASSERT(!t->is_closed);
    t->heap.used = 0;
    for (uint32_t e = 1; e <= t->live && t->kept < KEPT_MAX; e++)
        if (agg_count(combine_row(t, e)) >= KEPT_RECORDS)
            keep(t, e);
    t->is_closed = true;
    t->records = 0;
    t->live = t->kept;
    while (is_dense(t, slots))
        slots *= 2;
    index_all(t, slots);
}

void combine_table_pass(struct combine_table *t)
{
    MR_ASSERT(t->is_closed);
    t->heap.used = 0;
    for (uint32_t e = 1; e <= t->kept; e++)
        t->heap.used += tkey_is_short(combine_key(t, e)) ? 0 : combine_key(t, e)->len;
    t->live = t->kept;
    t->records = 0;
}

/* Entry 0, or that of a key of a closed table that is not at home. */
__attribute__((noinline)) static uint32_t kept_of(const struct combine_table *t,
                                                  const struct tkey *k, uint32_t hash)
{
    uint32_t s = hash & t->slots_mask;

    while (t->slot[s] && !tkey_equal(combine_key(t, t->slot[s]), k))
        s = (s + 1) & t->slots_mask;
    return t->slot[s];
}

/* --- vectors -----------------------------------------------------------------------------------
 */

#define PROBES 512u /* keys that are entered together: few enough to stay in L1 */

struct probes {
    struct tkey key[PROBES] __attribute__((aligned(64)));
    uint32_t hash[PROBES];  /* upper halves */
    uint16_t longs[PROBES]; /* which keys are not short */
    uint32_t longs_cnt;
};

/* What a probe needs of the table, for registers: through the table it would be read again after
 * whatever is written into a row. */
struct prober {
    const uint16_t *slot;
    uint8_t *entry;
    uint64_t mask, stride;
};

/* Loads the next probes of n rows from `from` on; returns how many. */
static uint32_t probes_next(struct probes *p, const struct combine_table *t, struct prober *by,
                            const struct enc_keys *e, const uint16_t *sel, uint32_t from,
                            uint32_t n)
{
    uint32_t cnt = n - from < PROBES ? n - from : PROBES;
    struct enc_keys rest = *e;

    if (!sel) {
        rest.off += from;
        rest.len += from;
    }
    p->longs_cnt = tkeys_load_hash(p->key, p->hash, &rest, sel ? sel + from : NULL, cnt, p->longs);
    *by = (struct prober){t->slot, t->entry, t->slots_mask, t->stride};
    return cnt;
}

/* Rows in a closed table. An entry is written for every key, at the end, and stays there if the key
 * is not kept: which are cannot be foretold. */
static inline __attribute__((always_inline)) void rows_closed_of(struct combine_table *t,
                                                                 struct prober by,
                                                                 const struct probes *p, uint32_t n,
                                                                 uint8_t **row, uint32_t row_bytes)
{
    uint8_t *end = by.entry + (t->live + 1) * by.stride;
    const uint8_t *row_init = t->row_init;

    for (uint32_t i = 0; i < n; i++) {
        if (!tkey_is_short(&p->key[i])) {
            row[i] = by.entry + COMBINE_ROW_OFF; /* nobody's, for now */
            continue;
        }
        uint32_t e = by.slot[p->hash[i] & by.mask];
        __m128i k = _mm_load_si128((const __m128i *)(const void *)&p->key[i]);
        __m128i there = _mm_loadu_si128((const __m128i *)(void *)(by.entry + e * by.stride));
        uint64_t passed = _mm_movemask_epi8(_mm_cmpeq_epi32(there, k)) != 0xffff;
        uint64_t astray = passed & (e != 0);
        __asm__("" : "+r"(astray)); /* or there are two branches */
        if (__builtin_expect(astray, 0)) {
            e = kept_of(t, &p->key[i], p->hash[i]);
            passed = e == 0;
        }
        _mm_storeu_si128((__m128i *)(void *)end, k);
        memcpy(end + COMBINE_ROW_OFF, row_init, row_bytes);
        uint8_t *at = by.entry + e * by.stride;
        row[i] = at + ((uint64_t)(end - at) & (0 - passed)) + COMBINE_ROW_OFF;
        end += by.stride & (0 - passed);
    }
    t->live = (uint32_t)((size_t)(end - by.entry) / by.stride) - 1;
}

static void rows_closed(struct combine_table *t, struct prober by, const struct probes *p,
                        uint32_t n, uint8_t **row)
{
    if (t->row_bytes == 8)
        rows_closed_of(t, by, p, n, row, 8);
    else
        rows_closed_of(t, by, p, n, row, t->row_bytes);
    for (uint32_t j = 0; j < p->longs_cnt; j++) {
        uint32_t i = p->longs[j], e = kept_of(t, &p->key[i], p->hash[i]);
        row[i] = combine_row(t, e ? e : append(t, &p->key[i]));
    }
}

void combine_table_rows(struct combine_table *t, const struct enc_keys *e, const uint16_t *sel,
                        uint32_t n, uint8_t **row)
{
    struct probes p;
    struct prober by;

    t->records += n;
    if (!t->is_closed) {
        combine_find_rows(t, e, sel, n, row);
        return;
    }
    for (uint32_t from = 0, cnt; from < n; from += cnt) {
        cnt = probes_next(&p, t, &by, e, sel, from, n);
        rows_closed(t, by, &p, cnt, row + from);
    }
}

void combine_table_count(struct combine_table *t, const struct enc_keys *e, const uint16_t *sel,
                         uint32_t n)
{
    uint8_t *row[VEC_ROWS_MAX];

    if (!t->is_closed) {
        t->records += n;
        combine_find_count(t, e, sel, n);
        return;
    }
    combine_table_rows(t, e, sel, n, row);
    for (uint32_t i = 0; i < n; i++)
        store_i64(row[i], load_i64(row[i]) + 1);
}
