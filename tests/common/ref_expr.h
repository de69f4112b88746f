#ifndef TESTS_COMMON_REF_EXPR_H
#define TESTS_COMMON_REF_EXPR_H

// Expressions of the reference: the trees of expr.h, evaluated one row at a time by recursion.
// The functions that jobs use most are written here a second time (ref_fn.c); the others run
// their kernel over a vector of one row.

#include "rdd/expr.h"
#include "tests/common/ref_value.h"

struct ref_env {
    struct zone *zone;          // results live there
    const struct ref_val *leaf; // the leaves of the parameters, one after the other
};

// ref_eval: false when the expression cannot be evaluated for this row.
bool ref_eval(const struct ref_env *env, const struct expr *e, struct ref_val *out);
// ref_lambda: all leaves of the result, into out[0..leaves_cnt).
bool ref_lambda(const struct ref_env *env, const struct lambda *l, struct ref_val *out);

// A function of one row: false when it fails.
typedef bool (*ref_function)(struct zone *z, const struct ref_val *a, struct ref_val *out);
// ref_find: the reference's own version of f, or NULL.
ref_function ref_find(const struct fn *f);
bool ref_run_kernel(struct zone *z, const struct expr *call, const struct ref_val *arg,
                    struct ref_val *out);

#endif
