/*
 * Which values of a vector meet, when a lambda that is no known monoid reduces them by key.
 *
 * Records of a vector that go to the same row of accumulators form a chain. In each round the
 * neighbours of all chains meet, the second and first, the fourth and third, and so on; the later
 * one of a pair is gone then. After log2 of the longest chain one value is left of each. Only in a
 * hash of row addresses that collides is there a branch that cannot be foretold.
 */
#ifndef RDD_AGG_PAIRS_H
#define RDD_AGG_PAIRS_H

#include <stdbool.h>
#include <stdint.h>

#include "rdd/vec.h"

struct agg_pairs {
    uint32_t roots_cnt;
    uint16_t root[VEC_ROWS_MAX]; /* the first of each chain, into which all others come, rising */
    uint32_t live_cnt;
    uint16_t live[VEC_ROWS_MAX]; /* others that are left, rising */
    uint32_t cnt;                /* pairs of this round: right comes into left */
    uint16_t left[VEC_ROWS_MAX], right[VEC_ROWS_MAX];
    uint16_t prev[VEC_ROWS_MAX + 1]; /* the value before it in its chain, plus one; 0: none */
    uint16_t nth[VEC_ROWS_MAX + 1];  /* where it is in its chain */
};

/* agg_pairs_begin makes the chains of n records, record i going to row[i]. */
void agg_pairs_begin(struct agg_pairs *p, uint8_t *const *row, uint32_t n);
/* agg_pairs_round gives the pairs of the next round; false when there are none any more, and only
 * the roots are left. */
bool agg_pairs_round(struct agg_pairs *p);

#endif
