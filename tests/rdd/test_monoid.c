#include "rdd/expr.h"
#include "tests/test.h"

#include <string.h>

// Reduce lambdas (a, b) => e over one leaf of type t: built from a short notation, so that the
// cases read as a table.
struct maker {
    struct zone *z;
    const struct type *type;
    uint32_t leaves_cnt, leaf;
    const char *s;
};

static struct expr *make(struct maker *m);

// a, b: the leaf of each side; x: another leaf of a; 1: a literal.
static struct expr *make_atom(struct maker *m, char c)
{
    switch (c) {
    case 'a': return expr_col(m->z, m->type, m->leaf);
    case 'b': return expr_col(m->z, m->type, m->leaves_cnt + m->leaf);
    case 'x': return expr_col(m->z, m->type, (m->leaf + 1) % m->leaves_cnt);
    default: break;
    }
    return m->type->kind == TYPE_FLOAT ? expr_float(m->z, 1) : expr_int(m->z, 1);
}

// Prefix notation: "+ab", "?<abab" is a < b ? a : b, "mab" is min, "Mab" is max, "lab" is a <= b,
// "gab" is a >= b, "-a" within parentheses is written "n".
static struct expr *make(struct maker *m)
{
    char c = *m->s++;
    struct expr *arg[3];

    if (strchr("abx1", c))
        return make_atom(m, c);
    arg[0] = make(m);
    if (c == 'n')
        return expr_call(m->z, "-", FN_PREFIX, 1, arg);
    arg[1] = make(m);
    switch (c) {
    case '&': return expr_and(m->z, arg[0], arg[1]);
    case '|': return expr_or(m->z, arg[0], arg[1]);
    case 'm': return expr_call(m->z, "min", FN_CALL, 2, arg);
    case 'M': return expr_call(m->z, "max", FN_CALL, 2, arg);
    case 'l': return expr_call(m->z, "<=", FN_INFIX, 2, arg);
    case 'g': return expr_call(m->z, ">=", FN_INFIX, 2, arg);
    case '=': return expr_call(m->z, "==", FN_INFIX, 2, arg);
    case '?': arg[2] = make(m); return expr_if(m->z, arg[0], arg[1], arg[2]);
    default: break;
    }
    return expr_call(m->z, (char[]){c, 0}, FN_INFIX, 2, arg);
}

static struct lambda lambda_of(struct zone *z, const struct type *t, const char *const *leaf,
                               uint32_t leaves_cnt, struct expr **e)
{
    for (uint32_t i = 0; i < leaves_cnt; i++) {
        struct maker m = {z, t, leaves_cnt, i, leaf[i]};
        e[i] = make(&m);
    }
    return (struct lambda){.params_cnt = 2, .leaves_cnt = leaves_cnt, .leaf = e};
}

static const struct {
    enum type_kind type;
    const char *leaf;
    enum agg_fn want;
} one_leaf[] = {
    {TYPE_INT, "+ab", AGG_SUM_INT},
    {TYPE_INT, "+ba", AGG_SUM_INT},
    {TYPE_FLOAT, "+ab", AGG_SUM_FLOAT},
    {TYPE_STRING, "+ab", AGG_LAMBDA},
    {TYPE_INT, "+aa", AGG_LAMBDA},
    {TYPE_INT, "-ab", AGG_LAMBDA},
    {TYPE_INT, "*ab", AGG_LAMBDA},
    {TYPE_INT, "+a1", AGG_LAMBDA},
    {TYPE_INT, "a", AGG_FIRST},
    {TYPE_INT, "b", AGG_LAST},
    {TYPE_STRING, "b", AGG_LAST},
    {TYPE_INT, "1", AGG_LAMBDA},
    {TYPE_INT, "mab", AGG_MIN},
    {TYPE_INT, "Mba", AGG_MAX},
    {TYPE_STRING, "mab", AGG_MIN},
    {TYPE_IP, "Mab", AGG_MAX},
    {TYPE_TIME, "Mab", AGG_MAX},
    {TYPE_FLOAT, "mba", AGG_MIN},
    {TYPE_INT, "maa", AGG_LAMBDA},
    {TYPE_INT, "ma1", AGG_LAMBDA},
    {TYPE_BOOL, "&ab", AGG_AND},
    {TYPE_BOOL, "&ba", AGG_AND},
    {TYPE_BOOL, "|ab", AGG_OR},
    {TYPE_BOOL, "|ba", AGG_OR},
    {TYPE_BOOL, "&aa", AGG_LAMBDA},
    {TYPE_BOOL, "=ab", AGG_LAMBDA},
    // x < y ? x : y and all its spellings
    {TYPE_INT, "?<abab", AGG_MIN},
    {TYPE_INT, "?<baba", AGG_MIN},
    {TYPE_INT, "?>abba", AGG_MIN},
    {TYPE_INT, "?>baab", AGG_MIN},
    {TYPE_INT, "?labab", AGG_MIN},
    {TYPE_INT, "?lbaba", AGG_MIN},
    {TYPE_INT, "?gabba", AGG_MIN},
    {TYPE_INT, "?gbaab", AGG_MIN},
    {TYPE_INT, "?<abba", AGG_MAX},
    {TYPE_INT, "?<baab", AGG_MAX},
    {TYPE_INT, "?>abab", AGG_MAX},
    {TYPE_INT, "?>baba", AGG_MAX},
    {TYPE_INT, "?labba", AGG_MAX},
    {TYPE_INT, "?lbaab", AGG_MAX},
    {TYPE_INT, "?gabab", AGG_MAX},
    {TYPE_INT, "?gbaba", AGG_MAX},
    {TYPE_STRING, "?<abab", AGG_MIN},
    {TYPE_FLOAT, "?>abab", AGG_MAX},
    {TYPE_INT, "?=abab", AGG_LAMBDA},
    {TYPE_INT, "?<abaa", AGG_LAMBDA},
    {TYPE_INT, "?<a1ab", AGG_LAMBDA},
    {TYPE_INT, "?<ab1b", AGG_LAMBDA},
};

TEST(monoid, one_leaf)
{
    for (size_t i = 0; i < sizeof one_leaf / sizeof *one_leaf; i++) {
        struct zone z = {0};
        struct expr *e;
        enum agg_fn fn;
        struct lambda l = lambda_of(&z, type_scalar(one_leaf[i].type), &one_leaf[i].leaf, 1, &e);
        EXPECT_EQ_INT(lambda_monoid(&l, &fn), one_leaf[i].want != AGG_LAMBDA);
        EXPECT_EQ_STR(agg_fn_name(fn), agg_fn_name(one_leaf[i].want));
        zone_free(&z);
    }
}

TEST(monoid, tuples_leaf_by_leaf)
{
    static const struct {
        const char *leaf[3];
        enum agg_fn want[3];
    } cases[] = {
        {{"+ab", "mab", "Mab"}, {AGG_SUM_INT, AGG_MIN, AGG_MAX}},
        {{"+ab", "a", "b"}, {AGG_SUM_INT, AGG_FIRST, AGG_LAST}},
        // One leaf that is no monoid makes all of them the lambda.
        {{"+ab", "*ab", "Mab"}, {AGG_LAMBDA, AGG_LAMBDA, AGG_LAMBDA}},
        // Leaves that look into each other.
        {{"+ab", "+xb", "Mab"}, {AGG_LAMBDA, AGG_LAMBDA, AGG_LAMBDA}},
        {{"x", "+ab", "Mab"}, {AGG_LAMBDA, AGG_LAMBDA, AGG_LAMBDA}},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct zone z = {0};
        struct expr *e[3];
        enum agg_fn fn[3];
        struct lambda l = lambda_of(&z, &type_int, cases[i].leaf, 3, e);
        EXPECT_EQ_INT(lambda_monoid(&l, fn), cases[i].want[0] != AGG_LAMBDA);
        for (int k = 0; k < 3; k++)
            EXPECT_EQ_INT(fn[k], cases[i].want[k]);
        zone_free(&z);
    }
}

TEST(monoid, inverses)
{
    static const struct {
        const char *leaf[2];
        enum agg_fn fn[2];
        bool want;
    } cases[] = {
        {{"-ab", "-ab"}, {AGG_SUM_INT, AGG_SUM_INT}, true},
        {{"-ab", "-ab"}, {AGG_SUM_INT, AGG_MIN}, false},
        {{"-ba", "-ab"}, {AGG_SUM_INT, AGG_SUM_INT}, false},
        {{"+ab", "-ab"}, {AGG_SUM_INT, AGG_SUM_INT}, false},
        {{"-ab", "-xb"}, {AGG_SUM_INT, AGG_SUM_INT}, false},
        {{"+anb", "-ab"}, {AGG_SUM_INT, AGG_SUM_INT}, false},
        {{"-ab", "-ab"}, {AGG_LAMBDA, AGG_LAMBDA}, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct zone z = {0};
        struct expr *e[2];
        struct lambda l = lambda_of(&z, &type_int, cases[i].leaf, 2, e);
        EXPECT_EQ_INT(lambda_inverse_of(&l, cases[i].fn), cases[i].want);
        zone_free(&z);
    }
}

TEST(monoid, rounding)
{
    static const struct {
        enum type_kind type;
        const char *leaf;
        bool want;
    } cases[] = {
        {TYPE_FLOAT, "+ab", false}, // binned: exact
        {TYPE_FLOAT, "*ab", true},  {TYPE_FLOAT, "+a*b1", true}, {TYPE_FLOAT, "?<ab+ab1", true},
        {TYPE_FLOAT, "na", false},  {TYPE_INT, "*ab", false},    {TYPE_FLOAT, "ma1", false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct zone z = {0};
        struct expr *e;
        struct lambda l = lambda_of(&z, type_scalar(cases[i].type), &cases[i].leaf, 1, &e);
        EXPECT_EQ_INT(lambda_rounds(&l), cases[i].want);
        zone_free(&z);
    }
}
