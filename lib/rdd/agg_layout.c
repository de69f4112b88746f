/*
 * How the memory of a state is laid out: what a key takes, and how many fit.
 */
#include "base/assert.h"
#include "rdd/agg_heap.h"
#include "rdd/agg_items.h"

static uint32_t table_row_bytes(const struct exchange *x)
{
    uint32_t rows = agg_is_single(x) ? 1 : agg_is_stack(x) ? 3 : 2;

    return rows * x->agg.row_bytes + (agg_is_stack(x) ? (uint32_t)sizeof(struct agg_links) : 0);
}

static uint64_t deltas_max(const struct exchange *x)
{
    return agg_is_window(x) ? x->len : 0;
}

static uint64_t round64(uint64_t n)
{
    return (n + 63) & ~63ull;
}

uint64_t agg_state_items(const struct exchange *x, uint64_t keys)
{
    uint64_t each = x->len < AGG_ITEMS_PER_KEY ? x->len : AGG_ITEMS_PER_KEY;

    if (!agg_is_window(x))
        return 0;
    return keys * (x->key ? each : x->len);
}

#define WAITING_KEYS  32768u /* from so many keys on, an eighth as many rows may wait */
#define WAITING_SHARE 8u

/* Those that wait forget which of them came together, which a lambda must know. */
static uint64_t waiting_max(const struct exchange *x, uint64_t keys)
{
    bool strings = x->agg.has_strings && !x->agg.count_only;

    return keys < WAITING_KEYS || strings || x->agg.lambda ? 0 : keys / WAITING_SHARE;
}

static uint64_t most_cnt(const struct exchange *x, uint64_t keys)
{
    bool asked = x->best.cnt && agg_ranks_totals(x) && !agg_is_single(x);

    return asked ? (keys + AGG_MOST - 1) / AGG_MOST : 0;
}

uint64_t agg_state_bytes(const struct exchange *x, uint64_t keys)
{
    uint64_t items = agg_state_items(x, keys);

    return round64(table_row_bytes(x)) + round64(table_bytes((uint32_t)keys, table_row_bytes(x))) +
           2 * round64(agg_heap_bytes(x, keys)) + round64(keys * 4) +
           round64(keys * sizeof(struct agg_fresh)) +
           round64(waiting_max(x, keys) * sizeof(struct tkey)) +
           round64(waiting_max(x, keys) * x->agg.row_bytes) +
           round64(most_cnt(x, keys) * sizeof(int64_t)) +
           round64(deltas_max(x) * sizeof(struct agg_delta)) +
           (agg_is_stack(x) ? 2 : 1) * round64(items * 4) + round64(items * x->agg.row_bytes);
}

uint64_t agg_state_keys(const struct exchange *x, uint64_t bytes)
{
    uint64_t lo = 0, hi = x->key ? UINT32_MAX / AGG_ITEMS_PER_KEY / 2 : 1;

    while (lo < hi) {
        uint64_t mid = (lo + hi + 1) / 2;
        if (agg_state_bytes(x, mid) <= bytes)
            lo = mid;
        else
            hi = mid - 1;
    }
    return lo;
}

static void *carve(uint8_t **at, uint64_t bytes)
{
    void *p = *at;
    *at += round64(bytes);
    return p;
}

static void init_row(struct agg_state *s)
{
    const struct exchange *x = s->x;
    uint32_t bytes = x->agg.row_bytes;
    struct agg_links none = {.back = AGG_NO_ITEM, .next = AGG_NO_ITEM};

    s->delta_off = agg_is_single(x) ? 0 : bytes;
    s->mid_off = 2 * bytes;
    s->links_off = 3 * bytes;
    agg_row_init(&x->agg, s->row_init);
    if (!agg_is_single(x))
        agg_row_init(&x->agg, s->row_init + s->delta_off);
    if (!agg_is_stack(x))
        return;
    agg_row_init(&x->agg, s->row_init + s->mid_off);
    memcpy(s->row_init + s->links_off, &none, sizeof none);
}

void agg_state_init(struct agg_state *s, const struct exchange *x, void *mem)
{
    uint8_t *at = mem;
    uint64_t keys = x->keys_max, items = agg_state_items(x, keys);

    MR_ASSERT(agg_state_bytes(x, keys) <= x->state_bytes);
    *s = (struct agg_state){.x = x, .rank_limit = UINT64_MAX, .item_room = UINT64_MAX};
    s->row_init = carve(&at, table_row_bytes(x));
    init_row(s);
    table_init(&s->t, carve(&at, table_bytes((uint32_t)keys, table_row_bytes(x))), (uint32_t)keys,
               table_row_bytes(x), s->row_init);
    s->t.heap = (struct heap){carve(&at, agg_heap_bytes(x, keys)), agg_heap_bytes(x, keys), 0};
    s->spare = (struct heap){carve(&at, agg_heap_bytes(x, keys)), agg_heap_bytes(x, keys), 0};
    s->key_heap_max = agg_key_heap_max(x, keys);
    s->touched = carve(&at, keys * 4);
    s->fresh = carve(&at, keys * sizeof(struct agg_fresh));
    s->waiting.max = (uint32_t)waiting_max(x, keys);
    s->waiting.key = carve(&at, s->waiting.max * sizeof *s->waiting.key);
    s->waiting.row = carve(&at, (uint64_t)s->waiting.max * x->agg.row_bytes);
    s->most = carve(&at, most_cnt(x, keys) * sizeof *s->most);
    for (uint64_t i = 0; i < most_cnt(x, keys); i++)
        s->most[i] = INT64_MIN;
    if (!most_cnt(x, keys))
        s->most = NULL;
    s->items.max = (uint32_t)items;
    s->items.deltas_max = deltas_max(x);
    s->items.delta = carve(&at, deltas_max(x) * sizeof(struct agg_delta));
    s->items.entry = carve(&at, items * 4);
    s->items.link = agg_is_stack(x) ? carve(&at, items * 4) : NULL;
    s->items.row = carve(&at, items * x->agg.row_bytes);
}
