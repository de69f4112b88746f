#include "rdd/agg_items.h"
#include "base/assert.h"
#include "rdd/agg_admit.h"

static inline uint32_t ring_next(const struct agg_items *it, uint32_t item)
{
    return item + 1 == it->max ? 0 : item + 1;
}

static inline uint32_t ring_prev(const struct agg_items *it, uint32_t item)
{
    return (item ? item : it->max) - 1;
}

/* The item that lies `by` < max further on. */
static inline uint32_t ring_ahead(const struct agg_items *it, uint32_t item, uint32_t by)
{
    uint64_t at = (uint64_t)item + by;
    return (uint32_t)(at < it->max ? at : at - it->max);
}

struct agg_links *agg_links(struct agg_state *s, uint32_t entry)
{
    uint32_t bytes = s->x->agg.row_bytes;
    uint8_t *row = table_row(&s->t, entry);
    struct agg_links *l = (struct agg_links *)(void *)(row + s->links_off);
    uint32_t by = (uint32_t)s->group - l->group;

    if (by == 0)
        return l;
    agg_row_copy(row + s->mid_off, by == 1 ? row : s->row_init, bytes);
    agg_row_copy(row, s->row_init, bytes);
    l->back = by == 1 ? l->next : AGG_NO_ITEM;
    l->next = AGG_NO_ITEM;
    l->group = (uint32_t)s->group;
    return l;
}

uint64_t agg_records(struct agg_state *s, uint32_t entry)
{
    uint8_t *row = table_row(&s->t, entry);

    if (!agg_is_stack(s->x))
        return agg_count(row);
    const struct agg_links *l = agg_links(s, entry);
    uint64_t old = l->back == AGG_NO_ITEM ? 0 : agg_count(agg_item_row(s, l->back));
    return agg_count(row) + agg_count(row + s->mid_off) + old;
}

/* ---- leaving --------------------------------------------------------------------------------- */

static inline bool is_empty(struct agg_state *s, uint32_t entry)
{
    const uint8_t *row = table_row(&s->t, entry);

    return !agg_count(row) && (!agg_is_stack(s->x) || (!agg_count(row + s->mid_off) &&
                                                       agg_links(s, entry)->back == AGG_NO_ITEM));
}

/* Entries without a record in the window leave. Where intervals were skipped, an entry may have
 * left with an earlier item. */
static void leave_if_empty(struct agg_state *s, const uint32_t *entry, uint32_t n)
{
    uint32_t gone[AGG_STEP], cnt = 0;

    for (uint32_t i = 0; i < n; i++) {
        const struct tkey *k = table_key(&s->t, entry[i]);
        if (!table_is_live(&s->t, entry[i]) || !is_empty(s, entry[i]))
            continue;
        if (!tkey_is_short(k))
            s->key_heap_live -= k->len;
        gone[cnt++] = entry[i];
    }
    table_remove(&s->t, gone, cnt);
}

/* The n oldest items leave the window. */
static void leave(struct agg_state *s, struct arena *scratch, uint32_t n)
{
    struct agg_items *it = &s->items;
    uint32_t item = (uint32_t)(it->head % it->max), entry[AGG_STEP];
    uint8_t *dst[AGG_STEP];
    const uint8_t *src[AGG_STEP];
    struct agg_env env = agg_env_of(s, scratch);

    for (uint32_t i = 0; i < n && i < AGG_AHEAD; i++)
        table_prefetch(&s->t, it->entry[ring_ahead(it, item, i)]);
    for (uint32_t i = 0; i < n; i++, item = ring_next(it, item)) {
        if (i + AGG_AHEAD < n)
            table_prefetch(&s->t, it->entry[ring_ahead(it, item, AGG_AHEAD)]);
        entry[i] = it->entry[item];
        dst[i] = table_row(&s->t, entry[i]);
        src[i] = agg_item_row(s, item);
        if (!agg_is_stack(s->x))
            continue;
        struct agg_links *l = agg_links(s, entry[i]);
        if (l->back == item)
            l->back = it->link[item];
    }
    if (s->x->inverse)
        agg_unmerge(&s->x->agg, s->x->inverse_lambda, &env, dst, src, n);
    bool may_grow = s->most && s->x->best.off; /* a sum, by what is negative; a count does not */
    for (uint32_t i = 0; may_grow && i < n; i++)
        agg_most_raise(s, entry[i], dst[i]);
    it->head += n;
    leave_if_empty(s, entry, n);
}

/* Two stacks: the group of the open interval begins. What is left of turning the group before is
 * done first; there is none unless intervals were skipped. */
static bool turn_group(struct agg_state *s, struct arena *scratch)
{
    uint64_t group = s->interval / (s->x->len / 2);
    const struct agg_items *it = &s->items;

    if (s->group == group)
        return false;
    if (group - s->group >= 3) { /* all that there is leaves at once */
        s->flip = (struct agg_flip){0};
        s->group = group;
        s->group_first = it->tail;
        return false;
    }
    s->flip.stop = s->flip.end;
    if (agg_flip_step(s, scratch))
        return true;
    s->flip = (struct agg_flip){.pos = it->tail, .end = s->group_first, .delta = it->delta_tail};
    s->group++;
    s->group_first = it->tail;
    return true;
}

bool agg_items_leave(struct agg_state *s, struct arena *scratch)
{
    struct agg_items *it = &s->items;

    if (agg_is_stack(s->x) && turn_group(s, scratch))
        return true;
    if (it->delta_head == it->delta_tail)
        return false;
    struct agg_delta *d = &it->delta[it->delta_head % it->deltas_max];
    if (d->interval + s->x->len > s->interval)
        return false;
    uint32_t n = d->cnt < AGG_STEP ? d->cnt : AGG_STEP;
    leave(s, scratch, n);
    d->cnt -= n;
    it->delta_head += d->cnt == 0;
    return true;
}

/* ---- appending ------------------------------------------------------------------------------- */

void agg_items_begin(struct agg_state *s)
{
    struct agg_items *it = &s->items;

    MR_ASSERT(it->delta_tail - it->delta_head < it->deltas_max);
    it->delta[it->delta_tail++ % it->deltas_max] = (struct agg_delta){.interval = s->interval};
}

void agg_items_append(struct agg_state *s, const uint32_t *entry, const uint8_t *const *row,
                      uint32_t n)
{
    struct agg_items *it = &s->items;
    uint32_t item = (uint32_t)(it->tail % it->max), bytes = s->x->agg.row_bytes;

    MR_ASSERT(it->tail - it->head + n <= it->max);
    for (uint32_t i = 0; i < n; i++, item = ring_next(it, item)) {
        it->entry[item] = entry[i];
        agg_row_copy(agg_item_row(s, item), row[i], bytes);
    }
    it->tail += n;
    it->delta[(it->delta_tail - 1) % it->deltas_max].cnt += n;
}

void agg_items_end(struct agg_state *s)
{
    struct agg_items *it = &s->items;

    it->delta_tail -= it->delta[(it->delta_tail - 1) % it->deltas_max].cnt == 0;
}

/* ---- turning items into suffixes ------------------------------------------------------------- */

bool agg_flip_begin(struct agg_state *s)
{
    if (!agg_is_stack(s->x))
        return false;
    uint64_t len = s->x->len / 2, closes = len - s->interval % len; /* left of the group */
    uint64_t left = s->flip.pos - s->flip.end;
    s->flip.stop = s->flip.pos - (left + closes - 1) / closes;
    return left > 0;
}

/* Items are taken from the newest to the oldest; a step takes those of one delta, so that no key
 * comes twice. */
bool agg_flip_step(struct agg_state *s, struct arena *scratch)
{
    struct agg_items *it = &s->items;
    struct agg_flip *f = &s->flip;
    struct agg_env env = agg_env_of(s, scratch);
    uint8_t *dst[AGG_STEP];
    const uint8_t *src[AGG_STEP];
    uint32_t pairs = 0, n = AGG_STEP;

    if (f->pos == f->stop)
        return false;
    while (!f->left)
        f->left = it->delta[--f->delta % it->deltas_max].cnt;
    n = f->left < n ? f->left : n;
    n = f->pos - f->stop < n ? (uint32_t)(f->pos - f->stop) : n;
    uint32_t item = (uint32_t)(f->pos % it->max);
    for (uint32_t i = 0; i < n; i++) {
        item = ring_prev(it, item);
        if (i + AGG_AHEAD < n)
            table_prefetch(&s->t, it->entry[ring_ahead(it, item, it->max - AGG_AHEAD)]);
        struct agg_links *l = agg_links(s, it->entry[item]);
        it->link[item] = l->next;
        if (l->next != AGG_NO_ITEM) {
            __builtin_prefetch(agg_item_row(s, l->next));
            dst[pairs] = agg_item_row(s, item);
            src[pairs++] = agg_item_row(s, l->next);
        }
        l->next = item;
    }
    f->pos -= n;
    f->left -= n;
    agg_state_make_room(s, dst, src, pairs);
    agg_merge(&s->x->agg, &env, dst, src, pairs);
    agg_state_settle(s);
    return f->pos != f->stop;
}
