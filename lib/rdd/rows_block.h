/*
 * Reading a BLOCK_ROWS: every length in it is looked at before a row is used (it may have come from
 * outside).
 *
 * A body is good when its rows lie one behind the other and fill it, and each key and value is an
 * encoding (enc.h) of its type. Where a row came from (ord_hi, ord_lo) may be anything: it is
 * compared and nothing else. First the whole body is checked, then its rows are given out, both in
 * steps; the block stays the caller's and must live until then.
 */
#ifndef RDD_ROWS_BLOCK_H
#define RDD_ROWS_BLOCK_H

#include "rdd/plan.h"

struct rows_reader {
    const struct block *b;
    const struct type *key, *value; /* key NULL: none */
    uint32_t row, at;               /* the next row, and where it begins */
};

/* rows_block_open begins with a block for the EX_ROWS exchange x. */
void rows_block_open(struct rows_reader *r, const struct block *b, const struct exchange *x);
/* rows_block_check looks at the next rows, VEC_ROWS_MAX at most. Returns 1: there is more; 0: the
 * body is good, and rows can be taken; -EINVAL: it is damaged. */
int rows_block_check(struct rows_reader *r);
/* rows_block_next: the next row, or NULL at the end. rows_block_take moves behind it. */
const struct row_hdr *rows_block_next(const struct rows_reader *r);
void rows_block_take(struct rows_reader *r);

#endif
