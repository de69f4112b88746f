#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "rdd/format.h"
#include "rdd/format_walk.h"

/* Lines are counted a piece at a time; only in the piece with the last one are they looked for. */
#define PIECE_BYTES 4096u

static uint32_t lines_cnt(const uint8_t *p, uint32_t len)
{
    uint32_t cnt = 0;

    for (uint32_t i = 0; i < len; i++)
        cnt += p[i] == '\n';
    return cnt;
}

static uint32_t walk_lines(const uint8_t *bytes, uint32_t len, bool last, uint32_t records_max,
                           uint32_t *used)
{
    uint32_t cnt = 0, at = 0;

    while (at < len) {
        uint32_t piece = len - at < PIECE_BYTES ? len - at : PIECE_BYTES;
        uint32_t here = lines_cnt(bytes + at, piece);
        if (cnt + here >= records_max)
            break;
        cnt += here;
        at += piece;
    }
    if (at < len) {
        for (; cnt < records_max; cnt++)
            at = (uint32_t)((const uint8_t *)memchr(bytes + at, '\n', len - at) - bytes) + 1;
        *used = at;
        return cnt;
    }
    const uint8_t *nl = memrchr(bytes, '\n', len);
    *used = nl ? (uint32_t)(nl - bytes) + 1 : 0;
    if (last && *used < len) {
        *used = len;
        cnt++;
    }
    return cnt;
}

static uint32_t walk_binary(const struct format *f, uint32_t len, bool last, uint32_t records_max,
                            uint32_t *used)
{
    uint32_t cnt = len / f->record_bytes;

    if (cnt >= records_max)
        cnt = records_max;
    else if (last && len % f->record_bytes)
        cnt++;
    *used = cnt * f->record_bytes < len ? cnt * f->record_bytes : len;
    return cnt;
}

static uint64_t frame_bytes(const struct format *f, const uint8_t *p)
{
    uint64_t len = f->length_bytes == 1 ? p[0] : f->length_bytes == 2 ? load_be16(p) : load_be32(p);

    return f->length_bytes + len;
}

static uint32_t walk_frames(const struct format *f, const uint8_t *bytes, uint32_t len, bool last,
                            uint32_t records_max, uint32_t *used)
{
    uint32_t cnt = 0, at = 0;

    while (cnt < records_max && at < len) {
        uint32_t left = len - at;
        bool whole = left >= f->length_bytes && frame_bytes(f, bytes + at) <= left;
        if (!whole && !last)
            break;
        at += whole ? (uint32_t)frame_bytes(f, bytes + at) : left;
        cnt++;
    }
    *used = at;
    return cnt;
}

static uint32_t walk_csv(const struct format *f, const uint8_t *bytes, uint32_t len, bool last,
                         uint32_t records_max, uint32_t *used)
{
    uint32_t cnt = 0, at = 0, n;

    while (cnt < records_max && at < len &&
           (n = format_csv_record(f, bytes + at, len - at, last))) {
        at += n;
        cnt++;
    }
    *used = at;
    return cnt;
}

uint32_t format_walk(const struct format *f, const uint8_t *bytes, uint32_t len, bool last,
                     uint32_t records_max, uint32_t *used)
{
    *used = 0;
    if (!len || !records_max)
        return 0;
    switch (f->kind) {
    case FORMAT_TEXT: return walk_lines(bytes, len, last, records_max, used);
    case FORMAT_CSV: return walk_csv(f, bytes, len, last, records_max, used);
    case FORMAT_BINARY: return walk_binary(f, len, last, records_max, used);
    case FORMAT_FRAMES: return walk_frames(f, bytes, len, last, records_max, used);
    }
    MR_ASSERT(!"a format");
    return 0;
}

uint64_t format_rest(const struct format *f, const uint8_t *head, uint32_t gone)
{
    if (f->kind != FORMAT_FRAMES)
        return FORMAT_REST_LINE;
    MR_ASSERT(gone >= f->length_bytes && gone <= frame_bytes(f, head));
    return frame_bytes(f, head) - gone;
}
