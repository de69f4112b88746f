#include "rdd/sort.h"

static void sink(uint32_t *idx, uint32_t n, uint32_t at,
                 int (*cmp)(const void *ctx, uint32_t a, uint32_t b), const void *ctx)
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

void sort_idx(uint32_t *idx, uint32_t n, int (*cmp)(const void *ctx, uint32_t a, uint32_t b),
              const void *ctx)
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
