#include "rdd/word_code.h"
#include "rdd/fn.h"

static const struct {
    fn_kernel kernel;
    enum word_step_kind kind;
} steps[] = {
    {fn_add_int, WORD_ADD}, {fn_sub_int, WORD_SUB}, {fn_mul_int, WORD_MUL}, {fn_div_int, WORD_DIV},
    {fn_mod_int, WORD_MOD}, {fn_neg_int, WORD_NEG}, {fn_abs_int, WORD_ABS}, {fn_min_int, WORD_MIN},
    {fn_max_int, WORD_MAX}, {fn_eq_int, WORD_EQ},   {fn_ne_int, WORD_NE},   {fn_lt_int, WORD_LT},
    {fn_le_int, WORD_LE},   {fn_gt_int, WORD_GT},   {fn_ge_int, WORD_GE},   {fn_not_bool, WORD_NOT},
};

/* --- making ------------------------------------------------------------------------------------
 */

static bool is_word(enum type_kind kind)
{
    return kind == TYPE_INT || kind == TYPE_BOOL || kind == TYPE_TIME;
}

/* A slot of its own; false when there is none left. */
static bool slot_take(struct word_code *c, uint8_t *slot)
{
    if (c->slots_cnt == WORD_SLOTS_MAX)
        return false;
    *slot = (uint8_t)c->slots_cnt++;
    return true;
}

static bool make_expr(struct word_code *c, const struct expr *e, uint8_t *slot);

static bool add_step(struct word_code *c, enum word_step_kind kind, const struct expr *e,
                     uint8_t *slot)
{
    struct word_step s = {.kind = (uint8_t)kind};

    if (e->args_cnt > 3 || (e->args_cnt > 0 && !make_expr(c, e->arg[0], &s.x)) ||
        (e->args_cnt > 1 && !make_expr(c, e->arg[1], &s.y)) ||
        (e->args_cnt > 2 && !make_expr(c, e->arg[2], &s.z)) || c->steps_cnt == WORD_STEPS_MAX ||
        !slot_take(c, &s.to))
        return false;
    c->step[c->steps_cnt++] = s;
    *slot = s.to;
    return true;
}

static bool make_call(struct word_code *c, const struct expr *e, uint8_t *slot)
{
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        if (steps[i].kernel == e->fn->kernel)
            return add_step(c, steps[i].kind, e, slot);
    return false;
}

static bool make_expr(struct word_code *c, const struct expr *e, uint8_t *slot)
{
    if (!is_word(e->type->kind))
        return false;
    switch (e->op) {
    case EXPR_LIT:
        if (!slot_take(c, slot))
            return false;
        c->slot[*slot] = e->lit.i;
        return true;
    case EXPR_COL: *slot = (uint8_t)e->col; return true;
    case EXPR_CALL: return make_call(c, e, slot);
    case EXPR_AND: return e->arg[1]->total && add_step(c, WORD_AND, e, slot);
    case EXPR_OR: return e->arg[1]->total && add_step(c, WORD_OR, e, slot);
    case EXPR_IF: return e->arg[1]->total && e->arg[2]->total && add_step(c, WORD_IF, e, slot);
    }
    return false;
}

bool word_code_make(struct word_code *c, const struct lambda *l)
{
    uint32_t leaves = 0;

    for (uint32_t p = 0; p < l->params_cnt; p++)
        leaves += type_leaves(l->param[p]);
    if (leaves > WORD_SLOTS_MAX)
        return false;
    c->slots_cnt = leaves;
    c->steps_cnt = 0;
    for (uint32_t i = 0; i < l->leaves_cnt; i++)
        if (!make_expr(c, l->leaf[i], &c->result[i]))
            return false;
    return true;
}
