#include "rdd/plan_order.h"

_Static_assert(STAGE_WRITERS_MAX <= PLACE_WAYS_MAX, "every writer of a stage may be a way");

static bool agg_keeps(const struct agg_spec *a)
{
    for (uint32_t i = 0; i < a->leaves_cnt && !a->count_only; i++)
        if (a->leaf[i].fn == AGG_FIRST || a->leaf[i].fn == AGG_LAST)
            return true;
    return false;
}

static bool output_keeps(const struct out_stream *s)
{
    return !s->by_value && s->order != ROWS_BY_RANK;
}

/* Marks what is from n on; does anything here or below keep the order? */
static bool mark_ordered(const struct plan *p, struct pnode *n)
{
    bool keeps = false;

    switch (n->kind) {
    case PN_OUTPUT: return output_keeps(&p->output[n->output].stream);
    case PN_WRITE_ROWS: return !n->exchange->top_cnt;
    case PN_WRITE_AGG: return agg_keeps(&n->exchange->agg);
    default: break;
    }
    for (uint32_t i = 0; i < n->kids_cnt; i++)
        keeps |= mark_ordered(p, n->kid[i]);
    n->ordered = keeps;
    return keeps;
}

static const struct pnode *union_above(const struct pnode *n)
{
    for (n = n->parent; n; n = n->parent)
        if (n->node && n->node->op == OP_UNION)
            return n;
    return NULL;
}

/* Does a's way come before b's? Upwards from one reader, the ways are one until a union. */
static bool way_before(const struct pnode *a, const struct pnode *b)
{
    for (a = union_above(a), b = union_above(b); a && b; a = union_above(a), b = union_above(b))
        if (a->side != b->side)
            return a->side < b->side;
    return false;
}

static bool same_end(const struct pnode *a, const struct pnode *b)
{
    return a->kind == b->kind && a->exchange == b->exchange && a->output == b->output;
}

struct ends {
    struct pnode *n[STAGE_WRITERS_MAX];
    uint32_t cnt;
};

static void gather_ends(struct pnode *n, struct ends *e)
{
    if (n->exchange || n->kind == PN_OUTPUT)
        e->n[e->cnt++] = n;
    for (uint32_t i = 0; i < n->kids_cnt; i++)
        gather_ends(n->kid[i], e);
}

static void number_ways(struct stage *s)
{
    struct ends e = {.cnt = 0};

    gather_ends(s->root, &e);
    for (uint32_t i = 0; i < e.cnt; i++)
        for (uint32_t k = 0; k < e.cnt; k++)
            e.n[i]->way += same_end(e.n[i], e.n[k]) && way_before(e.n[k], e.n[i]);
}

void plan_order(struct plan *p)
{
    for (uint32_t i = 0; i < p->stages_cnt; i++) {
        mark_ordered(p, p->stage[i]->root);
        number_ways(p->stage[i]);
    }
}
