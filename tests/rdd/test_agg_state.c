// States of aggregates against lists of records by key and interval: every kind of window, every
// kind of value, keys that leave and return, long keys, heaps that must be compacted.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/strbuf.h"
#include "rdd/agg_state.h"
#include "rdd/combine_table.h"
#include "rdd/shuffle.h"
#include "tests/prng.h"
#include "tests/rdd/lambda_make.h"
#include "tests/test.h"

#define KEYS        60u
#define KEYS_MAX    64u
#define INTERVALS   30u
#define RECORDS     260u
#define STATE_BYTES (8u << 20)
#define SCRATCH     (16u << 20)
#define KEY_BYTES   64u
#define VALUE_BYTES 320u

struct record {
    uint64_t interval, ord;
    uint32_t key;
    int64_t v;
};

// What is aggregated, and by which window.
struct shape {
    enum agg_fn fn;
    enum type_kind kind;
    bool count_only;
    const char *lambda; // or NULL
    uint64_t len;
    bool inverse;
};

struct fixture {
    struct prng prng;
    struct zone zone;
    struct shape shape;
    struct exchange x;
    struct agg_state s;
    struct lambda *lambda, *inverse;
    struct combine_table combine; // of one block
    uint8_t *row_init;
    uint8_t *mem, *combine_mem, *combine_heap, *scratch_mem, *body;
    struct arena scratch;
    struct record record[INTERVALS * RECORDS];
    uint32_t records_cnt;
};

static const struct type *type_of(enum type_kind kind)
{
    return kind == TYPE_STRING ? &type_string : kind == TYPE_FLOAT ? &type_float : &type_int;
}

// (a, b) => a < b ? b : a, as a lambda that nobody recognizes here.
static struct lambda *lambda_greater(struct zone *z, const struct type *t)
{
    struct lambda *l = lambda_call(z, t, t->kind == TYPE_STRING ? "+" : "-", FN_INFIX);
    struct expr *arg[2] = {expr_col(z, t, 0), expr_col(z, t, 1)};

    l->leaf[0] = expr_if(z, expr_call(z, "<", FN_INFIX, 2, arg), arg[1], arg[0]);
    struct place at;
    char err[128];
    MR_ASSERT(lambda_finish(l, z, &at, err, sizeof err) == 0);
    return l;
}

static void spec_fill(struct fixture *f)
{
    struct agg_spec *a = &f->x.agg;
    const struct shape *sh = &f->shape;
    const struct type *t = type_of(sh->kind);

    if (sh->count_only) {
        *a = (struct agg_spec){.row_bytes = 8, .count_only = true};
        return;
    }
    uint32_t bytes = agg_leaf_bytes(sh->fn, sh->kind);
    *a = (struct agg_spec){.leaves_cnt = 1,
                           .leaf = {{sh->fn, sh->kind, bytes ? 8 : 0, bytes}},
                           .row_bytes = 8 + bytes,
                           .has_strings = sh->kind == TYPE_STRING};
    if (sh->lambda)
        f->lambda = sh->lambda[0] == '<' ? lambda_greater(&f->zone, t)
                                         : lambda_call(&f->zone, t, sh->lambda, FN_INFIX);
    a->lambda = f->lambda;
    if (sh->lambda && sh->inverse)
        f->x.inverse_lambda = f->inverse = lambda_call(&f->zone, t, "-", FN_INFIX);
}

static void setup(struct fixture *f, const struct shape *shape, uint64_t seed)
{
    f->prng = prng_of(seed);
    f->shape = *shape;
    f->x = (struct exchange){.kind = EX_AGG,
                             .key = &type_string,
                             .value = type_of(shape->kind),
                             .len = shape->len,
                             .slide = 1,
                             .inverse = shape->inverse,
                             .partitions = 2,
                             .keys_max = shape->len > 8 ? 2 * KEYS_MAX : KEYS_MAX,
                             .state_bytes = STATE_BYTES,
                             .sorted = true};
    spec_fill(f);
    f->x.type = type_tuple(&f->zone, (const struct type *const[]){&type_string, f->x.value}, 2);
    f->mem = aligned_alloc(64, STATE_BYTES);
    memset(f->mem, 0x5a, STATE_BYTES);
    agg_state_init(&f->s, &f->x, f->mem);
    f->row_init = calloc(1, f->x.agg.row_bytes);
    agg_row_init(&f->x.agg, f->row_init);
    f->combine_mem =
        aligned_alloc(64, (combine_table_bytes(KEYS_MAX, f->x.agg.row_bytes) + 63) & ~63ull);
    combine_table_init(&f->combine, f->combine_mem, KEYS_MAX, f->x.agg.row_bytes, f->row_init);
    f->combine_heap = malloc(1 << 20);
    f->combine.heap = (struct heap){f->combine_heap, 1 << 20, 0};
    f->scratch_mem = aligned_alloc(64, SCRATCH);
    f->body = aligned_alloc(64, PAGE_BYTES);
    arena_init(&f->scratch, f->scratch_mem, SCRATCH);
}

static void teardown(struct fixture *f)
{
    if (f->lambda)
        lambda_release(f->lambda);
    if (f->inverse)
        lambda_release(f->inverse);
    free(f->mem);
    free(f->row_init);
    free(f->combine_mem);
    free(f->combine_heap);
    free(f->scratch_mem);
    free(f->body);
    zone_free(&f->zone);
    free(f);
}

// Every third key is long.
static uint32_t key_text(char *buf, uint32_t key)
{
    return (uint32_t)snprintf(buf, KEY_BYTES, key % 3 ? "k%04u" : "a-key-that-is-not-inline-%04u",
                              key);
}

static uint32_t value_text(char *buf, int64_t v)
{
    return (uint32_t)snprintf(buf, VALUE_BYTES, "%06" PRId64 "%.*s", v, (int)(v % 61),
                              "............................................................");
}

static void put_record(struct fixture *f, const struct record *r)
{
    char key[KEY_BYTES], value[VALUE_BYTES];
    uint32_t zero = 0, key_len = key_text(key, r->key), len = value_text(value, r->v);
    struct enc_keys e = {(const uint8_t *)key, &zero, &key_len};
    int64_t i = r->v;
    double d = (double)r->v / 8;
    struct col col = {.kind = f->shape.kind};
    uint8_t *row;
    uint64_t no_room = 0;
    struct agg_env env = {&f->scratch, &f->combine.heap, &no_room};
    struct vec v = {.rows = 1, .sel_cnt = 1, .col = &col, .cols_cnt = 1, .ord_lo = r->ord};

    if (col.kind == TYPE_STRING) {
        col.s.base = (const uint8_t *)value;
        col.s.off = &zero;
        col.s.len = &len;
    } else if (col.kind == TYPE_FLOAT) {
        col.f = &d;
    } else {
        col.i = &i;
    }
    arena_reset(&f->scratch);
    combine_table_rows(&f->combine, &e, NULL, 1, &row);
    agg_update(&f->x.agg, &env, &row, &col, &v, r->interval);
    EXPECT_EQ_INT(no_room, 0);
}

// May a key come twice in a block, with no record combined?
static bool may_close(const struct fixture *f)
{
    return !f->x.agg.lambda && !f->x.agg.has_strings;
}

// What was combined travels as a shuffle block into the state.
static void merge_block(struct fixture *f)
{
    const struct combine_table *t = &f->combine;
    uint32_t entry[KEYS_MAX];
    const struct agg_rows rows = {combine_key(t, 0), combine_row(t, 0), t->stride, t->stride};
    struct tkey key[VEC_ROWS_MAX];
    const uint8_t *row[VEC_ROWS_MAX];
    struct agg_block_reader r;
    uint32_t n = 0;
    int got;

    for (uint32_t e = 1; e <= t->live; e++)
        if (agg_count(combine_row(t, e)))
            entry[n++] = e;
    struct block b = {.base = f->body};
    b.hdr.bytes = (uint32_t)agg_block_bytes(&f->x.agg, &rows, entry, n);
    agg_block_fill(f->body, &f->x.agg, &rows, entry, n);
    if (!t->is_closed && may_close(f) && prng_chance(&f->prng, 50))
        combine_table_close(&f->combine);
    else
        combine_table_clear(&f->combine);
    EXPECT_EQ_INT(agg_block_open(&r, &b, &f->x.agg), 0);
    for (;;) {
        arena_reset(&f->scratch);
        got = agg_block_next(&r, &f->x.agg, key, row, &f->scratch);
        if (got <= 0)
            break;
        agg_state_merge(&f->s, &f->scratch, key, row, (uint32_t)got);
    }
    EXPECT_EQ_INT(got, 0);
}

static void steps(struct fixture *f)
{
    do
        arena_reset(&f->scratch);
    while (agg_state_step(&f->s, &f->scratch));
    memset(f->s.spare.base, 0x5a, f->s.spare.bytes); // nothing may still point there
}

// ---- the model

static bool in_window(const struct fixture *f, const struct record *r, uint64_t n)
{
    return f->x.len == WINDOW_FOREVER || r->interval + f->x.len > n;
}

static bool counts(const struct shape *sh)
{
    return sh->count_only || sh->fn == AGG_COUNT;
}

static int64_t fold(const struct shape *sh, int64_t a, int64_t b)
{
    if (counts(sh))
        return a + 1;
    switch (sh->fn) {
    case AGG_SUM_INT:
    case AGG_SUM_FLOAT: return a + b;
    case AGG_FIRST: return a; // records are in order
    case AGG_LAST: return b;
    case AGG_MIN: return a < b ? a : b;
    case AGG_LAMBDA:
        if (sh->lambda[0] == '+')
            return a + b;
        __attribute__((fallthrough));
    default: return a > b ? a : b;
    }
}

static void put_row(struct strbuf *out, const struct shape *sh, const char *key, int64_t v)
{
    char value[VALUE_BYTES];

    if (sh->count_only || sh->kind == TYPE_INT) {
        strbuf_printf(out, "%s=%" PRId64 "\n", key, v);
    } else if (sh->kind == TYPE_FLOAT) {
        strbuf_printf(out, "%s=%g\n", key, (double)v / 8);
    } else {
        value_text(value, v);
        strbuf_printf(out, "%s=%s\n", key, value);
    }
}

static void model_emit(const struct fixture *f, uint64_t n, struct strbuf *out)
{
    char key[KEY_BYTES];

    for (uint32_t pass = 0; pass < 2; pass++) // "a-key..." before "k..."
        for (uint32_t k = 0; k < KEYS; k++) {
            int64_t v = 0;
            bool any = false;
            for (uint32_t i = 0; i < f->records_cnt; i++) {
                const struct record *r = &f->record[i];
                if (r->key != k || !in_window(f, r, n))
                    continue;
                v = any ? fold(&f->shape, v, r->v) : counts(&f->shape) ? 1 : r->v;
                any = true;
            }
            key_text(key, k);
            if (any && (k % 3 == 0) == (pass == 0))
                put_row(out, &f->shape, key, v);
        }
}

static void state_emit(struct fixture *f, struct strbuf *out)
{
    struct col col[2];
    struct vec v = {.col = col};
    uint32_t cursor = 0;

    for (arena_reset(&f->scratch); agg_state_emit(&f->s, &cursor, NULL, &v, &f->scratch) > 0;
         arena_reset(&f->scratch))
        for (uint32_t i = 0; i < v.rows; i++) {
            strbuf_printf(out, "%.*s=", (int)col[0].s.len[i],
                          (const char *)col[0].s.base + col[0].s.off[i]);
            if (col[1].kind == TYPE_STRING)
                strbuf_printf(out, "%.*s\n", (int)col[1].s.len[i],
                              (const char *)col[1].s.base + col[1].s.off[i]);
            else if (col[1].kind == TYPE_FLOAT)
                strbuf_printf(out, "%g\n", col[1].f[i]);
            else
                strbuf_printf(out, "%" PRId64 "\n", col[1].i[i]);
        }
}

// ---- the trial

static void one_interval(struct fixture *f, uint64_t n)
{
    uint32_t records = prng_chance(&f->prng, 20) ? 0 : (uint32_t)prng_below(&f->prng, RECORDS);
    uint32_t from = (uint32_t)prng_below(&f->prng, KEYS);
    uint32_t keys = (uint32_t)prng_below(&f->prng, KEYS - from) + 1, first = f->records_cnt;
    struct strbuf is = {0}, expected = {0};

    for (uint32_t i = 0; i < records; i++)
        f->record[f->records_cnt++] = (struct record){
            n, i, from + (uint32_t)prng_below(&f->prng, keys), (int64_t)prng_below(&f->prng, 5000)};
    agg_state_begin(&f->s, n);
    steps(f);
    // in any order: the places say which is first
    uint32_t start = (uint32_t)prng_below(&f->prng, records + 1);
    for (uint32_t i = 0; i < records; i++) {
        put_record(f, &f->record[first + (start + i) % records]);
        if (prng_chance(&f->prng, 10) || !combine_table_has_room(&f->combine, 1))
            merge_block(f);
    }
    merge_block(f);
    agg_state_end(&f->s);
    steps(f);
    model_emit(f, n, &expected);
    state_emit(f, &is);
    EXPECT_EQ_STR(is.s ? is.s : "", expected.s ? expected.s : "");
    EXPECT(agg_state_complete(&f->s));
    agg_state_retire(&f->s);
    strbuf_release(&is);
    strbuf_release(&expected);
}

// With gaps, some intervals are never opened.
static void check(const struct shape *shape, uint64_t seed, bool gaps)
{
    struct fixture *f = calloc(1, sizeof *f);

    setup(f, shape, seed);
    uint64_t start = 100 + prng_below(&f->prng, 7);
    uint64_t last = start;
    for (uint32_t i = 0; i < INTERVALS; i++) {
        last += gaps && prng_chance(&f->prng, 20) ? prng_below(&f->prng, 2 * shape->len) + 1 : 1;
        one_interval(f, last);
    }
    EXPECT_EQ_INT(f->s.refused, 0);
    EXPECT_EQ_INT(f->s.failed, 0);
    if (f->x.len != WINDOW_FOREVER) { // all keys leave
        for (uint64_t n = last + 1; n <= last + f->x.len; n++) {
            agg_state_begin(&f->s, n);
            steps(f);
            agg_state_end(&f->s);
            steps(f);
            agg_state_retire(&f->s);
        }
        EXPECT_EQ_INT(f->s.t.live, 0);
        EXPECT_EQ_INT(f->s.key_heap_live, 0);
    }
    teardown(f);
}

static const struct shape values[] = {
    {.fn = AGG_SUM_INT, .kind = TYPE_INT},
    {.count_only = true, .kind = TYPE_INT},
    {.fn = AGG_COUNT, .kind = TYPE_INT},
    {.fn = AGG_SUM_FLOAT, .kind = TYPE_FLOAT},
    {.fn = AGG_MAX, .kind = TYPE_INT},
    {.fn = AGG_MIN, .kind = TYPE_FLOAT},
    {.fn = AGG_MAX, .kind = TYPE_STRING},
    {.fn = AGG_MIN, .kind = TYPE_STRING},
    {.fn = AGG_FIRST, .kind = TYPE_INT},
    {.fn = AGG_LAST, .kind = TYPE_INT},
    {.fn = AGG_FIRST, .kind = TYPE_STRING},
    {.fn = AGG_LAST, .kind = TYPE_STRING},
    {.fn = AGG_LAMBDA, .kind = TYPE_INT, .lambda = "+"},
    {.fn = AGG_LAMBDA, .kind = TYPE_INT, .lambda = "<"},
    {.fn = AGG_LAMBDA, .kind = TYPE_STRING, .lambda = "<"},
};

static void check_window(uint64_t len, bool inverse, bool gaps)
{
    for (uint32_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct shape s = values[i];
        bool subtracts = counts(&s) || s.fn == AGG_SUM_INT || (s.lambda && s.lambda[0] == '+');
        if (inverse && !subtracts)
            continue;
        s.len = len;
        s.inverse = inverse;
        check(&s, prng_seed(1) * 1000 + i * 31 + len, gaps);
    }
}

TEST(agg_state, one_interval)
{
    check_window(1, false, false);
}

TEST(agg_state, for_ever)
{
    check_window(WINDOW_FOREVER, false, false);
}

static const uint64_t windows[] = {2, 3, 4, 5, 8, 9, 16};

TEST(agg_state, inverse)
{
    for (uint32_t i = 0; i < sizeof windows / sizeof windows[0]; i++)
        check_window(windows[i], true, i % 2);
}

TEST(agg_state, two_stacks)
{
    for (uint32_t i = 0; i < sizeof windows / sizeof windows[0]; i++)
        check_window(windows[i], false, false);
}

TEST(agg_state, two_stacks_with_gaps)
{
    for (uint32_t i = 0; i < sizeof windows / sizeof windows[0]; i++)
        check_window(windows[i], false, true);
}

// Every interval changes all keys; each close turns as many items into suffixes as came, however
// long the window is, and the last one of a group finds nothing left.
TEST(agg_state, turns_items_by_and_by)
{
    for (uint64_t len = 2; len <= 16; len++) {
        struct fixture *f = calloc(1, sizeof *f);
        const struct shape shape = {.fn = AGG_MAX, .kind = TYPE_INT, .len = len};
        setup(f, &shape, len);
        uint64_t half = len / 2, start = 20 * half; // a group begins
        for (uint64_t n = start; n < start + 4 * len; n++) {
            agg_state_begin(&f->s, n);
            steps(f);
            uint64_t before = f->s.flip.pos;
            for (uint32_t k = 0; k < KEYS; k++)
                put_record(f, &(struct record){.interval = n, .key = k, .v = (int64_t)n});
            merge_block(f);
            agg_state_end(&f->s);
            steps(f);
            EXPECT_EQ_INT(before - f->s.flip.pos, n < start + half ? 0 : KEYS);
            if ((n + 1) % half == 0)
                EXPECT_EQ_INT(f->s.flip.pos, f->s.flip.end);
            agg_state_retire(&f->s);
        }
        teardown(f);
    }
}
