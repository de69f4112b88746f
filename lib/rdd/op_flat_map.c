/*
 * flatMap and flatMapValues: fn gives a list, every element becomes a row. The elements of a
 * vector may be many vectors: they leave VEC_ROWS_MAX at a time, in order. When the lists of all
 * rows lie one after the other, as those of split do, the elements are not copied; and where
 * nothing below keeps the order of rows, split need not say whose they are (eval.elems_of). Where
 * something does, every element gets its place (vec.h).
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

/* Which element of which live row of v comes next, in the order in which they leave. */
struct walk {
    const struct vec *v;
    const struct col *list;
    uint32_t i, elem;
};

/* The places of the next so many elements; NULL where no order is kept. Those of one record are
 * numbered on from vector to vector: a flatMap of a flatMap gets them in pieces. */
static const uint64_t *number_rows(struct pipeline *p, const struct pnode *n, struct walk *w,
                                   uint64_t *place, uint32_t rows)
{
    uint64_t next = p->flat_ord[n->idx];

    if (!n->ordered)
        return NULL;

    for (uint32_t e = 0; e < rows; e++, w->elem++) {
        for (; w->elem == w->list->l.cnt[vec_row(w->v, w->i)]; w->elem = 0)
            w->i++;
        uint64_t record = vec_record(w->v, vec_row(w->v, w->i)) >> PLACE_ROW_BITS;
        if (record != next >> PLACE_ROW_BITS)
            next = record << PLACE_ROW_BITS;
        place[e] = next;
        next += (next & PLACE_NUMBER_MAX) < PLACE_NUMBER_MAX;
    }
    p->flat_ord[n->idx] = next;
    return place;
}

static void push_rows(struct pipeline *p, const struct pnode *n, uint64_t ord_hi,
                      const uint64_t *place, struct col *cols, uint32_t rows)
{
    struct vec out = {.rows = rows,
                      .cols_cnt = type_leaves(n->type),
                      .col = cols,
                      .sel_cnt = rows,
                      .ord_hi = ord_hi,
                      .place = place};

    pipeline_kids(p, n, &out);
}

static void push_run(struct pipeline *p, const struct pnode *n, struct walk *w, uint32_t first,
                     uint32_t cnt)
{
    const struct vec *elems = w->list->l.elems;
    struct col cols[TYPE_LEAVES_MAX];
    uint64_t room[VEC_ROWS_MAX];

    for (uint32_t done = 0; done < cnt; done += VEC_ROWS_MAX) {
        uint32_t rows = cnt - done < VEC_ROWS_MAX ? cnt - done : VEC_ROWS_MAX;
        for (uint32_t c = 0; c < elems->cols_cnt; c++)
            cols[c] = shifted(&elems->col[c], first + done);
        const uint64_t *place = number_rows(p, n, w, room, rows);
        push_rows(p, n, w->v->ord_hi, place, cols, rows);
    }
}

static void push_piece(struct pipeline *p, const struct pnode *n, struct walk *w,
                       struct piece *piece)
{
    const struct vec *v = w->v, *elems = w->list->l.elems;
    struct col cols[TYPE_LEAVES_MAX];
    uint32_t keys = n->on_value ? type_leaves(n->from->part[0]) : 0, row[VEC_ROWS_MAX];
    uint64_t room[VEC_ROWS_MAX];
    const uint64_t *place = number_rows(p, n, w, room, piece->n);
    size_t mark = p->scratch->used;
    bool ok = true;

    for (uint32_t i = 0; i < piece->n; i++)
        row[i] = piece->from[i];
    for (uint32_t c = 0; ok && c < keys; c++)
        ok = gather(&cols[c], &v->col[c], row, piece->n, p->scratch);
    for (uint32_t c = 0; ok && c < elems->cols_cnt; c++)
        ok = gather(&cols[keys + c], &elems->col[c], piece->elem, piece->n, p->scratch);
    if (ok)
        push_rows(p, n, v->ord_hi, place, cols, piece->n);
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
    struct walk walk = {.v = &alive, .list = &list};
    uint32_t first = 0, cnt;

    if (!pipeline_eval(p, n, v, &list, &alive.sel, &alive.sel_cnt))
        return;
    if (!list.l.off) {
        push_run(p, n, &walk, 0, list.l.elems->rows);
        return;
    }
    if (!n->on_value && one_run(&list, &alive, &first, &cnt)) {
        push_run(p, n, &walk, first, cnt);
        return;
    }
    for (uint32_t i = 0; i < alive.sel_cnt; i++) {
        uint32_t r = vec_row(&alive, i);
        for (uint32_t k = 0; k < list.l.cnt[r]; k++) {
            piece.elem[piece.n] = list.l.off[r] + k;
            piece.from[piece.n++] = (uint16_t)r;
            if (piece.n == VEC_ROWS_MAX)
                push_piece(p, n, &walk, &piece);
        }
    }
    if (piece.n)
        push_piece(p, n, &walk, &piece);
}
