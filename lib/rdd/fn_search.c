#include <string.h>

#include "rdd/find.h"
#include "rdd/fn_literal.h"
#include "rdd/str.h"
#include "rdd/str_run.h"

/*
 * Finding one string in another. A literal needle is looked for in whole runs of the column, and
 * each hit is mapped to its row; what else lies in that row is passed by, because one is enough.
 */

int fn_prepare_needle(struct expr *call, struct zone *z, char *err, size_t err_bytes)
{
    const struct expr *lit = call->arg[1];

    (void)err;
    (void)err_bytes;
    if (lit->op != EXPR_LIT || lit->lit.s_len == 0)
        return 0;
    struct needle_set *set = zone_alloc(z, sizeof *set);
    needle_set_add(set, (const uint8_t *)lit->lit.s, lit->lit.s_len);
    call->prepared = set;
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

#define SWEEP_BYTES 16384u

/* A search through the rows of a column. */
struct search {
    const struct eval *ev;
    const struct needle_set *set;
    const struct col *c;
    int64_t *out; /* of a row in which the needle lies: its place, or 1 */
    bool want_place;
    struct str_run run;
    uint32_t i;    /* the run's row that was found last, or its first */
    uint32_t next; /* where the first row begins that is not found yet */
};

/* The needle may begin `at` bytes from the base. */
static inline void search_place(struct search *s, uint32_t at)
{
    const struct needle *nd = s->set->needle;
    const struct col *c = s->c;

    if (!needle_set_at(s->set, c->s.base + at, s->run.end_off - at))
        return;
    s->i = row_at(s->ev, c->s.off, s->i, s->run.to, at);
    uint32_t r = str_run_row(s->ev, s->i), place = at - c->s.off[r];
    if (place + nd->n <= c->s.len[r])
        s->out[r] = s->want_place ? place : 1;
    s->next = s->i + 1 < s->run.to ? c->s.off[str_run_row(s->ev, s->i + 1)] : UINT32_MAX;
}

/* The places, 64 from `at` on. Those in a row that is found are passed by at once. */
static inline void search_places(struct search *s, uint32_t at, uint64_t places)
{
    for (uint64_t m = places; m;) {
        if (s->next >= at + 64)
            return;
        if (s->next > at)
            m &= ~0ull << (s->next - at);
        if (m)
            search_place(s, at + (uint32_t)__builtin_ctzll(m));
        m &= m - 1;
    }
}

/* Goes over the bytes of the run, some at a time: a probe may lie behind them, and then the place
 * is found with the next. */
static void search_run(struct search *s)
{
    struct sweep_hit hit[SWEEP_BYTES / 64];
    uint32_t from = s->run.start_off;

    while (from < s->run.end_off) {
        uint32_t left = s->run.end_off - from, n = left < SWEEP_BYTES ? left : SWEEP_BYTES;
        uint32_t hits = sweep_text(s->set, s->c->s.base + from, n, hit);
        for (uint32_t k = 0; k < hits; k++)
            search_places(s, from + hit[k].off, hit[k].places);
        from += n == left ? n : n - s->set->reach;
    }
}

/* Calls for every row of the column in which the needle lies: out[row] = its place. */
static void find_in_rows(const struct eval *ev, const struct needle_set *set, const struct col *c,
                         int64_t *out, bool want_place)
{
    struct search s = {.ev = ev, .set = set, .c = c, .out = out, .want_place = want_place};

    while (str_run_next(&s.run, ev, c, 0)) {
        s.i = s.run.from;
        s.next = s.run.start_off;
        search_run(&s);
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
    if (call->arg[1]->op == EXPR_LIT) {
        literal_compare(ev, arg, out, false);
        return;
    }
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
