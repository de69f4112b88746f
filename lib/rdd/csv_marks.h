/*
 * Marks of text with separators: one pass over the bytes finds separators, newlines and quotes.
 *
 * Measured (Zen 4, lines of 13 bytes and two fields, perf/bench_columns; AVX-512, AVX2, scalar): a
 * line costs 1.0, 3.1, 25 ns.
 */
#ifndef RDD_CSV_MARKS_H
#define RDD_CSV_MARKS_H

#include <stdbool.h>
#include <stdint.h>

/* What may be written behind the last mark. */
#define CSV_MARKS_SLACK 64u
#define CSV_MARKS_BYTES 32768u /* the longest text */

struct csv_marks {
    uint16_t *mark; /* where separators, newlines and quotes are, rising */
    uint16_t *line; /* where the newlines are: those of the marks that end a line */
    uint32_t marks_cnt, lines_cnt;
    bool returns, quotes; /* a '\r', a quote is among the bytes that were looked through */
};

/*
 * csv_marks_find looks through p[0..n), n <= CSV_MARKS_BYTES, until it has found lines_max newlines
 * or a few more. mark and line have room for n marks and the slack. `quoted`: '"' is a mark. Reads
 * nothing outside of p[0..n).
 */
void csv_marks_find(struct csv_marks *m, const uint8_t *p, uint32_t n, uint8_t separator,
                    bool quoted, uint32_t lines_max);

#endif
