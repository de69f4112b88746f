// The values of the expression tests: made, compared, printed, and random ones.

#include "tests/rdd/expr_harness.h"

#include "rdd/print.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct val val_int(int64_t i)
{
    return (struct val){.kind = TYPE_INT, .i = i};
}

struct val val_bool(bool b)
{
    return (struct val){.kind = TYPE_BOOL, .i = b};
}

struct val val_time(int64_t i)
{
    return (struct val){.kind = TYPE_TIME, .i = i};
}

struct val val_float(double f)
{
    return (struct val){.kind = TYPE_FLOAT, .f = f};
}

struct val val_bytes(const void *s, uint32_t len)
{
    return (struct val){.kind = TYPE_STRING, .s = s, .len = len};
}

struct val val_string(const char *s)
{
    return val_bytes(s, (uint32_t)strlen(s));
}

struct val val_ip(const char *text)
{
    struct val v = {.kind = TYPE_IP};

    EXPECT_EQ_INT(parse_ip(text, strlen(text), &v.ip), 0);
    return v;
}

static bool bytes_same(const uint8_t *a, uint32_t an, const uint8_t *b, uint32_t bn)
{
    return an == bn && (an == 0 || memcmp(a, b, an) == 0);
}

bool val_same(const struct val *a, const struct val *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case TYPE_FLOAT: return memcmp(&a->f, &b->f, sizeof a->f) == 0 || (isnan(a->f) && isnan(b->f));
    case TYPE_IP: return memcmp(&a->ip, &b->ip, sizeof a->ip) == 0;
    case TYPE_STRING: return bytes_same(a->s, a->len, b->s, b->len);
    case TYPE_LIST:
        if (a->elems_cnt != b->elems_cnt)
            return false;
        for (uint32_t i = 0; i < a->elems_cnt; i++)
            if (!val_same(&a->elem[i], &b->elem[i]))
                return false;
        return true;
    default: return a->i == b->i;
    }
}

struct val val_of(const struct col *c, uint32_t row, struct zone *z)
{
    struct val v = {.kind = c->kind};

    switch (c->kind) {
    case TYPE_FLOAT: v.f = c->f[row]; break;
    case TYPE_IP: v.ip = c->ip[row]; break;
    case TYPE_STRING:
        v.s = c->s.base + c->s.off[row];
        v.len = c->s.len[row];
        break;
    case TYPE_LIST:
        v.elems_cnt = c->l.cnt[row];
        v.elem = zone_alloc(z, v.elems_cnt * sizeof *v.elem);
        for (uint32_t i = 0; i < v.elems_cnt; i++)
            v.elem[i] = val_of(&c->l.elems->col[0], c->l.off[row] + i, z);
        break;
    default: v.i = c->i[row]; break;
    }
    return v;
}

const char *val_text(const struct val *v)
{
    static char buf[4][512];
    static int next;
    char *to = buf[next++ % 4];
    int n;

    switch (v->kind) {
    case TYPE_FLOAT: snprintf(to, sizeof buf[0], "%.17g", v->f); break;
    case TYPE_IP:
        n = (int)print_ip((uint8_t *)to, &v->ip);
        to[n] = 0;
        break;
    case TYPE_STRING: snprintf(to, sizeof buf[0], "'%.*s'", (int)v->len, (const char *)v->s); break;
    case TYPE_LIST:
        n = snprintf(to, sizeof buf[0], "[%u:", v->elems_cnt);
        for (uint32_t i = 0; i < v->elems_cnt && n < 400; i++)
            n += snprintf(to + n, sizeof buf[0] - (size_t)n, " '%.*s'", (int)v->elem[i].len % 50,
                          (const char *)v->elem[i].s);
        snprintf(to + n, sizeof buf[0] - (size_t)n, "]");
        break;
    default: snprintf(to, sizeof buf[0], "%lld", (long long)v->i); break;
    }
    return to;
}

// --- values --------------------------------------------------------------------------------------

struct val gen_int(struct prng *p, struct zone *z)
{
    static const int64_t edge[] = {INT64_MIN, INT64_MIN + 1, -1,           0, 1, 2, 10,
                                   16,        INT64_MAX,     INT64_MAX - 1};

    (void)z;
    switch (prng_below(p, 4)) {
    case 0: return val_int(edge[prng_below(p, sizeof edge / sizeof *edge)]);
    case 1: return val_int((int64_t)prng_u64(p));
    case 2: return val_int((int64_t)(prng_u64(p) >> prng_below(p, 64)));
    default: return val_int(prng_between(p, -20, 20));
    }
}

struct val gen_small_int(struct prng *p, struct zone *z)
{
    (void)z;
    return val_int(prng_between(p, -5, 40));
}

struct val gen_id(struct prng *p, struct zone *z)
{
    static const int64_t edge[] = {0, 1, (1ll << 51) - 1, (1ll << 51) - 2, 1ll << 50};

    (void)z;
    if (prng_chance(p, 10))
        return val_int(edge[prng_below(p, sizeof edge / sizeof *edge)]);
    return val_int((int64_t)(prng_u64(p) >> (13 + prng_below(p, 50))));
}

struct val gen_bits(struct prng *p, struct zone *z)
{
    (void)z;
    return val_int(prng_between(p, -2, 131));
}

struct val gen_float(struct prng *p, struct zone *z)
{
    static const double edge[] = {NAN, INFINITY, -INFINITY, 0., -0., 1., -1., 5e-324, 1e308, 0.5};
    uint64_t bits = prng_u64(p);
    double f;

    (void)z;
    memcpy(&f, &bits, sizeof f);
    switch (prng_below(p, 4)) {
    case 0: return val_float(edge[prng_below(p, sizeof edge / sizeof *edge)]);
    case 1: return val_float(f);
    case 2: return val_float((double)prng_between(p, -1000, 1000) / 8);
    default: return val_float(prng_f64(p) * 100 - 50);
    }
}

struct val gen_bool(struct prng *p, struct zone *z)
{
    (void)z;
    return val_bool(prng_chance(p, 50));
}

struct val gen_time(struct prng *p, struct zone *z)
{
    struct val v = gen_int(p, z);

    v.kind = TYPE_TIME;
    if (prng_chance(p, 60))
        v.i = prng_between(p, -2000000000000000000, 2000000000000000000);
    return v;
}

struct val gen_ip(struct prng *p, struct zone *z)
{
    struct val v = {.kind = TYPE_IP};

    (void)z;
    prng_fill(p, v.ip.b, 16);
    if (prng_chance(p, 20))
        memset(v.ip.b + prng_below(p, 16), 0, 1 + prng_below(p, 4) % (16 - 15));
    if (prng_chance(p, 60)) {
        memset(v.ip.b, 0, 10);
        v.ip.b[10] = v.ip.b[11] = 0xff;
        v.ip.b[12] = 10;
        v.ip.b[13] = (uint8_t)prng_below(p, 2);
    }
    return v;
}

static struct val gen_of(struct prng *p, struct zone *z, const char *letters, uint32_t letters_cnt,
                         uint32_t len_max)
{
    uint32_t len = (uint32_t)prng_below(p, len_max + 1);
    char *s = zone_alloc(z, len + 1);

    for (uint32_t i = 0; i < len; i++)
        s[i] = letters[prng_below(p, letters_cnt)];
    return val_bytes(s, len);
}

struct val gen_text(struct prng *p, struct zone *z)
{
    static const char letters[] = "aaabbcABCxyz,,;  \t\n\v\f\r  \x08\x0e\xa0\x89\xc3";

    return gen_of(p, z, letters, sizeof letters - 1, prng_chance(p, 10) ? 300 : 60);
}

struct val gen_short(struct prng *p, struct zone *z)
{
    return gen_of(p, z, "aabbc, ", 7, prng_chance(p, 10) ? 20 : 3);
}

struct val gen_bytes(struct prng *p, struct zone *z)
{
    struct val v = gen_of(p, z,
                          "\0\0\0\1\xff\xfe"
                          "az",
                          8, 20);
    return v;
}

struct val gen_number(struct prng *p, struct zone *z)
{
    char buf[PRINT_BYTES_MAX + 1];
    struct val f = gen_float(p, z), i = gen_int(p, z);
    uint32_t n;

    switch (prng_below(p, 4)) {
    case 0: return gen_of(p, z, "0123456789+-.eE ", 16, 12);
    case 1: n = print_float((uint8_t *)buf, f.f); break;
    default: n = print_int((uint8_t *)buf, i.i); break;
    }
    return val_bytes(zone_strndup(z, buf, n), n);
}
