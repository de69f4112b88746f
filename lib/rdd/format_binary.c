/*
 * Binary: records of one size, one after the other, with fields at fixed places.
 *
 * Bytes that are left over at the end of a run are one record that was cut. Integers are of 1 to
 * 8 bytes; an unsigned one that does not fit an int is a bad value; as a bool, anything but 0 is
 * true; as a time, they are ns since 1970. Floats are of 4 or 8 bytes. Addresses are in network
 * order. Bytes become a string that ends before the zeros that fill it up.
 */
#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "rdd/format.h"
#include "rdd/strided.h"

/* ---- fields ------------------------------------------------------------------------------- */

/* May a value of such a field be bad? */
static bool can_be_bad(const struct format_field *f)
{
    return f->binary == BINARY_UINT && f->width == 8 && f->type != TYPE_BOOL;
}

static void int_column(int64_t *to, const struct format_field *f, const struct strided *s,
                       uint8_t *bad)
{
    MR_ASSERT(f->width >= 1 && f->width <= 8);
    strided_ints(to, s, f->binary == BINARY_INT);
    if (f->type == TYPE_BOOL)
        for (uint32_t i = 0; i < s->n; i++)
            to[i] = to[i] != 0;
    else if (can_be_bad(f))
        for (uint32_t i = 0; i < s->n; i++)
            bad[i] |= to[i] < 0;
}

static void float_column(double *to, const struct format_field *f, const struct strided *s)
{
    const uint8_t *p = s->p + s->offset;

    for (uint32_t i = 0; i < s->n; i++, p += s->stride) {
        uint64_t v = strided_load(p, f->width, f->big_endian);
        if (f->width == 8) {
            memcpy(&to[i], &v, 8);
        } else {
            float narrow;
            uint32_t bits = (uint32_t)v;
            memcpy(&narrow, &bits, 4);
            to[i] = (double)narrow;
        }
    }
}

static void ip_column(struct ip *to, const struct format_field *f, const struct strided *s)
{
    const uint8_t *p = s->p + s->offset;

    for (uint32_t i = 0; i < s->n; i++, p += s->stride) {
        if (f->binary == BINARY_IP6) {
            memcpy(to[i].b, p, 16);
        } else {
            to[i] = (struct ip){{[10] = 0xff, 0xff}};
            memcpy(to[i].b + 12, p, 4);
        }
    }
}

static void bytes_column(uint32_t *off, uint32_t *len, const struct format_field *f,
                         const struct strided *s, const uint8_t *base)
{
    const uint8_t *p = s->p + s->offset;

    for (uint32_t i = 0; i < s->n; i++, p += s->stride) {
        uint32_t n = f->width;
        while (n && p[n - 1] == 0)
            n--;
        off[i] = (uint32_t)(p - base);
        len[i] = n;
    }
}

/* Rows at, at + 1, ... of a column. */
static void field_column(struct col *c, const struct format_field *f, const struct strided *s,
                         uint32_t at, const uint8_t *base, uint8_t *bad)
{
    switch (f->binary) {
    case BINARY_INT:
    case BINARY_UINT: int_column(c->i + at, f, s, bad + at); break;
    case BINARY_FLOAT: float_column(c->f + at, f, s); break;
    case BINARY_IP4:
    case BINARY_IP6: ip_column(c->ip + at, f, s); break;
    case BINARY_BYTES: bytes_column(c->s.off + at, c->s.len + at, f, s, base); break;
    }
}

/* ---- records ------------------------------------------------------------------------------ */

/* Records without a gap between them: a run, or several that lie so. */
struct piece {
    const uint8_t *p;
    uint32_t n;
};

struct pieces {
    struct piece *piece; /* room for VEC_ROWS_MAX */
    uint32_t cnt, rows, dropped, bytes;
};

static void piece_add(struct pieces *v, const uint8_t *p, uint32_t n, uint32_t size)
{
    struct piece *last = v->cnt ? &v->piece[v->cnt - 1] : NULL;

    if (last && last->p + (size_t)last->n * size == p)
        last->n += n;
    else
        v->piece[v->cnt++] = (struct piece){p, n};
    v->rows += n;
}

/* records_cut takes up to a vector of whole records, over as many runs as it takes; what is left
 * over at the end of a run was cut. */
static void records_cut(struct source_reader *r, struct pieces *v)
{
    uint32_t size = r->spec->format.record_bytes, left;
    const uint8_t *p;

    while (v->rows + v->dropped < VEC_ROWS_MAX && (!v->bytes || v->bytes + size <= VEC_BYTES_MAX) &&
           (p = format_run(r, &left))) {
        uint32_t n = left / size, room = VEC_ROWS_MAX - v->rows - v->dropped;
        uint32_t fit = v->bytes < VEC_BYTES_MAX ? (VEC_BYTES_MAX - v->bytes) / size : 0;
        if (n) {
            fit = fit ? fit : 1; /* the first may be larger than a vector */
            n = n < room ? n : room;
            n = n < fit ? n : fit;
            piece_add(v, p, n, size);
            r->pos += n * size;
            v->bytes += n * size;
        } else {
            format_drop(r, RECORD_CUT, p, left);
            v->dropped++;
            r->pos += left;
            v->bytes += left;
        }
    }
    r->counters->bytes += v->bytes;
}

/* Bytes of records that stay in L1 while one field after the other is taken from them. */
#define CHUNK_BYTES 4096u

/* A column that is wanted, and its field. */
struct wanted {
    struct col *c;
    const struct format_field *f;
};

/* Rows at, at + 1, ... of all columns, from n records at p. */
static void rows_fill(const struct wanted *w, uint32_t cnt, const struct source_reader *r,
                      const uint8_t *p, uint32_t n, uint32_t at, uint8_t *bad)
{
    for (uint32_t k = 0; k < cnt; k++) {
        const struct format_field *f = w[k].f;
        struct strided s = {.p = p,
                            .stride = r->spec->format.record_bytes,
                            .n = n,
                            .offset = f->offset,
                            .width = f->width,
                            .big_endian = f->big_endian};
        field_column(w[k].c, f, &s, at, r->base, bad);
    }
}

static void columns_fill(const struct wanted *w, uint32_t cnt, struct source_reader *r,
                         const struct pieces *v, uint8_t *bad)
{
    uint32_t size = r->spec->format.record_bytes, at = 0;
    uint32_t chunk = size < CHUNK_BYTES ? CHUNK_BYTES / size : 1;

    for (uint32_t i = 0; i < v->cnt; i++)
        for (uint32_t k = 0; k < v->piece[i].n; k += chunk) {
            uint32_t left = v->piece[i].n - k, n = left < chunk ? left : chunk;
            ahead_fetch(&r->ahead, AHEAD_LINES);
            rows_fill(w, cnt, r, v->piece[i].p + (size_t)k * size, n, at, bad);
            at += n;
        }
}

/* Makes the columns that are wanted, without their rows; returns how many, or -ENOMEM. */
static int columns_begin(const struct source_reader *r, struct vec *out, uint32_t rows,
                         struct wanted *w, struct arena *a)
{
    const struct format *f = &r->spec->format;
    int cnt = 0;

    for (uint32_t k = 0; k < f->fields_cnt; k++) {
        struct col *c = &out->col[k];
        *c = (struct col){.kind = f->field[k].type};
        if (!rows || !format_wants(r, k))
            continue;
        if (col_alloc(c, c->kind, rows, a))
            return -ENOMEM;
        if (c->kind == TYPE_STRING)
            c->s.base = r->base;
        w[cnt++] = (struct wanted){c, &f->field[k]};
    }
    return cnt;
}

static int select_rows(struct source_reader *r, struct vec *out, const struct pieces *v,
                       const uint8_t *bad, struct arena *a)
{
    uint32_t size = r->spec->format.record_bytes, at = 0;
    struct run *record = arena_alloc(a, v->rows * sizeof *record);

    if (!record)
        return -ENOMEM;
    for (uint32_t i = 0; i < v->cnt; i++)
        for (uint32_t k = 0; k < v->piece[i].n; k++)
            record[at++] = (struct run){(uint32_t)(v->piece[i].p - r->base) + k * size, size};
    return format_select(r, out, bad, record, a);
}

int format_binary_read(struct source_reader *r, struct vec *out, struct arena *a)
{
    struct pieces v = {.piece = arena_alloc(a, VEC_ROWS_MAX * sizeof *v.piece)};
    struct wanted w[TYPE_PARTS_MAX];
    uint8_t bad[VEC_ROWS_MAX];
    bool check = false;

    MR_ASSERT(r->spec->format.record_bytes);
    if (!v.piece)
        return -ENOMEM;
    records_cut(r, &v);
    format_ahead(r, v.bytes);
    int cnt = columns_begin(r, out, v.rows, w, a);
    if (cnt < 0)
        return cnt;
    for (int k = 0; k < cnt; k++)
        check |= can_be_bad(w[k].f);
    if (check)
        memset(bad, 0, v.rows);
    columns_fill(w, (uint32_t)cnt, r, &v, bad);
    format_finish(r, out, v.rows);
    if (check && memchr(bad, 1, v.rows) && select_rows(r, out, &v, bad, a))
        return -ENOMEM;
    return (int)(v.rows + v.dropped);
}
