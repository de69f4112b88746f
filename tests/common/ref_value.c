#include "tests/common/ref_value.h"

#include <string.h>

#include "base/assert.h"

struct ref_val ref_int(int64_t i)
{
    return (struct ref_val){.kind = TYPE_INT, .i = i};
}

struct ref_val ref_float(double f)
{
    return (struct ref_val){.kind = TYPE_FLOAT, .f = f};
}

struct ref_val ref_bool(bool b)
{
    return (struct ref_val){.kind = TYPE_BOOL, .i = b};
}

struct ref_val ref_time(int64_t ns)
{
    return (struct ref_val){.kind = TYPE_TIME, .i = ns};
}

struct ref_val ref_ip(struct ip ip)
{
    return (struct ref_val){.kind = TYPE_IP, .ip = ip};
}

struct ref_val ref_bytes(const void *bytes, uint32_t len)
{
    return (struct ref_val){.kind = TYPE_STRING, .s = {bytes, len}};
}

struct ref_val ref_string(const char *s)
{
    return ref_bytes(s, (uint32_t)strlen(s));
}

struct ref_val ref_copy(struct zone *z, const struct ref_val *v)
{
    struct ref_val c = *v;
    if (v->kind == TYPE_STRING)
        c.s.bytes = (const uint8_t *)zone_strndup(z, (const char *)v->s.bytes, v->s.len);
    if (v->kind == TYPE_LIST) {
        uint32_t n = v->list.cnt * v->list.leaves_cnt;
        struct ref_val *leaf = zone_alloc(z, (n + 1) * sizeof *leaf);
        for (uint32_t i = 0; i < n; i++)
            leaf[i] = ref_copy(z, &v->list.leaf[i]);
        c.list.leaf = leaf;
    }
    return c;
}

static struct ref_val list_of_col(struct zone *z, const struct col *c, uint32_t row)
{
    struct ref_val v = {.kind = TYPE_LIST};
    const struct vec *elems = c->l.elems;
    if (!c->l.cnt || !c->l.cnt[row])
        return v;
    uint32_t cnt = c->l.cnt[row], leaves_cnt = elems->cols_cnt;
    struct ref_val *leaf = zone_alloc(z, cnt * leaves_cnt * sizeof *leaf);
    for (uint32_t i = 0; i < cnt; i++)
        for (uint32_t k = 0; k < leaves_cnt; k++)
            leaf[i * leaves_cnt + k] = ref_of_col(z, &elems->col[k], c->l.off[row] + i);
    v.list.leaf = leaf;
    v.list.cnt = cnt;
    v.list.leaves_cnt = leaves_cnt;
    return v;
}

struct ref_val ref_of_col(struct zone *z, const struct col *c, uint32_t row)
{
    struct ref_val v = {.kind = c->kind};
    switch (c->kind) {
    case TYPE_FLOAT: v.f = c->f ? c->f[row] : 0; break;
    case TYPE_IP:
        if (c->ip)
            v.ip = c->ip[row];
        break;
    case TYPE_STRING:
        if (c->s.len) {
            v.s.len = c->s.len[row];
            v.s.bytes = (uint8_t *)zone_strndup(
                z, (const char *)(v.s.len ? c->s.base + c->s.off[row] : NULL), v.s.len);
        }
        break;
    case TYPE_LIST: return list_of_col(z, c, row);
    default: v.i = c->i ? c->i[row] : 0; break;
    }
    return v;
}

// ---- order ----

static int cmp_bytes(const uint8_t *a, uint32_t an, const uint8_t *b, uint32_t bn)
{
    for (uint32_t i = 0; i < an && i < bn; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return (an > bn) - (an < bn);
}

// NaN is the greatest and equals itself.
static int cmp_float(double a, double b)
{
    if (a != a || b != b)
        return (a != a) - (b != b);
    return (a > b) - (a < b);
}

// Rows of type t lie at *a and *b; both are moved behind them.
static int cmp_next(const struct type *t, const struct ref_val **a, const struct ref_val **b)
{
    int c = 0;
    if (t->kind == TYPE_TUPLE) {
        for (uint32_t i = 0; i < t->parts_cnt; i++) {
            int d = cmp_next(t->part[i], a, b);
            c = c ? c : d;
        }
        return c;
    }
    const struct ref_val *x = (*a)++, *y = (*b)++;
    switch (t->kind) {
    case TYPE_FLOAT: return cmp_float(x->f, y->f);
    case TYPE_STRING: return cmp_bytes(x->s.bytes, x->s.len, y->s.bytes, y->s.len);
    case TYPE_IP: return cmp_bytes(x->ip.b, 16, y->ip.b, 16);
    case TYPE_LIST: break;
    default: return (x->i > y->i) - (x->i < y->i);
    }
    for (uint32_t i = 0; i < x->list.cnt && i < y->list.cnt; i++) {
        c = ref_cmp(t->part[0], x->list.leaf + i * x->list.leaves_cnt,
                    y->list.leaf + i * y->list.leaves_cnt);
        if (c)
            return c;
    }
    return (x->list.cnt > y->list.cnt) - (x->list.cnt < y->list.cnt);
}

int ref_cmp(const struct type *t, const struct ref_val *a, const struct ref_val *b)
{
    return cmp_next(t, &a, &b);
}

// ---- encoding ----

static void put_byte(struct strbuf *out, uint8_t b)
{
    strbuf_add(out, (const char *)&b, 1);
}

static void put_be64(struct strbuf *out, uint64_t v)
{
    for (int shift = 56; shift >= 0; shift -= 8)
        put_byte(out, (uint8_t)(v >> shift));
}

static void put_float(struct strbuf *out, double f)
{
    uint64_t u = 0;
    if (f != f)
        u = 0x7ff8000000000000u;
    else if (f != 0)
        memcpy(&u, &f, sizeof u);
    put_be64(out, u >> 63 ? ~u : u | UINT64_C(1) << 63);
}

static void put_string(struct strbuf *out, const struct ref_val *v, bool nested)
{
    for (uint32_t i = 0; i < v->s.len; i++) {
        put_byte(out, v->s.bytes[i]);
        if (nested && !v->s.bytes[i])
            put_byte(out, 0xff);
    }
    if (nested)
        strbuf_add(out, "\0", 2);
}

static void put_next(struct strbuf *out, const struct type *t, const struct ref_val **v,
                     bool nested)
{
    if (t->kind == TYPE_TUPLE) {
        for (uint32_t i = 0; i < t->parts_cnt; i++)
            put_next(out, t->part[i], v, nested || t->parts_cnt > 1);
        return;
    }
    const struct ref_val *x = (*v)++;
    switch (t->kind) {
    case TYPE_FLOAT: put_float(out, x->f); break;
    case TYPE_STRING: put_string(out, x, nested); break;
    case TYPE_IP: strbuf_add(out, (const char *)x->ip.b, 16); break;
    case TYPE_BOOL: put_byte(out, x->i != 0); break;
    case TYPE_LIST:
        for (uint32_t i = 0; i < x->list.cnt; i++) {
            const struct ref_val *elem = x->list.leaf + i * x->list.leaves_cnt;
            put_byte(out, 1);
            put_next(out, t->part[0], &elem, true);
        }
        put_byte(out, 0);
        break;
    default: put_be64(out, (uint64_t)x->i ^ UINT64_C(1) << 63); break;
    }
}

void ref_encode(struct strbuf *out, const struct type *t, const struct ref_val *row)
{
    put_next(out, t, &row, false);
}
