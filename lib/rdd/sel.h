/*
 * Selections: from conditions to the rows where they hold.
 *
 * Measured (Zen 4, all rows alive, perf/bench_columns; AVX-512, AVX2, without): a row costs 0.1,
 * 0.24, 1.1 ns; so does one that is compared with a number.
 */
#ifndef RDD_SEL_H
#define RDD_SEL_H

#include <stdbool.h>
#include <stdint.h>

enum sel_op { SEL_EQ, SEL_NE, SEL_LT, SEL_LE, SEL_GT, SEL_GE };

/* A number of the row compared with a literal. */
struct comparison {
    uint32_t col;
    enum sel_op op;
    int64_t with;
};

/* What the functions here may write behind the last row. */
#define SEL_SLACK 32u

/* sel_where writes those of n rows, sel[0..n) or, when sel is NULL, 0 to n - 1, for which
 * (cond[row] != 0) == want; returns how many. to has room for n and the slack. */
uint32_t sel_where(uint16_t *to, const int64_t *cond, bool want, const uint16_t *sel, uint32_t n);

/* sel_compare writes those of rows 0 to n - 1 for which a[row] op y; returns how many. */
uint32_t sel_compare(uint16_t *to, const int64_t *a, enum sel_op op, int64_t y, uint32_t n);

#endif
