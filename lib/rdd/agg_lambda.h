/*
 * Aggregates by a lambda that is no known monoid: the values of one key in a vector are
 * combined pairwise, all keys at once, in log2 rounds of vectorised evaluation (agg_pairs.h); then
 * once with the row. Values of plain words stay in columns (agg_words.h). A pair whose lambda fails
 * makes a failed row (agg.h). One whose strings have no room keeps the left value, and the records
 * of the right one are counted.
 */
#ifndef RDD_AGG_LAMBDA_H
#define RDD_AGG_LAMBDA_H

#include "rdd/agg.h"

void agg_lambda_update(const struct agg_spec *a, struct agg_env *env, uint8_t *const *row,
                       const struct col *cols, const struct vec *v);
/* As agg_merge; with `inverse`, f is the inverse and counts are subtracted. A failure cannot be
 * taken out again: the row stays failed until it is begun anew. */
void agg_lambda_merge(const struct agg_spec *a, const struct lambda *f, struct agg_env *env,
                      uint8_t *const *dst, const uint8_t *const *src, uint32_t n, bool inverse);

#endif
