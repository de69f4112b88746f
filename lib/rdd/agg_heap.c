#include "rdd/agg_heap.h"
#include "base/assert.h"
#include "rdd/agg_items.h"

#define KEY_HEAP_BYTES 32u  /* of heap for each key of no fixed size, on average */
#define STRINGS_MAX    256u /* the longest of strings that a row without a key has room for */
#define PASS_RATE      8u   /* entries visited for each row that is merged */

/* ---- sizes ----------------------------------------------------------------------------------- */

/* The size of every key of this type, or 0 when they differ. */
static uint32_t key_bytes(const struct type *t)
{
    static const uint8_t bytes[] = {
        [TYPE_INT] = 8, [TYPE_FLOAT] = 8, [TYPE_BOOL] = 1, [TYPE_TIME] = 8, [TYPE_IP] = 16};
    uint32_t sum = 0;

    for (uint32_t i = 0; i < type_leaves(t); i++) {
        enum type_kind kind = type_leaf(t, i)->kind;
        if (kind == TYPE_STRING || kind == TYPE_LIST)
            return 0;
        sum += bytes[kind];
    }
    return sum;
}

uint64_t agg_key_heap_max(const struct exchange *x, uint64_t keys)
{
    uint32_t bytes = x->key ? key_bytes(x->key) : 1;

    if (!bytes)
        return keys * KEY_HEAP_BYTES + 4096;
    return bytes <= TKEY_INLINE ? 0 : keys * bytes;
}

/* Strings of the longest kind that must fit beside those of keys: without a key, one for each item
 * of a window and for what is being combined. */
static uint64_t long_strings(const struct exchange *x)
{
    uint64_t leaves = 0, each = 4 + (agg_is_window(x) ? x->len : 0);

    if (x->key)
        return x->partitions == 1 ? 8 : 0;
    for (uint32_t i = 0; i < x->agg.leaves_cnt; i++)
        leaves += x->agg.leaf[i].kind == TYPE_STRING;
    uint64_t all = (each < 8 ? 8 : each) * leaves;
    return all > STRINGS_MAX ? STRINGS_MAX : all;
}

static bool has_strings(const struct exchange *x)
{
    return x->agg.has_strings && !x->agg.count_only;
}

uint64_t agg_heap_bytes(const struct exchange *x, uint64_t keys)
{
    uint64_t bytes = agg_key_heap_max(x, keys);

    bytes += bytes / 4;
    if (has_strings(x))
        bytes += 3 * (keys * KEY_HEAP_BYTES + 4096) + long_strings(x) * RECORD_BYTES_MAX;
    return bytes;
}

/* ---- a pass ---------------------------------------------------------------------------------- */

/* Bytes that may be taken: what has not moved yet must fit as well. */
static size_t free_bytes(const struct agg_state *s)
{
    return s->t.heap.bytes - s->t.heap.used - s->pass.left;
}

static void begin_pass(struct agg_state *s)
{
    struct heap full = s->t.heap;

    s->t.heap = (struct heap){s->spare.base, s->spare.bytes, 0};
    s->spare = full;
    s->pass = (struct agg_pass){.is_on = true, .left = s->key_heap_live};
}

static void move_key(struct agg_state *s, struct tkey *k)
{
    if (tkey_is_short(k) || k->ptr < s->spare.base || k->ptr >= s->spare.base + s->spare.bytes)
        return; /* it came in the meantime */
    k->ptr = heap_copy(&s->t.heap, k->ptr, k->len);
    MR_ASSERT(k->ptr);
    s->pass.left -= k->len;
}

/* Moves the keys of up to `most` entries; the pass may be over then. */
static void step_pass(struct agg_state *s, uint32_t most)
{
    struct agg_pass *p = &s->pass;

    for (; most && p->entry < s->t.entries; most--, p->entry++)
        if (table_is_live(&s->t, p->entry))
            move_key(s, table_key(&s->t, p->entry));
    if (p->entry == s->t.entries)
        *p = (struct agg_pass){0};
}

void agg_heap_tend(struct agg_state *s, uint32_t n)
{
    if (s->pass.is_on)
        step_pass(s, n * PASS_RATE);
    else if (!has_strings(s->x) && free_bytes(s) < s->t.heap.bytes / 10)
        begin_pass(s);
}

static void adopt(struct agg_state *s, uint8_t *row)
{
    if (agg_row_adopt(&s->x->agg, row, &s->t.heap))
        s->no_room++;
}

/* All at once, strings too. */
static void compact(struct agg_state *s)
{
    uint32_t row_bytes = s->x->agg.row_bytes;
    uint32_t rows = agg_is_stack(s->x) ? s->links_off : s->delta_off + row_bytes;
    const struct agg_items *it = &s->items;

    begin_pass(s);
    for (uint32_t e = 0; has_strings(s->x) && e < s->t.entries; e++)
        for (uint32_t off = 0; table_is_live(&s->t, e) && off < rows; off += row_bytes)
            adopt(s, table_row(&s->t, e) + off);
    for (uint64_t pos = it->head; has_strings(s->x) && pos < it->tail; pos++)
        adopt(s, agg_item_row(s, (uint32_t)(pos % it->max)));
    step_pass(s, UINT32_MAX);
}

void agg_heap_make_room(struct agg_state *s, uint64_t bytes)
{
    if (bytes <= free_bytes(s))
        return;
    if (s->pass.is_on)
        step_pass(s, UINT32_MAX);
    if (bytes > free_bytes(s))
        compact(s);
}
