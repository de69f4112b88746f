/*
 * Keys of tables: the encoding of a key (enc.h) as sixteen bytes.
 *
 * A key of at most TKEY_INLINE bytes is held whole, padded with zeros, so that two short keys
 * compare as two words; a longer one holds its first four bytes and a pointer.
 *
 * Two hashes. The hash of a table is non-linear and seeded per process, so that a stranger
 * cannot aim at one slot. The partition hash is unseeded and part of the format.
 *
 * Measured (Zen 4, Zipf words in L2, perf/bench_micro): tkeys_load 0.9 ns a word, tkeys_load_hash
 * with AVX-512 0.7 ns, without 1.9 ns.
 */
#ifndef RDD_TKEY_H
#define RDD_TKEY_H

#include "rdd/enc.h"

#define TKEY_INLINE 12u

struct tkey {
    uint32_t len;
    uint8_t pre[4]; /* first bytes */
    union {
        uint8_t rest[8];    /* short: the other bytes, padded with zeros */
        const uint8_t *ptr; /* long: all bytes */
    };
};

_Static_assert(sizeof(struct tkey) == 16, "a key is two words");

static inline bool tkey_is_short(const struct tkey *k)
{
    return k->len <= TKEY_INLINE;
}

/* The bytes of a key, valid while *k stands still. */
static inline const uint8_t *tkey_bytes(const struct tkey *k)
{
    return tkey_is_short(k) ? k->pre : k->ptr;
}

static inline bool tkey_equal(const struct tkey *a, const struct tkey *b)
{
    uint64_t x[2], y[2];

    memcpy(x, a, 16);
    memcpy(y, b, 16);
    if (x[0] != y[0])
        return false;
    return x[1] == y[1] || (!tkey_is_short(a) && memcmp(a->ptr, b->ptr, a->len) == 0);
}

static inline int tkey_cmp(const struct tkey *a, const struct tkey *b)
{
    return enc_cmp(tkey_bytes(a), a->len, tkey_bytes(b), b->len);
}

/* tkeys_load makes keys of the encodings of n rows (sel: which; NULL: the first n). The keys
 * are views: long ones point at the encodings. */
void tkeys_load(struct tkey *k, const struct enc_keys *e, const uint16_t *sel, uint32_t n);
/* tkeys_hash: the table hash of n keys, under the seed of this process. */
void tkeys_hash(uint64_t *hash, const struct tkey *k, uint32_t n);
/* tkeys_load_hash does both at once; hash[i] is the upper half of the hash of k[i]. longs, with
 * room for n, takes those i whose keys are not short, rising; returns how many. */
uint32_t tkeys_load_hash(struct tkey *k, uint32_t *hash, const struct enc_keys *e,
                         const uint16_t *sel, uint32_t n, uint16_t *longs);
/* tkey_partition: the partition of a key, unseeded. */
uint32_t tkey_partition(const struct tkey *k, uint32_t partitions);
/* tkeys_partition: that of n keys which lie `stride` bytes apart. */
void tkeys_partition(uint16_t *part, const struct tkey *k, size_t stride, uint32_t n,
                     uint32_t partitions);
/* tkey_rank: the unseeded 64-bit hash under it; decides which keys a full state admits. */
uint64_t tkey_rank(const struct tkey *k);

/* The seed of the table hash: set once at start, from the random seam. */
extern uint64_t tkey_seed[2];

#endif
