#include "rdd/pipeline.h"
#include "base/assert.h"

static void pass_push(struct pipeline *p, const struct pnode *n, const struct vec *v)
{
    pipeline_kids(p, n, v);
}

static void write_push(struct pipeline *p, const struct pnode *n, const struct vec *v)
{
    struct vec out = *v;

    out.way = n->way;
    for (uint32_t i = 0; i < p->writers_cnt; i++)
        if (p->writer[i]->node == n)
            stage_writer_push(p->writer[i], &out, p->out, p->scratch);
}

static const op_push push_table[] = {
    [PN_MAP] = op_map_push,   [PN_FLAT_MAP] = op_flat_map_push, [PN_FILTER] = op_filter_push,
    [PN_PASS] = pass_push,    [PN_WRITE_AGG] = write_push,      [PN_WRITE_ROWS] = write_push,
    [PN_OUTPUT] = write_push,
};

void pipeline_push(struct pipeline *p, const struct pnode *n, const struct vec *v)
{
    push_table[n->kind](p, n, v);
}

void pipeline_kids(struct pipeline *p, const struct pnode *n, const struct vec *v)
{
    if (!v->sel_cnt)
        return;
    for (uint32_t i = 0; i < n->kids_cnt; i++) {
        size_t mark = p->scratch->used;
        ahead_fetch(v->ahead, AHEAD_LINES);
        pipeline_push(p, n->kid[i], v);
        p->scratch->used = mark;
    }
}

void pipeline_flush(struct pipeline *p)
{
    for (uint32_t i = 0; i < p->writers_cnt; i++)
        stage_writer_flush(p->writer[i], p->out);
}

/* The value's leaves come after the key's in a pair. */
static struct vec value_of(const struct pnode *n, const struct vec *v)
{
    struct vec value = *v;

    if (n->on_value) {
        uint32_t key_leaves = type_leaves(n->from->part[0]);
        value.col += key_leaves;
        value.cols_cnt -= key_leaves;
    }
    return value;
}

/* The rows of v that did not fail. */
static const uint16_t *without_failed(const struct vec *v, const uint8_t *failed, uint16_t *sel,
                                      uint32_t *cnt)
{
    uint32_t k = 0;

    for (uint32_t i = 0; i < v->sel_cnt; i++) {
        uint32_t r = vec_row(v, i);
        sel[k] = (uint16_t)r;
        k += !failed[r];
    }
    *cnt = k;
    return sel;
}

bool pipeline_eval(struct pipeline *p, const struct pnode *n, const struct vec *v, struct col *out,
                   const uint16_t **sel, uint32_t *sel_cnt)
{
    struct vec in = value_of(n, v);
    uint16_t *left = arena_alloc(p->scratch, (size_t)v->rows * sizeof *left);
    uint8_t *failed = arena_alloc(p->scratch, v->rows);

    if (!left || !failed) {
        p->no_memory += v->sel_cnt;
        return false;
    }
    memset(failed, 0, v->rows);
    bool elems_only = n->kind == PN_FLAT_MAP && !n->on_value && !n->ordered;
    struct eval ev = {.arena = p->scratch,
                      .rows = v->rows,
                      .sel = v->sel,
                      .sel_cnt = v->sel_cnt,
                      .failed = failed,
                      .elems_of = elems_only ? n->fn->leaf[0] : NULL};
    lambda_eval(&ev, n->fn, &in, out);
    if (ev.no_memory) {
        p->no_memory += v->sel_cnt;
        return false;
    }
    p->failed[n->fail_idx] += ev.failed_cnt;
    *sel = v->sel;
    *sel_cnt = v->sel_cnt;
    if (ev.failed_cnt)
        *sel = without_failed(v, failed, left, sel_cnt);
    return true;
}
