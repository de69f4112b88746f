#ifndef TESTS_COMMON_REFERENCE_H
#define TESTS_COMMON_REFERENCE_H

// The reference: what a job's outputs are, computed from the rows of its sources by the
// definition of each operator. It is slow, sequential, keeps everything that it ever saw, and
// shares nothing with the engine but the checked graph, the partition of a key, the rendering of
// a row, and the kernels of rarer functions.
//
//   struct ref *r = ref_new(&job->graph, job->name, job->partitions);
//   for each interval n, in order (intervals that are skipped are left out):
//       ref_feed(r, source, leaves) for every record of a source, in canonical order
//       ref_interval(r, n, true, out);
//   ref_free(r);
//
// An RDD is a list of rows. map, filter and flatMap keep its order; a window is the list of its
// intervals' rows, one after the other; reduce folds from the left; what an operator gathers by
// key leaves by partition and key. A union's rows are ordered by what they came from: by source,
// then by record; rows of wide operators and windows after those of sources, in program order. What
// one record gave on the left side, in the order there, comes before what it gave on the right.

#include "rdd/dstream.h"
#include "tests/common/ref_value.h"

struct ref;

struct ref *ref_new(const struct dgraph *g, const char *job, uint32_t partitions);
void ref_free(struct ref *r);

// ref_feed adds a record of a source to the interval that comes next: the leaves of its type.
// They are copied.
void ref_feed(struct ref *r, uint32_t source_idx, const struct ref_val *leaf);
// ref_feed_vec adds the live rows of a vector; columns that were not decoded are 0, "" or ::.
void ref_feed_vec(struct ref *r, uint32_t source_idx, const struct vec *v);
// ref_interval ends interval n and appends the JSON lines of every output to out[output],
// outputs being numbered in program order; `complete` is what the lines say of themselves.
void ref_interval(struct ref *r, uint64_t n, bool complete, struct strbuf *out);
// ref_interval_all appends all outputs to one text, one after the other, as they leave.
void ref_interval_all(struct ref *r, uint64_t n, bool complete, struct strbuf *out);

uint32_t ref_outputs(const struct ref *r);
// ref_stream: what a sink is told of an output.
const struct out_stream *ref_stream(const struct ref *r, uint32_t output);
// ref_failed: rows that the lambda of this node could not compute so far; of a reduce, rows that it
// should have given. A window does not compute a lambda again that stands before it, but one that
// stands behind it.
uint64_t ref_failed(const struct ref *r, uint32_t node_idx);

#endif
