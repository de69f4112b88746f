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

#include "base/simd.h"
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

/* The rows alive of the next vector that has any; 0 at the end. */
static inline int harness_read(struct harness *h)
{
    int rc;

    do {
        arena_reset(&h->arena);
        rc = source_read(&h->reader, &h->vec, &h->arena);
    } while (rc > 0 && h->vec.sel_cnt == 0);
    return rc > 0 ? (int)h->vec.sel_cnt : rc;
}

/* Writes value r of a column as text. */
static inline int harness_print(char *out, size_t bytes, const struct col *c, uint32_t r)
{
    switch (c->kind) {
    case TYPE_INT:
    case TYPE_TIME:
    case TYPE_BOOL: return snprintf(out, bytes, "%lld", (long long)c->i[r]);
    case TYPE_FLOAT: return snprintf(out, bytes, "%.17g", c->f[r]);
    case TYPE_STRING:
        return snprintf(out, bytes, "'%.*s'", (int)c->s.len[r],
                        (const char *)c->s.base + c->s.off[r]);
    case TYPE_IP: {
        size_t at = 0;
        for (int i = 0; i < 16; i++)
            at += (size_t)snprintf(out + at, bytes - at, "%02x", c->ip[r].b[i]);
        return (int)at;
    }
    case TYPE_TUPLE:
    case TYPE_LIST: break;
    }
    return 0;
}

/* All rows that are left: "a|b;c|d;" in the columns that were read. */
static inline void harness_read_all(struct harness *h, char *out, size_t bytes)
{
    size_t at = 0;
    int n;

    out[0] = '\0';
    while ((n = harness_read(h)) > 0) {
        EXPECT_EQ_INT(n, h->vec.sel_cnt);
        for (uint32_t i = 0; i < h->vec.sel_cnt; i++) {
            for (uint32_t k = 0; k < h->vec.cols_cnt; k++) {
                if (h->col[k].i)
                    at += (size_t)harness_print(out + at, bytes - at, &h->col[k],
                                                vec_row(&h->vec, i));
                at += (size_t)snprintf(out + at, bytes - at, "%s",
                                       k + 1 < h->vec.cols_cnt ? "|" : ";");
            }
        }
    }
    EXPECT_EQ_INT(n, 0);
}

/* The record type of the schema in h->spec.format. */
static inline void harness_schema(struct harness *h, struct zone *z)
{
    const struct format *f = &h->spec.format;
    const struct type *part[HARNESS_COLS];
    const char *name[HARNESS_COLS];

    for (uint32_t i = 0; i < f->fields_cnt; i++) {
        part[i] = type_scalar(f->field[i].type);
        name[i] = f->field[i].name;
    }
    h->spec.type = type_record(z, part, name, f->fields_cnt);
}

static inline void harness_close(struct harness *h)
{
    free(h->bytes);
    free(h->run);
    free(h->arena.base);
    *h = (struct harness){0};
}

#endif
