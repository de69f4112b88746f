#include "tests/common/writer_rig.h"

#include <stdlib.h>

void writer_rig_open(struct writer_rig *r, const struct pnode *node, size_t scratch_bytes)
{
    r->node = *node;
    r->writer_mem = aligned_alloc(64, (stage_writer_bytes(&r->node) + 63) & ~63ull);
    stage_writer_init(&r->w, &r->node, &r->stage, r->writer_mem);
    r->mem = engine_mem_new();
    struct block_mem seam = engine_mem_seam(r->mem);
    r->out = calloc(1, sizeof *r->out);
    shuffle_writer_init(&r->out->shuffle, &seam);
    r->scratch_mem = aligned_alloc(64, scratch_bytes);
    arena_init(&r->scratch, r->scratch_mem, scratch_bytes);
}

void writer_rig_close(struct writer_rig *r)
{
    shuffle_writer_close(&r->out->shuffle);
    engine_mem_free(r->mem);
    free(r->out);
    free(r->writer_mem);
    free(r->scratch_mem);
}
