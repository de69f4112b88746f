/*
 * The physical plan: a D-Stream graph lowered to stages.
 *
 * A stage is a tree of fused narrow operators (nodes) under one origin: a source, or the
 * emission of an exchange. The leaves of the tree write: to an exchange, or to an output.
 *
 * An exchange is a shuffle and what it shuffles into: every wide operator is one of two kinds.
 *   EX_AGG   aggregates by key (reduceByKey, countByValue, distinct, runningReduce, windows of
 *            them) or over everything (count, reduce: one row in partition 0)
 *   EX_ROWS  keeps rows (groupByKey, top, windows of rows)
 * Both have a window: the interval alone, len intervals with a slide, or running for ever.
 * The state of an exchange is cut into partitions; partition p of exchange x lives on one
 * worker, in every interval.
 *
 * window(...) is pushed down: it becomes the window of the next wide operator (which is then
 * incremental), through map, filter and flatMap; where the next reader is an output or another
 * window it is an EX_ROWS of its own.
 *
 * `active`: a node's RDD exists at the intervals n where (n + 1) % slide == 0.
 *
 * The plan is immutable, belongs to its job's zone, and is data that a UI can draw.
 */
#ifndef RDD_PLAN_H
#define RDD_PLAN_H

#include "rdd/dstream.h"
#include "rdd/find.h"
#include "rdd/rows.h"
#include "rdd/sieve.h"

#define PLAN_STAGES_MAX    64u
#define PLAN_EXCHANGES_MAX 32u
#define PLAN_OUTPUTS_MAX   32u
#define PLAN_NODES_MAX     4096u
#define STAGE_WRITERS_MAX  48u
#define WINDOW_FOREVER     UINT64_MAX

enum exchange_kind { EX_AGG, EX_ROWS };

/* How one leaf of a value is aggregated, and where in a row of accumulators. */
struct agg_leaf {
    enum agg_fn fn;
    enum type_kind kind;
    uint32_t off; /* in the row, after the count */
    uint32_t bytes;
};

struct agg_spec {
    uint32_t leaves_cnt;
    struct agg_leaf leaf[TYPE_LEAVES_MAX];
    uint32_t row_bytes;          /* 8 (count of records) + accumulators, a multiple of 8 */
    bool count_only;             /* the value is the count of records itself: no accumulators */
    bool has_strings;            /* rows own bytes on a heap */
    const struct lambda *lambda; /* set when the leaves are AGG_LAMBDA */
};

/* EX_AGG: all that is read of its rows are the best few (plan_best.h). */
struct best_spec {
    uint32_t cnt; /* 0: all are read */
    uint32_t off; /* of the int in a row of accumulators by which they are ordered first */
    bool by_key;  /* and by the state's key, nothing else */
};

struct exchange {
    enum exchange_kind kind;
    uint32_t idx;
    const struct dstream *node; /* the operator that it carries out */
    const char *name;
    uint64_t fingerprint;     /* of the stage: part of the ids of its blocks */
    const struct type *key;   /* NULL: no key, everything in partition 0 */
    const struct type *value; /* NULL: no value (distinct) */
    const struct type *type;  /* of the rows that it emits */
    struct agg_spec agg;
    uint64_t ones;       /* EX_AGG: value leaves that every writer writes the literal 1 to */
    bool group;          /* EX_ROWS: emit (key, list of values) */
    uint64_t top_cnt;    /* EX_ROWS: keep the best only; 0: all */
    bool emits_empty;    /* count: a row also when nothing came */
    uint64_t len, slide; /* in intervals; len may be WINDOW_FOREVER */
    bool inverse;        /* EX_AGG: leaving deltas are subtracted */
    const struct lambda *inverse_lambda;
    uint32_t partitions;  /* 1 when there is no key */
    uint64_t state_bytes; /* memory of the state of one partition; set by plan_capacity */
    uint64_t keys_max;    /* EX_AGG: keys that one partition may hold; set by plan_capacity */
    uint32_t fail_idx;    /* counter of records that its reduce lambda could not combine */
    uint32_t stage;       /* of its emission */
    uint64_t upstream;    /* bit s: stage s writes here */
    bool sorted;          /* emission must be in key order: a reader depends on the order */
    struct best_spec best;
};

enum pnode_kind {
    PN_MAP,      /* new row = fn(row) */
    PN_FLAT_MAP, /* one row for each element of fn(row) */
    PN_FILTER,
    PN_PASS, /* union, source: rows as they are */
    PN_WRITE_AGG,
    PN_WRITE_ROWS,
    PN_OUTPUT,
};

struct pnode {
    enum pnode_kind kind;
    const struct dstream *node; /* NULL for writes that the plan added */
    const struct type *from;    /* of the rows that come */
    const struct type *type;    /* of the rows that it gives on */
    const struct lambda *fn;
    bool on_value;             /* mapValues, flatMapValues: fn is over the value, the key passes */
    uint32_t fail_idx;         /* counter of rows that its lambda could not compute */
    struct exchange *exchange; /* writes */
    uint32_t output;           /* PN_OUTPUT: index of the output */
    bool row_is_key;           /* PN_WRITE: the whole row is the key, value none or count */
    uint32_t side;             /* union: which of its parents the rows come from */
    uint32_t way;              /* writes, outputs: which way through unions ends here (vec.h) */
    bool ordered;              /* something below keeps the order of rows */
    uint64_t packs; /* filter: the columns that are read below it, if all are words or addresses */
    bool compares;  /* filter: its lambda is a comparison, this one */
    struct comparison comparison;
    struct pnode *parent;
    uint32_t kids_cnt;
    struct pnode *kid[16];
    uint32_t idx; /* in the plan */
};

struct stage {
    uint32_t idx;
    int source;            /* index of the job's source, or -1 */
    struct exchange *from; /* or this */
    const struct type *type;
    struct pnode *root;         /* PN_PASS */
    bool want[TYPE_LEAVES_MAX]; /* source: columns that are read */
    struct needle_set needles;  /* source: a text without one of them has no effect (cnt 0: any) */
    struct sieve sieve;         /* source: a record that it does not keep has no effect */
    const struct pnode *met;    /* the first filter, if needles or the sieve are all it asks for */
    uint64_t fingerprint;
    uint64_t slide;   /* active */
    uint64_t writes;  /* bit x: writes exchange x */
    uint64_t outputs; /* bit o */
};

struct output {
    struct out_stream stream;
    uint64_t slide;
    uint64_t exchanges; /* bit x: its rows depend on exchange x (for `complete`) */
};

struct plan {
    const char *job;
    uint64_t interval_ns;
    uint32_t partitions;
    uint32_t stages_cnt, exchanges_cnt, outputs_cnt, nodes_cnt, fails_cnt;
    struct stage *stage[PLAN_STAGES_MAX];
    struct exchange *exchange[PLAN_EXCHANGES_MAX];
    struct output output[PLAN_OUTPUTS_MAX];
    const struct dstream *fail[GRAPH_NODES_MAX]; /* by fail_idx: the operator it is counted at */
    uint64_t memory_len; /* so many intervals after a record's own all windows are empty */
};

/* plan_build lowers the graph. NULL with a sentence in err when it exceeds a limit. */
struct plan *plan_build(const struct dgraph *g, const char *job, uint32_t partitions,
                        struct zone *z, char *err, size_t err_bytes);
/* plan_capacity divides bytes of state memory over the exchanges and sets keys_max. Returns the
 * bytes that would be needed at least when they are too few, else 0. */
uint64_t plan_capacity(struct plan *p, uint64_t state_bytes);

/* exchange_active / stage_active: does its RDD exist at this interval? */
static inline bool slide_active(uint64_t slide, uint64_t interval)
{
    return slide <= 1 || (interval + 1) % slide == 0;
}

#endif
