#include <errno.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "rdd/enc.h"
#include "rdd/str.h"

#define SIGN 0x8000000000000000u

static const uint8_t *take(struct enc_reader *r, size_t bytes)
{
    const uint8_t *p = r->p;

    MR_ASSERT((size_t)(r->end - p) >= bytes);
    r->p += bytes;
    return p;
}

static double float_of_bits(uint64_t u)
{
    double f;

    u = u & SIGN ? u & ~SIGN : ~u;
    memcpy(&f, &u, sizeof f);
    return f;
}

int64_t enc_read_int(struct enc_reader *r)
{
    return (int64_t)(load_be64(take(r, 8)) ^ SIGN);
}

double enc_read_float(struct enc_reader *r)
{
    return float_of_bits(load_be64(take(r, 8)));
}

int enc_read_bool(struct enc_reader *r)
{
    return *take(r, 1);
}

struct ip enc_read_ip(struct enc_reader *r)
{
    struct ip ip;

    memcpy(ip.b, take(r, 16), 16);
    return ip;
}

uint32_t enc_read_string(struct enc_reader *r, uint8_t *buf)
{
    uint32_t len = 0;

    if (!r->nested) {
        len = (uint32_t)(r->end - r->p);
        str_copy(buf, r->p, len);
        r->p = r->end;
        return len;
    }
    for (;;) {
        uint8_t c = *take(r, 1);
        if (!c && !*take(r, 1))
            return len;
        buf[len++] = c;
    }
}

int enc_read_more(struct enc_reader *r)
{
    return *take(r, 1);
}

/* --- checking -------------------------------------------------------------------------------- */

/* Moves *p behind `bytes` bytes that end by `end`. */
static bool pass(const uint8_t **p, const uint8_t *end, size_t bytes)
{
    if ((size_t)(end - *p) < bytes)
        return false;
    *p += bytes;
    return true;
}

static bool check_closed_string(const uint8_t **p, const uint8_t *end)
{
    for (;;) {
        const uint8_t *zero = memchr(*p, 0, (size_t)(end - *p));
        if (!zero || end - zero < 2)
            return false;
        *p = zero + 2;
        if (zero[1] != 0xff)
            return zero[1] == 0;
    }
}

static bool check_nested(const struct type *t, const uint8_t **p, const uint8_t *end)
{
    switch (t->kind) {
    case TYPE_BOOL: return pass(p, end, 1) && (*p)[-1] <= 1;
    case TYPE_IP: return pass(p, end, 16);
    case TYPE_STRING: return check_closed_string(p, end);
    case TYPE_TUPLE:
        for (uint32_t i = 0; i < t->parts_cnt; i++)
            if (!check_nested(t->part[i], p, end))
                return false;
        return true;
    case TYPE_LIST:
        while (pass(p, end, 1)) {
            if ((*p)[-1] != 1)
                return (*p)[-1] == 0;
            if (!check_nested(t->part[0], p, end))
                return false;
        }
        return false;
    default: return pass(p, end, 8);
    }
}

bool enc_check(const struct type *t, const uint8_t *p, uint32_t bytes)
{
    const uint8_t *end = p + bytes;

    t = type_value(t);
    return t->kind == TYPE_STRING || (check_nested(t, &p, end) && p == end);
}

/* --- whole columns --------------------------------------------------------------------------- */

/* Rows under decoding: row i goes on at base + pos[i] and ends before base + end[i]. Columns are
 * decoded one after the other; each moves every row on. */
struct cursor {
    const uint8_t *base;
    uint32_t *pos;
    uint32_t n;
    struct arena *arena;
};

/* Length of a closed string, escapes taken out; *next is what follows its close. */
static uint32_t closed_string_bytes(const uint8_t *s, const uint8_t **next)
{
    uint32_t len = 0;

    for (;; len++, s++) {
        if (*s)
            continue;
        if (!*++s)
            break;
    }
    *next = s + 1;
    return len;
}

static void skip_type(const struct type *t, const uint8_t **p)
{
    switch (t->kind) {
    case TYPE_BOOL: *p += 1; break;
    case TYPE_IP: *p += 16; break;
    case TYPE_STRING: closed_string_bytes(*p, p); break;
    case TYPE_TUPLE:
        for (uint32_t i = 0; i < t->parts_cnt; i++)
            skip_type(t->part[i], p);
        break;
    case TYPE_LIST:
        while (*(*p)++)
            skip_type(t->part[0], p);
        break;
    default: *p += 8; break;
    }
}

static int decode_strings(struct cursor *c, struct col *out)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < c->n; i++) {
        const uint8_t *next;
        out->s.off[i] = (uint32_t)sum;
        out->s.len[i] = closed_string_bytes(c->base + c->pos[i], &next);
        sum += out->s.len[i];
    }
    uint8_t *to = sum > UINT32_MAX ? NULL : arena_alloc(c->arena, sum);
    if (!to)
        return -ENOMEM;
    out->s.base = to;
    for (uint32_t i = 0; i < c->n; i++) {
        const uint8_t *s = c->base + c->pos[i];
        for (uint32_t k = 0; k < out->s.len[i]; k++) {
            *to++ = *s;
            s += *s ? 1 : 2;
        }
        c->pos[i] = (uint32_t)(s - c->base) + 2;
    }
    return 0;
}

static int decode_type(struct cursor *c, const struct type *t, struct col *out);

/* Elements of all rows become the rows of one vector: their starts are collected first. */
static int decode_lists(struct cursor *c, const struct type *elem, struct col *out)
{
    uint32_t sum = 0, leaves_cnt = type_leaves(elem), k = 0;

    for (uint32_t i = 0; i < c->n; i++) {
        const uint8_t *p = c->base + c->pos[i];
        out->l.off[i] = sum;
        while (*p++) {
            skip_type(elem, &p);
            sum++;
        }
        out->l.cnt[i] = sum - out->l.off[i];
    }
    struct vec *elems = arena_alloc(c->arena, sizeof *elems);
    struct col *cols = arena_alloc(c->arena, leaves_cnt * sizeof *cols);
    struct cursor inner = {c->base, arena_alloc(c->arena, sum * sizeof *inner.pos), sum, c->arena};
    if (!elems || !cols || !inner.pos)
        return -ENOMEM;
    for (uint32_t i = 0; i < c->n; i++) {
        const uint8_t *p = c->base + c->pos[i];
        while (*p++) {
            inner.pos[k++] = (uint32_t)(p - c->base);
            skip_type(elem, &p);
        }
        c->pos[i] = (uint32_t)(p - c->base);
    }
    *elems = (struct vec){.rows = sum, .cols_cnt = leaves_cnt, .col = cols, .sel_cnt = sum};
    out->l.elems = elems;
    return decode_type(&inner, elem, cols);
}

static void decode_fixed(struct cursor *c, struct col *out)
{
    const uint8_t *base = c->base;

    for (uint32_t i = 0; i < c->n; i++) {
        uint32_t at = c->pos[i];
        switch (out->kind) {
        case TYPE_BOOL: out->i[i] = base[at]; break;
        case TYPE_IP: memcpy(out->ip[i].b, base + at, 16); break;
        case TYPE_FLOAT: out->f[i] = float_of_bits(load_be64(base + at)); break;
        default: out->i[i] = (int64_t)(load_be64(base + at) ^ SIGN); break;
        }
    }
    uint32_t bytes = out->kind == TYPE_BOOL ? 1 : out->kind == TYPE_IP ? 16 : 8;
    for (uint32_t i = 0; i < c->n; i++)
        c->pos[i] += bytes;
}

/* Decodes the leaves of t into out[0..type_leaves(t)). */
static int decode_type(struct cursor *c, const struct type *t, struct col *out)
{
    if (t->kind == TYPE_TUPLE) {
        for (uint32_t i = 0; i < t->parts_cnt; i++) {
            int rc = decode_type(c, t->part[i], out);
            if (rc)
                return rc;
            out += type_leaves(t->part[i]);
        }
        return 0;
    }
    if (col_alloc(out, t->kind, c->n, c->arena))
        return -ENOMEM;
    if (t->kind == TYPE_STRING)
        return decode_strings(c, out);
    if (t->kind == TYPE_LIST)
        return decode_lists(c, t->part[0], out);
    decode_fixed(c, out);
    return 0;
}

int enc_decode_vec(const struct enc_keys *in, uint32_t n, const struct type *t, struct col *cols,
                   struct arena *a)
{
    t = type_value(t);
    if (t->kind == TYPE_STRING) {
        cols[0].kind = TYPE_STRING;
        cols[0].s.base = in->base;
        cols[0].s.off = in->off;
        cols[0].s.len = in->len;
        return 0;
    }
    struct cursor c = {in->base, arena_alloc(a, n * sizeof *c.pos), n, a};
    if (!c.pos)
        return -ENOMEM;
    memcpy(c.pos, in->off, n * sizeof *c.pos);
    return decode_type(&c, t, cols);
}
