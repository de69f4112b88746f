#ifndef TESTS_COMMON_REF_RDD_H
#define TESTS_COMMON_REF_RDD_H

// RDDs of the reference, and the operators over them.

#include "rdd/dstream.h"
#include "rdd/rows.h"
#include "tests/common/reference.h"

// Where a row came from: which source or wide operator, and which row there.
struct ref_ord {
    uint32_t origin; // source index, or REF_WIDE + node index
    uint32_t at;
};

#define REF_WIDE 0x10000u

struct ref_row {
    struct ref_val *leaf;
    struct ref_ord ord;
};

struct ref_rdd {
    uint64_t interval;
    bool active; // the stream has an RDD at this interval
    uint32_t cnt, room;
    struct ref_row *row;
};

struct ref_stream {
    uint64_t slide;
    uint32_t rdds_cnt, room;
    struct ref_rdd *rdd; // of every interval so far
    uint64_t failed;
};

struct ref {
    const struct dgraph *g;
    uint32_t partitions;
    struct zone zone;
    struct ref_stream stream[GRAPH_NODES_MAX];
    struct ref_rdd fed[256]; // by source: rows of the interval that comes next
    uint32_t outputs_cnt;
    uint32_t output_node[GRAPH_NODES_MAX];
    struct out_stream out_stream[GRAPH_NODES_MAX];
};

struct ref_row *rdd_add(struct ref_rdd *d);
// rdd_sort sorts rows by cmp, keeping the order of equal ones.
void rdd_sort(struct ref_rdd *d, int (*cmp)(const struct ref_row *, const struct ref_row *, void *),
              void *ctx);
int ref_ord_cmp(const struct ref_ord *a, const struct ref_ord *b);

// ref_narrow: map, flatMap, mapValues, flatMapValues, filter, union of the RDDs at one interval.
void ref_narrow(struct ref *r, const struct dstream *d, const struct ref_rdd *a,
                const struct ref_rdd *b, struct ref_rdd *to);
// ref_wide: what d computes of the rows of its window.
void ref_wide(struct ref *r, const struct dstream *d, const struct ref_rdd *rows,
              struct ref_rdd *to);

#endif
