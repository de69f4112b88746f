#include <errno.h>

#include "base/assert.h"
#include "rdd/format.h"

const char *const record_drop_name[RECORD_DROPS_CNT] = {
    [RECORD_TOO_LONG] = "too_long",   [RECORD_CUT] = "cut",
    [RECORD_FIELDS] = "fields",       [RECORD_BAD_VALUE] = "bad_value",
    [RECORD_BAD_QUOTE] = "bad_quote",
};

int format_read(struct source_reader *r, struct vec *out, struct arena *a)
{
    switch (r->spec->format.kind) {
    case FORMAT_TEXT: return format_text_read(r, out, a);
    case FORMAT_CSV: return format_csv_read(r, out, a);
    case FORMAT_BINARY: return format_binary_read(r, out, a);
    case FORMAT_FRAMES: return format_frames_read(r, out, a);
    }
    MR_ASSERT(!"a format");
    return 0;
}

const uint8_t *format_run(struct source_reader *r, uint32_t *left)
{
    const struct run *run = r->index;

    for (; r->row < r->rows_cnt; r->row++, r->pos = 0) {
        if (r->pos == run[r->row].len)
            continue;
        *left = run[r->row].len - r->pos;
        return r->base + run[r->row].off + r->pos;
    }
    return NULL;
}

void format_drop(struct source_reader *r, enum record_drop why, const uint8_t *bytes, uint32_t len)
{
    r->counters->offered++;
    r->counters->dropped[why]++;
    if (r->shown)
        r->shown(r->shown_ctx, why, bytes, len);
}

void format_ahead(struct source_reader *r, uint64_t skip, uint64_t bytes)
{
    const struct run *run = r->index;

    if (r->row == r->rows_cnt)
        return;
    const struct run *last = &run[r->rows_cnt - 1];
    const uint8_t *at = r->base + run[r->row].off + r->pos, *end = r->base + last->off + last->len;
    if (end <= at || (uint64_t)(end - at) <= skip)
        return;
    at += skip;
    r->ahead.at[0] = at;
    r->ahead.end[0] = (uint64_t)(end - at) < bytes ? end : at + bytes;
}

void format_finish(struct source_reader *r, struct vec *out, uint32_t rows)
{
    out->rows = rows;
    out->sel = NULL;
    out->sel_cnt = rows;
    out->ord_hi = r->ord_hi;
    out->ord_lo = r->ord_lo;
    out->place = NULL;
    r->ord_lo += rows;
    r->counters->offered += rows;
}

int format_string(struct col *c, const uint8_t *base, struct arena *a)
{
    c->s.base = base;
    c->s.off = arena_alloc(a, VEC_ROWS_MAX * sizeof *c->s.off);
    c->s.len = arena_alloc(a, VEC_ROWS_MAX * sizeof *c->s.len);
    return c->s.off && c->s.len ? 0 : -ENOMEM;
}

int format_select(struct source_reader *r, struct vec *out, const uint8_t *bad,
                  const struct run *record, struct arena *a)
{
    uint16_t *sel = arena_alloc(a, VEC_ROWS_MAX * sizeof *sel);
    uint32_t cnt = 0;

    if (!sel)
        return -ENOMEM;
    for (uint32_t i = 0; i < out->rows; i++) {
        sel[cnt] = (uint16_t)i;
        cnt += !bad[i];
        if (bad[i] && r->shown)
            r->shown(r->shown_ctx, RECORD_BAD_VALUE, r->base + record[i].off, record[i].len);
    }
    r->counters->dropped[RECORD_BAD_VALUE] += out->rows - cnt;
    out->sel = sel;
    out->sel_cnt = cnt;
    return 0;
}
