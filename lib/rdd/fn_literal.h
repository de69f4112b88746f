/*
 * A column of strings compared with a literal: is it all of them, or their beginning?
 *
 * Neither lengths nor first bytes can be foretold, so a short literal is compared with the first
 * eight bytes of every row, by loads that may reach beyond the string but not into the next page.
 *
 * Measured (Zen 4, words out of L3, perf/bench_micro): 1.2 ns a word.
 */
#ifndef RDD_FN_LITERAL_H
#define RDD_FN_LITERAL_H

#include "rdd/fn.h"

/* literal_compare sets out[r] for the live rows: does arg[0] equal the literal arg[1], or (not
 * whole) begin with it? */
void literal_compare(struct eval *ev, const struct col *arg, struct col *out, bool whole);

#endif
