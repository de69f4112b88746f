#include <errno.h>
#include <immintrin.h>
#include <stddef.h>

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

/* The most that is read of a packet for the fields that are wanted. */
static enum packet_reach reach_of(const struct source_reader *r)
{
    enum packet_reach most = PACKET_ROW;

    for (uint32_t i = 0; i < packet_fields_cnt; i++)
        if (format_wants(r, i) && packet_fields[i].reach > most)
            most = packet_fields[i].reach;
    return most;
}

/* packets_take tells how many packets make the next vector. Headers are a cache line or two of
 * each; only fields that read the whole frame make a vector shorter. */
static uint32_t packets_take(const struct source_reader *r, const struct pkt *p,
                             enum packet_reach reach)
{
    uint32_t left = r->rows_cnt - r->row;
    uint32_t max = left < VEC_ROWS_MAX ? left : VEC_ROWS_MAX;
    uint32_t bytes = 0, n = 0;

    if (reach < PACKET_WHOLE)
        return max;
    while (n < max && bytes < VEC_BYTES_MAX)
        bytes += p[n++].cap_len + PKT_HEADER_BYTES;
    return n;
}

/* Frames at this distance and less have headers in every line. */
#define CLOSE_BYTES 128u

/* Rows that stay in L1 with their headers while one field after the other is taken from them. */
#define PACKETS_CHUNK 64u

/* Makes the columns of n packets; strings at once, the others are only given their memory. Returns
 * how many those are, whose numbers go into `field`, or -ENOMEM. */
static int packets_begin(const struct source_reader *r, struct vec *out, const struct pkt *p,
                         uint32_t n, uint8_t *field, struct arena *a)
{
    int cnt = 0;

    for (uint32_t k = 0; k < packet_fields_cnt; k++) {
        const struct packet_field *f = &packet_fields[k];
        out->col[k] = (struct col){.kind = f->type};
        if (!n || !format_wants(r, k))
            continue;
        if (f->text ? f->text(&out->col[k], p, n, r->base, a)
                    : col_alloc(&out->col[k], f->type, n, a))
            return -ENOMEM;
        field[cnt] = (uint8_t)k;
        cnt += f->fill != NULL;
    }
    return cnt;
}

/* The bytes of n packets: the upper halves of the words that begin with their offsets, summed up in
 * the upper half of a vector. */
static uint64_t captured(const struct pkt *p, uint32_t n)
{
    __m128i sum = _mm_setzero_si128();

    _Static_assert(offsetof(struct pkt, cap_len) == offsetof(struct pkt, off) + 4, "one word");
    for (uint32_t i = 0; i < n; i++)
        sum = _mm_add_epi64(sum, _mm_cvtepu32_epi64(_mm_loadu_si64(&p[i].off)));
    return (uint64_t)_mm_extract_epi64(sum, 1);
}

/* What the next n packets are likely to take: rows of the index, and their frames if those lie so
 * close that their headers are in every line. */
static struct ahead packets_ahead(const struct source_reader *r, uint32_t n,
                                  enum packet_reach reach)
{
    const struct pkt *p = (const struct pkt *)r->index + r->row, *next = p + n;
    uint32_t left = r->rows_cnt - r->row - n, cnt = left < n ? left : n;
    struct ahead a = {{NULL}, {NULL}};

    if (!cnt)
        return a;
    a.at[0] = (const uint8_t *)next;
    a.end[0] = (const uint8_t *)(next + cnt);
    uint64_t frames = (uint64_t)next->off - p->off;
    if (reach > PACKET_ROW && next->off > p->off && frames <= (uint64_t)n * CLOSE_BYTES) {
        a.at[1] = r->base + next->off;
        a.end[1] = a.at[1] + frames;
    }
    return a;
}

static int packets_read(struct source_reader *r, struct vec *out, struct arena *a)
{
    const struct pkt *p = (const struct pkt *)r->index + r->row;
    const enum packet_reach reach = reach_of(r);
    uint32_t n = packets_take(r, p, reach);
    uint8_t field[TYPE_PARTS_MAX];
    uint64_t bytes = 0;

    int cnt = packets_begin(r, out, p, n, field, a);
    if (cnt < 0)
        return cnt;
    r->ahead = packets_ahead(r, n, reach);
    for (uint32_t at = 0; at < n; at += PACKETS_CHUNK) {
        ahead_fetch(&r->ahead, AHEAD_LINES);
        uint32_t some = n - at < PACKETS_CHUNK ? n - at : PACKETS_CHUNK;
        for (int k = 0; k < cnt; k++)
            packet_fields[field[k]].fill(&out->col[field[k]], at, p + at, some, r->base);
        bytes += captured(p + at, some);
    }
    r->counters->bytes += bytes;
    r->row += n;
    format_finish(r, out, n);
    return n > 0;
}

int source_read(struct source_reader *r, struct vec *out, struct arena *a)
{
    out->cols_cnt = type_leaves(r->spec->type);
    out->ahead = &r->ahead;
    if (r->spec->kind == SOURCE_PACKETS)
        return packets_read(r, out, a);

    r->ahead = (struct ahead){{NULL}, {NULL}};
    int rc = format_read(r, out, a);
    return rc < 0 ? rc : rc > 0;
}
