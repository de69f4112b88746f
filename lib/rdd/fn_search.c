#include <string.h>

#include "rdd/find.h"
#include "rdd/fn.h"
#include "rdd/str.h"
#include "rdd/str_run.h"

/*
 * Finding one string in another. A literal needle is looked for in whole runs of the column, and
 * each hit is mapped to its row; the search goes on at the next row, because one hit is enough.
 */

int fn_prepare_needle(struct expr *call, struct zone *z, char *err, size_t err_bytes)
{
    const struct expr *lit = call->arg[1];

    (void)err;
    (void)err_bytes;
    if (lit->op != EXPR_LIT || lit->lit.s_len == 0)
        return 0;
    struct needle *nd = zone_alloc(z, sizeof *nd);
    needle_init(nd, (const uint8_t *)lit->lit.s, lit->lit.s_len);
    call->prepared = nd;
    return 0;
}

/* The last live row in [i, to) that begins at or before off; row i does. */
static uint32_t row_at(const struct eval *ev, const uint32_t *row_off, uint32_t i, uint32_t to,
                       uint32_t off)
{
    uint32_t step = 1;

    while (step < to - i && row_off[str_run_row(ev, i + step)] <= off) {
        i += step;
        step *= 2;
    }
    for (; step; step /= 2)
        if (step < to - i && row_off[str_run_row(ev, i + step)] <= off)
            i += step;
    return i;
}

/* Calls for every row of the column in which the needle lies: out[row] = its place. */
static void find_in_rows(const struct eval *ev, const struct needle *nd, const struct col *c,
                         int64_t *out, bool want_place)
{
    struct str_run run = {0};
    const uint8_t *base = c->s.base;

    while (str_run_next(&run, ev, c, 0)) {
        const uint8_t *end = base + run.end_off, *p = base + run.start_off;
        uint32_t i = run.from;
        while ((p = find_first(nd, p, end))) {
            i = row_at(ev, c->s.off, i, run.to, (uint32_t)(p - base));
            uint32_t r = str_run_row(ev, i), at = (uint32_t)(p - base) - c->s.off[r];
            if (at + nd->n <= c->s.len[r])
                out[r] = want_place ? at : 1;
            if (++i == run.to)
                break;
            p = base + c->s.off[str_run_row(ev, i)];
        }
    }
}

static int64_t find_in_row(const struct col *arg, uint32_t r)
{
    const uint8_t *s = col_str(&arg[0], r);
    const uint8_t *at = memmem(s, arg[0].s.len[r], col_str(&arg[1], r), arg[1].s.len[r]);

    return at ? at - s : -1;
}

void fn_contains(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    if (call->prepared) {
        memset(out->i, 0, ev->rows * sizeof *out->i);
        find_in_rows(ev, call->prepared, &arg[0], out->i, false);
    } else {
        EACH_ROW(ev, r, out->i[r] = find_in_row(arg, r) >= 0;);
    }
}

void fn_index_of(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    if (call->prepared) {
        memset(out->i, 0xff, ev->rows * sizeof *out->i);
        find_in_rows(ev, call->prepared, &arg[0], out->i, true);
    } else {
        EACH_ROW(ev, r, out->i[r] = find_in_row(arg, r););
    }
}

void fn_starts_with(struct eval *ev, const struct expr *call, const struct col *arg,
                    struct col *out)
{
    (void)call;
    EACH_ROW(ev, r, {
        uint32_t n = arg[1].s.len[r];
        out->i[r] = n <= arg[0].s.len[r] && str_equal(col_str(&arg[0], r), col_str(&arg[1], r), n);
    });
}

void fn_ends_with(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    (void)call;
    EACH_ROW(ev, r, {
        uint32_t len = arg[0].s.len[r], n = arg[1].s.len[r];
        out->i[r] = n <= len && str_equal(col_str(&arg[0], r) + (len - n), col_str(&arg[1], r), n);
    });
}
