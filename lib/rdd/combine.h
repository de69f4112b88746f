/*
 * The map-side combine: the writer of an EX_AGG exchange (stage_writer.h).
 */
#ifndef RDD_COMBINE_H
#define RDD_COMBINE_H

#include "rdd/stage_writer.h"

size_t combine_bytes(const struct exchange *x);
void combine_init(struct stage_writer *w, void *mem);
void combine_push(struct stage_writer *w, const struct vec *v, struct task_out *out,
                  struct arena *scratch);
void combine_flush(struct stage_writer *w, struct task_out *out);

/* task_out_block names and keeps a finished body. False: no room, the caller counts. */
bool task_out_block(struct task_out *out, struct stage_writer *w, enum block_kind kind,
                    uint32_t partition, uint32_t bytes, uint32_t rows);

#endif
