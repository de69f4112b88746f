/*
 * The ends of a stage: what its rows are written into, and how they leave as blocks.
 *
 * A stage has one writer for each exchange that it writes and for each output. A writer of an
 * EX_AGG is the combine table of the map task, bounded so that it stays in L2's reach; it leaves
 * when it is full and when the task ends. Writers of rows are buffers that leave likewise; that
 * of a top keeps the best only. Writers belong to one worker and are used by one task at a time.
 *
 * What leaves is determined by the rows that came since the last flush, in order: so a task
 * over the same blocks makes the same bytes again.
 *
 * Blocks that were made wait in `made` until the task's answer takes them.
 */
#ifndef RDD_STAGE_WRITER_H
#define RDD_STAGE_WRITER_H

#include "rdd/combine_fixed.h"
#include "rdd/combine_table.h"
#include "rdd/rows_state.h"
#include "rdd/shuffle.h"

#define COMBINE_KEYS_MAX   COMBINE_TABLE_KEYS_MAX
#define COMBINE_HEAP_BYTES (4u << 20)
#define ROWS_BUFFER_BYTES  (SHUFFLE_BODY_MAX)
#define MADE_MAX           65536u

/* A block that a task made, and where it goes. */
struct made {
    struct block *block;
    int exchange; /* -1: an output */
    uint32_t partition;
    uint32_t output;
};

/* What all writers of a worker share while a task runs. */
struct task_out {
    struct shuffle_writer shuffle;
    struct made made[MADE_MAX];
    uint32_t made_cnt;
    uint64_t interval;
    uint32_t task;     /* number of the task, part of the names */
    uint64_t refused;  /* records that were lost because no page was left */
    uint64_t too_long; /* rows longer than a block */
};

struct rows_writer {
    uint8_t *mem;
    uint32_t used, rows;
    uint32_t *at;        /* offset of each row; of a top: a heap, the worst first */
    uint32_t *order;     /* the same by partition, while they leave */
    uint16_t *partition; /* of each row */
    int64_t best_floor;  /* top over an int: values below it cannot come in */
    bool has_floor;
};

struct stage_writer {
    const struct pnode *node;
    const struct stage *stage;
    struct combine_table combine; /* EX_AGG */
    struct combine_fixed fixed;   /* in its place, where keys are words (words > 0) */
    uint8_t *row_init;
    uint32_t pushed; /* records since the last flush */
    uint32_t *order; /* entries by partition */
    uint16_t *part;
    struct rows_writer rows;                /* EX_ROWS, outputs */
    const struct type *row_key, *row_value; /* how its rows are encoded; key NULL: all in value */
    uint32_t blocks;                        /* made in this task: part of their names */
};

/* stage_writer_bytes: memory of a writer, taken once by its owner. */
size_t stage_writer_bytes(const struct pnode *node);
void stage_writer_init(struct stage_writer *w, const struct pnode *node, const struct stage *stage,
                       void *mem);
/* stage_writer_push takes the live rows of v. */
void stage_writer_push(struct stage_writer *w, const struct vec *v, struct task_out *out,
                       struct arena *scratch);
/* stage_writer_flush makes blocks of what it holds. */
void stage_writer_flush(struct stage_writer *w, struct task_out *out);

#endif
