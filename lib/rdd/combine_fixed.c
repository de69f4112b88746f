#include "rdd/combine_fixed.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/simd.h"
#include "rdd/agg_cell.h"
#include "rdd/tkey_load.h"

#define INLINE static inline __attribute__((always_inline))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))

#define SLOTS_BITS_MIN 13u
#define ALONE_BITS     16u        /* so far a table grows for a key that finds its home taken */
#define FEW            64u        /* slots, and more, for each key */
#define SPARSE_BITS    17u        /* so many and less: an eighth full at most; more: a quarter */
#define PREFETCH_BYTES (1u << 18) /* slots and entries that outgrow the second-level cache */
#define LINE_BYTES     64u
#define SIGN           0x8000000000000000u

static size_t round64(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

/* --- set-up ------------------------------------------------------------------------------------
 */

static uint32_t words_of(enum type_kind kind)
{
    switch (kind) {
    case TYPE_INT:
    case TYPE_TIME:
    case TYPE_FLOAT: return 1;
    case TYPE_IP: return 2;
    default: return 0;
    }
}

uint32_t combine_fixed_words(const struct exchange *x)
{
    const struct type *key = x->key ? type_value(x->key) : NULL;

    return key && !x->agg.has_strings ? words_of(key->kind) : 0;
}

/* As many slots as n keys want; no fewer than the least. */
static uint32_t bits_for(uint32_t n)
{
    uint32_t bits = SLOTS_BITS_MIN;

    while (n > (1u << bits) / (bits < SPARSE_BITS ? 8 : 4))
        bits++;
    return bits;
}

size_t combine_fixed_bytes(uint32_t keys_max, uint32_t words, uint32_t row_bytes)
{
    size_t n = (size_t)keys_max + 1;

    return round64((sizeof(uint32_t)) << bits_for(keys_max)) + round64(n * sizeof(struct tkey)) +
           round64(n * (words * sizeof(uint64_t) + row_bytes));
}

void combine_fixed_init(struct combine_fixed *t, void *mem, uint32_t keys_max, enum type_kind kind,
                        uint32_t row_bytes, const uint8_t *row_init)
{
    uint32_t words = words_of(kind), bits_max = bits_for(keys_max);
    size_t n = (size_t)keys_max + 1, stride = words * sizeof(uint64_t) + row_bytes;
    uint8_t *at = mem;

    MR_ASSERT(words && row_bytes >= 8 && row_bytes % 8 == 0 && n * stride <= UINT32_MAX);
    *t = (struct combine_fixed){.words = words,
                                .stride = (uint32_t)stride,
                                .row_bytes = row_bytes,
                                .slots_bits = SLOTS_BITS_MIN,
                                .slots_bits_max = bits_max,
                                .keys_max = keys_max,
                                .row_init = row_init,
                                .kind = kind};
    t->slot = (uint32_t *)(void *)at;
    at += round64(sizeof *t->slot << bits_max);
    t->key = (struct tkey *)(void *)at;
    at += round64(n * sizeof *t->key);
    t->entry = at;
    memset(t->entry, 0, words * sizeof(uint64_t));
    memset(t->slot, 0, sizeof *t->slot << t->slots_bits);
    combine_fixed_clear(t);
}

/* --- homes -------------------------------------------------------------------------------------
 */

/* What a hash needs, in registers. */
struct hasher {
    struct tkey_seeds seeds;
    uint64_t s0, multiply;
    uint32_t shift; /* from a hash to a slot */
};

static inline struct hasher hasher_of(const struct combine_fixed *t)
{
    return (struct hasher){tkey_seeds(), tkey_seed[0], tkey_seed[1] | 1, 64 - t->slots_bits};
}

INLINE uint32_t home_of(const uint64_t *k, uint32_t words, const struct hasher *by)
{
    if (words == 2) {
        __m128i both = _mm_loadu_si128((const __m128i *)(const void *)k);
        return (uint32_t)(tkey_hash_short(both, by->seeds) >> by->shift);
    }
    uint64_t h = (*k ^ by->s0) * by->multiply;
    h = (h ^ h >> 32) * by->multiply;
    return (uint32_t)(h >> by->shift);
}

static uint32_t home_in(const struct combine_fixed *t, const uint64_t *k)
{
    const struct hasher by = hasher_of(t);

    return t->words == 1 ? home_of(k, 1, &by) : home_of(k, 2, &by);
}

/* The homes of keys of one word, eight at a time; returns how many it did. */
AVX512 static uint32_t homes_avx512(uint32_t *home, const uint64_t *k, uint32_t n,
                                    const struct hasher *by)
{
    const __m512i seed = _mm512_set1_epi64((int64_t)by->s0);
    const __m512i multiply = _mm512_set1_epi64((int64_t)by->multiply);
    const __m128i shift = _mm_cvtsi32_si128((int)by->shift);
    uint32_t i = 0;

    for (; i + 8 <= n; i += 8) {
        __m512i h = _mm512_xor_si512(_mm512_loadu_si512(k + i), seed);
        h = _mm512_mullo_epi64(h, multiply);
        h = _mm512_xor_si512(h, _mm512_srli_epi64(h, 32));
        h = _mm512_srl_epi64(_mm512_mullo_epi64(h, multiply), shift);
        _mm256_storeu_si256((__m256i *)(void *)(home + i), _mm512_cvtepi64_epi32(h));
    }
    return i;
}

INLINE void homes_each(uint32_t *restrict home, const uint64_t *restrict key, uint32_t n,
                       uint32_t words, const struct hasher *by)
{
    for (uint32_t i = 0; i < n; i++)
        home[i] = home_of(key + (size_t)i * words, words, by);
}

/* Keys one behind the other, and where their homes are. */
struct probes {
    const uint64_t *key;
    uint32_t home[VEC_ROWS_MAX];
    uint64_t own[2 * VEC_ROWS_MAX]; /* room for the keys of a selection */
};

INLINE void load_each(struct probes *p, const struct combine_fixed *t, const struct fixed_keys *k,
                      uint32_t words)
{
    const struct hasher by = hasher_of(t);
    const uint32_t n = k->n;
    uint32_t done = 0;

    p->key = k->word;
    if (k->sel) {
        for (uint32_t i = 0; i < n; i++)
            for (uint32_t w = 0; w < words; w++)
                p->own[i * words + w] = k->word[(size_t)k->sel[i] * words + w];
        p->key = p->own;
    }
    if (words == 1 && simd_level == SIMD_AVX512)
        done = homes_avx512(p->home, p->key, n, &by);
    homes_each(p->home + done, p->key + (size_t)done * words, n - done, words, &by);
}

static bool outgrows_cache(const struct combine_fixed *t)
{
    size_t slots = sizeof *t->slot << t->slots_bits, lines = (size_t)t->live * LINE_BYTES;

    return (slots < lines ? slots : lines) + (size_t)t->live * t->stride > PREFETCH_BYTES;
}

static void entries_fetch(const struct combine_fixed *t, const uint32_t *home, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        __builtin_prefetch(&t->slot[home[i]]);
    for (uint32_t i = 0; i < n; i++)
        __builtin_prefetch(t->entry + t->slot[home[i]]);
}

__attribute__((noinline)) static void load_ones(struct probes *p, const struct combine_fixed *t,
                                                const struct fixed_keys *k)
{
    load_each(p, t, k, 1);
}

__attribute__((noinline)) static void load_twos(struct probes *p, const struct combine_fixed *t,
                                                const struct fixed_keys *k)
{
    load_each(p, t, k, 2);
}

/* --- one key -----------------------------------------------------------------------------------
 */

INLINE bool same_key(const uint8_t *entry, const uint64_t *k, uint32_t words)
{
    if (words == 2) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)entry);
        __m128i differ = _mm_xor_si128(x, _mm_loadu_si128((const __m128i *)(const void *)k));
        return _mm_testz_si128(differ, differ);
    }
    return load_le64(entry) == *k;
}

static const uint64_t *key_at(const struct combine_fixed *t, uint32_t entry)
{
    return (const uint64_t *)(const void *)(t->entry + (size_t)entry * t->stride);
}

static void grow(struct combine_fixed *t)
{
    t->slots_bits++;
    memset(t->slot, 0, sizeof *t->slot << t->slots_bits);
    const uint32_t mask = (1u << t->slots_bits) - 1;
    for (uint32_t e = 1; e <= t->live; e++) {
        uint32_t s = home_in(t, key_at(t, e));
        while (t->slot[s])
            s = (s + 1) & mask;
        t->slot[s] = e * t->stride;
    }
}

static uint8_t *add(struct combine_fixed *t, const uint64_t *k, uint32_t slot, bool at_home)
{
    uint32_t bytes = t->words * (uint32_t)sizeof *k, off = ++t->live * t->stride;
    uint8_t *at = t->entry + off;

    MR_ASSERT(t->live <= t->keys_max); /* the caller asked for room */
    memcpy(at, k, bytes);
    memcpy(at + bytes, t->row_init, t->row_bytes);
    t->slot[slot] = off;
    uint32_t wanted = at_home || t->slots_bits >= ALONE_BITS ? bits_for(t->live) : ALONE_BITS;
    if (t->slots_bits < t->slots_bits_max && wanted > t->slots_bits)
        grow(t);
    return at;
}

/* The entry of a key that is not at home: it lives behind, or is new, or is zero and has an entry
 * without a slot. The table may have grown since its home was looked up. */
__attribute__((noinline)) static uint8_t *elsewhere(struct combine_fixed *t, const uint64_t *k)
{
    const uint32_t words = t->words, mask = (1u << t->slots_bits) - 1, home = home_in(t, k);

    for (uint32_t s = home;; s = (s + 1) & mask) {
        uint8_t *at = t->entry + t->slot[s];
        if (words == 1 ? same_key(at, k, 1) : same_key(at, k, 2))
            return at;
        if (at == t->entry)
            return add(t, k, s, s == home);
    }
}

/* A key lies behind its home without a gap, so what lies behind the homes without a gap is all.
 * Where they are few, that is less than the table. */
static void slots_clear(struct combine_fixed *t)
{
    const uint32_t slots = 1u << t->slots_bits;

    if (t->live > slots / FEW) {
        memset(t->slot, 0, sizeof *t->slot * slots);
        return;
    }
    for (uint32_t e = 1; e <= t->live; e++)
        for (uint32_t s = home_in(t, key_at(t, e)); t->slot[s]; s = (s + 1) & (slots - 1))
            t->slot[s] = 0;
}

void combine_fixed_clear(struct combine_fixed *t)
{
    uint32_t wanted = bits_for(t->live);

    slots_clear(t);
    if (wanted < t->slots_bits && t->slots_bits > ALONE_BITS)
        t->slots_bits = wanted;
    memcpy(combine_fixed_row(t, 0), t->row_init, t->row_bytes);
    t->live = 0;
}

/* --- what comes next ---------------------------------------------------------------------------
 */

/* What is left of the next vector is fetched in small portions, since the vector at hand ends: the
 * fewer breaks the better, but memory takes only so many lines at a time. */
#define FETCH_KEYS_MAX  64u /* between two portions */
#define FETCH_KEYS_MIN  16u
#define FETCH_LINES_MAX 32u /* of a portion */

struct pace {
    uint32_t keys, lines;
};

static struct pace pace_of(const struct fixed_keys *k)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; k->ahead && i < 2; i++) {
        uint64_t left = (uint64_t)(k->ahead->end[i] - k->ahead->at[i]);
        if (k->ahead->at[i] < k->ahead->end[i] && left > bytes)
            bytes = left;
    }
    uint64_t all = bytes / LINE_BYTES, most = FETCH_LINES_MAX * (k->n / FETCH_KEYS_MAX + 1);
    uint32_t keys = all > most ? FETCH_KEYS_MIN : FETCH_KEYS_MAX, portions = k->n / keys + 1;
    uint64_t lines = (all + portions) / portions;
    return (struct pace){keys, lines < FETCH_LINES_MAX ? (uint32_t)lines : FETCH_LINES_MAX};
}

/* --- vectors -----------------------------------------------------------------------------------
 */

enum { FIND, COUNT, SUM };

/* What is done with the row of each key, and with what. */
struct deed {
    uint8_t **row;
    const int64_t *value;
    const uint16_t *sel;
    uint32_t sum_off;
};

/* Does it for n keys, the first of which is the `first` of the vector. */
INLINE void do_some(struct combine_fixed *t, const uint64_t *keys, const uint32_t *home,
                    uint32_t first, uint32_t n, uint32_t words, int kind, const struct deed *d)
{
    const uint32_t *slot = t->slot;
    uint8_t *entry = t->entry;

    for (uint32_t i = 0; i < n; i++) {
        const uint64_t *key = keys + (size_t)i * words;
        uint8_t *at = entry + slot[home[i]];
        if (__builtin_expect(!same_key(at, key, words), 0))
            at = elsewhere(t, key);
        uint8_t *row = at + words * sizeof *key;
        if (kind == FIND) {
            d->row[first + i] = row;
            continue;
        }
        store_i64(row, load_i64(row) + 1);
        if (kind == SUM) {
            uint64_t value = (uint64_t)d->value[d->sel ? d->sel[first + i] : first + i];
            store_i64(row + d->sum_off, (int64_t)((uint64_t)load_i64(row + d->sum_off) + value));
        }
    }
}

INLINE void do_each(struct combine_fixed *t, const struct fixed_keys *k, uint32_t words, int kind,
                    const struct deed *d)
{
    const struct pace pace = pace_of(k);
    const uint32_t n = k->n;
    struct probes p;

    if (words == 1)
        load_ones(&p, t, k);
    else
        load_twos(&p, t, k);
    if (outgrows_cache(t))
        entries_fetch(t, p.home, n);
    /* Homes are those of a smaller table when it grew meanwhile: wrong, but none is outside. */
    for (uint32_t i = 0; i < n; i += pace.keys) {
        uint32_t some = n - i < pace.keys ? n - i : pace.keys;
        ahead_fetch(k->ahead, pace.lines);
        do_some(t, p.key + (size_t)i * words, p.home + i, i, some, words, kind, d);
    }
}

void combine_fixed_rows(struct combine_fixed *t, const struct fixed_keys *k, uint8_t **row)
{
    const struct deed d = {.row = row};

    if (t->words == 1)
        do_each(t, k, 1, FIND, &d);
    else
        do_each(t, k, 2, FIND, &d);
}

void combine_fixed_count(struct combine_fixed *t, const struct fixed_keys *k)
{
    if (t->words == 1)
        do_each(t, k, 1, COUNT, NULL);
    else
        do_each(t, k, 2, COUNT, NULL);
}

void combine_fixed_sum(struct combine_fixed *t, const struct fixed_keys *k, const int64_t *value,
                       uint32_t sum_off)
{
    const struct deed d = {.value = value, .sel = k->sel, .sum_off = sum_off};

    if (t->words == 1)
        do_each(t, k, 1, SUM, &d);
    else
        do_each(t, k, 2, SUM, &d);
}

/* --- leaving -----------------------------------------------------------------------------------
 */

static struct tkey key_encoded(const struct combine_fixed *t, const uint8_t *entry)
{
    struct tkey k = {.len = t->words * (uint32_t)sizeof(uint64_t)};
    uint8_t number[8];

    if (t->kind == TYPE_IP) {
        k.ptr = entry;
        memcpy(k.pre, entry, sizeof k.pre);
        return k;
    }
    memcpy(number, entry, sizeof number);
    if (t->kind != TYPE_FLOAT)
        store_be64(number, load_le64(entry) ^ SIGN);
    memcpy(k.pre, number, sizeof k.pre);
    memcpy(k.rest, number + sizeof k.pre, sizeof number - sizeof k.pre);
    return k;
}

uint32_t combine_fixed_first(struct combine_fixed *t)
{
    for (uint32_t e = 0; e <= t->live; e++)
        t->key[e] = key_encoded(t, t->entry + (size_t)e * t->stride);
    return agg_count(combine_fixed_row(t, 0)) ? 0 : 1;
}
