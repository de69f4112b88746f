#include <errno.h>

#include "base/assert.h"
#include "rdd/agg_admit.h"
#include "rdd/agg_cell.h"
#include "rdd/agg_state.h"

#define NO_ITEM UINT64_MAX

static bool is_single(const struct exchange *x)
{
    return x->len == 1;
}

static bool is_window(const struct exchange *x)
{
    return x->len > 1 && x->len != WINDOW_FOREVER;
}

static bool is_stack(const struct exchange *x)
{
    return is_window(x) && !x->inverse;
}

static uint32_t item_bytes(const struct exchange *x)
{
    return 8 + (is_stack(x) ? 8 : 0) + x->agg.row_bytes; /* entry, link, row */
}

static uint32_t table_row_bytes(const struct exchange *x)
{
    return is_single(x) ? x->agg.row_bytes : 2 * x->agg.row_bytes + (is_stack(x) ? 8 : 0);
}

static uint64_t heap_bytes(const struct exchange *x, uint64_t keys)
{
    if (!x->agg.has_strings)
        return agg_key_heap_max(keys);
    return 4 * agg_key_heap_max(keys) + (x->partitions == 1 ? 8 * RECORD_BYTES_MAX : 0);
}

static uint64_t round64(uint64_t n)
{
    return (n + 63) & ~63ull;
}

static uint64_t state_bytes(const struct exchange *x, uint64_t keys)
{
    uint64_t deltas = is_window(x) ? x->len + 1 : 0;

    return round64(table_row_bytes(x)) + round64(table_bytes((uint32_t)keys, table_row_bytes(x))) +
           2 * round64(heap_bytes(x, keys)) + round64(keys * 4) + round64(keys) +
           round64(keys * sizeof(struct agg_fresh)) + round64(deltas * sizeof(struct agg_delta)) +
           round64(deltas * keys * item_bytes(x));
}

uint64_t agg_state_keys(const struct exchange *x, uint64_t bytes)
{
    uint64_t lo = 0, hi = x->key ? UINT32_MAX / 4 : 1;

    while (lo < hi) {
        uint64_t mid = (lo + hi + 1) / 2;
        if (state_bytes(x, mid) <= bytes)
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

void agg_state_init(struct agg_state *s, const struct exchange *x, void *mem)
{
    uint8_t *at = mem;
    uint64_t keys = x->keys_max, deltas = is_window(x) ? x->len + 1 : 0;
    uint32_t row_bytes = x->agg.row_bytes;

    MR_ASSERT(state_bytes(x, keys) <= x->state_bytes);
    *s = (struct agg_state){.x = x, .delta_off = is_single(x) ? 0 : row_bytes};
    s->back_off = 2 * row_bytes;
    s->row_init = carve(&at, table_row_bytes(x));
    agg_row_init(&x->agg, s->row_init);
    if (!is_single(x))
        agg_row_init(&x->agg, s->row_init + row_bytes);
    if (is_stack(x))
        store_i64(s->row_init + s->back_off, (int64_t)NO_ITEM);
    table_init(&s->t, carve(&at, table_bytes((uint32_t)keys, table_row_bytes(x))), (uint32_t)keys,
               table_row_bytes(x), s->row_init);
    s->t.heap = (struct heap){carve(&at, heap_bytes(x, keys)), heap_bytes(x, keys), 0};
    s->spare = (struct heap){carve(&at, heap_bytes(x, keys)), heap_bytes(x, keys), 0};
    s->touched = carve(&at, keys * 4);
    s->is_touched = carve(&at, keys);
    memset(s->is_touched, 0, keys);
    s->fresh = carve(&at, keys * sizeof(struct agg_fresh));
    s->deltas_max = deltas;
    s->delta = carve(&at, deltas * sizeof(struct agg_delta));
    s->item_bytes = item_bytes(x);
    s->items_max = deltas * keys;
    s->item = carve(&at, s->items_max * s->item_bytes);
    s->rank_limit = UINT64_MAX;
}

static uint8_t *total_of(const struct agg_state *s, uint32_t entry)
{
    return table_row(&s->t, entry);
}

static uint8_t *delta_of(const struct agg_state *s, uint32_t entry)
{
    return table_row(&s->t, entry) + s->delta_off;
}

static uint8_t *item_at(const struct agg_state *s, uint64_t pos)
{
    return s->item + pos % s->items_max * s->item_bytes;
}

static uint32_t item_entry(const uint8_t *item)
{
    uint32_t e;
    memcpy(&e, item, sizeof e);
    return e;
}

static uint8_t *item_row(const struct agg_state *s, uint64_t pos)
{
    return item_at(s, pos) + s->item_bytes - s->x->agg.row_bytes;
}

static struct agg_env env_of(struct agg_state *s, struct arena *scratch)
{
    return (struct agg_env){.arena = scratch, .heap = &s->t.heap, .no_room = &s->no_room};
}

void agg_state_begin(struct agg_state *s, uint64_t interval)
{
    MR_ASSERT(s->phase == AGG_IDLE || s->phase == AGG_CLOSED);
    s->phase = AGG_LEAVING;
    s->interval = interval;
    s->at = 0;
    s->fresh_cnt = 0;
    s->fresh_is_heap = false;
    s->rank_limit = UINT64_MAX;
    s->touched_cnt = 0;
}

void agg_state_end(struct agg_state *s)
{
    MR_ASSERT(s->phase == AGG_OPEN);
    s->phase = AGG_APPLYING;
    s->at = 0;
}

/* An entry without a record in the window leaves. */
static void leave_if_empty(struct agg_state *s, uint32_t entry)
{
    uint8_t *row = table_row(&s->t, entry);

    if (agg_count(row) || (is_stack(s->x) && (uint64_t)load_i64(row + s->back_off) != NO_ITEM))
        return;
    if (!tkey_is_short(&s->t.key[entry]))
        s->key_heap_live -= s->t.key[entry].len;
    table_remove(&s->t, entry);
}

/* Items [pos, pos + n) leave the window. */
static void leave_items(struct agg_state *s, struct arena *scratch, uint64_t pos, uint32_t n)
{
    uint8_t *dst[VEC_ROWS_MAX];
    const uint8_t *src[VEC_ROWS_MAX];
    struct agg_env env = env_of(s, scratch);

    for (uint32_t i = 0; i < n; i++) {
        uint32_t e = item_entry(item_at(s, pos + i));
        dst[i] = total_of(s, e);
        src[i] = item_row(s, pos + i);
        if (is_stack(s->x) && (uint64_t)load_i64(dst[i] + s->back_off) == pos + i)
            memcpy(dst[i] + s->back_off, item_at(s, pos + i) + 8, 8);
    }
    if (s->x->inverse)
        agg_unmerge(&s->x->agg, s->x->inverse_lambda, &env, dst, src, n);
    for (uint32_t i = 0; i < n; i++)
        leave_if_empty(s, item_entry(item_at(s, pos + i)));
}

static bool step_leaving(struct agg_state *s, struct arena *scratch)
{
    if (s->delta_head == s->delta_tail)
        return false;
    struct agg_delta *d = &s->delta[s->delta_head % s->deltas_max];
    if (d->interval + s->x->len > s->interval)
        return false;
    uint32_t n = d->cnt - s->at < VEC_ROWS_MAX ? d->cnt - s->at : VEC_ROWS_MAX;
    leave_items(s, scratch, d->first + s->at, n);
    s->at += n;
    s->item_head += n;
    if (s->at == d->cnt) {
        s->delta_head++;
        s->at = 0;
    }
    return true;
}

/* The delta of an entry becomes the newest item. */
static void append_item(struct agg_state *s, uint32_t entry, const uint8_t *delta)
{
    memcpy(item_at(s, s->item_tail), &entry, sizeof entry);
    memcpy(item_row(s, s->item_tail++), delta, s->x->agg.row_bytes);
    s->delta[(s->delta_tail - 1) % s->deltas_max].cnt++;
}

/* The deltas of touched[at..] are combined into totals and become items, which then own their
 * strings: no compaction may come between. */
static bool step_applying(struct agg_state *s, struct arena *scratch)
{
    uint8_t *dst[VEC_ROWS_MAX];
    const uint8_t *src[VEC_ROWS_MAX];
    uint32_t entry[VEC_ROWS_MAX];
    struct agg_env env = env_of(s, scratch);
    uint32_t n = 0;

    if (is_single(s->x))
        return false;
    if (is_window(s->x) && s->at == 0)
        s->delta[s->delta_tail++ % s->deltas_max] =
            (struct agg_delta){.interval = s->interval, .first = s->item_tail};
    for (; s->at < s->touched_cnt && n < VEC_ROWS_MAX; s->at++) {
        uint32_t e = s->touched[s->at];
        s->is_touched[e] = 0;
        if (!table_is_live(&s->t, e) || !agg_count(delta_of(s, e)))
            continue;
        entry[n] = e;
        dst[n] = total_of(s, e);
        src[n++] = delta_of(s, e);
    }
    agg_state_make_room(s, dst, src, n);
    agg_merge(&s->x->agg, &env, dst, src, n);
    for (uint32_t i = 0; i < n; i++) {
        if (is_window(s->x))
            append_item(s, entry[i], src[i]);
        memcpy((uint8_t *)(uintptr_t)src[i], s->row_init, s->x->agg.row_bytes);
    }
    agg_state_settle(s);
    return s->at < s->touched_cnt;
}

static bool begin_flip(struct agg_state *s)
{
    if (!is_stack(s->x) || (s->interval + 1) % s->x->len)
        return false;
    s->flip_at = s->item_tail;
    return true;
}

/*
 * Items from the newest to the oldest become suffixes. A step takes items of one delta, so that
 * no key comes twice.
 */
static bool step_flipping(struct agg_state *s, struct arena *scratch)
{
    uint8_t *dst[VEC_ROWS_MAX];
    const uint8_t *src[VEC_ROWS_MAX];
    struct agg_env env = env_of(s, scratch);
    uint64_t d = s->delta_tail, first;
    uint32_t n = 0, pairs = 0;

    if (s->flip_at == s->item_head)
        return false;
    do
        first = s->delta[--d % s->deltas_max].first;
    while (first >= s->flip_at);
    for (; s->flip_at > first && n < VEC_ROWS_MAX; n++) {
        uint64_t pos = --s->flip_at;
        uint8_t *item = item_at(s, pos), *row = table_row(&s->t, item_entry(item));
        uint64_t newer = (uint64_t)load_i64(row + s->back_off);
        memcpy(item + 8, &newer, 8);
        if (newer != NO_ITEM) {
            dst[pairs] = item_row(s, pos);
            src[pairs++] = item_row(s, newer);
        }
        memcpy(row + s->back_off, &pos, 8);
        memcpy(row, s->row_init, s->x->agg.row_bytes);
    }
    agg_state_make_room(s, dst, src, pairs);
    agg_merge(&s->x->agg, &env, dst, src, pairs);
    agg_state_settle(s);
    return s->flip_at != s->item_head;
}

bool agg_state_step(struct agg_state *s, struct arena *scratch)
{
    switch (s->phase) {
    case AGG_LEAVING:
        if (!step_leaving(s, scratch))
            s->phase = AGG_OPEN;
        return s->phase == AGG_LEAVING;
    case AGG_APPLYING:
        if (step_applying(s, scratch))
            return true;
        s->phase = begin_flip(s) ? AGG_FLIPPING : AGG_CLOSED;
        return s->phase == AGG_FLIPPING;
    case AGG_FLIPPING:
        if (!step_flipping(s, scratch))
            s->phase = AGG_CLOSED;
        return s->phase == AGG_FLIPPING;
    default: return false;
    }
}

static void touch(struct agg_state *s, uint32_t entry)
{
    if (s->is_touched[entry])
        return;
    s->is_touched[entry] = 1;
    s->touched[s->touched_cnt++] = entry;
}

void agg_state_merge(struct agg_state *s, struct arena *scratch, const struct tkey *key,
                     const uint8_t *const *row, uint32_t n)
{
    uint64_t hash[VEC_ROWS_MAX];
    uint32_t entry[VEC_ROWS_MAX], m = 0;
    uint8_t *dst[VEC_ROWS_MAX];
    const uint8_t *src[VEC_ROWS_MAX];
    struct agg_env env = env_of(s, scratch);

    MR_ASSERT(s->phase == AGG_OPEN && n <= VEC_ROWS_MAX);
    tkeys_hash(hash, key, n);
    table_find(&s->t, key, hash, n, entry);
    for (uint32_t i = 0; i < n; i++)
        if (entry[i] == TABLE_NONE)
            entry[i] = agg_state_admit(s, &key[i], hash[i], agg_count(row[i]));
    for (uint32_t i = 0; i < n; i++) {
        if (entry[i] == TABLE_NONE)
            continue;
        if (!table_is_live(&s->t, entry[i]) || !tkey_equal(&s->t.key[entry[i]], &key[i])) {
            s->refused += agg_count(row[i]); /* a later key of this vector took its room */
            continue;
        }
        touch(s, entry[i]);
        dst[m] = delta_of(s, entry[i]);
        src[m++] = row[i];
    }
    agg_state_make_room(s, dst, src, m);
    agg_merge(&s->x->agg, &env, dst, src, m);
    agg_state_settle(s);
}

bool agg_state_complete(const struct agg_state *s)
{
    return s->interval >= s->lost_until;
}

void agg_state_retire(struct agg_state *s)
{
    if (is_single(s->x)) {
        memset(s->is_touched, 0, s->t.entries);
        table_clear(&s->t);
        s->key_heap_live = 0;
    }
    s->touched_cnt = 0;
}
