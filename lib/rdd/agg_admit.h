/*
 * Who gets into a state that is full, and its heap: the parts of agg_state.h that are about room.
 */
#ifndef RDD_AGG_ADMIT_H
#define RDD_AGG_ADMIT_H

#include "rdd/agg_state.h"

#define KEY_HEAP_BYTES 32u /* of heap for each key, on average */

/* agg_key_heap_max: bytes of long keys that a partition of `keys` keys may hold. */
static inline uint64_t agg_key_heap_max(uint64_t keys)
{
    return keys * KEY_HEAP_BYTES + 4096;
}

/* agg_state_admit adds a key that the state does not know; TABLE_NONE: refused, and its
 * `records` counted. May make an earlier new key of the interval leave again. */
uint32_t agg_state_admit(struct agg_state *s, const struct tkey *key, uint64_t hash,
                         uint64_t records);
/* agg_state_make_room compacts the heap when it could not hold what combining src into dst may add
 * to it. Row addresses stay. */
void agg_state_make_room(struct agg_state *s, uint8_t *const *dst, const uint8_t *const *src,
                         uint32_t n);
/* agg_state_settle counts as refused what still found no room. */
void agg_state_settle(struct agg_state *s);

#endif
