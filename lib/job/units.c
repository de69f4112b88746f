#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "job/units.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int parse_uint(const char *s, size_t len, uint64_t *out)
{
    uint64_t v = 0;

    if (len == 0 || !is_digit(s[0]) || !is_digit(s[len - 1]))
        return -EINVAL;
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '_')
            continue;
        if (!is_digit(s[i]))
            return -EINVAL;
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(s[i] - '0'), &v))
            return -ERANGE;
    }
    *out = v;
    return 0;
}

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit *unit_find(const struct unit *table, const char *s, size_t len)
{
    for (; table->name; table++)
        if (strlen(table->name) == len && !memcmp(table->name, s, len))
            return table;
    return NULL;
}

/* number [. fraction] unit; the product must be whole. */
static int parse_scaled(const char *s, size_t len, const struct unit *table, uint64_t *out)
{
    uint64_t whole, part = 0, scale = 1, factor;
    size_t i = 0;

    while (i < len && (is_digit(s[i]) || s[i] == '_'))
        i++;
    int rc = parse_uint(s, i, &whole);
    if (rc)
        return rc;
    if (i < len && s[i] == '.') {
        for (i++; i < len && is_digit(s[i]); i++) {
            if (scale > 100000000)
                return -EINVAL;
            part = part * 10 + (uint64_t)(s[i] - '0');
            scale *= 10;
        }
        if (scale == 1)
            return -EINVAL;
    }
    while (i < len && s[i] == ' ')
        i++;
    const struct unit *u = unit_find(table, s + i, len - i);
    if (!u)
        return -EINVAL;
    factor = u->factor;
    if (part && (unsigned __int128)part * factor % scale)
        return -EINVAL;
    part = (uint64_t)((unsigned __int128)part * factor / scale);
    if (__builtin_mul_overflow(whole, factor, &whole) ||
        __builtin_add_overflow(whole, part, &whole))
        return -ERANGE;
    *out = whole;
    return 0;
}

int parse_size_bytes(const char *s, size_t len, uint64_t *bytes)
{
    static const struct unit units[] = {
        {"B", 1},
        {"KB", 1ull << 10},
        {"KiB", 1ull << 10},
        {"MB", 1ull << 20},
        {"MiB", 1ull << 20},
        {"GB", 1ull << 30},
        {"GiB", 1ull << 30},
        {"TB", 1ull << 40},
        {"TiB", 1ull << 40},
        {NULL, 0},
    };

    return parse_scaled(s, len, units, bytes);
}

int parse_rate_per_s(const char *s, size_t len, uint64_t *per_s)
{
    static const struct unit units[] = {
        {"/s", 1}, {"K/s", 1000}, {"k/s", 1000}, {"M/s", 1000000}, {"G/s", 1000000000}, {NULL, 0},
    };

    return parse_scaled(s, len, units, per_s);
}
