// Numbers with units: what is taken, and what is refused.

#include <errno.h>
#include <string.h>

#include "job/units.h"
#include "tests/test.h"

struct unit_case {
    const char *text;
    int rc;
    uint64_t value;
};

static void walk(const struct unit_case *table, size_t cnt,
                 int (*parse)(const char *, size_t, uint64_t *))
{
    for (size_t i = 0; i < cnt; i++) {
        uint64_t v = 0;
        int rc = parse(table[i].text, strlen(table[i].text), &v);
        if (rc != table[i].rc || (rc == 0 && v != table[i].value))
            EXPECT_EQ_STR("wrong", table[i].text);
    }
}

#define WALK(table, parse) walk(table, sizeof(table) / sizeof((table)[0]), parse)

TEST(units, uint)
{
    static const struct unit_case table[] = {
        {"0", 0, 0},
        {"1_000_000", 0, 1000000},
        {"18446744073709551615", 0, UINT64_MAX},
        {"18446744073709551616", -ERANGE, 0},
        {"", -EINVAL, 0},
        {"-1", -EINVAL, 0},
        {"+1", -EINVAL, 0},
        {" 1", -EINVAL, 0},
        {"1_", -EINVAL, 0},
        {"_1", -EINVAL, 0},
        {"0x10", -EINVAL, 0},
        {"1.0", -EINVAL, 0},
    };

    WALK(table, parse_uint);
}

TEST(units, size)
{
    static const struct unit_case table[] = {
        {"1B", 0, 1},
        {"4GB", 0, 4ull << 30},
        {"4GiB", 0, 4ull << 30},
        {"1.5KB", 0, 1536},
        {"512 MB", 0, 512ull << 20},
        {"2TB", 0, 2ull << 40},
        {"0.1KB", -EINVAL, 0},
        {"4", -EINVAL, 0},
        {"4gb", -EINVAL, 0},
        {"GB", -EINVAL, 0},
        {"1.GB", -EINVAL, 0},
        {"99999999999TB", -ERANGE, 0},
        {"1.00000000000001GB", -EINVAL, 0},
    };

    WALK(table, parse_size_bytes);
}

TEST(units, rate)
{
    static const struct unit_case table[] = {
        {"100/s", 0, 100},       {"50K/s", 0, 50000}, {"50k/s", 0, 50000}, {"1.5M/s", 0, 1500000},
        {"1G/s", 0, 1000000000}, {"100", -EINVAL, 0}, {"1M", -EINVAL, 0},  {"1/m", -EINVAL, 0},
    };

    WALK(table, parse_rate_per_s);
}
