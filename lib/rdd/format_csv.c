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
 * Separators, newlines and quotes are found over the whole run; most records have no quote and
 * are made of what was found. A record with a quote is walked over by itself.
 */
#include <errno.h>
#include <string.h>

#include "rdd/byte_find.h"
#include "rdd/format.h"

/* Marks of a vector: 32 KB of them stay in the cache. A vector ends when they are used up. */
#define CSV_MARKS_MAX 8192u

struct csv_vec {
    struct source_reader *r;
    const struct format *f;
    uint32_t rows, dropped, bytes; /* so far */
    /* Row i, field k: [bound[i * (fields + 1) + k] + 1, bound[... + k + 1]), from the base. */
    uint32_t *bound;
    uint32_t rows_max;
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

static bool csv_full(const struct csv_vec *v)
{
    return v->rows >= v->rows_max || v->rows + v->dropped >= VEC_ROWS_MAX;
}

static void csv_drop(struct csv_vec *v, enum record_drop why, const uint8_t *p, uint32_t len)
{
    format_drop(v->r, why, p, len);
    v->dropped++;
}

static uint32_t *csv_bound(const struct csv_vec *v)
{
    return v->bound + v->rows * (v->f->fields_cnt + 1);
}

/* csv_walk takes the record at p by itself. Returns its bytes, or 0 when it does not fit behind
 * the others. */
static uint32_t csv_walk(struct csv_vec *v, const uint8_t *p, uint32_t left)
{
    struct csv_record c = record_walk(v->f, v->r->base, p, left, csv_bound(v));

    if (v->bytes && v->bytes + c.bytes > VEC_BYTES_MAX)
        return 0;
    if (c.why != RECORD_DROPS_CNT)
        csv_drop(v, c.why, p, c.len);
    else
        v->rows++;
    v->bytes += c.bytes;
    return c.bytes;
}

/* csv_marks makes records of n marks found in p[0..): all that end with a newline among them.
 * Returns the bytes that they took. */
static uint32_t csv_marks(struct csv_vec *v, const uint8_t *p, uint32_t left, const uint32_t *mark,
                          uint32_t n)
{
    uint32_t base = (uint32_t)(p - v->r->base), from = 0, k = 0;
    uint32_t fields = v->f->fields_cnt;
    uint32_t *bound = csv_bound(v);

    bound[0] = base - 1;
    for (uint32_t i = 0; i < n && !csv_full(v);) {
        uint8_t c = p[mark[i]];
        if (c == '"' && v->f->quotes) {
            uint32_t bytes = csv_walk(v, p + from, left - from);
            if (!bytes)
                return from;
            from += bytes;
            while (i < n && mark[i] < from)
                i++;
        } else {
            if (k++ < fields)
                bound[k] = base + mark[i];
            uint32_t at = mark[i++];
            if (c != '\n')
                continue;
            uint32_t len = at - from - (at > from && p[at - 1] == '\r');
            if (k == fields) {
                bound[k] = base + from + len;
                v->rows++;
            } else {
                csv_drop(v, RECORD_FIELDS, p + from, len);
            }
            v->bytes += at + 1 - from;
            from = at + 1;
        }
        bound = csv_bound(v);
        bound[0] = base + from - 1;
        k = 0;
    }
    return from;
}

/* csv_cut_run takes records of the current run as long as there is room. */
static bool csv_cut_run(struct csv_vec *v, const uint8_t *p, uint32_t left, uint32_t *mark)
{
    const uint8_t marks[3] = {'\n', v->f->separator, v->f->quotes ? '"' : '\n'};
    uint32_t room = VEC_BYTES_MAX - v->bytes, window = left < room ? left : room;
    uint32_t n = byte_find3(p, window, marks, mark, CSV_MARKS_MAX);
    uint32_t bytes = csv_marks(v, p, left, mark, n);

    /* The last record of the run, or one that is longer than the window. */
    if (!bytes && (v->bytes == 0 || (window == left && n < CSV_MARKS_MAX)))
        bytes = csv_walk(v, p, left);
    v->r->pos += bytes;
    return bytes > 0;
}

int format_csv_read(struct source_reader *r, struct vec *out, struct arena *a)
{
    struct csv_vec v = {.r = r, .f = &r->spec->format};
    uint32_t stride = v.f->fields_cnt + 1;
    uint32_t *mark = arena_alloc(a, (CSV_MARKS_MAX + BYTE_FIND_SLACK) * sizeof *mark);
    const uint8_t *p;
    uint32_t left;

    v.rows_max = 2 * CSV_MARKS_MAX / stride;
    v.rows_max = v.rows_max < VEC_ROWS_MAX ? v.rows_max : VEC_ROWS_MAX;
    /* One more row than is used: the record after the last is begun before it is given up. */
    v.bound = arena_alloc(a, (size_t)(v.rows_max + 1) * stride * sizeof *v.bound);
    if (!mark || !v.bound)
        return -ENOMEM;
    while (!csv_full(&v) && v.bytes < VEC_BYTES_MAX && (p = format_run(r, &left)))
        if (!csv_cut_run(&v, p, left, mark))
            break;

    struct format_rows rows = {
        .rows = v.rows, .bound = v.bound, .stride = stride, .quotes = v.f->quotes};
    r->counters->bytes += v.bytes;
    return format_columns(r, out, &rows, a) ? -ENOMEM : (int)(v.rows + v.dropped);
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
