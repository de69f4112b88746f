/*
 * Lowering a D-Stream graph to stages and exchanges.
 *
 * The walk goes from every source down through its readers. It carries the stage it is in, the
 * node to hang the next one under, and the window that is still on its way to a wide operator.
 * A union is walked once for each parent, so the narrow operators below it appear twice; the
 * exchange of a wide operator exists once and is written from both.
 */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "rdd/agg.h"
#include "rdd/plan.h"
#include "rdd/plan_agg.h"
#include "rdd/plan_finish.h"

struct lowering {
    struct plan *p;
    const struct dgraph *g;
    struct zone *z;
    struct exchange *of[GRAPH_NODES_MAX]; /* by the node that it carries out */
    uint32_t outputs[GRAPH_NODES_MAX];    /* by output node: its index */
    uint32_t fails[GRAPH_NODES_MAX];      /* by node: fail_idx + 1 */
    /* [window][reader]: how often the reader reads those kept rows already */
    uint8_t under_kept[GRAPH_NODES_MAX][GRAPH_NODES_MAX];
    const char *err;
};

/* Where the walk stands. */
struct here {
    struct stage *stage;
    struct pnode *parent;
    uint64_t len, slide; /* window on its way; len 0: none */
    uint64_t every;      /* the stream has an RDD every so many intervals */
    uint32_t side;       /* as which parent of its reader the stream stands */
};

static void lower_readers(struct lowering *l, const struct dstream *s, struct here h);
static void lower_reader(struct lowering *l, const struct dstream *from, const struct dstream *d,
                         struct here h);

static const struct type *pair_part(const struct type *t, uint32_t i)
{
    return t->part[i];
}

static uint64_t fingerprint(const char *job, const char *name, const struct type *t)
{
    uint64_t h = 0xcbf29ce484222325u ^ type_hash(t);

    for (const char *c = job; *c; c++)
        h = (h ^ (uint8_t)*c) * 0x100000001b3u;
    h = (h ^ '/') * 0x100000001b3u;
    for (const char *c = name; *c; c++)
        h = (h ^ (uint8_t)*c) * 0x100000001b3u;
    return h ^ h >> 29;
}

static struct stage *stage_new(struct lowering *l, int source, struct exchange *from,
                               const struct type *t, const char *name, uint64_t every)
{
    struct plan *p = l->p;

    if (p->stages_cnt == PLAN_STAGES_MAX) {
        l->err = "the job has too many stages";
        return NULL;
    }
    struct stage *s = zone_alloc(l->z, sizeof *s);
    s->idx = p->stages_cnt;
    s->source = source;
    s->from = from;
    s->type = t;
    s->slide = every;
    s->fingerprint = fingerprint(p->job, name, t);
    s->root = zone_alloc(l->z, sizeof *s->root);
    s->root->kind = PN_PASS;
    s->root->type = t;
    s->root->idx = p->nodes_cnt++;
    p->stage[p->stages_cnt++] = s;
    return s;
}

static struct pnode *pnode_new(struct lowering *l, struct here *h, enum pnode_kind kind,
                               const struct dstream *d, const struct type *t)
{
    struct pnode *parent = h->parent;

    if (parent->kids_cnt == sizeof parent->kid / sizeof parent->kid[0]) {
        l->err = "a stream has too many readers";
        return NULL;
    }
    if (l->p->nodes_cnt == PLAN_NODES_MAX) { /* each union may double what is below it */
        l->err = "the job has too many unions of unions";
        return NULL;
    }
    struct pnode *n = zone_alloc(l->z, sizeof *n);
    n->kind = kind;
    n->node = d;
    n->from = parent->type;
    n->type = t;
    n->parent = parent;
    n->side = h->side;
    n->idx = l->p->nodes_cnt++;
    if (d && d->fn) {
        if (!l->fails[d->idx]) {
            l->p->fail[l->p->fails_cnt] = d;
            l->fails[d->idx] = ++l->p->fails_cnt;
        }
        n->fail_idx = l->fails[d->idx] - 1;
    }
    parent->kid[parent->kids_cnt++] = n;
    return n;
}

static bool agg_all(const struct agg_spec *a, enum agg_fn fn)
{
    for (uint32_t i = 0; i < a->leaves_cnt; i++)
        if (a->leaf[i].fn != fn)
            return false;
    return true;
}

/* Sums of ints subtract exactly, so they are incremental with or without a written inverse. An
 * inverse that is no native one runs as written; floats recombine. */
static void exchange_set_inverse(struct exchange *x, const struct lambda *inverse)
{
    if (x->agg.count_only || agg_all(&x->agg, AGG_SUM_INT)) {
        x->inverse = true;
    } else if (inverse && x->agg.lambda) {
        x->inverse = true;
        x->inverse_lambda = inverse;
    }
}

static struct exchange *exchange_new(struct lowering *l, enum exchange_kind kind,
                                     const struct dstream *d, const struct type *key,
                                     const struct type *value, const struct type *emits)
{
    struct plan *p = l->p;

    if (p->exchanges_cnt == PLAN_EXCHANGES_MAX) {
        l->err = "the job has too many wide operators";
        return NULL;
    }
    struct exchange *x = zone_alloc(l->z, sizeof *x);
    x->kind = kind;
    x->idx = p->exchanges_cnt;
    x->node = d;
    x->name = d->name ? d->name : "";
    x->key = key;
    x->value = value;
    x->type = emits;
    x->partitions = key ? p->partitions : 1;
    x->fingerprint = fingerprint(p->job, x->name, emits) + 1;
    p->exchange[p->exchanges_cnt++] = x;
    l->of[d->idx] = x;
    return x;
}

/* What each wide operator is, as an exchange. */
static struct exchange *exchange_for(struct lowering *l, const struct dstream *d)
{
    const struct type *in = d->parent[0]->type;
    const struct type *key = type_is_pair(in) ? pair_part(in, 0) : NULL;
    const struct type *value = type_is_pair(in) ? pair_part(in, 1) : NULL;
    struct exchange *x;

    switch (d->op) {
    case OP_REDUCE_BY_KEY:
    case OP_RUNNING_REDUCE:
    case OP_REDUCE_BY_KEY_AND_WINDOW:
        x = exchange_new(l, EX_AGG, d, key, value, d->type);
        if (x)
            plan_agg(&x->agg, value, d->fn);
        return x;
    case OP_REDUCE:
    case OP_REDUCE_BY_WINDOW:
        x = exchange_new(l, EX_AGG, d, NULL, in, d->type);
        if (x)
            plan_agg(&x->agg, in, d->fn);
        return x;
    case OP_COUNT_BY_VALUE:
    case OP_COUNT_BY_VALUE_AND_WINDOW:
    case OP_COUNT:
    case OP_COUNT_BY_WINDOW:
        key = d->type->kind == TYPE_INT ? NULL : in;
        x = exchange_new(l, EX_AGG, d, key, &type_int, d->type);
        if (x) {
            x->agg.row_bytes = 8;
            x->agg.count_only = true;
            x->emits_empty = !key;
        }
        return x;
    case OP_DISTINCT:
        x = exchange_new(l, EX_AGG, d, in, NULL, d->type);
        if (x) {
            x->agg.row_bytes = 8;
            x->agg.count_only = true;
        }
        return x;
    case OP_GROUP_BY_KEY:
    case OP_GROUP_BY_KEY_AND_WINDOW:
        x = exchange_new(l, EX_ROWS, d, key, value, d->type);
        if (x)
            x->group = true;
        return x;
    case OP_TOP:
    case OP_WINDOW:
        x = exchange_new(l, EX_ROWS, d, NULL, in, d->type);
        if (x)
            x->top_cnt = d->top_cnt;
        return x;
    default: MR_ASSERT(!"a wide operator"); return NULL;
    }
}

static void exchange_window(struct exchange *x, const struct dstream *d, const struct here *h)
{
    x->len = 1;
    x->slide = h->every;
    if (d->op == OP_RUNNING_REDUCE) {
        x->len = WINDOW_FOREVER;
    } else if (d->window_len) {
        x->len = d->window_len;
        x->slide = d->slide ? d->slide : h->every;
    } else if (h->len) {
        x->len = h->len;
        x->slide = h->slide;
    }
}

static void lower_exchange(struct lowering *l, const struct dstream *d, struct here h)
{
    struct exchange *x = l->of[d->idx];
    bool fresh = !x;

    if (fresh) {
        x = exchange_for(l, d);
        if (!x)
            return;
        exchange_window(x, d, &h);
        x->ones = plan_ones(h.parent, x);
        exchange_set_inverse(x, d->inverse);
    } else {
        x->ones &= plan_ones(h.parent, x); /* a union of which perhaps one side writes ones */
    }
    struct pnode *w =
        pnode_new(l, &h, x->kind == EX_AGG ? PN_WRITE_AGG : PN_WRITE_ROWS, d, x->type);
    if (!w)
        return;
    x->fail_idx = w->fail_idx;
    w->exchange = x;
    w->row_is_key = x->kind == EX_AGG && x->key && x->key == d->parent[0]->type;
    h.stage->writes |= 1ull << x->idx;
    x->upstream |= 1ull << h.stage->idx;
    if (!fresh)
        return;
    struct stage *s = stage_new(l, -1, x, x->type, x->name, x->slide);
    if (!s)
        return;
    x->stage = s->idx;
    lower_readers(l, d, (struct here){.stage = s, .parent = s->root, .every = x->slide});
}

/* Outputs are numbered in program order, before the walk: they leave in it. */
static void number_outputs(struct lowering *l)
{
    struct plan *p = l->p;

    for (uint32_t i = 0; i < l->g->nodes_cnt; i++) {
        const struct dstream *d = l->g->node[i], *from = d->parent[0];
        if (d->op != OP_OUTPUT)
            continue;
        if (p->outputs_cnt == PLAN_OUTPUTS_MAX) {
            l->err = "the job has too many outputs";
            return;
        }
        bool pair = type_is_pair(from->type);
        p->output[p->outputs_cnt].stream = (struct out_stream){
            .job = p->job,
            .name = from->name,
            .type = from->type,
            .key = pair ? pair_part(from->type, 0) : NULL,
            .value = pair ? pair_part(from->type, 1) : from->type,
            .order = from->op == OP_TOP ? ROWS_BY_RANK
                     : pair             ? ROWS_BY_KEY
                                        : ROWS_AS_CAME,
            .sink_idx = d->sink_idx,
            .interval_ns = p->interval_ns,
        };
        l->outputs[d->idx] = p->outputs_cnt++;
    }
}

static void lower_output(struct lowering *l, const struct dstream *d, struct here h)
{
    struct pnode *n = pnode_new(l, &h, PN_OUTPUT, d, d->parent[0]->type);

    if (!n)
        return;
    n->output = l->outputs[d->idx];
    l->p->output[n->output].slide = h.every;
    h.stage->outputs |= 1ull << n->output;
}

static void lower_narrow(struct lowering *l, const struct dstream *d, struct here h)
{
    enum pnode_kind kind = d->op == OP_FILTER                          ? PN_FILTER
                           : d->op == OP_UNION                         ? PN_PASS
                           : d->op == OP_MAP || d->op == OP_MAP_VALUES ? PN_MAP
                                                                       : PN_FLAT_MAP;
    struct pnode *n = pnode_new(l, &h, kind, d, d->type);

    if (!n)
        return;
    n->fn = d->fn;
    n->on_value = d->op == OP_MAP_VALUES || d->op == OP_FLAT_MAP_VALUES;
    h.parent = n;
    lower_readers(l, d, h);
}

/* A window that meets what cannot carry it becomes rows that are kept. */
static bool needs_own_window(const struct dstream *reader)
{
    return reader->op == OP_OUTPUT || reader->op == OP_UNION || reader->op == OP_WINDOW ||
           reader->op == OP_RUNNING_REDUCE || reader->window_len;
}

static bool already_writes(const struct pnode *n, const struct exchange *x)
{
    for (uint32_t i = 0; i < n->kids_cnt; i++)
        if (n->kid[i]->exchange == x)
            return true;
    return false;
}

/* w.union(w) reads twice. */
static uint32_t reads_cnt(const struct dstream *d, const struct dstream *s)
{
    return (d->parent[0] == s) + (d->parent[1] == s);
}

/* The rows of `from` are kept for the window that is on its way; d reads them from there. */
static void lower_kept_window(struct lowering *l, const struct dstream *from,
                              const struct dstream *d, struct here h)
{
    struct exchange *x = l->of[from->idx];

    if (!x) {
        x = exchange_new(l, EX_ROWS, from, NULL, from->type, from->type);
        if (!x)
            return;
        x->len = h.len;
        x->slide = h.slide;
        struct stage *s = stage_new(l, -1, x, x->type, x->name, x->slide);
        if (!s)
            return;
        x->stage = s->idx;
    }
    if (!already_writes(h.parent, x)) {
        struct pnode *w = pnode_new(l, &h, PN_WRITE_ROWS, NULL, x->type);
        if (!w)
            return;
        w->exchange = x;
        h.stage->writes |= 1ull << x->idx;
        x->upstream |= 1ull << h.stage->idx;
    }
    if (l->under_kept[from->idx][d->idx] == reads_cnt(d, from))
        return;
    l->under_kept[from->idx][d->idx]++;
    struct stage *s = l->p->stage[x->stage];
    lower_reader(l, from, d,
                 (struct here){.stage = s, .parent = s->root, .every = x->slide, .side = h.side});
}

static void lower_reader(struct lowering *l, const struct dstream *from, const struct dstream *d,
                         struct here h)
{
    if (h.len && needs_own_window(d)) {
        lower_kept_window(l, from, d, h);
        return;
    }
    switch (d->op) {
    case OP_MAP:
    case OP_FLAT_MAP:
    case OP_MAP_VALUES:
    case OP_FLAT_MAP_VALUES:
    case OP_FILTER:
    case OP_UNION: lower_narrow(l, d, h); return;
    case OP_WINDOW:
        h.len = d->window_len;
        h.slide = h.every = d->slide ? d->slide : h.every;
        lower_readers(l, d, h);
        return;
    case OP_OUTPUT: lower_output(l, d, h); return;
    default: lower_exchange(l, d, h);
    }
}

static void lower_readers(struct lowering *l, const struct dstream *s, struct here h)
{
    for (uint32_t i = 0; i < l->g->nodes_cnt && !l->err; i++) {
        const struct dstream *d = l->g->node[i];
        for (uint32_t k = 0; k < 2; k++) { /* s.union(s) reads twice */
            h.side = k;
            if (d->parent[k] == s && (k == 0 || d->op == OP_UNION))
                lower_reader(l, s, d, h);
        }
    }
}

static uint32_t writers_cnt(const struct pnode *n)
{
    uint32_t cnt = n->exchange || n->kind == PN_OUTPUT;

    for (uint32_t i = 0; i < n->kids_cnt; i++)
        cnt += writers_cnt(n->kid[i]);
    return cnt;
}

struct plan *plan_build(const struct dgraph *g, const char *job, uint32_t partitions,
                        struct zone *z, char *err, size_t err_bytes)
{
    struct plan *p = zone_alloc(z, sizeof *p);
    struct lowering *l = zone_alloc(z, sizeof *l);

    *l = (struct lowering){.p = p, .g = g, .z = z};

    p->job = job;
    p->interval_ns = g->interval_ns;
    p->partitions = partitions;
    number_outputs(l);
    for (uint32_t i = 0; i < g->nodes_cnt && !l->err; i++) {
        const struct dstream *d = g->node[i];
        if (d->op != OP_SOURCE)
            continue;
        struct stage *s = stage_new(l, (int)d->source_idx, NULL, d->type, d->name, 1);
        if (s)
            lower_readers(l, d, (struct here){.stage = s, .parent = s->root, .every = 1});
    }
    for (uint32_t i = 0; i < p->stages_cnt && !l->err; i++)
        if (writers_cnt(p->stage[i]->root) > STAGE_WRITERS_MAX)
            l->err = "a stream is written to too many places";
    if (l->err) {
        snprintf(err, err_bytes, "%s", l->err);
        return NULL;
    }
    plan_finish(p);
    return p;
}
