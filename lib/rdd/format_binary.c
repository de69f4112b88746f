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
#include "rdd/sieve.h"
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
    for (uint32_t i = 0; i < s->n; i++) {
        uint64_t v = strided_load(strided_at(s, i), f->width, f->big_endian);
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
    for (uint32_t i = 0; i < s->n; i++) {
        const uint8_t *p = strided_at(s, i);
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
    for (uint32_t i = 0; i < s->n; i++) {
        const uint8_t *p = strided_at(s, i);
        uint32_t n = f->width;
        while (n && p[n - 1] == 0)
            n--;
        off[i] = (uint32_t)(p - base);
        len[i] = n;
    }
}

/* Rows at, at + 1, ... of a column, and from bad[0] on whether they are; bad is NULL where none can
 * be. */
static void field_column(struct col *c, const struct format_field *f, const struct strided *s,
                         uint32_t at, const uint8_t *base, uint8_t *bad)
{
    switch (f->binary) {
    case BINARY_INT:
    case BINARY_UINT: int_column(c->i + at, f, s, bad); break;
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
    struct piece *piece; /* room for rows_max */
    uint32_t rows_max;   /* with those that are dropped */
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

/* records_cut takes as many whole records as it may, over as many runs as it takes; what is left
 * over at the end of a run was cut. */
static void records_cut(struct source_reader *r, struct pieces *v)
{
    uint32_t size = r->spec->format.record_bytes, left;
    const uint8_t *p;

    while (v->rows + v->dropped < v->rows_max && (p = format_run(r, &left))) {
        uint32_t n = left / size, room = v->rows_max - v->rows - v->dropped;
        if (n) {
            n = n < room ? n : room;
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

/* A field of n records at p: those of `row` or, when that is NULL, the first n. */
static struct strided field_of(const struct source_reader *r, const struct format_field *f,
                               const uint8_t *p, const uint16_t *row, uint32_t n)
{
    return (struct strided){.p = p,
                            .stride = r->spec->format.record_bytes,
                            .n = n,
                            .offset = f->offset,
                            .width = f->width,
                            .big_endian = f->big_endian,
                            .row = row};
}

/* The columns that are wanted, and flags by row for values that are bad; NULL: none can be. */
struct columns {
    struct wanted wanted[TYPE_PARTS_MAX];
    uint32_t cnt;
    uint8_t *bad;
};

/* Rows at, at + 1, ... of all columns. */
static void rows_fill(const struct columns *c, const struct source_reader *r, const uint8_t *p,
                      const uint16_t *row, uint32_t n, uint32_t at)
{
    for (uint32_t k = 0; k < c->cnt; k++) {
        const struct wanted *w = &c->wanted[k];
        const struct strided s = field_of(r, w->f, p, row, n);
        field_column(w->c, w->f, &s, at, r->base, c->bad ? c->bad + at : NULL);
    }
}

/* Records in so many bytes: one at least, and `most` at most. */
static uint32_t rows_in(const struct source_reader *r, uint32_t bytes, uint32_t most)
{
    uint32_t size = r->spec->format.record_bytes;

    return bytes < size ? 1 : bytes / size < most ? bytes / size : most;
}

static void columns_fill(const struct columns *c, struct source_reader *r, const struct pieces *v)
{
    uint32_t size = r->spec->format.record_bytes, at = 0;
    uint32_t chunk = rows_in(r, CHUNK_BYTES, VEC_ROWS_MAX);

    for (uint32_t i = 0; i < v->cnt; i++)
        for (uint32_t k = 0; k < v->piece[i].n; k += chunk) {
            uint32_t left = v->piece[i].n - k, n = left < chunk ? left : chunk;
            ahead_fetch(&r->ahead, AHEAD_LINES);
            rows_fill(c, r, v->piece[i].p + (size_t)k * size, NULL, n, at);
            at += n;
        }
}

/* Makes the columns that are wanted, with room for so many rows. Returns 0 or -ENOMEM. */
static int columns_begin(const struct source_reader *r, struct vec *out, const bool *want,
                         uint32_t rows, struct columns *c, struct arena *a)
{
    const struct format *f = &r->spec->format;

    c->cnt = 0;
    c->bad = NULL;
    for (uint32_t k = 0; k < f->fields_cnt; k++) {
        struct col *col = &out->col[k];
        *col = (struct col){.kind = f->field[k].type};
        if (!rows || (want && !want[k]))
            continue;
        if (col_alloc(col, col->kind, rows, a))
            return -ENOMEM;
        if (col->kind == TYPE_STRING)
            col->s.base = r->base;
        c->wanted[c->cnt++] = (struct wanted){col, &f->field[k]};
    }
    return 0;
}

static bool any_bad(const struct format *f, const bool *want)
{
    for (uint32_t k = 0; k < f->fields_cnt; k++)
        if ((!want || want[k]) && can_be_bad(&f->field[k]))
            return true;
    return false;
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

static int read_all(struct source_reader *r, struct vec *out, bool check, struct arena *a)
{
    struct pieces v = {.piece = arena_alloc(a, VEC_ROWS_MAX * sizeof *v.piece),
                       .rows_max = rows_in(r, VEC_BYTES_MAX, VEC_ROWS_MAX)};
    uint8_t bad[VEC_ROWS_MAX];
    struct columns c;

    if (!v.piece)
        return -ENOMEM;
    records_cut(r, &v);
    format_ahead(r, 0, v.bytes);
    if (columns_begin(r, out, r->want, v.rows, &c, a))
        return -ENOMEM;
    if (check) {
        memset(bad, 0, v.rows);
        c.bad = bad;
    }
    columns_fill(&c, r, &v);
    format_finish(r, out, v.rows);
    if (check && memchr(bad, 1, v.rows) && select_rows(r, out, &v, bad, a))
        return -ENOMEM;
    return (int)(v.rows + v.dropped);
}

/* ---- records that a sieve keeps -----------------------------------------------------------
 *
 * Their numbers are found chunk by chunk in the field as it lies, and columns are made of them
 * alone, one behind the other. A vector takes chunks while the rows of a whole one fit. */

#define SIEVE_ROWS_MAX    (VEC_ROWS_MAX / 4) /* of a chunk */
#define SIEVE_RECORDS_MAX (VEC_ROWS_MAX * 4) /* of a vector */

bool format_binary_sieves(const struct format *format, const struct sieve *sieve, const bool *want)
{
    const struct format_field *f = &format->field[sieve->by.col];

    return f->type != TYPE_BOOL && (f->binary == BINARY_INT || f->binary == BINARY_UINT) &&
           !any_bad(format, want);
}

/* What a vector has of a block so far. */
struct kept {
    struct columns columns;
    uint64_t *place; /* NULL: nobody asks for them */
    uint32_t rows;
    uint32_t records, dropped, bytes; /* of which they were kept, or that were none */
};

/* Adds the rows that are kept of n records at p, no more than a chunk. */
static void chunk_sieve(const struct source_reader *r, struct kept *k, const uint8_t *p, uint32_t n)
{
    const struct comparison *by = &r->sieve->by;
    const struct format_field *f = &r->spec->format.field[by->col];
    const struct strided s = field_of(r, f, p, NULL, n);
    uint16_t row[SIEVE_ROWS_MAX + SEL_SLACK];

    uint32_t cnt = strided_where(row, &s, f->binary == BINARY_INT, by->op, by->with);
    rows_fill(&k->columns, r, p, cnt < n ? row : NULL, cnt, k->rows);
    for (uint32_t i = 0; k->place && i < cnt; i++)
        k->place[k->rows + i] = (r->ord_lo + k->records + row[i]) << PLACE_ROW_BITS;
    k->rows += cnt;
    k->records += n;
}

/* Takes so many records, chunk by chunk. False: there are none. */
static bool records_sieve(struct source_reader *r, struct kept *k, uint32_t rows_max,
                          uint32_t chunk, struct piece *piece)
{
    struct pieces v = {.piece = piece, .rows_max = rows_max};
    uint32_t size = r->spec->format.record_bytes;

    records_cut(r, &v);
    for (uint32_t i = 0; i < v.cnt; i++)
        for (uint32_t at = 0; at < piece[i].n; at += chunk) {
            uint32_t left = piece[i].n - at;
            ahead_fetch(&r->ahead, 2 * AHEAD_LINES);
            chunk_sieve(r, k, piece[i].p + (size_t)at * size, left < chunk ? left : chunk);
        }
    k->dropped += v.dropped;
    k->bytes += v.bytes;
    return v.bytes > 0;
}

static int read_kept(struct source_reader *r, struct vec *out, struct arena *a)
{
    const uint32_t chunk = rows_in(r, CHUNK_BYTES, SIEVE_ROWS_MAX);
    const uint32_t ahead = r->took ? r->took : VEC_BYTES_MAX;
    struct piece *piece = arena_alloc(a, VEC_ROWS_MAX * sizeof *piece);
    struct kept k = {.rows = 0};

    if (!piece || columns_begin(r, out, r->sieve->want, VEC_ROWS_MAX, &k.columns, a))
        return -ENOMEM;
    if (r->sieve->ordered && !(k.place = arena_alloc(a, VEC_ROWS_MAX * sizeof *k.place)))
        return -ENOMEM;
    format_ahead(r, ahead, ahead);
    for (uint32_t most = rows_in(r, VEC_BYTES_MAX, SIEVE_RECORDS_MAX); most;) {
        uint32_t room = (VEC_ROWS_MAX - k.rows) / chunk * chunk, before = k.records + k.dropped;
        if (!records_sieve(r, &k, room < most ? room : most, chunk, piece))
            break;
        most -= k.records + k.dropped - before;
    }
    r->took = k.bytes;
    format_finish(r, out, k.records);
    out->rows = out->sel_cnt = k.rows;
    out->place = k.place;
    r->held = true;
    return (int)(k.records + k.dropped);
}

int format_binary_read(struct source_reader *r, struct vec *out, struct arena *a)
{
    const struct format *f = &r->spec->format;

    MR_ASSERT(f->record_bytes);
    if (r->sieve && format_binary_sieves(f, r->sieve, r->want))
        return read_kept(r, out, a);
    return read_all(r, out, any_bad(f, r->want), a);
}
