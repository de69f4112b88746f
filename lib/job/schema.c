/* `format:` and `schema:` of a source: how bytes become records, and their type. */
#include <stdio.h>
#include <string.h>

#include "job/tables.h"
#include "job/units.h"

/* By enum type_kind. */
static const char *const type_names[] = {
    [TYPE_INT] = "int",   [TYPE_FLOAT] = "float", [TYPE_BOOL] = "bool", [TYPE_STRING] = "string",
    [TYPE_TIME] = "time", [TYPE_IP] = "ip",       [TYPE_IP + 1] = NULL,
};

static const struct type *record_of(struct zone *z, const struct format_field *field, uint32_t n)
{
    const struct type *part[TYPE_PARTS_MAX];
    const char *name[TYPE_PARTS_MAX];

    for (uint32_t i = 0; i < n; i++) {
        part[i] = type_scalar(field[i].type);
        name[i] = field[i].name;
    }
    return type_record(z, part, name, n);
}

static bool read_type(struct conf *c, struct cnode *n, struct format_field *out)
{
    int i = conf_choice(c, n, "type", type_names, NULL);

    if (i >= 0)
        out->type = (enum type_kind)i;
    return i >= 0;
}

/* ---- binary ---- */

struct widths {
    uint32_t min, max, by_default; /* 0: must be given */
};

static struct widths widths_of(enum type_kind type)
{
    switch (type) {
    case TYPE_INT: return (struct widths){1, 8, 8};
    case TYPE_FLOAT: return (struct widths){4, 8, 8};
    case TYPE_BOOL: return (struct widths){1, 1, 1};
    case TYPE_TIME: return (struct widths){8, 8, 8};
    case TYPE_IP: return (struct widths){4, 16, 4};
    default: return (struct widths){1, RECORD_BYTES_MAX, 0};
    }
}

static bool read_width(struct conf *c, struct cnode *map, struct cnode *n, struct format_field *out)
{
    const struct widths w = widths_of(out->type);
    uint64_t v = w.by_default;

    if (!n && !v) {
        diag_add(c->diags, DIAG_ERROR, map->at.from, 1, "width: 16",
                 "a string in a binary record needs a width");
        return false;
    }
    if (n && !conf_bytes(c, n, w.min, w.max, &v))
        return false;
    out->width = (uint32_t)v;
    if ((out->type == TYPE_FLOAT || out->type == TYPE_IP) && v != w.min && v != w.max) {
        conf_error(c, n, NULL, "the width is %u or %u", w.min, w.max);
        return false;
    }
    return true;
}

static enum binary_kind binary_kind_of(const struct format_field *f, bool is_signed)
{
    switch (f->type) {
    case TYPE_FLOAT: return BINARY_FLOAT;
    case TYPE_STRING: return BINARY_BYTES;
    case TYPE_IP: return f->width == 4 ? BINARY_IP4 : BINARY_IP6;
    case TYPE_TIME: return BINARY_INT;
    case TYPE_BOOL: return BINARY_UINT;
    default: return is_signed ? BINARY_INT : BINARY_UINT;
    }
}

/* Reports a key that means nothing for the type of the field. */
static void refuse_unused(struct conf *c, struct cnode *n, const struct format_field *f,
                          const char *key)
{
    if (n)
        conf_error(c, n, NULL, "'%s' is not used by a field of type %s", key, type_names[f->type]);
}

/* The keys that only some types have. */
static void read_int_layout(struct conf *c, struct cnode **val, struct format_field *out,
                            bool *is_signed)
{
    static const char *const orders[] = {"big", "little", NULL};

    if (out->type != TYPE_INT)
        refuse_unused(c, val[FIELD_SIGNED], out, "signed");
    else if (val[FIELD_SIGNED])
        conf_bool(c, val[FIELD_SIGNED], is_signed);
    if (out->type == TYPE_STRING || out->type == TYPE_IP || out->type == TYPE_BOOL)
        refuse_unused(c, val[FIELD_ORDER], out, "order");
    else if (val[FIELD_ORDER])
        out->big_endian = conf_choice(c, val[FIELD_ORDER], "order", orders, NULL) != 1;
}

static bool read_binary_field(struct conf *c, struct cnode *n, uint32_t at,
                              struct format_field *out)
{
    struct cnode *val[KEYS_MAX] = {NULL};
    bool is_signed = false;
    uint64_t v = at;

    /* `id: int` is short for `id: { type: int }`. */
    if (n->kind == CONF_MAP)
        conf_keys(c, n, binary_field_keys, "for a field of a binary record", val);
    else
        val[FIELD_TYPE] = n;
    if (!val[FIELD_TYPE] || !read_type(c, val[FIELD_TYPE], out))
        return false;
    if (val[FIELD_AT] && !conf_bytes(c, val[FIELD_AT], 0, RECORD_BYTES_MAX - 1, &v))
        return false;
    out->offset = (uint32_t)v;
    out->big_endian = true;
    read_int_layout(c, val, out, &is_signed);
    if (!read_width(c, n, val[FIELD_WIDTH], out))
        return false;
    out->binary = binary_kind_of(out, is_signed);
    return true;
}

/* The record's size, when it is not given, is where the last field ends. */
static void check_record(struct conf *c, struct cnode *schema, struct cnode *n, struct format *f)
{
    uint64_t bytes = 0;

    if (n && !conf_bytes(c, n, 1, RECORD_BYTES_MAX, &bytes))
        return;
    for (uint32_t i = 0; i < f->fields_cnt; i++) {
        const struct format_field *field = &f->field[i];
        uint64_t end = (uint64_t)field->offset + field->width;
        if (end > (n ? bytes : RECORD_BYTES_MAX))
            conf_error(c, schema->val[i], NULL,
                       "the field ends at byte %llu, and the record at %llu",
                       (unsigned long long)end, (unsigned long long)(n ? bytes : RECORD_BYTES_MAX));
        else if (!n && end > bytes)
            bytes = end;
    }
    f->record_bytes = (uint32_t)bytes;
}

/* ---- schema ---- */

static const struct type *read_schema(struct conf *c, struct cnode *schema, bool binary,
                                      struct format *f)
{
    struct format_field *field;
    uint32_t at = 0;
    bool ok = true;

    if (!conf_is_map(c, schema, "a schema"))
        return NULL;
    if (schema->cnt == 0 || schema->cnt > TYPE_PARTS_MAX) {
        conf_error(c, schema, NULL, "a schema has 1 to %u fields", TYPE_PARTS_MAX);
        return NULL;
    }
    field = zone_alloc(c->zone, schema->cnt * sizeof *field);
    for (uint32_t i = 0; i < schema->cnt; i++) {
        struct format_field *out = &field[i];
        ok &= conf_word(c, schema->key[i], false, "field", &out->name);
        out->name = schema->key[i]->s;
        ok &= binary ? read_binary_field(c, schema->val[i], at, out)
                     : read_type(c, schema->val[i], out);
        at = out->offset + out->width;
    }
    f->field = field;
    f->fields_cnt = schema->cnt;
    return ok ? record_of(c->zone, field, schema->cnt) : NULL;
}

static const struct type *one_field(struct conf *c, struct format *f, const char *name)
{
    struct format_field *field = zone_alloc(c->zone, sizeof *field);

    *field = (struct format_field){.name = name, .type = TYPE_STRING};
    f->field = field;
    f->fields_cnt = 1;
    return record_of(c->zone, field, 1);
}

static void read_separator(struct conf *c, struct cnode *n, struct format *f)
{
    const char *s;

    if (!conf_text(c, n, &s))
        return;
    if (n->len != 1 || *s == '"' || *s == '\n' || *s == '\r' || (unsigned char)*s >= 0x80)
        conf_error(c, n, NULL, "a separator is one ASCII character, and no quote");
    f->separator = (uint8_t)*s;
}

/* Keys that the format does not use are errors: what they say would not happen. */
static void refuse_other_formats(struct conf *c, struct cnode **val, enum format_name name)
{
    const struct key *keys = source_kinds[SOURCE_TYPE_UDP].keys;

    for (uint32_t i = 0; keys[i].name; i++)
        if (val[i] && keys[i].formats && !(keys[i].formats >> name & 1))
            conf_error(c, val[i], NULL, "'%s' is not used by format '%s'", keys[i].name,
                       source_formats[name].name);
}

const struct type *read_format(struct conf *c, struct cnode *source, struct cnode **val,
                               struct format *f)
{
    static const enum format_kind kinds[] = {[FMT_TEXT] = FORMAT_TEXT,
                                             [FMT_CSV] = FORMAT_CSV,
                                             [FMT_TSV] = FORMAT_CSV,
                                             [FMT_BINARY] = FORMAT_BINARY,
                                             [FMT_FRAMES] = FORMAT_FRAMES};
    struct cnode *schema = val[UDP_SCHEMA];
    const char *names[KEYS_MAX];
    const struct type *t;
    uint64_t length = 2;
    int name = FMT_TEXT;

    kind_names(source_formats, names);
    if (val[UDP_FORMAT])
        name = conf_choice(c, val[UDP_FORMAT], "format", names, source_formats_later);
    if (name < 0)
        return NULL;
    refuse_other_formats(c, val, (enum format_name)name);
    f->kind = kinds[name];
    f->separator = name == FMT_TSV ? '\t' : ',';
    f->quotes = name == FMT_CSV;
    if (f->kind == FORMAT_TEXT)
        return one_field(c, f, "line");
    if (f->kind == FORMAT_FRAMES) {
        if (val[UDP_LENGTH] && conf_bytes(c, val[UDP_LENGTH], 1, 4, &length) && length == 3)
            conf_error(c, val[UDP_LENGTH], NULL, "the length has 1, 2 or 4 bytes");
        f->length_bytes = (uint32_t)length;
        return one_field(c, f, "frame");
    }
    if (!schema) {
        diag_add(c->diags, DIAG_ERROR, source->at.from, 1, "schema: { name: type, ... }",
                 "format '%s' needs a schema", names[name]);
        return NULL;
    }
    t = read_schema(c, schema, f->kind == FORMAT_BINARY, f);
    if (f->kind == FORMAT_BINARY) {
        if (t)
            check_record(c, schema, val[UDP_RECORD], f);
        return t;
    }
    if (val[UDP_SEPARATOR] && !val[UDP_SEPARATOR]->bad)
        read_separator(c, val[UDP_SEPARATOR], f);
    if (val[UDP_HEADER])
        conf_bool(c, val[UDP_HEADER], &f->header);
    return t;
}
