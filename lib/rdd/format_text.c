/*
 * Text: a record is a line.
 *
 * A line ends at '\n'; one '\r' before it is not part of the line. An empty line is a record (so
 * the records of a file are what `wc -l` counts); the end of a run ends a last line that has no
 * '\n', and adds nothing behind one that has.
 *
 * A vector covers up to VEC_BYTES_MAX bytes of runs that follow each other: first the ends of the
 * lines are found over the whole run, then they become offsets and lengths, each a loop of its
 * own.
 */
#include <errno.h>
#include <string.h>

#include "rdd/byte_find.h"
#include "rdd/format_text.h"

/* lines_put makes rows of n lines: line i ends before the '\n' at p[end[i]]. */
static void lines_put(struct text_vec *v, const uint8_t *base, const uint8_t *p,
                      const uint32_t *end, uint32_t n)
{
    uint32_t from = (uint32_t)(p - base);
    uint32_t *off = v->off + v->rows, *len = v->len + v->rows;

    off[0] = from;
    len[0] = end[0];
    for (uint32_t i = 1; i < n; i++) {
        off[i] = from + end[i - 1] + 1;
        len[i] = end[i] - end[i - 1] - 1;
    }
    for (uint32_t i = 0; i < n; i++)
        len[i] -= len[i] && base[off[i] + len[i] - 1] == '\r';
}

uint32_t text_last(struct source_reader *r, struct text_vec *v, const uint8_t *p, uint32_t left)
{
    const uint8_t *nl = memchr(p, '\n', left);
    uint32_t len = nl ? (uint32_t)(nl - p) : left;
    uint32_t bytes = nl ? len + 1 : left;

    len -= nl && len && p[len - 1] == '\r';
    if (len > RECORD_BYTES_MAX) {
        format_drop(r, RECORD_TOO_LONG, p, len);
        v->dropped++;
        return bytes;
    }
    if (v->off) {
        v->off[v->rows] = (uint32_t)(p - r->base);
        v->len[v->rows] = len;
    }
    v->rows++;
    return bytes;
}

static int read_all(struct source_reader *r, struct vec *out, struct arena *a)
{
    uint32_t end[VEC_ROWS_MAX + BYTE_FIND_SLACK];
    struct text_vec v = {0};
    const uint8_t *p;
    uint32_t left;

    out->col[0] = (struct col){.kind = TYPE_STRING};
    if (format_wants(r, 0)) {
        if (format_string(&out->col[0], r->base, a))
            return -ENOMEM;
        v.off = out->col[0].s.off;
        v.len = out->col[0].s.len;
    }
    while (v.rows < VEC_ROWS_MAX && v.bytes < VEC_BYTES_MAX && (p = format_run(r, &left))) {
        uint32_t room = VEC_BYTES_MAX - v.bytes;
        uint32_t window = left < room ? left : room;
        uint32_t n = byte_find(p, window, '\n', end, VEC_ROWS_MAX - v.rows);
        uint32_t bytes;

        if (n) {
            if (v.off)
                lines_put(&v, r->base, p, end, n);
            bytes = end[n - 1] + 1;
            v.rows += n;
        } else if (window < left && v.bytes) {
            break; /* the line does not fit behind the others */
        } else {
            bytes = text_last(r, &v, p, left);
        }
        r->pos += bytes;
        v.bytes += bytes;
    }
    r->counters->bytes += v.bytes;
    format_finish(r, out, v.rows);
    return (int)(v.rows + v.dropped);
}

int format_text_read(struct source_reader *r, struct vec *out, struct arena *a)
{
    if (r->needles && !r->plain_left)
        return format_text_find(r, out, a);
    r->plain_left -= r->plain_left > 0;
    r->held = false;
    return read_all(r, out, a);
}
