#include <immintrin.h>
#include <stdbool.h>

#include "base/simd.h"
#include "rdd/agg_cell.h"
#include "rdd/agg_lanes.h"
#include "rdd/agg_numbers.h"

#define INLINE static inline __attribute__((always_inline))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))

/* ---- one lane ---------------------------------------------------------------------------------
 */

/* One loop over the records: `acc` is what the row holds, `x` what comes. */
#define EACH_ROW_DO(expr)                              \
    do {                                               \
        for (uint32_t i = first; i < n; i++) {         \
            uint8_t *cell = row[i] + off;              \
            int64_t acc = load_i64(cell), x = from[i]; \
            store_i64(cell, (expr));                   \
        }                                              \
    } while (0)

static void lane_update(enum agg_lane_op op, uint8_t *const *row, uint32_t off, const int64_t *from,
                        uint32_t first, uint32_t n)
{
    switch (op) {
    case LANE_KEEP: return;
    case LANE_ADD: EACH_ROW_DO((int64_t)((uint64_t)acc + (uint64_t)x)); return;
    case LANE_MIN: EACH_ROW_DO(x < acc ? x : acc); return;
    case LANE_MAX: EACH_ROW_DO(x > acc ? x : acc); return;
    }
}

/* ---- groups -----------------------------------------------------------------------------------
 */

/* The same lane of four records becomes the four lanes of a record. */
INLINE void turn(__m256i *x, const int64_t *const *from, size_t i)
{
    const __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)(from[0] + i)),
                  b = _mm256_loadu_si256((const __m256i *)(const void *)(from[1] + i)),
                  c = _mm256_loadu_si256((const __m256i *)(const void *)(from[2] + i)),
                  d = _mm256_loadu_si256((const __m256i *)(const void *)(from[3] + i));
    const __m256i ab = _mm256_unpacklo_epi64(a, b), cd = _mm256_unpacklo_epi64(c, d),
                  ab1 = _mm256_unpackhi_epi64(a, b), cd1 = _mm256_unpackhi_epi64(c, d);

    x[0] = _mm256_permute2x128_si256(ab, cd, 0x20);
    x[1] = _mm256_permute2x128_si256(ab1, cd1, 0x20);
    x[2] = _mm256_permute2x128_si256(ab, cd, 0x31);
    x[3] = _mm256_permute2x128_si256(ab1, cd1, 0x31);
}

/* How the lanes of a group combine: all bits of those that do so. */
struct group {
    __m256i add, least, most;
    uint8_t add_bits, least_bits, most_bits;
};

static struct group group_of(const enum agg_lane_op *op)
{
    int64_t bits[LANE_MAX + 1][AGG_LANES] = {{0}};
    uint8_t mask[LANE_MAX + 1] = {0};
    struct group g;

    for (uint32_t k = 0; k < AGG_LANES; k++) {
        bits[op[k]][k] = -1;
        mask[op[k]] |= (uint8_t)(1u << k);
    }
    memcpy(&g.add, bits[LANE_ADD], sizeof g.add);
    memcpy(&g.least, bits[LANE_MIN], sizeof g.least);
    memcpy(&g.most, bits[LANE_MAX], sizeof g.most);
    g.add_bits = mask[LANE_ADD];
    g.least_bits = mask[LANE_MIN];
    g.most_bits = mask[LANE_MAX];
    return g;
}

/* Nothing but sums, and words that stay: to these zeros are added. */
INLINE void add_group(uint8_t *cell, __m256i x)
{
    __m256i acc = _mm256_loadu_si256((const __m256i *)(const void *)cell);

    _mm256_storeu_si256((__m256i *)(void *)cell, _mm256_add_epi64(acc, x));
}

/* How many groups a window has, and how many up to the last one with a least or a greatest. */
struct groups {
    uint32_t cnt, ordered;
};

INLINE void combine_avx2(uint8_t *cell, __m256i x, const struct group *g)
{
    __m256i acc = _mm256_loadu_si256((const __m256i *)(const void *)cell);
    __m256i greater = _mm256_cmpgt_epi64(acc, x);
    __m256i smaller = _mm256_andnot_si256(greater, g->most); /* or equal */
    __m256i take = _mm256_or_si256(_mm256_and_si256(greater, g->least), smaller);
    __m256i sum = _mm256_add_epi64(acc, _mm256_and_si256(x, g->add));

    _mm256_storeu_si256((__m256i *)(void *)cell, _mm256_blendv_epi8(sum, x, take));
}

INLINE void groups_avx2(uint8_t *const *row, const struct agg_window *window, struct groups has,
                        uint32_t n)
{
    const struct agg_window w = *window; /* which rows might seem to change */
    struct group g[AGG_GROUPS];

    for (uint32_t k = 0; k < has.cnt; k++)
        g[k] = group_of(w.op + k * AGG_LANES);
    for (size_t i = 0; i < n; i += 4) {
        __m256i x[AGG_GROUPS][4];
        for (uint32_t k = 0; k < has.cnt; k++)
            turn(x[k], w.from + k * AGG_LANES, i);
        for (uint32_t r = 0; r < 4; r++)
            for (uint32_t k = 0; k < has.cnt; k++) {
                uint8_t *cell = row[i + r] + w.off + k * sizeof(__m256i);
                if (k < has.ordered)
                    combine_avx2(cell, x[k][r], &g[k]);
                else
                    add_group(cell, x[k][r]);
            }
    }
}

AVX512 INLINE void combine_avx512(uint8_t *cell, __m256i x, const struct group *g)
{
    __m256i acc = _mm256_loadu_si256((const __m256i *)(const void *)cell);
    __m256i is = _mm256_mask_add_epi64(acc, g->add_bits, acc, x);

    is = _mm256_mask_min_epi64(is, g->least_bits, acc, x);
    is = _mm256_mask_max_epi64(is, g->most_bits, acc, x);
    _mm256_storeu_si256((__m256i *)(void *)cell, is);
}

AVX512 INLINE void groups_avx512(uint8_t *const *row, const struct agg_window *window,
                                 struct groups has, uint32_t n)
{
    const struct agg_window w = *window; /* which rows might seem to change */
    struct group g[AGG_GROUPS];

    for (uint32_t k = 0; k < has.cnt; k++)
        g[k] = group_of(w.op + k * AGG_LANES);
    for (size_t i = 0; i < n; i += 4) {
        __m256i x[AGG_GROUPS][4];
        for (uint32_t k = 0; k < has.cnt; k++)
            turn(x[k], w.from + k * AGG_LANES, i);
        for (uint32_t r = 0; r < 4; r++)
            for (uint32_t k = 0; k < has.cnt; k++) {
                uint8_t *cell = row[i + r] + w.off + k * sizeof(__m256i);
                if (k < has.ordered)
                    combine_avx512(cell, x[k][r], &g[k]);
                else
                    add_group(cell, x[k][r]);
            }
    }
}

typedef void (*lanes_kernel)(uint8_t *const *row, const struct agg_window *w, uint32_t n);

#define KERNEL(target, name, by_groups, cnt, ordered)                                    \
    target static void name(uint8_t *const *row, const struct agg_window *w, uint32_t n) \
    {                                                                                    \
        by_groups(row, w, (struct groups){cnt, ordered}, n);                             \
    }

KERNEL(, sums_avx2, groups_avx2, 1, 0)
KERNEL(, one_avx2, groups_avx2, 1, 1)
KERNEL(, one_and_sums_avx2, groups_avx2, 2, 1)
KERNEL(, two_avx2, groups_avx2, 2, 2)
KERNEL(AVX512, sums_avx512, groups_avx512, 1, 0)
KERNEL(AVX512, one_avx512, groups_avx512, 1, 1)
KERNEL(AVX512, one_and_sums_avx512, groups_avx512, 2, 1)
KERNEL(AVX512, two_avx512, groups_avx512, 2, 2)

/* By the groups, then by how many are ordered: of two the first counts as one. */
static const lanes_kernel kernels[][AGG_GROUPS][AGG_GROUPS + 1] = {
    [SIMD_AVX2] = {{sums_avx2, one_avx2}, {one_and_sums_avx2, one_and_sums_avx2, two_avx2}},
    [SIMD_AVX512] = {{sums_avx512, one_avx512},
                     {one_and_sums_avx512, one_and_sums_avx512, two_avx512}}};

/* ---- a window ---------------------------------------------------------------------------------
 */

/* The groups that have a lane and lie inside the row. */
static struct groups groups_of(const struct agg_window *w, uint32_t row_bytes)
{
    struct groups g = {0, 0};

    for (uint32_t k = 0; k < AGG_WINDOW; k++) {
        uint32_t upto = k / AGG_LANES + 1;
        if (w->op[k] == LANE_KEEP || w->off + upto * sizeof(__m256i) > row_bytes)
            continue;
        g.cnt = upto;
        g.ordered = w->op[k] == LANE_ADD ? g.ordered : upto;
    }
    return g;
}

void agg_lanes_update(struct agg_window *w, uint8_t *const *row, uint32_t row_bytes, uint32_t n)
{
    static const int64_t zeros[AGG_CHUNK];
    struct groups g = {0, 0};
    uint32_t whole = n - n % 4;

    if (simd_level != SIMD_SCALAR)
        g = groups_of(w, row_bytes);
    for (uint32_t k = 0; k < AGG_WINDOW; k++)
        if (w->op[k] == LANE_KEEP)
            w->from[k] = zeros;
    if (g.cnt)
        kernels[simd_level][g.cnt - 1][g.ordered](row, w, whole);
    for (uint32_t k = 0; k < AGG_WINDOW; k++)
        lane_update(w->op[k], row, w->off + k * (uint32_t)sizeof(int64_t), w->from[k],
                    k / AGG_LANES < g.cnt ? whole : 0, n);
}
