/*
 * flatMap and flatMapValues: fn gives a list, every element becomes a row. The elements of a
 * vector may be many vectors: they leave VEC_ROWS_MAX at a time, in order. When the lists of all
 * rows lie one after the other, as those of split do, the elements are not copied.
 */
#include "rdd/pipeline.h"

/* A piece of the elements: which element, and which row it came from. */
struct piece {
    uint32_t n;
    uint32_t elem[VEC_ROWS_MAX];
    uint16_t from[VEC_ROWS_MAX];
};

/* Column c at rows at[0..n). Views: only the arrays of the column are made anew. */
static bool gather(struct col *out, const struct col *c, const uint32_t *at, uint32_t n,
                   struct arena *a)
{
    if (col_alloc(out, c->kind, n, a))
        return false;
    switch (c->kind) {
    case TYPE_STRING:
        out->s.base = c->s.base;
        for (uint32_t i = 0; i < n; i++) {
            out->s.off[i] = c->s.off[at[i]];
            out->s.len[i] = c->s.len[at[i]];
        }
        return true;
    case TYPE_LIST:
        out->l.elems = c->l.elems;
        for (uint32_t i = 0; i < n; i++) {
            out->l.off[i] = c->l.off[at[i]];
            out->l.cnt[i] = c->l.cnt[at[i]];
        }
        return true;
    case TYPE_IP:
        for (uint32_t i = 0; i < n; i++)
            out->ip[i] = c->ip[at[i]];
        return true;
    default: /* eight bytes, int or float */
        for (uint32_t i = 0; i < n; i++)
            out->i[i] = c->i[at[i]];
        return true;
    }
}

/* Column c from row `first` on, without a copy. */
static struct col shifted(const struct col *c, uint32_t first)
{
    struct col s = *c;

    if (c->kind == TYPE_STRING) {
        s.s.off += first;
        s.s.len += first;
    } else if (c->kind == TYPE_LIST) {
        s.l.off += first;
        s.l.cnt += first;
    } else if (c->kind == TYPE_IP) {
        s.ip += first;
    } else {
        s.i += first;
    }
    return s;
}

/* The elements of the live rows are exactly the run [*first, *first + *cnt). */
static bool one_run(const struct col *list, const struct vec *v, uint32_t *first, uint32_t *cnt)
{
    uint32_t next = 0;

    *cnt = 0;
    for (uint32_t i = 0; i < v->sel_cnt; i++) {
        uint32_t r = vec_row(v, i);
        if (!list->l.cnt[r])
            continue;
        if (!*cnt)
            *first = next = list->l.off[r];
        if (list->l.off[r] != next)
            return false;
        next += list->l.cnt[r];
        *cnt += list->l.cnt[r];
    }
    return true;
}

static void push_rows(struct pipeline *p, const struct pnode *n, const struct vec *v,
                      struct col *cols, uint32_t rows)
{
    struct vec out = {.rows = rows,
                      .cols_cnt = type_leaves(n->type),
                      .col = cols,
                      .sel_cnt = rows,
                      .ord_hi = v->ord_hi,
                      .ord_lo = p->flat_ord[n->idx]};

    p->flat_ord[n->idx] += rows;
    pipeline_kids(p, n, &out);
}

static void push_run(struct pipeline *p, const struct pnode *n, const struct vec *v,
                     const struct vec *elems, uint32_t first, uint32_t cnt)
{
    struct col cols[TYPE_LEAVES_MAX];

    for (uint32_t done = 0; done < cnt; done += VEC_ROWS_MAX) {
        uint32_t rows = cnt - done < VEC_ROWS_MAX ? cnt - done : VEC_ROWS_MAX;
        for (uint32_t c = 0; c < elems->cols_cnt; c++)
            cols[c] = shifted(&elems->col[c], first + done);
        push_rows(p, n, v, cols, rows);
    }
}

static void push_piece(struct pipeline *p, const struct pnode *n, const struct vec *v,
                       const struct vec *elems, struct piece *piece)
{
    struct col cols[TYPE_LEAVES_MAX];
    uint32_t keys = n->on_value ? type_leaves(n->from->part[0]) : 0, row[VEC_ROWS_MAX];
    size_t mark = p->scratch->used;
    bool ok = true;

    for (uint32_t i = 0; i < piece->n; i++)
        row[i] = piece->from[i];
    for (uint32_t c = 0; ok && c < keys; c++)
        ok = gather(&cols[c], &v->col[c], row, piece->n, p->scratch);
    for (uint32_t c = 0; ok && c < elems->cols_cnt; c++)
        ok = gather(&cols[keys + c], &elems->col[c], piece->elem, piece->n, p->scratch);
    if (ok)
        push_rows(p, n, v, cols, piece->n);
    else
        p->no_memory += piece->n;
    p->scratch->used = mark;
    piece->n = 0;
}

void op_flat_map_push(struct pipeline *p, const struct pnode *n, const struct vec *v)
{
    struct col list;
    struct vec alive = *v;
    struct piece piece = {.n = 0};
    uint32_t first = 0, cnt;

    if (!pipeline_eval(p, n, v, &list, &alive.sel, &alive.sel_cnt))
        return;
    if (!n->on_value && one_run(&list, &alive, &first, &cnt)) {
        push_run(p, n, v, list.l.elems, first, cnt);
        return;
    }
    for (uint32_t i = 0; i < alive.sel_cnt; i++) {
        uint32_t r = vec_row(&alive, i);
        for (uint32_t k = 0; k < list.l.cnt[r]; k++) {
            piece.elem[piece.n] = list.l.off[r] + k;
            piece.from[piece.n++] = (uint16_t)r;
            if (piece.n == VEC_ROWS_MAX)
                push_piece(p, n, v, list.l.elems, &piece);
        }
    }
    if (piece.n)
        push_piece(p, n, v, list.l.elems, &piece);
}
