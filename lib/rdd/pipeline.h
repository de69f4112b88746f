/*
 * The fused narrow operators of a stage: a vector goes in at the root and is pushed through the
 * tree; what reaches the leaves goes into the stage's writers.
 *
 * Operators are files op_*.c behind the table in pipeline.c. A vector's columns stay valid until
 * its push returns; scratch taken on the way is given back then.
 */
#ifndef RDD_PIPELINE_H
#define RDD_PIPELINE_H

#include "rdd/stage_writer.h"

struct pipeline {
    const struct stage *stage;
    struct arena *scratch;
    struct task_out *out;
    struct stage_writer *writer[STAGE_WRITERS_MAX];
    uint32_t writers_cnt;
    uint64_t *failed;   /* by fail_idx: rows that a lambda could not compute */
    uint64_t no_memory; /* rows dropped because the scratch was full */
    uint64_t *flat_ord; /* by node: the place of the next row that a flatMap makes of its record */
};

/* An operator takes the live rows of v and pushes what follows to the kids of n. */
typedef void (*op_push)(struct pipeline *p, const struct pnode *n, const struct vec *v);

void op_map_push(struct pipeline *p, const struct pnode *n, const struct vec *v);
void op_flat_map_push(struct pipeline *p, const struct pnode *n, const struct vec *v);
void op_filter_push(struct pipeline *p, const struct pnode *n, const struct vec *v);

/* pipeline_push sends a vector through node n. */
void pipeline_push(struct pipeline *p, const struct pnode *n, const struct vec *v);
/* pipeline_kids sends it to all readers of n. */
void pipeline_kids(struct pipeline *p, const struct pnode *n, const struct vec *v);
/* pipeline_flush makes blocks of what the writers hold. */
void pipeline_flush(struct pipeline *p);

/* pipeline_eval computes the lambda of n for the live rows of v into out; rows that failed are
 * counted and leave the selection: *sel and *sel_cnt are the rows that are left. False: the
 * scratch was full, and the rows are counted. */
bool pipeline_eval(struct pipeline *p, const struct pnode *n, const struct vec *v, struct col *out,
                   const uint16_t **sel, uint32_t *sel_cnt);

#endif
