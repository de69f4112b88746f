#include "tests/rdd/expr_harness.h"

#include "rdd/print.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REF(name) static bool ref_##name(const struct val *arg, struct val *out, struct zone *z)

static const struct arg number_text[] = {{gen_number, 2}, {NULL, 0}};

// Digits one by one in 128 bits.
REF(to_int)
{
    const uint8_t *s = arg[0].s, *end = s + arg[0].len;
    __int128 v = 0;
    bool negative = s < end && *s == '-';

    (void)z;
    s += s < end && (*s == '-' || *s == '+');
    if (s == end)
        return false;
    for (; s < end; s++) {
        if (*s < '0' || *s > '9')
            return false;
        v = v * 10 + (*s - '0');
        if (v > (__int128)1 << 64)
            return false;
    }
    v = negative ? -v : v;
    *out = val_int((int64_t)v);
    return v >= INT64_MIN && v <= INT64_MAX;
}

// strtod, for texts of the characters of decimal numbers alone.
REF(to_float)
{
    char *text = zone_strndup(z, (const char *)arg[0].s, arg[0].len), *end;

    if (text[strspn(text, "0123456789+-.eE")] || !*text)
        return false;
    *out = val_float(strtod(text, &end));
    return !*end && !isinf(out->f);
}

TEST(fn_convert, numbers_from_text)
{
    for (int i = 0; i < 4; i++) {
        check_fn("toInt", FN_CALL, number_text, ref_to_int);
        check_fn("toFloat", FN_CALL, number_text, ref_to_float);
    }
}

TEST(fn_convert, texts_that_are_no_ints)
{
    static const struct {
        const char *text;
        int good;
        int64_t want;
    } cases[] = {
        {"0", 1, 0},
        {"-0", 1, 0},
        {"+7", 1, 7},
        {"007", 1, 7},
        {"9223372036854775807", 1, INT64_MAX},
        {"-9223372036854775808", 1, INT64_MIN},
        {"00000000000000000000000000001", 1, 1},
        {"9223372036854775808", 0, 0},
        {"-9223372036854775809", 0, 0},
        {"18446744073709551616", 0, 0},
        {"99999999999999999999999", 0, 0},
        {"", 0, 0},
        {"-", 0, 0},
        {"+", 0, 0},
        {"--1", 0, 0},
        {"1 ", 0, 0},
        {" 1", 0, 0},
        {"1.0", 0, 0},
        {"0x10", 0, 0},
        {"x", 0, 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct val arg = val_string(cases[i].text), want = val_int(cases[i].want);
        check_case("toInt", FN_CALL, &arg, 1, cases[i].good ? &want : NULL);
    }
}

TEST(fn_convert, texts_and_floats)
{
    static const struct {
        const char *text;
        int good;
        double want;
    } cases[] = {
        {"1", 1, 1},
        {"-1.5", 1, -1.5},
        {".5", 1, 0.5},
        {"5.", 1, 5},
        {"1e3", 1, 1000},
        {"1E+3", 1, 1000},
        {"1e-3", 1, 0.001},
        {"0.1", 1, 0.1},
        {"1e22", 1, 1e22},
        {"1e23", 1, 1e23},
        {"9007199254740993", 1, 9007199254740992.},
        {"123456789012345678901234567890", 1, 123456789012345678901234567890.},
        {"0.000000000000000000000000000000000000001", 1, 1e-39},
        {"4.9e-324", 1, 5e-324},
        {"1e-400", 1, 0},
        {"1.7976931348623157e308", 1, 1.7976931348623157e308},
        {"1e309", 0, 0},
        {"", 0, 0},
        {".", 0, 0},
        {"-", 0, 0},
        {"e5", 0, 0},
        {"1e", 0, 0},
        {"1e+", 0, 0},
        {"1.2.3", 0, 0},
        {"nan", 0, 0},
        {"inf", 0, 0},
        {"0x1p3", 0, 0},
        {"1 ", 0, 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct val arg = val_string(cases[i].text), want = val_float(cases[i].want);
        check_case("toFloat", FN_CALL, &arg, 1, cases[i].good ? &want : NULL);
    }
}

REF(float_to_int)
{
    double f = trunc(arg[0].f);

    (void)z;
    if (!(f >= -9223372036854775808. && f < 9223372036854775808.))
        return false;
    *out = val_int((int64_t)f);
    return true;
}

REF(int_to_float)
{
    (void)z;
    *out = val_float((double)arg[0].i);
    return true;
}

REF(same_int)
{
    (void)z;
    *out = val_int(arg[0].i);
    return true;
}

REF(same_time)
{
    (void)z;
    *out = val_time(arg[0].i);
    return true;
}

TEST(fn_convert, among_numbers)
{
    check_fn("toInt", FN_CALL, (struct arg[]){{gen_float, 2}, {NULL, 0}}, ref_float_to_int);
    check_fn("toFloat", FN_CALL, (struct arg[]){{gen_int, 2}, {NULL, 0}}, ref_int_to_float);
    check_fn("toInt", FN_CALL, (struct arg[]){{gen_bool, 2}, {NULL, 0}}, ref_same_int);
    check_fn("toInt", FN_CALL, (struct arg[]){{gen_time, 2}, {NULL, 0}}, ref_same_int);
    check_fn("toTime", FN_CALL, (struct arg[]){{gen_int, 2}, {NULL, 0}}, ref_same_time);
}

REF(int_text)
{
    char buf[32];
    int n = snprintf(buf, sizeof buf, "%lld", (long long)arg[0].i);

    *out = val_bytes(zone_strndup(z, buf, (size_t)n), (uint32_t)n);
    return true;
}

REF(bool_text)
{
    (void)z;
    *out = val_string(arg[0].i ? "true" : "false");
    return true;
}

REF(same_text)
{
    (void)z;
    *out = arg[0];
    return true;
}

TEST(fn_convert, to_string)
{
    check_fn("toString", FN_CALL, (struct arg[]){{gen_int, 2}, {NULL, 0}}, ref_int_text);
    check_fn("toString", FN_CALL, (struct arg[]){{gen_bool, 2}, {NULL, 0}}, ref_bool_text);
    check_fn("toString", FN_CALL, (struct arg[]){{gen_text, 2}, {NULL, 0}}, ref_same_text);
}

// What toString writes is read back as the same value.
TEST(fn_convert, texts_read_back)
{
    struct prng p = prng_of(prng_seed(3));
    struct zone z = {0};
    char text[PRINT_BYTES_MAX];

    for (int i = 0; i < 20000; i++) {
        struct val f = gen_float(&p, &z), ip = gen_ip(&p, &z), t = gen_time(&p, &z), got = f;
        if (isfinite(f.f)) {
            EXPECT_EQ_INT(parse_float(text, print_float((uint8_t *)text, f.f), &got.f), 0);
            EXPECT(got.f == f.f);
        }
        got = ip;
        EXPECT_EQ_INT(parse_ip(text, print_ip((uint8_t *)text, &ip.ip), &got.ip), 0);
        EXPECT(val_same(&got, &ip));
        got = t;
        EXPECT_EQ_INT(parse_time_ns(text, print_time((uint8_t *)text, t.i), &got.i), 0);
        EXPECT_EQ_INT(got.i, t.i);
    }
    zone_free(&z);
}

TEST(fn_convert, printed)
{
    static const struct {
        double f;
        const char *want;
    } floats[] = {
        {0, "0.0"},
        {-1, "-1.0"},
        {0.1, "0.1"},
        {1.0 / 3, "0.3333333333333333"},
        {1e15, "1000000000000000.0"},
        {1e16, "1e+16"},
        {1e-4, "0.0001"},
        {1e-5, "1e-05"},
        {1.5e300, "1.5e+300"},
        {-2.5e-10, "-2.5e-10"},
        {5e-324, "5e-324"},
        {12.5, "12.5"},
        {NAN, "NaN"},
        {INFINITY, "Infinity"},
        {-INFINITY, "-Infinity"},
        {123456789012345680., "1.2345678901234568e+17"},
    };
    static const struct {
        int64_t t;
        const char *want;
    } times[] = {
        {0, "1970-01-01T00:00:00Z"},
        {1500000000, "1970-01-01T00:00:01.5Z"},
        {-1, "1969-12-31T23:59:59.999999999Z"},
        {1795132802000000000, "2026-11-20T00:00:02Z"},
        {951782400000000000, "2000-02-29T00:00:00Z"},
        {INT64_MIN, "1677-09-21T00:12:43.145224192Z"},
        {INT64_MAX, "2262-04-11T23:47:16.854775807Z"},
    };
    static const char *const ips[] = {
        "0.0.0.0",
        "255.1.20.3",
        "::",
        "::1",
        "1::",
        "2001:db8::1:0:0:1",
        "1:0:2:3:4:5:6:7",
        "fe80::1:2",
        "1:2:3:4:5:6:7:8",
        "::ffff:0:1.2.3.4",
    };

    for (size_t i = 0; i < sizeof floats / sizeof *floats; i++) {
        struct val arg = val_float(floats[i].f), want = val_string(floats[i].want);
        check_case("toString", FN_CALL, &arg, 1, &want);
    }
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct val arg = val_time(times[i].t), want = val_string(times[i].want);
        check_case("toString", FN_CALL, &arg, 1, &want);
        check_case("toTime", FN_CALL, &want, 1, &arg);
    }
    // The last has a dotted tail that is no IPv4 address, and is written without it.
    for (size_t i = 0; i + 1 < sizeof ips / sizeof *ips; i++) {
        struct val arg = val_ip(ips[i]), want = val_string(ips[i]);
        check_case("toString", FN_CALL, &arg, 1, &want);
        check_case("toIp", FN_CALL, &want, 1, &arg);
    }
}
