#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "rdd/dstream.h"

#define TYPE_TEXT_BYTES 96u

struct type_text {
    char s[TYPE_TEXT_BYTES];
};

/* A type as it is shown in a sentence; the end of a long one is left out. */
static struct type_text text_of(const struct type *t)
{
    struct type_text text;

    if (type_print(t, text.s, sizeof text.s) >= (int)sizeof text.s)
        memcpy(text.s + sizeof text.s - 4, "...", 4);
    return text;
}

__attribute__((format(printf, 3, 4))) static struct dstream *refuse(struct dgraph *g, int arg,
                                                                    const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(g->err, sizeof g->err, fmt, ap);
    va_end(ap);
    g->err_arg = arg;
    return NULL;
}

void dgraph_init(struct dgraph *g, struct zone *z, uint64_t interval_ns)
{
    MR_ASSERT(interval_ns > 0);
    *g = (struct dgraph){.zone = z, .interval_ns = interval_ns};
}

uint64_t dstream_slide(const struct dstream *s)
{
    while (s->op != OP_SOURCE && !s->slide)
        s = s->parent[0];
    return s->slide ? s->slide : 1;
}

int duration_print(uint64_t ns, char *buf, size_t bytes)
{
    static const struct {
        uint64_t ns;
        const char *unit;
    } units[] = {
        {86400000000000, "d"}, {3600000000000, "h"}, {60000000000, "m"}, {1000000000, "s"},
        {1000000, "ms"},       {1000, "us"},         {1, "ns"},
    };
    uint32_t i = 0;

    /* 90s reads better than 90000ms, and 0 has a unit too. */
    while (ns ? ns % units[i].ns != 0 : units[i].ns != 1000000000)
        i++;
    return snprintf(buf, bytes, "%" PRIu64 "%s", ns / units[i].ns, units[i].unit);
}

/* ---- adding nodes ---- */

static struct dstream *node_add(struct dgraph *g, enum op_kind op, const struct type *type,
                                struct dstream *parent)
{
    if (!type)
        return refuse(g, -1, "a row has more than %u columns", TYPE_LEAVES_MAX);
    if (g->nodes_cnt == GRAPH_NODES_MAX)
        return refuse(g, -1, "a job has at most %u streams", GRAPH_NODES_MAX);
    struct dstream *d = zone_alloc(g->zone, sizeof *d);
    d->op = op;
    d->type = type;
    d->parent[0] = parent;
    d->idx = g->nodes_cnt;
    g->node[g->nodes_cnt++] = d;
    return d;
}

static struct dstream *node_add_fn(struct dgraph *g, enum op_kind op, const struct type *type,
                                   struct dstream *parent, struct lambda *f)
{
    struct dstream *d = node_add(g, op, type, parent);

    if (d)
        d->fn = f;
    return d;
}

static const struct type *pair_of(struct dgraph *g, const struct type *k, const struct type *v)
{
    return type_tuple(g->zone, (const struct type *const[]){k, v}, 2);
}

/* ---- what operators ask of their stream and lambdas ---- */

static bool takes_pairs(struct dgraph *g, const struct dstream *s, const char *op)
{
    if (type_is_pair(s->type))
        return true;
    refuse(g, -1, "%s needs pairs (key, value), but the rows are %s", op, text_of(s->type).s);
    return false;
}

/* Rows that become keys of a table must not hold lists. */
static bool takes_key(struct dgraph *g, const struct type *key, const char *op)
{
    if (!type_has_list(key))
        return true;
    refuse(g, -1, "%s cannot compare lists, and its key is %s", op, text_of(key).s);
    return false;
}

static bool takes_keyed(struct dgraph *g, const struct dstream *s, const char *op)
{
    return takes_pairs(g, s, op) && takes_key(g, s->type->part[0], op);
}

static bool takes_row_fn(struct dgraph *g, const struct type *row, const struct lambda *f)
{
    if (f->params_cnt == 1 && type_equal(f->param[0], row))
        return true;
    refuse(g, 0, "the lambda does not take rows of type %s", text_of(row).s);
    return false;
}

/* (V, V) => V, and no lists in V: an accumulator has a fixed size. */
static bool takes_reduce_fn(struct dgraph *g, const struct type *value, const struct lambda *f,
                            int arg, const char *op)
{
    if (type_has_list(value)) {
        refuse(g, -1, "%s cannot combine lists, and its values are %s", op, text_of(value).s);
        return false;
    }
    if (f->params_cnt != 2 || !type_equal(f->param[0], value) || !type_equal(f->param[1], value)) {
        refuse(g, arg, "the lambda does not take two values of type %s", text_of(value).s);
        return false;
    }
    if (!type_equal(f->result, value)) {
        refuse(g, arg, "the lambda combines two values of type %s and must give one, not %s",
               text_of(value).s, text_of(f->result).s);
        return false;
    }
    return true;
}

/* An inverse of a native aggregate must be its inverse; one of any other lambda is believed. */
static bool takes_inverse(struct dgraph *g, const struct type *value, const struct lambda *f,
                          const struct lambda *inverse, const char *op)
{
    enum agg_fn fn[TYPE_LEAVES_MAX];

    if (!inverse)
        return true;
    if (!takes_reduce_fn(g, value, inverse, 1, op))
        return false;
    if (!lambda_monoid(f, fn) || lambda_inverse_of(inverse, fn))
        return true;
    refuse(g, 1, "the second lambda is not the inverse of the first");
    return false;
}

static const struct type *elem_of(struct dgraph *g, const struct lambda *f, const char *op)
{
    const struct type *list = type_value(f->result);

    if (list->kind == TYPE_LIST)
        return list->part[0];
    refuse(g, 0, "the lambda of %s must give a list, not %s", op, text_of(list).s);
    return NULL;
}

/* ---- narrow ---- */

struct dstream *dstream_source(struct dgraph *g, const char *name, const struct type *type,
                               uint32_t source_idx)
{
    struct dstream *d = node_add(g, OP_SOURCE, type, NULL);

    if (!d)
        return NULL;
    d->name = name;
    d->named = true;
    d->source_idx = source_idx;
    return d;
}

struct dstream *dstream_map(struct dgraph *g, struct dstream *s, struct lambda *f)
{
    if (!takes_row_fn(g, s->type, f))
        return NULL;
    return node_add_fn(g, OP_MAP, f->result, s, f);
}

struct dstream *dstream_flat_map(struct dgraph *g, struct dstream *s, struct lambda *f)
{
    if (!takes_row_fn(g, s->type, f))
        return NULL;
    const struct type *elem = elem_of(g, f, "flatMap");
    return elem ? node_add_fn(g, OP_FLAT_MAP, elem, s, f) : NULL;
}

struct dstream *dstream_map_values(struct dgraph *g, struct dstream *s, struct lambda *f)
{
    if (!takes_pairs(g, s, "mapValues") || !takes_row_fn(g, s->type->part[1], f))
        return NULL;
    return node_add_fn(g, OP_MAP_VALUES, pair_of(g, s->type->part[0], f->result), s, f);
}

struct dstream *dstream_flat_map_values(struct dgraph *g, struct dstream *s, struct lambda *f)
{
    if (!takes_pairs(g, s, "flatMapValues") || !takes_row_fn(g, s->type->part[1], f))
        return NULL;
    const struct type *elem = elem_of(g, f, "flatMapValues");
    if (!elem)
        return NULL;
    return node_add_fn(g, OP_FLAT_MAP_VALUES, pair_of(g, s->type->part[0], elem), s, f);
}

struct dstream *dstream_filter(struct dgraph *g, struct dstream *s, struct lambda *f)
{
    if (!takes_row_fn(g, s->type, f))
        return NULL;
    if (!type_equal(f->result, &type_bool))
        return refuse(g, 0, "the lambda of filter must give a bool, not %s", text_of(f->result).s);
    return node_add_fn(g, OP_FILTER, s->type, s, f);
}

struct dstream *dstream_union(struct dgraph *g, struct dstream *a, struct dstream *b)
{
    char ours[32], theirs[32];

    if (!type_equal(a->type, b->type))
        return refuse(g, 0, "union needs rows of one type, but these are %s and %s",
                      text_of(a->type).s, text_of(b->type).s);
    if (dstream_slide(a) != dstream_slide(b)) {
        duration_print(dstream_slide(a) * g->interval_ns, ours, sizeof ours);
        duration_print(dstream_slide(b) * g->interval_ns, theirs, sizeof theirs);
        return refuse(g, 0, "union needs streams of one slide, but these slide by %s and %s", ours,
                      theirs);
    }
    struct dstream *d = node_add(g, OP_UNION, a->type, a);
    if (d)
        d->parent[1] = b;
    return d;
}

/* ---- wide ---- */

static struct dstream *keyed_reduce(struct dgraph *g, struct dstream *s, struct lambda *f,
                                    enum op_kind op)
{
    const char *name = op_table[op].name;

    if (!takes_keyed(g, s, name) || !takes_reduce_fn(g, s->type->part[1], f, 0, name))
        return NULL;
    return node_add_fn(g, op, s->type, s, f);
}

struct dstream *dstream_reduce_by_key(struct dgraph *g, struct dstream *s, struct lambda *f)
{
    return keyed_reduce(g, s, f, OP_REDUCE_BY_KEY);
}

struct dstream *dstream_running_reduce(struct dgraph *g, struct dstream *s, struct lambda *f)
{
    return keyed_reduce(g, s, f, OP_RUNNING_REDUCE);
}

static struct dstream *group(struct dgraph *g, struct dstream *s, enum op_kind op)
{
    if (!takes_keyed(g, s, op_table[op].name))
        return NULL;
    const struct type *list = type_list(g->zone, s->type->part[1]);
    return node_add(g, op, list ? pair_of(g, s->type->part[0], list) : NULL, s);
}

struct dstream *dstream_group_by_key(struct dgraph *g, struct dstream *s)
{
    return group(g, s, OP_GROUP_BY_KEY);
}

static struct dstream *count_by_value(struct dgraph *g, struct dstream *s, enum op_kind op)
{
    if (!takes_key(g, s->type, op_table[op].name))
        return NULL;
    return node_add(g, op, pair_of(g, s->type, &type_int), s);
}

struct dstream *dstream_count_by_value(struct dgraph *g, struct dstream *s)
{
    return count_by_value(g, s, OP_COUNT_BY_VALUE);
}

struct dstream *dstream_count(struct dgraph *g, struct dstream *s)
{
    return node_add(g, OP_COUNT, &type_int, s);
}

struct dstream *dstream_reduce(struct dgraph *g, struct dstream *s, struct lambda *f)
{
    if (!takes_reduce_fn(g, s->type, f, 0, "reduce"))
        return NULL;
    return node_add_fn(g, OP_REDUCE, s->type, s, f);
}

struct dstream *dstream_distinct(struct dgraph *g, struct dstream *s)
{
    if (!takes_key(g, s->type, "distinct"))
        return NULL;
    return node_add(g, OP_DISTINCT, s->type, s);
}

struct dstream *dstream_top(struct dgraph *g, struct dstream *s, uint64_t n)
{
    if (n == 0 || n > TOP_ROWS_MAX)
        return refuse(g, 0, "top takes a number from 1 to %u", TOP_ROWS_MAX);
    struct dstream *d = node_add(g, OP_TOP, s->type, s);
    if (d)
        d->top_cnt = n;
    return d;
}

/* ---- windows ---- */

struct span {
    uint64_t len, slide; /* in intervals */
};

/* A window takes whole RDDs of its parent, so both are multiples of the parent's slide. The
 * length is argument `arg`, the slide the one after it. */
static bool span_of(struct dgraph *g, const struct dstream *s, uint64_t len_ns, uint64_t slide_ns,
                    int arg, struct span *out)
{
    const uint64_t every = dstream_slide(s), step = every * g->interval_ns;
    char step_text[32], text[32];

    duration_print(step, step_text, sizeof step_text);
    if (len_ns == 0 || len_ns % step) {
        duration_print(len_ns, text, sizeof text);
        refuse(g, arg, "the window length %s is not a multiple of the %s, %s", text,
               every == 1 ? "interval" : "slide of the stream", step_text);
        return false;
    }
    if (slide_ns % step) {
        duration_print(slide_ns, text, sizeof text);
        refuse(g, arg + 1, "the slide %s is not a multiple of the %s, %s", text,
               every == 1 ? "interval" : "slide of the stream", step_text);
        return false;
    }
    out->len = len_ns / g->interval_ns;
    out->slide = slide_ns ? slide_ns / g->interval_ns : every;
    return true;
}

static struct dstream *windowed(struct dstream *d, struct span w)
{
    if (d) {
        d->window_len = w.len;
        d->slide = w.slide;
    }
    return d;
}

struct dstream *dstream_window(struct dgraph *g, struct dstream *s, uint64_t len_ns,
                               uint64_t slide_ns)
{
    struct span w;

    if (!span_of(g, s, len_ns, slide_ns, 0, &w))
        return NULL;
    return windowed(node_add(g, OP_WINDOW, s->type, s), w);
}

/* Both lambdas come first, so the length is argument 1 or 2. */
static struct dstream *reduce_window(struct dgraph *g, struct dstream *s, enum op_kind op,
                                     const struct type *value, struct lambda *f,
                                     struct lambda *inverse, uint64_t len_ns, uint64_t slide_ns)
{
    const char *name = op_table[op].name;
    struct span w;

    if (!takes_reduce_fn(g, value, f, 0, name) || !takes_inverse(g, value, f, inverse, name) ||
        !span_of(g, s, len_ns, slide_ns, inverse ? 2 : 1, &w))
        return NULL;
    struct dstream *d = windowed(node_add_fn(g, op, s->type, s, f), w);
    if (d)
        d->inverse = inverse;
    return d;
}

struct dstream *dstream_reduce_by_window(struct dgraph *g, struct dstream *s, struct lambda *f,
                                         struct lambda *inverse, uint64_t len_ns, uint64_t slide_ns)
{
    return reduce_window(g, s, OP_REDUCE_BY_WINDOW, s->type, f, inverse, len_ns, slide_ns);
}

struct dstream *dstream_reduce_by_key_and_window(struct dgraph *g, struct dstream *s,
                                                 struct lambda *f, struct lambda *inverse,
                                                 uint64_t len_ns, uint64_t slide_ns)
{
    if (!takes_keyed(g, s, "reduceByKeyAndWindow"))
        return NULL;
    return reduce_window(g, s, OP_REDUCE_BY_KEY_AND_WINDOW, s->type->part[1], f, inverse, len_ns,
                         slide_ns);
}

struct dstream *dstream_group_by_key_and_window(struct dgraph *g, struct dstream *s,
                                                uint64_t len_ns, uint64_t slide_ns)
{
    struct span w;

    if (!span_of(g, s, len_ns, slide_ns, 0, &w))
        return NULL;
    return windowed(group(g, s, OP_GROUP_BY_KEY_AND_WINDOW), w);
}

struct dstream *dstream_count_by_window(struct dgraph *g, struct dstream *s, uint64_t len_ns,
                                        uint64_t slide_ns)
{
    struct span w;

    if (!span_of(g, s, len_ns, slide_ns, 0, &w))
        return NULL;
    return windowed(node_add(g, OP_COUNT_BY_WINDOW, &type_int, s), w);
}

struct dstream *dstream_count_by_value_and_window(struct dgraph *g, struct dstream *s,
                                                  uint64_t len_ns, uint64_t slide_ns)
{
    struct span w;

    if (!span_of(g, s, len_ns, slide_ns, 0, &w))
        return NULL;
    return windowed(count_by_value(g, s, OP_COUNT_BY_VALUE_AND_WINDOW), w);
}

struct dstream *dstream_output(struct dgraph *g, struct dstream *s, uint32_t sink_idx)
{
    struct dstream *d = node_add(g, OP_OUTPUT, s->type, s);

    if (d)
        d->sink_idx = sink_idx;
    return d;
}

/* ---- names ---- */

static bool name_taken(const struct dgraph *g, const char *name)
{
    for (uint32_t i = 0; i < g->nodes_cnt; i++)
        if (g->node[i]->name && !strcmp(g->node[i]->name, name))
            return true;
    return false;
}

void dgraph_name(struct dgraph *g)
{
    for (uint32_t i = 0; i < g->nodes_cnt; i++) {
        struct dstream *d = g->node[i];
        if (d->name)
            continue;
        const char *base = zone_printf(g->zone, "%s.%s", d->parent[0]->name, op_table[d->op].name);
        const char *name = base;
        for (uint32_t n = 2; name_taken(g, name); n++)
            name = zone_printf(g->zone, "%s~%u", base, n);
        d->name = name;
    }
}
