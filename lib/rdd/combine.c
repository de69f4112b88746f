#include "rdd/combine.h"
#include "base/assert.h"
#include "rdd/agg_cell.h"
#include "rdd/fsum.h"

#define REDUCES_TO   8u /* records of a key that a full table must have combined to be worth it */
#define PASSED_SHARE 8u /* a closed table is opened when 7 of 8 records are passed on */

static uint32_t keys_max(const struct exchange *x)
{
    return x->key ? COMBINE_KEYS_MAX : 1;
}

static size_t round64(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

static size_t one_table_bytes(const struct exchange *x)
{
    uint32_t n = keys_max(x), words = combine_fixed_words(x);

    if (words)
        return round64(combine_fixed_bytes(n, words, x->agg.row_bytes));
    return round64(combine_table_bytes(n, x->agg.row_bytes)) + COMBINE_HEAP_BYTES;
}

size_t combine_bytes(const struct exchange *x)
{
    size_t n = (size_t)keys_max(x) + 1;

    return round64(x->agg.row_bytes) + one_table_bytes(x) + round64(n * 4) + round64(n * 2);
}

void combine_init(struct stage_writer *w, void *mem)
{
    const struct exchange *x = w->node->exchange;
    uint32_t n = keys_max(x), bytes = x->agg.row_bytes;
    uint8_t *at = mem;

    w->row_init = at;
    agg_row_init(&x->agg, w->row_init);
    at += round64(bytes);
    if (combine_fixed_words(x)) {
        combine_fixed_init(&w->fixed, at, n, type_value(x->key)->kind, bytes, w->row_init);
    } else {
        combine_table_init(&w->combine, at, n, bytes, w->row_init);
        w->combine.heap =
            (struct heap){at + round64(combine_table_bytes(n, bytes)), COMBINE_HEAP_BYTES, 0};
    }
    at += one_table_bytes(x);
    w->order = (uint32_t *)(void *)at;
    at += round64(((size_t)n + 1) * 4);
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

static void make_room(struct stage_writer *w, struct task_out *out);

static void push_keyed(struct stage_writer *w, const struct vec *v, const struct col *value,
                       const struct enc_keys *keys, struct task_out *out, struct agg_env *env)
{
    const struct agg_spec *a = &w->node->exchange->agg;
    uint8_t *row[VEC_ROWS_MAX];

    if (!combine_table_has_room(&w->combine, v->sel_cnt))
        make_room(w, out);
    if (a->count_only) { /* a count and nothing else needs no pointers to rows */
        combine_table_count(&w->combine, keys, v->sel, v->sel_cnt);
        return;
    }
    combine_table_rows(&w->combine, keys, v->sel, v->sel_cnt, row);
    agg_update(a, env, row, value, v, out->interval);
}

/* The words of the keys, which begin v's columns; false: the scratch is full. */
static bool words_of(struct fixed_keys *k, enum type_kind kind, const struct type *key,
                     const struct vec *v, struct arena *scratch)
{
    struct enc_keys e;
    const void *words = kind == TYPE_IP ? (const void *)v->col[0].ip : v->col[0].i;

    if (kind == TYPE_FLOAT) {
        if (enc_vec(&e, key, v, 0, scratch))
            return false;
        words = e.base;
    }
    *k = (struct fixed_keys){words, v->sel, v->sel_cnt, v->ahead};
    return true;
}

static void push_fixed(struct stage_writer *w, const struct vec *v, const struct col *value,
                       struct task_out *out, struct arena *scratch)
{
    const struct exchange *x = w->node->exchange;
    const struct agg_spec *a = &x->agg;
    struct agg_env env = {.arena = scratch, .no_room = &out->too_long};
    struct fixed_keys k;
    uint8_t *row[VEC_ROWS_MAX];

    if (!words_of(&k, w->fixed.kind, x->key, v, scratch)) {
        out->refused += v->sel_cnt;
        return;
    }
    if (!combine_fixed_has_room(&w->fixed, v->sel_cnt))
        combine_flush(w, out);
    if (a->count_only) {
        combine_fixed_count(&w->fixed, &k);
    } else if (a->leaves_cnt == 1 && a->leaf[0].fn == AGG_SUM_INT) {
        combine_fixed_sum(&w->fixed, &k, value->i, a->leaf[0].off);
    } else {
        combine_fixed_rows(&w->fixed, &k, row);
        agg_update(a, &env, row, value, v, out->interval);
    }
}

void combine_push(struct stage_writer *w, const struct vec *v, struct task_out *out,
                  struct arena *scratch)
{
    const struct exchange *x = w->node->exchange;
    struct agg_env env = {.arena = scratch, .heap = &w->combine.heap, .no_room = &out->too_long};
    const struct col *value = v->col + (x->key && !w->node->row_is_key ? type_leaves(x->key) : 0);
    struct enc_keys keys;

    if (w->pushed > FSUM_SUMMANDS_MAX - VEC_ROWS_MAX)
        combine_flush(w, out);
    w->pushed += v->sel_cnt;
    if (w->fixed.words) {
        push_fixed(w, v, value, out, scratch);
        return;
    }
    if (x->key && enc_vec(&keys, x->key, v, 0, scratch)) {
        out->refused += v->sel_cnt;
        return;
    }
    struct heap *h = &w->combine.heap;
    uint64_t need = heap_need(w, x->key ? &keys : NULL, v, value);
    /* what a lambda makes of strings is not known before: half of the heap is for that */
    uint64_t made = x->agg.lambda && x->agg.has_strings ? h->bytes / 2 : 0;
    if (need + made > h->bytes - h->used)
        make_room(w, out);
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

/* --- keys leave --------------------------------------------------------------------------------
 */

/* The entries that leave: numbers first to last of them. */
struct leaving {
    struct agg_rows rows;
    uint32_t first, last;
};

static struct leaving leaving_of(struct stage_writer *w)
{
    struct combine_table *t = &w->combine;
    struct combine_fixed *f = &w->fixed;

    if (f->words)
        return (struct leaving){{f->key, combine_fixed_row(f, 0), sizeof *f->key, f->stride},
                                combine_fixed_first(f),
                                f->live};
    return (struct leaving){
        {combine_key(t, 0), combine_row(t, 0), t->stride, t->stride}, 1, t->live};
}

static const struct tkey *key_of(const struct agg_rows *r, uint32_t entry)
{
    return (const struct tkey *)((const uint8_t *)r->key + entry * r->key_stride);
}

static inline bool has_records(const struct agg_rows *r, uint32_t entry)
{
    return agg_count((const uint8_t *)r->row + entry * r->row_stride);
}

static uint64_t records_of(const struct agg_rows *r, const uint32_t *entry, uint32_t n)
{
    uint64_t records = 0;

    for (uint32_t i = 0; i < n; i++)
        records += agg_count((const uint8_t *)r->row + entry[i] * r->row_stride);
    return records;
}

/* Entries of one partition leave, in halves when they do not fit a page. */
static void write_run(struct stage_writer *w, struct task_out *out, const struct agg_rows *rows,
                      uint32_t partition, const uint32_t *entry, uint32_t n)
{
    const struct agg_spec *a = &w->node->exchange->agg;
    uint64_t bytes = agg_block_bytes(a, rows, entry, n);

    if (bytes > SHUFFLE_BODY_MAX && n > 1) {
        write_run(w, out, rows, partition, entry, n / 2);
        write_run(w, out, rows, partition, entry + n / 2, n - n / 2);
        return;
    }
    uint8_t *body = shuffle_begin(&out->shuffle, (uint32_t)bytes);
    if (body)
        agg_block_fill(body, a, rows, entry, n);
    if (!body || !task_out_block(out, w, BLOCK_AGG, partition, (uint32_t)bytes, n))
        out->refused += records_of(rows, entry, n);
}

/* Entries from `first` on leave by partition, in the order in which they came (that of zeros in
 * combine_fixed before all). Without a record are those that a closed table kept in vain. */
static void leave(struct stage_writer *w, struct task_out *out, uint32_t first)
{
    uint32_t parts = w->node->exchange->partitions, start[1025] = {0};
    struct leaving l = leaving_of(w);

    MR_ASSERT(parts <= 1024);
    first = first > l.first ? first : l.first;
    if (first > l.last)
        return;
    tkeys_partition(w->part + first, key_of(&l.rows, first), l.rows.key_stride, l.last + 1 - first,
                    parts);
    for (uint32_t e = first; e <= l.last; e++)
        start[w->part[e] + 1] += has_records(&l.rows, e);
    for (uint32_t p = 0; p < parts; p++)
        start[p + 1] += start[p];
    for (uint32_t e = first; e <= l.last; e++) {
        uint32_t *at = &start[w->part[e]];
        w->order[*at] = e;
        *at += has_records(&l.rows, e);
    }
    for (uint32_t p = 0, from = 0; p < parts; from = start[p++])
        if (start[p] > from)
            write_run(w, out, &l.rows, p, w->order + from, start[p] - from);
}

void combine_flush(struct stage_writer *w, struct task_out *out)
{
    leave(w, out, 0);
    if (w->fixed.words)
        combine_fixed_clear(&w->fixed);
    else
        combine_table_clear(&w->combine);
    w->pushed = 0;
}

/* Some entries leave so that others can come. A table that does not reduce what comes is closed; a
 * closed one that combines next to nothing is opened again, for there may be other keys now. */
static void make_room(struct stage_writer *w, struct task_out *out)
{
    struct combine_table *t = &w->combine;
    const struct agg_spec *a = &w->node->exchange->agg;

    if (t->is_closed && t->live - t->kept < t->records / PASSED_SHARE * (PASSED_SHARE - 1)) {
        leave(w, out, t->kept + 1);
        combine_table_pass(t);
    } else if (t->is_closed || t->records >= (uint64_t)REDUCES_TO * t->live || a->lambda ||
               (a->has_strings && !a->count_only)) {
        combine_flush(w, out);
    } else {
        leave(w, out, 0);
        combine_table_close(t);
    }
}
