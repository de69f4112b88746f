#include "tests/test.h"

#include "rdd/parse.h"

#include <errno.h>
#include <string.h>

TEST(parse, durations)
{
    static const struct {
        const char *text;
        int64_t ns; // -1: refused
    } cases[] = {
        {"1ns", 1},
        {"10us", 10000},
        {"500ms", 500000000},
        {"30s", 30000000000},
        {"1m", 60000000000},
        {"2h", 7200000000000},
        {"1d", 86400000000000},
        {"0s", 0},
        {"106751d", 9223286400000000000},
        {"106752d", -1},
        {"99999999999999999999s", -1},
        {"", -1},
        {"s", -1},
        {"30", -1},
        {"30 s", -1},
        {"-1s", -1},
        {"+1s", -1},
        {"1.5s", -1},
        {"1S", -1},
        {"1min", -1},
        {"1sx", -1},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ns = -1;
        int rc = parse_duration_ns(cases[i].text, strlen(cases[i].text), &ns);
        EXPECT_EQ_INT(rc, cases[i].ns < 0 ? -EINVAL : 0);
        EXPECT_EQ_INT(ns, cases[i].ns);
    }
}

TEST(parse, addresses)
{
    static const struct {
        const char *text;
        const char *bytes; // NULL: refused
    } cases[] = {
        {"1.2.3.4", "\0\0\0\0\0\0\0\0\0\0\xff\xff\1\2\3\4"},
        {"0.0.0.0", "\0\0\0\0\0\0\0\0\0\0\xff\xff\0\0\0\0"},
        {"255.255.255.255", "\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff"},
        {"::ffff:1.2.3.4", "\0\0\0\0\0\0\0\0\0\0\xff\xff\1\2\3\4"},
        {"::", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"},
        {"2001:db8::5", "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\5"},
        {"256.1.1.1", NULL},
        {"1.2.3", NULL},
        {"1.2.3.4.5", NULL},
        {"1.2.3.", NULL},
        {".1.2.3", NULL},
        {"1..2.3", NULL},
        {"01.2.3.4", NULL},
        {"1.2.3.4 ", NULL},
        {"", NULL},
        {"::1%eth0", NULL},
        {"1:2:3:4:5:6:7:8:9", NULL},
        {"12345678901234567890123456789012345678901234567890", NULL},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ip ip = {{0}};
        int rc = parse_ip(cases[i].text, strlen(cases[i].text), &ip);
        EXPECT_EQ_INT(rc, cases[i].bytes ? 0 : -EINVAL);
        if (!rc && cases[i].bytes)
            EXPECT_EQ_MEM(ip.b, cases[i].bytes, 16);
    }
}

TEST(parse, times)
{
    static const struct {
        const char *text;
        int64_t ns; // -1: refused
    } cases[] = {
        {"1970-01-01", 0},
        {"1970-01-01T00:00:00Z", 0},
        {"2026-11-20T00:00:02Z", 1795132802000000000},
        {"2026-11-20T01:00:02+01:00", 1795132802000000000},
        {"2026-11-19T19:00:02-05:00", 1795132802000000000},
        {"2000-02-29T12:00:00.000000001Z", 951825600000000001},
        {"2262-04-11T23:47:16.854775807Z", INT64_MAX},
        {"2262-04-11T23:47:16.854775808Z", -1},
        {"2001-02-29", -1},
        {"1900-02-29", -1},
        {"2000-13-01", -1},
        {"2000-00-01", -1},
        {"2000-01-32", -1},
        {"2000-1-1", -1},
        {"2000-01-01T24:00:00Z", -1},
        {"2000-01-01T00:60:00Z", -1},
        {"2000-01-01T00:00:60Z", -1},
        {"2000-01-01T00:00:00", -1},
        {"2000-01-01 00:00:00Z", -1},
        {"2000-01-01T00:00:00.Z", -1},
        {"2000-01-01T00:00:00.1234567890Z", -1},
        {"2000-01-01T00:00:00Zx", -1},
        {"2000-01-01T00:00:00+1:00", -1},
        {"", -1},
        {"2000-01-01T", -1},
        {"9999-12-31", -1},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ns = -1;
        int rc = parse_time_ns(cases[i].text, strlen(cases[i].text), &ns);
        EXPECT_EQ_INT(rc, cases[i].ns == -1 ? -EINVAL : 0);
        EXPECT_EQ_INT(ns, cases[i].ns);
    }
}
