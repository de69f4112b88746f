/*
 * The state of one partition of an EX_ROWS exchange: the rows of the intervals in its window.
 *
 * Rows are kept as they were encoded (rows.h), interval after interval, in a ring of bytes; an
 * interval leaves as a whole. When an interval closes, its rows get their place in it
 * (ord_hi = interval, ord_lo = rank by their order of coming), so the rows of a window have one
 * order. Emission sorts an index:
 *
 *   group   by key, then order: one row (key, list of values) for each key
 *   top     by value, largest first, then key, then order: the first top_cnt
 *   else    by order
 *
 * Full. An interval whose rows do not fit is left out as a whole: which rows are lost depends on
 * their bytes alone, not on timing. They are counted in `refused`, and results are incomplete
 * while they cover that interval.
 */
#ifndef RDD_ROWS_STATE_H
#define RDD_ROWS_STATE_H

#include "rdd/plan.h"
#include "rdd/rows.h"

struct rows_span {
    uint64_t interval, first; /* ring position of its first byte */
    uint64_t rows, bytes;
    bool refused;
};

struct rows_state {
    const struct exchange *x;
    uint64_t interval;
    bool open;
    uint8_t *ring;
    uint64_t ring_bytes, head, tail; /* positions; a row never wraps */
    uint64_t live_bytes;             /* of rows, without what fills the end of the ring */
    struct rows_span *span;          /* ring of len + 1 */
    uint64_t spans_max, span_head, span_tail;
    uint32_t *idx; /* rows in order, as ring offsets / 8 */
    uint32_t idx_max, idx_cnt;
    uint64_t refused;
    uint64_t too_long; /* lists that did not fit the scratch: their rows */
    uint64_t lost_until;
};

void rows_state_init(struct rows_state *s, const struct exchange *x, void *mem);
void rows_state_begin(struct rows_state *s, uint64_t interval);
/* rows_state_merge takes the rows of a block over. */
void rows_state_merge(struct rows_state *s, const struct block *b);
void rows_state_end(struct rows_state *s);
/* rows_state_emit: as agg_state_emit; a vector may be empty although there is more. */
int rows_state_emit(struct rows_state *s, uint32_t *cursor, struct vec *out, struct arena *scratch);
bool rows_state_complete(const struct rows_state *s);

/* Order of two rows by rank: value downward, then key, then their order. */
int rows_cmp_rank(const struct row_hdr *a, const struct row_hdr *b);
int rows_cmp_order(const struct row_hdr *a, const struct row_hdr *b);

#endif
