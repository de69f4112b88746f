#include <errno.h>
#include <math.h>

#include "base/assert.h"
#include "rdd/agg.h"
#include "rdd/agg_cell.h"
#include "rdd/agg_lambda.h"
#include "rdd/agg_numbers.h"
#include "rdd/fsum.h"

uint32_t agg_leaf_bytes(enum agg_fn fn, enum type_kind kind)
{
    uint32_t cell = cell_bytes(kind);

    switch (fn) {
    case AGG_COUNT: return 0;
    case AGG_SUM_FLOAT: return sizeof(struct fsum);
    case AGG_FIRST:
    case AGG_LAST: return sizeof(struct cell_place) + cell;
    case AGG_MIN:
    case AGG_MAX:
        return kind == TYPE_IP ? 8 + cell : cell; /* a flag: addresses have no neutral value */
    default: return cell;
    }
}

static void leaf_init(const struct agg_leaf *l, uint8_t *acc)
{
    const struct cell_place none = {UINT64_MAX, UINT64_MAX, UINT64_MAX};

    memset(acc, 0, l->bytes);
    if (l->kind == TYPE_STRING || l->kind == TYPE_IP || l->fn == AGG_LAMBDA) {
        if (l->fn == AGG_FIRST)
            memcpy(acc, &none, sizeof none);
    } else if (l->fn == AGG_MIN) {
        store_i64(acc, INT64_MAX);
    } else if (l->fn == AGG_MAX) {
        store_i64(acc, INT64_MIN);
    } else if (l->fn == AGG_AND) {
        store_i64(acc, 1);
    } else if (l->fn == AGG_FIRST) {
        memcpy(acc, &none, sizeof none);
    }
}

void agg_row_init(const struct agg_spec *a, uint8_t *row)
{
    memset(row, 0, 8);
    if (a->count_only)
        return;
    for (uint32_t i = 0; i < a->leaves_cnt; i++)
        leaf_init(&a->leaf[i], row + a->leaf[i].off);
}

/* Takes the string over to the env's heap; keeps the old one when there is no room. */
static void take_string(struct agg_env *env, struct cell_str *dst, const uint8_t *p, uint32_t len)
{
    const uint8_t *own = env->heap ? heap_copy(env->heap, p, len) : p;

    if (!own) {
        ++*env->no_room;
        return;
    }
    *dst = (struct cell_str){.ptr = own, .len = len, .present = 1};
}

static void offer_string(struct agg_env *env, uint8_t *acc, bool max, const uint8_t *p,
                         uint32_t len)
{
    struct cell_str s;

    memcpy(&s, acc, sizeof s);
    if (s.present) {
        int c = enc_cmp(p, len, s.ptr, s.len);
        if (max ? c <= 0 : c >= 0)
            return;
    }
    take_string(env, &s, p, len);
    memcpy(acc, &s, sizeof s);
}

static void offer_ip(uint8_t *acc, bool max, const struct ip *ip)
{
    if (load_i64(acc)) {
        int c = memcmp(ip, acc + 8, sizeof *ip);
        if (max ? c <= 0 : c >= 0)
            return;
    }
    store_i64(acc, 1);
    memcpy(acc + 8, ip, sizeof *ip);
}

static bool place_before(const struct cell_place *a, const struct cell_place *b)
{
    if (a->interval != b->interval)
        return a->interval < b->interval;
    return a->ord_hi != b->ord_hi ? a->ord_hi < b->ord_hi : a->ord_lo < b->ord_lo;
}

/* Does the place win over what the accumulator holds? An empty `first` holds the last place
 * there is, an empty `last` the first one. No two rows have one place (vec.h). */
static bool place_wins(const struct agg_leaf *l, const uint8_t *acc, const struct cell_place *p)
{
    struct cell_place old;

    memcpy(&old, acc, sizeof old);
    if (l->fn == AGG_FIRST)
        return place_before(p, &old);
    return !place_before(p, &old);
}

static void update_placed(const struct agg_leaf *l, struct agg_env *env, uint8_t *const *row,
                          const struct col *c, const struct vec *v, uint64_t interval)
{
    for (uint32_t i = 0; i < v->sel_cnt; i++) {
        uint32_t r = vec_row(v, i);
        uint8_t *acc = row[i] + l->off;
        struct cell_place p = {interval, v->ord_hi, vec_place(v, r)};
        if (!place_wins(l, acc, &p))
            continue;
        uint8_t *cell = acc + sizeof p;
        if (c->kind == TYPE_STRING) {
            struct cell_str s = {0};
            take_string(env, &s, c->s.base + c->s.off[r], c->s.len[r]);
            if (!s.present)
                continue;
            memcpy(cell, &s, sizeof s);
        } else {
            cell_load_col(cell, c, r);
        }
        memcpy(acc, &p, sizeof p);
    }
}

static void update_minmax(const struct agg_leaf *l, struct agg_env *env, uint8_t *const *row,
                          const struct col *c, const struct vec *v)
{
    bool max = l->fn == AGG_MAX;

    for (uint32_t i = 0; i < v->sel_cnt; i++) {
        uint32_t r = vec_row(v, i);
        uint8_t *acc = row[i] + l->off;
        if (c->kind == TYPE_STRING)
            offer_string(env, acc, max, c->s.base + c->s.off[r], c->s.len[r]);
        else
            offer_ip(acc, max, &c->ip[r]);
    }
}

static void add_counts(uint8_t *const *row, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        store_i64(row[i], load_i64(row[i]) + 1);
}

void agg_update(const struct agg_spec *a, struct agg_env *env, uint8_t *const *row,
                const struct col *cols, const struct vec *v, uint64_t interval)
{
    if (a->count_only) {
        add_counts(row, v->sel_cnt);
        return;
    }
    if (a->lambda) {
        agg_lambda_update(a, env, row, cols, v);
        return;
    }
    for (uint32_t k = 0; k < a->leaves_cnt; k++) {
        const struct agg_leaf *l = &a->leaf[k];
        if (agg_is_number(l))
            continue;
        if (l->fn == AGG_MIN || l->fn == AGG_MAX)
            update_minmax(l, env, row, &cols[k], v);
        else
            update_placed(l, env, row, &cols[k], v, interval);
    }
    agg_numbers_update(a, row, cols, v);
}

static void merge_placed(const struct agg_leaf *l, struct agg_env *env, uint8_t *dst,
                         const uint8_t *src)
{
    struct cell_place p;
    const uint8_t *from = src + l->off;
    uint8_t *acc = dst + l->off;

    memcpy(&p, from, sizeof p);
    if (!place_wins(l, acc, &p))
        return;
    if (l->kind == TYPE_STRING) {
        struct cell_str s, t = {0};
        memcpy(&s, from + sizeof p, sizeof s);
        take_string(env, &t, s.ptr, s.len);
        if (!t.present)
            return;
        memcpy(acc + sizeof p, &t, sizeof t);
    } else {
        memcpy(acc + sizeof p, from + sizeof p, l->bytes - sizeof p);
    }
    memcpy(acc, &p, sizeof p);
}

static void merge_minmax(const struct agg_leaf *l, struct agg_env *env, uint8_t *dst,
                         const uint8_t *src)
{
    uint8_t *acc = dst + l->off;
    bool max = l->fn == AGG_MAX;

    if (l->kind == TYPE_STRING) {
        struct cell_str s;
        memcpy(&s, src + l->off, sizeof s);
        if (s.present)
            offer_string(env, acc, max, s.ptr, s.len);
    } else if (l->kind == TYPE_IP) {
        struct ip ip;
        memcpy(&ip, src + l->off + 8, sizeof ip);
        if (load_i64(src + l->off))
            offer_ip(acc, max, &ip);
    } else {
        int64_t x = load_i64(src + l->off), old = load_i64(acc);
        store_i64(acc, max ? (x > old ? x : old) : (x < old ? x : old));
    }
}

static void merge_leaf(const struct agg_leaf *l, struct agg_env *env, uint8_t *dst,
                       const uint8_t *src)
{
    uint8_t *acc = dst + l->off;
    const uint8_t *from = src + l->off;

    switch (l->fn) {
    case AGG_COUNT: return; /* the row's own */
    case AGG_SUM_INT:
        store_i64(acc, (int64_t)((uint64_t)load_i64(acc) + (uint64_t)load_i64(from)));
        return;
    case AGG_SUM_FLOAT:
        fsum_merge((struct fsum *)(void *)acc, (const struct fsum *)(const void *)from);
        return;
    case AGG_AND: store_i64(acc, load_i64(acc) & load_i64(from)); return;
    case AGG_OR: store_i64(acc, load_i64(acc) | load_i64(from)); return;
    case AGG_MIN:
    case AGG_MAX: merge_minmax(l, env, dst, src); return;
    case AGG_FIRST:
    case AGG_LAST: merge_placed(l, env, dst, src); return;
    case AGG_LAMBDA: break;
    }
    MR_ASSERT(!"a native aggregate");
}

void agg_merge_values(const struct agg_spec *a, struct agg_env *env, uint8_t *const *dst,
                      const uint8_t *const *src, uint32_t n)
{
    if (a->lambda) {
        agg_lambda_merge(a, a->lambda, env, dst, src, n, false);
        return;
    }
    if (a->count_only)
        return;
    for (uint32_t k = 0; k < a->leaves_cnt; k++)
        for (uint32_t i = 0; i < n; i++)
            if (agg_count(src[i]))
                merge_leaf(&a->leaf[k], env, dst[i], src[i]);
}

void agg_merge(const struct agg_spec *a, struct agg_env *env, uint8_t *const *dst,
               const uint8_t *const *src, uint32_t n)
{
    agg_merge_values(a, env, dst, src, n);
    if (a->lambda)
        return;
    for (uint32_t i = 0; i < n; i++)
        store_i64(dst[i], load_i64(dst[i]) + load_i64(src[i]));
}

void agg_unmerge(const struct agg_spec *a, const struct lambda *inverse, struct agg_env *env,
                 uint8_t *const *dst, const uint8_t *const *src, uint32_t n)
{
    if (inverse) {
        agg_lambda_merge(a, inverse, env, dst, src, n, true);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (!a->count_only)
            for (uint32_t k = 0; k < a->leaves_cnt; k++) {
                uint8_t *acc = dst[i] + a->leaf[k].off;
                uint64_t out = (uint64_t)load_i64(src[i] + a->leaf[k].off);
                if (a->leaf[k].fn == AGG_COUNT)
                    continue;
                MR_ASSERT(a->leaf[k].fn == AGG_SUM_INT);
                store_i64(acc, (int64_t)((uint64_t)load_i64(acc) - out));
            }
        store_i64(dst[i], load_i64(dst[i]) - load_i64(src[i]));
    }
}

/* Where the value of a leaf lies inside its accumulator. */
static const uint8_t *leaf_cell(const struct agg_leaf *l, const uint8_t *row)
{
    const uint8_t *acc = row + l->off;

    if (l->fn == AGG_FIRST || l->fn == AGG_LAST)
        return acc + sizeof(struct cell_place);
    if ((l->fn == AGG_MIN || l->fn == AGG_MAX) && l->kind == TYPE_IP)
        return acc + 8;
    return acc;
}

static int finish_leaf(const struct agg_leaf *l, const uint8_t *const *row, uint32_t n,
                       struct col *out, struct arena *arena)
{
    if (col_alloc(out, l->kind, n, arena))
        return -ENOMEM;
    if (l->fn == AGG_SUM_FLOAT) {
        for (uint32_t i = 0; i < n; i++)
            out->f[i] = fsum_value((const struct fsum *)(const void *)(row[i] + l->off));
        return 0;
    }
    if (l->kind == TYPE_FLOAT && (l->fn == AGG_MIN || l->fn == AGG_MAX)) {
        for (uint32_t i = 0; i < n; i++)
            out->f[i] = ordered_float(load_i64(row[i] + l->off));
        return 0;
    }
    const uint8_t *cell[VEC_ROWS_MAX];
    MR_ASSERT(n <= VEC_ROWS_MAX);
    for (uint32_t i = 0; i < n; i++)
        cell[i] = leaf_cell(l, row[i]);
    return cells_to_col(cell, n, out, arena);
}

int agg_finish(const struct agg_spec *a, const uint8_t *const *row, uint32_t n, struct col *out,
               struct arena *arena)
{
    if (a->count_only) {
        if (col_alloc(out, TYPE_INT, n, arena))
            return -ENOMEM;
        for (uint32_t i = 0; i < n; i++)
            out->i[i] = load_i64(row[i]);
        return 0;
    }
    for (uint32_t k = 0; k < a->leaves_cnt; k++)
        if (finish_leaf(&a->leaf[k], row, n, &out[k], arena))
            return -ENOMEM;
    return 0;
}

int agg_row_adopt(const struct agg_spec *a, uint8_t *row, struct heap *heap)
{
    int rc = 0;

    for (uint32_t k = 0; a->has_strings && k < a->leaves_cnt; k++) {
        struct cell_str s;
        uint8_t *cell = (uint8_t *)(uintptr_t)leaf_cell(&a->leaf[k], row);
        if (a->leaf[k].kind != TYPE_STRING)
            continue;
        memcpy(&s, cell, sizeof s);
        s.ptr = s.present ? heap_copy(heap, s.ptr, s.len) : NULL;
        if (!s.ptr) {
            rc = s.present ? -ENOMEM : rc;
            s.len = 0;
        }
        memcpy(cell, &s, sizeof s);
    }
    return rc;
}

uint32_t agg_row_strings(const struct agg_spec *a, const uint8_t *row)
{
    uint32_t bytes = 0;

    for (uint32_t k = 0; a->has_strings && k < a->leaves_cnt; k++) {
        struct cell_str s;
        if (a->leaf[k].kind != TYPE_STRING)
            continue;
        memcpy(&s, leaf_cell(&a->leaf[k], row), sizeof s);
        bytes += s.present ? s.len : 0;
    }
    return bytes;
}

bool agg_row_inside(const struct agg_spec *a, const uint8_t *row, uint64_t bytes)
{
    for (uint32_t k = 0; a->has_strings && k < a->leaves_cnt; k++) {
        struct cell_str s;
        if (a->leaf[k].kind != TYPE_STRING)
            continue;
        memcpy(&s, leaf_cell(&a->leaf[k], row), sizeof s);
        if (s.present && ((uintptr_t)s.ptr > bytes || s.len > bytes - (uintptr_t)s.ptr))
            return false;
    }
    return true;
}

void agg_row_rebase(const struct agg_spec *a, uint8_t *row, intptr_t by)
{
    for (uint32_t k = 0; k < a->leaves_cnt; k++) {
        struct cell_str s;
        uint8_t *cell = (uint8_t *)(uintptr_t)leaf_cell(&a->leaf[k], row);
        if (a->leaf[k].kind != TYPE_STRING)
            continue;
        memcpy(&s, cell, sizeof s);
        if (s.present)
            s.ptr = (const uint8_t *)((uintptr_t)s.ptr + (uintptr_t)by);
        memcpy(cell, &s, sizeof s);
    }
}
