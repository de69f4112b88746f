#include <string.h>

#include "base/assert.h"
#include "io/escape.h"
#include "io/render.h"
#include "io/text.h"

enum style { STYLE_JSON, STYLE_CSV, STYLE_TABLE };

/* A record of one field stands for that field. */
static const struct type *bare(const struct type *t)
{
    while (t->kind == TYPE_TUPLE && t->name && t->parts_cnt == 1)
        t = t->part[0];
    return t;
}

int64_t render_end_ns(uint64_t interval, uint64_t interval_ns)
{
    return (int64_t)((interval + 1) * interval_ns);
}

/* ---- values --------------------------------------------------------------------------------- */

/* Times and addresses are strings in JSON; they hold nothing that would need an escape. */
static void put_quote(struct strbuf *out, enum style style)
{
    if (style == STYLE_JSON)
        strbuf_add(out, "\"", 1);
}

static void put_string(struct render *r, struct strbuf *out, enum style style,
                       struct enc_reader *rd)
{
    const uint8_t *s = rd->p;
    uint32_t len = (uint32_t)(rd->end - rd->p);

    if (rd->nested) {
        strbuf_clear(&r->unquote);
        strbuf_reserve(&r->unquote, len);
        len = enc_read_string(rd, (uint8_t *)r->unquote.s);
        s = (const uint8_t *)r->unquote.s;
    } else {
        rd->p = rd->end;
    }
    if (style == STYLE_JSON)
        escape_json(out, s, len);
    else if (style == STYLE_CSV)
        escape_csv(out, s, len);
    else
        escape_table(out, s, len);
}

static void put_float(struct strbuf *out, enum style style, double v)
{
    const char *special = text_float_special(v);

    if (!special) {
        text_put_float(out, v);
        return;
    }
    put_quote(out, style);
    strbuf_puts(out, special);
    put_quote(out, style);
}

static void put_scalar(struct render *r, struct strbuf *out, enum style style, const struct type *t,
                       struct enc_reader *rd)
{
    struct ip ip;

    switch (t->kind) {
    case TYPE_INT: text_put_int(out, enc_read_int(rd)); break;
    case TYPE_FLOAT: put_float(out, style, enc_read_float(rd)); break;
    case TYPE_BOOL: strbuf_puts(out, enc_read_bool(rd) ? "true" : "false"); break;
    case TYPE_STRING: put_string(r, out, style, rd); break;
    case TYPE_TIME:
        put_quote(out, style);
        text_put_time(out, enc_read_int(rd), -1);
        put_quote(out, style);
        break;
    case TYPE_IP:
        ip = enc_read_ip(rd);
        put_quote(out, style);
        text_put_ip(out, &ip);
        put_quote(out, style);
        break;
    case TYPE_TUPLE:
    case TYPE_LIST: MR_ASSERT(!"a scalar");
    }
}

static void put_value(struct render *r, struct strbuf *out, enum style style, const struct type *t,
                      struct enc_reader *rd)
{
    t = bare(t);
    if (t->kind == TYPE_TUPLE) {
        strbuf_add(out, style == STYLE_TABLE ? "(" : "[", 1);
        for (uint32_t i = 0; i < t->parts_cnt; i++) {
            if (i)
                strbuf_add(out, ", ", 2);
            put_value(r, out, style, t->part[i], rd);
        }
        strbuf_add(out, style == STYLE_TABLE ? ")" : "]", 1);
    } else if (t->kind == TYPE_LIST) {
        strbuf_add(out, "[", 1);
        for (uint32_t i = 0; enc_read_more(rd); i++) {
            if (i)
                strbuf_add(out, ", ", 2);
            put_value(r, out, style, t->part[0], rd);
        }
        strbuf_add(out, "]", 1);
    } else {
        put_scalar(r, out, style, t, rd);
    }
}

static struct enc_reader reader_of(const struct type *t, const uint8_t *enc, uint32_t bytes)
{
    /* A tuple of one is encoded as its part, named or not. */
    while (t->kind == TYPE_TUPLE && t->parts_cnt == 1)
        t = t->part[0];
    return (struct enc_reader){
        .p = enc, .end = enc + bytes, .nested = t->kind == TYPE_TUPLE || t->kind == TYPE_LIST};
}

static void put_key(struct render *r, struct strbuf *out, enum style style,
                    const struct row_hdr *row)
{
    struct enc_reader rd = reader_of(r->stream->key, row_key(row), row->key_bytes);

    put_value(r, out, style, r->stream->key, &rd);
}

static void put_row_value(struct render *r, struct strbuf *out, enum style style,
                          const struct row_hdr *row)
{
    struct enc_reader rd = reader_of(r->stream->value, row_val(row), row->val_bytes);

    put_value(r, out, style, r->stream->value, &rd);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void put_end(struct strbuf *out, const struct out_rdd *rdd)
{
    uint64_t interval_ns = rdd->stream->interval_ns;

    text_put_time(out, render_end_ns(rdd->interval, interval_ns), text_time_digits(interval_ns));
}

void render_json_begin(struct render *r, const struct out_rdd *rdd)
{
    const char *name = rdd->stream->name;
    struct strbuf *head = &r->head;

    r->stream = rdd->stream;
    r->complete = rdd->complete;
    strbuf_clear(head);
    strbuf_puts(head, "{\"interval\": ");
    text_put_uint(head, rdd->interval);
    strbuf_puts(head, ", \"end\": \"");
    put_end(head, rdd);
    strbuf_puts(head, "\", \"stream\": ");
    escape_json(head, (const uint8_t *)name, (uint32_t)strlen(name));
}

void render_json(struct render *r, struct strbuf *out, const struct row_hdr *row)
{
    strbuf_add(out, r->head.s, r->head.len);
    if (r->stream->key) {
        strbuf_add(out, ", \"key\": ", 9);
        put_key(r, out, STYLE_JSON, row);
    }
    strbuf_add(out, ", \"value\": ", 11);
    put_row_value(r, out, STYLE_JSON, row);
    strbuf_puts(out, r->complete ? "}\n" : ", \"complete\": false}\n");
}

/* ---- CSV ------------------------------------------------------------------------------------- */

/* One comma and name for each leaf of t. */
static void put_names(struct strbuf *out, const struct type *t, const char *prefix)
{
    struct strbuf name = {0};

    t = bare(t);
    if (t->kind != TYPE_TUPLE) {
        strbuf_add(out, ",", 1);
        escape_csv(out, (const uint8_t *)prefix, (uint32_t)strlen(prefix));
        return;
    }
    for (uint32_t i = 0; i < t->parts_cnt; i++) {
        strbuf_clear(&name);
        if (t->name)
            strbuf_printf(&name, "%s.%s", prefix, t->name[i]);
        else
            strbuf_printf(&name, "%s._%u", prefix, i + 1);
        put_names(out, t->part[i], name.s);
    }
    strbuf_release(&name);
}

void render_csv_header(struct strbuf *out, const struct out_stream *stream)
{
    strbuf_puts(out, "interval,end,stream");
    if (stream->key)
        put_names(out, stream->key, "key");
    put_names(out, stream->value, "value");
    strbuf_puts(out, ",complete\r\n");
}

void render_csv_begin(struct render *r, const struct out_rdd *rdd)
{
    const char *name = rdd->stream->name;

    r->stream = rdd->stream;
    r->complete = rdd->complete;
    strbuf_clear(&r->head);
    text_put_uint(&r->head, rdd->interval);
    strbuf_add(&r->head, ",", 1);
    put_end(&r->head, rdd);
    strbuf_add(&r->head, ",", 1);
    escape_csv(&r->head, (const uint8_t *)name, (uint32_t)strlen(name));
}

/* One comma and cell for each leaf of t. */
static void put_columns(struct render *r, struct strbuf *out, const struct type *t,
                        struct enc_reader *rd)
{
    t = bare(t);
    if (t->kind == TYPE_TUPLE) {
        for (uint32_t i = 0; i < t->parts_cnt; i++)
            put_columns(r, out, t->part[i], rd);
        return;
    }
    strbuf_add(out, ",", 1);
    if (t->kind != TYPE_LIST) {
        put_scalar(r, out, STYLE_CSV, t, rd);
        return;
    }
    strbuf_clear(&r->cell);
    put_value(r, &r->cell, STYLE_JSON, t, rd);
    escape_csv_quote(out, r->cell.s, r->cell.len);
}

void render_csv(struct render *r, struct strbuf *out, const struct row_hdr *row)
{
    const struct out_stream *s = r->stream;
    struct enc_reader rd;

    strbuf_add(out, r->head.s, r->head.len);
    if (s->key) {
        rd = reader_of(s->key, row_key(row), row->key_bytes);
        put_columns(r, out, s->key, &rd);
    }
    rd = reader_of(s->value, row_val(row), row->val_bytes);
    put_columns(r, out, s->value, &rd);
    strbuf_puts(out, r->complete ? ",true\r\n" : ",false\r\n");
}

/* ---- table ----------------------------------------------------------------------------------- */

void render_key_cell(struct render *r, struct strbuf *out, const struct row_hdr *row)
{
    put_key(r, out, STYLE_TABLE, row);
}

void render_value_cell(struct render *r, struct strbuf *out, const struct row_hdr *row)
{
    put_row_value(r, out, STYLE_TABLE, row);
}

void render_release(struct render *r)
{
    strbuf_release(&r->head);
    strbuf_release(&r->cell);
    strbuf_release(&r->unquote);
    *r = (struct render){0};
}
