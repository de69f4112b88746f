#include "tests/rdd/expr_harness.h"

#include <math.h>
#include <string.h>

#define REF(name) static bool ref_##name(const struct val *arg, struct val *out, struct zone *z)

REF(abs_int)
{
    (void)z;
    *out = val_int(arg[0].i < 0 ? (int64_t)(0 - (uint64_t)arg[0].i) : arg[0].i);
    return arg[0].i != INT64_MIN;
}

#define REF_FLOAT(name, good, expression) \
    REF(name)                             \
    {                                     \
        double a = arg[0].f;              \
        (void)z;                          \
        *out = val_float(expression);     \
        return good;                      \
    }

REF_FLOAT(abs_float, true, a < 0 || (a == 0 && signbit(a)) ? -a : a)
REF_FLOAT(floor, true, floor(a))
REF_FLOAT(ceil, true, ceil(a))
REF_FLOAT(sqrt, !(a < 0), sqrt(a))

TEST(fn_math, one_number)
{
    static const struct arg ints[] = {{gen_int, 2}, {NULL, 0}};
    static const struct arg floats[] = {{gen_float, 2}, {NULL, 0}};

    check_fn("abs", FN_CALL, ints, ref_abs_int);
    check_fn("abs", FN_CALL, floats, ref_abs_float);
    check_fn("floor", FN_CALL, floats, ref_floor);
    check_fn("ceil", FN_CALL, floats, ref_ceil);
    check_fn("sqrt", FN_CALL, floats, ref_sqrt);
}

TEST(fn_math, round_takes_halves_away_from_zero)
{
    static const double cases[][2] = {{0.5, 1}, {-0.5, -1}, {1.5, 2},   {2.5, 3},
                                      {0.4, 0}, {2.4, 2},   {-2.6, -3}, {1e300, 1e300}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct val arg = val_float(cases[i][0]), want = val_float(cases[i][1]);
        check_case("round", FN_CALL, &arg, 1, &want);
    }
}

// The canonical order: NaN is the greatest float.
static bool less(const struct val *a, const struct val *b)
{
    uint32_t n = a->len < b->len ? a->len : b->len;

    switch (a->kind) {
    case TYPE_FLOAT: return a->f < b->f || (isnan(b->f) && !isnan(a->f));
    case TYPE_IP: return memcmp(a->ip.b, b->ip.b, 16) < 0;
    case TYPE_STRING: {
        int c = n ? memcmp(a->s, b->s, n) : 0;
        return c < 0 || (c == 0 && a->len < b->len);
    }
    default: return a->i < b->i;
    }
}

REF(min)
{
    (void)z;
    *out = less(&arg[1], &arg[0]) ? arg[1] : arg[0];
    return true;
}

REF(max)
{
    (void)z;
    *out = less(&arg[0], &arg[1]) ? arg[1] : arg[0];
    return true;
}

static struct val gen_float_no_zero(struct prng *p, struct zone *z)
{
    struct val v = gen_float(p, z);

    if (v.f == 0)
        v.f = 1;
    return v;
}

TEST(fn_math, min_and_max)
{
    static const val_gen gens[] = {gen_int,  gen_small_int, gen_float_no_zero, gen_time,
                                   gen_bool, gen_ip,        gen_short,         gen_text};

    for (size_t i = 0; i < sizeof gens / sizeof *gens; i++) {
        struct arg arg[] = {{gens[i], 2}, {gens[i], 2}, {NULL, 0}};
        check_fn("min", FN_CALL, arg, ref_min);
        check_fn("max", FN_CALL, arg, ref_max);
    }
}

TEST(fn_math, floor_of_time)
{
    static const struct {
        int64_t t;
        const char *unit;
        int64_t want;
        bool good;
    } cases[] = {
        {0, "1m", 0, true},
        {59999999999, "1m", 0, true},
        {60000000000, "1m", 60000000000, true},
        {-1, "1m", -60000000000, true},
        {-60000000000, "1m", -60000000000, true},
        {1795132802123456789, "1s", 1795132802000000000, true},
        {INT64_MIN, "1d", 0, false},
        {INT64_MAX, "1d", 9223286400000000000, true},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct val arg[] = {val_time(cases[i].t), val_string(cases[i].unit)};
        struct val want = val_time(cases[i].want);
        check_case("floor", FN_CALL, arg, 2, cases[i].good ? &want : NULL);
    }
}

// The values are part of what is promised: they may never change.
TEST(fn_math, hash_is_fixed)
{
    static const char *const texts[] = {"",
                                        "a",
                                        "ab",
                                        "1234567",
                                        "12345678",
                                        "123456789",
                                        "123456789 123456789 123456789 12345678"};
    int64_t seen[16];
    uint32_t seen_cnt = 0;
    struct zone z = {0};
    struct place at;
    char err[64];

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct expr *arg = expr_string(&z, texts[i], (uint32_t)strlen(texts[i]));
        struct expr *e = expr_call(&z, "hash", FN_CALL, 1, &arg);
        struct lambda l = {.params_cnt = 1, .leaves_cnt = 1, .leaf = &e};
        EXPECT_EQ_INT(lambda_finish(&l, &z, &at, err, sizeof err), 0);
        EXPECT(e->op == EXPR_LIT && e->lit.i >= 0);
        for (uint32_t k = 0; k < seen_cnt; k++)
            EXPECT(seen[k] != e->lit.i);
        seen[seen_cnt++] = e->lit.i;
    }
    EXPECT_EQ_INT(seen[0], 4809756953722922582);
    EXPECT_EQ_INT(seen[5], 5048979245972228049);
    EXPECT_EQ_INT(seen[6], 5108253368107360158);
    zone_free(&z);
}

TEST(fn_math, hash_of_equal_floats)
{
    struct zone z = {0};
    struct expr *zero[] = {expr_float(&z, 0.0), expr_float(&z, -0.0)};
    struct place at;
    char err[64];

    for (int i = 0; i < 2; i++)
        zero[i] = expr_call(&z, "hash", FN_CALL, 1, &zero[i]);
    struct lambda l = {.params_cnt = 1, .leaves_cnt = 2, .leaf = zero};
    EXPECT_EQ_INT(lambda_finish(&l, &z, &at, err, sizeof err), 0);
    EXPECT_EQ_INT(zero[0]->lit.i, zero[1]->lit.i);
    zone_free(&z);
}

// --- addresses -----------------------------------------------------------------------------------

static bool is_v4(const struct val *v)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

    return memcmp(v->ip.b, mapped, 12) == 0;
}

static struct val cut(const struct val *v, uint32_t bits)
{
    struct val out = *v;

    for (uint32_t i = bits; i < 128; i++)
        out.ip.b[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
    return out;
}

REF(prefix)
{
    int64_t bits = arg[1].i;

    (void)z;
    if (bits < 0 || bits > 128)
        return false;
    *out = cut(&arg[0], is_v4(&arg[0]) ? 96 + (bits > 32 ? 32 : (uint32_t)bits) : (uint32_t)bits);
    return true;
}

REF(prefix_both)
{
    struct val one[] = {arg[0], is_v4(&arg[0]) ? arg[1] : arg[2]};

    return ref_prefix(one, out, z);
}

REF(is_v4)
{
    (void)z;
    *out = val_bool(is_v4(&arg[0]));
    return true;
}

REF(is_v6)
{
    (void)z;
    *out = val_bool(!is_v4(&arg[0]));
    return true;
}

TEST(fn_math, addresses)
{
    static const struct arg one[] = {{gen_ip, 2}, {NULL, 0}};

    for (int i = 0; i < 4; i++) {
        check_fn("prefix", FN_CALL, (struct arg[]){{gen_ip, 2}, {gen_bits, 2}, {NULL, 0}},
                 ref_prefix);
        check_fn("prefix", FN_CALL,
                 (struct arg[]){{gen_ip, 2}, {gen_bits, 2}, {gen_bits, 2}, {NULL, 0}},
                 ref_prefix_both);
    }
    check_fn("isV4", FN_CALL, one, ref_is_v4);
    check_fn("isV6", FN_CALL, one, ref_is_v6);
}

TEST(fn_math, networks)
{
    static const struct {
        const char *ip, *net;
        int want; // -1: the network is refused
    } cases[] = {
        {"10.1.2.3", "10.0.0.0/8", 1},
        {"11.1.2.3", "10.0.0.0/8", 0},
        {"10.1.2.3", "10.1.2.3/32", 1},
        {"10.1.2.2", "10.1.2.3/32", 0},
        {"10.1.2.3", "0.0.0.0/0", 1},
        {"::1", "0.0.0.0/0", 0},
        {"2001:db8::1", "2001:db8::/32", 1},
        {"2001:db9::1", "2001:db8::/32", 0},
        {"::1", "::/0", 1},
        {"1.2.3.4", "::/0", 1},
        {"1.2.3.4", "10.0.0.1/8", -1},
        {"1.2.3.4", "10.0.0.0", -1},
        {"1.2.3.4", "10.0.0.0/33", -1},
        {"1.2.3.4", "2001:db8::/129", -1},
        {"1.2.3.4", "10.0.0.0/", -1},
        {"1.2.3.4", "x/8", -1},
        {"1.2.3.4", "10.0.0.0/-1", -1},
        {"1.2.3.4", "", -1},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct val ip = val_ip(cases[i].ip), want = val_bool(cases[i].want == 1);
        struct val arg[] = {ip, val_string(cases[i].net)};
        struct zone z = {0};
        struct expr *e[] = {expr_ip(&z, ip.ip),
                            expr_string(&z, cases[i].net, (uint32_t)strlen(cases[i].net))};
        struct place at;
        char err[128];
        if (cases[i].want >= 0) {
            check_case("inNet", FN_CALL, arg, 2, &want);
        } else {
            struct expr *call = expr_call(&z, "inNet", FN_CALL, 2, e);
            struct lambda l = {.params_cnt = 1, .leaves_cnt = 1, .leaf = &call};
            EXPECT(lambda_finish(&l, &z, &at, err, sizeof err) != 0);
        }
        zone_free(&z);
    }
}
