#include "rdd/sort.h"

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

void sort_begin(struct sort_run *r, uint32_t n)
{
    *r = (struct sort_run){.heap = n / 2, .end = n};
}

bool sort_step(struct sort_run *r, uint32_t *idx, uint32_t most, sort_cmp cmp, const void *ctx)
{
    for (; r->heap && most; most--)
        sink(idx, r->end, --r->heap, cmp, ctx);
    for (; r->end > 1 && most; most--) {
        uint32_t v = idx[0];
        idx[0] = idx[--r->end];
        idx[r->end] = v;
        sink(idx, r->end, 0, cmp, ctx);
    }
    return r->end > 1;
}

void sort_idx(uint32_t *idx, uint32_t n, sort_cmp cmp, const void *ctx)
{
    struct sort_run r;

    sort_begin(&r, n);
    while (sort_step(&r, idx, UINT32_MAX, cmp, ctx))
        ;
}
