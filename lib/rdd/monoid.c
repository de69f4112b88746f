#include <string.h>

#include "rdd/expr.h"

/* The parameters of a reduce lambda are two values of one type: column i of the first meets
 * column leaves_cnt + i of the second. */

static bool is_col(const struct expr *e, uint32_t col)
{
    return e->op == EXPR_COL && e->col == col;
}

/* x and y are columns a and b, in either order. */
static bool is_pair(const struct expr *x, const struct expr *y, uint32_t a, uint32_t b)
{
    return (is_col(x, a) && is_col(y, b)) || (is_col(x, b) && is_col(y, a));
}

/* x < y ? x : y in its eight spellings, and their opposites. */
static enum agg_fn if_monoid(const struct expr *e, uint32_t a, uint32_t b)
{
    const struct expr *cond = e->arg[0], *then = e->arg[1];

    if (cond->op != EXPR_CALL || cond->fn->kind != FN_INFIX || cond->args_cnt != 2 ||
        !is_pair(cond->arg[0], cond->arg[1], a, b) || !is_pair(then, e->arg[2], a, b))
        return AGG_LAMBDA;
    char sign = cond->fn->name[0];
    if (sign != '<' && sign != '>')
        return AGG_LAMBDA;
    bool then_is_left = then->col == cond->arg[0]->col;
    return (sign == '<') == then_is_left ? AGG_MIN : AGG_MAX;
}

static enum agg_fn call_monoid(const struct expr *e, uint32_t a, uint32_t b)
{
    if (e->args_cnt != 2 || !is_pair(e->arg[0], e->arg[1], a, b))
        return AGG_LAMBDA;
    if (e->fn->kind == FN_INFIX && !strcmp(e->fn->name, "+")) {
        if (e->type->kind == TYPE_INT)
            return AGG_SUM_INT;
        return e->type->kind == TYPE_FLOAT ? AGG_SUM_FLOAT : AGG_LAMBDA;
    }
    if (e->fn->kind == FN_CALL && !strcmp(e->fn->name, "min"))
        return AGG_MIN;
    if (e->fn->kind == FN_CALL && !strcmp(e->fn->name, "max"))
        return AGG_MAX;
    return AGG_LAMBDA;
}

static enum agg_fn leaf_monoid(const struct expr *e, uint32_t a, uint32_t b)
{
    if (e->type->kind == TYPE_LIST)
        return AGG_LAMBDA;
    switch (e->op) {
    case EXPR_COL: return e->col == a ? AGG_FIRST : e->col == b ? AGG_LAST : AGG_LAMBDA;
    case EXPR_AND: return is_pair(e->arg[0], e->arg[1], a, b) ? AGG_AND : AGG_LAMBDA;
    case EXPR_OR: return is_pair(e->arg[0], e->arg[1], a, b) ? AGG_OR : AGG_LAMBDA;
    case EXPR_IF: return if_monoid(e, a, b);
    case EXPR_CALL: return call_monoid(e, a, b);
    case EXPR_LIT: break;
    }
    return AGG_LAMBDA;
}

bool lambda_monoid(const struct lambda *l, enum agg_fn *fn)
{
    bool native = l->params_cnt == 2;

    for (uint32_t i = 0; i < l->leaves_cnt && native; i++) {
        fn[i] = leaf_monoid(l->leaf[i], i, l->leaves_cnt + i);
        native = fn[i] != AGG_LAMBDA;
    }
    for (uint32_t i = 0; i < l->leaves_cnt && !native; i++)
        fn[i] = AGG_LAMBDA;
    return native;
}

bool lambda_inverse_of(const struct lambda *inv, const enum agg_fn *fn)
{
    if (inv->params_cnt != 2)
        return false;
    for (uint32_t i = 0; i < inv->leaves_cnt; i++) {
        const struct expr *e = inv->leaf[i];
        if (fn[i] != AGG_SUM_INT && fn[i] != AGG_SUM_FLOAT)
            return false;
        if (e->op != EXPR_CALL || e->fn->kind != FN_INFIX || strcmp(e->fn->name, "-") ||
            !is_col(e->arg[0], i) || !is_col(e->arg[1], inv->leaves_cnt + i))
            return false;
    }
    return true;
}

static bool expr_rounds(const struct expr *e)
{
    if (e->op == EXPR_CALL && e->type->kind == TYPE_FLOAT && e->fn->kind == FN_INFIX)
        return true;
    for (uint32_t i = 0; i < e->args_cnt; i++)
        if (expr_rounds(e->arg[i]))
            return true;
    return false;
}

bool lambda_rounds(const struct lambda *l)
{
    enum agg_fn fn[TYPE_LEAVES_MAX];

    if (lambda_monoid(l, fn))
        return false;
    for (uint32_t i = 0; i < l->leaves_cnt; i++)
        if (expr_rounds(l->leaf[i]))
            return true;
    return false;
}

const char *agg_fn_name(enum agg_fn fn)
{
    static const char *const name[] = {
        [AGG_SUM_INT] = "sum",   [AGG_SUM_FLOAT] = "sum", [AGG_MIN] = "min", [AGG_MAX] = "max",
        [AGG_FIRST] = "first",   [AGG_LAST] = "last",     [AGG_AND] = "and", [AGG_OR] = "or",
        [AGG_LAMBDA] = "lambda", [AGG_COUNT] = "sum",
    };
    return name[fn];
}
