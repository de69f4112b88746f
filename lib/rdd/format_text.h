/*
 * Between the two readers of text: the one that cuts every line (format_text.c), and the one that
 * cuts those alone in which a needle lies (format_text_find.c).
 */
#ifndef RDD_FORMAT_TEXT_H
#define RDD_FORMAT_TEXT_H

#include "rdd/format.h"

/* A vector that is being filled. */
struct text_vec {
    uint32_t *off, *len;           /* NULL when the program does not read the line */
    uint32_t rows, dropped, bytes; /* so far */
};

/* text_last takes the line at p that ends with the run, or far away: the only kind that may be
 * too long. Returns the bytes to step over. */
uint32_t text_last(struct source_reader *r, struct text_vec *v, const uint8_t *p, uint32_t left);

/* format_text_find reads the next vector of a source whose program has no use for lines without
 * one of r->needles: such a line is counted, and mostly not made a row. As format_text_read. */
int format_text_find(struct source_reader *r, struct vec *out, struct arena *a);

#endif
