// Aggregates: every function over every kind of value, its records in any vectors, rows and order
// of merges, against a plain loop over the records; and what is taken out again.

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/simd.h"
#include "rdd/agg.h"
#include "rdd/agg_cell.h"
#include "tests/prng.h"
#include "tests/rdd/lambda_make.h"
#include "tests/test.h"

#define N      300u
#define GROUPS 6u
#define BYTES  48u

// A value of any kind, and where it stood.
struct value {
    int64_t i;
    double f;
    struct ip ip;
    char s[BYTES];
    uint32_t len;
    uint64_t interval, ord;
};

struct fixture {
    struct prng prng;
    struct zone zone;
    enum agg_fn fn;
    enum type_kind kind;
    struct agg_spec a;
    struct value v[N];
    uint32_t n;
    uint8_t *heap_mem, *scratch_mem;
    struct heap heap;
    struct arena scratch;
    uint64_t no_room;
};

static void draw(struct fixture *f, struct value *v, uint32_t at)
{
    *v = (struct value){.i = prng_between(&f->prng, -99, 99),
                        .f = (double)prng_between(&f->prng, -99, 99) / 4,
                        .interval = 5 + at / 90,
                        .ord = at % 90};
    if (prng_chance(&f->prng, 2))
        v->f = prng_chance(&f->prng, 50) ? 1.0 / 0.0 : -0.0;
    if (prng_chance(&f->prng, 2))
        v->i = prng_chance(&f->prng, 50) ? INT64_MAX : INT64_MIN;
    if (f->kind == TYPE_BOOL)
        v->i = prng_chance(&f->prng, 80);
    prng_fill(&f->prng, &v->ip, sizeof v->ip);
    v->len = (uint32_t)prng_below(&f->prng, BYTES);
    for (uint32_t k = 0; k < v->len; k++)
        v->s[k] = (char)prng_below(&f->prng, 3);
}

static void setup(struct fixture *f, enum agg_fn fn, enum type_kind kind, uint64_t seed)
{
    f->prng = prng_of(seed);
    if (simd_init((enum simd_level)(seed % 3)))
        simd_init(SIMD_SCALAR);
    f->fn = fn;
    f->kind = kind;
    uint32_t bytes = agg_leaf_bytes(fn, kind);
    f->a = (struct agg_spec){.leaves_cnt = 1,
                             .leaf = {{fn, kind, 8, bytes}},
                             .row_bytes = 8 + bytes,
                             .has_strings = kind == TYPE_STRING};
    f->heap_mem = malloc(1 << 20);
    f->heap = (struct heap){f->heap_mem, 1 << 20, 0};
    f->scratch_mem = aligned_alloc(64, 8 << 20);
    arena_init(&f->scratch, f->scratch_mem, 8 << 20);
    f->n = (uint32_t)prng_below(&f->prng, N);
    for (uint32_t i = 0; i < f->n; i++)
        draw(f, &f->v[i], i);
}

static void teardown(struct fixture *f)
{
    free(f->heap_mem);
    free(f->scratch_mem);
    zone_free(&f->zone);
    free(f);
    simd_init(SIMD_AUTO);
}

static void fill_col(struct col *c, const struct value *v, uint32_t row)
{
    switch (c->kind) {
    case TYPE_FLOAT: c->f[row] = v->f; break;
    case TYPE_IP: c->ip[row] = v->ip; break;
    case TYPE_STRING:
        memcpy((uint8_t *)(uintptr_t)c->s.base + (size_t)row * BYTES, v->s, v->len);
        c->s.off[row] = row * BYTES;
        c->s.len[row] = v->len;
        break;
    default: c->i[row] = v->i;
    }
}

// Records from..to of one interval go to rows drawn by chance, with some rows not selected.
static void update(struct fixture *f, uint8_t **group, uint32_t from, uint32_t to)
{
    struct col c;
    uint16_t sel[N];
    uint8_t *row[N];
    struct agg_env env = {&f->scratch, &f->heap, &f->no_room};

    arena_reset(&f->scratch);
    MR_ASSERT(col_alloc(&c, f->kind, 2 * N, &f->scratch) == 0);
    if (f->kind == TYPE_STRING)
        c.s.base = arena_alloc(&f->scratch, 2 * N * BYTES);
    struct vec v = {.rows = 2 * (to - from), .cols_cnt = 1, .col = &c, .sel = sel};
    for (uint32_t i = from; i < to; i++) {
        uint32_t r = 2 * (i - from) + 1; // every other row is dead
        fill_col(&c, &f->v[i], r - 1);
        fill_col(&c, &f->v[i], r);
        sel[v.sel_cnt] = (uint16_t)r;
        row[v.sel_cnt++] = group[prng_below(&f->prng, GROUPS)];
    }
    // the place of record i is (ord 2 i + 1) in its interval: order is kept
    v.ord_lo = 2 * f->v[from].ord;
    agg_update(&f->a, &env, row, &c, &v, f->v[from].interval);
}

// Vectors in any order, rows merged in any order.
static void aggregate(struct fixture *f, uint8_t *into)
{
    static uint8_t room[GROUPS][AGG_ROW_BYTES_MAX];
    uint8_t *group[GROUPS];
    uint32_t cut[N], cuts = 0;
    struct agg_env env = {&f->scratch, &f->heap, &f->no_room};

    for (uint32_t g = 0; g < GROUPS; g++)
        agg_row_init(&f->a, group[g] = room[g]);
    for (uint32_t i = 0; i < f->n; i++)
        if (i == 0 || f->v[i].interval != f->v[i - 1].interval || prng_chance(&f->prng, 5))
            cut[cuts++] = i;
    for (uint32_t left = cuts; left; left--) {
        uint32_t k = (uint32_t)prng_below(&f->prng, left), from = cut[k], to = from + 1;
        while (to < f->n && f->v[to].interval == f->v[from].interval) {
            bool starts = false; // another vector starts here
            for (uint32_t j = 0; j < cuts; j++)
                starts |= cut[j] == to;
            if (starts)
                break;
            to++;
        }
        update(f, group, from, to);
        uint32_t taken = cut[k]; // kept as a mark behind those that are left
        cut[k] = cut[left - 1];
        cut[left - 1] = taken;
    }
    for (uint32_t left = GROUPS; left; left--) {
        uint32_t k = (uint32_t)prng_below(&f->prng, left);
        const uint8_t *src = group[k];
        arena_reset(&f->scratch);
        agg_merge(&f->a, &env, &into, &src, 1);
        group[k] = group[left - 1];
    }
}

static bool wins(const struct fixture *f, const struct value *a, const struct value *b)
{
    bool max = f->fn == AGG_MAX;
    int c;

    if (f->fn == AGG_FIRST)
        return false;
    if (f->fn == AGG_LAST)
        return true;
    if (f->kind == TYPE_STRING)
        c = enc_cmp((const uint8_t *)b->s, b->len, (const uint8_t *)a->s, a->len);
    else if (f->kind == TYPE_IP)
        c = memcmp(&b->ip, &a->ip, sizeof a->ip);
    else if (f->kind == TYPE_FLOAT)
        c = (b->f > a->f) - (b->f < a->f);
    else
        c = (b->i > a->i) - (b->i < a->i);
    return max ? c > 0 : c < 0;
}

static struct value naive(const struct fixture *f)
{
    struct value r = f->v[0];

    for (uint32_t i = 1; i < f->n; i++) {
        const struct value *v = &f->v[i];
        if (f->fn == AGG_SUM_INT || f->fn == AGG_LAMBDA)
            r.i = (int64_t)((uint64_t)r.i + (uint64_t)v->i);
        else if (f->fn == AGG_SUM_FLOAT)
            r.f += v->f;
        else if (f->fn == AGG_AND)
            r.i &= v->i;
        else if (f->fn == AGG_OR)
            r.i |= v->i;
        else if (wins(f, &r, v))
            r = *v;
    }
    return r;
}

static void expect_value(const struct fixture *f, const struct col *c, const struct value *want)
{
    switch (f->kind) {
    case TYPE_FLOAT: EXPECT(c->f[0] == want->f); break;
    case TYPE_IP: EXPECT_EQ_MEM(&c->ip[0], &want->ip, sizeof want->ip); break;
    case TYPE_STRING:
        EXPECT_EQ_INT(c->s.len[0], want->len);
        if (c->s.len[0] == want->len)
            EXPECT_EQ_MEM(c->s.base + c->s.off[0], want->s, want->len);
        break;
    default: EXPECT_EQ_INT(c->i[0], want->i);
    }
}

static void check(enum agg_fn fn, enum type_kind kind, uint64_t seed)
{
    struct fixture *f = calloc(1, sizeof *f);
    uint8_t into[AGG_ROW_BYTES_MAX];
    const uint8_t *row = into;
    struct col out;

    setup(f, fn, kind, seed);
    if (fn == AGG_LAMBDA) {
        for (uint32_t i = 0; i < f->n; i++)
            f->v[i].i %= 1000; // "+" fails where it does not fit
        f->a.lambda = lambda_call(&f->zone, &type_int, "+", FN_INFIX);
    }
    agg_row_init(&f->a, into);
    aggregate(f, into);
    EXPECT_EQ_INT(agg_count(into), f->n);
    EXPECT(!agg_failed(into));
    EXPECT_EQ_INT(f->no_room, 0);
    if (f->n) {
        struct value want = naive(f);
        arena_reset(&f->scratch);
        EXPECT_EQ_INT(agg_finish(&f->a, &row, 1, &out, &f->scratch), 0);
        expect_value(f, &out, &want);
    }
    teardown(f);
}

static const struct {
    enum agg_fn fn;
    enum type_kind kind[7];
} functions[] = {
    {AGG_SUM_INT, {TYPE_INT}},
    {AGG_SUM_FLOAT, {TYPE_FLOAT}},
    {AGG_MIN, {TYPE_INT, TYPE_FLOAT, TYPE_STRING, TYPE_IP, TYPE_TIME, TYPE_BOOL}},
    {AGG_MAX, {TYPE_INT, TYPE_FLOAT, TYPE_STRING, TYPE_IP, TYPE_TIME, TYPE_BOOL}},
    {AGG_FIRST, {TYPE_INT, TYPE_FLOAT, TYPE_STRING, TYPE_IP, TYPE_TIME, TYPE_BOOL}},
    {AGG_LAST, {TYPE_INT, TYPE_FLOAT, TYPE_STRING, TYPE_IP, TYPE_TIME, TYPE_BOOL}},
    {AGG_AND, {TYPE_BOOL}},
    {AGG_OR, {TYPE_BOOL}},
    {AGG_LAMBDA, {TYPE_INT}},
};

TEST(agg, agrees_with_a_loop)
{
    for (uint32_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        for (uint32_t k = 0; k < 7 && (k == 0 || functions[i].kind[k]); k++)
            for (uint64_t n = 0; n < 40; n++)
                check(functions[i].fn, functions[i].kind[k], prng_seed(1) * 100 + n);
}

// What was merged and is unmerged leaves no trace: sums wrap, so it is exact.
TEST(agg, unmerges)
{
    struct prng p = prng_of(prng_seed(1));
    struct agg_spec a = {.leaves_cnt = 1, .leaf = {{AGG_SUM_INT, TYPE_INT, 8, 8}}, .row_bytes = 16};
    uint8_t total[16], part[50][16];
    uint8_t *dst = total;
    uint64_t no_room = 0;
    struct agg_env env = {.no_room = &no_room};

    agg_row_init(&a, total);
    for (uint32_t i = 0; i < 50; i++) {
        const uint8_t *src = part[i];
        store_i64(part[i], (int64_t)prng_below(&p, 9) + 1);
        store_i64(part[i] + 8, (int64_t)prng_u64(&p));
        agg_merge(&a, &env, &dst, &src, 1);
    }
    for (uint32_t i = 0; i < 49; i++) {
        const uint8_t *src = part[(i * 7) % 50];
        agg_unmerge(&a, NULL, &env, &dst, &src, 1);
    }
    EXPECT_EQ_MEM(total, part[49 * 7 % 50], 16);
}

// (a, b) => toInt(toString(a)) * b: nothing but vectors computes that.
static struct lambda *product_by_text(struct zone *z)
{
    struct lambda *l = lambda_call(z, &type_int, "*", FN_INFIX);
    struct expr *text = expr_call(z, "toString", FN_CALL, 1, &l->leaf[0]->arg[0]);
    struct place at;
    char err[128];

    l->leaf[0]->arg[0] = expr_call(z, "toInt", FN_CALL, 1, &text);
    return lambda_finish(l, z, &at, err, sizeof err) ? NULL : l;
}

// Products of powers of two: whether all of them fit does not depend on how they are grouped, and a
// row says whether they did, with all records counted.
TEST(agg, lambda_that_fails)
{
    uint32_t fits = 0;

    for (uint64_t k = 0; k < 200; k++) {
        struct fixture *f = calloc(1, sizeof *f);
        uint8_t into[AGG_ROW_BYTES_MAX];
        uint64_t bits = 0;
        setup(f, AGG_LAMBDA, TYPE_INT, prng_seed(1) * 1000 + k);
        for (uint32_t i = 0; i < f->n; i++) {
            uint64_t n = prng_chance(&f->prng, 20) ? prng_below(&f->prng, 5) : 0;
            f->v[i].i = 1 << n;
            bits += n;
        }
        f->a.lambda =
            k % 2 ? product_by_text(&f->zone) : lambda_call(&f->zone, &type_int, "*", FN_INFIX);
        agg_row_init(&f->a, into);
        aggregate(f, into);
        EXPECT_EQ_INT(agg_count(into), f->n);
        EXPECT_EQ_INT(agg_failed(into), bits > 62);
        if (f->n && bits <= 62)
            EXPECT_EQ_INT(load_i64(into + 8), 1ll << bits);
        EXPECT_EQ_INT(f->no_room, 0);
        fits += bits <= 62;
        teardown(f);
    }
    EXPECT(fits > 40 && fits < 160);
}

// With an inverse: what failed stays failed when it leaves, and the count comes down to 0.
TEST(agg, inverse_that_fails)
{
    struct zone z = {NULL};
    struct agg_spec a = {.leaves_cnt = 1,
                         .leaf = {{AGG_LAMBDA, TYPE_INT, 8, 8}},
                         .row_bytes = 16,
                         .lambda = lambda_call(&z, &type_int, "*", FN_INFIX)};
    const struct lambda *inverse = lambda_call(&z, &type_int, "/", FN_INFIX);
    static const struct {
        int64_t total, leaves;
        bool total_failed, leaves_failed, fails;
    } table[] = {
        {100, 5, false, false, false}, {100, 0, false, false, true}, {100, 5, false, true, true},
        {100, 5, true, false, true},   {100, 0, true, true, true},
    };
    uint8_t *mem = aligned_alloc(64, 1 << 20);
    struct arena arena;
    uint64_t no_room = 0;
    struct agg_env env = {.arena = &arena, .no_room = &no_room};

    arena_init(&arena, mem, 1 << 20);
    for (uint32_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        uint8_t total[16], leaves[16], *dst = total;
        const uint8_t *src = leaves;
        store_i64(total, (int64_t)(3 | (table[i].total_failed ? AGG_FAILED : 0)));
        store_i64(leaves, (int64_t)(2 | (table[i].leaves_failed ? AGG_FAILED : 0)));
        store_i64(total + 8, table[i].total);
        store_i64(leaves + 8, table[i].leaves);
        agg_unmerge(&a, inverse, &env, &dst, &src, 1);
        EXPECT_EQ_INT(agg_count(total), 1);
        EXPECT_EQ_INT(agg_failed(total), table[i].fails);
        if (!table[i].fails)
            EXPECT_EQ_INT(load_i64(total + 8), 20);
        store_i64(leaves, 1);
        agg_unmerge(&a, inverse, &env, &dst, &src, 1);
        EXPECT_EQ_INT(agg_count(total), 0);
    }
    EXPECT_EQ_INT(no_room, 0);
    free(mem);
    zone_free(&z);
}

// A heap that is full: the value stays what it was, whole, and it is said.
TEST(agg, strings_without_room)
{
    struct zone z = {NULL};
    struct agg_spec lambda = {.leaves_cnt = 1,
                              .leaf = {{AGG_LAMBDA, TYPE_STRING, 8, 16}},
                              .row_bytes = 24,
                              .has_strings = true,
                              .lambda = lambda_call(&z, &type_string, "+", FN_INFIX)};
    struct agg_spec max = {.leaves_cnt = 1,
                           .leaf = {{AGG_MAX, TYPE_STRING, 8, 16}},
                           .row_bytes = 24,
                           .has_strings = true};
    uint8_t *mem = aligned_alloc(64, 1 << 20);

    for (int native = 0; native < 2; native++) {
        const struct agg_spec *a = native ? &max : &lambda;
        uint8_t bytes[6], row[24], src[24], *dst = row;
        struct heap heap = {bytes, sizeof bytes, 0};
        const uint8_t *from = src;
        struct arena arena;
        uint64_t no_room = 0;
        struct agg_env env = {&arena, &heap, &no_room};
        struct cell_str s = {.ptr = (const uint8_t *)"abcd", .len = 4, .present = 1};
        arena_init(&arena, mem, 1 << 20);
        agg_row_init(a, row);
        store_i64(src, 1);
        memcpy(src + 8, &s, sizeof s);
        agg_merge(a, &env, &dst, &from, 1);
        EXPECT_EQ_INT(no_room, 0);
        s.ptr = (const uint8_t *)"zyxw";
        memcpy(src + 8, &s, sizeof s);
        agg_merge(a, &env, &dst, &from, 1);
        EXPECT_EQ_INT(no_room, 1);
        memcpy(&s, row + 8, sizeof s);
        EXPECT_EQ_INT(s.len, 4);
        EXPECT_EQ_MEM(s.ptr, "abcd", 4);
    }
    free(mem);
    zone_free(&z);
}
