/* map and mapValues: every row becomes fn(row); the key of a pair passes by mapValues. */
#include "rdd/pipeline.h"

void op_map_push(struct pipeline *p, const struct pnode *n, const struct vec *v)
{
    struct col cols[TYPE_LEAVES_MAX];
    struct vec out = *v;
    uint32_t keys = n->on_value ? type_leaves(n->from->part[0]) : 0;

    if (keys)
        memcpy(cols, v->col, keys * sizeof cols[0]);
    if (!pipeline_eval(p, n, v, cols + keys, &out.sel, &out.sel_cnt))
        return;
    out.col = cols;
    out.cols_cnt = type_leaves(n->type);
    pipeline_kids(p, n, &out);
}
