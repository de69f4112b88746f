// A writer of a stage with all that it needs: memory of blocks, a shuffle writer, scratch.
#ifndef TESTS_COMMON_WRITER_RIG_H
#define TESTS_COMMON_WRITER_RIG_H

#include "rdd/stage_writer.h"
#include "tests/common/engine_mem.h"

struct writer_rig {
    struct pnode node;
    struct stage stage;
    struct stage_writer w;
    struct engine_mem *mem;
    struct task_out *out;
    struct arena scratch;
    void *writer_mem, *scratch_mem;
};

// writer_rig_open: node is the writer's; what it points to outlives the rig.
void writer_rig_open(struct writer_rig *r, const struct pnode *node, size_t scratch_bytes);
void writer_rig_close(struct writer_rig *r);

#endif
