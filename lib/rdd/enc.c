#include <errno.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "rdd/enc.h"
#include "rdd/str.h"

/* A type's encoding is that of its leaves, one after the other, so the columns alone say how a
 * row is written. `nested` is false only for a string that is the whole row. */

#define SIGN 0x8000000000000000u

static uint64_t float_bits(double f)
{
    uint64_t u;

    if (f == 0)
        f = 0;
    if (f != f)
        return 0x7ff8000000000000u | SIGN;
    memcpy(&u, &f, sizeof u);
    return u & SIGN ? ~u : u | SIGN;
}

static bool is_nested(const struct type *t)
{
    t = type_value(t);
    return t->kind == TYPE_TUPLE || t->kind == TYPE_LIST;
}

static uint32_t col_enc_bytes(const struct col *c, uint32_t row, bool nested)
{
    switch (c->kind) {
    case TYPE_BOOL: return 1;
    case TYPE_IP: return 16;
    case TYPE_STRING:
        if (!nested)
            return c->s.len[row];
        return c->s.len[row] + str_zeros(c->s.base + c->s.off[row], c->s.len[row]) + 2;
    case TYPE_LIST: {
        uint32_t bytes = c->l.cnt[row] + 1;
        for (uint32_t i = 0; i < c->l.cnt[row]; i++)
            for (uint32_t k = 0; k < c->l.elems->cols_cnt; k++)
                bytes += col_enc_bytes(&c->l.elems->col[k], c->l.off[row] + i, true);
        return bytes;
    }
    default: return 8;
    }
}

static uint8_t *put_nested_string(uint8_t *to, const uint8_t *s, uint32_t len)
{
    if (!str_zeros(s, len)) {
        str_copy(to, s, len);
        to += len;
    } else {
        for (uint32_t i = 0; i < len; i++) {
            *to++ = s[i];
            if (!s[i])
                *to++ = 0xff;
        }
    }
    *to++ = 0;
    *to++ = 0;
    return to;
}

static uint8_t *col_enc(uint8_t *to, const struct col *c, uint32_t row, bool nested)
{
    switch (c->kind) {
    case TYPE_INT:
    case TYPE_TIME: store_be64(to, (uint64_t)c->i[row] ^ SIGN); return to + 8;
    case TYPE_FLOAT: store_be64(to, float_bits(c->f[row])); return to + 8;
    case TYPE_BOOL: *to = (uint8_t)c->i[row]; return to + 1;
    case TYPE_IP: memcpy(to, c->ip[row].b, 16); return to + 16;
    case TYPE_STRING:
        if (nested)
            return put_nested_string(to, c->s.base + c->s.off[row], c->s.len[row]);
        str_copy(to, c->s.base + c->s.off[row], c->s.len[row]);
        return to + c->s.len[row];
    case TYPE_LIST:
        for (uint32_t i = 0; i < c->l.cnt[row]; i++) {
            *to++ = 1;
            for (uint32_t k = 0; k < c->l.elems->cols_cnt; k++)
                to = col_enc(to, &c->l.elems->col[k], c->l.off[row] + i, true);
        }
        *to++ = 0;
        return to;
    case TYPE_TUPLE: break;
    }
    MR_ASSERT(c->kind != TYPE_TUPLE);
    return to;
}

uint32_t enc_row_bytes(const struct type *t, const struct col *cols, uint32_t row)
{
    uint32_t leaves_cnt = type_leaves(t), bytes = 0;
    bool nested = is_nested(t);

    for (uint32_t i = 0; i < leaves_cnt; i++)
        bytes += col_enc_bytes(&cols[i], row, nested);
    return bytes;
}

uint32_t enc_row(uint8_t *dst, const struct type *t, const struct col *cols, uint32_t row)
{
    uint32_t leaves_cnt = type_leaves(t);
    bool nested = is_nested(t);
    uint8_t *to = dst;

    for (uint32_t i = 0; i < leaves_cnt; i++)
        to = col_enc(to, &cols[i], row, nested);
    return (uint32_t)(to - dst);
}

/* --- a whole vector ------------------------------------------------------------------------- */

/* Bytes of a leaf that are the same in every row; 0 for strings and lists. */
static uint32_t fixed_bytes(enum type_kind kind)
{
    switch (kind) {
    case TYPE_BOOL: return 1;
    case TYPE_IP: return 16;
    case TYPE_STRING:
    case TYPE_LIST:
    case TYPE_TUPLE: return 0;
    default: return 8;
    }
}

/* Sizes of the rows into len, offsets by running sum into off; returns the sum. */
static uint64_t vec_sizes(const struct vec *v, const struct col *col, uint32_t leaves_cnt,
                          bool nested, uint32_t *off, uint32_t *len)
{
    uint32_t fixed = 0;
    uint64_t sum = 0;

    for (uint32_t k = 0; k < leaves_cnt; k++)
        fixed += fixed_bytes(col[k].kind);
    for (uint32_t i = 0; i < v->sel_cnt; i++)
        len[vec_row(v, i)] = fixed;
    for (uint32_t k = 0; k < leaves_cnt; k++)
        if (!fixed_bytes(col[k].kind))
            for (uint32_t i = 0; i < v->sel_cnt; i++)
                len[vec_row(v, i)] += col_enc_bytes(&col[k], vec_row(v, i), nested);
    for (uint32_t i = 0; i < v->sel_cnt; i++) {
        uint32_t r = vec_row(v, i);
        off[r] = (uint32_t)sum;
        sum += len[r];
    }
    return sum;
}

static void put_ints(const struct vec *v, const struct col *c, uint8_t *base, uint32_t *pos)
{
    for (uint32_t i = 0; i < v->sel_cnt; i++) {
        uint32_t r = vec_row(v, i);
        store_be64(base + pos[r], (uint64_t)c->i[r] ^ SIGN);
        pos[r] += 8;
    }
}

static void put_ips(const struct vec *v, const struct col *c, uint8_t *base, uint32_t *pos)
{
    for (uint32_t i = 0; i < v->sel_cnt; i++) {
        uint32_t r = vec_row(v, i);
        memcpy(base + pos[r], c->ip[r].b, 16);
        pos[r] += 16;
    }
}

static void put_strings(const struct vec *v, const struct col *c, uint8_t *base, uint32_t *pos)
{
    for (uint32_t i = 0; i < v->sel_cnt; i++) {
        uint32_t r = vec_row(v, i);
        uint8_t *to = base + pos[r];
        pos[r] += (uint32_t)(put_nested_string(to, c->s.base + c->s.off[r], c->s.len[r]) - to);
    }
}

static void put_any(const struct vec *v, const struct col *c, uint8_t *base, uint32_t *pos)
{
    for (uint32_t i = 0; i < v->sel_cnt; i++) {
        uint32_t r = vec_row(v, i);
        uint8_t *to = base + pos[r];
        pos[r] += (uint32_t)(col_enc(to, c, r, true) - to);
    }
}

static void put_col(const struct vec *v, const struct col *c, uint8_t *base, uint32_t *pos)
{
    switch (c->kind) {
    case TYPE_INT:
    case TYPE_TIME: put_ints(v, c, base, pos); break;
    case TYPE_IP: put_ips(v, c, base, pos); break;
    case TYPE_STRING: put_strings(v, c, base, pos); break;
    default: put_any(v, c, base, pos); break;
    }
}

/* A single column of 8 or 16 bytes with every row alive: row r lies at r times that size. */
static bool is_dense(const struct vec *v, const struct col *c, uint32_t leaves_cnt)
{
    return leaves_cnt == 1 && !v->sel && fixed_bytes(c->kind) >= 8;
}

static void put_dense(struct enc_keys *out, const struct vec *v, const struct col *c, uint8_t *base)
{
    uint32_t bytes = fixed_bytes(c->kind);

    for (uint32_t r = 0; r < v->rows; r++) {
        out->off[r] = r * bytes;
        out->len[r] = bytes;
    }
    if (c->kind == TYPE_IP)
        memcpy(base, c->ip, (size_t)v->rows * 16);
    else if (c->kind == TYPE_FLOAT)
        for (uint32_t r = 0; r < v->rows; r++)
            store_be64(base + (size_t)r * 8, float_bits(c->f[r]));
    else
        for (uint32_t r = 0; r < v->rows; r++)
            store_be64(base + (size_t)r * 8, (uint64_t)c->i[r] ^ SIGN);
}

int enc_vec(struct enc_keys *out, const struct type *t, const struct vec *v, uint32_t first_leaf,
            struct arena *a)
{
    const struct col *col = v->col + first_leaf;
    uint32_t leaves_cnt = type_leaves(t);
    bool nested = is_nested(t);

    if (!nested && col->kind == TYPE_STRING) {
        *out = (struct enc_keys){col->s.base, col->s.off, col->s.len};
        return 0;
    }
    out->off = arena_alloc(a, v->rows * sizeof *out->off);
    out->len = arena_alloc(a, v->rows * sizeof *out->len);
    if (!out->off || !out->len)
        return -ENOMEM;
    if (is_dense(v, col, leaves_cnt)) {
        uint8_t *dense = arena_alloc(a, (size_t)v->rows * fixed_bytes(col->kind));
        if (!dense)
            return -ENOMEM;
        put_dense(out, v, col, dense);
        out->base = dense;
        return 0;
    }
    uint64_t sum = vec_sizes(v, col, leaves_cnt, nested, out->off, out->len);
    uint8_t *base = sum > UINT32_MAX ? NULL : arena_alloc(a, sum);
    uint32_t *pos = arena_alloc(a, v->rows * sizeof *pos);
    if (!base || !pos)
        return -ENOMEM;
    for (uint32_t i = 0; i < v->sel_cnt; i++)
        pos[vec_row(v, i)] = out->off[vec_row(v, i)];
    for (uint32_t k = 0; k < leaves_cnt; k++)
        put_col(v, &col[k], base, pos);
    out->base = base;
    return 0;
}
