#include <string.h>

#include "base/assert.h"
#include "rdd/expr.h"

static const struct type *const string_part[] = {&type_string};
static const struct type type_list_string = {
    .kind = TYPE_LIST, .parts_cnt = 1, .part = string_part};

static struct expr *expr_new(struct zone *z, enum expr_op op, const struct type *t)
{
    struct expr *e = zone_alloc(z, sizeof *e);

    e->op = op;
    e->type = t;
    return e;
}

struct expr *expr_int(struct zone *z, int64_t v)
{
    struct expr *e = expr_new(z, EXPR_LIT, &type_int);

    e->lit.i = v;
    return e;
}

struct expr *expr_float(struct zone *z, double v)
{
    struct expr *e = expr_new(z, EXPR_LIT, &type_float);

    e->lit.f = v;
    return e;
}

struct expr *expr_bool(struct zone *z, bool v)
{
    struct expr *e = expr_new(z, EXPR_LIT, &type_bool);

    e->lit.i = v;
    return e;
}

struct expr *expr_string(struct zone *z, const char *s, uint32_t len)
{
    struct expr *e = expr_new(z, EXPR_LIT, &type_string);

    e->lit.s = zone_strndup(z, s, len);
    e->lit.s_len = len;
    return e;
}

struct expr *expr_ip(struct zone *z, struct ip ip)
{
    struct expr *e = expr_new(z, EXPR_LIT, &type_ip);

    e->lit.ip = ip;
    return e;
}

struct expr *expr_col(struct zone *z, const struct type *t, uint32_t col)
{
    struct expr *e = expr_new(z, EXPR_COL, type_value(t));

    e->col = col;
    return e;
}

struct expr *expr_and(struct zone *z, struct expr *a, struct expr *b)
{
    struct expr *e = expr_new(z, EXPR_AND, &type_bool);

    e->args_cnt = 2;
    e->arg[0] = a;
    e->arg[1] = b;
    return e;
}

struct expr *expr_or(struct zone *z, struct expr *a, struct expr *b)
{
    struct expr *e = expr_and(z, a, b);

    e->op = EXPR_OR;
    return e;
}

struct expr *expr_if(struct zone *z, struct expr *c, struct expr *a, struct expr *b)
{
    struct expr *e = expr_new(z, EXPR_IF, a->type);

    MR_ASSERT(type_equal(a->type, b->type));
    e->args_cnt = 3;
    e->arg[0] = c;
    e->arg[1] = a;
    e->arg[2] = b;
    return e;
}

/* --- functions ------------------------------------------------------------------------------- */

static bool is_string_literal(const struct expr *e)
{
    return e->op == EXPR_LIT && e->type->kind == TYPE_STRING;
}

bool fn_accepts(enum fn_arg p, const struct expr *arg)
{
    const struct type *t = arg->type;
    int64_t ns;

    switch (p) {
    case FN_INT: return t->kind == TYPE_INT;
    case FN_FLOAT: return t->kind == TYPE_FLOAT;
    case FN_BOOL: return t->kind == TYPE_BOOL;
    case FN_STRING: return t->kind == TYPE_STRING;
    case FN_TIME: return t->kind == TYPE_TIME;
    case FN_IP: return t->kind == TYPE_IP;
    case FN_LIST_STRING: return t->kind == TYPE_LIST && type_value(t->part[0])->kind == TYPE_STRING;
    case FN_LIST_ANY: return t->kind == TYPE_LIST;
    case FN_DURATION:
        return is_string_literal(arg) && !parse_duration_ns(arg->lit.s, arg->lit.s_len, &ns);
    case FN_STRING_LITERAL: return is_string_literal(arg);
    }
    return false;
}

/* A literal string stands for an address or a time where one is asked for: p.src_ip == "::1". */
static bool fn_coerces(enum fn_arg p, const struct expr *arg)
{
    struct ip ip;
    int64_t ns;

    if (!is_string_literal(arg))
        return false;
    return (p == FN_IP && !parse_ip(arg->lit.s, arg->lit.s_len, &ip)) ||
           (p == FN_TIME && !parse_time_ns(arg->lit.s, arg->lit.s_len, &ns));
}

static bool fn_matches(const struct fn *f, const struct expr *const *arg, bool coerce)
{
    for (uint32_t i = 0; i < f->args_cnt; i++)
        if (!fn_accepts(f->arg[i], arg[i]) && !(coerce && fn_coerces(f->arg[i], arg[i])))
            return false;
    return true;
}

const struct fn *fn_find(const char *name, enum fn_kind kind, uint32_t args_cnt,
                         const struct expr *const *arg)
{
    for (int coerce = 0; coerce < 2; coerce++) {
        for (uint32_t i = 0; i < fn_table_cnt; i++) {
            const struct fn *f = &fn_table[i];
            if (f->kind == kind && f->args_cnt == args_cnt && !strcmp(f->name, name) &&
                fn_matches(f, arg, coerce))
                return f;
        }
    }
    return NULL;
}

const struct type *fn_result_type(const struct fn *f)
{
    switch (f->result) {
    case FN_INT: return &type_int;
    case FN_FLOAT: return &type_float;
    case FN_BOOL: return &type_bool;
    case FN_STRING: return &type_string;
    case FN_TIME: return &type_time;
    case FN_IP: return &type_ip;
    case FN_LIST_STRING: return &type_list_string;
    case FN_LIST_ANY:
    case FN_DURATION:
    case FN_STRING_LITERAL: break;
    }
    MR_ASSERT(f->result == FN_INT);
    return NULL;
}

const char *fn_arg_name(enum fn_arg a)
{
    static const char *const name[] = {
        [FN_INT] = "int",
        [FN_FLOAT] = "float",
        [FN_BOOL] = "bool",
        [FN_STRING] = "string",
        [FN_TIME] = "time",
        [FN_IP] = "ip",
        [FN_LIST_STRING] = "list(string)",
        [FN_LIST_ANY] = "list",
        [FN_DURATION] = "duration",
        [FN_STRING_LITERAL] = "string literal",
    };
    return name[a];
}

/* What parameter p makes of a literal string; the argument itself when it takes it as it is. */
static struct expr *fn_convert(struct zone *z, enum fn_arg p, struct expr *arg)
{
    struct expr *e = arg;
    int64_t ns = 0;
    struct ip ip;

    if (p == FN_DURATION) {
        MR_ASSERT(!parse_duration_ns(arg->lit.s, arg->lit.s_len, &ns));
        e = expr_int(z, ns);
    } else if (p == FN_TIME && arg->type->kind == TYPE_STRING) {
        MR_ASSERT(!parse_time_ns(arg->lit.s, arg->lit.s_len, &ns));
        e = expr_int(z, ns);
        e->type = &type_time;
    } else if (p == FN_IP && arg->type->kind == TYPE_STRING) {
        MR_ASSERT(!parse_ip(arg->lit.s, arg->lit.s_len, &ip));
        e = expr_ip(z, ip);
    }
    if (e != arg)
        e->at = arg->at;
    return e;
}

struct expr *expr_call(struct zone *z, const char *name, enum fn_kind kind, uint32_t args_cnt,
                       struct expr *const *arg)
{
    const struct fn *f = fn_find(name, kind, args_cnt, (const struct expr *const *)arg);

    if (!f)
        return NULL;
    struct expr *e = expr_new(z, EXPR_CALL, fn_result_type(f));
    e->fn = f;
    e->args_cnt = args_cnt;
    for (uint32_t i = 0; i < args_cnt; i++)
        e->arg[i] = fn_convert(z, f->arg[i], arg[i]);
    return e;
}
