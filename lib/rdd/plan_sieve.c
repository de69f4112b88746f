#include "rdd/plan_sieve.h"
#include "rdd/fn.h"
#include "rdd/plan_finish.h"

static bool is_comparison(const struct expr *e, struct comparison *c)
{
    static const fn_kernel kernels[] = {
        [SEL_EQ] = fn_eq_int, [SEL_NE] = fn_ne_int, [SEL_LT] = fn_lt_int,
        [SEL_LE] = fn_le_int, [SEL_GT] = fn_gt_int, [SEL_GE] = fn_ge_int};

    if (e->op != EXPR_CALL || e->args_cnt != 2 || e->arg[0]->op != EXPR_COL ||
        e->arg[1]->op != EXPR_LIT)
        return false;
    for (uint32_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++)
        if (e->fn->kernel == kernels[i]) {
            *c = (struct comparison){e->arg[0]->col, (enum sel_op)i, e->arg[1]->lit.i};
            return true;
        }
    return false;
}

void plan_comparisons(struct pnode *n)
{
    n->compares = n->kind == PN_FILTER && is_comparison(n->fn->leaf[0], &n->comparison);
    for (uint32_t i = 0; i < n->kids_cnt; i++)
        plan_comparisons(n->kid[i]);
}

void plan_sieve(struct stage *s)
{
    const struct pnode *first = s->root->kids_cnt == 1 ? s->root->kid[0] : NULL;

    if (!first || !first->compares)
        return;
    s->sieve = (struct sieve){.on = true, .by = first->comparison, .ordered = first->ordered};
    for (uint32_t i = 0; i < first->kids_cnt; i++)
        plan_reads(first->kid[i], type_leaves(s->type), s->sieve.want);
    s->met = first;
}
