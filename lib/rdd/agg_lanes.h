/*
 * Words of rows of accumulators, eight at a time: lanes.
 *
 * The words of a row that add up, or of which the least or the greatest is kept, lie in groups of
 * four, with others that stay what they are. A record is brought to the lanes of its row by one
 * load and one store for each group, instead of a loop over the records for each word. Rows begin
 * sixteen bytes into a line of the cache, behind their keys, where they can; so that no group lies
 * over two lines or halves of one, the first group is the upper half of one alone.
 *
 * What it costs is measured with the making of the columns (agg_numbers.h).
 */
#ifndef RDD_AGG_LANES_H
#define RDD_AGG_LANES_H

#include <stdint.h>

#define AGG_LANES        4u
#define AGG_GROUPS       2u                       /* at a time */
#define AGG_WINDOW       (AGG_GROUPS * AGG_LANES) /* words of them */
#define AGG_WINDOW_FIRST (-16)                    /* where the first window of a row begins */

enum agg_lane_op { LANE_KEEP, LANE_ADD, LANE_MIN, LANE_MAX };

/* Some words of rows, one behind the other from `off` on: lane k of the row of record i is combined
 * with from[k][i]. LANE_KEEP: from[k] is not looked at, as with lanes before the row. */
struct agg_window {
    int32_t off;
    enum agg_lane_op op[AGG_WINDOW];
    const int64_t *from[AGG_WINDOW];
};

/* agg_lanes_update brings n <= AGG_CHUNK records (agg_numbers.h) to their rows, of row_bytes each.
 * The same row may come many times. */
void agg_lanes_update(struct agg_window *w, uint8_t *const *row, uint32_t row_bytes, uint32_t n);

#endif
