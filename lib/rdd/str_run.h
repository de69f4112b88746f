/*
 * Runs of strings: the strings of a column that lie one after the other in memory, with small
 * gaps, so that a kernel can go over their bytes in one sweep and map what it finds to rows.
 *
 * Lines of a datagram are such a run: one byte lies between them. The bytes of a gap belong to no
 * row; a kernel reads them and must leave them out of its answer. A gap is shorter than a cache
 * line, so reading it touches no memory that the strings around it do not touch.
 */
#ifndef RDD_STR_RUN_H
#define RDD_STR_RUN_H

#include <stdbool.h>

#include "rdd/expr.h"

#define STR_RUN_GAP_MAX 48u

struct str_run {
    uint32_t from, to;  /* live rows [from, to) of the selection */
    uint32_t start_off; /* bytes [start_off, end_off) from the column's base */
    uint32_t end_off;
};

static inline uint32_t str_run_row(const struct eval *ev, uint32_t i)
{
    return ev->sel ? ev->sel[i] : i;
}

/* The first row in [r, rows) that does not follow the one before it; by 32 rows at a time as long
 * as the widest of their gaps is not too wide (one that is negative counts as very wide). */
static inline uint32_t str_run_dense(const uint32_t *off, const uint32_t *len, uint32_t r,
                                     uint32_t rows, uint32_t gap_min)
{
    for (; r + 32 <= rows; r += 32) {
        const uint32_t *o = off + r - 1, *n = len + r - 1;
        uint32_t widest = 0;
        for (size_t k = 0; k < 32; k++) {
            uint32_t gap = o[k + 1] - o[k] - n[k] - gap_min;
            widest = gap > widest ? gap : widest;
        }
        if (widest > STR_RUN_GAP_MAX)
            break;
    }
    while (r < rows && off[r] - off[r - 1] - len[r - 1] - gap_min <= STR_RUN_GAP_MAX)
        r++;
    return r;
}

/* str_run_next finds the run that begins at live row run->to (0 to begin with); false at the
 * end. gap_min: what must lie between two strings of a run, 0 if they may touch. */
static inline bool str_run_next(struct str_run *run, const struct eval *ev, const struct col *c,
                                uint32_t gap_min)
{
    const uint32_t *off = c->s.off, *len = c->s.len;
    uint32_t i = run->to;

    if (i == ev->sel_cnt)
        return false;
    uint32_t r = str_run_row(ev, i);
    uint32_t end = off[r] + len[r];
    run->from = i++;
    run->start_off = off[r];
    if (!ev->sel) {
        i = str_run_dense(off, len, i, ev->sel_cnt, gap_min);
        end = off[i - 1] + len[i - 1];
    }
    for (; ev->sel && i < ev->sel_cnt; i++) {
        r = str_run_row(ev, i);
        if (off[r] - end - gap_min > STR_RUN_GAP_MAX)
            break;
        end = off[r] + len[r];
    }
    run->to = i;
    run->end_off = end;
    return true;
}

#endif
