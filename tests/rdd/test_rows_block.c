// Bodies of rows from outside: good ones are read as they were written, of any type; what was
// damaged is refused or is another good body, and nothing beyond its end is touched (run under
// ASan: a body is as long as its memory).

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rdd/rows_block.h"
#include "rdd/rows_state.h"
#include "tests/prng.h"
#include "tests/test.h"

#define ROWS    1500u // more than a step
#define STATE   (1u << 20)
#define SCRATCH (4u << 20)

enum shape { PLAIN, GROUP, TOP, SHAPES };

struct fixture {
    struct prng prng;
    struct zone zone;
    struct exchange x;
    const struct type *key, *value;
    uint8_t *body; // exactly as long as it says
    struct block b;
};

// (string, (ip, bool, list of (string, float)))
static void setup(struct fixture *f, enum shape shape, uint64_t seed)
{
    *f = (struct fixture){.prng = prng_of(seed)};
    struct zone *z = &f->zone;
    const struct type *elem =
        type_tuple(z, (const struct type *const[]){&type_string, &type_float}, 2);
    f->value =
        type_tuple(z, (const struct type *const[]){&type_ip, &type_bool, type_list(z, elem)}, 3);
    f->key = &type_string;
    const struct type *pair = type_tuple(z, (const struct type *const[]){f->key, f->value}, 2);
    f->x = (struct exchange){.kind = EX_ROWS,
                             .len = 2,
                             .slide = 1,
                             .partitions = 1,
                             .state_bytes = STATE,
                             .type = pair,
                             .key = shape == GROUP ? f->key : NULL,
                             .value = shape == GROUP ? f->value : pair,
                             .group = shape == GROUP,
                             .top_cnt = shape == TOP ? 900 : 0};
    if (shape == PLAIN) {
        f->key = NULL;
        f->value = pair;
    }
    if (shape == GROUP)
        f->x.type = type_tuple(z, (const struct type *const[]){f->key, type_list(z, f->value)}, 2);
}

static uint32_t put_text(uint8_t *to, struct prng *p, bool nested)
{
    uint32_t n = (uint32_t)prng_below(p, 9), used = 0;

    for (uint32_t i = 0; i < n; i++) {
        to[used++] = (uint8_t)prng_below(p, 4);
        if (nested && !to[used - 1])
            to[used++] = 0xff;
    }
    if (nested) {
        to[used++] = 0;
        to[used++] = 0;
    }
    return used;
}

static uint32_t put_value(uint8_t *to, struct prng *p)
{
    uint32_t used = 16;

    prng_fill(p, to, 16);
    to[used++] = (uint8_t)prng_below(p, 2);
    for (uint64_t n = prng_below(p, 4); n; n--) {
        to[used++] = 1;
        used += put_text(to + used, p, true);
        prng_fill(p, to + used, 8);
        used += 8;
    }
    to[used++] = 0;
    return used;
}

static void make_body(struct fixture *f, uint32_t rows)
{
    uint8_t *all = calloc(rows + 1, 256);
    uint32_t used = 0;

    for (uint32_t i = 0; i < rows; i++) {
        uint8_t *at = all + used, *key = at + sizeof(struct row_hdr);
        struct row_hdr h = {.ord_hi = prng_u64(&f->prng), .ord_lo = i};
        uint32_t key_bytes = put_text(key, &f->prng, !f->key);
        h.val_bytes = put_value(key + key_bytes, &f->prng);
        h.key_bytes = f->key ? key_bytes : 0;
        h.val_bytes += f->key ? 0 : key_bytes;
        memcpy(at, &h, sizeof h);
        used += row_bytes(&h);
    }
    f->body = malloc(used + 1);
    memcpy(f->body, all, used);
    f->b =
        (struct block){.hdr = {.kind = BLOCK_ROWS, .rows = rows, .bytes = used}, .base = f->body};
    free(all);
}

static int check_body(const struct fixture *f, uint32_t *steps)
{
    struct rows_reader r;
    int rc = 1;

    rows_block_open(&r, &f->b, &f->x);
    for (*steps = 0; rc > 0; ++*steps)
        rc = rows_block_check(&r);
    return rc;
}

// A body that was found good goes through a state, to the columns of all its rows.
static uint32_t use_body(const struct fixture *f)
{
    struct rows_state s;
    struct rows_reader r;
    struct col col[8];
    struct vec v = {.col = col};
    struct arena scratch;
    uint32_t cursor = 0, rows = 0;
    void *mem = aligned_alloc(64, STATE), *room = aligned_alloc(64, SCRATCH);

    rows_state_init(&s, &f->x, mem);
    rows_state_begin(&s, 0);
    rows_block_open(&r, &f->b, &f->x);
    while (rows_block_check(&r) > 0)
        ;
    while (rows_state_merge(&s, &r))
        ;
    rows_state_end(&s);
    while (rows_state_step(&s))
        ;
    arena_init(&scratch, room, SCRATCH);
    while (rows_state_emit(&s, &cursor, &v, &scratch) > 0) {
        rows += v.rows;
        arena_reset(&scratch);
    }
    EXPECT_EQ_INT(s.refused, 0);
    free(mem);
    free(room);
    return rows;
}

static void teardown(struct fixture *f)
{
    free(f->body);
    zone_free(&f->zone);
}

TEST(rows_block, good_bodies)
{
    static const uint32_t rows[] = {0, 1, VEC_ROWS_MAX, VEC_ROWS_MAX + 1, ROWS};

    for (int shape = PLAIN; shape < SHAPES; shape++)
        for (uint32_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            struct fixture f;
            uint32_t steps;
            setup(&f, (enum shape)shape, prng_seed(1) + i);
            make_body(&f, rows[i]);
            EXPECT_EQ_INT(check_body(&f, &steps), 0);
            EXPECT_EQ_INT(steps, rows[i] <= VEC_ROWS_MAX ? 1 : 2);
            uint32_t out = use_body(&f);
            if (shape == PLAIN)
                EXPECT_EQ_INT(out, rows[i]);
            if (shape == TOP)
                EXPECT_EQ_INT(out, rows[i] < 900 ? rows[i] : 900);
            teardown(&f);
        }
}

// One thing is damaged: a byte, a length, the number of rows, or the end is cut off.
static void damage(struct fixture *f)
{
    struct prng *p = &f->prng;
    uint32_t bytes = f->b.hdr.bytes, at = (uint32_t)prng_below(p, bytes);

    switch (prng_below(p, 4)) {
    case 0: f->body[at] = (uint8_t)prng_u64(p); break;
    case 1: f->body[at] ^= (uint8_t)(1u << prng_below(p, 8)); break;
    case 2: f->b.hdr.rows = (uint32_t)(prng_chance(p, 50) ? prng_below(p, 20) : prng_u64(p)); break;
    default: f->b.hdr.bytes = at; break;
    }
    uint8_t *exact = malloc(f->b.hdr.bytes + 1); // what lies behind the end is another's
    memcpy(exact, f->body, f->b.hdr.bytes);
    free(f->body);
    f->body = realloc(exact, f->b.hdr.bytes ? f->b.hdr.bytes : 1);
    f->b.base = f->body;
}

TEST(rows_block, damaged_bodies_stay_within_bounds)
{
    uint32_t good = 0, bad = 0;

    for (uint32_t k = 0; k < 6000; k++) {
        struct fixture f;
        uint32_t steps;
        setup(&f, (enum shape)(k % SHAPES), prng_seed(1) * 10000 + k);
        make_body(&f, 1 + (uint32_t)prng_below(&f.prng, 12));
        damage(&f);
        if (check_body(&f, &steps)) {
            bad++;
        } else {
            good++;
            EXPECT(use_body(&f) <= f.b.hdr.rows);
        }
        teardown(&f);
    }
    EXPECT(good > 500);
    EXPECT(bad > 500);
}

// Whatever is cut off, the rest is not a body.
TEST(rows_block, no_end_is_missed)
{
    for (int shape = PLAIN; shape < SHAPES; shape++) {
        struct fixture f;
        uint32_t steps;
        setup(&f, (enum shape)shape, prng_seed(1));
        make_body(&f, 5);
        uint32_t bytes = f.b.hdr.bytes;
        for (uint32_t cut = 0; cut < bytes; cut++) {
            f.b.hdr.bytes = cut;
            EXPECT_EQ_INT(check_body(&f, &steps), -EINVAL);
        }
        f.b.hdr.bytes = bytes;
        f.b.hdr.rows--;
        EXPECT_EQ_INT(check_body(&f, &steps), -EINVAL);
        teardown(&f);
    }
}

// Rows that lie well, and whose bytes are no key or value of the exchange.
TEST(rows_block, a_row_is_of_its_types)
{
    for (int shape = PLAIN; shape < SHAPES; shape++) {
        struct fixture f;
        uint32_t steps, key;
        setup(&f, (enum shape)shape, prng_seed(1));
        make_body(&f, 1);
        struct row_hdr *h = (struct row_hdr *)(void *)f.body;
        uint8_t *value = f.body + sizeof *h + h->key_bytes;
        for (key = 0; shape == PLAIN && (value[key] || value[key + 1]); key++)
            key += !value[key]; // an escaped zero
        uint8_t *flag = value + (shape == PLAIN ? key + 2 : 0) + 16;
        EXPECT_EQ_INT(check_body(&f, &steps), 0);
        EXPECT(*flag <= 1);
        *flag += 2;
        EXPECT_EQ_INT(check_body(&f, &steps), -EINVAL);
        *flag -= 2;
        h->key_bytes++;
        h->val_bytes--;
        EXPECT_EQ_INT(check_body(&f, &steps), -EINVAL);
        teardown(&f);
    }
}
