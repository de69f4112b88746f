#include <string.h>

#include "rdd/sort.h"

#define SHORT_RUN 16u /* sorted by insertion; SORT_PIECE is an even number of doublings away */
#define AHEAD     8u

/* ---- in place -------------------------------------------------------------------------------- */

static void sink(uint32_t *idx, uint32_t n, uint32_t at, sort_cmp cmp, const void *ctx)
{
    uint32_t v = idx[at];

    for (uint32_t kid = 2 * at + 1; kid < n; kid = 2 * at + 1) {
        kid += kid + 1 < n && cmp(ctx, idx[kid], idx[kid + 1]) < 0;
        if (cmp(ctx, v, idx[kid]) >= 0)
            break;
        idx[at] = idx[kid];
        at = kid;
    }
    idx[at] = v;
}

void sort_idx(uint32_t *idx, uint32_t n, sort_cmp cmp, const void *ctx)
{
    for (uint32_t i = n / 2; i-- > 0;)
        sink(idx, n, i, cmp, ctx);
    for (uint32_t end = n; end-- > 1;) {
        uint32_t v = idx[0];
        idx[0] = idx[end];
        idx[end] = v;
        sink(idx, end, 0, cmp, ctx);
    }
}

/* ---- in steps -------------------------------------------------------------------------------- */

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

void sort_begin(struct sort_run *r, uint32_t *idx, uint32_t *spare, uint32_t n)
{
    *r = (struct sort_run){.from = idx, .to = spare, .n = n};
}

static void insertion_sort(uint32_t *idx, uint32_t n, const struct sort_order *o)
{
    for (uint32_t i = 1; i < n; i++) {
        uint32_t v = idx[i], at = i;
        for (; at && o->cmp(o->ctx, idx[at - 1], v) > 0; at--)
            idx[at] = idx[at - 1];
        idx[at] = v;
    }
}

static void fetch_ahead(const struct sort_run *r, uint32_t end, const struct sort_order *o)
{
    if (r->i + AHEAD < r->n)
        o->ahead(o->ctx, r->from[r->i + AHEAD]);
    if (r->j + AHEAD < end)
        o->ahead(o->ctx, r->from[r->j + AHEAD]);
}

/* Gives out up to `most` elements of the pass; true: it is not over. */
static bool merge_runs(struct sort_run *r, uint32_t most, const struct sort_order *o)
{
    while (most && r->at < r->n) {
        uint32_t first = r->at - r->at % (2 * r->width);
        uint32_t mid = least(first + r->width, r->n), end = least(mid + r->width, r->n);
        if (r->at == first) {
            r->i = first;
            r->j = mid;
            r->in_order = mid == end || o->cmp(o->ctx, r->from[mid - 1], r->from[mid]) <= 0;
        }
        if (r->in_order) {
            uint32_t cnt = least(end - r->at, most);
            memcpy(r->to + r->at, r->from + r->at, cnt * sizeof *r->to);
            r->at += cnt;
            most -= cnt;
            continue;
        }
        for (; most && r->at < end; most--) {
            bool right =
                r->i == mid || (r->j < end && o->cmp(o->ctx, r->from[r->j], r->from[r->i]) < 0);
            r->to[r->at++] = r->from[right ? r->j++ : r->i++];
            fetch_ahead(r, end, o);
        }
    }
    return r->at < r->n;
}

static void turn(struct sort_run *r)
{
    uint32_t *from = r->from;

    r->from = r->to;
    r->to = from;
    r->width *= 2;
    r->at = 0;
}

/* One piece, sorted where it lies. */
static void sort_piece(const struct sort_run *r, uint32_t n, const struct sort_order *o)
{
    struct sort_run piece = {.from = r->from + r->at, .to = r->to + r->at, .n = n};

    for (uint32_t i = 0; i < n; i += SHORT_RUN)
        insertion_sort(piece.from + i, least(SHORT_RUN, n - i), o);
    piece.width = SHORT_RUN;
    while (piece.width < SORT_PIECE) {
        merge_runs(&piece, n, o);
        turn(&piece);
    }
}

bool sort_step(struct sort_run *r, const struct sort_order *o)
{
    if (!r->width) {
        uint32_t n = least(SORT_PIECE, r->n - r->at);
        sort_piece(r, n, o);
        r->at += n;
        if (r->at < r->n)
            return true;
        r->width = SORT_PIECE;
        r->at = 0;
        return r->width < r->n;
    }
    if (!merge_runs(r, SORT_PIECE, o))
        turn(r);
    return r->width < r->n;
}
