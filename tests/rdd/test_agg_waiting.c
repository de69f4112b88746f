// Rows of a large state wait before they are merged: what it gives is what it would give if none
// did, also when it is full, and no step merges more than a vector.

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "rdd/agg_state.h"
#include "tests/prng.h"
#include "tests/test.h"

#define KEYS_MAX  32768u
#define POOL      40000u // keys that there are: more than fit
#define SCRATCH   (16u << 20)
#define INTERVALS 7u
#define ROWS      12000u // of an interval

struct fixture {
    struct prng prng;
    struct zone zone;
    struct exchange x;
    struct agg_state waits, merges; // one that lets rows wait, one that does not
    struct arena scratch;
    void *mem[2], *scratch_mem;
    bool steps; // between merges
    uint8_t text[POOL][16];
};

static const struct kind {
    struct agg_spec agg;
    bool inverse;
    uint64_t len;
} kinds[] = {
    {{.row_bytes = 8, .count_only = true}, true, 3},
    {{.row_bytes = 8, .count_only = true}, true, 1},
    {{.leaves_cnt = 1, .leaf = {{AGG_SUM_INT, TYPE_INT, 8, 8}}, .row_bytes = 16},
     true,
     WINDOW_FOREVER},
    {{.leaves_cnt = 1, .leaf = {{AGG_MAX, TYPE_INT, 8, 8}}, .row_bytes = 16}, false, 3},
};

static struct fixture *setup(const struct kind *k, uint64_t seed)
{
    struct fixture *f = calloc(1, sizeof *f);

    f->prng = prng_of(seed);
    f->steps = prng_chance(&f->prng, 50);
    f->x = (struct exchange){
        .kind = EX_AGG,
        .key = &type_string,
        .value = &type_int,
        .type = type_tuple(&f->zone, (const struct type *const[]){&type_string, &type_int}, 2),
        .agg = k->agg,
        .len = k->len,
        .slide = 1,
        .inverse = k->inverse,
        .partitions = 1,
        .keys_max = KEYS_MAX,
        .sorted = true};
    f->x.state_bytes = (agg_state_bytes(&f->x, KEYS_MAX) + 63) & ~63ull;
    for (uint32_t i = 0; i < 2; i++) {
        f->mem[i] = aligned_alloc(64, f->x.state_bytes);
        agg_state_init(i ? &f->merges : &f->waits, &f->x, f->mem[i]);
    }
    EXPECT(f->waits.waiting.max > VEC_ROWS_MAX && f->waits.waiting.max < ROWS);
    f->merges.waiting.max = 0;
    f->scratch_mem = aligned_alloc(64, SCRATCH);
    arena_init(&f->scratch, f->scratch_mem, SCRATCH);
    for (uint32_t i = 0; i < POOL; i++)
        store_be64(f->text[i], (uint64_t)i << 20);
    return f;
}

static void teardown(struct fixture *f)
{
    free(f->mem[0]);
    free(f->mem[1]);
    free(f->scratch_mem);
    zone_free(&f->zone);
    free(f);
}

static void step(struct fixture *f, struct agg_state *s)
{
    for (bool more = true; more;) {
        uint32_t was = s->waiting.at, cnt = s->waiting.cnt;
        arena_reset(&f->scratch);
        more = agg_state_step(s, &f->scratch);
        EXPECT((s->waiting.cnt ? s->waiting.at : cnt) - was <= VEC_ROWS_MAX);
    }
}

// A vector of keys, some of them long, some twice, into both.
static void merge_vector(struct fixture *f, uint32_t first, uint32_t n)
{
    static struct tkey key[VEC_ROWS_MAX];
    static uint64_t rows[VEC_ROWS_MAX][2];
    const uint8_t *row[VEC_ROWS_MAX];

    for (uint32_t i = 0; i < n; i++) {
        uint32_t id = (first + (i - (i % 4 == 3)) * 7) % POOL, off = 16 * id, len = id % 5 ? 8 : 16;
        tkeys_load(&key[i], &(struct enc_keys){f->text[0], &off, &len}, NULL, 1);
        rows[i][0] = 1 + prng_below(&f->prng, 3);
        rows[i][1] = (uint64_t)prng_between(&f->prng, -1000, 1000);
        row[i] = (const uint8_t *)rows[i];
    }
    arena_reset(&f->scratch);
    agg_state_merge(&f->merges, &f->scratch, key, row, n);
    if (f->steps) {
        step(f, &f->waits);
        step(f, &f->merges);
    }
    arena_reset(&f->scratch);
    agg_state_merge(&f->waits, &f->scratch, key, row, n);
    memset(rows, 0xa5, sizeof rows); // a block lives no longer than its merge
}

// A digest of what leaves, and how many rows.
static uint64_t emit(struct fixture *f, struct agg_state *s, uint32_t *rows)
{
    struct col col[2];
    struct vec v = {.col = col};
    uint32_t cursor = 0;
    uint64_t sum = 0;

    for (arena_reset(&f->scratch); agg_state_emit(s, &cursor, NULL, &v, &f->scratch) > 0;
         arena_reset(&f->scratch))
        for (uint32_t i = 0; i < v.rows; i++, ++*rows) {
            const uint8_t *key = col[0].s.base + col[0].s.off[i];
            sum = sum * 0x9e3779b97f4a7c15u + load_be64(key) + col[0].s.len[i];
            sum = sum * 0x9e3779b97f4a7c15u + (uint64_t)col[1].i[i];
        }
    return sum;
}

static void one_interval(struct fixture *f, uint64_t n)
{
    uint32_t first = (uint32_t)prng_below(&f->prng, POOL), waits = 0, merges = 0;

    agg_state_begin(&f->waits, n);
    agg_state_begin(&f->merges, n);
    step(f, &f->waits);
    step(f, &f->merges);
    for (uint32_t done = 0; done < ROWS;) {
        uint32_t rows = 1 + (uint32_t)prng_below(&f->prng, VEC_ROWS_MAX);
        merge_vector(f, first + done * (1 + (uint32_t)n % 7), rows);
        done += rows;
    }
    agg_state_end(&f->waits);
    agg_state_end(&f->merges);
    step(f, &f->waits);
    step(f, &f->merges);
    EXPECT_EQ_INT(f->waits.waiting.cnt, 0);
    EXPECT_EQ_INT(f->waits.refused, f->merges.refused);
    EXPECT_EQ_INT(agg_state_complete(&f->waits), agg_state_complete(&f->merges));
    uint64_t sum = emit(f, &f->waits, &waits);
    EXPECT(sum == emit(f, &f->merges, &merges));
    EXPECT_EQ_INT(waits, merges);
    EXPECT(merges > ROWS / 8);
    agg_state_retire(&f->waits);
    agg_state_retire(&f->merges);
}

TEST(agg_waiting, gives_what_merging_at_once_gives)
{
    uint64_t refused = 0;

    for (uint32_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        for (uint64_t seed = 0; seed < 4; seed++) {
            struct fixture *f = setup(&kinds[i], prng_seed(1) * 100 + seed);
            for (uint64_t n = 0; n < INTERVALS; n++)
                one_interval(f, n);
            refused += f->waits.refused;
            teardown(f);
        }
    EXPECT(refused > 0);
}
