/*
 * Vectors: the unit of work inside a task.
 *
 * A vector is at most VEC_ROWS_MAX rows of one type, column by column: one struct col for each
 * leaf of the type. The selection names the rows that are still alive, in rising order; what a
 * column holds at other rows is undefined. Columns are views: strings point into a sealed
 * block, into a literal, or into the arena of the vector, and live until the arena is reset.
 *
 * A column is never written after the operator that made it has returned.
 *
 * Row order: the records of a source have a canonical order (source, node, queue, block sequence,
 * row), the rows of an emission too (exchange, partition, row). Everything that one of them gives
 * keeps its place: a union lays, for each record, what its right side gives behind what its left
 * side gives; a flatMap puts elements where their row was. So a row's place is (ord_hi, place):
 * ord_hi from the block, and in one number the row of the record in its block, the way through the
 * program's unions on which it came (pnode.way), and which of the rows that flatMaps made of the
 * record on that way it is:
 *
 *   63..32 row   31..26 way   25..0 number
 *
 * No two rows of a stream have one place, and none depends on where blocks or vectors were cut. (A
 * record that gives more than 2^26 rows on one way is beyond that: the last of them tie.)
 */
#ifndef RDD_VEC_H
#define RDD_VEC_H

#include <stdint.h>

#include "rdd/type.h"

#define VEC_ROWS_MAX     1024u  /* rows of a vector */
#define VEC_BYTES_MAX    32768u /* bytes of records behind a vector, a single larger record apart */
#define RECORD_BYTES_MAX 65536u

#define PLACE_ROW_BITS   32
#define PLACE_WAY_SHIFT  26
#define PLACE_WAYS_MAX   64u
#define PLACE_NUMBER_MAX ((1u << PLACE_WAY_SHIFT) - 1)

/* An address by value: IPv4 is held as ::ffff:a.b.c.d, so that all addresses have one order. */
struct ip {
    uint8_t b[16];
};

struct vec;

struct col {
    enum type_kind kind;
    union {
        int64_t *i; /* int; time in ns; bool as 0 or 1 */
        double *f;
        struct ip *ip;
        struct {
            const uint8_t *base; /* string of row r: len[r] bytes at base + off[r] */
            uint32_t *off;
            uint32_t *len;
        } s;
        struct {
            uint32_t *off; /* list of row r: cnt[r] rows of elems from off[r] */
            uint32_t *cnt;
            struct vec *elems; /* may be longer than VEC_ROWS_MAX; has no selection */
        } l;
    };
};

/* What a source is likely to read for its next vector: up to two runs of bytes. Who does not wait
 * for memory fetches some of it now and then, so that memory works while the lcore does. */
struct ahead {
    const uint8_t *at[2], *end[2];
};

#define AHEAD_LINES 16u /* of each run: memory takes so much without being waited for */

/* ahead_fetch fetches so many lines of each run into the second-level cache: the first keeps what
 * the vector at hand needs. a may be NULL. */
static inline void ahead_fetch(struct ahead *a, uint32_t lines)
{
    for (uint32_t i = 0; a && i < 2; i++) {
        const uint8_t *at = a->at[i], *end = a->end[i];
        for (uint32_t k = 0; k < lines && at < end; k++, at += 64)
            __builtin_prefetch(at, 0, 2);
        a->at[i] = at;
    }
}

struct vec {
    uint32_t rows;
    uint32_t cols_cnt;
    struct col *col;
    const uint16_t *sel;     /* rows alive, rising; NULL: all of them */
    uint32_t sel_cnt;        /* rows alive; == rows when sel is NULL */
    uint64_t ord_hi, ord_lo; /* ord_lo: row 0 is this row of its block */
    const uint64_t *place;   /* by row, without the way; NULL: row i is row ord_lo + i */
    uint32_t way;
    struct ahead *ahead; /* NULL: nobody knows */
};

/* The i-th row that is alive. */
static inline uint32_t vec_row(const struct vec *v, uint32_t i)
{
    return v->sel ? v->sel[i] : i;
}

/* The place of a row, without its way and with it. */
static inline uint64_t vec_record(const struct vec *v, uint32_t row)
{
    return v->place ? v->place[row] : (v->ord_lo + row) << PLACE_ROW_BITS;
}

static inline uint64_t vec_place(const struct vec *v, uint32_t row)
{
    return vec_record(v, row) | (uint64_t)v->way << PLACE_WAY_SHIFT;
}

/* col_alloc makes the arrays of a column of `rows` rows (lists: off and cnt; strings: off and
 * len, base unset). Returns 0, or -ENOMEM when the arena is full. */
int col_alloc(struct col *c, enum type_kind kind, uint32_t rows, struct arena *a);

#endif
