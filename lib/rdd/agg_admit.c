#include "rdd/agg_admit.h"
#include "base/assert.h"
#include "rdd/agg_items.h"

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

/* ---- new keys by rank ------------------------------------------------------------------------ */

static bool outranks(const struct agg_state *s, struct agg_fresh a, struct agg_fresh b)
{
    if (a.rank != b.rank)
        return a.rank > b.rank;
    return tkey_rank(table_key(&s->t, a.entry)) > tkey_rank(table_key(&s->t, b.entry));
}

/* The greatest rank sinks from the top of the heap fresh[0..fresh_cnt). */
static void fresh_sink(struct agg_state *s, uint32_t at)
{
    struct agg_fresh *f = s->fresh;

    for (;;) {
        uint32_t kid = 2 * at + 1;
        if (kid >= s->fresh_cnt)
            return;
        kid += kid + 1 < s->fresh_cnt && outranks(s, f[kid + 1], f[kid]);
        if (!outranks(s, f[kid], f[at]))
            return;
        struct agg_fresh x = f[at];
        f[at] = f[kid];
        f[kid] = x;
        at = kid;
    }
}

static void fresh_rise(struct agg_state *s, uint32_t at)
{
    struct agg_fresh *f = s->fresh;

    for (; at && outranks(s, f[at], f[(at - 1) / 2]); at = (at - 1) / 2) {
        struct agg_fresh x = f[at];
        f[at] = f[(at - 1) / 2];
        f[(at - 1) / 2] = x;
    }
}

static uint32_t fresh_rank(const struct tkey *k)
{
    return (uint32_t)(tkey_rank(k) >> 32);
}

/* Ranks are only needed once the state is full. */
static void fresh_heapify(struct agg_state *s)
{
    if (s->fresh_is_heap)
        return;
    for (uint32_t i = 0; i < s->fresh_cnt; i++)
        s->fresh[i].rank = fresh_rank(table_key(&s->t, s->fresh[i].entry));
    for (uint32_t i = s->fresh_cnt / 2; i-- > 0;)
        fresh_sink(s, i);
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
    uint32_t entry = s->fresh[0].entry;
    const struct tkey *k = table_key(&s->t, entry);

    s->fresh[0] = s->fresh[--s->fresh_cnt];
    fresh_sink(s, 0);
    s->rank_limit = tkey_rank(k);
    s->key_heap_live -= heap_share(k);
    s->evicted++;
    lose(s, agg_count(agg_delta_of(s, entry)));
    table_remove(&s->t, &entry, 1);
}

static bool has_room(const struct agg_state *s, const struct tkey *key)
{
    return s->t.live < s->t.keys_max && s->touched_cnt + s->fresh_cnt < s->item_room &&
           s->key_heap_live + heap_share(key) <= s->key_heap_max;
}

/* Everything that lives on the heap moves to the other half. */
static void compact(struct agg_state *s)
{
    const struct agg_spec *a = &s->x->agg;
    struct heap full = s->t.heap;
    bool strings = a->has_strings && !a->count_only;
    uint32_t rows = agg_is_stack(s->x) ? s->links_off : s->delta_off + a->row_bytes;

    s->t.heap = (struct heap){s->spare.base, s->spare.bytes, 0};
    s->spare = full;
    for (uint32_t e = 0; e < s->t.entries; e++) {
        struct tkey *k = table_key(&s->t, e);
        if (!table_is_live(&s->t, e))
            continue;
        if (!tkey_is_short(k)) {
            k->ptr = heap_copy(&s->t.heap, k->ptr, k->len);
            MR_ASSERT(k->ptr);
        }
        for (uint32_t off = 0; strings && off < rows; off += a->row_bytes)
            if (agg_row_adopt(a, table_row(&s->t, e) + off, &s->t.heap))
                s->no_room++;
    }
    for (uint64_t pos = s->items.head; strings && pos < s->items.tail; pos++)
        if (agg_row_adopt(a, agg_item_row(s, (uint32_t)(pos % s->items.max)), &s->t.heap))
            s->no_room++;
}

static uint32_t add(struct agg_state *s, const struct tkey *key, uint64_t hash)
{
    if (heap_share(key) > s->t.heap.bytes - s->t.heap.used)
        compact(s);
    uint32_t entry = table_add(&s->t, key, hash);
    if (entry == TABLE_NONE)
        return TABLE_NONE;
    if (agg_is_stack(s->x)) /* there is nothing of earlier groups */
        agg_links(s, entry)->group = (uint32_t)s->group;
    s->key_heap_live += heap_share(key);
    s->fresh[s->fresh_cnt++] = (struct agg_fresh){.entry = entry};
    if (s->fresh_is_heap) {
        s->fresh[s->fresh_cnt - 1].rank = fresh_rank(key);
        fresh_rise(s, s->fresh_cnt - 1);
    }
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
        if (!s->fresh_cnt || tkey_rank(table_key(&s->t, s->fresh[0].entry)) <= rank)
            s->rank_limit = rank;
        else
            evict_fresh(s);
    }
    lose(s, records);
    return TABLE_NONE;
}

void agg_state_yield(struct agg_state *s)
{
    while (s->fresh_cnt && s->touched_cnt + s->fresh_cnt > s->item_room) {
        fresh_heapify(s);
        evict_fresh(s);
    }
}

/* ---- known keys by rank ---------------------------------------------------------------------- */

bool agg_choice_begin(struct agg_state *s)
{
    s->choice = (struct agg_choice){.is_needed = s->touched_cnt > s->item_room,
                                    .limit = UINT64_MAX,
                                    .room = s->item_room,
                                    .shift = 56};
    return s->choice.is_needed;
}

/* All ranks that begin with the prefix have been counted by their next eight bits: as many of these
 * are kept as there is room for. Returns whether more bits must be looked at. */
static bool narrow(struct agg_choice *c)
{
    uint32_t b = 0;

    for (; b < 255 && c->cnt[b] <= c->room; b++)
        c->room -= c->cnt[b];
    c->prefix = c->prefix << 8 | b;
    c->limit = c->prefix << c->shift;
    if (!c->room || !c->shift)
        return false;
    c->shift -= 8;
    memset(c->cnt, 0, sizeof c->cnt);
    return true;
}

bool agg_choice_step(struct agg_state *s)
{
    struct agg_choice *c = &s->choice;
    uint32_t end = s->touched_cnt - s->at < AGG_STEP ? s->touched_cnt : s->at + AGG_STEP;

    for (; s->at < end; s->at++) {
        if (s->at + AGG_AHEAD < end)
            table_prefetch(&s->t, s->touched[s->at + AGG_AHEAD]);
        uint64_t rank = tkey_rank(table_key(&s->t, s->touched[s->at]));
        if (c->shift == 56 || rank >> (c->shift + 8) == c->prefix)
            c->cnt[rank >> c->shift & 255]++;
    }
    if (end < s->touched_cnt)
        return true;
    s->at = 0;
    return narrow(c);
}

bool agg_choice_drop(struct agg_state *s, uint32_t entry)
{
    uint8_t *delta = agg_delta_of(s, entry);

    if (!s->choice.is_needed || tkey_rank(table_key(&s->t, entry)) < s->choice.limit)
        return false;
    lose(s, agg_count(delta));
    agg_row_copy(delta, s->row_init, s->x->agg.row_bytes);
    return true;
}

/* ---- strings --------------------------------------------------------------------------------- */

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
