#include "rdd/combine.h"
#include "base/assert.h"
#include "rdd/agg_cell.h"

static uint32_t keys_max(const struct exchange *x)
{
    return x->key ? COMBINE_KEYS_MAX : 1;
}

static size_t round64(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

size_t combine_bytes(const struct exchange *x)
{
    uint32_t n = keys_max(x);

    return round64(x->agg.row_bytes) + round64(combine_table_bytes(n, x->agg.row_bytes)) +
           COMBINE_HEAP_BYTES + round64((size_t)n * 4) + round64((size_t)n * 2);
}

void combine_init(struct stage_writer *w, void *mem)
{
    const struct exchange *x = w->node->exchange;
    uint32_t n = keys_max(x);
    uint8_t *at = mem;

    w->row_init = at;
    agg_row_init(&x->agg, w->row_init);
    at += round64(x->agg.row_bytes);
    combine_table_init(&w->combine, at, n, x->agg.row_bytes, w->row_init);
    at += round64(combine_table_bytes(n, x->agg.row_bytes));
    w->combine.heap = (struct heap){at, COMBINE_HEAP_BYTES, 0};
    at += COMBINE_HEAP_BYTES;
    w->order = (uint32_t *)(void *)at;
    at += round64((size_t)n * 4);
    w->part = (uint16_t *)(void *)at;
}

/* Bytes of the keys that are not held inline. */
static uint64_t long_bytes(const uint32_t *len, const struct vec *v)
{
    uint64_t need = 0;

    if (!v->sel)
        for (uint32_t i = 0; i < v->sel_cnt; i++)
            need += len[i] > TKEY_INLINE ? len[i] : 0;
    else
        for (uint32_t i = 0; i < v->sel_cnt; i++)
            need += len[v->sel[i]] > TKEY_INLINE ? len[v->sel[i]] : 0;
    return need;
}

/* Bytes that this vector may add to the heap: long keys, and strings of the value. */
static uint64_t heap_need(const struct stage_writer *w, const struct enc_keys *keys,
                          const struct vec *v, const struct col *value)
{
    const struct agg_spec *a = &w->node->exchange->agg;
    uint64_t need = keys ? long_bytes(keys->len, v) : 0;

    for (uint32_t k = 0; a->has_strings && !a->count_only && k < a->leaves_cnt; k++)
        for (uint32_t i = 0; value[k].kind == TYPE_STRING && i < v->sel_cnt; i++)
            need += value[k].s.len[vec_row(v, i)];
    return need;
}

/* Without a key all records go to one row. */
static void push_unkeyed(struct stage_writer *w, const struct vec *v, const struct col *value,
                         struct agg_env *env, uint64_t interval)
{
    const struct agg_spec *a = &w->node->exchange->agg;
    uint32_t off = 0, len = 0;
    struct enc_keys none = {.base = (const uint8_t *)"", .off = &off, .len = &len};
    uint8_t *row[VEC_ROWS_MAX];

    combine_table_rows(&w->combine, &none, NULL, 1, row);
    if (a->count_only) {
        store_i64(row[0], load_i64(row[0]) + v->sel_cnt);
        return;
    }
    for (uint32_t i = 1; i < v->sel_cnt; i++)
        row[i] = row[0];
    agg_update(a, env, row, value, v, interval);
}

static void push_keyed(struct stage_writer *w, const struct vec *v, const struct col *value,
                       const struct enc_keys *keys, struct task_out *out, struct agg_env *env)
{
    const struct agg_spec *a = &w->node->exchange->agg;
    uint8_t *row[VEC_ROWS_MAX];

    if (!combine_table_has_room(&w->combine, v->sel_cnt))
        combine_flush(w, out);
    if (a->count_only) { /* a count and nothing else needs no pointers to rows */
        combine_table_count(&w->combine, keys, v->sel, v->sel_cnt);
        return;
    }
    combine_table_rows(&w->combine, keys, v->sel, v->sel_cnt, row);
    agg_update(a, env, row, value, v, out->interval);
}

void combine_push(struct stage_writer *w, const struct vec *v, struct task_out *out,
                  struct arena *scratch)
{
    const struct exchange *x = w->node->exchange;
    struct agg_env env = {.arena = scratch, .heap = &w->combine.heap, .no_room = &out->too_long};
    const struct col *value = v->col + (x->key && !w->node->row_is_key ? type_leaves(x->key) : 0);
    struct enc_keys keys;

    if (x->key && enc_vec(&keys, x->key, v, 0, scratch)) {
        out->refused += v->sel_cnt;
        return;
    }
    struct heap *h = &w->combine.heap;
    uint64_t need = heap_need(w, x->key ? &keys : NULL, v, value);
    /* what a lambda makes of strings is not known before: half of the heap is for that */
    uint64_t made = x->agg.lambda && x->agg.has_strings ? h->bytes / 2 : 0;
    if (need + made > h->bytes - h->used)
        combine_flush(w, out);
    if (need > h->bytes) {
        out->too_long += v->sel_cnt;
        return;
    }
    if (x->key)
        push_keyed(w, v, value, &keys, out, &env);
    else
        push_unkeyed(w, v, value, &env, out->interval);
}

bool task_out_block(struct task_out *out, struct stage_writer *w, enum block_kind kind,
                    uint32_t partition, uint32_t bytes, uint32_t rows)
{
    const struct exchange *x = w->node->exchange;
    struct shuffle_name name = {
        .kind = kind,
        .id = {.a = w->stage->fingerprint + w->node->idx,
               .b = (uint64_t)out->task << 40 | (uint64_t)w->blocks++ << 16 | partition,
               .c = out->interval},
        .interval = out->interval,
        .schema_hash = type_hash(x ? x->type : w->node->type)};

    if (out->made_cnt == MADE_MAX)
        return false;
    struct block *b = shuffle_end(&out->shuffle, &name, bytes, rows);
    if (!b)
        return false;
    out->made[out->made_cnt++] = (struct made){.block = b,
                                               .exchange = x ? (int)x->idx : -1,
                                               .partition = partition,
                                               .output = w->node->output};
    return true;
}

static uint64_t records_of(const struct stage_writer *w, const uint32_t *entry, uint32_t n)
{
    uint64_t records = 0;

    for (uint32_t i = 0; i < n; i++)
        records += agg_count(combine_row(&w->combine, entry[i]));
    return records;
}

/* Entries of one partition leave, in halves when they do not fit a page. */
static void write_run(struct stage_writer *w, struct task_out *out, uint32_t partition,
                      const uint32_t *entry, uint32_t n)
{
    const struct combine_table *t = &w->combine;
    const struct agg_spec *a = &w->node->exchange->agg;
    struct agg_rows rows = {.key = combine_key(t, 0),
                            .row = combine_row(t, 0),
                            .key_stride = t->stride,
                            .row_stride = t->stride};
    uint64_t bytes = agg_block_bytes(a, &rows, entry, n);

    if (bytes > SHUFFLE_BODY_MAX && n > 1) {
        write_run(w, out, partition, entry, n / 2);
        write_run(w, out, partition, entry + n / 2, n - n / 2);
        return;
    }
    uint8_t *body = shuffle_begin(&out->shuffle, (uint32_t)bytes);
    if (body)
        agg_block_fill(body, a, &rows, entry, n);
    if (!body || !task_out_block(out, w, BLOCK_AGG, partition, (uint32_t)bytes, n))
        out->refused += records_of(w, entry, n);
}

/* Keys leave by partition, in the order in which they came. */
void combine_flush(struct stage_writer *w, struct task_out *out)
{
    uint32_t parts = w->node->exchange->partitions, start[1025] = {0};
    struct combine_table *t = &w->combine;

    MR_ASSERT(parts <= 1024);
    for (uint32_t e = 1; e <= t->live; e++) {
        w->part[e - 1] = (uint16_t)tkey_partition(combine_key(t, e), parts);
        start[w->part[e - 1] + 1]++;
    }
    for (uint32_t p = 0; p < parts; p++)
        start[p + 1] += start[p];
    for (uint32_t e = 1; e <= t->live; e++)
        w->order[start[w->part[e - 1]]++] = e;
    for (uint32_t p = 0, from = 0; p < parts; from = start[p++])
        if (start[p] > from)
            write_run(w, out, p, w->order + from, start[p] - from);
    combine_table_clear(t);
}
