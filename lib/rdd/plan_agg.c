#include "rdd/plan_agg.h"
#include "rdd/agg.h"

/* Accumulators lie in the row by their size: words come first, so that they lie together with the
 * count and with the lanes of the sums of floats behind them (agg_lanes.h). */
static void place(struct agg_spec *a)
{
    uint32_t off = 8;

    for (uint32_t bytes = 8; bytes <= AGG_LEAF_BYTES_MAX; bytes += 8)
        for (uint32_t i = 0; i < a->leaves_cnt; i++)
            if (a->leaf[i].bytes == bytes) {
                a->leaf[i].off = off;
                off += bytes;
            }
    a->row_bytes = off;
}

void plan_agg(struct agg_spec *a, const struct type *value, const struct lambda *f)
{
    enum agg_fn fn[TYPE_LEAVES_MAX];

    a->leaves_cnt = value ? type_leaves(value) : 0;
    if (f && !lambda_monoid(f, fn))
        a->lambda = f;
    for (uint32_t i = 0; i < a->leaves_cnt; i++) {
        struct agg_leaf *leaf = &a->leaf[i];
        leaf->fn = f ? fn[i] : AGG_SUM_INT;
        leaf->kind = type_leaf(value, i)->kind;
        leaf->bytes = agg_leaf_bytes(leaf->fn, leaf->kind);
        a->has_strings |= leaf->kind == TYPE_STRING;
    }
    place(a);
}

uint64_t plan_ones(const struct pnode *from, const struct exchange *x)
{
    const struct agg_spec *a = &x->agg;
    const struct lambda *f = from->fn;
    uint64_t ones = 0;

    if (x->kind != EX_AGG || from->kind != PN_MAP)
        return 0;
    for (uint32_t i = 0; i < a->leaves_cnt; i++) {
        const struct expr *v = f->leaf[f->leaves_cnt - a->leaves_cnt + i];
        bool one = v->op == EXPR_LIT && v->type->kind == TYPE_INT && v->lit.i == 1;
        ones |= (uint64_t)(one && a->leaf[i].fn == AGG_SUM_INT) << i;
    }
    return ones;
}

void plan_counts(struct exchange *x)
{
    struct agg_spec *a = &x->agg;

    for (uint32_t i = 0; i < a->leaves_cnt; i++)
        if (x->ones >> i & 1)
            a->leaf[i] = (struct agg_leaf){.fn = AGG_COUNT, .kind = TYPE_INT};
    a->count_only |= a->leaves_cnt == 1 && x->ones;
    if (a->count_only)
        a->row_bytes = 8;
    else if (x->ones)
        place(a);
}
