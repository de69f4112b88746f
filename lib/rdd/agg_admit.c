#include "rdd/agg_admit.h"
#include "base/assert.h"

/* The greatest rank sinks from the top of the heap fresh[0..n). */
static void fresh_sink(struct agg_fresh *f, uint32_t n, uint32_t at)
{
    for (;;) {
        uint32_t kid = 2 * at + 1;
        if (kid >= n)
            return;
        kid += kid + 1 < n && f[kid + 1].rank > f[kid].rank;
        if (f[at].rank >= f[kid].rank)
            return;
        struct agg_fresh x = f[at];
        f[at] = f[kid];
        f[kid] = x;
        at = kid;
    }
}

static void fresh_rise(struct agg_fresh *f, uint32_t at)
{
    for (; at && f[(at - 1) / 2].rank < f[at].rank; at = (at - 1) / 2) {
        struct agg_fresh x = f[at];
        f[at] = f[(at - 1) / 2];
        f[(at - 1) / 2] = x;
    }
}

/* Ranks are only needed once the state is full. */
static void fresh_heapify(struct agg_state *s)
{
    if (s->fresh_is_heap)
        return;
    for (uint32_t i = 0; i < s->fresh_cnt; i++)
        s->fresh[i].rank = tkey_rank(&s->t.key[s->fresh[i].entry]);
    for (uint32_t i = s->fresh_cnt / 2; i-- > 0;)
        fresh_sink(s->fresh, s->fresh_cnt, i);
    s->fresh_is_heap = true;
}

static void lose(struct agg_state *s, uint64_t records)
{
    uint64_t until = s->x->len == WINDOW_FOREVER ? UINT64_MAX : s->interval + s->x->len;

    s->refused += records;
    s->lost_until = until > s->lost_until ? until : s->lost_until;
}

static uint32_t heap_share(const struct tkey *k)
{
    return tkey_is_short(k) ? 0 : k->len;
}

/* The new key of the highest rank leaves. */
static void evict_fresh(struct agg_state *s)
{
    struct agg_fresh top = s->fresh[0];

    s->fresh[0] = s->fresh[--s->fresh_cnt];
    fresh_sink(s->fresh, s->fresh_cnt, 0);
    s->rank_limit = top.rank;
    s->key_heap_live -= heap_share(&s->t.key[top.entry]);
    lose(s, agg_count(table_row(&s->t, top.entry) + s->delta_off));
    table_remove(&s->t, top.entry);
}

static bool has_room(const struct agg_state *s, const struct tkey *key)
{
    return s->t.live < s->t.keys_max &&
           s->key_heap_live + heap_share(key) <= agg_key_heap_max(s->t.keys_max);
}

static uint8_t *item_row(const struct agg_state *s, uint64_t pos)
{
    return s->item + (pos % s->items_max + 1) * s->item_bytes - s->x->agg.row_bytes;
}

/* Everything that lives on the heap moves to the other half. */
static void compact(struct agg_state *s)
{
    const struct agg_spec *a = &s->x->agg;
    struct heap full = s->t.heap;
    bool strings = a->has_strings && !a->count_only;

    s->t.heap = (struct heap){s->spare.base, s->spare.bytes, 0};
    s->spare = full;
    for (uint32_t e = 0; e < s->t.entries; e++) {
        struct tkey *k = &s->t.key[e];
        if (!table_is_live(&s->t, e))
            continue;
        if (!tkey_is_short(k)) {
            k->ptr = heap_copy(&s->t.heap, k->ptr, k->len);
            MR_ASSERT(k->ptr);
        }
        if (strings && agg_row_adopt(a, table_row(&s->t, e), &s->t.heap))
            s->no_room++;
        if (strings && s->delta_off &&
            agg_row_adopt(a, table_row(&s->t, e) + s->delta_off, &s->t.heap))
            s->no_room++;
    }
    for (uint64_t pos = s->item_head; strings && pos < s->item_tail; pos++)
        if (agg_row_adopt(a, item_row(s, pos), &s->t.heap))
            s->no_room++;
}

static uint32_t add(struct agg_state *s, const struct tkey *key, uint64_t hash)
{
    uint32_t entry;

    if (heap_share(key) > s->t.heap.bytes - s->t.heap.used)
        compact(s);
    if (table_upsert(&s->t, key, &hash, 1, &entry) != 1)
        return TABLE_NONE;
    s->key_heap_live += heap_share(key);
    s->fresh[s->fresh_cnt].entry = entry;
    if (s->fresh_is_heap)
        s->fresh[s->fresh_cnt].rank = tkey_rank(key);
    s->fresh_cnt++;
    if (s->fresh_is_heap)
        fresh_rise(s->fresh, s->fresh_cnt - 1);
    return entry;
}

uint32_t agg_state_admit(struct agg_state *s, const struct tkey *key, uint64_t hash,
                         uint64_t records)
{
    uint64_t rank = s->rank_limit == UINT64_MAX ? 0 : tkey_rank(key);

    while (rank < s->rank_limit) {
        if (has_room(s, key)) {
            uint32_t entry = add(s, key, hash);
            if (entry != TABLE_NONE)
                return entry;
        }
        fresh_heapify(s);
        rank = tkey_rank(key);
        if (!s->fresh_cnt || s->fresh[0].rank <= rank)
            s->rank_limit = rank;
        else
            evict_fresh(s);
    }
    lose(s, records);
    return TABLE_NONE;
}

void agg_state_make_room(struct agg_state *s, uint8_t *const *dst, const uint8_t *const *src,
                         uint32_t n)
{
    const struct agg_spec *a = &s->x->agg;
    uint64_t need = 0;

    if (!a->has_strings || a->count_only)
        return;
    for (uint32_t i = 0; i < n; i++)
        need += agg_row_strings(a, src[i]) + (a->lambda ? agg_row_strings(a, dst[i]) : 0);
    if (need > s->t.heap.bytes - s->t.heap.used)
        compact(s);
}

void agg_state_settle(struct agg_state *s)
{
    if (s->no_room)
        lose(s, s->no_room);
    s->no_room = 0;
}
