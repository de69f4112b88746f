/* filter: rows for which fn is true stay. */
#include "rdd/pipeline.h"
#include "rdd/sel.h"

void op_filter_push(struct pipeline *p, const struct pnode *n, const struct vec *v)
{
    struct col keep;
    struct vec out = *v;
    uint16_t *sel = arena_alloc(p->scratch, ((size_t)v->rows + SEL_SLACK) * sizeof *sel);

    if (!sel) {
        p->no_memory += v->sel_cnt;
        return;
    }
    if (!pipeline_eval(p, n, v, &keep, &out.sel, &out.sel_cnt))
        return;
    out.sel_cnt = sel_where(sel, keep.i, true, out.sel, out.sel_cnt);
    out.sel = sel;
    pipeline_kids(p, n, &out);
}
