#include "tests/common/reference.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "io/render.h"
#include "tests/common/ref_rdd.h"

// ---- RDDs ----

struct ref_row *rdd_add(struct ref_rdd *d)
{
    if (d->cnt == d->room) {
        d->room = d->room ? 2 * d->room : 16;
        d->row = realloc(d->row, d->room * sizeof *d->row);
        MR_ASSERT(d->row);
    }
    struct ref_row *row = &d->row[d->cnt++];
    *row = (struct ref_row){0};
    return row;
}

static void merge_sort(struct ref_row *row, struct ref_row *spare, uint32_t n,
                       int (*cmp)(const struct ref_row *, const struct ref_row *, void *),
                       void *ctx)
{
    if (n < 2)
        return;
    uint32_t half = n / 2;
    merge_sort(row, spare, half, cmp, ctx);
    merge_sort(row + half, spare, n - half, cmp, ctx);
    memcpy(spare, row, half * sizeof *row);
    for (uint32_t a = 0, b = half, i = 0; a < half; i++)
        row[i] = b < n && cmp(&row[b], &spare[a], ctx) < 0 ? row[b++] : spare[a++];
}

void rdd_sort(struct ref_rdd *d, int (*cmp)(const struct ref_row *, const struct ref_row *, void *),
              void *ctx)
{
    struct ref_row *spare = malloc((d->cnt + 1) * sizeof *spare);
    MR_ASSERT(spare);
    merge_sort(d->row, spare, d->cnt, cmp, ctx);
    free(spare);
}

int ref_ord_cmp(const struct ref_ord *a, const struct ref_ord *b)
{
    if (a->origin != b->origin)
        return a->origin < b->origin ? -1 : 1;
    return (a->at > b->at) - (a->at < b->at);
}

// ---- the graph ----

static uint64_t slide_of(const struct ref *r, const struct dstream *d)
{
    if (d->slide)
        return d->slide;
    return d->parent[0] ? r->stream[d->parent[0]->idx].slide : 1;
}

// Does the stream stand behind a shuffle by key or a top, so that its rows have no order?
static bool lost_order(const struct dstream *d)
{
    switch (d->op) {
    case OP_REDUCE_BY_KEY:
    case OP_GROUP_BY_KEY:
    case OP_COUNT_BY_VALUE:
    case OP_DISTINCT:
    case OP_TOP:
    case OP_REDUCE_BY_KEY_AND_WINDOW:
    case OP_GROUP_BY_KEY_AND_WINDOW:
    case OP_COUNT_BY_VALUE_AND_WINDOW:
    case OP_RUNNING_REDUCE: return true;
    default: break;
    }
    for (int i = 0; i < 2; i++)
        if (d->parent[i] && lost_order(d->parent[i]))
            return true;
    return false;
}

static void add_output(struct ref *r, const struct dstream *d, const char *job)
{
    const struct dstream *from = d->parent[0];
    bool pair = type_is_pair(from->type);
    r->output_node[r->outputs_cnt] = d->idx;
    r->out_stream[r->outputs_cnt++] = (struct out_stream){
        .job = job,
        .name = from->name,
        .type = from->type,
        .key = pair ? from->type->part[0] : NULL,
        .value = pair ? from->type->part[1] : from->type,
        .order = from->op == OP_TOP ? ROWS_BY_RANK
                 : pair             ? ROWS_BY_KEY
                                    : ROWS_AS_CAME,
        .by_value = from->op != OP_TOP && lost_order(from),
        .sink_idx = d->sink_idx,
        .interval_ns = r->g->interval_ns,
    };
}

struct ref *ref_new(const struct dgraph *g, const char *job, uint32_t partitions)
{
    struct ref *r = calloc(1, sizeof *r);
    MR_ASSERT(r);
    r->g = g;
    r->partitions = partitions;
    for (uint32_t i = 0; i < g->nodes_cnt; i++) {
        r->stream[i].slide = slide_of(r, g->node[i]);
        if (g->node[i]->op == OP_OUTPUT)
            add_output(r, g->node[i], job);
    }
    return r;
}

void ref_free(struct ref *r)
{
    for (uint32_t i = 0; i < r->g->nodes_cnt; i++) {
        for (uint32_t k = 0; k < r->stream[i].rdds_cnt; k++)
            free(r->stream[i].rdd[k].row);
        free(r->stream[i].rdd);
    }
    for (uint32_t i = 0; i < sizeof r->fed / sizeof *r->fed; i++)
        free(r->fed[i].row);
    zone_free(&r->zone);
    free(r);
}

// ---- input ----

static const struct dstream *source_node(const struct ref *r, uint32_t source_idx)
{
    for (uint32_t i = 0; i < r->g->nodes_cnt; i++)
        if (r->g->node[i]->op == OP_SOURCE && r->g->node[i]->source_idx == source_idx)
            return r->g->node[i];
    MR_ASSERT(!"a source of the job");
    return NULL;
}

static void add_record(struct ref *r, uint32_t source_idx, struct ref_val *leaf)
{
    struct ref_rdd *d = &r->fed[source_idx];
    uint32_t at = d->cnt;
    *rdd_add(d) = (struct ref_row){leaf, {.origin = source_idx, .at = at}};
}

void ref_feed(struct ref *r, uint32_t source_idx, const struct ref_val *leaf)
{
    uint32_t n = type_leaves(source_node(r, source_idx)->type);
    struct ref_val *copy = zone_alloc(&r->zone, n * sizeof *copy);
    for (uint32_t i = 0; i < n; i++)
        copy[i] = ref_copy(&r->zone, &leaf[i]);
    add_record(r, source_idx, copy);
}

void ref_feed_vec(struct ref *r, uint32_t source_idx, const struct vec *v)
{
    uint32_t n = type_leaves(source_node(r, source_idx)->type);
    for (uint32_t i = 0; i < v->sel_cnt; i++) {
        struct ref_val *leaf = zone_alloc(&r->zone, n * sizeof *leaf);
        for (uint32_t k = 0; k < n; k++)
            leaf[k] = ref_of_col(&r->zone, &v->col[k], vec_row(v, i));
        add_record(r, source_idx, leaf);
    }
}

// ---- an interval ----

// The rows of the RDDs of a stream in the last `len` intervals, one after the other.
static struct ref_rdd window_of(const struct ref_stream *s, uint64_t n, uint64_t len)
{
    struct ref_rdd rows = {0};
    for (uint32_t k = 0; k < s->rdds_cnt; k++)
        for (uint32_t i = 0; n - s->rdd[k].interval < len && i < s->rdd[k].cnt; i++)
            *rdd_add(&rows) = s->rdd[k].row[i];
    return rows;
}

static uint64_t window_len(const struct dstream *d)
{
    if (d->op == OP_RUNNING_REDUCE)
        return UINT64_MAX;
    return d->window_len ? d->window_len : 1;
}

static bool is_narrow(const struct dstream *d)
{
    return d->op > OP_SOURCE && d->op <= OP_UNION;
}

static void compute(struct ref *r, const struct dstream *d, uint64_t n, struct ref_rdd *to)
{
    if (d->op == OP_SOURCE) {
        struct ref_rdd *fed = &r->fed[d->source_idx];
        for (uint32_t i = 0; i < fed->cnt; i++)
            *rdd_add(to) = fed->row[i];
        return;
    }
    const struct ref_stream *a = &r->stream[d->parent[0]->idx];
    if (is_narrow(d) || d->op == OP_OUTPUT) {
        const struct ref_stream *b = d->parent[1] ? &r->stream[d->parent[1]->idx] : a;
        ref_narrow(r, d, &a->rdd[a->rdds_cnt - 1], &b->rdd[b->rdds_cnt - 1], to);
        return;
    }
    struct ref_rdd rows = window_of(a, n, window_len(d));
    ref_wide(r, d, &rows, to);
    free(rows.row);
}

static void step(struct ref *r, const struct dstream *d, uint64_t n)
{
    struct ref_stream *s = &r->stream[d->idx];
    struct ref_rdd rdd = {.interval = n, .active = (n + 1) % s->slide == 0};
    MR_ASSERT(!s->rdds_cnt || s->rdd[s->rdds_cnt - 1].interval < n);
    if (rdd.active)
        compute(r, d, n, &rdd);
    if (s->rdds_cnt == s->room) {
        s->room = s->room ? 2 * s->room : 16;
        s->rdd = realloc(s->rdd, s->room * sizeof *s->rdd);
        MR_ASSERT(s->rdd);
    }
    s->rdd[s->rdds_cnt++] = rdd;
}

// ---- output ----

static int by_key(const struct ref_row *a, const struct ref_row *b, void *ctx)
{
    const struct out_stream *s = ctx;
    int c = s->key ? ref_cmp(s->key, a->leaf, b->leaf) : 0;
    if (c || !s->by_value)
        return c ? c : ref_ord_cmp(&a->ord, &b->ord);
    uint32_t keys = s->key ? type_leaves(s->key) : 0;
    return ref_cmp(s->value, a->leaf + keys, b->leaf + keys);
}

static void put_row(struct render *render, const struct out_stream *s, const struct ref_row *row,
                    struct strbuf *out)
{
    struct strbuf body = {0};
    struct row_hdr h = {0};
    strbuf_add(&body, (const char *)&h, sizeof h);
    if (s->key)
        ref_encode(&body, s->key, row->leaf);
    h.key_bytes = (uint32_t)(body.len - sizeof h);
    ref_encode(&body, s->value, row->leaf + (s->key ? type_leaves(s->key) : 0));
    h.val_bytes = (uint32_t)(body.len - sizeof h - h.key_bytes);
    memcpy(body.s, &h, sizeof h);
    render_json(render, out, (const struct row_hdr *)(const void *)body.s);
    strbuf_release(&body);
}

// The rows in an array of their own: sorting them must not reach the windows that read them.
static struct ref_rdd rdd_copy(const struct ref_rdd *d)
{
    struct ref_rdd c = {.cnt = d->cnt, .room = d->cnt};
    c.row = calloc(d->cnt + 1, sizeof *c.row);
    MR_ASSERT(c.row);
    if (d->cnt)
        memcpy(c.row, d->row, d->cnt * sizeof *c.row);
    return c;
}

static void put_output(struct ref *r, uint32_t output, uint64_t n, bool complete,
                       struct strbuf *out)
{
    const struct out_stream *s = &r->out_stream[output];
    struct ref_stream *stream = &r->stream[r->output_node[output]];
    struct ref_rdd leaving = rdd_copy(&stream->rdd[stream->rdds_cnt - 1]), *d = &leaving;
    struct out_rdd rdd = {.stream = s, .interval = n, .complete = complete};
    struct render render = {0};
    if (s->order == ROWS_BY_KEY || s->by_value)
        rdd_sort(d, by_key, (void *)(uintptr_t)s);
    render_json_begin(&render, &rdd);
    for (uint32_t i = 0; i < d->cnt; i++)
        put_row(&render, s, &d->row[i], out);
    free(leaving.row);
    render_release(&render);
}

void ref_interval(struct ref *r, uint64_t n, bool complete, struct strbuf *out)
{
    for (uint32_t i = 0; i < r->g->nodes_cnt; i++)
        step(r, r->g->node[i], n);
    for (uint32_t i = 0; i < sizeof r->fed / sizeof *r->fed; i++)
        r->fed[i].cnt = 0;
    for (uint32_t i = 0; i < r->outputs_cnt; i++)
        put_output(r, i, n, complete, &out[i]);
}

void ref_interval_all(struct ref *r, uint64_t n, bool complete, struct strbuf *out)
{
    struct strbuf *each = calloc(r->outputs_cnt + 1, sizeof *each);
    MR_ASSERT(each);
    ref_interval(r, n, complete, each);
    for (uint32_t i = 0; i < r->outputs_cnt; i++) {
        if (each[i].len)
            strbuf_add(out, each[i].s, each[i].len);
        strbuf_release(&each[i]);
    }
    free(each);
}

uint32_t ref_outputs(const struct ref *r)
{
    return r->outputs_cnt;
}

const struct out_stream *ref_stream(const struct ref *r, uint32_t output)
{
    return &r->out_stream[output];
}

uint64_t ref_failed(const struct ref *r, uint32_t node_idx)
{
    return r->stream[node_idx].failed;
}
