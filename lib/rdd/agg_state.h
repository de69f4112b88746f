/*
 * The state of one partition of an EX_AGG exchange: keys, what they add up to, and what each
 * interval changed.
 *
 * An entry is a key; it never moves. Its table row is
 *
 *   [total][delta][mid][links]    the exchange's row of accumulators, up to three times
 *
 * delta collects the open interval. When the interval closes, the delta of every entry that it
 * changed is combined into total, and becomes an item (entry, delta) of a ring, one behind the
 * other; a window forgets the items of the interval that leaves it when the next one opens, before
 * anything of that is merged. So a step costs what changed, not what exists nor how long the window
 * is. By the exchange's window:
 *
 *   one interval   rows are [delta]; emitted and cleared
 *   for ever       [total][delta]
 *   inverse        [total][delta]; leaving items are subtracted from total
 *   otherwise      two stacks, below
 *
 * An entry leaves when no record of its key is left in the window.
 *
 * Two stacks (agg_items.c). Nothing is subtracted. Intervals are taken in groups of len / 2, so
 * that a window ends inside the oldest of three: total combines the group of the open interval, mid
 * the one before it, whole, and `back` refers to the item that holds the combination of the key's
 * items from its oldest in the window to the end of the oldest group. While a group fills, the
 * items of the one before it are turned into such suffixes, newest first, each linked to the next
 * newer one of its key; each closing interval does its part of that, so none does much more than
 * another. When a group is full, an entry moves on, total to mid and mid to back, the next time it
 * is looked at (`group` says where it is). (Two stacks: Tangwongsan, Hirzel, Schneider, "General
 * incremental sliding-window aggregation", VLDB 2015, kept per key; the turning spread out as in
 * "Low-latency sliding-window aggregation in worst-case constant time", DEBS 2017, by groups of
 * intervals.)
 *
 * Full. A partition holds keys_max keys, and items for AGG_ITEMS_PER_KEY intervals of all of them
 * (all, where the window is not longer than that: then no key that is known ever loses a record,
 * whatever a flood of others does). What comes in and what does not is a function of the records
 * alone:
 *   - Keys that it knows at the beginning of an interval are not refused for want of keys. Of the
 *     new keys of an interval it admits those of the smallest rank (tkey_rank, unseeded), as many
 *     as there is room for beside the known ones: entries, heap for long keys, and items that
 *     neither earlier intervals nor the known keys of this one need. When a key finds no room, the
 *     new key of the highest rank goes, and no key of such a rank comes in any more in this
 *     interval. Room only ever shrinks while an interval is open, so those of the smallest rank are
 *     left in the end, in whatever order they came.
 *   - If the known keys of an interval alone are more than the items that are left, which is known
 *     when it closes, the ones of the smallest rank get them; the others lose what the interval
 *     brought them.
 * Records that are lost are counted in `refused`, and results are incomplete while they cover such
 * an interval. Strings of values live on the heap as well; which ones find no room there, if any
 * does not, depends on the order of merges: it is counted too.
 *
 * Large states. The rows of a task are spread over a partition, and its tasks over all partitions:
 * when a table does not fit a cache, each row would fetch its key from memory, and the page tables
 * to get there. So rows of short keys wait, until there are enough that they come by the same lines
 * and pages again, or until the interval ends.
 *
 * The best. Where a top follows, and ranks totals, it is known of every AGG_MOST entries side by
 * side what none of them exceeds; it is raised with a total, and found anew when they are looked
 * at. So emission passes over those of which none can be among the best.
 *
 * Work is done in steps of at most VEC_ROWS_MAX entries; a step never blocks or allocates. What
 * takes more is spread over the steps before: the compaction of the heap (agg_heap.h), and the
 * ordering of new keys by rank (agg_admit.h).
 *
 * Measured (perf/bench_state, Zen 4 shared with others, a count by inverse over 64 partitions, all
 * keys equally frequent), ns:
 *
 *   keys                 10 k   100 k    1 M   10 M
 *   merge, of a row        11      18     24     31
 *   close, of a key        12       8      7      7
 *   leave, of an item       9       5      5      5
 *   emit, of a key          4       5      4      5
 *
 * Two stacks (a maximum): close 21 to 28 with its share of turning, leave 8 to 10, emit 18. Windows
 * of 30 and of 300 intervals at the same input: 3.155 and 3.153 ms a slide by inverse, 5.0 and
 * 5.2 ms with two stacks.
 */
#ifndef RDD_AGG_STATE_H
#define RDD_AGG_STATE_H

#include "rdd/agg.h"
#include "rdd/agg_best.h"
#include "rdd/sort.h"
#include "rdd/table.h"

#define AGG_MOST          64u
#define AGG_ITEMS_PER_KEY 32u /* windows of 30 s by 1 s are whole */

enum agg_phase {
    AGG_IDLE,
    AGG_LEAVING,
    AGG_OPEN,
    AGG_MERGING,
    AGG_CHOOSING,
    AGG_APPLYING,
    AGG_FLIPPING,
    AGG_CLOSED
};

/* How many items an interval left in the ring; empty intervals leave no delta. */
struct agg_delta {
    uint64_t interval;
    uint32_t cnt;
};

struct agg_items {
    uint32_t *entry;
    uint32_t *link; /* two stacks: next newer item of the key in its group, or AGG_NO_ITEM */
    uint8_t *row;
    uint32_t max;
    uint64_t head, tail;     /* positions: [head, tail); an item's place is its position % max */
    struct agg_delta *delta; /* ring */
    uint64_t deltas_max, delta_head, delta_tail;
};

/* Two stacks: a group of intervals becomes suffixes, from position pos down to end. */
struct agg_flip {
    uint64_t pos, end, stop; /* stop: as far as this interval goes */
    uint64_t delta;          /* the delta before this one is next */
    uint32_t left;           /* items of the delta under way */
};

/* Rows of a large state that are not merged yet. */
struct agg_waiting {
    struct tkey *key;
    uint8_t *row;
    uint32_t cnt, max; /* max 0: none ever waits */
    uint32_t at;       /* the next one that is merged; 0: they gather */
};

/* Compaction of the heap: keys move to its other half. */
struct agg_pass {
    bool is_on;
    uint32_t entry; /* the next one */
    uint64_t left;  /* bytes that have not moved, at most */
};

struct agg_fresh {
    uint32_t rank; /* upper half */
    uint32_t entry;
};

/* The search for the rank from which on known keys get no item: by eight bits at a time. */
struct agg_choice {
    bool is_needed;
    uint64_t limit, prefix, room;
    uint32_t shift;
    uint32_t cnt[256];
};

/* How far the order of emission is: entries in it, and their sorting. */
struct agg_order {
    uint32_t at;
    bool is_gathered, is_sorted;
    struct sort_run sort;
};

struct agg_state {
    const struct exchange *x;
    enum agg_phase phase;
    uint64_t interval; /* open or closed last */
    uint32_t at;       /* progress of the phase */
    struct table t;
    uint8_t *row_init; /* an empty table row; its first row_bytes are an empty row */
    uint32_t delta_off, mid_off, links_off;
    uint32_t *touched; /* known entries with a delta; after the close: order of emission */
    uint32_t touched_cnt;
    struct agg_fresh *fresh; /* entries that are new in this interval; the first ones a max-heap */
    uint32_t fresh_cnt, fresh_ranked;
    uint64_t rank_limit;                  /* no new key at or above it is admitted */
    uint64_t evicted;                     /* new keys that had to leave again */
    uint64_t key_heap_live, key_heap_max; /* bytes of long keys */
    struct heap spare;                    /* the other half of the heap, for compaction */
    struct agg_pass pass;
    struct agg_waiting waiting;
    /* windows */
    struct agg_items items;
    uint64_t item_room; /* items that the open interval may leave */
    struct agg_choice choice;
    uint64_t group, group_first; /* two stacks: of the open interval, and its first position */
    struct agg_flip flip;
    struct agg_order order;
    int64_t *most; /* by entry / AGG_MOST: no total is more; NULL: nobody asks */
    /* what people look at */
    uint64_t refused;    /* records dropped: state_full */
    uint64_t failed;     /* rows that were not emitted: the lambda failed */
    uint64_t no_room;    /* records whose strings had no room; soon part of refused */
    uint64_t lost_until; /* results are incomplete for intervals below; UINT64_MAX: for ever */
};

/* agg_state_bytes: memory for a partition of x that holds so many keys. */
uint64_t agg_state_bytes(const struct exchange *x, uint64_t keys);
/* agg_state_keys: how many keys a partition of x holds in `bytes` of memory; 0: too little. */
uint64_t agg_state_keys(const struct exchange *x, uint64_t bytes);
/* agg_state_items: how many (key, interval) items a partition of x keeps for so many keys; 0: it
 * needs none. */
uint64_t agg_state_items(const struct exchange *x, uint64_t keys);
/* agg_state_init lays the state out in mem (x->state_bytes, aligned to 64), which stays the
 * caller's. */
void agg_state_init(struct agg_state *s, const struct exchange *x, void *mem);

/* agg_state_begin opens interval n: call agg_state_step until it returns false before merging, and
 * between merges, for rows that have waited. */
void agg_state_begin(struct agg_state *s, uint64_t interval);
/* agg_state_merge combines n entries of a shuffle block into the deltas of the open interval. */
void agg_state_merge(struct agg_state *s, struct arena *scratch, const struct tkey *key,
                     const uint8_t *const *row, uint32_t n);
/* agg_state_end closes it: call agg_state_step until it returns false before emitting. */
void agg_state_end(struct agg_state *s);
/* agg_state_step does a bounded piece of opening or closing; true: there is more. The scratch
 * may be reset between steps. */
bool agg_state_step(struct agg_state *s, struct arena *scratch);

#define AGG_SCAN 16384u /* entries that a step of emission looks at */

/* agg_state_emit gives the next vector of the result: key leaves, then value leaves, `*cursor`
 * from 0. Returns 0 at the end; a vector may be empty although there is more. best (NULL: all rows
 * are wanted) is for x->best: entries that it does not take are left out. */
int agg_state_emit(struct agg_state *s, uint32_t *cursor, struct agg_best *best, struct vec *out,
                   struct arena *scratch);
/* agg_state_retire: the emission is over (a state of one interval is cleared). */
void agg_state_retire(struct agg_state *s);
/* agg_state_complete: does the result of the closed interval hold all its records? */
bool agg_state_complete(const struct agg_state *s);

#endif
