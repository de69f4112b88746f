// Wide operators: everything of the window at once.

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "rdd/rows.h"
#include "rdd/tkey.h"
#include "tests/common/ref_expr.h"
#include "tests/common/ref_rdd.h"

// What an operator looks at as the key of a row: its first leaves, of this type (NULL: none, and
// all rows belong together), and where the value's leaves begin.
struct shape {
    const struct type *key, *value;
    uint32_t value_leaf;
};

static struct shape shape_of(const struct dstream *d)
{
    const struct type *in = d->parent[0]->type;
    switch (d->op) {
    case OP_REDUCE_BY_KEY:
    case OP_RUNNING_REDUCE:
    case OP_REDUCE_BY_KEY_AND_WINDOW:
    case OP_GROUP_BY_KEY:
    case OP_GROUP_BY_KEY_AND_WINDOW:
        return (struct shape){in->part[0], in->part[1], type_first_leaf(in, 1)};
    case OP_COUNT_BY_VALUE:
    case OP_COUNT_BY_VALUE_AND_WINDOW:
    case OP_DISTINCT: return (struct shape){in, NULL, 0};
    default: return (struct shape){NULL, in, 0};
    }
}

static uint32_t partition_of(struct ref *r, const struct type *key, const struct ref_val *leaf)
{
    struct strbuf enc = {0};
    uint32_t off = 0, len;
    struct tkey k;
    strbuf_reserve(&enc, 1);
    ref_encode(&enc, key, leaf);
    len = (uint32_t)enc.len;
    struct enc_keys e = {.base = (const uint8_t *)enc.s, .off = &off, .len = &len};
    tkeys_load(&k, &e, NULL, 1);
    uint32_t partition = tkey_partition(&k, r->partitions);
    strbuf_release(&enc);
    return partition;
}

// The partition is kept in the row's ord, which is of no use any more.
static int by_partition_and_key(const struct ref_row *a, const struct ref_row *b, void *ctx)
{
    const struct shape *s = ctx;
    if (a->ord.origin != b->ord.origin)
        return a->ord.origin < b->ord.origin ? -1 : 1;
    return ref_cmp(s->key, a->leaf, b->leaf);
}

// ---- aggregates ----

static struct ref_val sum_floats(const struct ref_row *row, uint32_t n, uint32_t leaf)
{
    double *x = calloc(n, sizeof *x);
    for (uint32_t i = 0; i < n; i++)
        x[i] = row[i].leaf[leaf].f;
    struct ref_val v = ref_float(ref_sum(x, n));
    free(x);
    return v;
}

// One leaf of the rows by a function that is known.
static struct ref_val fold_leaf(enum agg_fn fn, const struct type *t, const struct ref_row *row,
                                uint32_t n, uint32_t leaf)
{
    struct ref_val acc = row[0].leaf[leaf];
    if (fn == AGG_SUM_FLOAT)
        return sum_floats(row, n, leaf);
    for (uint32_t i = 1; i < n; i++) {
        const struct ref_val *v = &row[i].leaf[leaf];
        switch (fn) {
        case AGG_SUM_INT: acc.i = (int64_t)((uint64_t)acc.i + (uint64_t)v->i); break;
        case AGG_MIN: acc = ref_cmp(t, v, &acc) < 0 ? *v : acc; break;
        case AGG_MAX: acc = ref_cmp(t, v, &acc) > 0 ? *v : acc; break;
        case AGG_LAST: acc = *v; break;
        case AGG_AND: acc.i = acc.i && v->i; break;
        case AGG_OR: acc.i = acc.i || v->i; break;
        default: break;
        }
    }
    return acc;
}

// The lambda itself, from the left. False: it fails.
static bool fold_rows(struct ref *r, const struct dstream *d, const struct ref_row *row, uint32_t n,
                      uint32_t leaf, struct ref_val *acc)
{
    struct ref_val arg[2 * TYPE_LEAVES_MAX], result[TYPE_LEAVES_MAX];
    uint32_t leaves_cnt = d->fn->leaves_cnt;
    struct ref_env env = {.zone = &r->zone, .leaf = arg};
    memcpy(acc, row[0].leaf + leaf, leaves_cnt * sizeof *acc);
    for (uint32_t i = 1; i < n; i++) {
        memcpy(arg, acc, leaves_cnt * sizeof *acc);
        memcpy(arg + leaves_cnt, row[i].leaf + leaf, leaves_cnt * sizeof *acc);
        if (!ref_lambda(&env, d->fn, result))
            return false;
        memcpy(acc, result, leaves_cnt * sizeof *acc);
    }
    return true;
}

static bool reduce(struct ref *r, const struct dstream *d, const struct shape *s,
                   const struct ref_row *row, uint32_t n, struct ref_val *acc)
{
    enum agg_fn fn[TYPE_LEAVES_MAX];
    if (!lambda_monoid(d->fn, fn))
        return fold_rows(r, d, row, n, s->value_leaf, acc);
    for (uint32_t i = 0; i < d->fn->leaves_cnt; i++)
        acc[i] = fold_leaf(fn[i], type_leaf(s->value, i), row, n, s->value_leaf + i);
    return true;
}

static struct ref_val list_of(struct ref *r, const struct shape *s, const struct ref_row *row,
                              uint32_t n)
{
    uint32_t leaves_cnt = type_leaves(s->value);
    struct ref_val *leaf = zone_alloc(&r->zone, n * leaves_cnt * sizeof *leaf);
    for (uint32_t i = 0; i < n; i++)
        memcpy(leaf + i * leaves_cnt, row[i].leaf + s->value_leaf, leaves_cnt * sizeof *leaf);
    return (struct ref_val){.kind = TYPE_LIST, .list = {leaf, n, leaves_cnt}};
}

// -0 is 0: equal keys leave as one.
static void copy_key(struct ref_val *to, const struct ref_val *from, uint32_t n)
{
    memcpy(to, from, n * sizeof *to);
    for (uint32_t i = 0; i < n; i++)
        if (to[i].kind == TYPE_FLOAT && to[i].f == 0)
            to[i].f = 0;
}

// One row for n rows that belong together; none if they cannot be reduced.
static void add_result(struct ref *r, const struct dstream *d, const struct shape *s,
                       const struct ref_row *row, uint32_t n, struct ref_rdd *to)
{
    struct ref_val *leaf = zone_alloc(&r->zone, type_leaves(d->type) * sizeof *leaf);
    uint32_t key_leaves = s->key ? type_leaves(s->key) : 0;
    if (s->key)
        copy_key(leaf, row[0].leaf, key_leaves);
    switch (d->op) {
    case OP_COUNT:
    case OP_COUNT_BY_WINDOW:
    case OP_COUNT_BY_VALUE:
    case OP_COUNT_BY_VALUE_AND_WINDOW: leaf[key_leaves] = ref_int(n); break;
    case OP_GROUP_BY_KEY:
    case OP_GROUP_BY_KEY_AND_WINDOW: leaf[key_leaves] = list_of(r, s, row, n); break;
    case OP_DISTINCT: break;
    default:
        if (!reduce(r, d, s, row, n, leaf + key_leaves)) {
            r->stream[d->idx].failed++;
            return;
        }
    }
    rdd_add(to)->leaf = leaf;
}

// ---- top and window ----

static int by_rank(const struct ref_row *a, const struct ref_row *b, void *ctx)
{
    const struct type *t = ((const struct dstream *)ctx)->type;
    if (!type_is_pair(t))
        return ref_cmp(t, b->leaf, a->leaf);
    uint32_t v = type_first_leaf(t, 1);
    int c = ref_cmp(t->part[1], b->leaf + v, a->leaf + v);
    return c ? c : ref_cmp(t->part[0], a->leaf, b->leaf);
}

static void take_rows(const struct dstream *d, const struct ref_rdd *rows, struct ref_rdd *to)
{
    for (uint32_t i = 0; i < rows->cnt; i++)
        *rdd_add(to) = rows->row[i];
    if (d->op != OP_TOP)
        return;
    rdd_sort(to, by_rank, (void *)(uintptr_t)d);
    if (to->cnt > d->top_cnt)
        to->cnt = (uint32_t)d->top_cnt;
}

static void gather(struct ref *r, const struct dstream *d, const struct ref_rdd *rows,
                   struct ref_rdd *to)
{
    struct shape s = shape_of(d);
    struct ref_rdd sorted = {0};
    for (uint32_t i = 0; i < rows->cnt; i++) {
        struct ref_row *row = rdd_add(&sorted);
        *row = rows->row[i];
        row->ord.origin = s.key ? partition_of(r, s.key, row->leaf) : 0;
    }
    if (s.key)
        rdd_sort(&sorted, by_partition_and_key, &s);
    bool counts_nothing = d->op == OP_COUNT || d->op == OP_COUNT_BY_WINDOW;
    if (!rows->cnt && counts_nothing)
        add_result(r, d, &s, NULL, 0, to);
    for (uint32_t first = 0, end; first < sorted.cnt; first = end) {
        for (end = first + 1; end < sorted.cnt; end++)
            if (s.key && by_partition_and_key(&sorted.row[first], &sorted.row[end], &s))
                break;
        add_result(r, d, &s, &sorted.row[first], end - first, to);
    }
    free(sorted.row);
}

void ref_wide(struct ref *r, const struct dstream *d, const struct ref_rdd *rows,
              struct ref_rdd *to)
{
    if (d->op == OP_TOP || d->op == OP_WINDOW)
        take_rows(d, rows, to);
    else
        gather(r, d, rows, to);
    for (uint32_t i = 0; i < to->cnt; i++)
        to->row[i].ord = (struct ref_ord){.origin = REF_WIDE + d->idx, .at = i};
}
