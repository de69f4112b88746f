#include "rdd/agg_state.h"
#include "base/assert.h"
#include "rdd/agg_admit.h"
#include "rdd/agg_cell.h"
#include "rdd/agg_heap.h"
#include "rdd/agg_items.h"

void agg_state_begin(struct agg_state *s, uint64_t interval)
{
    MR_ASSERT(s->phase == AGG_IDLE || s->phase == AGG_CLOSED);
    s->phase = AGG_LEAVING;
    s->interval = interval;
    s->fresh_cnt = s->fresh_ranked = 0;
    s->rank_limit = UINT64_MAX;
    s->touched_cnt = 0;
}

/* Nothing leaves any more: what there is now of items is what the interval may use. */
static bool step_leaving(struct agg_state *s, struct arena *scratch)
{
    if (!agg_is_window(s->x)) {
        s->phase = AGG_OPEN;
        return false;
    }
    if (agg_items_leave(s, scratch))
        return true;
    s->item_room = s->items.max - (s->items.tail - s->items.head);
    s->phase = AGG_OPEN;
    return false;
}

/* All rows of the interval are in its deltas. */
static void begin_closing(struct agg_state *s)
{
    s->at = 0;
    s->order = (struct agg_order){0};
    s->phase = AGG_CLOSED;
    if (agg_is_single(s->x))
        return;
    s->phase = agg_choice_begin(s) ? AGG_CHOOSING : AGG_APPLYING;
    if (agg_is_window(s->x))
        agg_items_begin(s);
}

void agg_state_end(struct agg_state *s)
{
    MR_ASSERT(s->phase == AGG_OPEN);
    if (s->waiting.cnt)
        s->phase = AGG_MERGING;
    else
        begin_closing(s);
}

static inline uint32_t changed(const struct agg_state *s, uint32_t i)
{
    return i < s->touched_cnt ? s->touched[i] : s->fresh[i - s->touched_cnt].entry;
}

/* The next entries whose deltas count: at most AGG_STEP. */
static uint32_t next_changed(struct agg_state *s, uint32_t *entry, uint8_t **total,
                             const uint8_t **delta)
{
    uint32_t n = 0, cnt = s->touched_cnt + s->fresh_cnt;

    for (; s->at < cnt && n < AGG_STEP; s->at++) {
        if (s->at + AGG_AHEAD < cnt)
            table_prefetch(&s->t, changed(s, s->at + AGG_AHEAD));
        uint32_t e = changed(s, s->at);
        if (s->choice.is_needed && s->at < s->touched_cnt && agg_choice_drop(s, e))
            continue;
        if (agg_is_stack(s->x))
            agg_links(s, e);
        entry[n] = e;
        total[n] = table_row(&s->t, e);
        delta[n++] = agg_delta_of(s, e);
    }
    return n;
}

/* The deltas of some entries are combined into totals and become items, which then own their
 * strings: no compaction may come between. */
static bool step_applying(struct agg_state *s, struct arena *scratch)
{
    uint32_t entry[AGG_STEP];
    uint8_t *total[AGG_STEP];
    const uint8_t *delta[AGG_STEP];
    struct agg_env env = agg_env_of(s, scratch);
    uint32_t n = next_changed(s, entry, total, delta);

    if (!n)
        return false;
    agg_state_make_room(s, total, delta, n);
    agg_merge(&s->x->agg, &env, total, delta, n);
    if (agg_is_window(s->x))
        agg_items_append(s, entry, delta, n);
    for (uint32_t i = 0; s->most && i < n; i++)
        agg_most_raise(s, entry[i], total[i]);
    for (uint32_t i = 0; i < n; i++)
        agg_row_copy((uint8_t *)(uintptr_t)delta[i], s->row_init, s->x->agg.row_bytes);
    agg_state_settle(s);
    return s->at < s->touched_cnt + s->fresh_cnt;
}

static bool end_applying(struct agg_state *s)
{
    if (agg_is_window(s->x))
        agg_items_end(s);
    s->phase = agg_flip_begin(s) ? AGG_FLIPPING : AGG_CLOSED;
    return s->phase == AGG_FLIPPING;
}

/* ---- merging --------------------------------------------------------------------------------- */

/* A lambda sees the counts of both rows before they are combined; for all else the count of a row
 * is added as soon as its entry is known, so that a key may come twice in a vector. */
static inline void count(struct agg_state *s, uint32_t entry, const uint8_t *row)
{
    uint8_t *delta = agg_delta_of(s, entry);

    if (!s->x->agg.lambda)
        store_i64(delta, load_i64(delta) + load_i64(row));
}

/* Rows of keys that are in; known keys that change for the first time are noted. */
static void count_found(struct agg_state *s, const uint32_t *entry, const uint8_t *const *row,
                        uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (entry[i] == TABLE_NONE)
            continue;
        if (!agg_count(agg_delta_of(s, entry[i]))) {
            MR_ASSERT(s->touched_cnt < s->t.keys_max);
            s->touched[s->touched_cnt++] = entry[i];
        }
        count(s, entry[i], row[i]);
    }
}

/* Rows of keys that are not in, as far as there is room. */
static void count_new(struct agg_state *s, const struct tkey *key, const uint64_t *hash,
                      uint32_t *entry, const uint8_t *const *row, uint32_t n)
{
    bool any = false;

    for (uint32_t i = 0; i < n; i++) {
        if (entry[i] != TABLE_NONE)
            continue;
        if (any) /* it may have come in with a row before this one */
            table_find(&s->t, &key[i], &hash[i], 1, &entry[i]);
        if (entry[i] == TABLE_NONE)
            entry[i] = agg_state_admit(s, &key[i], hash[i], agg_count(row[i]));
        any = true;
        if (entry[i] != TABLE_NONE)
            count(s, entry[i], row[i]);
    }
}

/* Is the entry still that of this key? A later key may have taken its room. */
static bool is_still(struct agg_state *s, uint32_t entry, const struct tkey *key)
{
    return table_is_live(&s->t, entry) && tkey_equal(table_key(&s->t, entry), key);
}

static void merge_values(struct agg_state *s, struct arena *scratch, const struct tkey *key,
                         const uint32_t *entry, const uint8_t *const *row, uint32_t n, bool evicted)
{
    uint8_t *dst[VEC_ROWS_MAX];
    const uint8_t *src[VEC_ROWS_MAX];
    struct agg_env env = agg_env_of(s, scratch);
    uint32_t m = 0;

    for (uint32_t i = 0; i < n; i++) {
        if (entry[i] == TABLE_NONE)
            continue;
        if (evicted && !is_still(s, entry[i], &key[i])) {
            s->refused += s->x->agg.lambda ? agg_count(row[i]) : 0;
            continue;
        }
        dst[m] = agg_delta_of(s, entry[i]);
        src[m++] = row[i];
    }
    agg_state_make_room(s, dst, src, m);
    agg_merge_values(&s->x->agg, &env, dst, src, m);
    agg_state_settle(s);
}

static void merge_now(struct agg_state *s, struct arena *scratch, const struct tkey *key,
                      const uint8_t *const *row, uint32_t n)
{
    uint64_t hash[VEC_ROWS_MAX], evicted = s->evicted;
    uint32_t entry[VEC_ROWS_MAX];

    agg_heap_tend(s, n);
    agg_state_rank(s, n);
    tkeys_hash(hash, key, n);
    table_find(&s->t, key, hash, n, entry);
    count_found(s, entry, row, n);
    agg_state_yield(s);
    count_new(s, key, hash, entry, row, n);
    if (!s->x->agg.count_only)
        merge_values(s, scratch, key, entry, row, n, s->evicted != evicted);
}

/* ---- rows that wait -------------------------------------------------------------------------- */

/* Is there no room for a vector any more, or have some of those that waited been merged? */
static bool must_merge(const struct agg_state *s)
{
    const struct agg_waiting *w = &s->waiting;

    return w->at || (w->cnt && w->max - w->cnt < VEC_ROWS_MAX);
}

/* A vector of them is merged; true: there are more. */
static bool step_waiting(struct agg_state *s, struct arena *scratch)
{
    struct agg_waiting *w = &s->waiting;
    const uint8_t *row[VEC_ROWS_MAX];
    uint32_t n = w->cnt - w->at < VEC_ROWS_MAX ? w->cnt - w->at : VEC_ROWS_MAX;

    for (uint32_t i = 0; i < n; i++)
        row[i] = w->row + (size_t)(w->at + i) * s->x->agg.row_bytes;
    merge_now(s, scratch, w->key + w->at, row, n);
    w->at += n;
    if (w->at < w->cnt)
        return true;
    w->at = w->cnt = 0;
    return false;
}

/* Rows of short keys wait; the others move to the front, and their number is returned. */
static uint32_t let_wait(struct agg_state *s, const struct tkey *key, const uint8_t *const *row,
                         uint32_t n, struct tkey *long_key, const uint8_t **long_row)
{
    struct agg_waiting *w = &s->waiting;
    uint32_t bytes = s->x->agg.row_bytes, left = 0;

    for (uint32_t i = 0; i < n; i++) {
        if (!tkey_is_short(&key[i])) {
            long_key[left] = key[i];
            long_row[left++] = row[i];
            continue;
        }
        w->key[w->cnt] = key[i];
        agg_row_copy(w->row + (size_t)w->cnt++ * bytes, row[i], bytes);
    }
    return left;
}

void agg_state_merge(struct agg_state *s, struct arena *scratch, const struct tkey *key,
                     const uint8_t *const *row, uint32_t n)
{
    struct tkey long_key[VEC_ROWS_MAX];
    const uint8_t *long_row[VEC_ROWS_MAX];

    MR_ASSERT(s->phase == AGG_OPEN && n <= VEC_ROWS_MAX);
    if (!s->waiting.max) {
        merge_now(s, scratch, key, row, n);
        return;
    }
    while (s->waiting.max - s->waiting.cnt < n)
        step_waiting(s, scratch);
    uint32_t left = let_wait(s, key, row, n, long_key, long_row);
    if (left)
        merge_now(s, scratch, long_key, long_row, left);
}

bool agg_state_step(struct agg_state *s, struct arena *scratch)
{
    switch (s->phase) {
    case AGG_LEAVING: return step_leaving(s, scratch);
    case AGG_OPEN: return must_merge(s) && step_waiting(s, scratch);
    case AGG_MERGING:
        if (!step_waiting(s, scratch))
            begin_closing(s);
        return s->phase != AGG_CLOSED;
    case AGG_CHOOSING:
        if (!agg_choice_step(s))
            s->phase = AGG_APPLYING;
        return true;
    case AGG_APPLYING: return step_applying(s, scratch) || end_applying(s);
    case AGG_FLIPPING:
        if (!agg_flip_step(s, scratch))
            s->phase = AGG_CLOSED;
        return s->phase == AGG_FLIPPING;
    default: return false;
    }
}

bool agg_state_complete(const struct agg_state *s)
{
    return s->interval >= s->lost_until;
}

void agg_state_retire(struct agg_state *s)
{
    if (agg_is_single(s->x)) {
        table_clear(&s->t);
        s->key_heap_live = 0;
        s->pass = (struct agg_pass){0};
    }
    s->touched_cnt = 0;
}
