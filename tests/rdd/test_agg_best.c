// Emission of the best entries of a state only: the best n of what leaves are the best n of all,
// whatever the values, ties, keys and the room for rows are.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rdd/agg_state.h"
#include "rdd/fn.h"
#include "tests/prng.h"
#include "tests/test.h"

#define KEYS       4000u
#define PARTITIONS 3u
#define STATE      (16u << 20)
#define SCRATCH    (4u << 20)
#define WINDOW     4u
#define BEST       64u
#define LONG_BYTES 6000u

struct row {
    int64_t value;
    uint32_t key_bytes;
    uint8_t key[16]; // of long ones the first bytes, which tell them apart
};

struct fixture {
    struct prng prng;
    struct zone zone;
    struct exchange x;
    struct agg_state s[PARTITIONS];
    void *mem[PARTITIONS], *scratch_mem;
    struct arena scratch;
    uint32_t values; // so many different ones
    struct row all[KEYS + PARTITIONS], some[KEYS + PARTITIONS];
    struct best_entry best[BEST];
};

// Of each kind of row: what it looks like, and whether it needs the key to be ordered.
static const struct kind {
    struct agg_spec agg;
    bool inverse, by_key;
    uint64_t len;
    uint32_t off;
} kinds[] = {
    {{.row_bytes = 8, .count_only = true}, true, true, WINDOW, 0},
    {{.row_bytes = 8, .count_only = true}, false, true, 1, 0},
    {{.leaves_cnt = 1, .leaf = {{AGG_SUM_INT, TYPE_INT, 8, 8}}, .row_bytes = 16},
     true,
     true,
     WINDOW,
     8},
    {{.leaves_cnt = 1, .leaf = {{AGG_SUM_INT, TYPE_INT, 8, 8}}, .row_bytes = 16},
     true,
     false,
     WINDOW_FOREVER,
     8},
    {{.leaves_cnt = 1, .leaf = {{AGG_MAX, TYPE_INT, 8, 8}}, .row_bytes = 16},
     false,
     true,
     WINDOW,
     8},
};

static struct fixture *setup(const struct kind *k, uint64_t seed)
{
    struct fixture *f = calloc(1, sizeof *f);

    f->prng = prng_of(seed);
    f->values = prng_chance(&f->prng, 30) ? 3 : (uint32_t)prng_below(&f->prng, 4000) + 1;
    f->x = (struct exchange){
        .kind = EX_AGG,
        .key = &type_string,
        .value = &type_int,
        .type = type_tuple(&f->zone, (const struct type *const[]){&type_string, &type_int}, 2),
        .agg = k->agg,
        .len = k->len,
        .slide = 1,
        .inverse = k->inverse,
        .partitions = PARTITIONS,
        .keys_max = KEYS,
        .state_bytes = STATE,
        .best = {(uint32_t)prng_below(&f->prng, BEST) + 1, k->off, k->by_key}};
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        f->mem[p] = aligned_alloc(64, STATE);
        agg_state_init(&f->s[p], &f->x, f->mem[p]);
    }
    f->scratch_mem = aligned_alloc(64, SCRATCH);
    arena_init(&f->scratch, f->scratch_mem, SCRATCH);
    return f;
}

static void teardown(struct fixture *f)
{
    for (uint32_t p = 0; p < PARTITIONS; p++)
        free(f->mem[p]);
    free(f->scratch_mem);
    zone_free(&f->zone);
    free(f);
}

static void merge_some(struct fixture *f, struct agg_state *s, uint32_t partition)
{
    static uint8_t text[LONG_BYTES];
    uint32_t n = (uint32_t)prng_below(&f->prng, KEYS / PARTITIONS);

    memset(text, 'x', sizeof text);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t id = (uint32_t)prng_below(&f->prng, KEYS / PARTITIONS), zero = 0, len;
        uint64_t row[2] = {prng_below(&f->prng, 3) + 1,
                           (uint64_t)prng_between(&f->prng, -(int64_t)f->values, f->values)};
        const uint8_t *rows[1] = {(const uint8_t *)row};
        struct tkey key;
        len = (uint32_t)snprintf((char *)text, sizeof text, "%u.%u", id, partition);
        text[len] = 'x';
        len = id % 11 == 0 ? 40 : id % 401 == 0 ? LONG_BYTES : len;
        tkeys_load(&key, &(struct enc_keys){text, &zero, &len}, NULL, 1);
        arena_reset(&f->scratch);
        agg_state_merge(s, &f->scratch, &key, rows, 1);
    }
}

static void steps(struct fixture *f, struct agg_state *s)
{
    do
        arena_reset(&f->scratch);
    while (agg_state_step(s, &f->scratch));
}

static int by_rank(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    if (x->value != y->value)
        return x->value < y->value ? 1 : -1;
    return enc_cmp(x->key, sizeof x->key, y->key, sizeof y->key);
}

// What leaves all partitions, best first; best NULL: everything.
static uint32_t emit(struct fixture *f, struct agg_best *best, size_t scratch_bytes,
                     struct row *row)
{
    struct col col[2];
    struct vec v = {.col = col};
    struct arena a;
    uint32_t n = 0;

    arena_init(&a, f->scratch_mem, scratch_bytes);
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        uint32_t cursor = 0;
        for (; agg_state_emit(&f->s[p], &cursor, best, &v, &a) > 0; arena_reset(&a))
            for (uint32_t i = 0; i < v.rows; i++, n++) {
                row[n] = (struct row){.value = col[1].i[i], .key_bytes = col[0].s.len[i]};
                memcpy(row[n].key, col_str(&col[0], i),
                       row[n].key_bytes < 16 ? row[n].key_bytes : 16);
            }
        arena_reset(&a);
    }
    qsort(row, n, sizeof *row, by_rank);
    return n;
}

static void one_interval(struct fixture *f, uint64_t n, uint32_t *left_out)
{
    struct agg_best best;
    uint32_t cnt = f->x.best.cnt;

    for (uint32_t p = 0; p < PARTITIONS; p++) {
        agg_state_begin(&f->s[p], n);
        steps(f, &f->s[p]);
        merge_some(f, &f->s[p], p);
        agg_state_end(&f->s[p]);
        steps(f, &f->s[p]);
    }
    uint32_t all = emit(f, NULL, SCRATCH, f->all);
    agg_best_begin(&best, &f->x, f->best);
    // sometimes a vector does not fit, and is tried again in parts
    uint32_t some = emit(f, &best, prng_chance(&f->prng, 50) ? SCRATCH : 12288, f->some);
    cnt = all < cnt ? all : cnt;
    EXPECT(some >= cnt && some <= all);
    EXPECT_EQ_MEM(f->some, f->all, cnt * sizeof f->all[0]);
    *left_out += all - some;
    for (uint32_t p = 0; p < PARTITIONS; p++)
        agg_state_retire(&f->s[p]);
}

TEST(agg_best, are_the_best_of_all)
{
    for (uint32_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        uint32_t left_out = 0;
        for (uint64_t seed = 0; seed < 12; seed++) {
            struct fixture *f = setup(&kinds[i], prng_seed(1) * 100 + seed);
            for (uint64_t n = 0; n < 3 * WINDOW; n++)
                one_interval(f, n, &left_out);
            for (uint32_t p = 0; p < PARTITIONS; p++)
                EXPECT_EQ_INT(f->s[p].refused, 0);
            teardown(f);
        }
        EXPECT(left_out > 0);
    }
}

// Keys in any order: few more are handed on than there are best ones. One value for all of them:
// the keys tell.
TEST(agg_best, hand_few_on)
{
    for (uint32_t same = 0; same < 2; same++) {
        static struct tkey key[KEYS];
        struct best_entry mem[20];
        struct exchange x = {.best = {.cnt = 20, .by_key = true}};
        struct agg_best best;
        struct prng prng = prng_of(prng_seed(1) + same);
        uint32_t taken = 0;

        agg_best_begin(&best, &x, mem);
        for (uint32_t i = 0; i < KEYS; i++) {
            key[i] = (struct tkey){.len = 8};
            prng_fill(&prng, key[i].pre, 4);
            int64_t v = same ? 7 : (int64_t)prng_below(&prng, KEYS);
            taken += !agg_best_is_out(&best, v, &key[i]) && agg_best_takes(&best, v, &key[i]);
        }
        EXPECT(taken >= 20 && taken < 300);
    }
}
