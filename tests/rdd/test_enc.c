// The canonical encoding against its definition: random types, random rows, compared leaf by leaf.

#include "rdd/enc.h"
#include "tests/prng.h"
#include "tests/test.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS        60u
#define ARENA_BYTES (8u << 20)

struct bench {
    struct prng prng;
    struct zone zone;
    struct arena arena;
    void *memory;
};

static void bench_open(struct bench *b, uint64_t seed)
{
    *b = (struct bench){.prng = prng_of(prng_seed(seed))};
    b->memory = aligned_alloc(ARENA_ALIGN, ARENA_BYTES);
    arena_init(&b->arena, b->memory, ARENA_BYTES);
}

static void bench_close(struct bench *b)
{
    zone_free(&b->zone);
    free(b->memory);
}

static const struct type *random_type(struct bench *b, int depth)
{
    const struct type *part[4];
    const char *name[4] = {"a", "b", "c", "d"};
    uint32_t n = 2 + (uint32_t)prng_below(&b->prng, 2);

    switch (prng_below(&b->prng, depth ? 9 : 6)) {
    case 6: return type_list(&b->zone, random_type(b, depth - 1));
    case 7: n = 1; break;
    case 8: break;
    default:
        return type_scalar((enum type_kind[]){TYPE_INT, TYPE_FLOAT, TYPE_BOOL, TYPE_STRING,
                                              TYPE_TIME, TYPE_IP}[prng_below(&b->prng, 6)]);
    }
    for (uint32_t i = 0; i < n; i++)
        part[i] = random_type(b, depth - 1);
    return n == 1 ? type_record(&b->zone, part, name, n) : type_tuple(&b->zone, part, n);
}

static double random_float(struct prng *p)
{
    static const double edge[] = {0., -0., NAN, -NAN, INFINITY, -INFINITY, 1., -1., 5e-324, -1e300};

    return prng_chance(p, 70) ? edge[prng_below(p, 10)] : prng_f64(p) - 0.5;
}

static void random_col(struct bench *b, const struct type *t, uint32_t n, struct col *c);

static void random_cols(struct bench *b, const struct type *t, uint32_t n, struct col *cols)
{
    for (uint32_t i = 0; i < type_leaves(t); i++)
        random_col(b, type_leaf(t, i), n, &cols[i]);
}

static void random_list(struct bench *b, const struct type *elem, uint32_t n, struct col *c)
{
    struct vec *v = arena_alloc(&b->arena, sizeof *v);
    uint32_t sum = 0, leaves_cnt = type_leaves(elem);

    for (uint32_t r = 0; r < n; r++) {
        c->l.off[r] = sum;
        c->l.cnt[r] = (uint32_t)prng_below(&b->prng, 4);
        sum += c->l.cnt[r];
    }
    *v = (struct vec){.rows = sum, .cols_cnt = leaves_cnt, .sel_cnt = sum};
    v->col = arena_alloc(&b->arena, leaves_cnt * sizeof *v->col);
    random_cols(b, elem, sum, v->col);
    c->l.elems = v;
}

static void random_col(struct bench *b, const struct type *t, uint32_t n, struct col *c)
{
    struct prng *p = &b->prng;

    EXPECT_EQ_INT(col_alloc(c, t->kind, n, &b->arena), 0);
    if (t->kind == TYPE_LIST) {
        random_list(b, t->part[0], n, c);
        return;
    }
    if (t->kind == TYPE_STRING)
        c->s.base = arena_alloc(&b->arena, n * 40);
    for (uint32_t r = 0; r < n; r++) {
        switch (t->kind) {
        case TYPE_BOOL: c->i[r] = prng_chance(p, 50); break;
        case TYPE_FLOAT: c->f[r] = random_float(p); break;
        case TYPE_IP:
            for (int k = 0; k < 16; k++)
                c->ip[r].b[k] = (uint8_t) "\0\0\1\xff"[prng_below(p, 4)];
            break;
        case TYPE_STRING:
            c->s.off[r] = r * 40;
            c->s.len[r] = (uint32_t)prng_below(p, prng_chance(p, 20) ? 40 : 4);
            for (uint32_t k = 0; k < c->s.len[r]; k++)
                ((uint8_t *)(uintptr_t)c->s.base)[r * 40 + k] =
                    (uint8_t) "\0\1\xff\xfe"
                              "ab"[prng_below(p, c->s.len[r] > 10 ? 6 : 5)];
            break;
        default:
            c->i[r] = prng_chance(p, 50) ? prng_between(p, -2, 2) : (int64_t)prng_u64(p);
            break;
        }
    }
}

// --- the reference: values, one leaf after the other ---------------------------------------------

static int cmp_u(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int cmp_float(double a, double b)
{
    if (isnan(a) || isnan(b))
        return isnan(a) - isnan(b);
    return (a > b) - (a < b);
}

static int cmp_leaf(const struct col *a, uint32_t ra, const struct col *b, uint32_t rb);

static int cmp_cols(const struct col *a, uint32_t ra, const struct col *b, uint32_t rb, uint32_t n)
{
    int c = 0;

    for (uint32_t i = 0; i < n && !c; i++)
        c = cmp_leaf(&a[i], ra, &b[i], rb);
    return c;
}

static int cmp_leaf(const struct col *a, uint32_t ra, const struct col *b, uint32_t rb)
{
    uint32_t n;
    int c;

    switch (a->kind) {
    case TYPE_FLOAT: return cmp_float(a->f[ra], b->f[rb]);
    case TYPE_IP: c = memcmp(a->ip[ra].b, b->ip[rb].b, 16); return (c > 0) - (c < 0);
    case TYPE_STRING:
        n = a->s.len[ra] < b->s.len[rb] ? a->s.len[ra] : b->s.len[rb];
        c = memcmp(a->s.base + a->s.off[ra], b->s.base + b->s.off[rb], n);
        return c ? (c > 0) - (c < 0) : cmp_u(a->s.len[ra], b->s.len[rb]);
    case TYPE_LIST:
        for (uint32_t i = 0; i < a->l.cnt[ra] && i < b->l.cnt[rb]; i++) {
            c = cmp_cols(a->l.elems->col, a->l.off[ra] + i, b->l.elems->col, b->l.off[rb] + i,
                         a->l.elems->cols_cnt);
            if (c)
                return c;
        }
        return cmp_u(a->l.cnt[ra], b->l.cnt[rb]);
    default: return (a->i[ra] > b->i[rb]) - (a->i[ra] < b->i[rb]);
    }
}

// --- what must hold ------------------------------------------------------------------------------

struct encoded {
    uint8_t *bytes;
    uint32_t len;
};

static void check_order(const struct encoded *e, const struct col *cols, uint32_t leaves_cnt)
{
    for (uint32_t a = 0; a < ROWS; a++)
        for (uint32_t b = 0; b < ROWS; b++) {
            int c = enc_cmp(e[a].bytes, e[a].len, e[b].bytes, e[b].len);
            EXPECT_EQ_INT((c > 0) - (c < 0), cmp_cols(cols, a, cols, b, leaves_cnt));
        }
}

static void check_vec(struct bench *b, const struct encoded *e, const struct type *t,
                      struct col *cols)
{
    uint16_t sel[ROWS];
    uint32_t sel_cnt = 0, first = (uint32_t)prng_below(&b->prng, 2);
    struct col shifted[TYPE_LEAVES_MAX + 1];
    struct vec v = {.rows = ROWS, .cols_cnt = type_leaves(t) + first, .col = shifted};
    struct enc_keys keys;

    memcpy(shifted + first, cols, type_leaves(t) * sizeof *cols);
    for (uint16_t r = 0; r < ROWS; r++)
        if (prng_chance(&b->prng, 40))
            sel[sel_cnt++] = r;
    v.sel = prng_chance(&b->prng, 50) ? sel : NULL;
    v.sel_cnt = v.sel ? sel_cnt : ROWS;
    EXPECT_EQ_INT(enc_vec(&keys, t, &v, first, &b->arena), 0);
    for (uint32_t i = 0; i < v.sel_cnt; i++) {
        uint32_t r = vec_row(&v, i);
        EXPECT_EQ_INT(keys.len[r], e[r].len);
        if (keys.len[r] == e[r].len)
            EXPECT_EQ_MEM(keys.base + keys.off[r], e[r].bytes, e[r].len);
    }
}

static void check_decode(struct bench *b, const struct encoded *e, const struct type *t,
                         const struct col *cols)
{
    struct col back[TYPE_LEAVES_MAX];
    uint32_t off[ROWS], len[ROWS];
    struct enc_keys keys = {.base = e[0].bytes, .off = off, .len = len};

    for (uint32_t r = 0; r < ROWS; r++) {
        off[r] = (uint32_t)(e[r].bytes - e[0].bytes);
        len[r] = e[r].len;
    }
    EXPECT_EQ_INT(enc_decode_vec(&keys, ROWS, t, back, &b->arena), 0);
    for (uint32_t r = 0; r < ROWS; r++)
        EXPECT_EQ_INT(cmp_cols(back, r, cols, r, type_leaves(t)), 0);
}

// Reads one leaf and compares it with row r of its column.
static void read_leaf(struct enc_reader *rd, const struct col *c, uint32_t r)
{
    uint8_t buf[64];
    uint32_t n = 0, len;
    struct ip ip;
    double f;

    switch (c->kind) {
    case TYPE_BOOL: EXPECT_EQ_INT(enc_read_bool(rd), c->i[r]); break;
    case TYPE_FLOAT:
        f = enc_read_float(rd);
        EXPECT_EQ_INT(cmp_float(f, c->f[r]), 0);
        EXPECT(f != 0 || !signbit(f));
        break;
    case TYPE_IP:
        ip = enc_read_ip(rd);
        EXPECT_EQ_MEM(ip.b, c->ip[r].b, 16);
        break;
    case TYPE_STRING:
        len = enc_read_string(rd, buf);
        EXPECT_EQ_INT(len, c->s.len[r]);
        EXPECT_EQ_MEM(buf, c->s.base + c->s.off[r], c->s.len[r]);
        break;
    case TYPE_LIST:
        for (; enc_read_more(rd); n++)
            for (uint32_t k = 0; k < c->l.elems->cols_cnt; k++)
                read_leaf(rd, &c->l.elems->col[k], c->l.off[r] + n);
        EXPECT_EQ_INT(n, c->l.cnt[r]);
        break;
    default: EXPECT_EQ_INT(enc_read_int(rd), c->i[r]); break;
    }
}

static void check_reader(const struct encoded *e, const struct type *t, const struct col *cols)
{
    const struct type *value = type_value(t);
    int nested = value->kind == TYPE_TUPLE || value->kind == TYPE_LIST;

    for (uint32_t r = 0; r < ROWS; r++) {
        struct enc_reader rd = {e[r].bytes, e[r].bytes + e[r].len, nested};
        for (uint32_t i = 0; i < type_leaves(t); i++)
            read_leaf(&rd, &cols[i], r);
        EXPECT(rd.p == rd.end);
    }
}

// An encoding is good; a part of it is not, nor one with something behind it. Copies are as long as
// they are, so that ASan sees what is read beyond.
static void check_checking(const struct encoded *e, const struct type *t)
{
    bool any = type_value(t)->kind == TYPE_STRING;

    for (uint32_t r = 0; r < ROWS; r++) {
        uint32_t step = e[r].len > 64 ? e[r].len / 20 : 1;
        EXPECT(enc_check(t, e[r].bytes, e[r].len));
        for (uint32_t len = 0; len < e[r].len; len += step) {
            uint8_t *part = malloc(len ? len : 1);
            memcpy(part, e[r].bytes, len);
            EXPECT_EQ_INT(enc_check(t, part, len), any);
            free(part);
        }
        uint8_t *more = calloc(1, e[r].len + 1);
        memcpy(more, e[r].bytes, e[r].len);
        EXPECT_EQ_INT(enc_check(t, more, e[r].len + 1), any);
        free(more);
    }
}

static void check_type(struct bench *b, const struct type *t)
{
    struct col cols[TYPE_LEAVES_MAX];
    struct encoded e[ROWS];

    random_cols(b, t, ROWS, cols);
    for (uint32_t r = 0; r < ROWS; r++) {
        e[r].len = enc_row_bytes(t, cols, r);
        e[r].bytes = arena_alloc(&b->arena, e[r].len);
        EXPECT_EQ_INT(enc_row(e[r].bytes, t, cols, r), e[r].len);
    }
    check_order(e, cols, type_leaves(t));
    check_vec(b, e, t, cols);
    check_decode(b, e, t, cols);
    check_reader(e, t, cols);
    check_checking(e, t);
}

TEST(enc, bytes_that_are_no_encoding)
{
    struct zone z = {NULL};
    const struct type *strings = type_list(&z, &type_string);
    const struct type *pair =
        type_tuple(&z, (const struct type *const[]){&type_string, &type_bool}, 2);
    const struct {
        const struct type *type;
        const char *bytes;
        uint32_t len;
        bool good;
    } table[] = {
        {&type_bool, "\0", 1, true},
        {&type_bool, "\1", 1, true},
        {&type_bool, "\2", 1, false},
        {&type_string, "", 0, true},
        {&type_string, "a\0b", 3, true},
        {strings, "\0", 1, true},
        {strings, "\2", 1, false},
        {strings, "\1ab\0\0\0", 6, true},
        {strings, "\1ab\0\0\3", 6, false},
        {strings, "\1a\0\377b\0\0\0", 8, true},
        {strings, "\1a\0\376b\0\0\0", 8, false},
        {strings, "\1ab\0", 4, false},
        {pair, "a\0\0\1", 4, true},
        {pair, "a\0\0\2", 4, false},
        {pair, "a\0\1\0", 4, false},
    };

    for (uint32_t i = 0; i < sizeof table / sizeof table[0]; i++)
        EXPECT_EQ_INT(enc_check(table[i].type, (const uint8_t *)table[i].bytes, table[i].len),
                      table[i].good);
    zone_free(&z);
}

TEST(enc, random_types)
{
    struct bench b;

    bench_open(&b, 11);
    for (int i = 0; i < 150; i++) {
        const struct type *t = i < 6 ? type_scalar((enum type_kind)i) : random_type(&b, 3);
        arena_reset(&b.arena);
        check_type(&b, t);
    }
    bench_close(&b);
}

TEST(enc, bytes_of_the_format)
{
    struct bench b;
    bench_open(&b, 1);
    const struct type *part[] = {&type_string, &type_int, &type_float, &type_bool};
    const struct type *t = type_tuple(&b.zone, part, 4);
    uint32_t off = 0, len = 3;
    int64_t number = 5, truth = 1;
    double f = -1.5;
    struct col cols[] = {
        {.kind = TYPE_STRING, .s = {(const uint8_t *)"a\0b", &off, &len}},
        {.kind = TYPE_INT, .i = &number},
        {.kind = TYPE_FLOAT, .f = &f},
        {.kind = TYPE_BOOL, .i = &truth},
    };
    uint8_t buf[64];
    static const char want[] = "a\0\xff"
                               "b\0\0"
                               "\x80\0\0\0\0\0\0\5"
                               "\x40\x07\xff\xff\xff\xff\xff\xff"
                               "\1";

    EXPECT_EQ_INT(enc_row(buf, t, cols, 0), sizeof want - 1);
    EXPECT_EQ_MEM(buf, want, sizeof want - 1);
    EXPECT_EQ_INT(enc_row(buf, &type_string, cols, 0), 3);
    EXPECT_EQ_MEM(buf, "a\0b", 3);
    bench_close(&b);
}

// A single string column is not copied, also as a record of one field.
TEST(enc, one_string_is_a_view)
{
    struct bench b;
    bench_open(&b, 1);
    const struct type *part[] = {&type_string};
    const char *name[] = {"line"};
    uint32_t off[] = {0, 2}, len[] = {2, 3};
    struct col col = {.kind = TYPE_STRING, .s = {(const uint8_t *)"hello", off, len}}, back;
    struct vec v = {.rows = 2, .cols_cnt = 1, .col = &col, .sel_cnt = 2};
    struct enc_keys keys;

    EXPECT_EQ_INT(enc_vec(&keys, type_record(&b.zone, part, name, 1), &v, 0, &b.arena), 0);
    EXPECT(keys.base == col.s.base && keys.off == off && keys.len == len);
    EXPECT_EQ_INT(enc_decode_vec(&keys, 2, &type_string, &back, &b.arena), 0);
    EXPECT(back.s.base == col.s.base);
    EXPECT_EQ_INT(b.arena.used, 0);
    bench_close(&b);
}

// Every size of arena too small for the work gives -ENOMEM and nothing else.
TEST(enc, full_arena)
{
    struct bench b;
    bench_open(&b, 5);
    const struct type *part[] = {&type_int, type_list(&b.zone, &type_string)};
    const struct type *t = type_tuple(&b.zone, part, 2);
    struct col cols[2], back[2];
    struct vec v = {.rows = ROWS, .cols_cnt = 2, .col = cols, .sel_cnt = ROWS};
    struct enc_keys keys;
    int good_cnt = 0;

    random_cols(&b, t, ROWS, cols);
    size_t used = b.arena.used;
    for (size_t room = 0; room < 40000; room += 64) {
        struct arena a;
        arena_init(&a, b.arena.base + used, room);
        int rc = enc_vec(&keys, t, &v, 0, &a);
        if (!rc)
            rc = enc_decode_vec(&keys, ROWS, t, back, &a);
        EXPECT(rc == 0 || rc == -ENOMEM);
        good_cnt += rc == 0;
    }
    EXPECT(good_cnt > 0 && good_cnt < 600);
    bench_close(&b);
}
