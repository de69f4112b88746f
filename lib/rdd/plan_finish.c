/*
 * What follows from a lowered plan: the columns that are read, where order matters, what outputs
 * depend on, how long windows remember, and how memory is divided.
 */
#include <string.h>

#include "rdd/agg_state.h"
#include "rdd/plan_agg.h"
#include "rdd/plan_best.h"
#include "rdd/plan_finish.h"
#include "rdd/plan_needles.h"
#include "rdd/plan_order.h"
#include "rdd/plan_sieve.h"

#define STATE_BYTES_MAX (4ull << 30) /* of a partition: its offsets have 32 bits */

void plan_reads(const struct pnode *n, uint32_t leaves, bool *want)
{
    switch (n->kind) {
    case PN_MAP:
    case PN_FLAT_MAP:
    case PN_FILTER:
        for (uint32_t c = 0; c < leaves; c++)
            want[c] |= n->on_value || lambda_reads(n->fn, c);
        break;
    case PN_WRITE_AGG:
        if (n->exchange->agg.count_only && !n->exchange->key)
            return;
        __attribute__((fallthrough));
    case PN_WRITE_ROWS:
    case PN_OUTPUT: memset(want, 1, leaves); return;
    case PN_PASS: break;
    }
    if (n->kind == PN_FILTER || n->kind == PN_PASS)
        for (uint32_t i = 0; i < n->kids_cnt; i++)
            plan_reads(n->kid[i], leaves, want);
}

static bool is_wide(const struct type *leaf)
{
    return leaf->kind == TYPE_STRING || leaf->kind == TYPE_LIST;
}

/* Which columns filters put together for what is below them (op_filter.c). */
static void plan_packs(struct pnode *n)
{
    uint32_t leaves = type_leaves(n->type);
    bool want[TYPE_LEAVES_MAX] = {false};
    uint64_t packs = 0;

    for (uint32_t i = 0; i < n->kids_cnt; i++) {
        if (n->kind == PN_FILTER)
            plan_reads(n->kid[i], leaves, want);
        plan_packs(n->kid[i]);
    }
    for (uint32_t c = 0; c < leaves; c++) {
        if (want[c] && is_wide(type_leaf(n->type, c)))
            return;
        packs |= (uint64_t)want[c] << c;
    }
    n->packs = packs;
}

static bool agg_keeps_order(const struct agg_spec *a)
{
    for (uint32_t i = 0; i < a->leaves_cnt; i++)
        if (a->leaf[i].fn == AGG_FIRST || a->leaf[i].fn == AGG_LAST || a->lambda)
            return true;
    return false;
}

/* Does anything below depend on the order of the rows that an exchange emits? Blocks for another
 * exchange do: made again over a state that was made again, they have the same bytes. */
static bool order_matters(const struct pnode *n)
{
    switch (n->kind) {
    case PN_OUTPUT: return false; /* rows behind a shuffle leave by key and value */
    case PN_WRITE_ROWS: return !n->exchange->top_cnt;
    case PN_WRITE_AGG:
        return n->exchange->key || n->exchange->agg.has_strings ||
               agg_keeps_order(&n->exchange->agg);
    default: break;
    }
    for (uint32_t i = 0; i < n->kids_cnt; i++)
        if (order_matters(n->kid[i]))
            return true;
    return false;
}

/* Bits of all exchanges that stage s stands on. */
static uint64_t exchanges_above(const struct plan *p, const struct stage *s)
{
    if (!s->from)
        return 0;
    uint64_t bits = 1ull << s->from->idx;
    for (uint32_t i = 0; i < p->stages_cnt; i++)
        if (s->from->upstream >> i & 1)
            bits |= exchanges_above(p, p->stage[i]);
    return bits;
}

/* For how many intervals after its own a record is still in what stage s reads. */
static uint64_t memory_of(const struct plan *p, const struct stage *s)
{
    uint64_t longest = 0;

    if (!s->from)
        return 0;
    for (uint32_t i = 0; i < p->stages_cnt; i++)
        if (s->from->upstream >> i & 1) {
            uint64_t above = memory_of(p, p->stage[i]);
            longest = above > longest ? above : longest;
        }
    return longest + (s->from->len == WINDOW_FOREVER ? 0 : s->from->len - 1);
}

/* Rows that went through a shuffle by key, or through a top, came in no order of their own. */
static bool lost_order(const struct plan *p, const struct output *o)
{
    for (uint32_t i = 0; i < p->exchanges_cnt; i++)
        if (o->exchanges >> i & 1 && (p->exchange[i]->key || p->exchange[i]->top_cnt))
            return true;
    return false;
}

void plan_finish(struct plan *p)
{
    for (uint32_t i = 0; i < p->exchanges_cnt; i++)
        plan_counts(p->exchange[i]);
    for (uint32_t i = 0; i < p->stages_cnt; i++) {
        struct stage *s = p->stage[i];
        if (s->source >= 0) {
            plan_reads(s->root, type_leaves(s->type), s->want);
            plan_needles(s);
        } else {
            s->from->sorted = order_matters(s->root);
        }
        plan_packs(s->root);
        plan_comparisons(s->root);
        uint64_t m = memory_of(p, s) + 1;
        p->memory_len = m > p->memory_len ? m : p->memory_len;
        for (uint32_t o = 0; o < p->outputs_cnt; o++)
            if (s->outputs >> o & 1)
                p->output[o].exchanges |= exchanges_above(p, s);
    }
    for (uint32_t o = 0; o < p->outputs_cnt; o++)
        p->output[o].stream.by_value =
            p->output[o].stream.order != ROWS_BY_RANK && lost_order(p, &p->output[o]);
    plan_order(p);
    for (uint32_t i = 0; i < p->stages_cnt; i++)
        if (p->stage[i]->source >= 0)
            plan_sieve(p->stage[i]);
    plan_best(p);
}

#define ROWS_STATE_MIN 65536u
#define AGG_STATE_MIN  65536u

/* The least that the state of one partition can do with. */
static uint64_t least_bytes(const struct exchange *x)
{
    if (x->kind == EX_ROWS)
        return ROWS_STATE_MIN + x->len * 64;
    uint64_t one = (agg_state_bytes(x, 1) + 63) & ~63ull;
    return x->key && one < AGG_STATE_MIN ? AGG_STATE_MIN : one;
}

#define TOP_STATE_BYTES (8ull << 20) /* the best rows of each interval of a window */

/* What a state needs however much there is: one row, or the best few; 0: as much as it gets. */
static uint64_t fixed_bytes(const struct exchange *x)
{
    if (x->kind == EX_AGG)
        return x->key ? 0 : least_bytes(x);
    return x->top_cnt ? TOP_STATE_BYTES : 0;
}

uint64_t plan_capacity(struct plan *p, uint64_t state_bytes)
{
    uint64_t fixed = 0, shares = 0, least = 0;

    for (uint32_t i = 0; i < p->exchanges_cnt; i++) {
        fixed += fixed_bytes(p->exchange[i]);
        shares += !fixed_bytes(p->exchange[i]);
        least += fixed_bytes(p->exchange[i]) ? fixed_bytes(p->exchange[i])
                                             : least_bytes(p->exchange[i]) * p->partitions;
    }
    uint64_t share = state_bytes > fixed && shares ? (state_bytes - fixed) / shares : 0;
    bool enough = state_bytes >= fixed;
    for (uint32_t i = 0; i < p->exchanges_cnt; i++) {
        struct exchange *x = p->exchange[i];
        uint64_t bytes = fixed_bytes(x) ? fixed_bytes(x) : share / x->partitions;
        x->state_bytes = (bytes < STATE_BYTES_MAX ? bytes : STATE_BYTES_MAX) & ~(uint64_t)63;
        x->keys_max = x->kind == EX_AGG ? agg_state_keys(x, x->state_bytes) : 0;
        enough &= x->state_bytes >= least_bytes(x);
    }
    return enough ? 0 : 2 * least;
}
