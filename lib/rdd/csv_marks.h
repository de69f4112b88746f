/*
 * Marks of text with separators: one pass over the bytes finds where the fields of plain lines end.
 * A plain line has as many fields as the schema, no quote, and a newline at its end.
 *
 * Separators, newlines and quotes of 64 bytes are a mask each. That every line is plain is seen
 * from the masks: of all marks, the newlines are those that the number of fields says.
 *
 * Measured (Zen 4, lines of 13 bytes and two fields, perf/bench_columns; AVX-512, AVX2, scalar): a
 * line costs 0.7, 2.4, 22 ns.
 */
#ifndef RDD_CSV_MARKS_H
#define RDD_CSV_MARKS_H

#include <stdbool.h>
#include <stdint.h>

/* What may be written behind the last mark. */
#define CSV_MARKS_SLACK 64u
#define CSV_MARKS_BYTES 32768u /* the longest text */

/* What a line is made of. */
struct csv_shape {
    uint8_t separator;
    bool quoted;     /* '"' is a quote */
    uint32_t fields; /* 1 to 64 */
};

struct csv_marks {
    uint16_t *mark;     /* of each line its separators and its newline, rising */
    uint32_t lines_cnt; /* plain lines, from the first byte on */
    bool returns;       /* a '\r' may be among their bytes */
    bool odd;           /* the line behind them is not plain; else the text ended, or lines_max */
};

/*
 * csv_marks_find looks for plain lines from p[0] on, until one is not plain or it has lines_max of
 * them. mark has room for n marks and the slack, n <= CSV_MARKS_BYTES. Reads nothing outside of
 * p[0..n).
 */
void csv_marks_find(struct csv_marks *m, const uint8_t *p, uint32_t n, const struct csv_shape *s,
                    uint32_t lines_max);

#endif
