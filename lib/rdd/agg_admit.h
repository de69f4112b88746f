/*
 * Who gets into a state that is full: the parts of agg_state.h that are about room.
 *
 * New keys are ordered by rank, in a heap, when three quarters of what they need are taken: eight
 * for each row that comes, so that all of them are when there is no room any more.
 */
#ifndef RDD_AGG_ADMIT_H
#define RDD_AGG_ADMIT_H

#include "rdd/agg_state.h"

/* agg_state_rank does the share of ordering that goes with n rows. */
void agg_state_rank(struct agg_state *s, uint32_t n);
/* agg_state_admit adds a key that the state does not know; TABLE_NONE: refused, and its
 * `records` counted. May make earlier new keys of the interval leave again. */
uint32_t agg_state_admit(struct agg_state *s, const struct tkey *key, uint64_t hash,
                         uint64_t records);
/* agg_state_yield: known keys come before new ones: new keys leave while there are more of both
 * than items. */
void agg_state_yield(struct agg_state *s);
/* agg_choice_begin: are there more known keys than items? agg_choice_step then looks for the rank
 * from which on they get none; false: it is found. */
bool agg_choice_begin(struct agg_state *s);
bool agg_choice_step(struct agg_state *s);
/* agg_choice_drop, where there are: does this known key get no item? Its delta is then lost, and
 * counted. */
bool agg_choice_drop(struct agg_state *s, uint32_t entry);

/* agg_state_make_room compacts the heap when it could not hold what combining src into dst may add
 * to it. Row addresses stay. */
void agg_state_make_room(struct agg_state *s, uint8_t *const *dst, const uint8_t *const *src,
                         uint32_t n);
/* agg_state_settle counts as refused what still found no room. */
void agg_state_settle(struct agg_state *s);

#endif
