// The combine table for keys of one and of two words against a plain list of keys, counts and sums,
// over key sets that collide, grow and leave, at every SIMD level.
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/simd.h"
#include "rdd/agg_cell.h"
#include "rdd/combine_fixed.h"
#include "tests/prng.h"
#include "tests/test.h"

#define KEYS_MAX  9000u
#define ROW_BYTES 24u
#define SUM_OFF   16u

enum deed { FIND, COUNT, SUM, DEEDS };

struct naive {
    uint32_t seen[KEYS_MAX]; // keys, in the order in which they came
    uint32_t cnt;
    int64_t count[KEYS_MAX], sum[KEYS_MAX];
};

struct fixture {
    struct prng prng;
    struct combine_fixed t;
    struct naive naive;
    uint8_t row_init[ROW_BYTES];
    uint8_t *mem;
    uint32_t words;
    uint64_t key[KEYS_MAX][2]; // by number: as they lie in a column
    uint64_t column[2 * VEC_ROWS_MAX];
    int64_t value[VEC_ROWS_MAX];
    uint16_t sel[VEC_ROWS_MAX];
};

// All different; the first is of zeros, others differ in one word alone, or in a high bit.
static void make_keys(struct fixture *f)
{
    for (uint64_t k = 0; k < KEYS_MAX; k++) {
        uint64_t x = k % 3 == 1 ? k << 40 : k % 3 == 2 ? prng_u64(&f->prng) << 16 | k : k;
        f->key[k][0] = f->words == 1 || k % 2 ? x : 0;
        f->key[k][1] = k % 2 ? 7 * (k % 5 == 0) : x;
    }
}

static struct fixture *setup(uint32_t keys_max, enum type_kind kind)
{
    struct fixture *f = calloc(1, sizeof *f);
    uint32_t words = kind == TYPE_IP ? 2 : 1;
    size_t bytes = (combine_fixed_bytes(keys_max, words, ROW_BYTES) + 63) & ~63ull;

    f->prng = prng_of(prng_seed(11) + keys_max);
    f->words = words;
    memset(f->row_init + 8, 0x11, sizeof f->row_init - 8);
    f->mem = aligned_alloc(64, bytes);
    memset(f->mem, 0xa5, bytes); // memory is not given as zeros
    combine_fixed_init(&f->t, f->mem, keys_max, kind, ROW_BYTES, f->row_init);
    make_keys(f);
    return f;
}

static void teardown(struct fixture *f)
{
    free(f->mem);
    free(f);
}

static void naive_add(struct naive *n, uint32_t key, int64_t value)
{
    if (!n->count[key]++)
        n->seen[n->cnt++] = key;
    n->sum[key] = (int64_t)((uint64_t)n->sum[key] + (uint64_t)value);
}

// A vector of n of the keys from `first` to first + keys, some rows of it not selected.
static void push(struct fixture *f, uint32_t n, uint32_t first, uint32_t keys, bool some,
                 enum deed deed)
{
    uint8_t *row[VEC_ROWS_MAX];
    uint32_t live = 0;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = first + (uint32_t)prng_below(&f->prng, keys);
        memcpy(f->column + (size_t)i * f->words, f->key[k], f->words * sizeof(uint64_t));
        f->value[i] = (int64_t)prng_u64(&f->prng);
        if (!some || prng_chance(&f->prng, 60)) {
            f->sel[live++] = (uint16_t)i;
            naive_add(&f->naive, k, deed == SUM ? f->value[i] : 0);
        }
    }
    struct ahead ahead = {.at = {(const uint8_t *)f->key},
                          .end = {(const uint8_t *)(f->key + keys)}};
    struct fixed_keys keys_of = {
        .word = f->column, .sel = some ? f->sel : NULL, .n = live, .ahead = some ? &ahead : NULL};
    MR_ASSERT(combine_fixed_has_room(&f->t, live));
    switch (deed) {
    case COUNT: combine_fixed_count(&f->t, &keys_of); return;
    case SUM: combine_fixed_sum(&f->t, &keys_of, f->value, SUM_OFF); return;
    default: break;
    }
    combine_fixed_rows(&f->t, &keys_of, row);
    for (uint32_t i = 0; i < live; i++)
        store_i64(row[i], load_i64(row[i]) + 1);
}

static void expect_key(const struct fixture *f, const struct tkey *key, uint32_t k)
{
    uint64_t word = f->key[k][0];

    EXPECT_EQ_INT(key->len, 8 * f->words);
    if (f->words == 2) {
        EXPECT_EQ_MEM(tkey_bytes(key), f->key[k], 16);
        EXPECT_EQ_MEM(key->pre, f->key[k], 4);
    } else {
        EXPECT(load_be64(tkey_bytes(key)) == (word ^ 1ull << 63));
        EXPECT_EQ_MEM(key->rest + 4, "\0\0\0", 4);
    }
}

static void expect_row(const struct fixture *f, uint32_t entry, uint32_t k)
{
    const uint8_t *row = combine_fixed_row(&f->t, entry);
    uint64_t sum = (uint64_t)load_i64(f->row_init + SUM_OFF) + (uint64_t)f->naive.sum[k];

    expect_key(f, &f->t.key[entry], k);
    EXPECT_EQ_INT(load_i64(row), f->naive.count[k]);
    EXPECT_EQ_MEM(row + 8, f->row_init + 8, SUM_OFF - 8);
    EXPECT(load_i64(row + SUM_OFF) == (int64_t)sum);
}

// Key 0, of zeros, is entry 0 whenever it came.
static void expect_same(struct fixture *f)
{
    uint32_t first = combine_fixed_first(&f->t), entry = 1;

    EXPECT_EQ_INT(first, f->naive.count[0] ? 0 : 1);
    EXPECT_EQ_INT(f->t.live + 1 - first, f->naive.cnt);
    if (!first)
        expect_row(f, 0, 0);
    for (uint32_t i = 0; i < f->naive.cnt; i++)
        if (f->naive.seen[i])
            expect_row(f, entry++, f->naive.seen[i]);
}

TEST(combine_fixed, counts_and_sums_as_a_plain_list)
{
    static const struct {
        uint32_t keys, first, vectors;
        bool some;
    } cases[] = {{1, 0, 3, false},
                 {40, 0, 20, false},
                 {40, 1, 9, true},
                 {KEYS_MAX, 0, 40, true},
                 {KEYS_MAX - 1, 1, 30, false}};

    for (int level = SIMD_SCALAR; level < SIMD_AUTO; level++) {
        if (simd_init((enum simd_level)level))
            continue;
        for (uint32_t c = 0; c < 2 * DEEDS * sizeof cases / sizeof cases[0]; c++) {
            enum deed deed = c % DEEDS;
            uint32_t k = c / DEEDS / 2;
            struct fixture *f = setup(KEYS_MAX + VEC_ROWS_MAX, c / DEEDS % 2 ? TYPE_IP : TYPE_INT);
            for (uint32_t v = 0; v < cases[k].vectors; v++)
                push(f, 1 + (uint32_t)prng_below(&f->prng, VEC_ROWS_MAX), cases[k].first,
                     cases[k].keys, cases[k].some, deed);
            expect_same(f);
            teardown(f);
        }
    }
    EXPECT_EQ_INT(simd_init(SIMD_AUTO), 0);
}

TEST(combine_fixed, holds_all_the_keys_it_was_made_for_and_says_when)
{
    struct fixture *f = setup(VEC_ROWS_MAX, TYPE_IP);

    for (uint32_t i = 0; i < VEC_ROWS_MAX; i++)
        push(f, 1, i + 1, 1, false, COUNT);
    EXPECT(!combine_fixed_has_room(&f->t, 1));
    push(f, 0, 0, 1, false, COUNT);
    expect_same(f);
    teardown(f);
}

// As many slots as were wanted before, and fewer when fewer were; and more for few keys that are in
// each other's way: none of it shows.
TEST(combine_fixed, begins_anew_when_cleared)
{
    static const uint32_t keys[] = {KEYS_MAX, KEYS_MAX, 50, 20, KEYS_MAX, 700, 700, 600};
    struct fixture *f = setup(KEYS_MAX + VEC_ROWS_MAX, TYPE_INT);
    uint32_t bits[8];

    for (uint32_t round = 0; round < 8; round++) {
        memset(&f->naive, 0, sizeof f->naive);
        for (uint32_t v = 0; v < 40; v++)
            push(f, VEC_ROWS_MAX, round % 2, keys[round] - 1, round > 2, SUM);
        expect_same(f);
        bits[round] = f->t.slots_bits;
        combine_fixed_clear(&f->t);
        EXPECT_EQ_INT(f->t.live, 0);
    }
    EXPECT(bits[0] == bits[1] && bits[3] < bits[2] && bits[4] == bits[0]);
    EXPECT(bits[3] < bits[6] && bits[6] < bits[0] && bits[7] == bits[6]);
    teardown(f);
}

static int64_t bits_of(double f)
{
    int64_t v;

    memcpy(&v, &f, sizeof v);
    return v;
}

// Floats are held as they are encoded, and leave so.
TEST(combine_fixed, encodes_each_kind)
{
    static const struct {
        enum type_kind kind;
        uint64_t word, encoded;
    } cases[] = {{TYPE_INT, 5, 0x8000000000000005},
                 {TYPE_TIME, (uint64_t)INT64_MIN, 0},
                 {TYPE_INT, (uint64_t)-1, 0x7fffffffffffffff}};
    const double number = -2.5;
    struct zone z = {0};

    for (uint32_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct fixture *f = setup(4, cases[c].kind);
        struct fixed_keys k = {.word = &cases[c].word, .n = 1};
        combine_fixed_count(&f->t, &k);
        EXPECT_EQ_INT(combine_fixed_first(&f->t), 1);
        EXPECT(load_be64(tkey_bytes(&f->t.key[1])) == cases[c].encoded);
        teardown(f);
    }
    struct fixture *f = setup(4, TYPE_FLOAT);
    struct col col = {.kind = TYPE_FLOAT, .f = (double[]){number}};
    uint64_t word;
    EXPECT_EQ_INT(enc_row((uint8_t *)&word, type_scalar(TYPE_FLOAT), &col, 0), 8);
    EXPECT(load_be64(&word) == ~(uint64_t)bits_of(number));
    combine_fixed_count(&f->t, &(struct fixed_keys){.word = &word, .n = 1});
    EXPECT_EQ_INT(combine_fixed_first(&f->t), 1);
    EXPECT_EQ_MEM(tkey_bytes(&f->t.key[1]), &word, 8);
    teardown(f);
    zone_free(&z);
}

TEST(combine_fixed, is_for_keys_of_words_without_strings)
{
    struct zone z = {0};
    const struct type *ip = type_scalar(TYPE_IP), *text = type_scalar(TYPE_STRING);
    struct exchange x = {.key = ip};

    EXPECT_EQ_INT(combine_fixed_words(&x), 2);
    x.agg.has_strings = true;
    EXPECT_EQ_INT(combine_fixed_words(&x), 0);
    x = (struct exchange){.key = type_scalar(TYPE_FLOAT)};
    EXPECT_EQ_INT(combine_fixed_words(&x), 1);
    x.key = text;
    EXPECT_EQ_INT(combine_fixed_words(&x), 0);
    x.key = type_tuple(&z, (const struct type *[]){ip, ip}, 2);
    EXPECT_EQ_INT(combine_fixed_words(&x), 0);
    x.key = NULL;
    EXPECT_EQ_INT(combine_fixed_words(&x), 0);
    zone_free(&z);
}
