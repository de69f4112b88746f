// The heap of a state that is full of long keys, and their order by rank: whatever comes and goes,
// every vector moves and orders no more than its share, and no key loses its bytes.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rdd/agg_heap.h"
#include "tests/prng.h"
#include "tests/test.h"

#define POOL      6000u
#define KEYS_MAX  1500u
#define KEY_BYTES 40u
#define VECTOR    48u
#define SCRATCH   (4u << 20)
#define RATE      8u // of keys moved and ordered, for each row

struct fixture {
    struct prng prng;
    struct zone zone;
    struct exchange x;
    struct agg_state s;
    struct arena scratch;
    void *mem, *scratch_mem;
    uint8_t text[POOL][KEY_BYTES];
    uint64_t came[POOL]; // records of the key in this interval
    uint32_t passes;
};

static struct fixture *setup(uint64_t seed)
{
    struct fixture *f = calloc(1, sizeof *f);

    f->prng = prng_of(seed);
    f->x = (struct exchange){
        .kind = EX_AGG,
        .key = &type_string,
        .value = &type_int,
        .type = type_tuple(&f->zone, (const struct type *const[]){&type_string, &type_int}, 2),
        .agg = {.row_bytes = 8, .count_only = true},
        .len = 1,
        .slide = 1,
        .inverse = true,
        .partitions = 1,
        .keys_max = KEYS_MAX};
    if (prng_chance(&f->prng, 50))
        f->x.len = 2;
    f->x.state_bytes = (agg_state_bytes(&f->x, KEYS_MAX) + 63) & ~63ull;
    f->mem = aligned_alloc(64, f->x.state_bytes);
    agg_state_init(&f->s, &f->x, f->mem);
    f->scratch_mem = aligned_alloc(64, SCRATCH);
    arena_init(&f->scratch, f->scratch_mem, SCRATCH);
    for (uint32_t i = 0; i < POOL; i++) {
        char digits[KEY_BYTES + 1];
        snprintf(digits, sizeof digits, "%0*u", (int)KEY_BYTES, i);
        memcpy(f->text[i], digits, KEY_BYTES);
    }
    return f;
}

static void teardown(struct fixture *f)
{
    free(f->mem);
    free(f->scratch_mem);
    zone_free(&f->zone);
    free(f);
}

static void merge_vector(struct fixture *f, uint32_t n)
{
    struct tkey key[VECTOR];
    const uint8_t *row[VECTOR];
    uint64_t one = 1;
    struct agg_state was = f->s;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t off = (uint32_t)prng_below(&f->prng, POOL) * KEY_BYTES, len = KEY_BYTES;
        for (uint32_t k = 0; k < i; k++) // none twice in a vector
            if (key[k].ptr == f->text[0] + off) {
                off = (off + KEY_BYTES) % (POOL * KEY_BYTES);
                k = UINT32_MAX;
            }
        tkeys_load(&key[i], &(struct enc_keys){f->text[0], &off, &len}, NULL, 1);
        f->came[off / KEY_BYTES]++;
        row[i] = (const uint8_t *)&one;
    }
    arena_reset(&f->scratch);
    agg_state_merge(&f->s, &f->scratch, key, row, n);
    const struct agg_pass *p = &f->s.pass;
    f->passes += p->is_on && !was.pass.is_on;
    if (was.pass.is_on)
        EXPECT((p->is_on ? p->entry : f->s.t.entries) - was.pass.entry <= RATE * n);
    else
        EXPECT_EQ_INT(p->entry, 0);
    if (f->s.fresh_ranked > was.fresh_ranked) // eviction puts them in order as they come
        EXPECT(f->s.fresh_ranked - was.fresh_ranked <= RATE * n + n);
}

static void steps(struct fixture *f)
{
    do
        arena_reset(&f->scratch);
    while (agg_state_step(&f->s, &f->scratch));
}

// With one interval, every key that is there has as many records as came, and no key has others'
// bytes; returns how many.
static uint32_t check(struct fixture *f)
{
    struct col col[2];
    struct vec v = {.col = col};
    uint32_t cursor = 0, rows = 0, bad = 0;
    uint64_t records = 0;

    for (arena_reset(&f->scratch); agg_state_emit(&f->s, &cursor, NULL, &v, &f->scratch) > 0;
         arena_reset(&f->scratch))
        for (uint32_t i = 0; i < v.rows; i++, rows++) {
            char digits[KEY_BYTES + 1] = {0};
            memcpy(digits, col[0].s.base + col[0].s.off[i], KEY_BYTES);
            uint32_t id = (uint32_t)strtoul(digits, NULL, 10);
            records += (uint64_t)col[1].i[i];
            if (id >= POOL || memcmp(f->text[id], digits, KEY_BYTES))
                bad++;
            else if (f->x.len == 1)
                bad += (uint64_t)col[1].i[i] != f->came[id];
        }
    EXPECT_EQ_INT(bad, 0);
    EXPECT(records > 0);
    return rows;
}

TEST(agg_heap, moves_its_share_with_every_vector)
{
    uint32_t passes = 0;

    for (uint64_t seed = 0; seed < 10; seed++) {
        struct fixture *f = setup(prng_seed(1) * 100 + seed);
        uint64_t heap = agg_key_heap_max(&f->x, KEYS_MAX) / KEY_BYTES;
        for (uint64_t n = 0; n < 6; n++) {
            memset(f->came, 0, sizeof f->came);
            agg_state_begin(&f->s, n);
            steps(f);
            for (uint32_t done = 0; done < 3 * POOL;) {
                uint32_t now = 1 + (uint32_t)prng_below(&f->prng, VECTOR);
                merge_vector(f, now);
                done += now;
            }
            agg_state_end(&f->s);
            steps(f);
            EXPECT_EQ_INT(check(f), heap < KEYS_MAX ? heap : KEYS_MAX);
            agg_state_retire(&f->s);
        }
        passes += f->passes;
        teardown(f);
    }
    EXPECT(passes > 0);
}
