/*
 * The heap of a state: bytes of long keys and of strings, and how it is compacted.
 *
 * It has two halves, of which one is in use. What dies leaves its bytes behind. When little is
 * left, the halves change places, and a pass over all entries moves the keys that live to the half
 * that is now in use, where new ones go as well: some before each vector that is merged, in
 * proportion to it, so that no step waits for all of them. Keys may take key_heap_max bytes, and
 * there are a quarter more than that; so a pass is worth its while, and over before there is need
 * of the next unless a vector brings keys that are much longer than others: then the rest of it is
 * done at once.
 *
 * Strings of values have no bound of their own but the heap, and so they are compacted all at once
 * and when there is need.
 *
 * Measured (Zen 4): 100,000 records with new keys of 40 bytes, for a fourth of which there is room,
 * take 23 ms; 4 s if every key that comes in moves all others.
 */
#ifndef RDD_AGG_HEAP_H
#define RDD_AGG_HEAP_H

#include "rdd/agg_state.h"

/* agg_key_heap_max: bytes of long keys that a partition of `keys` keys may hold. */
uint64_t agg_key_heap_max(const struct exchange *x, uint64_t keys);
/* agg_heap_bytes: the size of either half. */
uint64_t agg_heap_bytes(const struct exchange *x, uint64_t keys);

/* agg_heap_tend does the share of a pass that goes with n rows, and begins one when it is time. */
void agg_heap_tend(struct agg_state *s, uint32_t n);
/* agg_heap_make_room sees to it that so many bytes are free, if what lives leaves them. Row
 * addresses stay. */
void agg_heap_make_room(struct agg_state *s, uint64_t bytes);

#endif
