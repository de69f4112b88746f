/* Expressions: from what is written to typed values. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/check.h"

static const struct value poisoned = {NULL, NULL, 0};

void check_error(struct checker *ck, struct span at, const char *hint, const char *fmt, ...)
{
    char text[400];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    diag_add(ck->program->diags, DIAG_ERROR, at.from, span_width(at), hint, "%s", text);
}

const char *type_name(struct checker *ck, const struct type *t)
{
    char text[128];

    for (uint32_t i = 0; i < ck->job->sources_cnt; i++) {
        const struct source_spec *s = &ck->job->source[i].spec;
        if (s->type == t)
            return s->kind == SOURCE_PACKETS
                       ? "a packet"
                       : zone_printf(ck->program->zone, "a record of '%s'", s->name);
    }
    if (type_print(t, text, sizeof text) >= (int)sizeof text)
        memcpy(text + sizeof text - 4, "...", 4);
    if (t->kind == TYPE_TUPLE)
        return zone_printf(ck->program->zone, "%s", text);
    bool vowel = t->kind == TYPE_INT || t->kind == TYPE_IP;
    return zone_printf(ck->program->zone, "%s %s", vowel ? "an" : "a", text);
}

/* ---- making nodes ---- */

/* Every node is counted, so that no program can make more of them than memory holds. */
static bool node_fits(struct checker *ck, struct place at)
{
    if (++ck->exprs_cnt == EXPRS_MAX)
        diag_add(ck->program->diags, DIAG_ERROR, at, 1, NULL,
                 "the expressions of this job are too large");
    return ck->exprs_cnt < EXPRS_MAX;
}

struct expr *value_leaf(struct checker *ck, const struct value *v, uint32_t i, struct place at)
{
    if (v->leaf)
        return v->leaf[i];
    if (!node_fits(ck, at))
        return NULL;
    struct expr *e = expr_col(ck->zone, type_leaf(v->type, i), v->col + i);
    e->at = at;
    return e;
}

static struct value value_of(struct checker *ck, struct expr *e, const struct ast *a)
{
    struct value v = {NULL, NULL, 0};

    if (!e || !node_fits(ck, a->at.from))
        return poisoned;
    e->at = a->at.from;
    v.type = e->type;
    v.leaf = zone_alloc(ck->zone, sizeof(*v.leaf));
    v.leaf[0] = e;
    return v;
}

/* All leaves of v as expressions. */
static bool value_spread(struct checker *ck, struct value *v, struct place at)
{
    const uint32_t n = type_leaves(v->type);
    struct expr **leaf = zone_alloc(ck->zone, n * sizeof(*leaf));

    for (uint32_t i = 0; i < n; i++) {
        leaf[i] = value_leaf(ck, v, i, at);
        if (!leaf[i])
            return false;
    }
    v->leaf = leaf;
    return true;
}

/* The one expression of a scalar or list, or of a record of one field. */
static struct expr *check_single(struct checker *ck, const struct scope *sc, const struct ast *a)
{
    struct value v = check_value(ck, sc, a);

    if (!v.type)
        return NULL;
    if (type_leaves(v.type) == 1)
        return value_leaf(ck, &v, 0, a->at.from);
    const char *hint =
        v.type->name ? zone_printf(ck->program->zone, "name a field of it, as .%s", v.type->name[0])
                     : "name a part of it, as ._1";
    check_error(ck, a->all, hint, "one value is needed here, not %s", type_name(ck, v.type));
    return NULL;
}

static struct expr *to_float(struct checker *ck, struct expr *e)
{
    struct place at = e->at;

    if (e->op == EXPR_LIT)
        e = expr_float(ck->zone, (double)e->lit.i);
    else
        e = expr_call(ck->zone, "toFloat", FN_CALL, 1, &e);
    if (e)
        e->at = at;
    return e;
}

/* ---- conversions ---- */

static bool leaf_convert(struct checker *ck, struct expr **e, const struct type *t)
{
    if (type_equal((*e)->type, t))
        return true;
    if ((*e)->type->kind != TYPE_INT || t->kind != TYPE_FLOAT || !node_fits(ck, (*e)->at))
        return false;
    struct expr *f = to_float(ck, *e);
    if (f)
        *e = f;
    return f != NULL;
}

static bool same_shape(const struct type *a, const struct type *b)
{
    a = type_value(a);
    b = type_value(b);
    if (a->kind != TYPE_TUPLE || b->kind != TYPE_TUPLE)
        return a->kind != TYPE_TUPLE && b->kind != TYPE_TUPLE;
    if (a->parts_cnt != b->parts_cnt)
        return false;
    for (uint32_t i = 0; i < a->parts_cnt; i++)
        if (!same_shape(a->part[i], b->part[i]))
            return false;
    return true;
}

bool value_convert(struct checker *ck, struct value *v, const struct type *t, struct place at)
{
    if (!type_equal(v->type, t)) {
        if (!same_shape(v->type, t) || !value_spread(ck, v, at))
            return false;
        for (uint32_t i = 0; i < type_leaves(t); i++)
            if (!leaf_convert(ck, &v->leaf[i], type_value(type_leaf(t, i))))
                return false;
    }
    v->type = t;
    return true;
}

/* The type that both can become: that of either, with float where either has float. */
static const struct type *common_type(struct checker *ck, const struct type *a,
                                      const struct type *b)
{
    const struct type *part[TYPE_PARTS_MAX];

    if (type_equal(a, b))
        return a;
    a = type_value(a);
    b = type_value(b);
    if (a->kind != TYPE_TUPLE) {
        bool numbers = (a->kind == TYPE_INT && b->kind == TYPE_FLOAT) ||
                       (a->kind == TYPE_FLOAT && b->kind == TYPE_INT);
        return numbers ? &type_float : NULL;
    }
    for (uint32_t i = 0; i < a->parts_cnt; i++) {
        part[i] = common_type(ck, a->part[i], b->part[i]);
        if (!part[i])
            return NULL;
    }
    return type_tuple(ck->zone, part, a->parts_cnt);
}

/* ---- one function for each kind of expression ---- */

static struct value check_name(struct checker *ck, const struct scope *sc, const struct ast *a)
{
    const char *names[AST_KIDS_MAX + 1] = {NULL};
    const char *hint = NULL;

    for (uint32_t i = 0; i < sc->cnt; i++) {
        if (!strcmp(sc->var[i].name, a->s))
            return (struct value){sc->var[i].type, NULL, sc->var[i].col};
        names[i] = sc->var[i].name;
    }
    const char *near = diag_nearest(a->s, a->s_len, names);
    if (stream_find(ck, a->s))
        hint = "it is a stream: an expression sees the row alone";
    else if (near)
        hint = zone_printf(ck->program->zone, "did you mean '%s'?", near);
    check_error(ck, a->at, hint, "unknown name '%s'", a->s);
    return poisoned;
}

static struct value value_part(const struct value *v, uint32_t i)
{
    const uint32_t first = type_first_leaf(v->type, i);

    return (struct value){v->type->part[i], v->leaf ? v->leaf + first : NULL, v->col + first};
}

/* "_2" is 1; anything else is no part. */
static uint32_t part_index(const char *s)
{
    char *end;

    if (s[0] != '_' || s[1] < '1' || s[1] > '9')
        return UINT32_MAX;
    unsigned long n = strtoul(s + 1, &end, 10);
    return *end || n > TYPE_PARTS_MAX ? UINT32_MAX : (uint32_t)n - 1;
}

static void no_field(struct checker *ck, const struct ast *a, const struct type *t)
{
    const char *names[TYPE_PARTS_MAX + 1] = {NULL}, *hint = NULL;

    for (uint32_t i = 0; t->name && i < t->parts_cnt; i++)
        names[i] = t->name[i];
    const char *near = diag_nearest(a->s, a->s_len, names);
    if (near)
        hint = zone_printf(ck->program->zone, "did you mean '%s'?", near);
    else if (t->name && t->parts_cnt <= 8)
        hint = zone_printf(ck->program->zone, "it is %s",
                           type_name(ck, type_tuple(ck->program->zone, t->part, t->parts_cnt)));
    else if (t->kind == TYPE_TUPLE && !t->name)
        hint = zone_printf(ck->program->zone, "its parts are _1 to _%u", t->parts_cnt);
    check_error(ck, a->at, hint, "%s has no %s '%s'", type_name(ck, t),
                t->kind == TYPE_TUPLE && !t->name ? "part" : "field", a->s);
}

static struct value check_field(struct checker *ck, const struct scope *sc, const struct ast *a)
{
    struct value v = check_value(ck, sc, a->kid[0]);

    if (!v.type)
        return poisoned;
    if (v.type->kind == TYPE_TUPLE && v.type->name) {
        for (uint32_t i = 0; i < v.type->parts_cnt; i++)
            if (!strcmp(v.type->name[i], a->s))
                return value_part(&v, i);
    } else if (v.type->kind == TYPE_TUPLE && part_index(a->s) < v.type->parts_cnt) {
        return value_part(&v, part_index(a->s));
    }
    no_field(ck, a, v.type);
    return poisoned;
}

static struct value check_tuple(struct checker *ck, const struct scope *sc, const struct ast *a)
{
    const struct type *part[AST_KIDS_MAX];
    struct value kid[AST_KIDS_MAX], v = poisoned;
    uint32_t n = 0;
    bool ok = true;

    for (uint32_t i = 0; i < a->cnt; i++) {
        kid[i] = check_value(ck, sc, a->kid[i]);
        part[i] = kid[i].type;
        ok &= kid[i].type != NULL;
    }
    if (!ok)
        return poisoned;
    v.type = type_tuple(ck->zone, part, a->cnt);
    if (!v.type) {
        check_error(ck, a->all, NULL, "a row has at most %u columns", TYPE_LEAVES_MAX);
        return poisoned;
    }
    v.leaf = zone_alloc(ck->zone, type_leaves(v.type) * sizeof(*v.leaf));
    for (uint32_t i = 0; i < a->cnt; i++) {
        const uint32_t leaves = type_leaves(part[i]);
        for (uint32_t l = 0; l < leaves; l++) {
            v.leaf[n] = value_leaf(ck, &kid[i], l, a->kid[i]->at.from);
            if (!v.leaf[n++])
                return poisoned;
        }
    }
    return v;
}

static struct expr *check_bool(struct checker *ck, const struct scope *sc, const struct ast *a,
                               const char *what)
{
    struct expr *e = check_single(ck, sc, a);

    if (e && e->type->kind != TYPE_BOOL) {
        check_error(ck, a->all, NULL, "%s must be a bool, not %s", what, type_name(ck, e->type));
        return NULL;
    }
    return e;
}

/* The condition is made anew for every leaf: no two trees share a node. */
static struct value check_cond(struct checker *ck, const struct scope *sc, const struct ast *a)
{
    struct expr *cond = check_bool(ck, sc, a->kid[0], "the condition");
    struct value x = check_value(ck, sc, a->kid[1]), y = check_value(ck, sc, a->kid[2]), v;
    const struct type *t;

    if (!cond || !x.type || !y.type)
        return poisoned;
    t = same_shape(x.type, y.type) ? common_type(ck, x.type, y.type) : NULL;
    if (!t || !value_convert(ck, &x, t, a->at.from) || !value_convert(ck, &y, t, a->at.from)) {
        check_error(ck, a->at, NULL, "the branches are of different types, %s and %s",
                    type_name(ck, x.type), type_name(ck, y.type));
        return poisoned;
    }
    const uint32_t n = type_leaves(t);
    v = (struct value){t, zone_alloc(ck->zone, n * sizeof(*v.leaf)), 0};
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0)
            cond = check_bool(ck, sc, a->kid[0], "the condition");
        struct expr *then = value_leaf(ck, &x, i, a->at.from);
        struct expr *otherwise = value_leaf(ck, &y, i, a->at.from);
        if (!cond || !then || !otherwise || !node_fits(ck, a->at.from))
            return poisoned;
        v.leaf[i] = expr_if(ck->zone, cond, then, otherwise);
        v.leaf[i]->at = a->at.from;
    }
    return v;
}

static struct value check_logic(struct checker *ck, const struct scope *sc, const struct ast *a)
{
    const char *what = a->s[0] == '&' ? "what stands beside '&&'" : "what stands beside '||'";
    struct expr *x = check_bool(ck, sc, a->kid[0], what), *y = check_bool(ck, sc, a->kid[1], what);

    if (!x || !y)
        return poisoned;
    return value_of(ck, a->s[0] == '&' ? expr_and(ck->zone, x, y) : expr_or(ck->zone, x, y), a);
}

/* Arguments are checked even when one is wrong: their errors are their own. */
static struct value check_apply(struct checker *ck, const struct scope *sc, const struct ast *a,
                                enum fn_kind kind)
{
    struct expr *arg[AST_KIDS_MAX];
    bool ok = true;

    for (uint32_t i = 0; i < a->cnt; i++) {
        arg[i] = check_single(ck, sc, a->kid[i]);
        ok &= arg[i] != NULL;
    }
    if (!ok && kind != FN_CALL)
        return poisoned;
    return value_of(ck, check_call(ck, a, kind, ok ? arg : NULL, a->cnt), a);
}

struct value check_value(struct checker *ck, const struct scope *sc, const struct ast *a)
{
    switch (a->kind) {
    case AST_INT: return value_of(ck, expr_int(ck->zone, a->i), a);
    case AST_FLOAT: return value_of(ck, expr_float(ck->zone, a->f), a);
    case AST_BOOL: return value_of(ck, expr_bool(ck->zone, a->i != 0), a);
    case AST_STRING: return value_of(ck, expr_string(ck->zone, a->s, a->s_len), a);
    case AST_NAME: return check_name(ck, sc, a);
    case AST_FIELD: return check_field(ck, sc, a);
    case AST_TUPLE: return check_tuple(ck, sc, a);
    case AST_COND: return check_cond(ck, sc, a);
    case AST_CALL: return check_apply(ck, sc, a, FN_CALL);
    case AST_PREFIX: return check_apply(ck, sc, a, FN_PREFIX);
    case AST_INFIX:
        if (a->s[0] == '&' || a->s[0] == '|')
            return check_logic(ck, sc, a);
        return check_apply(ck, sc, a, FN_INFIX);
    case AST_METHOD:
        check_error(ck, a->at,
                    zone_printf(ck->program->zone, "%.40s(x, ...), not x.%.40s(...)", a->s, a->s),
                    "functions are called by name");
        return poisoned;
    case AST_LAMBDA:
        check_error(ck, a->at, NULL, "a lambda is an argument of an operator, not a value");
        return poisoned;
    }
    return poisoned;
}
