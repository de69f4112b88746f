#include "rdd/rows_writer.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "rdd/combine.h"
#include "rdd/sort.h"

#define ROWS_MAX (ROWS_BUFFER_BYTES / 32)

static size_t round64(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

size_t rows_writer_bytes(void)
{
    return round64(ROWS_BUFFER_BYTES) + 2 * round64(ROWS_MAX * 4) + round64(ROWS_MAX * 2);
}

void rows_writer_init(struct rows_writer *r, void *mem)
{
    uint8_t *at = mem;

    *r = (struct rows_writer){.mem = at};
    r->at = (uint32_t *)(void *)(at + round64(ROWS_BUFFER_BYTES));
    r->order = (uint32_t *)(void *)((uint8_t *)r->at + round64(ROWS_MAX * 4));
    r->partition = (uint16_t *)(void *)((uint8_t *)r->order + round64(ROWS_MAX * 4));
}

static const struct row_hdr *row_of(const struct rows_writer *r, uint32_t off)
{
    return (const struct row_hdr *)(const void *)(r->mem + off);
}

/* Writes one block of n rows, all of one partition: a buffer of them fits a page. */
static void write_rows(struct stage_writer *w, struct task_out *out, uint32_t partition,
                       const uint32_t *at, uint32_t n)
{
    const struct rows_writer *r = &w->rows;
    uint32_t bytes = 0;

    if (!n)
        return;
    for (uint32_t i = 0; i < n; i++)
        bytes += row_bytes(row_of(r, at[i]));
    uint8_t *body = shuffle_begin(&out->shuffle, bytes), *to = body;
    for (uint32_t i = 0; body && i < n; i++) {
        memcpy(to, row_of(r, at[i]), row_bytes(row_of(r, at[i])));
        to += row_bytes(row_of(r, at[i]));
    }
    if (!body || !task_out_block(out, w, BLOCK_ROWS, partition, bytes, n))
        out->refused += n;
}

/* ---- a top: the rows are a heap, the worst on top ----------------------------------------------
 */

static bool is_top(const struct stage_writer *w)
{
    return w->node->exchange && w->node->exchange->top_cnt;
}

static int by_rank(const void *ctx, uint32_t a, uint32_t b)
{
    return rows_cmp_rank(row_of(ctx, a), row_of(ctx, b));
}

static bool is_worse(const struct rows_writer *r, uint32_t a, uint32_t b)
{
    return by_rank(r, a, b) > 0;
}

static void rise(struct rows_writer *r, uint32_t i, uint32_t row)
{
    for (; i && is_worse(r, row, r->at[(i - 1) / 2]); i = (i - 1) / 2)
        r->at[i] = r->at[(i - 1) / 2];
    r->at[i] = row;
}

static void sink(struct rows_writer *r, uint32_t row)
{
    uint32_t i = 0;

    for (uint32_t kid = 1; kid < r->rows; kid = 2 * i + 1) {
        kid += kid + 1 < r->rows && is_worse(r, r->at[kid + 1], r->at[kid]);
        if (!is_worse(r, r->at[kid], row))
            break;
        r->at[i] = r->at[kid];
        i = kid;
    }
    r->at[i] = row;
}

static void set_floor(struct stage_writer *w)
{
    struct rows_writer *r = &w->rows;

    if (w->row_value->kind != TYPE_INT)
        return;
    r->has_floor = true;
    r->best_floor = (int64_t)(load_be64(row_val(row_of(r, r->at[0]))) ^ 1ull << 63);
}

/* The row that lies at the end of the buffer, if it is one of the best as yet. */
static void keep_best(struct stage_writer *w, uint32_t bytes)
{
    struct rows_writer *r = &w->rows;
    uint32_t best = (uint32_t)w->node->exchange->top_cnt, row = r->used;

    if (r->rows < w->node->exchange->top_cnt) {
        rise(r, r->rows, row);
        r->rows++;
    } else if (is_worse(r, r->at[0], row)) {
        sink(r, row);
    } else {
        return;
    }
    r->used += bytes;
    if (r->rows == best)
        set_floor(w);
}

static uint32_t bytes_of(const struct rows_writer *r)
{
    uint32_t bytes = 0;

    for (uint32_t i = 0; i < r->rows; i++)
        bytes += row_bytes(row_of(r, r->at[i]));
    return bytes;
}

/* What is none of the best any more leaves the buffer; the others go through the scratch. False:
 * that would not gain enough, or there is no scratch. */
static bool sweep(struct stage_writer *w, struct arena *scratch)
{
    struct rows_writer *r = &w->rows;
    size_t mark = scratch->used;
    uint32_t bytes = bytes_of(r), used = 0;
    uint8_t *copy = bytes > ROWS_BUFFER_BYTES / 4 * 3 ? NULL : arena_alloc(scratch, bytes + 1);

    if (!copy)
        return false;
    for (uint32_t i = 0; i < r->rows; i++) {
        uint32_t n = row_bytes(row_of(r, r->at[i]));
        memcpy(copy + used, row_of(r, r->at[i]), n);
        r->at[i] = used;
        used += n;
    }
    memcpy(r->mem, copy, used);
    scratch->used = mark;
    r->used = used;
    return true;
}

/* ---- leaving -----------------------------------------------------------------------------------
 */

void rows_writer_flush(struct stage_writer *w, struct task_out *out)
{
    struct rows_writer *r = &w->rows;
    uint32_t parts = w->node->exchange ? w->node->exchange->partitions : 1, start[1025] = {0};

    if (is_top(w)) /* so that the same rows are the same bytes */
        sort_idx(r->at, r->rows, by_rank, r);
    if (parts == 1) {
        write_rows(w, out, 0, r->at, r->rows);
    } else {
        MR_ASSERT(parts <= 1024);
        for (uint32_t i = 0; i < r->rows; i++)
            start[r->partition[i] + 1]++;
        for (uint32_t p = 0; p < parts; p++)
            start[p + 1] += start[p];
        for (uint32_t i = 0; i < r->rows; i++)
            r->order[start[r->partition[i]]++] = r->at[i];
        for (uint32_t p = 0, from = 0; p < parts; from = start[p++])
            write_rows(w, out, p, r->order + from, start[p] - from);
    }
    r->rows = r->used = 0;
    r->has_floor = false;
}

/* A top over ints passes by what cannot come in any more. */
static bool below_floor(const struct rows_writer *r, const struct vec *v, uint32_t row)
{
    const struct col *c = &v->col[v->cols_cnt - 1];

    return r->has_floor && c->kind == TYPE_INT && c->i[row] < r->best_floor;
}

static void make_room(struct stage_writer *w, uint32_t bytes, struct task_out *out,
                      struct arena *scratch)
{
    struct rows_writer *r = &w->rows;

    if (r->used + bytes <= ROWS_BUFFER_BYTES && r->rows < ROWS_MAX)
        return;
    if (!is_top(w) || r->rows == ROWS_MAX || !sweep(w, scratch) ||
        r->used + bytes > ROWS_BUFFER_BYTES)
        rows_writer_flush(w, out);
}

/* The partition of the row just written at `at`. */
static uint16_t partition_of(const uint8_t *key, uint32_t key_bytes, uint32_t parts)
{
    struct tkey k;
    uint32_t zero = 0;
    struct enc_keys e = {.base = key, .off = &zero, .len = &key_bytes};

    if (parts == 1)
        return 0;
    tkeys_load(&k, &e, NULL, 1);
    return (uint16_t)tkey_partition(&k, parts);
}

static void append_row(struct stage_writer *w, const struct vec *v, uint32_t x,
                       struct task_out *out, struct arena *scratch)
{
    struct rows_writer *r = &w->rows;
    const struct type *key = w->row_key, *value = w->row_value;
    const struct col *value_cols = v->col + (key ? type_leaves(key) : 0);
    /* a top orders by rank: where a row came from does not show in its blocks */
    bool top = is_top(w);
    struct row_hdr h = {.ord_hi = top ? 0 : v->ord_hi, .ord_lo = top ? 0 : vec_place(v, x)};

    h.key_bytes = key ? enc_row_bytes(key, v->col, x) : 0;
    h.val_bytes = enc_row_bytes(value, value_cols, x);
    uint32_t bytes = row_bytes(&h);
    if (bytes > ROWS_BUFFER_BYTES) {
        out->too_long++;
        return;
    }
    make_room(w, bytes, out, scratch);
    uint8_t *at = r->mem + r->used;
    memset(at + bytes - 8, 0, 8);
    memcpy(at, &h, sizeof h);
    if (key)
        enc_row(at + sizeof h, key, v->col, x);
    enc_row(at + sizeof h + h.key_bytes, value, value_cols, x);
    if (top) {
        keep_best(w, bytes);
        return;
    }
    r->at[r->rows] = r->used;
    r->partition[r->rows++] = partition_of(at + sizeof h, h.key_bytes,
                                           w->node->exchange ? w->node->exchange->partitions : 1);
    r->used += bytes;
}

void rows_writer_push(struct stage_writer *w, const struct vec *v, struct task_out *out,
                      struct arena *scratch)
{
    for (uint32_t i = 0; i < v->sel_cnt; i++) {
        uint32_t x = vec_row(v, i);
        if (!below_floor(&w->rows, v, x))
            append_row(w, v, x, out, scratch);
    }
}
