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

    /* strings: bytes; ASCII letters for lower and upper */
    {"+", FN_INFIX, 2, {FN_STRING, FN_STRING}, FN_STRING, fn_concat,
     .doc = "one string after the other"},
    {"length", FN_CALL, 1, {FN_STRING}, FN_INT, fn_length, .total = true, .doc = "its bytes"},
    {"split", FN_CALL, 1, {FN_STRING}, FN_LIST_STRING, fn_split,
     .doc = "the parts between runs of white space; no empty parts"},
    {"split", FN_CALL, 2, {FN_STRING, FN_STRING}, FN_LIST_STRING, fn_split_by,
     .prepare = fn_prepare_split,
     .doc = "the parts between separators, empty parts too; fails for an empty separator"},
    {"contains", FN_CALL, 2, {FN_STRING, FN_STRING}, FN_BOOL, fn_contains,
     .prepare = fn_prepare_needle, .doc = "is the second somewhere in the first?"},
    {"startsWith", FN_CALL, 2, {FN_STRING, FN_STRING}, FN_BOOL, fn_starts_with, .total = true,
     .doc = "does the first begin with the second?"},
    {"endsWith", FN_CALL, 2, {FN_STRING, FN_STRING}, FN_BOOL, fn_ends_with, .total = true,
     .doc = "does the first end with the second?"},
    {"indexOf", FN_CALL, 2, {FN_STRING, FN_STRING}, FN_INT, fn_index_of,
     .prepare = fn_prepare_needle, .doc = "where the second is first found, from 0; else -1"},
    {"lower", FN_CALL, 1, {FN_STRING}, FN_STRING, fn_lower, .doc = "A to Z as a to z"},
    {"upper", FN_CALL, 1, {FN_STRING}, FN_STRING, fn_upper, .doc = "a to z as A to Z"},
    {"trim", FN_CALL, 1, {FN_STRING}, FN_STRING, fn_trim,
     .doc = "without white space at both ends"},
    {"substr", FN_CALL, 2, {FN_STRING, FN_INT}, FN_STRING, fn_substr,
     .doc = "from this byte (from 0) on, as far as there is one"},
    {"substr", FN_CALL, 3, {FN_STRING, FN_INT, FN_INT}, FN_STRING, fn_substr_len,
     .doc = "so many bytes from this one (from 0), as far as there are"},
    {"replace", FN_CALL, 3, {FN_STRING, FN_STRING, FN_STRING}, FN_STRING, fn_replace,
     .doc = "every second in the first replaced by the third; unchanged if the second is empty"},
    {"matches", FN_CALL, 2, {FN_STRING, FN_STRING_LITERAL}, FN_BOOL, fn_matches,
     .prepare = fn_prepare_regex, .release = fn_release_regex,
     .doc = "does the regular expression (pcre2, bytes) match somewhere? ^ and $ tie it"},
    {"capture", FN_CALL, 3, {FN_STRING, FN_STRING_LITERAL, FN_INT}, FN_STRING, fn_capture,
     .prepare = fn_prepare_regex, .release = fn_release_regex,
     .doc = "what a group of the first match took, 0 being all; fails where nothing matches"},

    /* conversions */
    {"toInt", FN_CALL, 1, {FN_STRING}, FN_INT, fn_string_to_int,
     .doc = "a decimal number, with a sign or not; fails for anything else"},
    {"toInt", FN_CALL, 1, {FN_FLOAT}, FN_INT, fn_float_to_int,
     .doc = "cut toward 0; fails when it does not fit"},
    {"toInt", FN_CALL, 1, {FN_BOOL}, FN_INT, fn_same_int, .total = true, .doc = "0 or 1"},
    {"toInt", FN_CALL, 1, {FN_TIME}, FN_INT, fn_same_int, .total = true,
     .doc = "ns since 1970"},
    {"toFloat", FN_CALL, 1, {FN_STRING}, FN_FLOAT, fn_string_to_float,
     .doc = "a decimal number (\"1\", \"-1.5\", \"6e23\"); fails for anything else"},
    {"toFloat", FN_CALL, 1, {FN_INT}, FN_FLOAT, fn_int_to_float, .total = true,
     .doc = "the nearest float"},
    {"toTime", FN_CALL, 1, {FN_STRING}, FN_TIME, fn_string_to_time,
     .doc = "RFC 3339, as \"2026-11-20T00:00:02Z\"; fails for anything else"},
    {"toTime", FN_CALL, 1, {FN_INT}, FN_TIME, fn_same_int, .total = true,
     .doc = "from ns since 1970"},
    {"toIp", FN_CALL, 1, {FN_STRING}, FN_IP, fn_string_to_ip,
     .doc = "an IPv4 or IPv6 address; fails for anything else"},
    {"toString", FN_CALL, 1, {FN_INT}, FN_STRING, fn_int_to_string, .doc = "decimal"},
    {"toString", FN_CALL, 1, {FN_FLOAT}, FN_STRING, fn_float_to_string,
     .doc = "the shortest number that is read as the same"},
    {"toString", FN_CALL, 1, {FN_BOOL}, FN_STRING, fn_bool_to_string, .doc = "true or false"},
    {"toString", FN_CALL, 1, {FN_TIME}, FN_STRING, fn_time_to_string, .doc = "RFC 3339, UTC"},
    {"toString", FN_CALL, 1, {FN_IP}, FN_STRING, fn_ip_to_string,
     .doc = "dotted, or as RFC 5952 says"},
    {"toString", FN_CALL, 1, {FN_STRING}, FN_STRING, fn_same_string, .total = true,
     .doc = "itself"},

    /* numbers */
    {"abs", FN_CALL, 1, {FN_INT}, FN_INT, fn_abs_int,
     .doc = "without its sign; fails for the least int"},
    {"abs", FN_CALL, 1, {FN_FLOAT}, FN_FLOAT, fn_abs_float, .total = true,
     .doc = "without its sign"},
    {"min", FN_CALL, 2, {FN_INT, FN_INT}, FN_INT, fn_min_int, .total = true, .doc = "the lesser"},
    {"max", FN_CALL, 2, {FN_INT, FN_INT}, FN_INT, fn_max_int, .total = true, .doc = "the greater"},
    {"min", FN_CALL, 2, {FN_FLOAT, FN_FLOAT}, FN_FLOAT, fn_min_float, .total = true,
     .doc = "the lesser; NaN is the greatest"},
    {"max", FN_CALL, 2, {FN_FLOAT, FN_FLOAT}, FN_FLOAT, fn_max_float, .total = true,
     .doc = "the greater; NaN is the greatest"},
    {"min", FN_CALL, 2, {FN_STRING, FN_STRING}, FN_STRING, fn_min_string,
     .doc = "the lesser, bytewise"},
    {"max", FN_CALL, 2, {FN_STRING, FN_STRING}, FN_STRING, fn_max_string,
     .doc = "the greater, bytewise"},
    {"min", FN_CALL, 2, {FN_TIME, FN_TIME}, FN_TIME, fn_min_int, .total = true,
     .doc = "the earlier"},
    {"max", FN_CALL, 2, {FN_TIME, FN_TIME}, FN_TIME, fn_max_int, .total = true,
     .doc = "the later"},
    {"min", FN_CALL, 2, {FN_IP, FN_IP}, FN_IP, fn_min_ip, .total = true,
     .doc = "the lesser; IPv4 lies where ::ffff:0:0/96 does"},
    {"max", FN_CALL, 2, {FN_IP, FN_IP}, FN_IP, fn_max_ip, .total = true, .doc = "the greater"},
    {"min", FN_CALL, 2, {FN_BOOL, FN_BOOL}, FN_BOOL, fn_min_int, .total = true, .doc = "both?"},
    {"max", FN_CALL, 2, {FN_BOOL, FN_BOOL}, FN_BOOL, fn_max_int, .total = true, .doc = "either?"},
    {"floor", FN_CALL, 1, {FN_FLOAT}, FN_FLOAT, fn_floor_float, .total = true,
     .doc = "the next whole number down"},
    {"ceil", FN_CALL, 1, {FN_FLOAT}, FN_FLOAT, fn_ceil_float, .total = true,
     .doc = "the next whole number up"},
    {"round", FN_CALL, 1, {FN_FLOAT}, FN_FLOAT, fn_round_float, .total = true,
     .doc = "the nearest whole number; halves away from 0"},
    {"sqrt", FN_CALL, 1, {FN_FLOAT}, FN_FLOAT, fn_sqrt_float,
     .doc = "square root; fails below 0"},
    {"floor", FN_CALL, 2, {FN_TIME, FN_DURATION}, FN_TIME, fn_floor_time,
     .prepare = fn_prepare_floor_time,
     .doc = "down to a whole multiple of the duration since 1970"},

    /* hash: the same on every machine and in every version */
    {"hash", FN_CALL, 1, {FN_INT}, FN_INT, fn_hash_int, .total = true,
     .doc = "a number from 0 to 2^63 - 1, the same everywhere"},
    {"hash", FN_CALL, 1, {FN_FLOAT}, FN_INT, fn_hash_float,
     .doc = "a number from 0 to 2^63 - 1, the same everywhere"},
    {"hash", FN_CALL, 1, {FN_STRING}, FN_INT, fn_hash_string,
     .doc = "a number from 0 to 2^63 - 1, the same everywhere"},
    {"hash", FN_CALL, 1, {FN_TIME}, FN_INT, fn_hash_int, .total = true,
     .doc = "a number from 0 to 2^63 - 1, the same everywhere"},
    {"hash", FN_CALL, 1, {FN_BOOL}, FN_INT, fn_hash_int, .total = true,
     .doc = "a number from 0 to 2^63 - 1, the same everywhere"},
    {"hash", FN_CALL, 1, {FN_IP}, FN_INT, fn_hash_ip,
     .doc = "a number from 0 to 2^63 - 1, the same everywhere"},

    /* addresses */
    {"prefix", FN_CALL, 2, {FN_IP, FN_INT}, FN_IP, fn_prefix,
     .doc = "its network of so many bits; an IPv4 address has 32; fails beyond 0 to 128"},
    {"prefix", FN_CALL, 3, {FN_IP, FN_INT, FN_INT}, FN_IP, fn_prefix_both,
     .doc = "its network: so many bits of an IPv4, so many of an IPv6 address"},
    {"isV4", FN_CALL, 1, {FN_IP}, FN_BOOL, fn_is_v4, .total = true, .doc = "an IPv4 address?"},
    {"isV6", FN_CALL, 1, {FN_IP}, FN_BOOL, fn_is_v6, .total = true, .doc = "an IPv6 address?"},
    {"inNet", FN_CALL, 2, {FN_IP, FN_STRING_LITERAL}, FN_BOOL, fn_in_net, .total = true,
     .prepare = fn_prepare_in_net,
     .doc = "in the network, as \"10.0.0.0/8\" or \"2001:db8::/32\"?"},

    /* lists */
    {"size", FN_CALL, 1, {FN_LIST_ANY}, FN_INT, fn_list_size, .total = true,
     .doc = "how many elements"},
    {"at", FN_CALL, 2, {FN_LIST_STRING, FN_INT}, FN_STRING, fn_list_at,
     .doc = "an element, from 0, or from -1 backwards; fails where there is none"},
    {"contains", FN_CALL, 2, {FN_LIST_STRING, FN_STRING}, FN_BOOL, fn_list_contains,
     .doc = "is the second an element of the first?"},
};
/* clang-format on */

const uint32_t fn_table_cnt = sizeof fn_table / sizeof *fn_table;
