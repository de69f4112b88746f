/* `millrace list`: what can be written, from the tables that check it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "job/job.h"
#include "job/tables.h"

/* Lines of two columns: what is written, and what it means. */
static void put_row(struct strbuf *out, uint32_t indent, const char *name, int width,
                    const char *doc)
{
    if ((int)strlen(name) > width)
        strbuf_printf(out, "%*s%s\n%*s%s\n", (int)indent, "", name, (int)indent + width + 2, "",
                      doc);
    else
        strbuf_printf(out, "%*s%-*s  %s\n", (int)indent, "", width, name, doc);
}

static void put_formats(struct strbuf *out, uint32_t formats)
{
    const char *comma = "";

    for (uint32_t f = 0; formats && source_formats[f].name; f++) {
        if (!(formats >> f & 1))
            continue;
        strbuf_printf(out, "%s%s", *comma ? comma : " Format ", source_formats[f].name);
        comma = ", ";
    }
    strbuf_puts(out, formats ? "." : "");
}

static void put_key(struct strbuf *out, uint32_t indent, const struct key *k)
{
    struct strbuf doc = {0};

    strbuf_printf(&doc, "%s.", k->doc);
    put_formats(&doc, k->formats);
    put_row(out, indent, k->name, 12, doc.s);
    strbuf_printf(out, "%*s%s", (int)indent + 14, "", k->takes);
    if (k->required)
        strbuf_puts(out, " (required)");
    else if (k->by_default)
        strbuf_printf(out, " (default: %s)", k->by_default);
    strbuf_puts(out, "\n");
    strbuf_release(&doc);
}

/* What must be there comes first. */
static void put_keys(struct strbuf *out, uint32_t indent, const struct key *keys)
{
    for (int required = 1; required >= 0; required--)
        for (const struct key *k = keys; k->name; k++)
            if (!k->later && k->required == required)
                put_key(out, indent, k);
}

static void list_sources(struct strbuf *out)
{
    strbuf_puts(out, "Sources: sources: { name: { type: ..., ... } }\n");
    for (const struct kind_desc *k = source_kinds; k->name; k++) {
        strbuf_printf(out, "\n  type: %s  %s\n    record: %s\n", k->name, k->doc, k->record);
        put_keys(out, 4, k->keys);
    }
    strbuf_puts(out, "\nFormats of records\n");
    for (const struct kind_desc *k = source_formats; k->name; k++) {
        strbuf_printf(out, "\n  format: %s  %s\n    record: %s\n", k->name, k->doc, k->record);
        if (k->keys) {
            strbuf_puts(
                out,
                "    of each field in the schema (`name: type` is short for the type alone):\n");
            put_keys(out, 6, k->keys);
        }
    }
}

static void list_sinks(struct strbuf *out)
{
    strbuf_puts(out, "Sinks: sinks: { name: { type: ..., ... } }\n");
    for (const struct kind_desc *k = sink_kinds; k->name; k++) {
        strbuf_printf(out, "\n  type: %s  %s\n", k->name, k->doc);
        put_keys(out, 4, k->keys);
    }
}

static void list_operators(struct strbuf *out)
{
    strbuf_puts(out, "Operators: stream.operator(...) gives a stream of what stands behind the "
                     "colon.\nT is the type of a row; of a pair, K that of its key, V that of its "
                     "value.\n\n");
    for (uint32_t i = 0; i < OP_KINDS_CNT; i++)
        if (op_table[i].name)
            put_row(out, 2, op_table[i].signature, 46, op_table[i].doc);
    strbuf_puts(out, "\nNot built yet:");
    for (uint32_t i = 0; op_not_built[i]; i++)
        strbuf_printf(out, "%s%s", i == 0 ? " " : i % 7 == 0 ? ",\n  " : ", ", op_not_built[i]);
    strbuf_puts(out, "\n");
}

/* Rows that differ in their types alone are shown as one, over T. */
static bool is_same(const struct fn *a, const struct fn *b)
{
    return a->kind == b->kind && a->args_cnt == b->args_cnt && !strcmp(a->name, b->name) &&
           !strcmp(a->doc, b->doc);
}

static void put_call(struct strbuf *call, const struct fn *f, bool over_t, bool gives_t)
{
    const char *arg[FN_ARGS_MAX] = {"", "", "", ""}, *result = fn_arg_name(f->result);

    for (uint32_t i = 0; i < f->args_cnt; i++)
        arg[i] = over_t ? "T" : fn_arg_name(f->arg[i]);
    if (gives_t)
        result = "T";
    strbuf_clear(call);
    if (f->kind == FN_INFIX) {
        strbuf_printf(call, "%s %s %s", arg[0], f->name, arg[1]);
    } else {
        strbuf_printf(call, f->kind == FN_CALL ? "%s(" : "%s", f->name);
        for (uint32_t i = 0; i < f->args_cnt; i++)
            strbuf_printf(call, "%s%s", i ? ", " : "", arg[i]);
        strbuf_puts(call, f->kind == FN_CALL ? ")" : "");
    }
    strbuf_printf(call, ": %s", result);
}

/* Prints the row at i and those that are the same but for their types; returns the next. */
static uint32_t put_fn(struct strbuf *out, uint32_t i)
{
    struct strbuf call = {0}, doc = {0};
    const struct fn *f = &fn_table[i];
    uint32_t end = i;
    bool gives_t = true;

    for (; end < fn_table_cnt && is_same(f, &fn_table[end]); end++)
        gives_t &= fn_table[end].result == fn_table[end].arg[0];
    strbuf_puts(&doc, f->doc);
    for (uint32_t k = i; end - i > 1 && k < end; k++)
        strbuf_printf(&doc, "%s%s", k == i ? "; T: " : ", ", fn_arg_name(fn_table[k].arg[0]));
    put_call(&call, f, end - i > 1, end - i > 1 && gives_t);
    put_row(out, 2, call.s, 38, doc.s);
    strbuf_release(&call);
    strbuf_release(&doc);
    return end;
}

static void list_functions(struct strbuf *out)
{
    static const char *const head[] = {
        [FN_CALL] = "Functions\n\n",
        [FN_INFIX] = "\nSigns\n\n",
        [FN_PREFIX] = "",
    };

    for (int kind = FN_CALL; kind <= FN_PREFIX; kind++) {
        strbuf_puts(out, head[kind]);
        for (uint32_t i = 0; i < fn_table_cnt;)
            i = fn_table[i].kind == (enum fn_kind)kind ? put_fn(out, i) : i + 1;
    }
    put_row(out, 2, "bool && bool: bool", 38, "and; the right side only where the left is true");
    put_row(out, 2, "bool || bool: bool", 38, "or; the right side only where the left is false");
    put_row(out, 2, "bool ? T : T", 38, "one of two values; the other is not computed");
    strbuf_puts(out, "\nAn int may stand where a float is wanted; a literal string where an ip, a "
                     "time or a duration is.\n");
}

static void list_fields(struct strbuf *out)
{
    char name[64];

    strbuf_puts(out, "Fields of a packet (type: packets)\n\n");
    for (uint32_t i = 0; i < packet_fields_cnt; i++) {
        const struct packet_field *f = &packet_fields[i];
        int n = snprintf(name, sizeof name, "%s: ", f->name);
        type_print(type_scalar(f->type), name + n, sizeof name - (size_t)n);
        put_row(out, 2, name, 24, f->doc);
    }
    strbuf_puts(out, "\nFields of other records\n\n");
    for (const struct kind_desc *k = source_formats; k->name; k++)
        put_row(out, 2, k->name, 24, k->record);
}

int job_list(const char *what, struct strbuf *out)
{
    static const struct {
        const char *name;
        void (*list)(struct strbuf *out);
    } parts[] = {
        {"sources", list_sources},     {"sinks", list_sinks},   {"operators", list_operators},
        {"functions", list_functions}, {"fields", list_fields},
    };
    bool found = false;

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (what && strcmp(what, parts[i].name))
            continue;
        if (found)
            strbuf_puts(out, "\n");
        parts[i].list(out);
        found = true;
    }
    return found ? 0 : -EINVAL;
}
