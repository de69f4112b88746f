/*
 * The state of one partition of an EX_ROWS exchange: the rows of the intervals in its window.
 *
 * Rows are kept as they were encoded (rows.h), interval after interval, in a ring of bytes; an
 * interval leaves as a whole. When an interval closes, its rows get their place in it
 * (ord_hi = interval, ord_lo = rank by their order of coming), so the rows of a window have one
 * order. Emission sorts an index:
 *
 *   group   by key, then order: one row (key, list of values) for each key
 *   top     by value, largest first, then key: the first top_cnt (rows_top.h: no more of an
 * interval are kept than that, in a region instead of a ring) else    by order
 *
 * Full. An interval whose rows do not fit is left out as a whole: which rows are lost depends on
 * their bytes alone, not on timing. They are counted in `refused`, and results are incomplete
 * while they cover that interval.
 *
 * Work is done in steps of at most VEC_ROWS_MAX rows; the vector of a group holds GROUP_ELEMS_MAX
 * values, or one list, which may be longer.
 */
#ifndef RDD_ROWS_STATE_H
#define RDD_ROWS_STATE_H

#include "rdd/plan.h"
#include "rdd/rows_block.h"
#include "rdd/sort.h"

#define GROUP_ELEMS_MAX 8192u

enum rows_phase {
    ROWS_IDLE,
    ROWS_OPEN,
    ROWS_INDEXING, /* closing: an index of the interval's rows, which is sorted; then they */
    ROWS_SORTING,  /* get their places */
    ROWS_PLACING,
    ROWS_CLOSED,
    ROWS_GATHERING, /* emission: an index of all rows, which is sorted */
    ROWS_RANKING,
    ROWS_EMITTING,
};

struct rows_span {
    uint64_t interval, first; /* ring position of its first byte */
    uint64_t rows, bytes;
    bool refused;
};

/* The open interval of a top. */
struct rows_best {
    uint64_t came;  /* rows so far */
    uint32_t floor; /* ring offset / 8 of the best row for which there was no room, or ROWS_NONE */
    bool too_long;  /* a row came that no state holds */
    bool sweeping;  /* live rows are moving together: from `from` to `to` */
    uint64_t from, to;
};

#define ROWS_NONE UINT32_MAX

struct rows_state {
    const struct exchange *x;
    enum rows_phase phase;
    uint64_t interval;
    uint8_t *ring;
    uint64_t ring_bytes, head, tail; /* positions; a row never wraps */
    uint64_t live_bytes;             /* of rows, without what fills the end of the ring */
    struct rows_span *span;          /* ring of len + 1 */
    uint64_t spans_max, span_head, span_tail;
    uint32_t *idx;   /* rows as ring offsets / 8; of the open interval of a top: a heap */
    uint32_t *spare; /* for sorting it */
    uint32_t idx_max, idx_cnt;
    uint64_t pos; /* progress of the phase: of the index, in the ring */
    uint32_t at;  /* and of the places */
    struct sort_run sort;
    struct rows_best best;
    uint64_t refused;
    uint64_t too_long; /* lists that did not fit the scratch: their rows */
    uint64_t lost_until;
};

void rows_state_init(struct rows_state *s, const struct exchange *x, void *mem);
void rows_state_begin(struct rows_state *s, uint64_t interval);
/* rows_state_merge takes rows of a block over, which were checked; true: there are more. */
bool rows_state_merge(struct rows_state *s, struct rows_reader *r);
/* rows_state_end closes the interval: call rows_state_step until it returns false. */
void rows_state_end(struct rows_state *s);
bool rows_state_step(struct rows_state *s);
/* rows_state_emit: as agg_state_emit; a vector may be empty although there is more. */
int rows_state_emit(struct rows_state *s, uint32_t *cursor, struct vec *out, struct arena *scratch);
bool rows_state_complete(const struct rows_state *s);

/* For the parts of the state. */
static inline struct row_hdr *rows_at(const struct rows_state *s, uint64_t pos)
{
    return (struct row_hdr *)(void *)(s->ring + pos % s->ring_bytes);
}

static inline struct row_hdr *rows_of(const struct rows_state *s, uint32_t idx)
{
    return (struct row_hdr *)(void *)(s->ring + (uint64_t)idx * 8);
}

static inline struct rows_span *rows_last_span(const struct rows_state *s)
{
    return &s->span[(s->span_tail - 1) % s->spans_max];
}

/* rows_refuse: the open interval is left out, and so many rows of it are counted. */
void rows_refuse(struct rows_state *s, uint64_t rows);
/* rows_index puts up to VEC_ROWS_MAX rows from s->pos on into the index; true: there are more. */
bool rows_index(struct rows_state *s);

/* rows_sort_begin, rows_sort: the index gets an order, step by step; true: there is more. */
void rows_sort_begin(struct rows_state *s);
bool rows_sort(struct rows_state *s, sort_cmp cmp);

/* Order of two rows by rank: value downward, then key. */
int rows_cmp_rank(const struct row_hdr *a, const struct row_hdr *b);
int rows_cmp_order(const struct row_hdr *a, const struct row_hdr *b);

#endif
