/*
 * The writer of rows: of EX_ROWS exchanges and of outputs (stage_writer.h).
 */
#ifndef RDD_ROWS_WRITER_H
#define RDD_ROWS_WRITER_H

#include "rdd/stage_writer.h"

size_t rows_writer_bytes(void);
void rows_writer_init(struct rows_writer *r, void *mem);
void rows_writer_push(struct stage_writer *w, const struct vec *v, struct task_out *out,
                      struct arena *scratch);
void rows_writer_flush(struct stage_writer *w, struct task_out *out);

#endif
