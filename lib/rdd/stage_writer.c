#include "rdd/stage_writer.h"
#include "rdd/combine.h"
#include "rdd/rows_writer.h"

static bool is_agg(const struct pnode *n)
{
    return n->kind == PN_WRITE_AGG;
}

size_t stage_writer_bytes(const struct pnode *node)
{
    return is_agg(node) ? combine_bytes(node->exchange) : rows_writer_bytes();
}

/* Rows of outputs, groups and tops have a key apart from their value, if they are pairs. */
static void set_row_types(struct stage_writer *w)
{
    const struct pnode *n = w->node;
    const struct type *row = n->from;
    bool apart = n->kind == PN_OUTPUT || n->exchange->group || n->exchange->top_cnt;

    w->row_key = apart && type_is_pair(row) ? row->part[0] : NULL;
    w->row_value = w->row_key ? row->part[1] : row;
}

void stage_writer_init(struct stage_writer *w, const struct pnode *node, const struct stage *stage,
                       void *mem)
{
    *w = (struct stage_writer){.node = node, .stage = stage};
    if (is_agg(node)) {
        combine_init(w, mem);
        return;
    }
    set_row_types(w);
    rows_writer_init(&w->rows, mem);
}

void stage_writer_push(struct stage_writer *w, const struct vec *v, struct task_out *out,
                       struct arena *scratch)
{
    if (!v->sel_cnt)
        return;
    if (is_agg(w->node))
        combine_push(w, v, out, scratch);
    else
        rows_writer_push(w, v, out, scratch);
}

void stage_writer_flush(struct stage_writer *w, struct task_out *out)
{
    if (is_agg(w->node))
        combine_flush(w, out);
    else
        rows_writer_flush(w, out);
    w->blocks = 0;
}
