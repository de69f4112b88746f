/*
 * The D-Stream graph: the public C API to which a job file compiles, and which a C program may
 * call itself.
 *
 * A D-Stream is a sequence of RDDs of one type, one per interval. A graph is made of sources,
 * operators and outputs; nodes are added in program order, parents first, so the array is a
 * topological order. A node whose rows are a pair (key, value) is keyed. Types are checked when
 * a node is added: a constructor that refuses returns NULL and leaves a sentence in g->err
 * (and g->err_arg: which argument it is about, from 0; -1: the stream).
 *
 * Windows and slides are whole numbers of intervals.
 *
 * The graph is data: plan.h lowers it to stages, `millrace plan` prints it.
 */
#ifndef RDD_DSTREAM_H
#define RDD_DSTREAM_H

#include "rdd/expr.h"
#include "rdd/source.h"

enum op_kind {
    OP_SOURCE,
    /* narrow: one parent partition, fused into stages */
    OP_MAP,
    OP_FLAT_MAP,
    OP_MAP_VALUES,
    OP_FLAT_MAP_VALUES,
    OP_FILTER,
    OP_UNION,
    /* wide */
    OP_REDUCE_BY_KEY,
    OP_GROUP_BY_KEY,
    OP_COUNT_BY_VALUE,
    OP_COUNT,
    OP_REDUCE,
    OP_DISTINCT,
    OP_TOP,
    /* windows */
    OP_WINDOW,
    OP_REDUCE_BY_WINDOW,
    OP_REDUCE_BY_KEY_AND_WINDOW,
    OP_GROUP_BY_KEY_AND_WINDOW,
    OP_COUNT_BY_WINDOW,
    OP_COUNT_BY_VALUE_AND_WINDOW,
    /* state */
    OP_RUNNING_REDUCE,
    /* output */
    OP_OUTPUT,
    OP_KINDS_CNT,
};

/* What an operator takes between its parentheses, in order. */
enum op_arg {
    OP_ARG_NONE,
    OP_ARG_LAMBDA,  /* x => e over a row (or the value, for mapValues) */
    OP_ARG_REDUCE,  /* (a, b) => e over two values */
    OP_ARG_INVERSE, /* optional (a, b) => e */
    OP_ARG_LENGTH,  /* window length, a duration */
    OP_ARG_SLIDE,   /* optional slide, a duration; default one interval */
    OP_ARG_COUNT,   /* a positive int literal */
    OP_ARG_STREAM,  /* another D-Stream */
    OP_ARG_SINK,    /* a sink's name */
};

#define OP_ARGS_MAX 4u

/* One row for every operator: the index of the system. */
struct op_desc {
    const char *name; /* "reduceByKey"; NULL for sources */
    enum op_kind kind;
    enum op_arg arg[OP_ARGS_MAX];
    bool keyed; /* needs pairs */
    bool wide;
    const char *doc;       /* one line */
    const char *signature; /* "reduceByKey((a, b) => V): (K, V)" */
};

extern const struct op_desc op_table[OP_KINDS_CNT];
const struct op_desc *op_find(const char *name);
/* Operators of Spark's that are known but not built yet: `check` says so. Ends with NULL. */
extern const char *const op_not_built[];

struct dstream {
    enum op_kind op;
    uint32_t idx; /* in the graph */
    const struct type *type;
    const char *name;          /* given by the program, or made of its chain; unique in the graph */
    bool named;                /* given by the program */
    struct place at;           /* of the operator's name */
    struct dstream *parent[2]; /* [1]: union only */
    struct lambda *fn;         /* map, filter, ... : one row. reduce...: two values */
    struct lambda *inverse;    /* optional */
    uint64_t window_len, slide; /* in intervals; both set in windows, else 0 */
    uint64_t top_cnt;
    uint32_t source_idx, sink_idx; /* OP_SOURCE, OP_OUTPUT */
};

#define GRAPH_NODES_MAX 256u
#define TOP_ROWS_MAX    1000000u

struct dgraph {
    struct zone *zone;
    uint64_t interval_ns;
    uint32_t nodes_cnt;
    struct dstream *node[GRAPH_NODES_MAX];
    char err[256];
    int err_arg;
};

void dgraph_init(struct dgraph *g, struct zone *z, uint64_t interval_ns);

/* Constructors. Each adds a node and returns it, or NULL (see g->err). Window lengths and
 * slides are in ns here and must be multiples of the slide of the stream that they take (of the
 * interval, where no window is above); slide 0 means that slide. The graph does not own lambdas:
 * who made them calls lambda_finish before and lambda_release after. */
struct dstream *dstream_source(struct dgraph *g, const char *name, const struct type *type,
                               uint32_t source_idx);
struct dstream *dstream_map(struct dgraph *g, struct dstream *s, struct lambda *f);
struct dstream *dstream_flat_map(struct dgraph *g, struct dstream *s, struct lambda *f);
struct dstream *dstream_map_values(struct dgraph *g, struct dstream *s, struct lambda *f);
struct dstream *dstream_flat_map_values(struct dgraph *g, struct dstream *s, struct lambda *f);
struct dstream *dstream_filter(struct dgraph *g, struct dstream *s, struct lambda *f);
struct dstream *dstream_union(struct dgraph *g, struct dstream *a, struct dstream *b);
struct dstream *dstream_reduce_by_key(struct dgraph *g, struct dstream *s, struct lambda *f);
struct dstream *dstream_group_by_key(struct dgraph *g, struct dstream *s);
struct dstream *dstream_count_by_value(struct dgraph *g, struct dstream *s);
struct dstream *dstream_count(struct dgraph *g, struct dstream *s);
struct dstream *dstream_reduce(struct dgraph *g, struct dstream *s, struct lambda *f);
struct dstream *dstream_distinct(struct dgraph *g, struct dstream *s);
struct dstream *dstream_top(struct dgraph *g, struct dstream *s, uint64_t n);
struct dstream *dstream_window(struct dgraph *g, struct dstream *s, uint64_t len_ns,
                               uint64_t slide_ns);
struct dstream *dstream_reduce_by_window(struct dgraph *g, struct dstream *s, struct lambda *f,
                                         struct lambda *inverse, uint64_t len_ns,
                                         uint64_t slide_ns);
struct dstream *dstream_reduce_by_key_and_window(struct dgraph *g, struct dstream *s,
                                                 struct lambda *f, struct lambda *inverse,
                                                 uint64_t len_ns, uint64_t slide_ns);
struct dstream *dstream_group_by_key_and_window(struct dgraph *g, struct dstream *s,
                                                uint64_t len_ns, uint64_t slide_ns);
struct dstream *dstream_count_by_window(struct dgraph *g, struct dstream *s, uint64_t len_ns,
                                        uint64_t slide_ns);
struct dstream *dstream_count_by_value_and_window(struct dgraph *g, struct dstream *s,
                                                  uint64_t len_ns, uint64_t slide_ns);
struct dstream *dstream_running_reduce(struct dgraph *g, struct dstream *s, struct lambda *f);
struct dstream *dstream_output(struct dgraph *g, struct dstream *s, uint32_t sink_idx);

/* dgraph_name gives every unnamed node the name of its chain ("bytes.reduceByKeyAndWindow.top",
 * "~2" appended for a repeat). Once, after the last node. */
void dgraph_name(struct dgraph *g);

/* dstream_slide: the stream has an RDD every so many intervals. */
uint64_t dstream_slide(const struct dstream *s);
/* duration_print writes "30s", "500ms"; returns the length as snprintf does. */
int duration_print(uint64_t ns, char *buf, size_t bytes);

#endif
