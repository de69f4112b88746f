#include <errno.h>

#include "rdd/format.h"

/* What a row of packets costs of VEC_BYTES_MAX while only its headers are read. */
#define PKT_HEADER_BYTES 32u

void source_reader_init(struct source_reader *r, const struct source_spec *spec, const void *index,
                        uint32_t rows_cnt, const uint8_t *base, uint64_t ord_hi, const bool *want,
                        struct source_counters *counters)
{
    *r = (struct source_reader){
        .spec = spec,
        .index = index,
        .base = base,
        .rows_cnt = rows_cnt,
        .ord_hi = ord_hi,
        .want = want,
        .counters = counters,
    };
}

/* packets_take tells how many packets make the next vector. Headers are a cache line or two of
 * each; only fields that read the whole frame make a vector shorter. */
static uint32_t packets_take(const struct source_reader *r, const struct pkt *p)
{
    uint32_t left = r->rows_cnt - r->row;
    uint32_t max = left < VEC_ROWS_MAX ? left : VEC_ROWS_MAX;
    uint32_t bytes = 0, n = 0;
    bool whole = false;

    for (uint32_t i = 0; i < packet_fields_cnt; i++)
        whole |= packet_fields[i].whole_frame && format_wants(r, i);
    if (!whole)
        return max;
    while (n < max && bytes < VEC_BYTES_MAX)
        bytes += p[n++].cap_len + PKT_HEADER_BYTES;
    return n;
}

static int packets_read(struct source_reader *r, struct vec *out, struct arena *a)
{
    const struct pkt *p = (const struct pkt *)r->index + r->row;
    uint32_t n = packets_take(r, p);

    for (uint32_t i = 0; i < packet_fields_cnt; i++) {
        out->col[i] = (struct col){.kind = packet_fields[i].type};
        if (!n || !format_wants(r, i))
            continue;
        int rc = packet_fields[i].decode(&out->col[i], p, n, r->base, a);
        if (rc)
            return rc;
    }
    for (uint32_t i = 0; i < n; i++)
        r->counters->bytes += p[i].cap_len;
    r->row += n;
    format_finish(r, out, n);
    return n > 0;
}

int source_read(struct source_reader *r, struct vec *out, struct arena *a)
{
    out->cols_cnt = type_leaves(r->spec->type);
    if (r->spec->kind == SOURCE_PACKETS)
        return packets_read(r, out, a);

    int rc = format_read(r, out, a);
    return rc < 0 ? rc : rc > 0;
}
