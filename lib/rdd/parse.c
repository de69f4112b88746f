#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "rdd/parse.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int parse_int(const char *s, size_t len, int64_t *v)
{
    bool negative = len && *s == '-';
    uint64_t sum = 0;
    size_t i = len && (*s == '-' || *s == '+');

    if (i == len || len > 64)
        return -EINVAL;
    /* 18 digits cannot overflow. */
    size_t safe = len < i + 18 ? len : i + 18;
    for (; i < safe; i++) {
        if (!is_digit(s[i]))
            return -EINVAL;
        sum = sum * 10 + (uint64_t)(s[i] - '0');
    }
    for (; i < len; i++)
        if (!is_digit(s[i]) || __builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, (uint64_t)(s[i] - '0'), &sum))
            return -EINVAL;
    if (sum > (uint64_t)INT64_MAX + negative)
        return -EINVAL;
    *v = (int64_t)(negative ? 0 - sum : sum);
    return 0;
}

/* A decimal number in its parts: digits * 10^exp10; `inexact` when digits did not hold all. */
struct decimal {
    uint64_t digits;
    int64_t exp10;
    bool negative, inexact;
};

static size_t decimal_digits(struct decimal *d, const char *s, size_t len, size_t i, bool fraction)
{
    for (; i < len && is_digit(s[i]); i++) {
        if (d->digits < 1000000000000000000u) {
            d->digits = d->digits * 10 + (uint64_t)(s[i] - '0');
            d->exp10 -= fraction;
        } else {
            d->inexact |= s[i] != '0';
            d->exp10 += !fraction;
        }
    }
    return i;
}

static int decimal_parse(struct decimal *d, const char *s, size_t len)
{
    size_t i = len && (*s == '-' || *s == '+'), from = i, points = 0;
    int64_t e = 0;

    *d = (struct decimal){.negative = len && *s == '-'};
    i = decimal_digits(d, s, len, i, false);
    if (i < len && s[i] == '.') {
        points = 1;
        i = decimal_digits(d, s, len, i + 1, true);
    }
    if (i - from == points)
        return -EINVAL;
    if (i < len && (s[i] | 0x20) == 'e') {
        i++;
        bool down = i < len && s[i] == '-';
        i += i < len && (s[i] == '-' || s[i] == '+');
        from = i;
        for (; i < len && is_digit(s[i]); i++)
            e = e < 1000000 ? e * 10 + (s[i] - '0') : e;
        if (i == from)
            return -EINVAL;
        d->exp10 += down ? -e : e;
    }
    return i == len ? 0 : -EINVAL;
}

int parse_float(const char *s, size_t len, double *v)
{
    /* Powers of ten that a double holds exactly: one rounding, so the result is the nearest. */
    static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    struct decimal d;
    char text[1024];

    if (decimal_parse(&d, s, len) || len >= sizeof text)
        return -EINVAL;
    if (!d.inexact && d.digits < (1ull << 53) && d.exp10 >= -22 && d.exp10 <= 22) {
        double f = (double)d.digits;
        f = d.exp10 < 0 ? f / power[-d.exp10] : f * power[d.exp10];
        *v = d.negative ? -f : f;
        return 0;
    }
    memcpy(text, s, len);
    text[len] = 0;
    double f = strtod(text, NULL);
    if (isinf(f))
        return -EINVAL;
    *v = f;
    return 0;
}

int parse_duration_ns(const char *s, size_t len, int64_t *ns)
{
    static const struct {
        const char *name;
        int64_t ns;
    } unit[] = {
        {"ns", 1},          {"us", 1000},         {"ms", 1000000},       {"s", 1000000000},
        {"m", 60000000000}, {"h", 3600000000000}, {"d", 86400000000000},
    };
    int64_t v = 0;
    size_t i = 0;

    while (i < len && is_digit(s[i]))
        i++;
    if (i == 0 || parse_int(s, i, &v))
        return -EINVAL;
    for (size_t k = 0; k < sizeof unit / sizeof *unit; k++)
        if (strlen(unit[k].name) == len - i && !memcmp(unit[k].name, s + i, len - i)) {
            if (__builtin_mul_overflow(v, unit[k].ns, &v))
                return -EINVAL;
            *ns = v;
            return 0;
        }
    return -EINVAL;
}

static int parse_ip4(const char *s, size_t len, uint8_t *to)
{
    uint32_t part = 0, parts_cnt = 0, digits_cnt = 0;

    for (size_t i = 0; i <= len; i++) {
        if (i < len && is_digit(s[i])) {
            if (digits_cnt && !part)
                return -EINVAL;
            part = part * 10 + (uint32_t)(s[i] - '0');
            digits_cnt++;
            if (part > 255)
                return -EINVAL;
        } else {
            if (!digits_cnt || parts_cnt == 4 || (i < len && s[i] != '.'))
                return -EINVAL;
            to[parts_cnt++] = (uint8_t)part;
            part = digits_cnt = 0;
        }
    }
    return parts_cnt == 4 ? 0 : -EINVAL;
}

int parse_ip(const char *s, size_t len, struct ip *ip)
{
    struct ip v = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}};
    char text[INET6_ADDRSTRLEN];

    if (parse_ip4(s, len, v.b + 12)) {
        if (len >= sizeof text || memchr(s, 0, len))
            return -EINVAL;
        memcpy(text, s, len);
        text[len] = 0;
        if (inet_pton(AF_INET6, text, v.b) != 1)
            return -EINVAL;
    }
    *ip = v;
    return 0;
}
