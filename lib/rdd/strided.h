/*
 * Numbers that lie at one distance from each other, as the fields of records of one size do.
 *
 * Measured (Zen 4, fields of 4 bytes in records of 16, perf/bench_columns; AVX-512, AVX2, without):
 * a number costs 0.2, 0.35, 0.35 ns; to find a third of the records by one field and to take a
 * number of those costs 0.4, 1.0, 2.2 ns for each that was looked at. To put the words of those
 * side by side while they are found, and take the numbers from there, costs as much.
 */
#ifndef RDD_STRIDED_H
#define RDD_STRIDED_H

#include <stddef.h>

#include "rdd/sel.h"

/* n records of `stride` bytes, the first at p; field: `width` bytes at `offset` in each. */
struct strided {
    const uint8_t *p;
    uint32_t stride, n;
    uint32_t offset, width;
    bool big_endian;
    const uint16_t *row; /* of the records from p on these n; NULL: the first n */
};

/* The field of the i-th record. */
static inline const uint8_t *strided_at(const struct strided *s, uint32_t i)
{
    return s->p + s->offset + (size_t)(s->row ? s->row[i] : i) * s->stride;
}

/* strided_ints writes the n numbers, of 1 to 8 bytes; a signed one with its sign. Reads nothing
 * outside of the records. */
void strided_ints(int64_t *to, const struct strided *s, bool is_signed);

/* strided_where writes those of rows 0 to n - 1 whose number compares so with y; returns how many.
 * to has room for n and SEL_SLACK. s->row is NULL. */
uint32_t strided_where(uint16_t *to, const struct strided *s, bool is_signed, enum sel_op op,
                       int64_t y);

/* One number as it lies, of 1 to 8 bytes. */
uint64_t strided_load(const uint8_t *p, uint32_t width, bool big_endian);

#endif
