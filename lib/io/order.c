#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "io/order.h"

/* Fewer rows than this are sorted by insertion. */
#define SMALL_ROWS_CNT 24u
/* Sorted rows lie anywhere in memory: they are fetched this many rows ahead. */
#define AHEAD_ROWS 16u

/* ---- by 64-bit prefix ------------------------------------------------------------------------ */

struct histogram {
    uint32_t cnt[8][256]; /* by byte of the prefix, the lowest first */
};

static void histogram_fill(struct histogram *h, const struct out_row *row, uint32_t n)
{
    memset(h, 0, sizeof *h);
    for (uint32_t i = 0; i < n; i++)
        for (int byte = 0; byte < 8; byte++)
            h->cnt[byte][row[i].prefix >> (8 * byte) & 0xff]++;
}

static void scatter(struct out_row *to, const struct out_row *from, uint32_t n, uint32_t cnt[256],
                    int byte)
{
    uint32_t at = 0;

    for (int b = 0; b < 256; b++) {
        uint32_t here = cnt[b];
        cnt[b] = at;
        at += here;
    }
    for (uint32_t i = 0; i < n; i++)
        to[cnt[from[i].prefix >> (8 * byte) & 0xff]++] = from[i];
}

/* radix_sort sorts n rows at `row` by prefix, stable; bytes that all rows share cost nothing. */
static void radix_sort(struct out_row *row, struct out_row *spare, uint32_t n)
{
    struct out_row *from = row, *to = spare;
    struct histogram h;

    histogram_fill(&h, row, n);
    for (int byte = 0; byte < 8; byte++) {
        if (h.cnt[byte][row[0].prefix >> (8 * byte) & 0xff] == n)
            continue;
        scatter(to, from, n, h.cnt[byte], byte);
        struct out_row *t = from;
        from = to;
        to = t;
    }
    if (from != row)
        memcpy(row, from, n * sizeof *row);
}

/* ---- as they came ---------------------------------------------------------------------------- */

static bool came_sorted(const struct out_rows *o)
{
    for (uint32_t i = 1; i < o->cnt; i++) {
        const struct row_hdr *a = o->row[i - 1].row, *b = o->row[i].row;
        if (a->ord_hi > b->ord_hi || (a->ord_hi == b->ord_hi && a->ord_lo > b->ord_lo))
            return false;
    }
    return true;
}

static void sort_by_ord_lo(struct out_rows *o)
{
    for (uint32_t i = 0; i < o->cnt; i++)
        o->row[i].prefix = o->row[i].row->ord_lo;
    radix_sort(o->row, o->spare, o->cnt);
}

static void sort_as_came(struct out_rows *o)
{
    if (came_sorted(o))
        return;
    sort_by_ord_lo(o);
    for (uint32_t i = 0; i < o->cnt; i++)
        o->row[i].prefix = o->row[i].row->ord_hi;
    radix_sort(o->row, o->spare, o->cnt);
}

/* ---- by key ---------------------------------------------------------------------------------- */

/* The 8 bytes of the key from `depth` on, zeros behind its end. */
static uint64_t key_prefix(const struct row_hdr *row, uint32_t depth)
{
    uint8_t b[8] = {0};

    if (row->key_bytes >= depth + 8)
        return load_be64(row_key(row) + depth);
    if (row->key_bytes > depth)
        memcpy(b, row_key(row) + depth, row->key_bytes - depth);
    return load_be64(b);
}

/* How many bytes of the key the prefix holds, or 9 when there are more behind it: it orders keys
 * of one prefix, because the zeros behind a key's end look like zeros in it. */
static uint32_t key_class(const struct row_hdr *row, uint32_t depth)
{
    uint32_t left = row->key_bytes - depth;

    return left > 8 ? 9 : left;
}

static void sort_by_class(struct out_row *row, struct out_row *spare, uint32_t n, uint32_t depth)
{
    uint32_t cnt[10] = {0}, at = 0;

    for (uint32_t i = 0; i < n; i++)
        cnt[key_class(row[i].row, depth)]++;
    if (cnt[key_class(row[0].row, depth)] == n)
        return;
    for (int c = 0; c < 10; c++) {
        uint32_t here = cnt[c];
        cnt[c] = at;
        at += here;
    }
    for (uint32_t i = 0; i < n; i++)
        spare[cnt[key_class(row[i].row, depth)]++] = row[i];
    memcpy(row, spare, n * sizeof *row);
}

static int key_cmp(const struct row_hdr *a, const struct row_hdr *b, uint32_t depth)
{
    return enc_cmp(row_key(a) + depth, a->key_bytes - depth, row_key(b) + depth,
                   b->key_bytes - depth);
}

static void insertion_sort(struct out_row *row, uint32_t n, uint32_t depth)
{
    for (uint32_t i = 1; i < n; i++) {
        struct out_row it = row[i];
        uint32_t j = i;

        for (; j > 0 && key_cmp(row[j - 1].row, it.row, depth) > 0; j--)
            row[j] = row[j - 1];
        row[j] = it;
    }
}

/*
 * sort_by_key sorts n rows whose keys agree in their first `depth` bytes (and are at least that
 * long). It calls itself for runs of rows that agree in 8 bytes more, so that all the calls look
 * at each byte of a key at most once.
 */
static void sort_by_key(struct out_row *row, struct out_row *spare, uint32_t n, uint32_t depth)
{
    if (n < SMALL_ROWS_CNT) {
        insertion_sort(row, n, depth);
        return;
    }
    sort_by_class(row, spare, n, depth);
    for (uint32_t i = 0; i < n; i++)
        row[i].prefix = key_prefix(row[i].row, depth);
    radix_sort(row, spare, n);
    for (uint32_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && row[to].prefix == row[from].prefix; to++)
            ;
        while (from < to && row[from].row->key_bytes <= depth + 8)
            from++;
        if (to - from > 1)
            sort_by_key(row + from, spare + from, to - from, depth + 8);
    }
}

/* ---- by value -------------------------------------------------------------------------------- */

static int value_cmp(const void *x, const void *y)
{
    const struct row_hdr *a = ((const struct out_row *)x)->row,
                         *b = ((const struct out_row *)y)->row;

    return enc_cmp(row_val(a), a->val_bytes, row_val(b), b->val_bytes);
}

static bool same_key(const struct row_hdr *a, const struct row_hdr *b)
{
    return a->key_bytes == b->key_bytes && memcmp(row_key(a), row_key(b), a->key_bytes) == 0;
}

/* Rows of one key, which stand together, by value. Without keys these are all rows. */
static void sort_values(struct out_rows *o)
{
    for (uint32_t from = 0, to; from < o->cnt; from = to) {
        for (to = from + 1; to < o->cnt && same_key(o->row[from].row, o->row[to].row); to++)
            ;
        if (to - from > 1)
            qsort(o->row + from, to - from, sizeof o->row[0], value_cmp);
    }
}

/* ---- the rows of an RDD ---------------------------------------------------------------------- */

static int out_rows_grow(struct out_rows *o, uint32_t cnt)
{
    if (cnt <= o->room)
        return 0;
    uint32_t room = cnt < 1024 ? 1024 : cnt;
    struct out_row *row = realloc(o->row, room * sizeof *row);
    if (!row)
        return -ENOMEM;
    o->row = row;
    struct out_row *spare = realloc(o->spare, room * sizeof *spare);
    if (!spare)
        return -ENOMEM;
    o->spare = spare;
    o->room = room;
    return 0;
}

int out_rows_sort(struct out_rows *o, const struct out_rdd *rdd)
{
    uint64_t cnt = 0;

    o->cnt = 0;
    for (uint32_t i = 0; i < rdd->blocks_cnt; i++)
        cnt += rdd->block[i]->hdr.rows;
    if (cnt > UINT32_MAX || out_rows_grow(o, (uint32_t)cnt))
        return -ENOMEM;
    for (uint32_t i = 0; i < rdd->blocks_cnt; i++) {
        const struct block *b = rdd->block[i];
        const struct row_hdr *row = (const struct row_hdr *)b->base;

        MR_ASSERT(b->hdr.kind == BLOCK_ROWS);
        for (uint32_t r = 0; r < b->hdr.rows; r++, row = row_next(row))
            o->row[o->cnt++].row = row;
        MR_ASSERT((const uint8_t *)row <= b->base + b->hdr.bytes);
    }
    if (o->cnt == 0)
        return 0;
    if (rdd->stream->order == ROWS_BY_RANK) {
        sort_by_ord_lo(o);
        return 0;
    }
    sort_as_came(o);
    if (rdd->stream->order == ROWS_BY_KEY)
        sort_by_key(o->row, o->spare, o->cnt, 0);
    if (rdd->stream->by_value)
        sort_values(o);
    return 0;
}

void out_rows_release(struct out_rows *o)
{
    free(o->row);
    free(o->spare);
    *o = (struct out_rows){0};
}

/* ---- digest ---------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 m = (unsigned __int128)(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xd6e8feb86659fd93u);

    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint64_t mix_bytes(uint64_t h, const uint8_t *p, uint32_t len)
{
    uint8_t last[8] = {0};

    h = mix(h, len);
    for (; len >= 8; p += 8, len -= 8)
        h = mix(h, load_le64(p));
    memcpy(last, p, len);
    return mix(h, load_le64(last));
}

uint64_t out_rows_digest(const struct out_rows *o)
{
    uint64_t h = o->cnt;

    for (uint32_t i = 0; i < o->cnt; i++) {
        const struct row_hdr *row = o->row[i].row;
        if (i + AHEAD_ROWS < o->cnt)
            __builtin_prefetch(o->row[i + AHEAD_ROWS].row);
        h = mix_bytes(h, row_key(row), row->key_bytes);
        h = mix_bytes(h, row_val(row), row->val_bytes);
    }
    return h;
}
