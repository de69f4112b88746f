#include "rdd/plan_best.h"

#define BEST_MAX 4096u /* more are not worth looking for */
#define NO_LEAF  UINT32_MAX

/* Which leaf of the state's row each leaf of the rows at a node is, or NO_LEAF. */
struct origin {
    uint32_t leaf[TYPE_LEAVES_MAX];
};

/* Rows of a map; false: it may fail, and its failures are counted. */
static bool through_map(const struct pnode *n, struct origin *o)
{
    uint32_t keys = n->on_value ? type_leaves(n->from->part[0]) : 0;
    struct origin out = *o;

    for (uint32_t i = 0; i < n->fn->leaves_cnt; i++) {
        const struct expr *e = n->fn->leaf[i];
        if (e->op != EXPR_COL && !e->total)
            return false;
        out.leaf[keys + i] = e->op == EXPR_COL ? o->leaf[keys + e->col] : NO_LEAF;
    }
    *o = out;
    return true;
}

/* The top at the end of the only way from n on; or NULL. */
static const struct pnode *only_top(const struct pnode *n, struct origin *o)
{
    for (; n->kids_cnt == 1; n = n->kid[0]) {
        if (n->kind == PN_MAP ? !through_map(n, o) : n->kind != PN_PASS)
            return NULL;
    }
    return n->kind == PN_WRITE_ROWS && n->exchange->top_cnt ? n : NULL;
}

static bool is_plain(const struct agg_leaf *l)
{
    switch (l->fn) {
    case AGG_COUNT:
    case AGG_SUM_INT:
    case AGG_MIN:
    case AGG_MAX:
    case AGG_AND:
    case AGG_OR:
    case AGG_LAMBDA: return l->kind == TYPE_INT || l->kind == TYPE_TIME || l->kind == TYPE_BOOL;
    default: return false;
    }
}

/* Is the order of these rows that of the value leaf, then the state's key, and no more? */
static bool ends_with_key(const struct exchange *x, const struct type *row, const struct origin *o)
{
    if (!type_is_pair(row) || type_leaves(row->part[1]) != 1 || !type_equal(row->part[0], x->key))
        return false;
    for (uint32_t i = 0; i < type_leaves(x->key); i++)
        if (o->leaf[i] != i)
            return false;
    return true;
}

static void find_best(struct exchange *x, const struct stage *s)
{
    struct origin o;

    for (uint32_t i = 0; i < TYPE_LEAVES_MAX; i++)
        o.leaf[i] = i;
    const struct pnode *top = only_top(s->root, &o);
    if (!top || top->exchange->top_cnt > BEST_MAX)
        return;
    const struct type *row = top->from;
    uint32_t leaf = o.leaf[type_is_pair(row) ? type_leaves(row->part[0]) : 0];
    if (leaf == NO_LEAF || leaf < type_leaves(x->key))
        return;
    leaf -= type_leaves(x->key);
    if (!x->agg.count_only && !is_plain(&x->agg.leaf[leaf]))
        return;
    x->best.cnt = (uint32_t)top->exchange->top_cnt;
    x->best.off = x->agg.count_only ? 0 : x->agg.leaf[leaf].off;
    x->best.by_key = ends_with_key(x, row, &o);
}

void plan_best(struct plan *p)
{
    for (uint32_t i = 0; i < p->exchanges_cnt; i++) {
        struct exchange *x = p->exchange[i];
        if (x->kind == EX_AGG && x->key && x->value && !x->agg.has_strings)
            find_best(x, p->stage[x->stage]);
    }
}
