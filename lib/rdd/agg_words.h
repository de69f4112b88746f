/*
 * Reducing by a lambda that is no known monoid, where every leaf of the value is one word of eight
 * bytes (int, float, time, bool). If the lambda can be made into steps (word_code.h), one value
 * after the other comes into its row. Else values stay in columns from pair to pair (agg_pairs.h),
 * and rows of accumulators are read and written once for each key of a vector.
 */
#ifndef RDD_AGG_WORDS_H
#define RDD_AGG_WORDS_H

#include "rdd/agg.h"

/* agg_words_fit: are all leaves words? */
bool agg_words_fit(const struct agg_spec *a);
/* agg_words_update: agg_update for such a lambda. */
void agg_words_update(const struct agg_spec *a, struct agg_env *env, uint8_t *const *row,
                      const struct col *cols, const struct vec *v);

#endif
