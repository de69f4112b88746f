/*
 * The items of windows, and the parts of a table row: for the files of agg_state.h.
 */
#ifndef RDD_AGG_ITEMS_H
#define RDD_AGG_ITEMS_H

#include "rdd/agg_state.h"

#define AGG_NO_ITEM UINT32_MAX
#define AGG_STEP    256u /* entries of a step: what they lie on fits the first-level cache */
#define AGG_AHEAD   16u  /* entries that are fetched ahead of their use */

/* The last part of a row of two stacks. */
struct agg_links {
    uint32_t back;  /* item that holds what the oldest group has left in the window */
    uint32_t next;  /* the same of the group before the open one, as far as it is turned */
    uint32_t group; /* total and the others are as of this group */
    uint32_t none;
};

static inline bool agg_is_single(const struct exchange *x)
{
    return x->len == 1;
}

static inline bool agg_is_window(const struct exchange *x)
{
    return x->len > 1 && x->len != WINDOW_FOREVER;
}

static inline bool agg_is_stack(const struct exchange *x)
{
    return agg_is_window(x) && !x->inverse;
}

static inline uint8_t *agg_delta_of(const struct agg_state *s, uint32_t entry)
{
    return table_row(&s->t, entry) + s->delta_off;
}

/* Is what ranks an entry its total? Else rows must be made first. */
static inline bool agg_ranks_totals(const struct exchange *x)
{
    return !agg_is_stack(x) && !x->agg.lambda;
}

/* The total of an entry has changed. */
static inline void agg_most_raise(struct agg_state *s, uint32_t entry, const uint8_t *total)
{
    int64_t value, *most = &s->most[entry / AGG_MOST];

    memcpy(&value, total + s->x->best.off, sizeof value);
    if (value > *most)
        *most = value;
}

static inline uint8_t *agg_item_row(const struct agg_state *s, uint32_t item)
{
    return s->items.row + (size_t)item * s->x->agg.row_bytes;
}

static inline struct agg_env agg_env_of(struct agg_state *s, struct arena *scratch)
{
    return (struct agg_env){.arena = scratch, .heap = &s->t.heap, .no_room = &s->no_room};
}

/* agg_links brings an entry of two stacks to the group of the open interval. */
struct agg_links *agg_links(struct agg_state *s, uint32_t entry);
/* agg_records: records of the entry in the window. */
uint64_t agg_records(struct agg_state *s, uint32_t entry);

/* agg_items_leave takes some items that the open interval no longer covers out; false: none. */
bool agg_items_leave(struct agg_state *s, struct arena *scratch);
/* agg_items_begin opens the delta of the interval that closes; agg_items_append puts entries and
 * their rows behind it. */
void agg_items_begin(struct agg_state *s);
void agg_items_append(struct agg_state *s, const uint32_t *entry, const uint8_t *const *row,
                      uint32_t n);
/* agg_items_end: no more of them; an interval without any leaves no delta. */
void agg_items_end(struct agg_state *s);
/* agg_flip_begin says how much of the group before the closing interval's becomes suffixes now;
 * false: nothing. agg_flip_step does some of it; false: all of it is done. */
bool agg_flip_begin(struct agg_state *s);
bool agg_flip_step(struct agg_state *s, struct arena *scratch);

#endif
