/*
 * Fields of text to columns, one column at a time.
 *
 * int: decimal digits, a sign before them or not. float: a decimal number, the nearest float; no
 * infinities, no NaN. bool: true, false, 1, 0. time: RFC 3339, or an integer: ns since 1970. ip:
 * IPv4 dotted or IPv6. string: any bytes. Nothing is trimmed; an empty field is a string alone.
 */
#include <errno.h>
#include <string.h>

#include "rdd/format.h"
#include "rdd/parse.h"

struct field {
    const uint8_t *s;
    uint32_t len;
    bool quoted;
};

static inline struct field field_of(const struct format_rows *rows, const uint8_t *base,
                                    uint32_t row, uint32_t k)
{
    const uint32_t *b = rows->bound + row * rows->stride + k;
    struct field f = {base + (b[0] + 1u), b[1] - (b[0] + 1u), false};

    if (rows->quotes && f.len && *f.s == '"') {
        f.s++;
        f.len -= 2;
        f.quoted = true;
    }
    return f;
}

static int parse_bool(const char *s, size_t len, int64_t *v)
{
    *v = (len == 4 && !memcmp(s, "true", 4)) || (len == 1 && *s == '1');
    return *v || (len == 5 && !memcmp(s, "false", 5)) || (len == 1 && *s == '0') ? 0 : -EINVAL;
}

static int parse_time(const char *s, size_t len, int64_t *v)
{
    return len > 4 && s[4] == '-' ? parse_time_ns(s, len, v) : parse_int(s, len, v);
}

#define PARSE_ALL(parse, array, zero)                                 \
    for (uint32_t i = 0; i < rows->rows; i++) {                       \
        struct field f = field_of(rows, base, i, k);                  \
        c->array[i] = zero;                                           \
        bad[i] |= parse((const char *)f.s, f.len, &c->array[i]) != 0; \
    }

static void parse_column(struct col *c, const struct format_rows *rows, const uint8_t *base,
                         uint32_t k, uint8_t *bad)
{
    switch (c->kind) {
    case TYPE_INT: PARSE_ALL(parse_int, i, 0) break;
    case TYPE_FLOAT: PARSE_ALL(parse_float, f, 0) break;
    case TYPE_BOOL: PARSE_ALL(parse_bool, i, 0) break;
    case TYPE_TIME: PARSE_ALL(parse_time, i, 0) break;
    case TYPE_IP: PARSE_ALL(parse_ip, ip, (struct ip){{0}}) break;
    case TYPE_STRING:
    case TYPE_TUPLE:
    case TYPE_LIST: break;
    }
}

/* unescape writes a field to `to`, "" as one quote; returns the bytes written. */
static uint32_t unescape(uint8_t *to, const struct field *f)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < f->len; i++) {
        to[n++] = f->s[i];
        i += f->quoted && f->s[i] == '"';
    }
    return n;
}

/* A column has one base: when one field must be unescaped, all are copied. */
static int copy_strings(struct col *c, const struct format_rows *rows, const uint8_t *base,
                        uint32_t k, struct arena *a)
{
    uint32_t bytes = 0;

    for (uint32_t i = 0; i < rows->rows; i++)
        bytes += c->s.len[i];
    uint8_t *to = arena_alloc(a, bytes);
    if (!to)
        return -ENOMEM;
    c->s.base = to;
    bytes = 0;
    for (uint32_t i = 0; i < rows->rows; i++) {
        struct field f = field_of(rows, base, i, k);
        c->s.off[i] = bytes;
        c->s.len[i] = unescape(to + bytes, &f);
        bytes += c->s.len[i];
    }
    return 0;
}

static int string_column(struct col *c, const struct format_rows *rows, const uint8_t *base,
                         uint32_t k, struct arena *a)
{
    bool escaped = false;

    c->s.base = base;
    for (uint32_t i = 0; i < rows->rows; i++) {
        struct field f = field_of(rows, base, i, k);
        c->s.off[i] = (uint32_t)(f.s - base);
        c->s.len[i] = f.len;
        escaped |= f.quoted && memchr(f.s, '"', f.len);
    }
    return escaped ? copy_strings(c, rows, base, k, a) : 0;
}

static int select_rows(struct source_reader *r, struct vec *out, const struct format_rows *rows,
                       const uint8_t *bad, struct arena *a)
{
    struct run *record = arena_alloc(a, rows->rows * sizeof *record);

    if (!record)
        return -ENOMEM;
    for (uint32_t i = 0; i < rows->rows; i++) {
        uint32_t from = rows->bound[i * rows->stride] + 1u;
        record[i] = (struct run){from, rows->bound[(i + 1) * rows->stride - 1] - from};
    }
    return format_select(r, out, bad, record, a);
}

int format_columns(struct source_reader *r, struct vec *out, const struct format_rows *rows,
                   struct arena *a)
{
    const struct format *f = &r->spec->format;
    uint8_t bad[VEC_ROWS_MAX] = {0};

    for (uint32_t k = 0; k < f->fields_cnt; k++) {
        struct col *c = &out->col[k];
        *c = (struct col){.kind = f->field[k].type};
        if (!rows->rows || !format_wants(r, k))
            continue;
        if (col_alloc(c, c->kind, rows->rows, a))
            return -ENOMEM;
        if (c->kind != TYPE_STRING)
            parse_column(c, rows, r->base, k, bad);
        else if (string_column(c, rows, r->base, k, a))
            return -ENOMEM;
    }
    format_finish(r, out, rows->rows);
    if (memchr(bad, 1, rows->rows) && select_rows(r, out, rows, bad, a))
        return -ENOMEM;
    return 0;
}
