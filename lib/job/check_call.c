/* Calls of functions and signs: the row of fn_table that takes the arguments, or why none does. */
#include <stdio.h>
#include <string.h>

#include "job/check.h"
#include "rdd/parse.h"

#define FN_NAMES_MAX 256u

static bool is_fn(const struct fn *f, const char *name, enum fn_kind kind)
{
    return f->kind == kind && !strcmp(f->name, name);
}

/* An int may stand where a float is wanted. */
static struct expr *call_promoted(struct checker *ck, const char *name, enum fn_kind kind,
                                  struct expr *const *arg, uint32_t cnt)
{
    for (uint32_t i = 0; i < fn_table_cnt; i++) {
        const struct fn *f = &fn_table[i];
        struct expr *as[FN_ARGS_MAX] = {NULL};
        bool ok = is_fn(f, name, kind) && f->args_cnt == cnt;
        for (uint32_t k = 0; ok && k < cnt; k++) {
            struct value v = {arg[k]->type, (struct expr *[]){arg[k]}, 0};
            as[k] = arg[k];
            if (f->arg[k] == FN_FLOAT && v.type->kind == TYPE_INT) {
                ok = value_convert(ck, &v, &type_float, arg[k]->at);
                as[k] = ok ? v.leaf[0] : NULL;
            }
        }
        struct expr *e = ok ? expr_call(ck->zone, name, kind, cnt, as) : NULL;
        if (e)
            return e;
    }
    return NULL;
}

/* ---- what is wrong ---- */

static void unknown_function(struct checker *ck, const struct ast *a)
{
    const char *names[FN_NAMES_MAX + 1], *hint = NULL;
    uint32_t n = 0;

    for (uint32_t i = 0; i < fn_table_cnt && n < FN_NAMES_MAX; i++)
        if (fn_table[i].kind == FN_CALL)
            names[n++] = fn_table[i].name;
    names[n] = NULL;
    const char *near = diag_nearest(a->s, a->s_len, names);
    if (op_find(a->s))
        hint = "it is an operator, of streams alone";
    else if (near)
        hint = zone_printf(ck->program->zone, "did you mean '%s'?", near);
    check_error(ck, a->at, hint, "no function '%s'", a->s);
}

/* "split(string), split(string, string literal)"; "int + int, float + float". */
static const char *rows_of(struct checker *ck, const char *name, enum fn_kind kind)
{
    struct strbuf b = {0};

    for (uint32_t i = 0; i < fn_table_cnt && b.len < 200; i++) {
        const struct fn *f = &fn_table[i];
        if (!is_fn(f, name, kind))
            continue;
        strbuf_puts(&b, b.len ? ", " : "allowed: ");
        if (kind == FN_INFIX) {
            strbuf_printf(&b, "%s %s %s", fn_arg_name(f->arg[0]), name, fn_arg_name(f->arg[1]));
            continue;
        }
        strbuf_printf(&b, kind == FN_PREFIX ? "%s%s" : "%s(%s", name,
                      f->args_cnt ? fn_arg_name(f->arg[0]) : "");
        for (uint32_t k = 1; k < f->args_cnt; k++)
            strbuf_printf(&b, ", %s", fn_arg_name(f->arg[k]));
        strbuf_puts(&b, kind == FN_PREFIX ? "" : ")");
    }
    char *rows = zone_strndup(ck->program->zone, b.s ? b.s : "", b.len);
    strbuf_release(&b);
    return rows;
}

static const char *literal_hint(const struct expr *lit, char what)
{
    if (what == 'a')
        return memchr(lit->lit.s, '/', lit->lit.s_len)
                   ? "inNet(ip, \"10.0.0.0/8\") asks for a network"
                   : "such as \"10.0.0.1\" or \"2001:db8::1\"";
    return what == 'd' ? "such as \"30s\" or \"500ms\"" : "such as \"2026-11-20T00:00:00Z\"";
}

/* A literal string beside an address or a time was meant as one. */
static bool bad_literal(struct checker *ck, const struct ast *a, struct expr **arg)
{
    for (uint32_t k = 0; k < 2; k++) {
        const struct expr *lit = arg[k], *other = arg[!k];
        enum type_kind kind = other->type->kind;
        const char *what = kind == TYPE_IP ? "address" : "time";
        if (lit->op != EXPR_LIT || lit->type->kind != TYPE_STRING ||
            (kind != TYPE_IP && kind != TYPE_TIME))
            continue;
        if (kind == TYPE_TIME && (a->s[0] == '+' || a->s[0] == '-'))
            what = "duration";
        check_error(ck, a->kid[k]->all, literal_hint(lit, *what), "this string is no %s", what);
        return true;
    }
    return false;
}

static bool takes(enum fn_arg p, const struct expr *arg)
{
    return fn_accepts(p, arg) || (p == FN_FLOAT && arg->type->kind == TYPE_INT);
}

/* The one argument that keeps a row from being called; cnt when there is none or more. */
static uint32_t only_mismatch(const struct fn *f, struct expr **arg, uint32_t cnt)
{
    uint32_t at = cnt, misses = 0;

    for (uint32_t k = 0; k < cnt; k++) {
        if (takes(f->arg[k], arg[k]))
            continue;
        at = k;
        misses++;
    }
    return misses == 1 ? at : cnt;
}

static const char *wanted(enum fn_arg p)
{
    static const char *const text[] = {
        [FN_INT] = "an int",
        [FN_FLOAT] = "a float",
        [FN_BOOL] = "a bool",
        [FN_STRING] = "a string",
        [FN_TIME] = "a time",
        [FN_IP] = "an ip",
        [FN_LIST_STRING] = "a list of strings",
        [FN_LIST_ANY] = "a list",
        [FN_DURATION] = "a duration in quotes",
        [FN_STRING_LITERAL] = "a literal string",
    };

    return text[p];
}

static const char *given(struct checker *ck, enum fn_arg p, const struct expr *arg)
{
    bool literal = arg->op == EXPR_LIT;

    if (arg->type->kind == TYPE_STRING && literal &&
        (p == FN_DURATION || p == FN_IP || p == FN_TIME))
        return "this string";
    if (arg->type->kind == TYPE_STRING && (p == FN_DURATION || p == FN_STRING_LITERAL))
        return "a computed string";
    return type_name(ck, arg->type);
}

/* Where one argument alone is wrong, it is shown. */
static bool bad_argument(struct checker *ck, const struct ast *a, struct expr **arg, uint32_t cnt)
{
    for (uint32_t i = 0; i < fn_table_cnt; i++) {
        const struct fn *f = &fn_table[i];
        if (!is_fn(f, a->s, FN_CALL) || f->args_cnt != cnt)
            continue;
        uint32_t k = only_mismatch(f, arg, cnt);
        if (k == cnt)
            continue;
        check_error(ck, a->kid[k]->all, rows_of(ck, a->s, FN_CALL),
                    "argument %u of '%s' must be %s, not %s", k + 1, a->s, wanted(f->arg[k]),
                    given(ck, f->arg[k], arg[k]));
        return true;
    }
    return false;
}

static void bad_arguments(struct checker *ck, const struct ast *a, enum fn_kind kind,
                          struct expr **arg, uint32_t cnt)
{
    struct strbuf b = {0};

    if (kind == FN_CALL && bad_argument(ck, a, arg, cnt))
        return;
    for (uint32_t k = 0; k < cnt; k++)
        strbuf_printf(&b, "%s%s",
                      k == 0             ? ""
                      : kind == FN_INFIX ? " and "
                                         : ", ",
                      type_name(ck, arg[k]->type));
    check_error(ck, a->at, rows_of(ck, a->s, kind), "'%s' does not take %s", a->s,
                b.len ? b.s : "no argument");
    strbuf_release(&b);
}

struct expr *check_call(struct checker *ck, const struct ast *a, enum fn_kind kind,
                        struct expr **arg, uint32_t cnt)
{
    bool known = false, arity = false;

    for (uint32_t i = 0; i < fn_table_cnt; i++) {
        known |= is_fn(&fn_table[i], a->s, kind);
        arity |= is_fn(&fn_table[i], a->s, kind) && fn_table[i].args_cnt == cnt;
    }
    if (!known) {
        unknown_function(ck, a);
        return NULL;
    }
    if (!arity) {
        check_error(ck, a->at, rows_of(ck, a->s, kind), "'%s' does not take %u argument%s", a->s,
                    cnt, cnt == 1 ? "" : "s");
        return NULL;
    }
    if (!arg)
        return NULL;
    struct expr *e = expr_call(ck->zone, a->s, kind, cnt, arg);
    if (!e)
        e = call_promoted(ck, a->s, kind, arg, cnt);
    if (!e && !(kind == FN_INFIX && bad_literal(ck, a, arg)))
        bad_arguments(ck, a, kind, arg, cnt);
    return e;
}
