/* filter: rows for which fn is true stay. */
#include "rdd/pipeline.h"

void op_filter_push(struct pipeline *p, const struct pnode *n, const struct vec *v)
{
    struct col keep;
    struct vec out = *v;
    uint16_t *sel = arena_alloc(p->scratch, (size_t)v->rows * sizeof *sel);
    uint32_t k = 0;

    if (!sel) {
        p->no_memory += v->sel_cnt;
        return;
    }
    if (!pipeline_eval(p, n, v, &keep, &out.sel, &out.sel_cnt))
        return;
    for (uint32_t i = 0; i < out.sel_cnt; i++) {
        uint32_t r = vec_row(&out, i);
        sel[k] = (uint16_t)r;
        k += keep.i[r] != 0;
    }
    out.sel = sel;
    out.sel_cnt = k;
    pipeline_kids(p, n, &out);
}
