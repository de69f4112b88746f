/* Statements and chains: from names and operators to nodes of the graph. */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "job/check.h"
#include "rdd/parse.h"

#define NAMES_MAX      512u
#define NAME_BYTES_MAX 200u /* of a stream: it becomes the name of a folder */

/* ---- names ---- */

struct stream_name *stream_find(const struct checker *ck, const char *name)
{
    for (struct stream_name *s = ck->streams; s; s = s->next)
        if (!strcmp(s->name, name))
            return s;
    return NULL;
}

static struct stream_name *stream_add(struct checker *ck, const char *name, struct span at,
                                      struct dstream *node)
{
    struct stream_name *s = zone_alloc(ck->program->zone, sizeof *s);

    *s = (struct stream_name){.name = name, .node = node, .at = at};
    *ck->streams_end = s;
    ck->streams_end = &s->next;
    return s;
}

static const char *did_you_mean(struct checker *ck, const struct ast *a, const char *const *list)
{
    const char *near = diag_nearest(a->s, a->s_len, list);

    return near ? zone_printf(ck->program->zone, "did you mean '%s'?", near) : NULL;
}

static int sink_find(const struct job *j, const char *name)
{
    for (uint32_t i = 0; i < j->sinks_cnt; i++)
        if (!strcmp(j->sink[i].name, name))
            return (int)i;
    return -1;
}

static void unknown_stream(struct checker *ck, const struct ast *a)
{
    const char *names[NAMES_MAX + 1], *hint;
    uint32_t n = 0;

    for (const struct stream_name *s = ck->streams; s && n < NAMES_MAX; s = s->next)
        names[n++] = s->name;
    names[n] = NULL;
    hint = did_you_mean(ck, a, names);
    for (const struct statement *st = ck->statements; st; st = st->next)
        if (st->name && !strcmp(st->name, a->s))
            hint = zone_printf(ck->program->zone, "it is defined later, at line %u",
                               st->name_at.from.line);
    if (sink_find(ck->job, a->s) >= 0)
        hint = "it is a sink: stream.output(sink)";
    check_error(ck, a->at, hint, "no stream '%s'", a->s);
}

static struct dstream *check_stream_name(struct checker *ck, const struct ast *a)
{
    struct stream_name *s = stream_find(ck, a->s);

    if (!s) {
        if (ck->job->sources_known)
            unknown_stream(ck, a);
        return NULL;
    }
    s->read = true;
    return s->node;
}

static bool is_not_built(const char *name)
{
    for (uint32_t i = 0; op_not_built[i]; i++)
        if (!strcmp(op_not_built[i], name))
            return true;
    return false;
}

static const struct op_desc *check_op_name(struct checker *ck, const struct ast *a)
{
    const struct op_desc *op = op_find(a->s);
    const char *names[OP_KINDS_CNT];
    uint32_t n = 0;

    if (op)
        return op;
    for (uint32_t i = 0; i < OP_KINDS_CNT; i++)
        if (op_table[i].name)
            names[n++] = op_table[i].name;
    names[n] = NULL;
    const char *hint = did_you_mean(ck, a, names);
    if (is_not_built(a->s))
        check_error(ck, a->at, NULL, "the operator '%s' is not built yet", a->s);
    else
        check_error(ck, a->at, hint ? hint : "`millrace list operators` lists them",
                    "unknown operator '%s'", a->s);
    return NULL;
}

/* ---- arguments ---- */

struct op_args {
    const struct ast *fn, *inverse;
    uint64_t len_ns, slide_ns, count;
    struct dstream *stream;
    uint32_t sink;
    bool bad;
};

static void bad_arg(struct checker *ck, struct op_args *out, struct span at, const char *hint,
                    const char *text)
{
    out->bad = true;
    check_error(ck, at, hint, "%s", text);
}

static void take_duration(struct checker *ck, struct op_args *out, const struct ast *a,
                          uint64_t *ns)
{
    int64_t v;

    if (a->kind == AST_STRING && !parse_duration_ns(a->s, a->s_len, &v) && v > 0)
        *ns = (uint64_t)v;
    else
        bad_arg(ck, out, a->all, "such as \"30s\", \"500ms\", \"2m\"",
                "a duration in quotes is expected here");
}

static void take_sink(struct checker *ck, struct op_args *out, const struct ast *a)
{
    const char *names[JOB_SINKS_MAX + 1];
    const struct job *j = ck->job;

    if (a->kind != AST_NAME) {
        bad_arg(ck, out, a->all, NULL, "the name of a sink is expected here");
        return;
    }
    int i = sink_find(j, a->s);
    if (i >= 0) {
        out->sink = (uint32_t)i;
        ck->sink_used[i] = true;
        return;
    }
    out->bad = true;
    if (!j->sinks_known)
        return;
    for (uint32_t s = 0; s < j->sinks_cnt; s++)
        names[s] = j->sink[s].name;
    names[j->sinks_cnt] = NULL;
    const char *hint = did_you_mean(ck, a, names);
    check_error(ck, a->at,
                hint           ? hint
                : j->sinks_cnt ? NULL
                               : "sinks: { screen: { type: console } }",
                "no sink '%s'", a->s);
}

/* Takes argument `a` as `kind`; false when an optional one is not there. */
static bool take_arg(struct checker *ck, struct op_args *out, enum op_arg kind, const struct ast *a)
{
    switch (kind) {
    case OP_ARG_LAMBDA:
    case OP_ARG_REDUCE:
        out->fn = a;
        if (a->kind != AST_LAMBDA)
            bad_arg(ck, out, a->all, kind == OP_ARG_LAMBDA ? "x => ..." : "(a, b) => ...",
                    "a lambda is expected here");
        break;
    case OP_ARG_INVERSE:
        if (a->kind != AST_LAMBDA)
            return false;
        out->inverse = a;
        break;
    case OP_ARG_LENGTH: take_duration(ck, out, a, &out->len_ns); break;
    case OP_ARG_SLIDE: take_duration(ck, out, a, &out->slide_ns); break;
    case OP_ARG_COUNT:
        if (a->kind == AST_INT && a->i > 0)
            out->count = (uint64_t)a->i;
        else
            bad_arg(ck, out, a->all, NULL, "a positive number is expected here");
        break;
    case OP_ARG_STREAM:
        out->stream = check_chain(ck, a);
        out->bad |= !out->stream;
        break;
    case OP_ARG_SINK: take_sink(ck, out, a); break;
    case OP_ARG_NONE: break;
    }
    return true;
}

/* kid[0] is the stream, the arguments follow. */
static void take_args(struct checker *ck, struct op_args *out, const struct op_desc *op,
                      const struct ast *a)
{
    uint32_t next = 1;
    bool missing = false;

    for (uint32_t i = 0; i < OP_ARGS_MAX && op->arg[i] != OP_ARG_NONE; i++) {
        bool optional = op->arg[i] == OP_ARG_INVERSE || op->arg[i] == OP_ARG_SLIDE;
        if (next < a->cnt)
            next += take_arg(ck, out, op->arg[i], a->kid[next]);
        else
            missing |= !optional;
    }
    if (out->bad || (!missing && next == a->cnt))
        return;
    out->bad = true;
    check_error(ck, missing ? a->at : a->kid[next]->all, op->signature, "%s to '%s'",
                missing ? "too few arguments" : "too many arguments", op->name);
}

/* ---- operators ---- */

static struct dstream *make_node(struct dgraph *g, const struct op_desc *op, struct dstream *s,
                                 const struct op_args *a, struct lambda *f, struct lambda *inv)
{
    switch (op->kind) {
    case OP_MAP: return dstream_map(g, s, f);
    case OP_FLAT_MAP: return dstream_flat_map(g, s, f);
    case OP_MAP_VALUES: return dstream_map_values(g, s, f);
    case OP_FLAT_MAP_VALUES: return dstream_flat_map_values(g, s, f);
    case OP_FILTER: return dstream_filter(g, s, f);
    case OP_UNION: return dstream_union(g, s, a->stream);
    case OP_REDUCE_BY_KEY: return dstream_reduce_by_key(g, s, f);
    case OP_GROUP_BY_KEY: return dstream_group_by_key(g, s);
    case OP_COUNT_BY_VALUE: return dstream_count_by_value(g, s);
    case OP_COUNT: return dstream_count(g, s);
    case OP_REDUCE: return dstream_reduce(g, s, f);
    case OP_DISTINCT: return dstream_distinct(g, s);
    case OP_TOP: return dstream_top(g, s, a->count);
    case OP_WINDOW: return dstream_window(g, s, a->len_ns, a->slide_ns);
    case OP_REDUCE_BY_WINDOW: return dstream_reduce_by_window(g, s, f, inv, a->len_ns, a->slide_ns);
    case OP_REDUCE_BY_KEY_AND_WINDOW:
        return dstream_reduce_by_key_and_window(g, s, f, inv, a->len_ns, a->slide_ns);
    case OP_GROUP_BY_KEY_AND_WINDOW:
        return dstream_group_by_key_and_window(g, s, a->len_ns, a->slide_ns);
    case OP_COUNT_BY_WINDOW: return dstream_count_by_window(g, s, a->len_ns, a->slide_ns);
    case OP_COUNT_BY_VALUE_AND_WINDOW:
        return dstream_count_by_value_and_window(g, s, a->len_ns, a->slide_ns);
    case OP_RUNNING_REDUCE: return dstream_running_reduce(g, s, f);
    case OP_OUTPUT: return dstream_output(g, s, a->sink);
    case OP_SOURCE:
    case OP_KINDS_CNT: break;
    }
    MR_ASSERT(!"an operator");
    return NULL;
}

/* Where a refusal of the graph points: an argument (a lambda: its body), or the operator. */
static struct span span_of_arg(const struct ast *a, int arg)
{
    if (arg < 0 || (uint32_t)arg + 1 >= a->cnt)
        return a->at;
    const struct ast *kid = a->kid[arg + 1];
    return kid->kind == AST_LAMBDA ? kid->kid[kid->cnt - 1]->all : kid->all;
}

/* What a lambda sees: the value of a pair where the operator is about values, else the row. */
static const struct type *lambda_type(const struct op_desc *op, const struct type *row)
{
    return op->keyed ? row->part[1] : row;
}

static bool refuse_output_twice(struct checker *ck, const struct ast *a, const struct dstream *s,
                                uint32_t sink)
{
    const struct dgraph *g = &ck->job->graph;

    for (uint32_t i = 0; i < g->nodes_cnt; i++) {
        if (g->node[i]->op != OP_OUTPUT || g->node[i]->parent[0] != s ||
            g->node[i]->sink_idx != sink)
            continue;
        check_error(ck, a->at, NULL, "this stream goes to sink '%s' already",
                    ck->job->sink[sink].name);
        return true;
    }
    return false;
}

/* What a full graph refuses is said once, not for every stream that is left. */
static bool graph_is_full(struct checker *ck, const struct ast *a)
{
    if (ck->job->graph.nodes_cnt < GRAPH_NODES_MAX)
        return false;
    if (!ck->full)
        check_error(ck, a->at, NULL, "a job has at most %u streams", GRAPH_NODES_MAX);
    ck->full = true;
    return true;
}

static struct dstream *apply(struct checker *ck, const struct op_desc *op, struct dstream *s,
                             const struct op_args *args, const struct ast *a)
{
    struct lambda *f = NULL, *inverse = NULL;
    struct dgraph *g = &ck->job->graph;
    bool reduce = op->arg[0] == OP_ARG_REDUCE;

    if (graph_is_full(ck, a))
        return NULL;
    if (op->keyed && !type_is_pair(s->type)) {
        check_error(ck, a->at, "make pairs first: .map(x => (x, 1))",
                    "%s needs pairs (key, value), and the rows are %s", op->name,
                    type_name(ck, s->type));
        return NULL;
    }
    if (args->fn)
        f = check_lambda(ck, args->fn, lambda_type(op, s->type), reduce);
    if (args->inverse)
        inverse = check_lambda(ck, args->inverse, lambda_type(op, s->type), true);
    if ((args->fn && !f) || (args->inverse && !inverse))
        return NULL;
    if (op->kind == OP_OUTPUT && refuse_output_twice(ck, a, s, args->sink))
        return NULL;
    struct dstream *d = make_node(g, op, s, args, f, inverse);
    if (!d) {
        check_error(ck, span_of_arg(a, g->err_arg), NULL, "%s", g->err);
        return NULL;
    }
    d->at = a->at.from;
    if (reduce)
        warn_about_reduce(ck, args->fn, f);
    return d;
}

/* One operator of a chain. Arguments are looked at even when the stream is poisoned. */
static struct dstream *check_method(struct checker *ck, const struct ast *a)
{
    struct dstream *s = check_chain(ck, a->kid[0]);
    struct op_args args = {.bad = false};

    if (s && s->op == OP_OUTPUT) {
        check_error(ck, a->at, NULL, "nothing follows output: it gives no stream");
        return NULL;
    }
    const struct op_desc *op = check_op_name(ck, a);
    if (!op)
        return NULL;
    take_args(ck, &args, op, a);
    return s && !args.bad ? apply(ck, op, s, &args, a) : NULL;
}

struct dstream *check_chain(struct checker *ck, const struct ast *a)
{
    switch (a->kind) {
    case AST_NAME: return check_stream_name(ck, a);
    case AST_METHOD: return check_method(ck, a);
    case AST_FIELD:
        check_chain(ck, a->kid[0]);
        if (check_op_name(ck, a))
            check_error(ck, a->at, op_find(a->s)->signature, "'%s' is called with parentheses",
                        a->s);
        return NULL;
    case AST_CALL:
        if (is_not_built(a->s))
            check_error(ck, a->at, NULL, "'%s' is not built yet", a->s);
        else
            check_error(ck, a->at, "stream.operator(...)",
                        "a chain begins with the name of a stream, not with a call");
        return NULL;
    default: check_error(ck, a->all, NULL, "a stream is expected here"); return NULL;
    }
}

/* ---- statements ---- */

static void check_statement(struct checker *ck, const struct statement *st)
{
    struct stream_name *old = st->name ? stream_find(ck, st->name) : NULL;
    struct dstream *d = st->chain ? check_chain(ck, st->chain) : NULL;

    if (old) {
        check_error(ck, st->name_at,
                    zone_printf(ck->program->zone, "at line %u", old->at.from.line),
                    "'%s' is defined already", st->name);
        return;
    }
    if (!st->name)
        return;
    if (d && d->op == OP_OUTPUT) {
        check_error(ck, st->name_at, NULL, "output gives no stream to name");
        d = NULL;
    }
    stream_add(ck, st->name, st->name_at, d);
    if (d && !d->name) {
        d->name = zone_strndup(ck->zone, st->name, strlen(st->name));
        d->named = true;
    }
}

static void add_sources(struct checker *ck)
{
    struct job *j = ck->job;

    for (uint32_t i = 0; i < j->sources_cnt; i++) {
        const struct source_spec *s = &j->source[i].spec;
        struct dstream *d = s->type ? dstream_source(&j->graph, s->name, s->type, i) : NULL;
        const struct place at = j->source[i].at, to = {at.line, at.col + (uint32_t)strlen(s->name)};
        if (d)
            d->at = at;
        stream_add(ck, s->name, (struct span){at, to}, d);
    }
}

/* ---- what the program leaves unused ---- */

static void warn(struct checker *ck, struct span at, const char *hint, const char *text)
{
    diag_add(ck->program->diags, DIAG_WARNING, at.from, span_width(at), hint, "%s", text);
}

static void check_unused(struct checker *ck)
{
    const struct job *j = ck->job;
    bool any = false;

    for (uint32_t i = 0; i < j->sinks_cnt; i++) {
        const struct place at = j->sink[i].at;
        any |= ck->sink_used[i];
        if (!ck->sink_used[i])
            diag_add(ck->program->diags, DIAG_ERROR, at, (uint32_t)strlen(j->sink[i].name),
                     "add .output(...) to a chain, or leave the sink out",
                     "nothing is written to sink '%s'", j->sink[i].name);
    }
    if (!any) {
        struct place end = ck->program->place[0];
        warn(ck, (struct span){end, end}, "add .output(sink) to a chain",
             "the job has no output: what comes in is counted as no_output");
        return;
    }
    for (const struct stream_name *s = ck->streams; s; s = s->next)
        if (!s->read)
            warn(ck, s->at, NULL,
                 zone_printf(ck->program->zone, "nothing reads the stream '%s'", s->name));
    for (const struct statement *st = ck->statements; st; st = st->next)
        if (!st->name && !(st->chain->kind == AST_METHOD && !strcmp(st->chain->s, "output")))
            warn(ck, st->chain->at, "name it, or add .output(sink)",
                 "nothing reads what this chain gives");
}

/* A name made of a long chain would be no name of a folder. */
static void check_names(struct checker *ck)
{
    const struct dgraph *g = &ck->job->graph;

    for (uint32_t i = 0; i < g->nodes_cnt; i++) {
        const struct dstream *d = g->node[i];
        if (d->op == OP_OUTPUT && strlen(d->parent[0]->name) > NAME_BYTES_MAX)
            diag_add(ck->program->diags, DIAG_ERROR, d->at, 6, "name = chain",
                     "give this stream a name: that of its chain is too long");
    }
}

bool check_program(struct job *job, const struct program *p)
{
    struct checker ck = {.job = job, .zone = &job->zone, .program = p};
    const uint32_t errors = p->diags->errors_cnt;

    ck.streams_end = &ck.streams;
    dgraph_init(&job->graph, &job->zone, job->interval_ns);
    add_sources(&ck);
    ck.statements = parse(p);
    for (const struct statement *st = ck.statements; st; st = st->next)
        check_statement(&ck, st);
    /* A statement with an error may have read anything. */
    if (p->diags->errors_cnt == errors) {
        check_unused(&ck);
        dgraph_name(&job->graph);
        check_names(&ck);
    }
    if (p->diags->errors_cnt == errors)
        return true;
    for (struct lambda_held *h = ck.lambdas; h; h = h->next)
        lambda_release(h->lambda);
    return false;
}
