/*
 * The combine table of a map task whose keys are one or two words: ints, times, floats, addresses.
 *
 * It is laid out as the table for keys of any length (combine_table.h), and does the same for them;
 * but a key is compared as the words that it is, and nothing need be asked of its length. Entries
 * of `stride` bytes, the key and then the row, lie in the order in which their keys came. A slot is
 * the offset of an entry. Any word may be a key, so there is none that could stand for an empty
 * slot: entry 0 belongs to the key whose words are zero, and a slot that is empty names it, which
 * is right for that key and for no other.
 *
 * A word is held as it lies in its column, except of floats, which are held as they are encoded: -0
 * is 0, and all NaNs are one. Keys are encoded when they leave.
 *
 * A vector is entered in two loops: the homes of its keys, eight ints at a time with AVX-512; then
 * what lies there, and at once what is to be done with it. Slots are as many as the keys wanted the
 * last time, so that a task that sees as many as the one before does not grow its table again. A
 * key that is not at home costs a branch that is foretold wrong whenever it comes; so where keys
 * are few slots are made more until all are at home, within limits: only those of keys are ever
 * touched.
 *
 * The hash is seeded and not linear: of one word two multiplications by the seed, folded between;
 * of two words three rounds of AES, as of other keys (tkey_load.h).
 *
 * All memory is the caller's, for keys_max keys.
 *
 * Measured (Zen 4, perf/bench_keys; AVX-512, without: two multiplications gain nothing by AVX2): to
 * find a row among those of 100 ints and count one costs 1.0, 1.3 ns; among those of 10,000 Zipf
 * addresses, to count one and add a number, 2.5 ns.
 */
#ifndef RDD_COMBINE_FIXED_H
#define RDD_COMBINE_FIXED_H

#include "rdd/plan.h"
#include "rdd/tkey.h"

struct combine_fixed {
    uint32_t *slot;
    uint8_t *entry;
    struct tkey *key; /* by entry: made when they leave */
    uint32_t words, stride, row_bytes;
    uint32_t slots_bits, slots_bits_max;
    uint32_t keys_max, live; /* entries 1 to live are in use, and 0 if anything was counted there */
    const uint8_t *row_init;
    enum type_kind kind; /* of the key */
};

static inline uint8_t *combine_fixed_row(const struct combine_fixed *t, uint32_t entry)
{
    return t->entry + (size_t)entry * t->stride + t->words * sizeof(uint64_t);
}

/* combine_fixed_words: the words of the keys that go into an exchange; 0: they are not of that
 * kind, or strings are summed up for them. */
uint32_t combine_fixed_words(const struct exchange *x);
/* combine_fixed_bytes: memory for keys_max keys with rows of row_bytes (a multiple of 8). */
size_t combine_fixed_bytes(uint32_t keys_max, uint32_t words, uint32_t row_bytes);
/* combine_fixed_init lays the table out in mem, aligned to 64. row_init: row_bytes that a new row
 * begins as. */
void combine_fixed_init(struct combine_fixed *t, void *mem, uint32_t keys_max, enum type_kind kind,
                        uint32_t row_bytes, const uint8_t *row_init);
/* combine_fixed_clear forgets all keys. Costs the slots in use. */
void combine_fixed_clear(struct combine_fixed *t);
/* combine_fixed_has_room: may n more keys come, whatever they are? */
static inline bool combine_fixed_has_room(const struct combine_fixed *t, uint32_t n)
{
    return n <= t->keys_max - t->live;
}

/* The words of n rows (sel: which; NULL: the first n), at most VEC_ROWS_MAX and with room for all:
 * row r has those at word[r * words]. */
struct fixed_keys {
    const uint64_t *word;
    const uint16_t *sel;
    uint32_t n;
    struct ahead *ahead; /* fetched meanwhile; NULL: nothing (vec.h) */
};

/* combine_fixed_rows finds or adds their keys; row[i] is where the accumulators of the i-th are. */
void combine_fixed_rows(struct combine_fixed *t, const struct fixed_keys *k, uint8_t **row);
/* combine_fixed_count is that, and adds one to the count that every row begins with. */
void combine_fixed_count(struct combine_fixed *t, const struct fixed_keys *k);
/* combine_fixed_sum is that, and adds value[r] to the number at sum_off of the row. */
void combine_fixed_sum(struct combine_fixed *t, const struct fixed_keys *k, const int64_t *value,
                       uint32_t sum_off);

/* combine_fixed_first encodes the keys into t->key, valid until the next clear; returns the first
 * entry that has been counted in, from which on all have, up to t->live. */
uint32_t combine_fixed_first(struct combine_fixed *t);

#endif
