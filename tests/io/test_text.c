#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/escape.h"
#include "io/text.h"
#include "tests/prng.h"
#include "tests/test.h"

static struct strbuf out;

static const char *take(void)
{
    static char buf[512];

    snprintf(buf, sizeof buf, "%s", out.s ? out.s : "");
    strbuf_release(&out);
    return buf;
}

TEST(text, ints)
{
    static const struct {
        int64_t v;
        const char *text;
    } table[] = {{0, "0"},
                 {-1, "-1"},
                 {1795132801, "1795132801"},
                 {INT64_MAX, "9223372036854775807"},
                 {INT64_MIN, "-9223372036854775808"}};

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        text_put_int(&out, table[i].v);
        EXPECT_EQ_STR(take(), table[i].text);
    }
    text_put_uint(&out, UINT64_MAX);
    EXPECT_EQ_STR(take(), "18446744073709551615");
}

TEST(text, counts_for_people)
{
    static const struct {
        uint64_t v;
        const char *text;
    } table[] = {
        {0, "0"}, {999, "999"}, {1000, "1,000"}, {1234567, "1,234,567"}, {100000, "100,000"}};

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        text_put_cnt(&out, table[i].v);
        EXPECT_EQ_STR(take(), table[i].text);
    }
}

// What Python's repr writes.
TEST(text, floats)
{
    static const struct {
        double v;
        const char *text;
    } table[] = {
        {0.0, "0.0"},
        {1.0, "1.0"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333"},
        {100.0, "100.0"},
        {123456789.125, "123456789.125"},
        {1e15, "1000000000000000.0"},
        {999999999999999.9, "999999999999999.9"},
        {1e16, "1e+16"},
        {1.5e16, "1.5e+16"},
        {12345678901234567.0, "1.2345678901234568e+16"},
        {-1e22, "-1e+22"},
        {1e100, "1e+100"},
        {0.0001, "0.0001"},
        {0.00012345, "0.00012345"},
        {0.00001, "1e-05"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {5e-324, "5e-324"},
        {1.5e-323, "1.5e-323"},
        {0x1p-44, "5.684341886080802e-14"},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        text_put_float(&out, table[i].v);
        EXPECT_EQ_STR(take(), table[i].text);
    }
    EXPECT_EQ_STR(text_float_special(NAN), "NaN");
    EXPECT_EQ_STR(text_float_special(INFINITY), "Infinity");
    EXPECT_EQ_STR(text_float_special(-INFINITY), "-Infinity");
    EXPECT(text_float_special(1) == NULL);
}

TEST(text, floats_read_back)
{
    struct prng p = prng_of(prng_seed(7));

    for (int i = 0; i < 20000; i++) {
        uint64_t bits = prng_u64(&p);
        double v;
        memcpy(&v, &bits, sizeof v);
        if (text_float_special(v))
            continue;
        text_put_float(&out, v);
        EXPECT(strtod(out.s, NULL) == v);
        take();
    }
}

TEST(text, times)
{
    static const struct {
        int64_t t_ns;
        int digits;
        const char *text;
    } table[] = {
        {0, -1, "1970-01-01T00:00:00Z"},
        {1795132802000000000, -1, "2026-11-20T00:00:02Z"},
        {1795132802000000000, 3, "2026-11-20T00:00:02.000Z"},
        {1795132802500000000, -1, "2026-11-20T00:00:02.5Z"},
        {1795132802500000000, 1, "2026-11-20T00:00:02.5Z"},
        {1, -1, "1970-01-01T00:00:00.000000001Z"},
        {-1, -1, "1969-12-31T23:59:59.999999999Z"},
        {951782400000000000, 0, "2000-02-29T00:00:00Z"},
        {4107542399000000000, 0, "2100-02-28T23:59:59Z"},
        {4107542400000000000, 0, "2100-03-01T00:00:00Z"},
        {INT64_MAX, -1, "2262-04-11T23:47:16.854775807Z"},
        {INT64_MIN, -1, "1677-09-21T00:12:43.145224192Z"},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        text_put_time(&out, table[i].t_ns, table[i].digits);
        EXPECT_EQ_STR(take(), table[i].text);
    }
}

TEST(text, digits_that_a_period_needs)
{
    EXPECT_EQ_INT(text_time_digits(1000000000), 0);
    EXPECT_EQ_INT(text_time_digits(60000000000), 0);
    EXPECT_EQ_INT(text_time_digits(500000000), 1);
    EXPECT_EQ_INT(text_time_digits(250000000), 2);
    EXPECT_EQ_INT(text_time_digits(1000000), 3);
    EXPECT_EQ_INT(text_time_digits(1500), 7);
    EXPECT_EQ_INT(text_time_digits(1), 9);
}

TEST(text, addresses)
{
    static const struct {
        struct ip ip;
        const char *text;
    } table[] = {
        {{{0}}, "::"},
        {{{[15] = 1}}, "::1"},
        {{{[10] = 0xff, 0xff, 10, 0, 0, 255}}, "10.0.0.255"},
        {{{[10] = 0xff, 0xff, 0, 0, 0, 0}}, "0.0.0.0"},
        {{{[12] = 1, 2, 3, 4}}, "::102:304"},
        {{{0x20, 0x01, 0x0d, 0xb8, [15] = 1}}, "2001:db8::1"},
        {{{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1}}, "2001:db8:0:1:1:1:1:1"},
        {{{0x20, 0x01, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1}}, "2001::1:0:0:1:1"},
        {{{0x20, 0x01, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1}}, "2001:0:1::1:1"},
        {{{0xfe, 0x80}}, "fe80::"},
        {{{0xfe, 0x80, [14] = 0xab, 0xcd}}, "fe80::abcd"},
        {{{0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8}}, "1:2:3:4:5:6:7:8"},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        text_put_ip(&out, &table[i].ip);
        EXPECT_EQ_STR(take(), table[i].text);
    }
}

#define BYTES(s) (const uint8_t *)(s), sizeof(s) - 1

TEST(escape, strings)
{
    static const struct {
        const uint8_t *s;
        uint32_t len;
        const char *json, *csv, *table;
    } table[] = {
        {BYTES(""), "\"\"", "", ""},
        {BYTES("the"), "\"the\"", "the", "the"},
        {BYTES("a\"b\\c"), "\"a\\\"b\\\\c\"", "\"a\"\"b\\c\"", "a\"b\\c"},
        {BYTES("a,b"), "\"a,b\"", "\"a,b\"", "a,b"},
        {BYTES("\b\t\n\f\r\x01\x1f\x7f"), "\"\\b\\t\\n\\f\\r\\u0001\\u001f\x7f\"",
         "\"\b\t\n\f\r\x01\x1f\x7f\"", "\\b\\t\\n\\f\\r\\u0001\\u001f\\u007f"},
        {BYTES("a\0b"), "\"a\\u0000b\"", NULL, "a\\u0000b"},
        {BYTES("größe €"), "\"größe €\"", "größe €", "größe €"},
        {BYTES("\xf0\x9f\x8c\x8a"), "\"\xf0\x9f\x8c\x8a\"", "\xf0\x9f\x8c\x8a", "\xf0\x9f\x8c\x8a"},
        {BYTES("\xff"), "\"\\udcff\"", "\\udcff", "\\udcff"},
        {BYTES("\\udcff"), "\"\\\\udcff\"", "\\\\udcff", "\\udcff"},
        {BYTES("\\x"), "\"\\\\x\"", "\\x", "\\x"},
        {BYTES("\xff\\x"), "\"\\udcff\\\\x\"", "\\udcff\\\\x", "\\udcff\\x"},
        {BYTES("a\xc3"), "\"a\\udcc3\"", "a\\udcc3", "a\\udcc3"},
        {BYTES("\xe2\x82z"), "\"\\udce2\\udc82z\"", "\\udce2\\udc82z", "\\udce2\\udc82z"},
        // overlong, a surrogate, beyond U+10FFFF, a C1 control
        {BYTES("\xc0\x80"), "\"\\udcc0\\udc80\"", "\\udcc0\\udc80", "\\udcc0\\udc80"},
        {BYTES("\xe0\x9f\xbf"), "\"\\udce0\\udc9f\\udcbf\"", "\\udce0\\udc9f\\udcbf",
         "\\udce0\\udc9f\\udcbf"},
        {BYTES("\xed\xb3\xbf"), "\"\\udced\\udcb3\\udcbf\"", "\\udced\\udcb3\\udcbf",
         "\\udced\\udcb3\\udcbf"},
        {BYTES("\xf4\x90\x80\x80"), "\"\\udcf4\\udc90\\udc80\\udc80\"",
         "\\udcf4\\udc90\\udc80\\udc80", "\\udcf4\\udc90\\udc80\\udc80"},
        {BYTES("\xc2\x9b"
               "1m"),
         "\"\xc2\x9b"
         "1m\"",
         "\xc2\x9b"
         "1m",
         "\\u009b1m"},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        escape_json(&out, table[i].s, table[i].len);
        EXPECT_EQ_STR(take(), table[i].json);
        if (table[i].csv) {
            escape_csv(&out, table[i].s, table[i].len);
            EXPECT_EQ_STR(take(), table[i].csv);
        }
        escape_table(&out, table[i].s, table[i].len);
        EXPECT_EQ_STR(take(), table[i].table);
    }
}

// Short strings of the bytes that matter: no two of them are written alike.
TEST(escape, distinct_strings_stay_distinct)
{
    static const uint8_t alphabet[] = {'\\', 'u', 'd', 'c', '8', '0', 0x80, 0xed, '"', ','};
    enum { STRINGS = 4000, LEN = 9 };
    static struct {
        uint8_t s[LEN];
        uint32_t len;
        char *text[2];
    } all[STRINGS];
    struct prng p = prng_of(prng_seed(3));

    for (int i = 0; i < STRINGS; i++) {
        all[i].len = (uint32_t)prng_below(&p, LEN + 1);
        for (uint32_t k = 0; k < all[i].len; k++)
            all[i].s[k] = alphabet[prng_below(&p, sizeof alphabet)];
        escape_json(&out, all[i].s, all[i].len);
        all[i].text[0] = strdup(take());
        escape_csv(&out, all[i].s, all[i].len);
        all[i].text[1] = strdup(take());
        for (int j = 0; j < i; j++) {
            bool same = all[i].len == all[j].len && memcmp(all[i].s, all[j].s, all[i].len) == 0;
            EXPECT((strcmp(all[i].text[0], all[j].text[0]) == 0) == same);
            EXPECT((strcmp(all[i].text[1], all[j].text[1]) == 0) == same);
        }
    }
    for (int i = 0; i < STRINGS; i++) {
        free(all[i].text[0]);
        free(all[i].text[1]);
    }
}
