/*
 * From libyaml's events to a tree of nodes. Errors of syntax stop the reading, since nothing
 * after them can be trusted; everything else is reported and read over.
 */
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/assert.h"
#include "job/conf.h"
#include "job/lines.h"

struct reader {
    struct conf *c;
    yaml_parser_t parser;
    yaml_event_t event; /* the current one */
    bool stopped;       /* by an error of syntax, or a limit */
};

static struct place place_of(yaml_mark_t m)
{
    return (struct place){(uint32_t)m.line + 1, (uint32_t)m.column + 1};
}

static struct span span_of(const yaml_event_t *e)
{
    return (struct span){place_of(e->start_mark), place_of(e->end_mark)};
}

static void report(struct reader *r, struct span at, const char *hint, const char *text)
{
    diag_add(r->c->diags, DIAG_ERROR, at.from, span_width(at), hint, "%s", text);
}

/* Bytes that are no text have an offset, but no mark. */
static struct place place_at(const struct conf *c, size_t offset)
{
    struct place at = {1, 1};
    const char *s = c->text;
    size_t n = c->len < offset ? c->len : offset;

    while (n) {
        const char *from = s;
        struct line l = line_next(&s, &n);
        if (!n && from + l.len == s) {
            at.col = chars_in(l.s, l.len) + 1;
            break;
        }
        at.line++;
    }
    return at;
}

/* What in this line is written without the quotes that it needs; NULL: nothing that is known. */
static const char *missing_quotes(const struct conf *c, struct place at)
{
    struct line l = line_of(c->text, c->len, at.line);

    for (size_t i = 0; l.s && i + 1 < l.len; i++) {
        if (l.s[i] == '$' && l.s[i + 1] == '{' && chars_in(l.s, i) + 2 >= at.col)
            return "inside { } or [ ], \"${NAME}\" stands in quotes";
        if (l.s[i] == '[' && l.s[i + 1] == ':' && chars_in(l.s, i) + 2 >= at.col)
            return "an IPv6 address stands in quotes, \"[::1]:9000\"";
    }
    return NULL;
}

static void syntax_error(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem ? p->problem : "this is no YAML";
    struct place at = place_of(p->problem_mark);
    const char *quotes = missing_quotes(r->c, at);
    char hint[160] = "";

    r->stopped = true;
    if (p->error == YAML_READER_ERROR) {
        at = place_at(r->c, p->problem_offset);
        snprintf(hint, sizeof hint, "a job file is UTF-8 text");
    } else if (quotes) {
        snprintf(hint, sizeof hint, "%s", quotes);
    } else if (p->context) {
        struct place from = place_of(p->context_mark);
        snprintf(hint, sizeof hint, "%s that began at line %u, column %u", p->context, from.line,
                 from.col);
    }
    diag_add(r->c->diags, DIAG_ERROR, at, 1, hint, "YAML: %s", problem);
}

/* next reads an event into r->event; false when the reading stops. */
static bool next(struct reader *r)
{
    yaml_event_delete(&r->event);
    memset(&r->event, 0, sizeof r->event);
    if (r->stopped)
        return false;
    if (!yaml_parser_parse(&r->parser, &r->event))
        syntax_error(r);
    return !r->stopped;
}

static struct cnode *node_new(struct reader *r, enum conf_kind kind)
{
    struct cnode *n = zone_alloc(r->c->zone, sizeof *n);

    n->kind = kind;
    n->at = span_of(&r->event);
    n->s = "";
    if (++r->c->nodes_cnt > CONF_NODES_MAX) {
        report(r, n->at, NULL, "the file has too many values");
        r->stopped = true;
    }
    return n;
}

static void refuse_extras(struct reader *r, const struct cnode *n, const yaml_char_t *anchor,
                          const yaml_char_t *tag)
{
    if (anchor)
        report(r, n->at, NULL,
               "anchors (&name) are not used here: write the value where it is meant");
    if (tag)
        report(r, n->at, NULL, "tags (!name) are not used here: the key decides the type");
}

static struct cnode *scalar_new(struct reader *r)
{
    static const enum scalar_style style[] = {
        [YAML_ANY_SCALAR_STYLE] = SCALAR_PLAIN,
        [YAML_PLAIN_SCALAR_STYLE] = SCALAR_PLAIN,
        [YAML_SINGLE_QUOTED_SCALAR_STYLE] = SCALAR_SINGLE,
        [YAML_DOUBLE_QUOTED_SCALAR_STYLE] = SCALAR_DOUBLE,
        [YAML_LITERAL_SCALAR_STYLE] = SCALAR_LITERAL,
        [YAML_FOLDED_SCALAR_STYLE] = SCALAR_FOLDED,
    };
    struct cnode *n = node_new(r, CONF_SCALAR);

    n->style = style[r->event.data.scalar.style];
    n->len = (uint32_t)r->event.data.scalar.length;
    n->s = zone_strndup(r->c->zone, (const char *)r->event.data.scalar.value, n->len);
    refuse_extras(r, n, r->event.data.scalar.anchor, r->event.data.scalar.tag);
    if (memchr(n->s, 0, n->len)) {
        report(r, n->at, NULL, "a value must not hold a NUL byte");
        n->bad = true;
    }
    return n;
}

static void append(struct conf *c, struct cnode *n, struct cnode *key, struct cnode *val)
{
    /* Grown by doubling: at powers of two the arrays are full. */
    if ((n->cnt & (n->cnt - 1)) == 0) {
        size_t room = n->cnt ? n->cnt * 2 : 1;
        struct cnode **keys = zone_alloc(c->zone, room * sizeof(*keys));
        struct cnode **vals = zone_alloc(c->zone, room * sizeof(*vals));
        if (n->cnt) {
            memcpy(keys, n->key, n->cnt * sizeof(*keys));
            memcpy(vals, n->val, n->cnt * sizeof(*vals));
        }
        n->key = keys;
        n->val = vals;
    }
    n->key[n->cnt] = key;
    n->val[n->cnt++] = val;
}

static struct cnode *read_node(struct reader *r, uint32_t depth);

static void add_entry(struct reader *r, struct cnode *map, struct cnode *key, struct cnode *val)
{
    char hint[48];

    if (key->kind != CONF_SCALAR) {
        report(r, key->at, NULL, "a key must be a word");
        return;
    }
    for (uint32_t i = 0; i < map->cnt; i++) {
        if (map->key[i]->len != key->len || memcmp(map->key[i]->s, key->s, key->len))
            continue;
        snprintf(hint, sizeof hint, "the first is at line %u", map->key[i]->at.from.line);
        diag_add(r->c->diags, DIAG_ERROR, key->at.from, span_width(key->at), hint,
                 "the key '%s' is given twice", key->s);
        return;
    }
    append(r->c, map, key, val);
}

/* The current event begins a collection; at the return it is the one that ends it. */
static struct cnode *read_collection(struct reader *r, enum conf_kind kind, uint32_t depth)
{
    const yaml_event_type_t end =
        kind == CONF_MAP ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
    struct cnode *n = node_new(r, kind);

    if (kind == CONF_MAP)
        refuse_extras(r, n, r->event.data.mapping_start.anchor, r->event.data.mapping_start.tag);
    else
        refuse_extras(r, n, r->event.data.sequence_start.anchor, r->event.data.sequence_start.tag);
    if (depth == CONF_DEPTH_MAX) {
        report(r, n->at, NULL, "the file is nested too deeply");
        r->stopped = true;
    }
    while (next(r) && r->event.type != end) {
        struct cnode *first = read_node(r, depth + 1), *second = NULL;
        if (kind == CONF_LIST) {
            append(r->c, n, NULL, first);
        } else if (next(r)) {
            second = read_node(r, depth + 1);
            if (!r->stopped)
                add_entry(r, n, first, second);
        }
    }
    if (!r->stopped)
        n->at.to = place_of(r->event.end_mark);
    return n;
}

static struct cnode *read_node(struct reader *r, uint32_t depth)
{
    struct cnode *n;

    switch (r->event.type) {
    case YAML_MAPPING_START_EVENT: return read_collection(r, CONF_MAP, depth);
    case YAML_SEQUENCE_START_EVENT: return read_collection(r, CONF_LIST, depth);
    case YAML_SCALAR_EVENT: return scalar_new(r);
    case YAML_ALIAS_EVENT:
        n = node_new(r, CONF_SCALAR);
        n->bad = true;
        report(r, n->at, NULL,
               "aliases (*name) are not used here: write the value where it is meant");
        return n;
    default: MR_ASSERT(!"an event that begins a node"); return NULL;
    }
}

static struct cnode *read_stream(struct reader *r)
{
    struct cnode *root = NULL;

    while (next(r) && r->event.type != YAML_STREAM_END_EVENT) {
        if (r->event.type == YAML_STREAM_START_EVENT || r->event.type == YAML_DOCUMENT_END_EVENT)
            continue;
        if (r->event.type != YAML_DOCUMENT_START_EVENT) {
            root = read_node(r, 0);
        } else if (root) {
            report(r, (struct span){place_of(r->event.start_mark), place_of(r->event.end_mark)},
                   NULL, "a file holds one document: what follows `---` is not read");
            break;
        }
    }
    return root;
}

struct cnode *conf_parse(struct conf *c)
{
    struct reader r = {.c = c};
    struct cnode *root = NULL;
    const struct place whole = {0, 0};

    if (c->len > CONF_BYTES_MAX) {
        diag_add(c->diags, DIAG_ERROR, whole, 1, NULL, "the file is larger than %u KB",
                 CONF_BYTES_MAX / 1024);
        return NULL;
    }
    if (!yaml_parser_initialize(&r.parser)) {
        diag_add(c->diags, DIAG_ERROR, whole, 1, NULL, "out of memory");
        return NULL;
    }
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)c->text, c->len);
    root = read_stream(&r);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    if (!root && !r.stopped)
        diag_add(c->diags, DIAG_ERROR, whole, 1, NULL, "the file is empty");
    return r.stopped ? NULL : root;
}
