// The functions of the language, one row at a time, by what their documentation says.

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/ref_expr.h"

#define FN(name) static bool name(struct zone *z, const struct ref_val *a, struct ref_val *out)

// ---- arithmetic ----

static bool put_wide(struct ref_val *out, __int128 v)
{
    out->i = (int64_t)v;
    return v >= INT64_MIN && v <= INT64_MAX;
}

#define INT_FN(name, condition, value)              \
    FN(name)                                        \
    {                                               \
        (void)z;                                    \
        __int128 x = a[0].i, y = a[1].i;            \
        return (condition) && put_wide(out, value); \
    }

INT_FN(add_int, true, x + y)
INT_FN(sub_int, true, x - y)
INT_FN(mul_int, true, x *y)
INT_FN(div_int, y != 0, x / y)
INT_FN(mod_int, y != 0, x % y)

#define FLOAT_FN(name, condition, value)  \
    FN(name)                              \
    {                                     \
        (void)z;                          \
        double x = a[0].f, y = a[1].f;    \
        (void)y;                          \
        out->f = (condition) ? value : 0; \
        return condition;                 \
    }

FLOAT_FN(add_float, true, x + y)
FLOAT_FN(sub_float, true, x - y)
FLOAT_FN(mul_float, true, x *y)
FLOAT_FN(div_float, y != 0, x / y)
FLOAT_FN(mod_float, y != 0, fmod(x, y))
FLOAT_FN(neg_float, true, -x)
FLOAT_FN(abs_float, true, fabs(x))
FLOAT_FN(floor_float, true, floor(x))
FLOAT_FN(ceil_float, true, ceil(x))
FLOAT_FN(sqrt_float, !(x < 0), sqrt(x))

FN(neg_int)
{
    (void)z;
    return put_wide(out, -(__int128)a[0].i);
}

FN(abs_int)
{
    (void)z;
    __int128 x = a[0].i;
    return put_wide(out, x < 0 ? -x : x);
}

FN(not_bool)
{
    (void)z;
    out->i = !a[0].i;
    return true;
}

FN(floor_time)
{
    (void)z;
    __int128 t = a[0].i, unit = a[1].i, down = t / unit * unit;
    return put_wide(out, down > t ? down - unit : down);
}

// ---- comparison ----

static int cmp(const struct ref_val *a)
{
    return ref_cmp(type_scalar(a[0].kind), &a[0], &a[1]);
}

static bool has_nan(const struct ref_val *a)
{
    return a[0].kind == TYPE_FLOAT && (a[0].f != a[0].f || a[1].f != a[1].f);
}

#define COMPARE_FN(name, sign, with_nan)                \
    FN(name)                                            \
    {                                                   \
        (void)z;                                        \
        out->i = has_nan(a) ? with_nan : cmp(a) sign 0; \
        return true;                                    \
    }

COMPARE_FN(equal, ==, 0)
COMPARE_FN(not_equal, !=, 1)
COMPARE_FN(less, <, 0)
COMPARE_FN(less_equal, <=, 0)
COMPARE_FN(greater, >, 0)
COMPARE_FN(greater_equal, >=, 0)

FN(least)
{
    (void)z;
    *out = a[cmp(a) < 0 ? 0 : 1];
    return true;
}

FN(greatest)
{
    (void)z;
    *out = a[cmp(a) > 0 ? 0 : 1];
    return true;
}

// ---- strings ----

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\v' || c == '\f' || c == '\r';
}

static bool match_at(const struct ref_val *s, uint32_t at, const struct ref_val *part)
{
    return part->s.len <= s->s.len - at && memcmp(s->s.bytes + at, part->s.bytes, part->s.len) == 0;
}

static int64_t find(const struct ref_val *s, const struct ref_val *part)
{
    for (uint32_t at = 0; at <= s->s.len; at++)
        if (match_at(s, at, part))
            return at;
    return -1;
}

static struct ref_val part_of(const struct ref_val *s, int64_t from, int64_t to)
{
    uint32_t n = 0, first = 0;
    for (int64_t i = 0; i < s->s.len; i++)
        if (i >= from && i < to) {
            first = n ? first : (uint32_t)i;
            n++;
        }
    return ref_bytes(n ? s->s.bytes + first : (const uint8_t *)"", n);
}

FN(concat)
{
    uint32_t n = a[0].s.len + a[1].s.len;
    uint8_t *bytes = zone_alloc(z, n + 1);
    memcpy(bytes, a[0].s.bytes, a[0].s.len);
    memcpy(bytes + a[0].s.len, a[1].s.bytes, a[1].s.len);
    *out = ref_bytes(bytes, n);
    return true;
}

FN(length)
{
    (void)z;
    out->i = a[0].s.len;
    return true;
}

static void map_bytes(struct zone *z, const struct ref_val *a, struct ref_val *out, char from,
                      int add)
{
    uint8_t *bytes = zone_alloc(z, a->s.len + 1);
    for (uint32_t i = 0; i < a->s.len; i++) {
        uint8_t c = a->s.bytes[i];
        bytes[i] = (uint8_t)(c >= from && c <= from + 25 ? c + add : c);
    }
    *out = ref_bytes(bytes, a->s.len);
}

FN(lower)
{
    map_bytes(z, a, out, 'A', 32);
    return true;
}

FN(upper)
{
    map_bytes(z, a, out, 'a', -32);
    return true;
}

FN(trim)
{
    (void)z;
    int64_t from = 0, to = a[0].s.len;
    while (from < to && is_space(a[0].s.bytes[from]))
        from++;
    while (to > from && is_space(a[0].s.bytes[to - 1]))
        to--;
    *out = part_of(&a[0], from, to);
    return true;
}

FN(substr)
{
    (void)z;
    *out = part_of(&a[0], a[1].i, INT64_MAX);
    return true;
}

FN(substr_len)
{
    (void)z;
    __int128 to = (__int128)a[1].i + a[2].i;
    to = to > INT64_MAX ? INT64_MAX : to < INT64_MIN ? INT64_MIN : to;
    *out = part_of(&a[0], a[1].i, (int64_t)to);
    return true;
}

FN(contains)
{
    (void)z;
    out->i = find(&a[0], &a[1]) >= 0;
    return true;
}

FN(index_of)
{
    (void)z;
    out->i = find(&a[0], &a[1]);
    return true;
}

FN(starts_with)
{
    (void)z;
    out->i = match_at(&a[0], 0, &a[1]);
    return true;
}

FN(ends_with)
{
    (void)z;
    out->i = a[1].s.len <= a[0].s.len && match_at(&a[0], a[0].s.len - a[1].s.len, &a[1]);
    return true;
}

static void put_list(struct ref_val *out, const struct ref_val *leaf, uint32_t cnt)
{
    *out = (struct ref_val){.kind = TYPE_LIST, .list = {leaf, cnt, 1}};
}

FN(split)
{
    struct ref_val *part = zone_alloc(z, (a[0].s.len / 2 + 1) * sizeof *part);
    uint32_t cnt = 0;
    for (uint32_t i = 0; i < a[0].s.len;) {
        uint32_t end = i;
        while (end < a[0].s.len && !is_space(a[0].s.bytes[end]))
            end++;
        if (end > i)
            part[cnt++] = part_of(&a[0], i, end);
        i = end + 1;
    }
    put_list(out, part, cnt);
    return true;
}

FN(split_by)
{
    if (!a[1].s.len)
        return false;
    struct ref_val *part = zone_alloc(z, (a[0].s.len + 1) * sizeof *part);
    uint32_t cnt = 0, from = 0;
    for (uint32_t i = 0; i < a[0].s.len;) {
        if (!match_at(&a[0], i, &a[1])) {
            i++;
            continue;
        }
        part[cnt++] = part_of(&a[0], from, i);
        from = i += a[1].s.len;
    }
    part[cnt++] = part_of(&a[0], from, a[0].s.len);
    put_list(out, part, cnt);
    return true;
}

// ---- lists ----

FN(list_size)
{
    (void)z;
    out->i = a[0].list.cnt;
    return true;
}

FN(list_at)
{
    (void)z;
    int64_t i = a[1].i < 0 ? a[1].i + a[0].list.cnt : a[1].i;
    if (i < 0 || i >= a[0].list.cnt)
        return false;
    *out = a[0].list.leaf[i];
    return true;
}

FN(list_contains)
{
    (void)z;
    out->i = 0;
    for (uint32_t i = 0; i < a[0].list.cnt; i++)
        out->i |= ref_cmp(&type_string, &a[0].list.leaf[i], &a[1]) == 0;
    return true;
}

// ---- conversion ----

FN(string_to_int)
{
    (void)z;
    __int128 v = 0;
    uint32_t n = a[0].s.len, i = n && (a[0].s.bytes[0] == '-' || a[0].s.bytes[0] == '+');
    if (i == n)
        return false;
    for (; i < n; i++) {
        if (a[0].s.bytes[i] < '0' || a[0].s.bytes[i] > '9')
            return false;
        v = v * 10 + (a[0].s.bytes[i] - '0');
        if (v > (__int128)1 << 64)
            return false;
    }
    return put_wide(out, a[0].s.bytes[0] == '-' ? -v : v);
}

FN(float_to_int)
{
    (void)z;
    if (!(a[0].f >= -0x1p63 && a[0].f < 0x1p63))
        return false;
    out->i = (int64_t)a[0].f;
    return true;
}

FN(int_to_float)
{
    (void)z;
    out->f = (double)a[0].i;
    return true;
}

FN(int_to_string)
{
    char *text = zone_printf(z, "%" PRId64, a[0].i);
    *out = ref_string(text);
    return true;
}

FN(bool_to_string)
{
    (void)z;
    *out = ref_string(a[0].i ? "true" : "false");
    return true;
}

FN(same_int)
{
    (void)z;
    out->i = a[0].i;
    return true;
}

FN(same)
{
    (void)z;
    *out = a[0];
    return true;
}

#define ANY (-1)

// By name, kind and the type of the first argument (ANY: all types).
static const struct {
    const char *name;
    enum fn_kind kind;
    uint32_t args_cnt;
    int first;
    ref_function function;
} table[] = {
    {"+", FN_INFIX, 2, FN_INT, add_int},
    {"+", FN_INFIX, 2, FN_TIME, add_int},
    {"+", FN_INFIX, 2, FN_FLOAT, add_float},
    {"+", FN_INFIX, 2, FN_STRING, concat},
    {"-", FN_INFIX, 2, FN_INT, sub_int},
    {"-", FN_INFIX, 2, FN_TIME, sub_int},
    {"-", FN_INFIX, 2, FN_FLOAT, sub_float},
    {"*", FN_INFIX, 2, FN_INT, mul_int},
    {"*", FN_INFIX, 2, FN_FLOAT, mul_float},
    {"/", FN_INFIX, 2, FN_INT, div_int},
    {"/", FN_INFIX, 2, FN_FLOAT, div_float},
    {"%", FN_INFIX, 2, FN_INT, mod_int},
    {"%", FN_INFIX, 2, FN_FLOAT, mod_float},
    {"-", FN_PREFIX, 1, FN_INT, neg_int},
    {"-", FN_PREFIX, 1, FN_FLOAT, neg_float},
    {"!", FN_PREFIX, 1, FN_BOOL, not_bool},
    {"==", FN_INFIX, 2, ANY, equal},
    {"!=", FN_INFIX, 2, ANY, not_equal},
    {"<", FN_INFIX, 2, ANY, less},
    {"<=", FN_INFIX, 2, ANY, less_equal},
    {">", FN_INFIX, 2, ANY, greater},
    {">=", FN_INFIX, 2, ANY, greater_equal},
    {"min", FN_CALL, 2, ANY, least},
    {"max", FN_CALL, 2, ANY, greatest},
    {"abs", FN_CALL, 1, FN_INT, abs_int},
    {"abs", FN_CALL, 1, FN_FLOAT, abs_float},
    {"floor", FN_CALL, 1, FN_FLOAT, floor_float},
    {"ceil", FN_CALL, 1, FN_FLOAT, ceil_float},
    {"sqrt", FN_CALL, 1, FN_FLOAT, sqrt_float},
    {"floor", FN_CALL, 2, FN_TIME, floor_time},
    {"length", FN_CALL, 1, FN_STRING, length},
    {"lower", FN_CALL, 1, FN_STRING, lower},
    {"upper", FN_CALL, 1, FN_STRING, upper},
    {"trim", FN_CALL, 1, FN_STRING, trim},
    {"substr", FN_CALL, 2, FN_STRING, substr},
    {"substr", FN_CALL, 3, FN_STRING, substr_len},
    {"contains", FN_CALL, 2, FN_STRING, contains},
    {"indexOf", FN_CALL, 2, FN_STRING, index_of},
    {"startsWith", FN_CALL, 2, FN_STRING, starts_with},
    {"endsWith", FN_CALL, 2, FN_STRING, ends_with},
    {"split", FN_CALL, 1, FN_STRING, split},
    {"split", FN_CALL, 2, FN_STRING, split_by},
    {"size", FN_CALL, 1, FN_LIST_ANY, list_size},
    {"at", FN_CALL, 2, FN_LIST_STRING, list_at},
    {"contains", FN_CALL, 2, FN_LIST_STRING, list_contains},
    {"toInt", FN_CALL, 1, FN_STRING, string_to_int},
    {"toInt", FN_CALL, 1, FN_FLOAT, float_to_int},
    {"toInt", FN_CALL, 1, FN_BOOL, same_int},
    {"toInt", FN_CALL, 1, FN_TIME, same_int},
    {"toTime", FN_CALL, 1, FN_INT, same_int},
    {"toFloat", FN_CALL, 1, FN_INT, int_to_float},
    {"toString", FN_CALL, 1, FN_INT, int_to_string},
    {"toString", FN_CALL, 1, FN_BOOL, bool_to_string},
    {"toString", FN_CALL, 1, FN_STRING, same},
};

ref_function ref_find(const struct fn *f)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].name, f->name) == 0 && table[i].kind == f->kind &&
            table[i].args_cnt == f->args_cnt &&
            (table[i].first == ANY || table[i].first == (int)f->arg[0]))
            return table[i].function;
    return NULL;
}
