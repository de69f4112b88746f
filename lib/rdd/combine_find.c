#include "rdd/combine_find.h"
#include "base/simd.h"
#include "rdd/agg_cell.h"
#include "rdd/tkey_sixteen.h"

#define INLINE static inline __attribute__((always_inline))

#define PART  512u /* keys of which the others are noted, before they are looked for */
#define GROUP 16u

enum { FIND, COUNT };

/* Keys that are looked up together. */
struct part {
    const uint8_t *base;
    const uint32_t *off, *len;
    uint32_t n;
    struct tkey key[2 * GROUP] __attribute__((aligned(64))); /* of this group and the next */
    uint32_t hash[PART];                                     /* upper halves */
    uint16_t longs[PART + GROUP];                            /* which keys are not short */
    uint16_t others[PART + GROUP];                           /* which short keys are not at home */
    uint32_t longs_cnt, others_cnt;
};

/* What finding needs of the table, for registers: through the table it would be read again after
 * whatever is written into a row. */
struct finder {
    const uint16_t *slot;
    uint8_t *entry;
    uint64_t mask, stride;
};

static inline struct finder finder_of(const struct combine_table *t)
{
    return (struct finder){t->slot, t->entry, t->slots_mask, t->stride};
}

/* The entry in the slot so far behind the home of a key. */
INLINE uint8_t *entry_at(struct finder by, uint32_t hash, uint32_t behind)
{
    return by.entry + by.slot[(hash + behind) & by.mask] * by.stride;
}

static inline void count_add(uint8_t *row, int64_t records)
{
    store_i64(row, load_i64(row) + records);
}

/* The entry of a key is found. */
INLINE void found(uint8_t *at, uint8_t **row, int kind)
{
    if (kind == COUNT)
        count_add(at + COMBINE_ROW_OFF, 1);
    else
        *row = at + COMBINE_ROW_OFF;
}

/* --- a group -----------------------------------------------------------------------------------
 */

/* What a key that is not short is made to is none: its length is not that of a short one. */
INLINE uint32_t load_plain(const struct part *p, struct tkey *k, uint32_t *hash, uint32_t first,
                           uint32_t cnt)
{
    const struct tkey_seeds seeds = tkey_seeds();
    uint32_t is_long = 0;

    for (uint32_t q = 0; q < cnt; q++) {
        uint32_t len = p->len[first + q], own = len < TKEY_INLINE ? len : TKEY_INLINE;
        __m128i key = tkey_load_short(p->base + p->off[first + q], own);
        key = _mm_insert_epi32(key, (int)len, 0);
        _mm_store_si128((__m128i *)(void *)&k[q], key);
        hash[q] = (uint32_t)(tkey_hash_short(key, seeds) >> 32);
        is_long |= (uint32_t)(len > TKEY_INLINE) << q;
    }
    return is_long;
}

/* Returns which keys are not at home. */
INLINE uint32_t find_plain(struct finder by, const struct tkey *k, const uint32_t *hash,
                           uint32_t cnt, uint8_t **row, int kind)
{
    uint32_t differ = 0;

    for (uint32_t q = 0; q < cnt; q++) {
        uint8_t *at = entry_at(by, hash[q], 0);
        __m128i own = _mm_load_si128((const __m128i *)(const void *)&k[q]);
        __m128i x = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(void *)at), own);
        differ |= (uint32_t)!_mm_testz_si128(x, x) << q;
        found(at, row + q, kind);
    }
    return differ;
}

/* Sixteen of them, four at a time. */
TKEY_AVX512 INLINE uint32_t find_sixteen(struct finder by, const struct tkey *k,
                                         const uint32_t *hash, uint8_t **row, int kind)
{
    uint32_t differ = 0;

    for (uint32_t q = 0; q < GROUP; q += 4) {
        uint8_t *at[4];
        for (uint32_t j = 0; j < 4; j++) {
            at[j] = entry_at(by, hash[q + j], 0);
            __asm__("" : "+r"(at[j])); /* or a vector makes them, which is then taken apart */
        }
        __m512i x = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(void *)at[0]));
        x = _mm512_inserti32x4(x, _mm_loadu_si128((const __m128i *)(void *)at[1]), 1);
        x = _mm512_inserti32x4(x, _mm_loadu_si128((const __m128i *)(void *)at[2]), 2);
        x = _mm512_inserti32x4(x, _mm_loadu_si128((const __m128i *)(void *)at[3]), 3);
        differ |= (uint32_t)_mm512_cmpneq_epi64_mask(x, _mm512_load_si512(k + q)) << 2 * q;
        for (uint32_t j = 0; j < 4; j++)
            found(at[j], row + q + j, kind);
    }
    return _pext_u32(differ | differ >> 1, 0x55555555);
}

/* --- a part ------------------------------------------------------------------------------------
 */

static inline uint32_t places_put_plain(uint16_t *to, uint32_t bits, uint32_t first)
{
    uint32_t cnt = 0;

    for (; bits; bits &= bits - 1)
        to[cnt++] = (uint16_t)(first + (uint32_t)__builtin_ctz(bits));
    return cnt;
}

/* The n keys from `first` on, which begin a group. Keys that are not short get any row. */
INLINE void homes_plain(struct part *p, struct finder by, uint32_t first, uint8_t **row, int kind)
{
    for (uint32_t i = first; i < p->n; i += GROUP) {
        uint32_t cnt = p->n - i < GROUP ? p->n - i : GROUP;
        uint32_t is_long = load_plain(p, p->key, p->hash + i, i, cnt);
        uint32_t differ = find_plain(by, p->key, p->hash + i, cnt, row + i, kind);
        p->longs_cnt += places_put_plain(p->longs + p->longs_cnt, is_long, i);
        p->others_cnt += places_put_plain(p->others + p->others_cnt, differ & ~is_long, i);
    }
}

/* While a group is loaded the one before is looked up. Returns how many keys were in whole groups.
 */
TKEY_AVX512 INLINE uint32_t homes_avx512(struct part *p, struct finder by, uint8_t **row, int kind)
{
    const struct tkey_seeds_four seeds = tkey_seeds_four();
    const uint32_t whole = p->n - p->n % GROUP;
    uint32_t short_before = 0;

    for (uint32_t i = 0; i < whole + GROUP; i += GROUP) {
        uint32_t is_short = 0;
        if (i < whole) {
            __mmask16 is_long = tkey_load_sixteen(p->key + i % (2 * GROUP), p->hash + i, p->base,
                                                  p->off + i, p->len + i, seeds);
            p->longs_cnt += places_put(p->longs + p->longs_cnt, is_long, i);
            is_short = ~(uint32_t)is_long;
        }
        if (i) {
            uint32_t at = i - GROUP;
            uint32_t differ =
                find_sixteen(by, p->key + at % (2 * GROUP), p->hash + at, row + at, kind);
            p->others_cnt +=
                places_put(p->others + p->others_cnt, (__mmask16)(differ & short_before), at);
        }
        short_before = is_short;
    }
    return whole;
}

/* What was counted although it is another key's is taken away again. */
static void uncount(const struct part *p, struct finder by)
{
    for (uint32_t j = 0; j < p->others_cnt; j++)
        count_add(entry_at(by, p->hash[p->others[j]], 0) + COMBINE_ROW_OFF, -1);
    for (uint32_t j = 0; j < p->longs_cnt; j++)
        count_add(entry_at(by, p->hash[p->longs[j]], 0) + COMBINE_ROW_OFF, -1);
}

static inline uint8_t *find_or_add(struct combine_table *t, const struct tkey *k, uint32_t hash)
{
    return t->entry + (size_t)combine_table_entry(t, k, hash) * t->stride;
}

/* Short keys that are not at home: those of the slot behind it first. */
INLINE void find_others(struct combine_table *t, struct part *p, struct finder by, uint8_t **row,
                        int kind)
{
    uint32_t left = 0;
    struct tkey k;

    for (uint32_t j = 0; j < p->others_cnt; j++) {
        uint32_t i = p->others[j];
        uint8_t *at = entry_at(by, p->hash[i], 1);
        __m128i own = tkey_load_short(p->base + p->off[i], p->len[i]);
        __m128i x = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(void *)at), own);
        bool same = _mm_testz_si128(x, x);
        if (kind == COUNT)
            count_add(at + COMBINE_ROW_OFF, same);
        else
            row[i] = at + COMBINE_ROW_OFF;
        p->others[left] = (uint16_t)i;
        left += !same;
    }
    for (uint32_t j = 0; j < left; j++) {
        uint32_t i = p->others[j];
        __m128i own = tkey_load_short(p->base + p->off[i], p->len[i]);
        _mm_storeu_si128((__m128i *)(void *)&k, own);
        found(find_or_add(t, &k, p->hash[i]), row + i, kind);
    }
}

/* --- keys that are not short -------------------------------------------------------------------
 */

/* Is it the key of these bytes, not short? Of the first 32 no branch hangs on their number. */
TKEY_AVX512 static inline bool long_is(const struct tkey *k, const uint8_t *bytes, uint32_t len)
{
    uint64_t first;

    memcpy(&first, k, sizeof first);
    if (first != ((uint64_t)load_le32(bytes) << 32 | len))
        return false;
    __mmask32 own = _bzhi_u32(~0u, len);
    __m256i differ =
        _mm256_xor_si256(_mm256_maskz_loadu_epi8(own, k->ptr), _mm256_maskz_loadu_epi8(own, bytes));
    return _mm256_testz_si256(differ, differ) &&
           (len <= 32 || !memcmp(k->ptr + 32, bytes + 32, len - 32));
}

/* Those that are at home; the others are left in p->longs. */
TKEY_AVX512 INLINE void homes_long(struct part *p, struct finder by, uint8_t **row, int kind)
{
    uint32_t left = 0;

    for (uint32_t j = 0; j < p->longs_cnt; j++) {
        uint32_t i = p->longs[j], len = p->len[i];
        const uint8_t *bytes = p->base + p->off[i];
        uint8_t *at = entry_at(by, (uint32_t)(tkey_hash_long(bytes, len) >> 32), 0);
        if (__builtin_expect(long_is((const struct tkey *)(void *)at, bytes, len), 1))
            found(at, row + i, kind);
        else
            p->longs[left++] = (uint16_t)i;
    }
    p->longs_cnt = left;
}

INLINE void find_longs(struct combine_table *t, const struct part *p, uint8_t **row, int kind)
{
    struct tkey_seeds seeds = tkey_seeds();
    struct tkey k;
    uint32_t hash;

    for (uint32_t j = 0; j < p->longs_cnt; j++) {
        uint32_t i = p->longs[j];
        tkey_load_hash(&k, &hash, seeds, p->base + p->off[i], p->len[i]);
        found(find_or_add(t, &k, hash), row + i, kind);
    }
}

/* --- vectors -----------------------------------------------------------------------------------
 */

TKEY_AVX512 static uint32_t rows_avx512(struct part *p, struct finder by, uint8_t **row)
{
    return homes_avx512(p, by, row, FIND);
}

TKEY_AVX512 static uint32_t counts_avx512(struct part *p, struct finder by)
{
    return homes_avx512(p, by, NULL, COUNT);
}

TKEY_AVX512 static void long_rows_avx512(struct part *p, struct finder by, uint8_t **row)
{
    homes_long(p, by, row, FIND);
}

TKEY_AVX512 static void long_counts_avx512(struct part *p, struct finder by)
{
    homes_long(p, by, NULL, COUNT);
}

INLINE void find_part(struct combine_table *t, struct part *p, uint8_t **row, int kind)
{
    const struct finder by = finder_of(t);
    uint32_t done = 0;

    p->longs_cnt = p->others_cnt = 0;
    if (simd_level == SIMD_AVX512)
        done = kind == COUNT ? counts_avx512(p, by) : rows_avx512(p, by, row);
    homes_plain(p, by, done, row, kind);
    if (kind == COUNT)
        uncount(p, by);
    find_others(t, p, by, row, kind);
    if (simd_level == SIMD_AVX512 && kind == COUNT)
        long_counts_avx512(p, finder_of(t));
    else if (simd_level == SIMD_AVX512)
        long_rows_avx512(p, finder_of(t), row);
    find_longs(t, p, row, kind);
}

INLINE void find_all(struct combine_table *t, const struct enc_keys *e, const uint16_t *sel,
                     uint32_t n, uint8_t **row, int kind)
{
    uint32_t off[PART], len[PART];
    struct part p;

    p.base = e->base;
    for (uint32_t from = 0; from < n; from += p.n) {
        p.n = n - from < PART ? n - from : PART;
        p.off = e->off + from;
        p.len = e->len + from;
        if (sel) {
            for (uint32_t i = 0; i < p.n; i++) {
                off[i] = e->off[sel[from + i]];
                len[i] = e->len[sel[from + i]];
            }
            p.off = off;
            p.len = len;
        }
        find_part(t, &p, row + from, kind);
    }
}

void combine_find_rows(struct combine_table *t, const struct enc_keys *e, const uint16_t *sel,
                       uint32_t n, uint8_t **row)
{
    find_all(t, e, sel, n, row, FIND);
}

void combine_find_count(struct combine_table *t, const struct enc_keys *e, const uint16_t *sel,
                        uint32_t n)
{
    find_all(t, e, sel, n, NULL, COUNT);
}
