#include "rdd/fn.h"

/* Infix operators with one row for each kind that they compare. */
#define COMPARE(sign, name, what)                                                                 \
    {sign, FN_INFIX, 2, {FN_INT, FN_INT}, FN_BOOL, fn_##name##_int, .total = true, .doc = what},  \
        {sign,          FN_INFIX,   2, {FN_FLOAT, FN_FLOAT}, FN_BOOL, fn_##name##_float,          \
         .total = true, .doc = what},                                                             \
        {sign,          FN_INFIX,   2, {FN_STRING, FN_STRING}, FN_BOOL, fn_##name##_string,       \
         .total = true, .doc = what},                                                             \
        {sign,          FN_INFIX,   2, {FN_TIME, FN_TIME}, FN_BOOL, fn_##name##_int,              \
         .total = true, .doc = what},                                                             \
        {sign, FN_INFIX, 2, {FN_IP, FN_IP}, FN_BOOL, fn_##name##_ip, .total = true, .doc = what}, \
    {                                                                                             \
        sign, FN_INFIX, 2, {FN_BOOL, FN_BOOL}, FN_BOOL, fn_##name##_int, .total = true,           \
                                                                         .doc = what              \
    }

/* clang-format off */
const struct fn fn_table[] = {
    {"+", FN_INFIX, 2, {FN_INT, FN_INT}, FN_INT, fn_add_int,
     .doc = "sum; fails when it does not fit"},
    {"+", FN_INFIX, 2, {FN_FLOAT, FN_FLOAT}, FN_FLOAT, fn_add_float, .total = true,
     .doc = "sum"},
    {"-", FN_INFIX, 2, {FN_INT, FN_INT}, FN_INT, fn_sub_int,
     .doc = "difference; fails when it does not fit"},
    {"-", FN_INFIX, 2, {FN_FLOAT, FN_FLOAT}, FN_FLOAT, fn_sub_float, .total = true,
     .doc = "difference"},
    {"*", FN_INFIX, 2, {FN_INT, FN_INT}, FN_INT, fn_mul_int,
     .doc = "product; fails when it does not fit"},
    {"*", FN_INFIX, 2, {FN_FLOAT, FN_FLOAT}, FN_FLOAT, fn_mul_float, .total = true,
     .doc = "product"},
    {"/", FN_INFIX, 2, {FN_INT, FN_INT}, FN_INT, fn_div_int,
     .doc = "quotient, cut toward 0; fails by 0"},
    {"/", FN_INFIX, 2, {FN_FLOAT, FN_FLOAT}, FN_FLOAT, fn_div_float,
     .doc = "quotient; fails by 0"},
    {"%", FN_INFIX, 2, {FN_INT, FN_INT}, FN_INT, fn_mod_int,
     .doc = "remainder, with the sign of the dividend; fails by 0"},
    {"%", FN_INFIX, 2, {FN_FLOAT, FN_FLOAT}, FN_FLOAT, fn_mod_float,
     .doc = "remainder, with the sign of the dividend; fails by 0"},
    {"-", FN_PREFIX, 1, {FN_INT}, FN_INT, fn_neg_int, .doc = "negation; fails for the least int"},
    {"-", FN_PREFIX, 1, {FN_FLOAT}, FN_FLOAT, fn_neg_float, .total = true, .doc = "negation"},
    {"!", FN_PREFIX, 1, {FN_BOOL}, FN_BOOL, fn_not_bool, .total = true, .doc = "not"},

    /* Sums with times are in ns; a literal duration may stand for the ns. */
    {"+", FN_INFIX, 2, {FN_TIME, FN_DURATION}, FN_TIME, fn_add_int, .doc = "a later time"},
    {"-", FN_INFIX, 2, {FN_TIME, FN_DURATION}, FN_TIME, fn_sub_int, .doc = "an earlier time"},
    {"+", FN_INFIX, 2, {FN_TIME, FN_INT}, FN_TIME, fn_add_int, .doc = "a time so many ns later"},
    {"-", FN_INFIX, 2, {FN_TIME, FN_INT}, FN_TIME, fn_sub_int, .doc = "a time so many ns earlier"},
    {"-", FN_INFIX, 2, {FN_TIME, FN_TIME}, FN_INT, fn_sub_int, .doc = "ns between two times"},

    COMPARE("==", eq, "equal"),
    COMPARE("!=", ne, "not equal"),
    COMPARE("<", lt, "less; strings bytewise, false before true"),
    COMPARE("<=", le, "less or equal"),
    COMPARE(">", gt, "greater"),
    COMPARE(">=", ge, "greater or equal"),
};
/* clang-format on */

const uint32_t fn_table_cnt = sizeof fn_table / sizeof *fn_table;
