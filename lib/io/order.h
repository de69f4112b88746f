/*
 * Order: the rows of an RDD, all partitions, in the one order in which they leave.
 *
 * Partitions and blocks are how the work was cut, and must not show. out_rows_sort gathers
 * pointers to the rows of every block and sorts them by what the stream says (enum row_order):
 * by key and then as they came (vec.h); as they came; by rank. The sort is stable: rows that are
 * equal in all of that keep the order of the blocks and of the rows in them. The rows stay where
 * they are; the pointers are good until the RDD's blocks are let go.
 *
 * Keys are compared as bytes (enc.h), 8 at a time: a radix sort over the next 8 bytes of all
 * rows, then again inside each run of rows that are still equal. A million rows take about 55 ms
 * with ints or addresses as keys, 75 ms with words, 200 ms with URLs that begin alike, and their
 * digest 30 ms.
 *
 * The digest stands for the rows: 64 bits over the encodings of keys and values in this order.
 * Equal digests of two runs mean equal rows, however blocks and partitions were cut. It is no
 * protection against someone who makes rows to collide.
 */
#ifndef IO_ORDER_H
#define IO_ORDER_H

#include "rdd/rows.h"

struct out_row {
    uint64_t prefix; /* what the sort looks at now */
    const struct row_hdr *row;
};

/* Zero-initialise; the arrays grow with the largest RDD and are kept between RDDs. */
struct out_rows {
    uint32_t cnt, room;
    struct out_row *row;   /* in order, after out_rows_sort */
    struct out_row *spare; /* scratch */
};

/* out_rows_sort gathers and sorts the rows of rdd. Returns 0, or -ENOMEM with no rows. */
int out_rows_sort(struct out_rows *o, const struct out_rdd *rdd);
uint64_t out_rows_digest(const struct out_rows *o);
void out_rows_release(struct out_rows *o);

#endif
