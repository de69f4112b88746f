// The combine table against a plain list of keys and counts, over key sets that collide, grow and
// leave.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "rdd/agg_cell.h"
#include "rdd/combine_table.h"
#include "tests/rdd/expr_harness.h"

#define KEYS       5000u
#define KEY_BYTES  48u
#define HEAP_BYTES (KEYS * KEY_BYTES)
#define ROW_BYTES  24u
#define WIDE_ROW   128u // so that entries do not stay near

struct naive {
    uint32_t seen[KEYS]; // keys, in the order in which they came
    uint32_t cnt;
    int64_t count[KEYS];
};

struct fixture {
    struct prng prng;
    struct combine_table t;
    struct naive naive;
    uint8_t row_init[WIDE_ROW];
    uint8_t *mem, *heap;
    uint8_t text[KEYS][KEY_BYTES];
    uint32_t len[KEYS];
    uint32_t off[VEC_ROWS_MAX], lens[VEC_ROWS_MAX], key[VEC_ROWS_MAX];
    uint16_t sel[VEC_ROWS_MAX];
};

// Keys of 0 to 40 bytes, all different; many share their first twelve.
static void make_keys(struct fixture *f)
{
    for (uint32_t k = 0; k < KEYS; k++) {
        char *text = (char *)f->text[k];
        f->len[k] =
            (uint32_t)(k % 7 == 1 ? snprintf(text, KEY_BYTES, "the same beginning, then %u", k)
                                  : snprintf(text, KEY_BYTES, k % 7 ? "k%06u" : "%u", k));
    }
    f->len[0] = 0;
    memset(f->text[2], 0, KEY_BYTES); // bytes of zeros differ by their length
    memset(f->text[3], 0, KEY_BYTES);
    f->len[2] = 3;
    f->len[3] = 12;
}

static struct fixture *setup(uint32_t keys_max, uint32_t row_bytes)
{
    struct fixture *f = calloc(1, sizeof *f);

    f->prng = prng_of(prng_seed(7) + keys_max);
    memset(f->row_init + 8, 0x11, sizeof f->row_init - 8);
    f->mem = aligned_alloc(64, (combine_table_bytes(keys_max, row_bytes) + 63) & ~63ull);
    f->heap = malloc(HEAP_BYTES);
    combine_table_init(&f->t, f->mem, keys_max, row_bytes, f->row_init);
    f->t.heap = (struct heap){f->heap, HEAP_BYTES, 0};
    make_keys(f);
    return f;
}

static void teardown(struct fixture *f)
{
    free(f->mem);
    free(f->heap);
    free(f);
}

static void naive_add(struct naive *n, uint32_t key)
{
    if (!n->count[key]++)
        n->seen[n->cnt++] = key;
}

// Of 512 keys at a time those that are not short come last.
static void naive_push(struct fixture *f, uint32_t live)
{
    for (uint32_t from = 0; from < live; from += 512)
        for (int is_long = 0; is_long < 2; is_long++)
            for (uint32_t i = from; i < live && i < from + 512; i++)
                if ((f->lens[f->sel[i]] > TKEY_INLINE) == is_long)
                    naive_add(&f->naive, f->key[f->sel[i]]);
}

// A vector of n of the first `keys` keys, some rows of it not selected.
static void push(struct fixture *f, uint32_t n, uint32_t keys, bool some)
{
    struct enc_keys e = {f->text[0], f->off, f->lens};
    uint8_t *row[VEC_ROWS_MAX];
    uint32_t live = 0;

    for (uint32_t i = 0; i < n; i++) {
        f->key[i] = (uint32_t)prng_below(&f->prng, keys);
        f->off[i] = f->key[i] * KEY_BYTES;
        f->lens[i] = f->len[f->key[i]];
        if (!some || prng_chance(&f->prng, 60))
            f->sel[live++] = (uint16_t)i;
    }
    naive_push(f, live);
    MR_ASSERT(combine_table_has_room(&f->t, live));
    if (f->t.row_bytes == 8) {
        combine_table_count(&f->t, &e, some ? f->sel : NULL, live);
        return;
    }
    combine_table_rows(&f->t, &e, some ? f->sel : NULL, live, row);
    for (uint32_t i = 0; i < live; i++)
        store_i64(row[i], load_i64(row[i]) + 1);
}

static void expect_same(struct fixture *f)
{
    EXPECT_EQ_INT(f->t.live, f->naive.cnt);
    for (uint32_t i = 0; i < f->t.live; i++) {
        uint32_t k = f->naive.seen[i];
        const struct tkey *key = combine_key(&f->t, i + 1);
        const uint8_t *row = combine_row(&f->t, i + 1);
        EXPECT_EQ_INT(key->len, f->len[k]);
        EXPECT_EQ_MEM(tkey_bytes(key), f->text[k], f->len[k]);
        EXPECT_EQ_INT(load_i64(row), f->naive.count[k]);
        EXPECT_EQ_MEM(row + 8, f->row_init + 8, f->t.row_bytes - 8);
    }
}

TEST(combine_table, counts_as_a_plain_list)
{
    static const struct {
        uint32_t row_bytes, keys, vectors;
        bool some;
    } cases[] = {{8, 1, 3, false},        {8, 40, 20, false},           {8, KEYS, 30, true},
                 {ROW_BYTES, 3, 2, true}, {ROW_BYTES, KEYS, 30, false}, {WIDE_ROW, KEYS, 40, true}};

    for (uint32_t c = 0; c < sizeof cases / sizeof cases[0]; c++)
        for (simd_first(); simd_next();) {
            struct fixture *f = setup(KEYS + VEC_ROWS_MAX, cases[c].row_bytes);
            for (uint32_t v = 0; v < cases[c].vectors; v++)
                push(f, 1 + (uint32_t)prng_below(&f->prng, VEC_ROWS_MAX), cases[c].keys,
                     cases[c].some);
            expect_same(f);
            teardown(f);
        }
}

TEST(combine_table, holds_all_the_keys_it_was_made_for_and_says_when)
{
    struct fixture *f = setup(VEC_ROWS_MAX, 8);

    push(f, VEC_ROWS_MAX, VEC_ROWS_MAX, false);
    EXPECT(!combine_table_has_room(&f->t, VEC_ROWS_MAX));
    EXPECT(combine_table_has_room(&f->t, VEC_ROWS_MAX - f->t.live));
    expect_same(f);
    teardown(f);
}

TEST(combine_table, begins_anew_when_cleared)
{
    struct fixture *f = setup(KEYS + VEC_ROWS_MAX, ROW_BYTES);

    for (uint32_t round = 0; round < 4; round++) {
        memset(&f->naive, 0, sizeof f->naive);
        for (uint32_t v = 0; v < 8; v++)
            push(f, VEC_ROWS_MAX, round % 2 ? KEYS : 700, round > 1);
        expect_same(f);
        combine_table_clear(&f->t);
        EXPECT_EQ_INT(f->t.live + f->t.heap.used, 0);
    }
    teardown(f);
}

// A closed table: keys that came more than once stay, with empty rows; a record of another key gets
// an entry of its own, in the order in which the records came, of 512 those that are not short
// last.
static void expect_closed(struct fixture *f, uint32_t vectors)
{
    static uint32_t passed[8 * VEC_ROWS_MAX];
    uint32_t kept[KEYS], cnt = 0, passed_cnt = 0;
    struct naive before = f->naive;

    for (uint32_t i = 0; i < before.cnt; i++)
        if (before.count[before.seen[i]] > 1)
            kept[cnt++] = before.seen[i];
    combine_table_close(&f->t);
    EXPECT_EQ_INT(f->t.kept, cnt);
    memset(&f->naive, 0, sizeof f->naive);
    for (uint32_t v = 0; v < vectors; v++) {
        uint32_t n = VEC_ROWS_MAX - v;
        push(f, n, KEYS, false);
        for (uint32_t from = 0; from < n; from += 512)
            for (int is_long = 0; is_long < 2; is_long++)
                for (uint32_t i = from; i < n && i < from + 512; i++)
                    if ((f->lens[i] > TKEY_INLINE) == is_long && before.count[f->key[i]] <= 1)
                        passed[passed_cnt++] = f->key[i];
    }
    EXPECT_EQ_INT(f->t.live, cnt + passed_cnt);
    for (uint32_t e = 1; e <= f->t.live; e++) {
        uint32_t k = e <= cnt ? kept[e - 1] : passed[e - 1 - cnt];
        const struct tkey *key = combine_key(&f->t, e);
        EXPECT_EQ_INT(key->len, f->len[k]);
        EXPECT_EQ_MEM(tkey_bytes(key), f->text[k], f->len[k]);
        EXPECT_EQ_INT(load_i64(combine_row(&f->t, e)), e <= cnt ? f->naive.count[k] : 1);
        EXPECT_EQ_MEM(combine_row(&f->t, e) + 8, f->row_init + 8, f->t.row_bytes - 8);
    }
}

TEST(combine_table, looks_for_frequent_keys_only_when_closed)
{
    static const uint32_t row_bytes[] = {8, ROW_BYTES};

    for (uint32_t c = 0; c < 2; c++)
        for (simd_first(); simd_next();) {
            struct fixture *f = setup(KEYS + 8 * VEC_ROWS_MAX, row_bytes[c]);
            for (uint32_t v = 0; v < 4; v++)
                push(f, VEC_ROWS_MAX, KEYS, false);
            expect_closed(f, 6);
            combine_table_pass(&f->t);
            EXPECT_EQ_INT(f->t.live, f->t.kept);
            push(f, VEC_ROWS_MAX, KEYS, false);
            combine_table_clear(&f->t);
            memset(&f->naive, 0, sizeof f->naive);
            push(f, VEC_ROWS_MAX, KEYS, false);
            expect_same(f);
            teardown(f);
        }
}
