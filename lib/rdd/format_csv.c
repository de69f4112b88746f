/*
 * CSV and TSV: a record is a line of fields, one for each of the schema.
 *
 * RFC 4180, strictly: a field that begins with a quote goes on, over separators and newlines, to
 * the quote that ends it, and a quote inside it is written twice; any other quote is damage. A
 * '\r' before the '\n' is not part of the record. TSV has no quotes. A blank line is one empty
 * field. As text, the end of a run ends the last record.
 *
 * Damage costs one record: reading goes on behind the next newline. A quote that is not closed
 * within RECORD_BYTES_MAX bytes, or before the run ends, is damage of that kind.
 *
 * Plain lines, which have the fields of the schema and no quote, are found over a whole stretch of
 * text, several runs when they lie one behind the other and end with newlines, for then it makes no
 * difference; rows are made of their marks by whole columns. Any other record is walked over by
 * itself, inside its run.
 */
#include <errno.h>
#include <string.h>

#include "rdd/csv_marks.h"
#include "rdd/format.h"

/* Fields of a vector: what is noted of them stays in the cache. */
#define CSV_FIELDS_MAX 16384u

struct csv_vec {
    struct source_reader *r;
    const struct format *f;
    uint32_t rows_max, dropped, bytes; /* bytes and dropped records so far */
    struct format_rows rows;
};

/* ---- one record --------------------------------------------------------------------------- */

struct csv_record {
    enum record_drop why; /* RECORD_DROPS_CNT: good so far */
    uint32_t fields_cnt;
    uint32_t damage_at; /* BAD_QUOTE: where the field begins that is not well quoted */
    uint32_t len;       /* without its newline */
    uint32_t bytes;     /* with it */
};

/* quoted_end: behind the quote that closes the one at p[0]; 0 when none does. */
static uint32_t quoted_end(const uint8_t *p, uint32_t left)
{
    uint32_t max = left < RECORD_BYTES_MAX ? left : RECORD_BYTES_MAX;

    for (uint32_t i = 1; i < max;) {
        const uint8_t *q = memchr(p + i, '"', max - i);
        if (!q)
            return 0;
        i = (uint32_t)(q - p) + 1;
        if (i == left || p[i] != '"')
            return i;
        i++;
    }
    return 0;
}

/* plain_end: the end of the field at p[0] that has no quote at its start: at a separator, a
 * newline, a quote, or the end. */
static uint32_t plain_end(const struct format *f, const uint8_t *p, uint32_t left)
{
    uint32_t i = 0;

    while (i < left && p[i] != f->separator && p[i] != '\n' && !(f->quotes && p[i] == '"'))
        i++;
    return i;
}

/* record_finish: the record ends at p[at], a newline or the end of the run. */
static void record_finish(struct csv_record *c, const uint8_t *p, uint32_t at, uint32_t left)
{
    c->bytes = at < left ? at + 1 : left;
    c->len = at - (at < left && at && p[at - 1] == '\r');
}

/* record_damaged: go on behind the newline after p[at]. */
static void record_damaged(struct csv_record *c, const uint8_t *p, uint32_t at, uint32_t left)
{
    const uint8_t *nl = memchr(p + at, '\n', left - at);

    c->why = RECORD_BAD_QUOTE;
    c->damage_at = at;
    record_finish(c, p, nl ? (uint32_t)(nl - p) : left, left);
}

/* record_walk walks over the record at p[0], field by field; bound, if not NULL, takes
 * fields_cnt + 1 bounds from `base`. */
static struct csv_record record_walk(const struct format *f, const uint8_t *base, const uint8_t *p,
                                     uint32_t left, uint32_t *bound)
{
    struct csv_record c = {.why = RECORD_DROPS_CNT};
    uint32_t from = (uint32_t)(p - base), i = 0;

    if (bound)
        bound[0] = from - 1;
    for (;;) {
        uint32_t at = i;
        if (f->quotes && i < left && p[i] == '"') {
            uint32_t n = quoted_end(p + i, left - i);
            i += n;
            if (!n || (i < left && p[i] != f->separator && p[i] != '\n' &&
                       !(p[i] == '\r' && i + 1 < left && p[i + 1] == '\n'))) {
                record_damaged(&c, p, at, left);
                return c;
            }
            i += i < left && p[i] == '\r';
        } else {
            i += plain_end(f, p + i, left - i);
            if (f->quotes && i < left && p[i] == '"') {
                record_damaged(&c, p, i, left);
                return c;
            }
        }
        c.fields_cnt++;
        if (bound && c.fields_cnt <= f->fields_cnt)
            bound[c.fields_cnt] = from + i;
        if (i == left || p[i] == '\n')
            break;
        i++;
    }
    record_finish(&c, p, i, left);
    if (c.fields_cnt != f->fields_cnt)
        c.why = RECORD_FIELDS;
    else if (bound)
        bound[c.fields_cnt] = from + c.len;
    if (c.len > RECORD_BYTES_MAX)
        c.why = RECORD_TOO_LONG;
    return c;
}

/* ---- records of a vector ------------------------------------------------------------------ */

static uint32_t csv_room(const struct csv_vec *v)
{
    uint32_t most = VEC_ROWS_MAX - v->dropped;

    return (v->rows_max < most ? v->rows_max : most) - v->rows.rows;
}

/* csv_step steps over bytes that are cut, a whole number of records. */
static void csv_step(struct csv_vec *v, uint32_t bytes)
{
    struct source_reader *r = v->r;
    uint32_t left;

    v->bytes += bytes;
    while (bytes && format_run(r, &left)) {
        uint32_t step = bytes < left ? bytes : left;
        r->pos += step;
        bytes -= step;
    }
}

/* csv_walk takes the next record by itself. Returns its bytes, or 0 when it does not fit behind the
 * others. */
static uint32_t csv_walk(struct csv_vec *v)
{
    uint32_t bound[TYPE_PARTS_MAX + 1], left, i = v->rows.rows;
    const uint8_t *p = format_run(v->r, &left);
    struct csv_record c = record_walk(v->f, v->r->base, p, left, bound);

    if (v->bytes && v->bytes + c.bytes > VEC_BYTES_MAX)
        return 0;
    csv_step(v, c.bytes);
    if (c.why != RECORD_DROPS_CNT) {
        format_drop(v->r, c.why, p, c.len);
        v->dropped++;
        return c.bytes;
    }
    for (uint32_t k = 0; k < v->f->fields_cnt; k++) {
        if (!v->rows.off[k])
            continue;
        v->rows.off[k][i] = bound[k] + 1;
        v->rows.len[k][i] = bound[k + 1] - (bound[k] + 1);
    }
    if (v->rows.record_off) {
        v->rows.record_off[i] = (uint32_t)(p - v->r->base);
        v->rows.record_len[i] = c.len;
    }
    v->rows.rows++;
    v->rows.quoted = true;
    return c.bytes;
}

/* ---- whole columns of fields ---------------------------------------------------------------- */

/* Two marks, the first in the lower half. */
static inline uint32_t pair_of(const uint16_t *mark)
{
    uint32_t pair;

    memcpy(&pair, mark, sizeof pair);
    return pair;
}

/* Between two marks lies a field: mark[0] and mark[1] of the first row, `step` marks further on of
 * the next. A mark before the text is -1. */
static inline __attribute__((always_inline)) void put_field(uint32_t *restrict off,
                                                            uint32_t *restrict len,
                                                            const uint16_t *restrict mark,
                                                            uint32_t step, uint32_t base,
                                                            uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t pair = pair_of(mark + (size_t)i * step), from = (pair + 1) & 0xffff;
        off[i] = base + from;
        len[i] = (pair >> 16) - from;
    }
}

static void put_fields(uint32_t *off, uint32_t *len, const uint16_t *mark, uint32_t step,
                       uint32_t base, uint32_t n)
{
    if (step == 2) /* as a loop of its own it becomes vectors */
        put_field(off, len, mark, 2, base, n);
    else
        put_field(off, len, mark, step, base, n);
}

static void put_records(uint32_t *off, uint32_t *len, const uint16_t *mark, uint32_t fields,
                        uint32_t base, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t from = (uint16_t)(mark[(size_t)i * fields] + 1u);
        off[i] = base + from;
        len[i] = mark[(size_t)(i + 1) * fields] - from;
    }
}

/* A '\r' before the newline is not part of the last field, nor of the record. */
static void cut_returns(const uint8_t *base, const uint32_t *off, uint32_t *len, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        len[i] -= len[i] && base[off[i] + len[i] - 1] == '\r';
}

/* csv_put makes rows of the plain lines from p on, and steps over them; returns their bytes. */
static uint32_t csv_put(struct csv_vec *v, const struct csv_marks *m, const uint8_t *p)
{
    uint32_t fields = v->f->fields_cnt, at = v->rows.rows, n = m->lines_cnt;
    uint32_t base = (uint32_t)(p - v->r->base), bytes = m->mark[n * fields - 1] + 1u;
    uint16_t *mark = m->mark - 1;

    mark[0] = UINT16_MAX; /* before the first byte */
    for (uint32_t k = 0; k < fields; k++) {
        if (!v->rows.off[k])
            continue;
        put_fields(v->rows.off[k] + at, v->rows.len[k] + at, mark + k, fields, base, n);
        if (m->returns && k + 1 == fields)
            cut_returns(v->r->base, v->rows.off[k] + at, v->rows.len[k] + at, n);
    }
    if (v->rows.record_off) {
        put_records(v->rows.record_off + at, v->rows.record_len + at, mark, fields, base, n);
        if (m->returns)
            cut_returns(v->r->base, v->rows.record_off + at, v->rows.record_len + at, n);
    }
    v->rows.rows += n;
    csv_step(v, bytes);
    return bytes;
}

/* csv_text_bytes: how much text lies at p: the rest of this run, of `left` bytes, and the runs that
 * follow without a gap behind a newline. */
static uint32_t csv_text_bytes(const struct source_reader *r, const uint8_t *p, uint32_t left,
                               uint32_t max)
{
    const struct run *run = r->index;

    for (uint32_t i = r->row + 1; i < r->rows_cnt && left < max; i++) {
        if (r->base + run[i].off != p + left || p[left - 1] != '\n')
            break;
        left += run[i].len;
    }
    return left < max ? left : max;
}

/* csv_cut takes records as long as there is room, or one. False: the next does not fit. */
static bool csv_cut(struct csv_vec *v, struct csv_marks *m, const uint8_t *p, uint32_t left)
{
    const struct csv_shape shape = {v->f->separator, v->f->quotes, v->f->fields_cnt};
    uint32_t bytes = csv_text_bytes(v->r, p, left, VEC_BYTES_MAX - v->bytes), at = 0;

    do {
        csv_marks_find(m, p + at, bytes - at, &shape, csv_room(v));
        if (m->lines_cnt)
            at += csv_put(v, m, p + at);
        if (!m->odd && at)
            return true;
        uint32_t n = csv_walk(v);
        if (!n)
            return false;
        at += n;
    } while (csv_room(v) && at < bytes);
    return true;
}

/* ---- a vector ------------------------------------------------------------------------------ */

static int csv_alloc(struct csv_vec *v, struct csv_marks *m, struct arena *a)
{
    size_t marks = (1 + CSV_MARKS_BYTES + CSV_MARKS_SLACK) * sizeof *m->mark, bytes;
    struct format_rows *rows = &v->rows;

    v->rows_max = CSV_FIELDS_MAX / (v->f->fields_cnt + 1);
    v->rows_max = v->rows_max < VEC_ROWS_MAX ? v->rows_max : VEC_ROWS_MAX;
    bytes = v->rows_max * sizeof *rows->record_off;
    m->mark = arena_alloc(a, marks);
    if (!m->mark)
        return -ENOMEM;
    m->mark++; /* room for one before the first */
    if (v->r->shown) {
        rows->record_off = arena_alloc(a, bytes);
        rows->record_len = arena_alloc(a, bytes);
        if (!rows->record_off || !rows->record_len)
            return -ENOMEM;
    }
    for (uint32_t k = 0; k < v->f->fields_cnt; k++) {
        if (!format_wants(v->r, k))
            continue;
        rows->off[k] = arena_alloc(a, bytes);
        rows->len[k] = arena_alloc(a, bytes);
        if (!rows->off[k] || !rows->len[k])
            return -ENOMEM;
    }
    return 0;
}

int format_csv_read(struct source_reader *r, struct vec *out, struct arena *a)
{
    struct csv_vec v = {.r = r, .f = &r->spec->format};
    struct csv_marks m;
    const uint8_t *p;
    uint32_t left;

    if (csv_alloc(&v, &m, a))
        return -ENOMEM;
    while (csv_room(&v) && v.bytes < VEC_BYTES_MAX && (p = format_run(r, &left)))
        if (!csv_cut(&v, &m, p, left))
            break;
    r->counters->bytes += v.bytes;
    uint32_t records = v.rows.rows + v.dropped;
    return format_columns(r, out, &v.rows, a) ? -ENOMEM : (int)records;
}

uint32_t format_csv_record(const struct format *f, const uint8_t *bytes, uint32_t len, bool last)
{
    uint32_t reach = len < FORMAT_CSV_REACH ? len : FORMAT_CSV_REACH;
    struct csv_record c = record_walk(f, bytes, bytes, reach, NULL);

    if (last && len == reach)
        return c.bytes;
    if (bytes[c.bytes - 1] != '\n' || (c.why == RECORD_BAD_QUOTE && reach < FORMAT_CSV_REACH))
        return 0;
    return c.bytes;
}
