// Keyed tables against an array: finding, adding, removing, growing, full tables and heaps.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "rdd/table.h"
#include "tests/prng.h"
#include "tests/test.h"

#define POOL      3000u
#define KEYS_MAX  1000u
#define ROW_BYTES 16u
#define VECTOR    300u

struct fixture {
    struct prng prng;
    struct table t;
    void *mem;
    uint8_t *heap;
    uint8_t row_init[ROW_BYTES];
    char text[POOL][40];
    struct tkey key[POOL];
    uint64_t hash[POOL];
    uint32_t entry[POOL]; // model: TABLE_NONE, or where it is
    uint8_t mark[POOL];   // model: what its row says
    uint32_t live;
};

static void setup(struct fixture *f, uint64_t seed, size_t heap_bytes)
{
    f->prng = prng_of(seed);
    f->mem = aligned_alloc(64, table_bytes(KEYS_MAX, ROW_BYTES));
    f->heap = malloc(heap_bytes);
    memset(f->mem, 0x5a, table_bytes(KEYS_MAX, ROW_BYTES));
    memset(f->row_init, 7, ROW_BYTES);
    table_init(&f->t, f->mem, KEYS_MAX, ROW_BYTES, f->row_init);
    f->t.heap = (struct heap){f->heap, heap_bytes, 0};
    for (uint32_t i = 0; i < POOL; i++) {
        uint32_t zero = 0, len = (uint32_t)snprintf(f->text[i], sizeof f->text[i],
                                                    i % 4 ? "%u" : "a-long-one-%u-of-them", i);
        struct enc_keys e = {(const uint8_t *)f->text[i], &zero, &len};
        tkeys_load(&f->key[i], &e, NULL, 1);
        tkeys_hash(&f->hash[i], &f->key[i], 1);
        f->entry[i] = TABLE_NONE;
    }
}

static void teardown(struct fixture *f)
{
    free(f->mem);
    free(f->heap);
    free(f);
}

static uint32_t draw(struct fixture *f, struct tkey *key, uint64_t *hash, uint32_t *which)
{
    uint32_t n = (uint32_t)prng_below(&f->prng, VECTOR) + 1;
    uint32_t among = (uint32_t)prng_below(&f->prng, POOL) + 1;

    for (uint32_t i = 0; i < n; i++) {
        which[i] = (uint32_t)prng_below(&f->prng, among);
        key[i] = f->key[which[i]];
        hash[i] = f->hash[which[i]];
    }
    return n;
}

static void find_some(struct fixture *f)
{
    struct tkey key[VECTOR];
    uint64_t hash[VECTOR];
    uint32_t which[VECTOR], entry[VECTOR], n = draw(f, key, hash, which);

    table_find(&f->t, key, hash, n, entry);
    for (uint32_t i = 0; i < n; i++) {
        EXPECT_EQ_INT(entry[i], f->entry[which[i]]);
        if (entry[i] == TABLE_NONE)
            continue;
        EXPECT(table_is_live(&f->t, entry[i]));
        EXPECT(tkey_equal(table_key(&f->t, entry[i]), &key[i]));
        EXPECT_EQ_INT(*table_row(&f->t, entry[i]), f->mark[which[i]]);
    }
}

// Finds or adds keys one after the other; returns how many there was room for.
static uint32_t add_until_full(struct fixture *f, const struct tkey *key, const uint64_t *hash,
                               uint32_t n, uint32_t *entry)
{
    for (uint32_t i = 0; i < n; i++) {
        table_find(&f->t, &key[i], &hash[i], 1, &entry[i]);
        if (entry[i] == TABLE_NONE)
            entry[i] = table_add(&f->t, &key[i], hash[i]);
        if (entry[i] == TABLE_NONE)
            return i;
    }
    return n;
}

static void add_some(struct fixture *f)
{
    struct tkey key[VECTOR];
    uint64_t hash[VECTOR];
    uint32_t which[VECTOR], entry[VECTOR], n = draw(f, key, hash, which);
    uint32_t done = add_until_full(f, key, hash, n, entry);

    for (uint32_t i = 0; i < done; i++) {
        uint32_t w = which[i];
        uint8_t *row = table_row(&f->t, entry[i]);
        if (f->entry[w] == TABLE_NONE) {
            EXPECT_EQ_MEM(row, f->row_init, ROW_BYTES);
            f->entry[w] = entry[i];
            f->live++;
            *row = f->mark[w] = (uint8_t)prng_u64(&f->prng);
        }
        EXPECT_EQ_INT(entry[i], f->entry[w]);
    }
    if (done < n) { // it stopped at a new key for which there was no room
        EXPECT_EQ_INT(f->entry[which[done]], TABLE_NONE);
        EXPECT(f->live == KEYS_MAX || f->t.heap.bytes - f->t.heap.used < f->key[which[done]].len);
    }
    EXPECT_EQ_INT(f->t.live, f->live);
}

static void remove_some(struct fixture *f)
{
    uint64_t percent = prng_below(&f->prng, 100);
    uint32_t gone[POOL], cnt = 0;

    for (uint32_t i = 0; i < POOL; i++)
        if (f->entry[i] != TABLE_NONE && prng_below(&f->prng, 100) < percent) {
            gone[cnt++] = f->entry[i];
            f->entry[i] = TABLE_NONE;
            f->live--;
        }
    table_remove(&f->t, gone, cnt);
    for (uint32_t i = 0; i < cnt; i++)
        EXPECT(!table_is_live(&f->t, gone[i]));
    EXPECT_EQ_INT(f->t.live, f->live);
}

static void clear(struct fixture *f)
{
    table_clear(&f->t);
    f->live = 0;
    for (uint32_t i = 0; i < POOL; i++)
        f->entry[i] = TABLE_NONE;
}

static void run_ops(uint64_t seed, size_t heap_bytes)
{
    struct fixture *f = calloc(1, sizeof *f);

    setup(f, seed, heap_bytes);
    for (uint32_t k = 0; k < 400; k++) {
        uint64_t op = prng_below(&f->prng, 100);
        if (op < 50)
            add_some(f);
        else if (op < 90)
            find_some(f);
        else if (op < 98)
            remove_some(f);
        else
            clear(f);
    }
    teardown(f);
}

TEST(table, is_a_map)
{
    for (uint64_t k = 0; k < 5; k++)
        run_ops(prng_seed(1) * 10 + k, 1 << 20);
}

TEST(table, stops_where_the_heap_is_full)
{
    for (uint64_t k = 0; k < 5; k++)
        run_ops(prng_seed(1) * 10 + k, 500);
}

TEST(table, numbers_entries_as_they_come)
{
    struct fixture *f = calloc(1, sizeof *f);
    uint32_t entry[10];

    setup(f, 1, 4096);
    EXPECT_EQ_INT(add_until_full(f, f->key, f->hash, 10, entry), 10);
    for (uint32_t i = 0; i < 10; i++)
        EXPECT_EQ_INT(entry[i], i);
    table_remove(&f->t, (const uint32_t[]){3, 7}, 2);
    EXPECT_EQ_INT(add_until_full(f, f->key + 20, f->hash + 20, 3, entry), 3);
    EXPECT_EQ_INT(entry[0], 7); // free ones again, the last first
    EXPECT_EQ_INT(entry[1], 3);
    EXPECT_EQ_INT(entry[2], 10);
    teardown(f);
}
