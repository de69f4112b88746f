/*
 * The checker: from statements to a D-Stream graph.
 *
 * Names are looked up, types follow from the sources, expressions become trees over columns
 * (the builders of rdd/expr.h), and operators become nodes (the constructors of rdd/dstream.h).
 *
 * An error poisons what it stands in: a poisoned value has no type, a poisoned stream no node,
 * and nothing more is said about what is made of them, except what does not depend on types
 * (names of operators, sinks and streams, durations).
 */
#ifndef JOB_CHECK_H
#define JOB_CHECK_H

#include "job/ast.h"
#include "job/job.h"

#define EXPRS_MAX 8192u /* nodes of all expressions of a job: each may cost 16 KB */

/* A stream that the program can name. */
struct stream_name {
    const char *name;
    struct dstream *node; /* NULL: poisoned */
    struct span at;
    bool read;
    struct stream_name *next;
};

struct lambda_held {
    struct lambda *lambda;
    struct lambda_held *next;
};

struct checker {
    struct job *job;
    struct zone *zone; /* the job's */
    const struct program *program;
    const struct statement *statements;
    struct stream_name *streams, **streams_end;
    struct lambda_held *lambdas; /* finished: to be released when the job is refused */
    bool sink_used[JOB_SINKS_MAX];
    uint32_t exprs_cnt;
    bool full; /* the graph: said once */
};

/* check_program adds the program to job->graph and returns true when it has no errors. When it
 * has, the lambdas are released and the graph is void. */
bool check_program(struct job *job, const struct program *p);

/* ---- between the files of the checker ---- */

/* A name inside an expression: a parameter, whose columns begin at col. */
struct variable {
    const char *name;
    const struct type *type;
    uint32_t col;
};

struct scope {
    uint32_t cnt;
    struct variable var[AST_KIDS_MAX];
};

/* A value: its columns, or the expressions that make them, one for each leaf of its type. */
struct value {
    const struct type *type; /* NULL: poisoned */
    struct expr **leaf;      /* NULL: columns from col on */
    uint32_t col;
};

void check_error(struct checker *ck, struct span at, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
struct value check_value(struct checker *ck, const struct scope *sc, const struct ast *a);
/* value_leaf makes the expression of a leaf; NULL when the program is too large. */
struct expr *value_leaf(struct checker *ck, const struct value *v, uint32_t i, struct place at);
/* value_convert turns v into a value of type t where only ints have to become floats; false when
 * it cannot. */
bool value_convert(struct checker *ck, struct value *v, const struct type *t, struct place at);
/* check_call types name(arg...): reports and returns NULL when no function takes them. */
struct expr *check_call(struct checker *ck, const struct ast *a, enum fn_kind kind,
                        struct expr **arg, uint32_t cnt);
/* type_name: "a packet", "a record of 'lines'", "an int", "(string, int)". */
const char *type_name(struct checker *ck, const struct type *t);

/* check_lambda makes the lambda of a one-row operator over rows of type t, or (reduce) of two
 * values of type t; NULL after an error. */
struct lambda *check_lambda(struct checker *ck, const struct ast *a, const struct type *t,
                            bool reduce);
void warn_about_reduce(struct checker *ck, const struct ast *a, const struct lambda *f);

struct stream_name *stream_find(const struct checker *ck, const char *name);
/* check_chain: the stream that a chain gives, or NULL when it is poisoned. */
struct dstream *check_chain(struct checker *ck, const struct ast *a);

#endif
