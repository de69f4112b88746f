/*
 * Selections: from conditions to the rows where they hold.
 *
 * Measured (Zen 4, all rows alive, perf/bench_columns; AVX-512, AVX2, without): a row costs 0.1,
 * 0.24, 1.1 ns.
 */
#ifndef RDD_SEL_H
#define RDD_SEL_H

#include <stdbool.h>
#include <stdint.h>

/* What sel_where may write behind the last row. */
#define SEL_SLACK 32u

/* sel_where writes those of n rows, sel[0..n) or, when sel is NULL, 0 to n - 1, for which
 * (cond[row] != 0) == want; returns how many. to has room for n and the slack. */
uint32_t sel_where(uint16_t *to, const int64_t *cond, bool want, const uint16_t *sel, uint32_t n);

#endif
