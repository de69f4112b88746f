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

static void lane_update(enum agg_lane_op op, uint8_t *const *row, int32_t off, const int64_t *from,
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

INLINE __m256i load4(const int64_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

/* The same lane of four records becomes the four lanes of a record. */
INLINE void turn(__m256i *x, const int64_t *const *from, size_t i)
{
    const __m256i a = load4(from[0] + i), b = load4(from[1] + i), c = load4(from[2] + i),
                  d = load4(from[3] + i);
    const __m256i ab = _mm256_unpacklo_epi64(a, b), cd = _mm256_unpacklo_epi64(c, d),
                  ab1 = _mm256_unpackhi_epi64(a, b), cd1 = _mm256_unpackhi_epi64(c, d);

    x[0] = _mm256_permute2x128_si256(ab, cd, 0x20);
    x[1] = _mm256_permute2x128_si256(ab1, cd1, 0x20);
    x[2] = _mm256_permute2x128_si256(ab, cd, 0x31);
    x[3] = _mm256_permute2x128_si256(ab1, cd1, 0x31);
}

/* And of the upper two lanes alone, in lower halves. */
INLINE void turn_half(__m256i *x, const int64_t *const *from, size_t i)
{
    const __m256i a = load4(from[2] + i), b = load4(from[3] + i);
    const __m256i ab = _mm256_unpacklo_epi64(a, b), ab1 = _mm256_unpackhi_epi64(a, b);

    x[0] = ab;
    x[1] = ab1;
    x[2] = _mm256_castsi128_si256(_mm256_extracti128_si256(ab, 1));
    x[3] = _mm256_castsi128_si256(_mm256_extracti128_si256(ab1, 1));
}

INLINE __m256i cell_load(const uint8_t *cell, bool half)
{
    if (half)
        return _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)cell));
    return _mm256_loadu_si256((const __m256i *)(const void *)cell);
}

INLINE void cell_store(uint8_t *cell, __m256i x, bool half)
{
    if (half)
        _mm_storeu_si128((__m128i *)(void *)cell, _mm256_castsi256_si128(x));
    else
        _mm256_storeu_si256((__m256i *)(void *)cell, x);
}

/* How the lanes of a group combine: all bits of those that do so. */
struct group {
    __m256i add, least, most;
    uint8_t add_bits, least_bits, most_bits;
};

static struct group group_of(const enum agg_lane_op *op, bool half)
{
    int64_t bits[LANE_MAX + 1][AGG_LANES] = {{0}};
    uint8_t mask[LANE_MAX + 1] = {0};
    uint32_t lanes = half ? AGG_LANES / 2 : AGG_LANES;
    struct group g;

    op += AGG_LANES - lanes;
    for (uint32_t k = 0; k < lanes; k++) {
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

/* The groups of a window: how many, how many up to the last one with a least or a greatest, and
 * whether only the upper half of the first one lies in the row. */
struct groups {
    uint32_t cnt, ordered;
    bool half;
};

INLINE __m256i combined_avx2(__m256i acc, __m256i x, const struct group *g)
{
    __m256i greater = _mm256_cmpgt_epi64(acc, x);
    __m256i smaller = _mm256_andnot_si256(greater, g->most); /* or equal */
    __m256i take = _mm256_or_si256(_mm256_and_si256(greater, g->least), smaller);
    __m256i sum = _mm256_add_epi64(acc, _mm256_and_si256(x, g->add));

    return _mm256_blendv_epi8(sum, x, take);
}

/* No lane combines twice. */
AVX512 INLINE __m256i combined_avx512(__m256i acc, __m256i x, const struct group *g)
{
    acc = _mm256_mask_add_epi64(acc, g->add_bits, acc, x);
    acc = _mm256_mask_min_epi64(acc, g->least_bits, acc, x);
    return _mm256_mask_max_epi64(acc, g->most_bits, acc, x);
}

/* Four records at a time. In a group of nothing but sums, and words that stay, zeros are added to
 * these. */
#define GROUPS(target, name, combined)                                             \
    target INLINE void name(uint8_t *const *row, const struct agg_window *window,  \
                            struct groups has, uint32_t n)                         \
    {                                                                              \
        const struct agg_window w = *window; /* which rows might seem to change */ \
        const int32_t off = has.half ? AGG_WINDOW_FIRST : w.off;                   \
        struct group g[AGG_GROUPS];                                                \
                                                                                   \
        for (uint32_t k = 0; k < has.cnt; k++)                                     \
            g[k] = group_of(w.op + k * AGG_LANES, has.half && !k);                 \
        for (size_t i = 0; i < n; i += 4) {                                        \
            __m256i x[AGG_GROUPS][4];                                              \
            for (uint32_t k = 0; k < has.cnt; k++)                                 \
                if (has.half && !k)                                                \
                    turn_half(x[k], w.from, i);                                    \
                else                                                               \
                    turn(x[k], w.from + k * AGG_LANES, i);                         \
            for (uint32_t r = 0; r < 4; r++) {                                     \
                uint8_t *at = row[i + r];                                          \
                for (uint32_t k = 0; k < has.cnt; k++) {                           \
                    bool half = has.half && !k;                                    \
                    uint8_t *cell = at + (half ? 0 : off + (int32_t)k * 32);       \
                    __m256i acc = cell_load(cell, half);                           \
                    acc = k < has.ordered ? combined(acc, x[k][r], &g[k])          \
                                          : _mm256_add_epi64(acc, x[k][r]);        \
                    cell_store(cell, acc, half);                                   \
                }                                                                  \
            }                                                                      \
        }                                                                          \
    }

GROUPS(, groups_avx2, combined_avx2)
GROUPS(AVX512, groups_avx512, combined_avx512)

typedef void (*lanes_kernel)(uint8_t *const *row, const struct agg_window *w, uint32_t n);

#define KERNEL(target, name, by_groups, cnt, ordered, half)                              \
    target static void name(uint8_t *const *row, const struct agg_window *w, uint32_t n) \
    {                                                                                    \
        by_groups(row, w, (struct groups){cnt, ordered, half}, n);                       \
    }

#define KERNELS(target, level)                                        \
    KERNEL(target, sums_##level, groups_##level, 1, 0, false)         \
    KERNEL(target, one_##level, groups_##level, 1, 1, false)          \
    KERNEL(target, one_and_sums_##level, groups_##level, 2, 1, false) \
    KERNEL(target, two_##level, groups_##level, 2, 2, false)          \
    KERNEL(target, half_sums_##level, groups_##level, 1, 0, true)     \
    KERNEL(target, half_##level, groups_##level, 1, 1, true)          \
    KERNEL(target, half_and_sums_##level, groups_##level, 2, 1, true) \
    KERNEL(target, half_and_one_##level, groups_##level, 2, 2, true)

KERNELS(, avx2)
KERNELS(AVX512, avx512)

/* By how many are ordered: of two groups the first counts as one. */
#define BY_GROUPS(level)                                                                          \
    {                                                                                             \
        {{sums_##level, one_##level}, {one_and_sums_##level, one_and_sums_##level, two_##level}}, \
        {                                                                                         \
            {half_sums_##level, half_##level},                                                    \
            {                                                                                     \
                half_and_sums_##level, half_and_sums_##level, half_and_one_##level                \
            }                                                                                     \
        }                                                                                         \
    }

/* By half, and by the groups. */
static const lanes_kernel kernels[][2][AGG_GROUPS][AGG_GROUPS + 1] = {
    [SIMD_AVX2] = BY_GROUPS(avx2), [SIMD_AVX512] = BY_GROUPS(avx512)};

/* ---- a window ---------------------------------------------------------------------------------
 */

/* The groups that have a lane and lie inside the row. */
static struct groups groups_of(const struct agg_window *w, uint32_t row_bytes)
{
    struct groups g = {.half = w->off < 0};

    for (uint32_t k = 0; k < AGG_WINDOW; k++) {
        uint32_t upto = k / AGG_LANES + 1;
        int64_t end = w->off + (int64_t)(upto * sizeof(__m256i));
        if (w->op[k] == LANE_KEEP || end > row_bytes)
            continue;
        g.cnt = upto;
        g.ordered = w->op[k] == LANE_ADD ? g.ordered : upto;
    }
    return g;
}

void agg_lanes_update(struct agg_window *w, uint8_t *const *row, uint32_t row_bytes, uint32_t n)
{
    static const int64_t zeros[AGG_CHUNK];
    struct groups g = {.cnt = 0};
    uint32_t whole = n - n % 4;

    if (simd_level != SIMD_SCALAR)
        g = groups_of(w, row_bytes);
    for (uint32_t k = 0; k < AGG_WINDOW; k++)
        if (w->op[k] == LANE_KEEP)
            w->from[k] = zeros;
    if (g.cnt)
        kernels[simd_level][g.half][g.cnt - 1][g.ordered](row, w, whole);
    for (uint32_t k = 0; k < AGG_WINDOW; k++)
        lane_update(w->op[k], row, w->off + (int32_t)(k * sizeof(int64_t)), w->from[k],
                    k / AGG_LANES < g.cnt ? whole : 0, n);
}
