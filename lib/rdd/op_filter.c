/*
 * filter: rows for which fn is true stay.
 *
 * Where half of them or fewer do, and what is read of them below is numbers and addresses, they are
 * put together: what comes then works on whole columns again instead of choosing row by row. They
 * keep their places where order is kept. A filter that is a sieve (sieve.h) is passed by where the
 * reader did its work. Measured (Zen 4, a third stays): 0.13 ns for each row that came and column,
 * and 0.1 ns for its place; a division by a literal saves 0.2 ns, a key 0.25 ns.
 */
#include "rdd/pipeline.h"

#define PACK_ROWS_MIN 64u /* fewer cost less than to put them together */

static int pack_col(struct col *to, const struct col *from, const uint16_t *sel, uint32_t n,
                    struct arena *a)
{
    if (col_alloc(to, from->kind, n, a))
        return -1;
    if (from->kind == TYPE_IP) {
        for (uint32_t i = 0; i < n; i++)
            to->ip[i] = from->ip[sel[i]];
    } else {
        const int64_t *restrict words = from->i;
        int64_t *restrict out = to->i;
        for (uint32_t i = 0; i < n; i++)
            out[i] = words[sel[i]];
    }
    return 0;
}

static int pack_places(struct vec *out, struct arena *a)
{
    uint64_t *place = arena_alloc(a, out->sel_cnt * sizeof *place);

    if (!place)
        return -1;
    for (uint32_t i = 0; i < out->sel_cnt; i++)
        place[i] = vec_record(out, out->sel[i]);
    out->place = place;
    return 0;
}

/* Makes the rows of out's selection its only ones; cols has room for its columns. */
static int pack(const struct pnode *n, struct vec *out, struct col *cols, struct arena *a)
{
    for (uint32_t c = 0; c < out->cols_cnt; c++) {
        cols[c] = (struct col){.kind = out->col[c].kind};
        if (!(n->packs >> c & 1))
            continue;
        ahead_fetch(out->ahead, AHEAD_LINES);
        if (pack_col(&cols[c], &out->col[c], out->sel, out->sel_cnt, a))
            return -1;
    }
    if (n->ordered && pack_places(out, a))
        return -1;
    out->col = cols;
    out->rows = out->sel_cnt;
    out->sel = NULL;
    return 0;
}

/* Where fn holds, as out's selection in sel; false: the scratch was full. */
static bool choose(struct pipeline *p, const struct pnode *n, const struct vec *v, struct vec *out,
                   uint16_t *sel)
{
    const struct comparison *c = &n->comparison;
    struct col keep;

    ahead_fetch(v->ahead, AHEAD_LINES);
    if (!v->sel && n->compares) {
        out->sel_cnt = sel_compare(sel, v->col[c->col].i, c->op, c->with, v->rows);
    } else {
        if (!pipeline_eval(p, n, v, &keep, &out->sel, &out->sel_cnt))
            return false;
        out->sel_cnt = sel_where(sel, keep.i, true, out->sel, out->sel_cnt);
    }
    out->sel = sel;
    return true;
}

void op_filter_push(struct pipeline *p, const struct pnode *n, const struct vec *v)
{
    struct col cols[TYPE_LEAVES_MAX];
    struct vec out = *v;
    uint16_t *sel = arena_alloc(p->scratch, ((size_t)v->rows + SEL_SLACK) * sizeof *sel);

    if (!sel) {
        p->no_memory += v->sel_cnt;
        return;
    }
    if (!choose(p, n, v, &out, sel))
        return;
    if (n->packs && v->rows >= PACK_ROWS_MIN && out.sel_cnt <= v->rows / 2 &&
        pack(n, &out, cols, p->scratch)) {
        p->no_memory += out.sel_cnt;
        return;
    }
    pipeline_kids(p, n, &out);
}
