#include "tests/rdd/expr_harness.h"

#include <math.h>

static const struct arg ints[] = {{gen_int, 2}, {gen_int, 2}, {NULL, 0}};
static const struct arg small_ints[] = {{gen_small_int, 2}, {gen_small_int, 2}, {NULL, 0}};
static const struct arg floats[] = {{gen_float, 2}, {gen_float, 2}, {NULL, 0}};

static bool fits(__int128 v, struct val *out)
{
    *out = val_int((int64_t)v);
    return v >= INT64_MIN && v <= INT64_MAX;
}

#define REF_INT(name, expression)                                                        \
    static bool ref_##name##_int(const struct val *arg, struct val *out, struct zone *z) \
    {                                                                                    \
        __int128 a = arg[0].i, b = arg[1].i;                                             \
        (void)z;                                                                         \
        return expression;                                                               \
    }

REF_INT(add, fits(a + b, out))
REF_INT(sub, fits(a - b, out))
REF_INT(mul, fits(a *b, out))
REF_INT(div, b != 0 && fits(a / b, out))
REF_INT(mod, b != 0 && fits(a % b, out))

TEST(fn_arith, ints)
{
    check_fn("+", FN_INFIX, ints, ref_add_int);
    check_fn("-", FN_INFIX, ints, ref_sub_int);
    check_fn("*", FN_INFIX, ints, ref_mul_int);
    check_fn("/", FN_INFIX, ints, ref_div_int);
    check_fn("%", FN_INFIX, ints, ref_mod_int);
    check_fn("+", FN_INFIX, small_ints, ref_add_int);
    check_fn("-", FN_INFIX, small_ints, ref_sub_int);
    check_fn("*", FN_INFIX, small_ints, ref_mul_int);
    check_fn("/", FN_INFIX, small_ints, ref_div_int);
    check_fn("%", FN_INFIX, small_ints, ref_mod_int);
}

// Literal divisors have a way of their own for dividends that are not negative and not huge.
TEST(fn_arith, literal_divisors)
{
    static const struct arg ids[] = {{gen_id, 0}, {gen_id, 1}, {NULL, 0}};
    static const struct arg mixed[] = {{gen_int, 0}, {gen_id, 1}, {NULL, 0}};

    for (int i = 0; i < 10; i++) {
        check_fn("/", FN_INFIX, ids, ref_div_int);
        check_fn("%", FN_INFIX, ids, ref_mod_int);
    }
    check_fn("/", FN_INFIX, mixed, ref_div_int);
    check_fn("%", FN_INFIX, mixed, ref_mod_int);
}

// Just below, at and above a multiple of the divisor, where rounding could go wrong.
TEST(fn_arith, division_next_to_multiples)
{
    struct prng p = prng_of(prng_seed(4));

    for (int i = 0; i < 300; i++) {
        int64_t by = 1 + (int64_t)(prng_u64(&p) >> (14 + prng_below(&p, 50)));
        int64_t times = (int64_t)prng_below(&p, (uint64_t)((1ll << 51) / by));
        for (int64_t near = -1; near <= 1; near++) {
            struct val arg[] = {val_int(times * by + near), val_int(by)};
            struct val div = val_int(arg[0].i / by), mod = val_int(arg[0].i % by);
            check_case("/", FN_INFIX, arg, 2, &div);
            check_case("%", FN_INFIX, arg, 2, &mod);
        }
    }
}

#define REF_FLOAT(name, good, expression)                                                  \
    static bool ref_##name##_float(const struct val *arg, struct val *out, struct zone *z) \
    {                                                                                      \
        double a = arg[0].f, b = arg[1].f;                                                 \
        (void)z;                                                                           \
        *out = val_float(expression);                                                      \
        return good;                                                                       \
    }

REF_FLOAT(add, true, a + b)
REF_FLOAT(sub, true, a - b)
REF_FLOAT(mul, true, a *b)
REF_FLOAT(div, b != 0, a / b)
REF_FLOAT(mod, b != 0, fmod(a, b))

TEST(fn_arith, floats)
{
    check_fn("+", FN_INFIX, floats, ref_add_float);
    check_fn("-", FN_INFIX, floats, ref_sub_float);
    check_fn("*", FN_INFIX, floats, ref_mul_float);
    check_fn("/", FN_INFIX, floats, ref_div_float);
    check_fn("%", FN_INFIX, floats, ref_mod_float);
}

static bool ref_neg_int(const struct val *arg, struct val *out, struct zone *z)
{
    (void)z;
    return fits(-(__int128)arg[0].i, out);
}

static bool ref_neg_float(const struct val *arg, struct val *out, struct zone *z)
{
    (void)z;
    *out = val_float(-arg[0].f);
    return true;
}

static bool ref_not(const struct val *arg, struct val *out, struct zone *z)
{
    (void)z;
    *out = val_bool(!arg[0].i);
    return true;
}

TEST(fn_arith, prefix)
{
    check_fn("-", FN_PREFIX, ints + 1, ref_neg_int);
    check_fn("-", FN_PREFIX, floats + 1, ref_neg_float);
    check_fn("!", FN_PREFIX, (struct arg[]){{gen_bool, 2}, {NULL, 0}}, ref_not);
}

static bool ref_add_time(const struct val *arg, struct val *out, struct zone *z)
{
    bool good = ref_add_int(arg, out, z);
    out->kind = TYPE_TIME;
    return good;
}

static bool ref_sub_time(const struct val *arg, struct val *out, struct zone *z)
{
    bool good = ref_sub_int(arg, out, z);
    out->kind = TYPE_TIME;
    return good;
}

TEST(fn_arith, times)
{
    static const struct arg times[] = {{gen_time, 2}, {gen_int, 2}, {NULL, 0}};
    struct val start = val_time(1000), later = val_time(30000001000);

    check_fn("+", FN_INFIX, times, ref_add_time);
    check_fn("-", FN_INFIX, times, ref_sub_time);
    check_fn("-", FN_INFIX, (struct arg[]){{gen_time, 2}, {gen_time, 2}, {NULL, 0}}, ref_sub_int);
    check_case("+", FN_INFIX, (struct val[]){start, val_string("30s")}, 2, &later);
    check_case("-", FN_INFIX, (struct val[]){later, val_string("30s")}, 2, &start);
}
