/*
 * Cells: one scalar inside a row of accumulators. Eight bytes, or sixteen for an address or a
 * string (struct cell_str).
 */
#ifndef RDD_AGG_CELL_H
#define RDD_AGG_CELL_H

#include "rdd/agg.h"

static inline int64_t load_i64(const void *p)
{
    int64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void store_i64(void *p, int64_t v)
{
    memcpy(p, &v, sizeof v);
}

static inline uint32_t cell_bytes(enum type_kind kind)
{
    return kind == TYPE_STRING || kind == TYPE_IP ? 16 : 8;
}

/* Floats as integers of the same order; every NaN is one NaN, the largest; -0 is 0. */
static inline int64_t float_ordered(double f)
{
    uint64_t b;

    f = f != f ? __builtin_nan("") : f + 0.0;
    memcpy(&b, &f, sizeof b);
    return (int64_t)(b >> 63 ? ~b ^ 1ull << 63 : b);
}

static inline double ordered_float(int64_t v)
{
    uint64_t b = (uint64_t)v;
    double f;

    if (v < 0)
        b = ~(b ^ 1ull << 63);
    memcpy(&f, &b, sizeof f);
    return f;
}

/* cell_load_col writes row r of a column to a cell; strings become views of the column. */
static inline void cell_load_col(uint8_t *cell, const struct col *c, uint32_t r)
{
    if (c->kind == TYPE_IP) {
        memcpy(cell, &c->ip[r], sizeof(struct ip));
    } else if (c->kind == TYPE_STRING) {
        struct cell_str s = {.ptr = c->s.base + c->s.off[r], .len = c->s.len[r], .present = 1};
        memcpy(cell, &s, sizeof s);
    } else if (c->kind == TYPE_FLOAT) {
        memcpy(cell, &c->f[r], 8);
    } else {
        memcpy(cell, &c->i[r], 8);
    }
}

/* cells_to_col fills rows 0..n-1 of an allocated column. Strings have one base, so they are
 * copied to the arena when they do not lie within 4 GB of each other. 0 or -ENOMEM. */
int cells_to_col(const uint8_t *const *cell, uint32_t n, struct col *out, struct arena *arena);

#endif
