// Narrow operators: row by row.

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "tests/common/ref_expr.h"
#include "tests/common/ref_rdd.h"

static struct ref_val *new_leaves(struct ref *r, const struct type *t)
{
    return zone_alloc(&r->zone, type_leaves(t) * sizeof(struct ref_val));
}

// The key's leaves are left as they are by the operators over values.
static uint32_t key_leaves(const struct dstream *d)
{
    bool on_value = d->op == OP_MAP_VALUES || d->op == OP_FLAT_MAP_VALUES;
    return on_value ? type_leaves(d->parent[0]->type->part[0]) : 0;
}

static bool apply(struct ref *r, const struct dstream *d, const struct ref_row *row,
                  struct ref_val *out)
{
    struct ref_env env = {.zone = &r->zone, .leaf = row->leaf + key_leaves(d)};
    if (ref_lambda(&env, d->fn, out))
        return true;
    r->stream[d->idx].failed++;
    return false;
}

static void map_row(struct ref *r, const struct dstream *d, const struct ref_row *row,
                    struct ref_rdd *to)
{
    struct ref_val *leaf = new_leaves(r, d->type);
    uint32_t keys = key_leaves(d);
    memcpy(leaf, row->leaf, keys * sizeof *leaf);
    if (apply(r, d, row, leaf + keys))
        *rdd_add(to) = (struct ref_row){leaf, row->ord};
}

static void flat_map_row(struct ref *r, const struct dstream *d, const struct ref_row *row,
                         struct ref_rdd *to)
{
    struct ref_val list;
    uint32_t keys = key_leaves(d);
    if (!apply(r, d, row, &list))
        return;
    for (uint32_t i = 0; i < list.list.cnt; i++) {
        struct ref_row *new = rdd_add(to);
        new->leaf = new_leaves(r, d->type);
        memcpy(new->leaf, row->leaf, keys * sizeof *new->leaf);
        memcpy(new->leaf + keys, list.list.leaf + i * list.list.leaves_cnt,
               list.list.leaves_cnt * sizeof *new->leaf);
        new->ord = row->ord;
    }
}

static void filter_row(struct ref *r, const struct dstream *d, const struct ref_row *row,
                       struct ref_rdd *to)
{
    struct ref_val keep;
    if (apply(r, d, row, &keep) && keep.i)
        *rdd_add(to) = *row;
}

static int by_ord(const struct ref_row *a, const struct ref_row *b, void *ctx)
{
    (void)ctx;
    return ref_ord_cmp(&a->ord, &b->ord);
}

void ref_narrow(struct ref *r, const struct dstream *d, const struct ref_rdd *a,
                const struct ref_rdd *b, struct ref_rdd *to)
{
    for (uint32_t i = 0; i < a->cnt; i++) {
        const struct ref_row *row = &a->row[i];
        switch (d->op) {
        case OP_MAP:
        case OP_MAP_VALUES: map_row(r, d, row, to); break;
        case OP_FLAT_MAP:
        case OP_FLAT_MAP_VALUES: flat_map_row(r, d, row, to); break;
        case OP_FILTER: filter_row(r, d, row, to); break;
        default: *rdd_add(to) = *row; break;
        }
    }
    if (d->op != OP_UNION)
        return;
    for (uint32_t i = 0; i < b->cnt; i++)
        *rdd_add(to) = b->row[i];
    rdd_sort(to, by_ord, NULL);
}
