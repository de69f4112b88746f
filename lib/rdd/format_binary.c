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
#include "base/bytes.h"
#include "rdd/format.h"

/* ---- fields ------------------------------------------------------------------------------- */

static inline uint64_t load_uint(const uint8_t *p, uint32_t width, bool big_endian)
{
    uint64_t v = 0;

    switch (width) {
    case 1: return *p;
    case 2: return big_endian ? load_be16(p) : load_le16(p);
    case 4: return big_endian ? load_be32(p) : load_le32(p);
    case 8: return big_endian ? load_be64(p) : load_le64(p);
    default: break;
    }
    for (uint32_t i = 0; i < width; i++)
        v = v << 8 | p[big_endian ? i : width - 1 - i];
    return v;
}

static void int_column(struct col *c, const struct format_field *f, const uint8_t *base,
                       const struct run *record, uint32_t n, uint8_t *bad)
{
    MR_ASSERT(f->width >= 1 && f->width <= 8);
    uint32_t shift = 64 - 8 * f->width;
    bool is_signed = f->binary == BINARY_INT, is_bool = f->type == TYPE_BOOL;

    for (uint32_t i = 0; i < n; i++) {
        uint64_t v = load_uint(base + record[i].off + f->offset, f->width, f->big_endian);
        int64_t s = is_signed ? (int64_t)(v << shift) >> shift : (int64_t)v;
        bad[i] |= !is_signed && !is_bool && s < 0;
        c->i[i] = is_bool ? s != 0 : s;
    }
}

static void float_column(struct col *c, const struct format_field *f, const uint8_t *base,
                         const struct run *record, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint64_t v = load_uint(base + record[i].off + f->offset, f->width, f->big_endian);
        if (f->width == 8) {
            memcpy(&c->f[i], &v, 8);
        } else {
            float narrow;
            uint32_t bits = (uint32_t)v;
            memcpy(&narrow, &bits, 4);
            c->f[i] = (double)narrow;
        }
    }
}

static void ip_column(struct col *c, const struct format_field *f, const uint8_t *base,
                      const struct run *record, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *p = base + record[i].off + f->offset;
        if (f->binary == BINARY_IP6) {
            memcpy(c->ip[i].b, p, 16);
        } else {
            c->ip[i] = (struct ip){{[10] = 0xff, 0xff}};
            memcpy(c->ip[i].b + 12, p, 4);
        }
    }
}

static void bytes_column(struct col *c, const struct format_field *f, const uint8_t *base,
                         const struct run *record, uint32_t n)
{
    c->s.base = base;
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *p = base + record[i].off + f->offset;
        uint32_t len = f->width;
        while (len && p[len - 1] == 0)
            len--;
        c->s.off[i] = record[i].off + f->offset;
        c->s.len[i] = len;
    }
}

static void field_column(struct col *c, const struct format_field *f, const uint8_t *base,
                         const struct run *record, uint32_t n, uint8_t *bad)
{
    switch (f->binary) {
    case BINARY_INT:
    case BINARY_UINT: int_column(c, f, base, record, n, bad); break;
    case BINARY_FLOAT: float_column(c, f, base, record, n); break;
    case BINARY_IP4:
    case BINARY_IP6: ip_column(c, f, base, record, n); break;
    case BINARY_BYTES: bytes_column(c, f, base, record, n); break;
    }
}

/* ---- records ------------------------------------------------------------------------------ */

/* records_cut takes up to a vector of whole records, over as many runs as it takes. Returns how
 * many, and in *dropped how many were cut. */
static uint32_t records_cut(struct source_reader *r, struct run *record, uint32_t *dropped)
{
    uint32_t size = r->spec->format.record_bytes, rows = 0, bytes = 0, left;
    const uint8_t *p;

    *dropped = 0;
    while (rows + *dropped < VEC_ROWS_MAX && (!bytes || bytes + size <= VEC_BYTES_MAX) &&
           (p = format_run(r, &left))) {
        uint32_t step = left < size ? left : size;
        r->pos += step;
        bytes += step;
        if (step < size) {
            format_drop(r, RECORD_CUT, p, left);
            ++*dropped;
        } else {
            record[rows++] = (struct run){(uint32_t)(p - r->base), size};
        }
    }
    r->counters->bytes += bytes;
    return rows;
}

int format_binary_read(struct source_reader *r, struct vec *out, struct arena *a)
{
    const struct format *f = &r->spec->format;
    struct run *record = arena_alloc(a, VEC_ROWS_MAX * sizeof *record);
    uint8_t bad[VEC_ROWS_MAX] = {0};
    uint32_t dropped;

    MR_ASSERT(f->record_bytes);
    if (!record)
        return -ENOMEM;
    uint32_t n = records_cut(r, record, &dropped);
    for (uint32_t k = 0; k < f->fields_cnt; k++) {
        struct col *c = &out->col[k];
        *c = (struct col){.kind = f->field[k].type};
        if (!n || !format_wants(r, k))
            continue;
        if (col_alloc(c, c->kind, n, a))
            return -ENOMEM;
        field_column(c, &f->field[k], r->base, record, n, bad);
    }
    format_finish(r, out, n);
    if (memchr(bad, 1, n) && format_select(r, out, bad, record, a))
        return -ENOMEM;
    return (int)(n + dropped);
}
