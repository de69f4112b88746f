/*
 * Aggregates: rows of accumulators and how they combine.
 *
 * A row is the count of the records in it (63 bits; 0: empty), then one accumulator for each
 * leaf of the value, laid out by struct agg_spec (plan.h). The same row is an entry of a map
 * task's combine table, of a shuffle block, of a delta and of a state.
 *
 *   AGG_SUM_INT    int64, wraps            AGG_SUM_FLOAT  struct fsum, order-independent
 *   AGG_MIN, MAX   the value; floats as ordered integers; strings and addresses as a cell
 *                  behind a flag
 *   AGG_AND, OR    int64
 *   AGG_FIRST, LAST   place (interval, ord_hi, ord_lo) and the value
 *   AGG_LAMBDA     the value, combined by the job's own lambda
 *   AGG_COUNT      nothing: it is the row's own count
 *
 * All of them but AGG_LAMBDA combine to the same bits in any order and grouping. A lambda that is
 * associative and commutative does as well.
 *
 * A lambda may fail for two values (an overflow, a division by zero). Then there is no value of all
 * the records in the row: the top bit of its count says so, and stays when it is combined with
 * others, whatever they hold. So whether a row has failed does not depend on the order either: a
 * failure is a value that every combination keeps. A failed row is not emitted; its value is not
 * used any more.
 *
 * Strings in rows are struct cell_str, whose bytes lie on the heap of whoever owns the row;
 * combining into a row copies what it takes over to agg_env.heap.
 */
#ifndef RDD_AGG_H
#define RDD_AGG_H

#include "rdd/heap.h"
#include "rdd/plan.h"

struct cell_str {
    const uint8_t *ptr;
    uint32_t len;
    uint32_t present; /* 0: no value yet */
};

struct cell_place {
    uint64_t interval, ord_hi, ord_lo;
};

#define AGG_LEAF_BYTES_MAX 80u /* of a sum of floats */
#define AGG_ROW_BYTES_MAX  (8u + TYPE_LEAVES_MAX * AGG_LEAF_BYTES_MAX)

/* What combining needs from around it. */
struct agg_env {
    struct arena *arena; /* scratch, reset by the caller */
    struct heap *heap;   /* of the rows that are combined into; NULL: strings stay views */
    uint64_t *no_room;   /* records whose values are lacking: heap or scratch had no room */
};

uint32_t agg_leaf_bytes(enum agg_fn fn, enum type_kind kind);

#define AGG_FAILED (1ull << 63)

static inline uint64_t agg_count(const uint8_t *row)
{
    uint64_t n;
    memcpy(&n, row, sizeof n);
    return n & ~AGG_FAILED;
}

/* agg_failed: could the lambda not combine the records of the row? */
static inline bool agg_failed(const uint8_t *row)
{
    uint64_t n;
    memcpy(&n, row, sizeof n);
    return n & AGG_FAILED;
}

/* Most rows are a count, or a count and a sum. */
static inline void agg_row_copy(uint8_t *dst, const uint8_t *src, uint32_t bytes)
{
    if (bytes == 8)
        memcpy(dst, src, 8);
    else if (bytes == 16)
        memcpy(dst, src, 16);
    else
        memcpy(dst, src, bytes);
}

/* agg_row_init writes the empty row. */
void agg_row_init(const struct agg_spec *a, uint8_t *row);
/*
 * agg_update adds n records to rows: record i is row r = sel[i] (or i) of the value columns
 * cols, and goes to row[i]; the same row may come many times. interval and v's order place
 * first and last.
 */
void agg_update(const struct agg_spec *a, struct agg_env *env, uint8_t *const *row,
                const struct col *cols, const struct vec *v, uint64_t interval);
/* agg_merge combines src[i] into dst[i], dst older; no dst comes twice. */
void agg_merge(const struct agg_spec *a, struct agg_env *env, uint8_t *const *dst,
               const uint8_t *const *src, uint32_t n);
/* agg_merge_values is that, but leaves adding the counts to the caller; without a lambda a dst may
 * come more than once. */
void agg_merge_values(const struct agg_spec *a, struct agg_env *env, uint8_t *const *dst,
                      const uint8_t *const *src, uint32_t n);
/* agg_unmerge takes src[i] out of dst[i] again: sums, counts, and a written inverse. */
void agg_unmerge(const struct agg_spec *a, const struct lambda *inverse, struct agg_env *env,
                 uint8_t *const *dst, const uint8_t *const *src, uint32_t n);
/* agg_finish makes the value columns of n rows, in the arena; strings are views of the heap.
 * count_only: the count. Returns 0 or -ENOMEM. */
int agg_finish(const struct agg_spec *a, const uint8_t *const *row, uint32_t n, struct col *out,
               struct arena *arena);
/* agg_row_adopt copies the strings of a row to the heap (after a memcpy of it from elsewhere).
 * Returns 0, or -ENOMEM when the heap is full: the strings are then empty. */
int agg_row_adopt(const struct agg_spec *a, uint8_t *row, struct heap *heap);
/* agg_row_rebase adds `by` to the addresses of the strings of a row: a row in a block holds
 * offsets. */
void agg_row_rebase(const struct agg_spec *a, uint8_t *row, intptr_t by);
/* agg_row_inside: do the offsets of the strings of a row lie within so many bytes? */
bool agg_row_inside(const struct agg_spec *a, const uint8_t *row, uint64_t bytes);
/* agg_row_strings: the bytes that the strings of a row take. */
uint32_t agg_row_strings(const struct agg_spec *a, const uint8_t *row);

#endif
