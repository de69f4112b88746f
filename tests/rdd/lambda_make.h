#ifndef TESTS_RDD_LAMBDA_MAKE_H
#define TESTS_RDD_LAMBDA_MAKE_H

// Reduce lambdas of one leaf for the tests of aggregates: (a, b) => f(a, b).

#include "rdd/expr.h"

// (a, b) => NAME(a, b), or a NAME b. Lives in the zone; lambda_release at the end.
static inline struct lambda *lambda_call(struct zone *z, const struct type *t, const char *name,
                                         enum fn_kind kind)
{
    struct lambda *l = zone_alloc(z, sizeof *l);
    struct expr *arg[2] = {expr_col(z, t, 0), expr_col(z, t, 1)};
    struct place at;
    char err[128];

    *l = (struct lambda){.params_cnt = 2, .param = {t, t}, .result = t, .leaves_cnt = 1};
    l->leaf = zone_alloc(z, sizeof *l->leaf);
    l->leaf[0] = expr_call(z, name, kind, 2, arg);
    if (!l->leaf[0] || lambda_finish(l, z, &at, err, sizeof err))
        return NULL;
    return l;
}

#endif
