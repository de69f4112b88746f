/*
 * Memory for the engine in tests: pages and blocks from malloc, so that the sanitizers see every
 * byte, and a count at the end that nothing was kept.
 */
#ifndef TESTS_COMMON_ENGINE_MEM_H
#define TESTS_COMMON_ENGINE_MEM_H

#include "rdd/builder.h"

struct engine_mem;

struct engine_mem *engine_mem_new(void);
/* engine_mem_free asserts that all pages and blocks came back. */
void engine_mem_free(struct engine_mem *m);
struct block_mem engine_mem_seam(struct engine_mem *m);
struct block *engine_mem_block(const struct engine_mem *m, uint32_t slot);
void engine_mem_release(struct engine_mem *m, struct block *b);
/* engine_mem_input: a sealed block of runs, each text one. */
struct block *engine_mem_input(struct engine_mem *m, const char *const *text, const size_t *len,
                               uint32_t n);

#endif
