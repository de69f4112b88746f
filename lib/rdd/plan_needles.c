#include <string.h>

#include "rdd/fn.h"
#include "rdd/plan_needles.h"

/* Computed for any row, it gives a value. */
static bool cannot_fail(const struct expr *e)
{
    if (e->op == EXPR_CALL && !e->fn->total && e->fn->kernel != fn_contains &&
        e->fn->kernel != fn_index_of)
        return false;
    for (uint32_t i = 0; i < e->args_cnt; i++)
        if (!cannot_fail(e->arg[i]))
            return false;
    return true;
}

/* A needle that lies in another one is in every row in which that one is. */
static bool holds(const struct needle *nd, const struct needle *part)
{
    return memmem(nd->s, nd->n, part->s, part->n);
}

/* Adds needles, of which one must be there, to others. False: they are too many. */
static bool either(struct needle_set *set, const struct needle_set *more)
{
    for (uint32_t i = 0; i < more->cnt; i++) {
        const struct needle *nd = &more->needle[i];
        struct needle_set left = {0};
        bool known = false;
        for (uint32_t k = 0; k < set->cnt; k++) {
            known |= holds(nd, &set->needle[k]);
            if (!holds(&set->needle[k], nd))
                needle_set_add(&left, set->needle[k].s, set->needle[k].n);
        }
        if (known)
            continue;
        if (left.cnt == NEEDLES_MAX)
            return false;
        needle_set_add(&left, nd->s, nd->n);
        *set = left;
    }
    return true;
}

static uint32_t shortest(const struct needle_set *set)
{
    uint32_t n = UINT32_MAX;

    for (uint32_t i = 0; i < set->cnt; i++)
        n = set->needle[i].n < n ? set->needle[i].n : n;
    return n;
}

/* Of two sets, each of which must be met, the one that is met less often. */
static bool choose(struct needle_set *out, const struct needle_set *a, const struct needle_set *b)
{
    bool first =
        a->cnt && (!b->cnt || a->cnt < b->cnt || (a->cnt == b->cnt && shortest(a) >= shortest(b)));

    *out = first ? *a : *b;
    return out->cnt > 0;
}

/* contains(r, "x"), startsWith, endsWith, r == "x": the text that r must hold, or NULL. */
static const struct expr *sought(const struct expr *e)
{
    if (e->op != EXPR_CALL || e->args_cnt != 2)
        return NULL;
    const struct expr *row = e->arg[0], *lit = e->arg[1];
    if (e->fn->kernel == fn_eq_string && row->op == EXPR_LIT) {
        row = e->arg[1];
        lit = e->arg[0];
    } else if (e->fn->kernel != fn_contains && e->fn->kernel != fn_starts_with &&
               e->fn->kernel != fn_ends_with && e->fn->kernel != fn_eq_string) {
        return NULL;
    }
    bool text = row->op == EXPR_COL && lit->op == EXPR_LIT && lit->lit.s_len > 0;
    return text && !memchr(lit->lit.s, '\n', lit->lit.s_len) ? lit : NULL;
}

/* Fills the needles without which e is false, and has not failed. False: there are none. */
static bool expr_needles(const struct expr *e, struct needle_set *set)
{
    struct needle_set a = {0}, b = {0};
    const struct expr *lit = sought(e);

    *set = a;
    if (lit) {
        needle_set_add(set, (const uint8_t *)lit->lit.s, lit->lit.s_len);
        return true;
    }
    if (e->op == EXPR_OR) {
        *set = (struct needle_set){0};
        return expr_needles(e->arg[0], set) && expr_needles(e->arg[1], &b) && either(set, &b);
    }
    if (e->op != EXPR_AND)
        return false;
    expr_needles(e->arg[0], &a);
    if (cannot_fail(e->arg[0]))
        expr_needles(e->arg[1], &b);
    return choose(set, &a, &b);
}

static bool kids_needles(const struct pnode *n, struct needle_set *set);

static bool node_needles(const struct pnode *n, struct needle_set *set)
{
    struct needle_set a = {0}, b = {0};

    if (n->kind == PN_PASS)
        return kids_needles(n, set);
    if (n->kind != PN_FILTER)
        return false;
    if (!expr_needles(n->fn->leaf[0], &a))
        a.cnt = 0;
    if (!cannot_fail(n->fn->leaf[0]) || !kids_needles(n, &b))
        b.cnt = 0;
    return choose(set, &a, &b);
}

static bool kids_needles(const struct pnode *n, struct needle_set *set)
{
    *set = (struct needle_set){0};
    for (uint32_t i = 0; i < n->kids_cnt; i++) {
        struct needle_set kid;
        if (!node_needles(n->kid[i], &kid) || !either(set, &kid))
            return false;
    }
    return set->cnt > 0;
}

/* Is e true of every text with one of the needles that expr_needles gives for it? */
static bool asks_no_more(const struct expr *e)
{
    if (e->op == EXPR_OR)
        return asks_no_more(e->arg[0]) && asks_no_more(e->arg[1]);
    return sought(e) && e->fn->kernel == fn_contains;
}

void plan_needles(struct stage *s)
{
    bool text = type_leaves(s->type) == 1 && type_leaf(s->type, 0)->kind == TYPE_STRING;
    const struct pnode *first = s->root->kids_cnt == 1 ? s->root->kid[0] : NULL;

    if (!text || !kids_needles(s->root, &s->needles))
        s->needles.cnt = 0;
    else if (first && first->kind == PN_FILTER && asks_no_more(first->fn->leaf[0]))
        s->met = first;
}
