// What memory a state says that it needs is what it can do with.

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "rdd/agg_state.h"
#include "tests/test.h"

#define STRING_BYTES 60000u
#define SCRATCH      (16u << 20)

struct fixture {
    struct exchange x;
    struct agg_state s;
    struct arena scratch;
    uint8_t *mem, *scratch_mem, *text;
};

// A window of len intervals over everything: the greatest string.
static void setup(struct fixture *f, uint64_t len)
{
    f->x = (struct exchange){.kind = EX_AGG,
                             .value = &type_string,
                             .type = &type_string,
                             .len = len,
                             .slide = 1,
                             .partitions = 1,
                             .keys_max = 1,
                             .agg = {.leaves_cnt = 1,
                                     .leaf = {{AGG_MAX, TYPE_STRING, 8, sizeof(struct cell_str)}},
                                     .row_bytes = 8 + sizeof(struct cell_str),
                                     .has_strings = true}};
    f->x.state_bytes = (agg_state_bytes(&f->x, 1) + 63) & ~63ull;
    f->mem = aligned_alloc(64, f->x.state_bytes);
    memset(f->mem, 0x5a, f->x.state_bytes);
    agg_state_init(&f->s, &f->x, f->mem);
    f->scratch_mem = aligned_alloc(64, SCRATCH);
    arena_init(&f->scratch, f->scratch_mem, SCRATCH);
    f->text = malloc(STRING_BYTES);
    memset(f->text, 'x', STRING_BYTES);
}

static void steps(struct fixture *f)
{
    do
        arena_reset(&f->scratch);
    while (agg_state_step(&f->s, &f->scratch));
}

static void put_number(struct fixture *f, uint64_t v)
{
    for (uint32_t i = 8; i-- > 0; v /= 10)
        f->text[i] = (uint8_t)('0' + v % 10);
}

// An interval whose string is v, smaller ones coming first; the window's greatest must be `most`.
static void one_interval(struct fixture *f, uint64_t n, uint64_t v, uint64_t most)
{
    struct tkey none = {0};
    uint8_t row[8 + sizeof(struct cell_str)];
    const uint8_t *rows = row;
    struct cell_str s = {f->text, STRING_BYTES, 1};
    struct col col;
    struct vec out = {.col = &col};
    uint32_t cursor = 0;

    agg_state_begin(&f->s, n);
    steps(f);
    for (uint64_t k = 3; k-- > 0;) {
        put_number(f, v - k);
        memcpy(row, &(uint64_t){1}, 8);
        memcpy(row + 8, &s, sizeof s);
        arena_reset(&f->scratch);
        agg_state_merge(&f->s, &f->scratch, &none, &rows, 1);
    }
    agg_state_end(&f->s);
    steps(f);
    arena_reset(&f->scratch);
    EXPECT_EQ_INT(agg_state_emit(&f->s, &cursor, NULL, &out, &f->scratch), 1);
    put_number(f, most);
    EXPECT_EQ_INT(col.s.len[0], STRING_BYTES);
    EXPECT_EQ_MEM(col.s.base + col.s.off[0], f->text, STRING_BYTES);
    EXPECT(agg_state_complete(&f->s));
    agg_state_retire(&f->s);
}

// Strings that get smaller: none of them can be forgotten before it leaves the window.
TEST(agg_room, a_window_over_everything_holds_a_long_string_for_each_interval)
{
    static const uint64_t windows[] = {2, 3, 10, 61};

    for (uint32_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
        struct fixture f;
        uint64_t len = windows[i], most = 10000;
        setup(&f, len);
        for (uint64_t n = 0; n < 3 * len + 5; n++)
            one_interval(&f, n, most - n, most - (n >= len ? n - len + 1 : 0));
        EXPECT_EQ_INT(f.s.refused, 0);
        free(f.mem);
        free(f.scratch_mem);
        free(f.text);
    }
}

// The number of keys that fit some bytes is the greatest that does.
TEST(agg_room, holds_as_many_keys_as_fit)
{
    static const uint64_t lens[] = {1, 2, 8, 30, 3600, WINDOW_FOREVER};

    for (uint32_t i = 0; i < sizeof lens / sizeof lens[0]; i++)
        for (uint64_t bytes = 1 << 18; bytes < 1ull << 32; bytes = bytes * 3 + 1000) {
            struct exchange x = {.kind = EX_AGG,
                                 .key = &type_string,
                                 .len = lens[i],
                                 .inverse = i % 2,
                                 .partitions = 64,
                                 .agg = {.row_bytes = 8, .count_only = true}};
            uint64_t keys = agg_state_keys(&x, bytes);
            EXPECT(keys > 0);
            EXPECT(agg_state_bytes(&x, keys) <= bytes);
            EXPECT(agg_state_bytes(&x, keys + 1) > bytes);
        }
}
