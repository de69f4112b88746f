/*
 * What the tests of the record formats share: datagrams put one after the other into a block, at
 * odd distances and in memory of their own (so that ASan sees one byte too far), and read back
 * as rows.
 */
#ifndef TESTS_RDD_FORMAT_HARNESS_H
#define TESTS_RDD_FORMAT_HARNESS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rdd/format.h"
#include "tests/prng.h"
#include "tests/test.h"

#define HARNESS_ARENA_BYTES (4u << 20)
#define HARNESS_COLS        8u

struct harness {
    uint8_t *bytes; /* exactly as long as what was put in */
    uint32_t len;
    struct run *run;
    uint32_t runs_cnt;
    struct source_spec spec;
    struct source_counters counters;
    struct source_reader reader;
    struct arena arena;
    struct col col[HARNESS_COLS];
    struct vec vec;
};

static inline void harness_put(struct harness *h, const void *bytes, uint32_t len)
{
    h->bytes = realloc(h->bytes, h->len + len ? h->len + len : 1);
    h->run = realloc(h->run, (h->runs_cnt + 1) * sizeof *h->run);
    if (len)
        memcpy(h->bytes + h->len, bytes, len);
    h->run[h->runs_cnt++] = (struct run){h->len, len};
    h->len += len;
}

static inline void harness_puts(struct harness *h, const char *s)
{
    harness_put(h, s, (uint32_t)strlen(s));
}

/* harness_open begins to read what was put in, with the format and type in h->spec. */
static inline void harness_open(struct harness *h, const bool *want)
{
    if (!h->arena.base)
        arena_init(&h->arena, aligned_alloc(64, HARNESS_ARENA_BYTES), HARNESS_ARENA_BYTES);
    h->counters = (struct source_counters){0};
    h->vec = (struct vec){.col = h->col};
    source_reader_init(&h->reader, &h->spec, h->run, h->runs_cnt, h->bytes, 7, want, &h->counters);
}

static inline int harness_read(struct harness *h)
{
    arena_reset(&h->arena);
    return source_read(&h->reader, &h->vec, &h->arena);
}

static inline void harness_close(struct harness *h)
{
    free(h->bytes);
    free(h->run);
    free(h->arena.base);
    *h = (struct harness){0};
}

#endif
