#include "rdd/agg_numbers.h"
#include "base/assert.h"
#include "rdd/agg_cell.h"
#include "rdd/fsum.h"

bool agg_is_number(const struct agg_leaf *l)
{
    switch (l->fn) {
    case AGG_SUM_INT:
    case AGG_SUM_FLOAT:
    case AGG_AND:
    case AGG_OR: return true;
    case AGG_MIN:
    case AGG_MAX: return l->kind != TYPE_STRING && l->kind != TYPE_IP;
    default: return false;
    }
}

/* One loop over the records: `acc` is what the row holds, `x` what comes. */
#define EACH_ROW_DO(row, off, from, n, expr)               \
    do {                                                   \
        for (uint32_t i_ = 0; i_ < (n); i_++) {            \
            uint8_t *cell_ = (row)[i_] + (off);            \
            int64_t acc = load_i64(cell_), x = (from)[i_]; \
            store_i64(cell_, (expr));                      \
        }                                                  \
    } while (0)

static void update_words(const struct agg_leaf *l, uint8_t *const *row, const int64_t *from,
                         uint32_t n)
{
    uint32_t off = l->off;

    switch (l->fn) {
    case AGG_SUM_INT:
        EACH_ROW_DO(row, off, from, n, (int64_t)((uint64_t)acc + (uint64_t)x));
        return;
    case AGG_MIN: EACH_ROW_DO(row, off, from, n, x < acc ? x : acc); return;
    case AGG_MAX: EACH_ROW_DO(row, off, from, n, x > acc ? x : acc); return;
    case AGG_AND: EACH_ROW_DO(row, off, from, n, acc & x); return;
    case AGG_OR: EACH_ROW_DO(row, off, from, n, acc | x); return;
    default: MR_ASSERT(!"words");
    }
}

/* float_ordered (agg_cell.h) without a branch. */
static void floats_order(int64_t *restrict to, const double *restrict f, uint32_t n)
{
    const int64_t size = INT64_MAX, inf = 0x7ff0000000000000, nan = 0x7ff8000000000000;

    for (uint32_t i = 0; i < n; i++) {
        double sum = f[i] + 0.0;
        int64_t b, minus, is_nan;
        memcpy(&b, &sum, sizeof b);
        minus = b < 0 ? -1 : 0;
        is_nan = (b & size) > inf ? -1 : 0;
        to[i] = ((b ^ (minus & size)) & ~is_nan) | (nan & is_nan);
    }
}

/* The n floats one behind the other. */
static const double *floats_of(const struct col *c, const uint16_t *sel, uint32_t first, uint32_t n,
                               double *to)
{
    if (!sel)
        return c->f + first;
    for (uint32_t i = 0; i < n; i++)
        to[i] = c->f[sel[i]];
    return to;
}

static const int64_t *words_of(const struct col *c, const uint16_t *sel, uint32_t first, uint32_t n,
                               int64_t *to)
{
    if (!sel)
        return c->i + first;
    for (uint32_t i = 0; i < n; i++)
        to[i] = c->i[sel[i]];
    return to;
}

void agg_numbers_update(const struct agg_leaf *l, uint8_t *const *row, const struct col *c,
                        const uint16_t *sel, uint32_t first, uint32_t n)
{
    int64_t words[AGG_CHUNK];
    double floats[AGG_CHUNK];

    MR_ASSERT(n <= AGG_CHUNK);
    if (l->kind != TYPE_FLOAT) {
        update_words(l, row, words_of(c, sel, first, n, words), n);
        return;
    }
    const double *f = floats_of(c, sel, first, n, floats);
    if (l->fn == AGG_SUM_FLOAT) {
        fsum_add_each(row, l->off, f, n);
        return;
    }
    floats_order(words, f, n);
    update_words(l, row, words, n);
}
