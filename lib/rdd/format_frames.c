/*
 * Frames: each record is its length (1, 2 or 4 bytes, big-endian, not counting itself) and as
 * many bytes.
 *
 * A length that runs past the end of its run, or a length that is itself cut, drops the rest of
 * the run as one record: what follows cannot be told apart. A frame of 0 bytes is a record.
 */
#include <errno.h>

#include "base/bytes.h"
#include "rdd/format.h"

static uint32_t frame_len(const struct format *f, const uint8_t *p)
{
    switch (f->length_bytes) {
    case 1: return *p;
    case 2: return load_be16(p);
    default: return load_be32(p);
    }
}

/* frame_whole: does a whole frame lie at p? */
static bool frame_whole(const struct format *f, const uint8_t *p, uint32_t left)
{
    return left >= f->length_bytes && frame_len(f, p) <= left - f->length_bytes;
}

int format_frames_read(struct source_reader *r, struct vec *out, struct arena *a)
{
    const struct format *f = &r->spec->format;
    uint32_t rows = 0, dropped = 0, bytes = 0, left;
    struct col *c = &out->col[0];
    const uint8_t *p;

    *c = (struct col){.kind = TYPE_STRING};
    if (format_wants(r, 0) && format_string(c, r->base, a))
        return -ENOMEM;
    while (rows + dropped < VEC_ROWS_MAX && bytes < VEC_BYTES_MAX && (p = format_run(r, &left))) {
        bool whole = frame_whole(f, p, left);
        uint32_t len = whole ? frame_len(f, p) : left;
        uint32_t step = whole ? f->length_bytes + len : left;
        if (bytes && bytes + step > VEC_BYTES_MAX)
            break;
        r->pos += step;
        bytes += step;
        if (!whole || len > RECORD_BYTES_MAX) {
            format_drop(r, whole ? RECORD_TOO_LONG : RECORD_CUT, p, step);
            dropped++;
            continue;
        }
        if (c->s.off) {
            c->s.off[rows] = (uint32_t)(p - r->base) + f->length_bytes;
            c->s.len[rows] = len;
        }
        rows++;
    }
    r->counters->bytes += bytes;
    format_finish(r, out, rows);
    return (int)(rows + dropped);
}
