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

/* Runs the statements for every live row r of v, with its selection in registers. */
#define EACH_LIVE(v, r, ...)                         \
    do {                                             \
        const uint16_t *restrict sel_ = (v)->sel;    \
        const uint32_t cnt_ = (v)->sel_cnt;          \
        for (uint32_t i_ = 0; i_ < cnt_; i_++) {     \
            const uint32_t r = sel_ ? sel_[i_] : i_; \
            __VA_ARGS__                              \
        }                                            \
    } while (0)

/* A vector on its way into bytes: row r is written at base + pos[r], a leaf at a time. */
struct encoder {
    const struct vec *v;
    const struct col *col;
    uint32_t leaves_cnt;
    uint32_t *len;
    uint32_t *pos;
    uint8_t *base;
    uint64_t zeros; /* bit k: strings of leaf k have zeros, which need escapes */
};

static void add_string_sizes(struct encoder *e, uint32_t k)
{
    const uint8_t *base = e->col[k].s.base;
    const uint32_t *restrict off = e->col[k].s.off, *restrict len = e->col[k].s.len;
    uint32_t *restrict sum = e->len, zeros_cnt = 0;

    EACH_LIVE(e->v, r, {
        uint32_t zeros = str_zeros(base + off[r], len[r]);
        sum[r] += len[r] + zeros + 2;
        zeros_cnt += zeros;
    });
    e->zeros |= (uint64_t)(zeros_cnt > 0) << k;
}

/* Sizes of the rows into len, their places into off and pos; returns the sum. */
static uint64_t place_rows(struct encoder *e, uint32_t *restrict off)
{
    uint32_t *restrict len = e->len, *restrict pos = e->pos, fixed = 0;
    uint64_t sum = 0;

    for (uint32_t k = 0; k < e->leaves_cnt; k++)
        fixed += fixed_bytes(e->col[k].kind);
    EACH_LIVE(e->v, r, len[r] = fixed;);
    for (uint32_t k = 0; k < e->leaves_cnt; k++) {
        if (e->col[k].kind == TYPE_STRING)
            add_string_sizes(e, k);
        else if (e->col[k].kind == TYPE_LIST)
            EACH_LIVE(e->v, r, len[r] += col_enc_bytes(&e->col[k], r, true););
    }
    EACH_LIVE(e->v, r, {
        off[r] = pos[r] = (uint32_t)sum;
        sum += len[r];
    });
    return sum;
}

static void put_ints(struct encoder *e, const struct col *c)
{
    const int64_t *restrict v = c->i;
    uint8_t *restrict base = e->base;
    uint32_t *restrict pos = e->pos;

    EACH_LIVE(e->v, r, {
        store_be64(base + pos[r], (uint64_t)v[r] ^ SIGN);
        pos[r] += 8;
    });
}

static void put_ips(struct encoder *e, const struct col *c)
{
    const struct ip *restrict v = c->ip;
    uint8_t *restrict base = e->base;
    uint32_t *restrict pos = e->pos;

    EACH_LIVE(e->v, r, {
        memcpy(base + pos[r], v[r].b, 16);
        pos[r] += 16;
    });
}

/* Strings without a zero in any row. */
static void put_plain_strings(struct encoder *e, const struct col *c)
{
    const uint32_t *restrict off = c->s.off, *restrict len = c->s.len;
    const uint8_t *restrict from = c->s.base;
    uint8_t *restrict base = e->base;
    uint32_t *restrict pos = e->pos;

    EACH_LIVE(e->v, r, {
        uint8_t *to = base + pos[r];
        str_copy(to, from + off[r], len[r]);
        to[len[r]] = to[len[r] + 1] = 0;
        pos[r] += len[r] + 2;
    });
}

static void put_any(struct encoder *e, const struct col *c)
{
    EACH_LIVE(e->v, r, {
        uint8_t *to = e->base + e->pos[r];
        e->pos[r] += (uint32_t)(col_enc(to, c, r, true) - to);
    });
}

static void put_col(struct encoder *e, uint32_t k)
{
    const struct col *c = &e->col[k];

    if (c->kind == TYPE_INT || c->kind == TYPE_TIME)
        put_ints(e, c);
    else if (c->kind == TYPE_IP)
        put_ips(e, c);
    else if (c->kind == TYPE_STRING && !(e->zeros >> k & 1))
        put_plain_strings(e, c);
    else
        put_any(e, c);
}

/* --- one column of numbers or addresses --------------------------------------------------------
 */

/* Every row, alive or not, lies at r times its size. */
#define AT4(r, bytes)  (r) * (bytes), ((r) + 1) * (bytes), ((r) + 2) * (bytes), ((r) + 3) * (bytes)
#define AT16(r, bytes) AT4(r, bytes), AT4((r) + 4, bytes), AT4((r) + 8, bytes), AT4((r) + 12, bytes)
#define AT64(r, bytes) \
    AT16(r, bytes), AT16((r) + 16, bytes), AT16((r) + 32, bytes), AT16((r) + 48, bytes)
#define AT256(r, bytes) \
    AT64(r, bytes), AT64((r) + 64, bytes), AT64((r) + 128, bytes), AT64((r) + 192, bytes)
#define AT_ALL(bytes)                                                            \
    {                                                                            \
        AT256(0, bytes), AT256(256, bytes), AT256(512, bytes), AT256(768, bytes) \
    }

static const struct places {
    uint32_t off[VEC_ROWS_MAX], len[VEC_ROWS_MAX];
} eights = {AT_ALL(8), {[0 ... VEC_ROWS_MAX - 1] = 8}},
  sixteens = {AT_ALL(16), {[0 ... VEC_ROWS_MAX - 1] = 16}};

/* Who reads keys writes neither off nor len. */
static struct enc_keys keys_at(const void *base, const struct places *p)
{
    return (struct enc_keys){base, (uint32_t *)(uintptr_t)p->off, (uint32_t *)(uintptr_t)p->len};
}

static void put_numbers(uint64_t *restrict to, const struct col *c, uint32_t rows)
{
    const int64_t *restrict i = c->i;

    if (c->kind == TYPE_FLOAT)
        for (uint32_t r = 0; r < rows; r++)
            store_be64(&to[r], float_bits(c->f[r]));
    else
        for (uint32_t r = 0; r < rows; r++)
            to[r] = __builtin_bswap64((uint64_t)i[r] ^ SIGN);
}

/* The encoding of addresses is how they lie in their column. */
static int enc_fixed(struct enc_keys *out, const struct col *c, uint32_t rows, struct arena *a)
{
    if (c->kind == TYPE_IP) {
        *out = keys_at(c->ip, &sixteens);
        return 0;
    }
    uint64_t *to = arena_alloc(a, rows * sizeof *to);
    if (!to)
        return -ENOMEM;
    put_numbers(to, c, rows);
    *out = keys_at(to, &eights);
    return 0;
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
    if (leaves_cnt == 1 && fixed_bytes(col->kind) >= 8 && v->rows <= VEC_ROWS_MAX)
        return enc_fixed(out, col, v->rows, a);
    uint32_t *off = arena_alloc(a, v->rows * sizeof *off);
    struct encoder e = {.v = v, .col = col, .leaves_cnt = leaves_cnt};
    e.len = arena_alloc(a, v->rows * sizeof *e.len);
    e.pos = arena_alloc(a, v->rows * sizeof *e.pos);
    if (!off || !e.len || !e.pos)
        return -ENOMEM;
    uint64_t sum = place_rows(&e, off);
    e.base = sum > UINT32_MAX ? NULL : arena_alloc(a, sum);
    if (!e.base)
        return -ENOMEM;
    for (uint32_t k = 0; k < leaves_cnt; k++)
        put_col(&e, k);
    *out = (struct enc_keys){e.base, off, e.len};
    return 0;
}
