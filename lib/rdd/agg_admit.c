#include "rdd/agg_admit.h"
#include "rdd/agg_heap.h"
#include "rdd/agg_items.h"

#define RANK_RATE 8u /* new keys ordered by rank for each row, when that will be needed */

/* ---- new keys by rank ------------------------------------------------------------------------ */

static bool outranks(const struct agg_state *s, struct agg_fresh a, struct agg_fresh b)
{
    if (a.rank != b.rank)
        return a.rank > b.rank;
    return tkey_rank(table_key(&s->t, a.entry)) > tkey_rank(table_key(&s->t, b.entry));
}

/* The greatest rank sinks from the top of the heap fresh[0..fresh_ranked). */
static void fresh_sink(struct agg_state *s)
{
    struct agg_fresh *f = s->fresh, x = f[0];
    uint32_t at = 0;

    for (uint32_t kid = 1; kid < s->fresh_ranked; kid = 2 * at + 1) {
        kid += kid + 1 < s->fresh_ranked && outranks(s, f[kid + 1], f[kid]);
        if (!outranks(s, f[kid], x))
            break;
        f[at] = f[kid];
        at = kid;
    }
    f[at] = x;
}

static void fresh_rise(struct agg_state *s, uint32_t at)
{
    struct agg_fresh *f = s->fresh, x = f[at];

    for (; at && outranks(s, x, f[(at - 1) / 2]); at = (at - 1) / 2)
        f[at] = f[(at - 1) / 2];
    f[at] = x;
}

static void rank_some(struct agg_state *s, uint32_t most)
{
    for (; most && s->fresh_ranked < s->fresh_cnt; most--)
        fresh_rise(s, s->fresh_ranked++);
}

/* Is more than three quarters taken of something that new keys need? */
static bool is_nearly_full(const struct agg_state *s)
{
    return s->t.live > s->t.keys_max / 4 * 3 ||
           s->touched_cnt + s->fresh_cnt > s->item_room / 4 * 3 ||
           s->key_heap_live > s->key_heap_max / 4 * 3;
}

void agg_state_rank(struct agg_state *s, uint32_t n)
{
    if (s->fresh_ranked < s->fresh_cnt && is_nearly_full(s))
        rank_some(s, n * RANK_RATE);
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
    s->fresh_ranked = s->fresh_cnt;
    fresh_sink(s);
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

static uint32_t add(struct agg_state *s, const struct tkey *key, uint64_t hash)
{
    agg_heap_make_room(s, heap_share(key));
    uint32_t entry = table_add(&s->t, key, hash);
    if (entry == TABLE_NONE)
        return TABLE_NONE;
    if (agg_is_stack(s->x)) /* there is nothing of earlier groups */
        agg_links(s, entry)->group = (uint32_t)s->group;
    s->key_heap_live += heap_share(key);
    s->fresh[s->fresh_cnt++] = (struct agg_fresh){(uint32_t)(tkey_rank(key) >> 32), entry};
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
        rank_some(s, UINT32_MAX);
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
        rank_some(s, UINT32_MAX);
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

    if (tkey_rank(table_key(&s->t, entry)) < s->choice.limit)
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
    agg_heap_make_room(s, need);
}

void agg_state_settle(struct agg_state *s)
{
    if (s->no_room)
        lose(s, s->no_room);
    s->no_room = 0;
}
