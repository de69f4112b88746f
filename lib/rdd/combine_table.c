#include "rdd/combine_table.h"
#include "base/assert.h"
#include "base/simd.h"
#include "rdd/agg_cell.h"
#include "rdd/tkey_load.h"

#define SLOTS_MIN      2048u
#define SPARSE_SLOTS   131072u    /* so many and less: an eighth full at most; more: a quarter */
#define PREFETCH_BYTES (1u << 19) /* entries that do not stay near gain by it */
#define NOBODY         UINT32_MAX
#define ENTRIES_OFF    (64 - COMBINE_ROW_OFF) /* rows begin lines of the cache, where they can */
#define AVX512         __attribute__((target("avx512f,avx512bw,avx512vl,bmi2")))
#define INLINE         static inline __attribute__((always_inline))

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
    return round64(slots_for(keys_max) * sizeof(uint16_t)) +
           round64(ENTRIES_OFF + ((size_t)keys_max + 1) * (COMBINE_ROW_OFF + row_bytes));
}

void combine_table_init(struct combine_table *t, void *mem, uint32_t keys_max, uint32_t row_bytes,
                        const uint8_t *row_init)
{
    uint32_t slots_max = slots_for(keys_max);

    MR_ASSERT(keys_max <= COMBINE_TABLE_KEYS_MAX && row_bytes >= 8 && row_bytes % 8 == 0);
    uint8_t *entries = (uint8_t *)mem + round64(slots_max * sizeof(uint16_t)) + ENTRIES_OFF;
    *t = (struct combine_table){.slot = mem,
                                .entry = entries,
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
    if (t->live * by->stride > PREFETCH_BYTES)
        for (uint32_t i = 0; i < cnt; i++) {
            const uint8_t *at = by->entry + by->slot[p->hash[i] & by->mask] * by->stride;
            __builtin_prefetch(at);
            __builtin_prefetch(at + COMBINE_ROW_OFF);
        }
    return cnt;
}

/* The entry in the home slot of probe i. */
static inline uint8_t *home_of(struct prober by, const struct probes *p, uint32_t i)
{
    return by.entry + by.slot[p->hash[i] & by.mask] * by.stride;
}

/* The row of probe i, which has a short key. */
static inline uint8_t *row_of(struct combine_table *t, struct prober by, const struct probes *p,
                              uint32_t i)
{
    uint8_t *at = home_of(by, p, i);
    __m128i k = _mm_load_si128((const __m128i *)(const void *)&p->key[i]);
    __m128i differ = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(void *)at), k);

    if (__builtin_expect(!_mm_testz_si128(differ, differ), 0))
        at = by.entry + entry_of(t, &p->key[i], p->hash[i]) * by.stride;
    return at + COMBINE_ROW_OFF;
}

static void rows_plain(struct combine_table *t, struct prober by, const struct probes *p,
                       uint32_t from, uint32_t n, uint8_t **row)
{
    for (uint32_t i = from; i < n; i++)
        if (tkey_is_short(&p->key[i]))
            row[i] = row_of(t, by, p, i);
}

/* Rows of keys that are not short. */
static void rows_long(struct combine_table *t, struct prober by, const struct probes *p,
                      uint8_t **row)
{
    for (uint32_t j = 0; j < p->longs_cnt; j++) {
        uint32_t i = p->longs[j];
        row[i] = by.entry + entry_of(t, &p->key[i], p->hash[i]) * by.stride + COMBINE_ROW_OFF;
    }
}

/* Is it the same key, not short? Of the first 32 bytes no branch hangs on the length. */
AVX512 static inline bool long_is(const struct tkey *a, const struct tkey *k)
{
    uint64_t x, y;

    memcpy(&x, a, sizeof x);
    memcpy(&y, k, sizeof y);
    if (x != y)
        return false;
    __mmask32 own = _bzhi_u32(~0u, k->len);
    __m256i differ = _mm256_xor_si256(_mm256_maskz_loadu_epi8(own, a->ptr),
                                      _mm256_maskz_loadu_epi8(own, k->ptr));
    return _mm256_testz_si256(differ, differ) &&
           (k->len <= 32 || !memcmp(a->ptr + 32, k->ptr + 32, k->len - 32));
}

AVX512 static void rows_long_avx512(struct combine_table *t, struct prober by,
                                    const struct probes *p, uint8_t **row)
{
    for (uint32_t j = 0; j < p->longs_cnt; j++) {
        uint32_t i = p->longs[j];
        uint8_t *at = home_of(by, p, i);
        if (__builtin_expect(!long_is((const struct tkey *)(void *)at, &p->key[i]), 0))
            at = by.entry + entry_of(t, &p->key[i], p->hash[i]) * by.stride;
        row[i] = at + COMBINE_ROW_OFF;
    }
}

/* Of four keys those that were not seen at home at first sight, by four bits each. */
__attribute__((noinline)) static void four_others(struct combine_table *t, const struct tkey *k,
                                                  const uint32_t *hash, uint8_t **row,
                                                  uint32_t differ)
{
    for (uint32_t q = 0; q < 4; q++)
        if (differ >> 4 * q & 15)
            row[q] = combine_row(t, entry_of(t, &k[q], hash[q]));
}

/* The rows of probes i to i + 3. Of keys that are not short, of which there are none if not
 * `longs`, it is any address. */
AVX512 INLINE void four_rows(struct combine_table *t, struct prober by, const struct probes *p,
                             uint32_t i, uint8_t **row, bool longs)
{
    uint8_t *at[4];

    for (uint32_t q = 0; q < 4; q++) {
        at[q] = home_of(by, p, i + q);
        __asm__("" : "+r"(at[q])); /* or they are computed in a vector, which is then taken apart */
    }
    __m512i k = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(void *)at[0]));
    k = _mm512_inserti32x4(k, _mm_loadu_si128((const __m128i *)(void *)at[1]), 1);
    k = _mm512_inserti32x4(k, _mm_loadu_si128((const __m128i *)(void *)at[2]), 2);
    k = _mm512_inserti32x4(k, _mm_loadu_si128((const __m128i *)(void *)at[3]), 3);
    __m512i own = _mm512_load_si512(&p->key[i]);
    uint32_t differ = _mm512_cmpneq_epi32_mask(k, own);
    if (longs) /* four bits of each */
        differ &=
            ~(15u * _mm512_mask_cmpgt_epu32_mask(0x1111, own, _mm512_set1_epi32(TKEY_INLINE)));
    for (uint32_t q = 0; q < 4; q++)
        row[q] = at[q] + COMBINE_ROW_OFF;
    if (__builtin_expect(differ, 0))
        four_others(t, &p->key[i], &p->hash[i], row, differ);
}

AVX512 INLINE void rows_avx512(struct combine_table *t, struct prober by, const struct probes *p,
                               uint32_t n, uint8_t **row, bool longs)
{
    uint32_t i = 0;

    for (; i + 4 <= n; i += 4)
        four_rows(t, by, p, i, row + i, longs);
    rows_plain(t, by, p, i, n, row);
}

AVX512 static void rows_short_avx512(struct combine_table *t, struct prober by,
                                     const struct probes *p, uint32_t n, uint8_t **row)
{
    rows_avx512(t, by, p, n, row, false);
}

AVX512 static void rows_both_avx512(struct combine_table *t, struct prober by,
                                    const struct probes *p, uint32_t n, uint8_t **row)
{
    rows_avx512(t, by, p, n, row, true);
    rows_long_avx512(t, by, p, row);
}

/* The rows of n probes; those of keys that are not short come last, so that no branch hangs on
 * which they are. */
static void probes_rows(struct combine_table *t, struct prober by, const struct probes *p,
                        uint32_t n, uint8_t **row)
{
    if (simd_level == SIMD_AVX512 && p->longs_cnt) {
        rows_both_avx512(t, by, p, n, row);
    } else if (simd_level == SIMD_AVX512) {
        rows_short_avx512(t, by, p, n, row);
    } else {
        rows_plain(t, by, p, 0, n, row);
        rows_long(t, by, p, row);
    }
}

static inline void count_one(uint8_t *row)
{
    store_i64(row, load_i64(row) + 1);
}

/* All keys are short. */
AVX512 static void count_avx512(struct combine_table *t, struct prober by, const struct probes *p,
                                uint32_t n)
{
    uint8_t *row[4];
    uint32_t i = 0;

    for (; i + 4 <= n; i += 4) {
        four_rows(t, by, p, i, row, false);
        for (uint32_t q = 0; q < 4; q++)
            count_one(row[q]);
    }
    for (; i < n; i++)
        count_one(row_of(t, by, p, i));
}

void combine_table_rows(struct combine_table *t, const struct enc_keys *e, const uint16_t *sel,
                        uint32_t n, uint8_t **row)
{
    struct probes p;
    struct prober by;

    for (uint32_t from = 0, cnt; from < n; from += cnt) {
        cnt = probes_next(&p, t, &by, e, sel, from, n);
        probes_rows(t, by, &p, cnt, row + from);
    }
}

void combine_table_count(struct combine_table *t, const struct enc_keys *e, const uint16_t *sel,
                         uint32_t n)
{
    struct probes p;
    struct prober by;
    uint8_t *row[PROBES];

    for (uint32_t from = 0, cnt; from < n; from += cnt) {
        cnt = probes_next(&p, t, &by, e, sel, from, n);
        if (simd_level == SIMD_AVX512 && !p.longs_cnt) {
            count_avx512(t, by, &p, cnt);
            continue;
        }
        probes_rows(t, by, &p, cnt, row);
        for (uint32_t i = 0; i < cnt; i++)
            count_one(row[i]);
    }
}
