#include <string.h>

#include "base/assert.h"
#include "rdd/col_merge.h"
#include "rdd/fn.h"
#include "rdd/sel.h"

/*
 * The evaluator: a walk over the tree, each node a column. A column is written once, by the node
 * that makes it. `&&`, `||` and `?:` narrow the selection for the branches that can fail or
 * cost much, and put it back.
 */

static void eval_expr(struct eval *ev, const struct expr *e, const struct col *in, struct col *out);

uint8_t *eval_bytes(struct eval *ev, uint64_t bytes)
{
    uint8_t *p = bytes > UINT32_MAX ? NULL : arena_alloc(ev->arena, bytes);

    if (!p)
        ev->no_memory = 1;
    return p;
}

static bool make_col(struct eval *ev, struct col *c, enum type_kind kind)
{
    if (col_alloc(c, kind, ev->rows, ev->arena))
        ev->no_memory = 1;
    return !ev->no_memory;
}

static void eval_call(struct eval *ev, const struct expr *e, const struct col *in, struct col *out)
{
    struct col arg[FN_ARGS_MAX];

    for (uint32_t i = 0; i < e->args_cnt; i++) {
        eval_expr(ev, e->arg[i], in, &arg[i]);
        if (ev->no_memory)
            return;
    }
    if (make_col(ev, out, e->type->kind))
        e->fn->kernel(ev, e, arg, out);
}

/* Room for the rows of ev where something holds. */
static uint16_t *sel_alloc(struct eval *ev)
{
    uint16_t *sel = arena_alloc(ev->arena, (ev->sel_cnt + SEL_SLACK) * sizeof *sel);

    if (!sel)
        ev->no_memory = 1;
    return sel;
}

/* Evaluates e for the rows of sel alone. */
static void eval_some(struct eval *ev, const struct expr *e, const struct col *in,
                      const uint16_t *sel, uint32_t sel_cnt, struct col *out)
{
    const uint16_t *old_sel = ev->sel;
    uint32_t old_cnt = ev->sel_cnt;

    ev->sel = sel;
    ev->sel_cnt = sel_cnt;
    eval_expr(ev, e, in, out);
    ev->sel = old_sel;
    ev->sel_cnt = old_cnt;
}

/* a && b, a || b: `decides` is the value of a that makes b needless. */
static void eval_logic(struct eval *ev, const struct expr *e, const struct col *in, struct col *out,
                       bool decides)
{
    struct col a, b;

    eval_expr(ev, e->arg[0], in, &a);
    if (ev->no_memory)
        return;
    if (e->arg[1]->total) {
        eval_expr(ev, e->arg[1], in, &b);
        if (ev->no_memory || !make_col(ev, out, TYPE_BOOL))
            return;
        const int64_t *restrict x = a.i, *restrict y = b.i;
        int64_t *restrict o = out->i;
        if (decides)
            EVERY_ROW(ev, r, o[r] = x[r] | y[r];);
        else
            EVERY_ROW(ev, r, o[r] = x[r] & y[r];);
        return;
    }
    uint16_t *sel = sel_alloc(ev);
    if (!sel || !make_col(ev, out, TYPE_BOOL))
        return;
    memcpy(out->i, a.i, ev->rows * sizeof *out->i);
    uint32_t sel_cnt = sel_where(sel, a.i, !decides, ev->sel, ev->sel_cnt);
    if (!sel_cnt)
        return;
    eval_some(ev, e->arg[1], in, sel, sel_cnt, &b);
    if (ev->no_memory)
        return;
    for (uint32_t i = 0; i < sel_cnt; i++)
        out->i[sel[i]] = b.i[sel[i]];
}

static void eval_if(struct eval *ev, const struct expr *e, const struct col *in, struct col *out)
{
    struct col cond, a, b;

    eval_expr(ev, e->arg[0], in, &cond);
    if (ev->no_memory)
        return;
    if (e->arg[1]->total && e->arg[2]->total) {
        eval_expr(ev, e->arg[1], in, &a);
        eval_expr(ev, e->arg[2], in, &b);
    } else {
        uint16_t *then = sel_alloc(ev), *otherwise = sel_alloc(ev);
        if (!then || !otherwise)
            return;
        uint32_t then_cnt = sel_where(then, cond.i, true, ev->sel, ev->sel_cnt);
        uint32_t otherwise_cnt = sel_where(otherwise, cond.i, false, ev->sel, ev->sel_cnt);
        if (!otherwise_cnt || !then_cnt) {
            eval_expr(ev, e->arg[otherwise_cnt ? 2 : 1], in, out);
            return;
        }
        eval_some(ev, e->arg[1], in, then, then_cnt, &a);
        if (!ev->no_memory)
            eval_some(ev, e->arg[2], in, otherwise, otherwise_cnt, &b);
    }
    if (!ev->no_memory && make_col(ev, out, e->type->kind))
        col_choose(ev, cond.i, &a, &b, out);
}

static void eval_expr(struct eval *ev, const struct expr *e, const struct col *in, struct col *out)
{
    switch (e->op) {
    case EXPR_LIT: *out = e->splat; break;
    case EXPR_COL: *out = in[e->col]; break;
    case EXPR_CALL: eval_call(ev, e, in, out); break;
    case EXPR_AND: eval_logic(ev, e, in, out, false); break;
    case EXPR_OR: eval_logic(ev, e, in, out, true); break;
    case EXPR_IF: eval_if(ev, e, in, out); break;
    }
}

void lambda_eval(struct eval *ev, const struct lambda *l, const struct vec *in, struct col *out)
{
    MR_ASSERT(in->rows <= VEC_ROWS_MAX);
    ev->rows = in->rows;
    ev->sel = in->sel;
    ev->sel_cnt = in->sel_cnt;
    for (uint32_t i = 0; i < l->leaves_cnt && !ev->no_memory; i++) {
        ahead_fetch(in->ahead, AHEAD_LINES);
        eval_expr(ev, l->leaf[i], in->col, &out[i]);
    }
}
