#include "rdd/agg_numbers.h"
#include <immintrin.h>

#include "base/assert.h"
#include "base/simd.h"
#include "rdd/agg_cell.h"
#include "rdd/agg_lanes.h"
#include "rdd/fsum.h"

#define AVX512       __attribute__((target("avx512f,avx512dq,avx512vl")))
#define WINDOW_BYTES ((int32_t)(AGG_WINDOW * sizeof(int64_t)))

_Static_assert(offsetof(struct fsum, lane) == 0, "lanes come first in a sum of floats");

bool agg_is_number(const struct agg_leaf *l)
{
    switch (l->fn) {
    case AGG_COUNT:
    case AGG_SUM_INT:
    case AGG_SUM_FLOAT:
    case AGG_AND:
    case AGG_OR: return true;
    case AGG_MIN:
    case AGG_MAX: return l->kind != TYPE_STRING && l->kind != TYPE_IP;
    default: return false;
    }
}

/* Of bools, which are 0 or 1, the least is all of them, and the greatest any. */
static enum agg_lane_op op_of(enum agg_fn fn)
{
    switch (fn) {
    case AGG_MIN:
    case AGG_AND: return LANE_MIN;
    case AGG_MAX:
    case AGG_OR: return LANE_MAX;
    default: return LANE_ADD;
    }
}

/* Records that are brought to their rows together, and what their columns are made in. */
struct chunk {
    const struct agg_spec *a;
    uint8_t *const *row;
    const struct col *cols;
    const uint16_t *sel; /* NULL: rows from `first` on */
    uint32_t first, n;
    struct agg_window window;
    int64_t words[AGG_WINDOW][AGG_CHUNK];
};

/* float_ordered (agg_cell.h) without a branch. */
static void order_from(int64_t *restrict to, const double *restrict f, uint32_t from, uint32_t n)
{
    const int64_t size = INT64_MAX, inf = 0x7ff0000000000000, nan = 0x7ff8000000000000;

    for (uint32_t i = from; i < n; i++) {
        double sum = f[i] + 0.0;
        int64_t b, minus, is_nan;
        memcpy(&b, &sum, sizeof b);
        minus = b < 0 ? -1 : 0;
        is_nan = (b & size) > inf ? -1 : 0;
        to[i] = ((b ^ (minus & size)) & ~is_nan) | (nan & is_nan);
    }
}

AVX512 static void order_avx512(int64_t *to, const double *f, uint32_t n)
{
    const __m512i size = _mm512_set1_epi64(INT64_MAX), nan = _mm512_set1_epi64(0x7ff8000000000000);
    uint32_t i = 0;

    for (; i + 8 <= n; i += 8) {
        __m512d sum = _mm512_add_pd(_mm512_loadu_pd(f + i), _mm512_setzero_pd());
        __m512i b = _mm512_castpd_si512(sum);
        __m512i x = _mm512_xor_si512(b, _mm512_and_si512(_mm512_srai_epi64(b, 63), size));
        x = _mm512_mask_mov_epi64(x, _mm512_cmp_pd_mask(sum, sum, _CMP_UNORD_Q), nan);
        _mm512_storeu_si512(to + i, x);
    }
    order_from(to, f, i, n);
}

static void floats_order(int64_t *to, const double *f, uint32_t n)
{
    if (simd_level == SIMD_AVX512)
        order_avx512(to, f, n);
    else
        order_from(to, f, 0, n);
}

/* The n floats one behind the other. */
static const double *floats_of(const struct chunk *c, const struct col *col, double *to)
{
    if (!c->sel)
        return col->f + c->first;
    for (uint32_t i = 0; i < c->n; i++)
        to[i] = col->f[c->sel[i]];
    return to;
}

static const int64_t *words_of(const struct chunk *c, const struct col *col, int64_t *to)
{
    if (!c->sel)
        return col->i + c->first;
    for (uint32_t i = 0; i < c->n; i++)
        to[i] = col->i[c->sel[i]];
    return to;
}

/* Is the same column of floats already there in order? */
static const int64_t *ordered_before(const struct chunk *c, uint32_t leaf, uint32_t lane)
{
    const struct agg_leaf *l = &c->a->leaf[leaf];

    for (uint32_t k = 0; k < leaf; k++) {
        const struct agg_leaf *b = &c->a->leaf[k];
        uint32_t at = lane - (l->off - b->off) / (uint32_t)sizeof(int64_t);
        if (b->kind == TYPE_FLOAT && (b->fn == AGG_MIN || b->fn == AGG_MAX) && b->off < l->off &&
            at < lane && c->cols[k].f == c->cols[leaf].f)
            return c->window.from[at];
    }
    return NULL;
}

/* The lanes of a sum of floats that lie in the window, the first one as its lane `lane`. What has
 * no lanes is added once, with the first. */
static void sum_lanes(struct chunk *c, uint32_t leaf, int32_t lane)
{
    int64_t other[FSUM_LANES][AGG_CHUNK], *to[FSUM_LANES];
    double floats[AGG_CHUNK];
    const double *f = floats_of(c, &c->cols[leaf], floats);
    uint16_t odd[AGG_CHUNK];

    for (int32_t k = 0; k < FSUM_LANES; k++) {
        bool inside = lane + k >= 0 && lane + k < (int32_t)AGG_WINDOW;
        to[k] = inside ? c->words[lane + k] : other[k];
        if (inside) {
            c->window.op[lane + k] = LANE_ADD;
            c->window.from[lane + k] = to[k];
        }
    }
    uint32_t odd_cnt = fsum_lanes(to, f, c->n, odd);
    if (odd_cnt && lane >= 0)
        fsum_add_odd(c->row, c->a->leaf[leaf].off, f, odd, odd_cnt);
}

static void word_lane(struct chunk *c, uint32_t leaf, uint32_t lane)
{
    const struct agg_leaf *l = &c->a->leaf[leaf];
    const struct col *col = &c->cols[leaf];
    const int64_t **from = &c->window.from[lane];
    double floats[AGG_CHUNK];

    c->window.op[lane] = op_of(l->fn);
    if (l->kind != TYPE_FLOAT) {
        *from = words_of(c, col, c->words[lane]);
        return;
    }
    *from = ordered_before(c, leaf, lane);
    if (*from)
        return;
    floats_order(c->words[lane], floats_of(c, col, floats), c->n);
    *from = c->words[lane];
}

/* Makes the columns of the window at `off`; false when no number lies in it. */
static bool window_make(struct chunk *c, int32_t off)
{
    static const int64_t ones[AGG_CHUNK] = {[0 ... AGG_CHUNK - 1] = 1};
    struct agg_window *w = &c->window;
    bool some = off <= 0;

    *w = (struct agg_window){.off = off};
    if (some) {
        uint32_t lane = (uint32_t)-off / sizeof(int64_t);
        w->op[lane] = LANE_ADD;
        w->from[lane] = ones;
    }
    for (uint32_t k = 0; k < c->a->leaves_cnt; k++) {
        const struct agg_leaf *l = &c->a->leaf[k];
        int32_t at = (int32_t)l->off - off;
        size_t bytes = l->fn == AGG_SUM_FLOAT ? FSUM_LANES * sizeof(int64_t) : l->bytes;
        if (!agg_is_number(l) || l->fn == AGG_COUNT || at >= WINDOW_BYTES ||
            at + (int32_t)bytes <= 0)
            continue;
        some = true;
        if (l->fn == AGG_SUM_FLOAT)
            sum_lanes(c, k, at / (int32_t)sizeof(int64_t));
        else
            word_lane(c, k, (uint32_t)at / sizeof(int64_t));
    }
    return some;
}

void agg_numbers_update(const struct agg_spec *a, uint8_t *const *row, const struct col *cols,
                        const struct vec *v)
{
    struct chunk c;

    c.a = a;
    c.cols = cols;
    for (uint32_t at = 0; at < v->sel_cnt; at += AGG_CHUNK) {
        c.row = row + at;
        c.sel = v->sel ? v->sel + at : NULL;
        c.first = at;
        c.n = v->sel_cnt - at < AGG_CHUNK ? v->sel_cnt - at : AGG_CHUNK;
        for (int32_t off = AGG_WINDOW_FIRST; off < (int32_t)a->row_bytes; off += WINDOW_BYTES)
            if (window_make(&c, off))
                agg_lanes_update(&c.window, c.row, a->row_bytes, c.n);
    }
}
