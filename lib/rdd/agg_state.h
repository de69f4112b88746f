/*
 * The state of one partition of an EX_AGG exchange: keys, what they add up to, and what each
 * interval changed.
 *
 * An entry is a key; it never moves. Its table row is
 *
 *   [total][delta][back]   the exchange's row of accumulators twice, and a reference
 *
 * delta collects the open interval. When the interval closes, the delta of every touched entry
 * is combined into total, and appended, as an item (entry, row), to a ring; a window forgets
 * the items of the interval that leaves it when the next one opens, before anything of that is
 * merged. So a step costs what changed, not what exists. By the exchange's window:
 *
 *   one interval   rows are [delta]; emitted and cleared
 *   for ever       total only
 *   inverse        leaving items are subtracted from total
 *   otherwise      two stacks. total holds the combination of all intervals since the last flip;
 *                  back refers to the item that holds the combination of the key's items from
 *                  its oldest in the window up to the flip. At the flip, at intervals n with
 *                  (n + 1) % len == 0, items become such suffixes, newest first, each linked to
 *                  the next newer one of its key, and total starts anew. Nothing is subtracted.
 *                  (Two stacks: Tangwongsan, Hirzel, Schneider, "General incremental
 *                  sliding-window aggregation", VLDB 2015, kept per key.)
 *
 * An entry leaves when no record of its key is left in the window.
 *
 * Full. A partition holds keys_max keys. Keys that it knows at the beginning of an interval are
 * never refused. Of the new keys of an interval it admits those of the smallest rank
 * (tkey_rank, unseeded), so which ones is a function of the records alone: when a key finds no
 * room, the new key of the highest rank goes, and no key of such a rank comes in any more in this
 * interval. Records of refused keys are counted in `refused`, and results are incomplete while
 * they cover such an interval.
 *
 * Work is done in steps of at most VEC_ROWS_MAX entries; a step never blocks or allocates.
 */
#ifndef RDD_AGG_STATE_H
#define RDD_AGG_STATE_H

#include "rdd/agg.h"
#include "rdd/table.h"

enum agg_phase { AGG_IDLE, AGG_LEAVING, AGG_OPEN, AGG_APPLYING, AGG_FLIPPING, AGG_CLOSED };

/* The items of one interval in the ring. */
struct agg_delta {
    uint64_t interval, first; /* position of its first item */
    uint32_t cnt;
};

struct agg_fresh {
    uint64_t rank;
    uint32_t entry;
};

struct agg_state {
    const struct exchange *x;
    enum agg_phase phase;
    uint64_t interval; /* open or closed last */
    uint32_t at;       /* progress of the phase */
    struct table t;
    uint8_t *row_init; /* an empty table row; its first row_bytes are an empty row */
    uint32_t delta_off, back_off;
    uint32_t *touched;   /* entries with a delta; after the close: order of emission */
    uint8_t *is_touched; /* by entry */
    uint32_t touched_cnt;
    struct agg_fresh *fresh; /* entries that are new in this interval; a max-heap once full */
    uint32_t fresh_cnt;
    bool fresh_is_heap;
    uint64_t rank_limit; /* no new key at or above it is admitted */
    uint64_t key_heap_live;
    struct heap spare; /* the other half of the heap, for compaction */
    /* windows */
    uint8_t *item;
    uint32_t item_bytes;
    uint64_t items_max, item_head, item_tail; /* positions: [head, tail) */
    struct agg_delta *delta;                  /* ring of len + 1 */
    uint64_t deltas_max, delta_head, delta_tail;
    uint64_t flip_at;
    /* what people look at */
    uint64_t refused;    /* records dropped: state_full */
    uint64_t failed;     /* rows that were not emitted: the lambda failed */
    uint64_t no_room;    /* records whose strings had no room; soon part of refused */
    uint64_t lost_until; /* results are incomplete for intervals below; UINT64_MAX: for ever */
};

/* agg_state_keys: how many keys a partition of x holds in `bytes` of memory; 0: too little. */
uint64_t agg_state_keys(const struct exchange *x, uint64_t bytes);
/* agg_state_init lays the state out in mem (x->state_bytes, aligned to 64), which stays the
 * caller's. */
void agg_state_init(struct agg_state *s, const struct exchange *x, void *mem);

/* agg_state_begin opens interval n: call agg_state_step until it returns false before merging. */
void agg_state_begin(struct agg_state *s, uint64_t interval);
/* agg_state_merge combines n entries of a shuffle block into the deltas of the open interval. */
void agg_state_merge(struct agg_state *s, struct arena *scratch, const struct tkey *key,
                     const uint8_t *const *row, uint32_t n);
/* agg_state_end closes it: call agg_state_step until it returns false before emitting. */
void agg_state_end(struct agg_state *s);
/* agg_state_step does a bounded piece of opening or closing; true: there is more. The scratch
 * may be reset between steps. */
bool agg_state_step(struct agg_state *s, struct arena *scratch);

/* agg_state_emit gives the next vector of the result: key leaves, then value leaves, `*cursor`
 * from 0. Returns 0 at the end; a vector may be empty although there is more. */
int agg_state_emit(struct agg_state *s, uint32_t *cursor, struct vec *out, struct arena *scratch);
/* agg_state_retire: the emission is over (a state of one interval is cleared). */
void agg_state_retire(struct agg_state *s);
/* agg_state_complete: does the result of the closed interval hold all its records? */
bool agg_state_complete(const struct agg_state *s);

#endif
