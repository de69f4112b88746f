// The emission of a large state in the order of its keys: all of them, each once, and no step takes
// more than its piece, also of what comes before the first row.

#include <stdlib.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "rdd/agg_state.h"
#include "tests/prng.h"
#include "tests/test.h"

#define KEYS      30000u
#define STATE     (32u << 20)
#define SCRATCH   (4u << 20)
#define INTERVALS 3u

struct fixture {
    struct prng prng;
    struct zone zone;
    struct exchange x;
    struct agg_state s;
    void *mem, *scratch_mem;
    struct arena scratch;
};

static void setup(struct fixture *f, bool sorted)
{
    *f = (struct fixture){.prng = prng_of(prng_seed(1))};
    f->x = (struct exchange){
        .kind = EX_AGG,
        .key = &type_int,
        .value = &type_int,
        .type = type_tuple(&f->zone, (const struct type *const[]){&type_int, &type_int}, 2),
        .agg = {.row_bytes = 8, .count_only = true},
        .len = 1,
        .slide = 1,
        .inverse = true,
        .partitions = 1,
        .keys_max = KEYS,
        .state_bytes = STATE,
        .sorted = sorted};
    f->mem = aligned_alloc(64, STATE);
    agg_state_init(&f->s, &f->x, f->mem);
    f->scratch_mem = aligned_alloc(64, SCRATCH);
    arena_init(&f->scratch, f->scratch_mem, SCRATCH);
}

static void teardown(struct fixture *f)
{
    free(f->mem);
    free(f->scratch_mem);
    zone_free(&f->zone);
}

// KEYS - from of the ints up to KEYS * 3 that 3 divides, in any order, with as many records as its
// rest of 5, plus one.
static void merge_keys(struct fixture *f, uint32_t from)
{
    static uint32_t order[KEYS];
    uint64_t count;
    const uint8_t *row = (const uint8_t *)&count;

    for (uint32_t i = 0; i < KEYS; i++) {
        uint32_t at = (uint32_t)prng_below(&f->prng, i + 1);
        order[i] = order[at];
        order[at] = i;
    }
    for (uint32_t i = from; i < KEYS; i++) {
        uint8_t enc[8];
        uint32_t zero = 0, len = 8;
        struct enc_keys e = {enc, &zero, &len};
        struct tkey key;
        store_be64(enc, (uint64_t)(3 * order[i]) ^ 1ull << 63);
        tkeys_load(&key, &e, NULL, 1);
        count = order[i] % 5 + 1;
        arena_reset(&f->scratch);
        agg_state_merge(&f->s, &f->scratch, &key, &row, 1);
    }
}

static void one_interval(struct fixture *f, uint64_t n)
{
    struct col col[2];
    struct vec v = {.col = col};
    uint32_t cursor = 0, rows = 0, bad = 0, steps = 0;

    agg_state_begin(&f->s, n);
    while (agg_state_step(&f->s, &f->scratch))
        ;
    merge_keys(f, 0);
    agg_state_end(&f->s);
    while (agg_state_step(&f->s, &f->scratch))
        ;
    for (int more = 1; more > 0;) {
        struct agg_order was = f->s.order;
        arena_reset(&f->scratch);
        more = agg_state_emit(&f->s, &cursor, NULL, &v, &f->scratch);
        EXPECT(f->s.order.at - was.at <= AGG_SCAN);
        if (was.is_gathered && !was.is_sorted && f->s.order.sort.at > was.sort.at)
            EXPECT(f->s.order.sort.at - was.sort.at <= SORT_PIECE);
        steps++;
        for (uint32_t i = 0; more > 0 && i < v.rows; i++, rows++) {
            bad += f->x.sorted && col[0].i[i] != 3 * rows;
            bad += col[1].i[i] != col[0].i[i] / 3 % 5 + 1;
        }
    }
    EXPECT_EQ_INT(rows, KEYS);
    EXPECT_EQ_INT(bad, 0);
    EXPECT(steps > KEYS / VEC_ROWS_MAX * (f->x.sorted ? 6 : 1)); // a pass for each doubling
    agg_state_retire(&f->s);
}

TEST(agg_emit, in_steps)
{
    for (int sorted = 0; sorted < 2; sorted++) {
        struct fixture f;
        setup(&f, sorted);
        for (uint64_t n = 0; n < INTERVALS; n++)
            one_interval(&f, n);
        EXPECT_EQ_INT(f.s.refused, 0);
        teardown(&f);
    }
}

// Nearly all keys have left: what they leave behind is passed by in steps, too.
TEST(agg_emit, of_what_has_left)
{
    struct fixture f;
    struct col col[2];
    struct vec v = {.col = col};
    uint32_t rows = 0;

    setup(&f, false);
    f.x.len = 2;
    f.x.state_bytes = STATE;
    agg_state_init(&f.s, &f.x, f.mem);
    for (uint64_t n = 0; n < 4; n++) {
        uint32_t cursor = 0, steps = 0, seen = 0;
        agg_state_begin(&f.s, n);
        while (agg_state_step(&f.s, &f.scratch))
            ;
        if (n == 0)
            merge_keys(&f, 0);
        if (n == 3)
            merge_keys(&f, KEYS - 1);
        agg_state_end(&f.s);
        while (agg_state_step(&f.s, &f.scratch))
            ;
        rows = 0;
        for (int more = 1; more > 0; steps++) {
            arena_reset(&f.scratch);
            more = agg_state_emit(&f.s, &cursor, NULL, &v, &f.scratch);
            EXPECT(cursor - seen <= AGG_SCAN);
            seen = cursor;
            rows += more > 0 ? v.rows : 0;
        }
        EXPECT_EQ_INT(rows, n < 2 ? KEYS : n == 2 ? 0 : 1);
        EXPECT(steps > KEYS / AGG_SCAN);
        agg_state_retire(&f.s);
    }
    teardown(&f);
}
