/*
 * Expressions: typed trees over columns, evaluated a vector at a time.
 *
 * A lambda takes one row (x => e) or two ((a, b) => e; `(k, v) => e` opens a pair and is a
 * lambda of one row). A tuple-valued body is flattened when it is built: a lambda holds one
 * expression for each leaf of its result, so an expression node is always a scalar or a list.
 * The columns of a lambda's parameters are numbered one after the other (the leaves of param
 * 0, then those of param 1).
 *
 * Every function and every operator sign is one row of fn_table: name, argument types, result,
 * documentation, kernel. The language's type checker, `millrace list functions` and the
 * evaluator read that table and nothing else.
 *
 * Failure: a kernel that cannot compute a row (toInt("x"), a division by zero, overflow of an
 * int) marks it with eval_fail; the caller drops that row and counts it at the place of the
 * lambda. `&&`, `||` and `c ? a : b` evaluate their branches only for the rows that reach
 * them, so a guard protects. Evaluation is deterministic and has no other effect.
 */
#ifndef RDD_EXPR_H
#define RDD_EXPR_H

#include "rdd/parse.h"
#include "rdd/vec.h"

#define FN_ARGS_MAX 4u

enum expr_op {
    EXPR_LIT,  /* a literal */
    EXPR_COL,  /* column `col` of the parameters */
    EXPR_CALL, /* fn(arg...) */
    EXPR_AND,  /* arg[0] && arg[1] */
    EXPR_OR,
    EXPR_IF, /* arg[0] ? arg[1] : arg[2] */
};

struct place {
    uint32_t line, col; /* in the job file, from 1; 0: built by a program */
};

struct fn;

struct expr {
    enum expr_op op;
    const struct type *type; /* scalar or list */
    struct place at;
    uint32_t args_cnt;
    struct expr *arg[FN_ARGS_MAX];
    union {
        uint32_t col;
        const struct fn *fn;
        struct {
            int64_t i; /* int, time, bool, duration */
            double f;
            struct ip ip;
            const char *s;
            uint32_t s_len;
        } lit;
    };
    void *prepared;         /* what fn->prepare made of literal arguments (a compiled regex, ...) */
    struct col splat;       /* EXPR_LIT: VEC_ROWS_MAX copies, made by lambda_finish */
    bool total;             /* cheap and cannot fail: set by lambda_finish */
    struct expr *next_held; /* in lambda.held */
};

struct lambda {
    uint32_t params_cnt; /* 1 or 2 */
    const struct type *param[2];
    const struct type *result;
    uint32_t leaves_cnt; /* == type_leaves(result) */
    struct expr **leaf;
    struct place at;
    const char *text;  /* as written, for plan and counters; may be NULL */
    struct expr *held; /* calls that lambda_release has to release */
};

/* One evaluation: which rows, where the scratch is, which rows failed. */
struct eval {
    struct arena *arena;
    uint32_t rows; /* of the input vector: length of the arrays of results */
    const uint16_t *sel;
    uint32_t sel_cnt;
    uint8_t *failed; /* rows flags, zeroed by the caller; a kernel sets 1 */
    uint32_t failed_cnt;
    int no_memory; /* the arena was full: the result is void */
    /* This call gives a list whose elements alone are read, those of all rows one after the other:
     * it may leave off and cnt NULL if no row has failed. Or NULL. */
    const struct expr *elems_of;
};

static inline void eval_fail(struct eval *ev, uint32_t row)
{
    ev->failed_cnt += !ev->failed[row];
    ev->failed[row] = 1;
}

/* A kernel fills `out` (its arrays are allocated for ev->rows rows, except the bytes of
 * strings and the elements of lists, which it takes from ev->arena) for the rows of ev->sel.
 * It may compute all rows when that is faster and cannot fail. What it gives for a row that it
 * fails is harmless: a number, an empty string or list, so that what reads it needs no check. */
typedef void (*fn_kernel)(struct eval *ev, const struct expr *call, const struct col *arg,
                          struct col *out);

enum fn_arg {
    FN_INT,
    FN_FLOAT,
    FN_BOOL,
    FN_STRING,
    FN_TIME,
    FN_IP,
    FN_LIST_STRING,
    FN_LIST_ANY,
    FN_DURATION,       /* a literal "30s", as ns in lit.i */
    FN_STRING_LITERAL, /* a literal string: regex, prefix, separator */
};

enum fn_kind { FN_CALL, FN_INFIX, FN_PREFIX };

struct fn {
    const char *name; /* "split", "+", "==" */
    enum fn_kind kind;
    uint32_t args_cnt;
    enum fn_arg arg[FN_ARGS_MAX];
    enum fn_arg result;
    fn_kernel kernel;
    /* prepare: once, when the expression is finished; NULL if there is nothing to prepare.
     * Returns 0, or -EINVAL with a sentence in err (bad regex). */
    int (*prepare)(struct expr *call, struct zone *z, char *err, size_t err_bytes);
    /* release gives back what prepare took from outside of the zone; NULL if nothing. */
    void (*release)(struct expr *call);
    /* Never fails and costs a few cycles a row: `&&`, `||` and `?:` compute it for every row
     * rather than choose the rows that reach it. */
    bool total;
    const char *doc; /* one line */
};

extern const struct fn fn_table[];
extern const uint32_t fn_table_cnt;

/* fn_find gives the row for this name and these argument types, or NULL. An int argument is
 * accepted for a float parameter only by the caller's inserting "toFloat". arg types are
 * scalars or lists; a literal string may serve as duration or string literal, and as an
 * address or a time where no other row takes it (p.src_ip == "10.0.0.1"). */
const struct fn *fn_find(const char *name, enum fn_kind kind, uint32_t args_cnt,
                         const struct expr *const *arg);
/* fn_accepts: does parameter kind p take this argument? */
bool fn_accepts(enum fn_arg p, const struct expr *arg);
const struct type *fn_result_type(const struct fn *f);
/* fn_arg_name: "int", "string", "duration", ... for documentation and messages. */
const char *fn_arg_name(enum fn_arg a);

/* Builders, used by the language and by C programs. Nodes live in z. */
struct expr *expr_int(struct zone *z, int64_t v);
struct expr *expr_float(struct zone *z, double v);
struct expr *expr_bool(struct zone *z, bool v);
struct expr *expr_string(struct zone *z, const char *s, uint32_t len);
struct expr *expr_ip(struct zone *z, struct ip ip);
struct expr *expr_col(struct zone *z, const struct type *t, uint32_t col);
struct expr *expr_and(struct zone *z, struct expr *a, struct expr *b);
struct expr *expr_or(struct zone *z, struct expr *a, struct expr *b);
struct expr *expr_if(struct zone *z, struct expr *c, struct expr *a, struct expr *b);
/* expr_call: NULL when no function of that name takes those arguments. A literal string is made
 * a duration, an address or a time where the function takes one. */
struct expr *expr_call(struct zone *z, const char *name, enum fn_kind kind, uint32_t args_cnt,
                       struct expr *const *arg);

/* lambda_finish folds constants, prepares calls and splats literals; once, before the first
 * evaluation. Returns 0, or -EINVAL with a sentence and its place. */
int lambda_finish(struct lambda *l, struct zone *z, struct place *at, char *err, size_t err_bytes);
/* lambda_eval computes out[0..leaves_cnt) for the live rows of in (whose columns are those of
 * the parameters, one after the other). The caller gives ev->arena and ev->failed, everything
 * else 0. Results may be views of the input's columns. */
void lambda_eval(struct eval *ev, const struct lambda *l, const struct vec *in, struct col *out);
/* lambda_reads tells whether any leaf reads column col: decoding is lazy by it. */
bool lambda_reads(const struct lambda *l, uint32_t col);
/* lambda_release frees what prepare took from outside the zone (compiled regexes). */
void lambda_release(struct lambda *l);

/*
 * Monoids: a reduce lambda (a, b) => e of type (T, T) -> T is looked at leaf by leaf; a leaf
 * i that combines exactly column i of a with column i of b by a known associative and
 * commutative function becomes a native aggregate.
 */
enum agg_fn {
    AGG_SUM_INT,   /* a + b, wraps modulo 2^64 */
    AGG_SUM_FLOAT, /* a + b, binned: exact order-independence */
    AGG_MIN,       /* min(a, b), a < b ? a : b, ... of any scalar type */
    AGG_MAX,
    AGG_FIRST, /* a */
    AGG_LAST,  /* b */
    AGG_AND,
    AGG_OR,
    AGG_LAMBDA, /* none of these: the lambda itself */
    AGG_COUNT,  /* a + b of ones, which lambda_monoid does not know: how many (plan_agg.h) */
};

/* lambda_monoid: fills fn[0..leaves_cnt); returns true when every leaf is native. When false
 * the whole lambda runs as AGG_LAMBDA (all entries are set to it). */
bool lambda_monoid(const struct lambda *l, enum agg_fn *fn);
/* lambda_inverse_of: is (a, b) => e the inverse of the native aggregates fn (a - b for sums)? */
bool lambda_inverse_of(const struct lambda *inv, const enum agg_fn *fn);
/* lambda_is_float_combining: a non-native lambda that adds or multiplies floats, which rounds
 * in an order of its own; `check` warns. */
bool lambda_rounds(const struct lambda *l);
const char *agg_fn_name(enum agg_fn fn);

#endif
