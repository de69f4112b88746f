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
#include "rdd/parse_col.h"

static int parse_bool(const char *s, size_t len, int64_t *v)
{
    *v = (len == 4 && !memcmp(s, "true", 4)) || (len == 1 && *s == '1');
    return *v || (len == 5 && !memcmp(s, "false", 5)) || (len == 1 && *s == '0') ? 0 : -EINVAL;
}

static int parse_time(const char *s, size_t len, int64_t *v)
{
    return len > 4 && s[4] == '-' ? parse_time_ns(s, len, v) : parse_int(s, len, v);
}

#define PARSE_ALL(parse, array, zero)                  \
    for (uint32_t i = 0; i < n; i++) {                 \
        c->array[i] = zero;                            \
        const char *s = (const char *)base + off[i];   \
        bad[i] |= parse(s, len[i], &c->array[i]) != 0; \
    }

static void parse_column(struct col *c, const struct format_rows *rows, const uint8_t *base,
                         uint32_t k, uint8_t *bad)
{
    const uint32_t *off = rows->off[k], *len = rows->len[k], n = rows->rows;

    switch (c->kind) {
    case TYPE_INT: parse_ints(c->i, base, off, len, n, bad); break;
    case TYPE_FLOAT: parse_floats(c->f, base, off, len, n, bad); break;
    case TYPE_BOOL: PARSE_ALL(parse_bool, i, 0) break;
    case TYPE_TIME: PARSE_ALL(parse_time, i, 0) break;
    case TYPE_IP: PARSE_ALL(parse_ip, ip, (struct ip){{0}}) break;
    case TYPE_STRING:
    case TYPE_TUPLE:
    case TYPE_LIST: break;
    }
}

/* Takes the quotes off the fields that have them; true: one has quotes inside, which are written
 * twice and lie between two others. */
static bool unquote(struct format_rows *rows, const uint8_t *base, uint32_t k)
{
    uint32_t *off = rows->off[k], *len = rows->len[k];
    bool inside = false;

    for (uint32_t i = 0; i < rows->rows; i++) {
        if (!len[i] || base[off[i]] != '"')
            continue;
        off[i]++;
        len[i] -= 2;
        inside |= memchr(base + off[i], '"', len[i]) != NULL;
    }
    return inside;
}

/* unescape writes len bytes to `to`, "" as one quote; returns the bytes written. Only in quotes is
 * there a quote. */
static uint32_t unescape(uint8_t *to, const uint8_t *s, uint32_t len)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < len; i++) {
        to[n++] = s[i];
        i += s[i] == '"';
    }
    return n;
}

/* A column has one base: when one field must be unescaped, all are copied. */
static int copy_strings(struct col *c, const uint8_t *base, uint32_t n, struct arena *a)
{
    uint32_t bytes = 0;

    for (uint32_t i = 0; i < n; i++)
        bytes += c->s.len[i];
    uint8_t *to = arena_alloc(a, bytes);
    if (!to)
        return -ENOMEM;
    c->s.base = to;
    bytes = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t len = unescape(to + bytes, base + c->s.off[i], c->s.len[i]);
        c->s.off[i] = bytes;
        c->s.len[i] = len;
        bytes += len;
    }
    return 0;
}

/* The places of the fields are the column. */
static int string_column(struct col *c, const struct format_rows *rows, const uint8_t *base,
                         uint32_t k, bool escaped, struct arena *a)
{
    c->s.base = base;
    c->s.off = rows->off[k];
    c->s.len = rows->len[k];
    return escaped ? copy_strings(c, base, rows->rows, a) : 0;
}

static int select_rows(struct source_reader *r, struct vec *out, const struct format_rows *rows,
                       const uint8_t *bad, struct arena *a)
{
    struct run *record = arena_alloc(a, rows->rows * sizeof *record);

    if (!record)
        return -ENOMEM;
    for (uint32_t i = 0; i < rows->rows && rows->record_off; i++)
        record[i] = (struct run){rows->record_off[i], rows->record_len[i]};
    return format_select(r, out, bad, record, a);
}

int format_columns(struct source_reader *r, struct vec *out, struct format_rows *rows,
                   struct arena *a)
{
    const struct format *f = &r->spec->format;
    uint8_t bad[VEC_ROWS_MAX] = {0};

    for (uint32_t k = 0; k < f->fields_cnt; k++) {
        struct col *c = &out->col[k];
        *c = (struct col){.kind = f->field[k].type};
        if (!rows->rows || !rows->off[k])
            continue;
        bool escaped = rows->quoted && f->quotes && unquote(rows, r->base, k);
        if (c->kind == TYPE_STRING) {
            if (string_column(c, rows, r->base, k, escaped, a))
                return -ENOMEM;
            continue;
        }
        if (col_alloc(c, c->kind, rows->rows, a))
            return -ENOMEM;
        parse_column(c, rows, r->base, k, bad);
    }
    format_finish(r, out, rows->rows);
    if (memchr(bad, 1, rows->rows) && select_rows(r, out, rows, bad, a))
        return -ENOMEM;
    return 0;
}
