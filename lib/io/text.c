#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "io/text.h"

#define NS_PER_S 1000000000

void text_put_uint(struct strbuf *out, uint64_t v)
{
    char buf[20], *p = buf + sizeof buf;

    do {
        *--p = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    strbuf_add(out, p, (size_t)(buf + sizeof buf - p));
}

void text_put_int(struct strbuf *out, int64_t v)
{
    if (v < 0) {
        strbuf_add(out, "-", 1);
        text_put_uint(out, 0 - (uint64_t)v);
    } else {
        text_put_uint(out, (uint64_t)v);
    }
}

void text_put_cnt(struct strbuf *out, uint64_t v)
{
    char digits[21];
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)v);

    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0)
            strbuf_add(out, ",", 1);
        strbuf_add(out, digits + i, 1);
    }
}

void text_put_duration(struct strbuf *out, uint64_t ns)
{
    static const struct {
        const char *name;
        uint64_t ns;
    } unit[] = {{"s", NS_PER_S}, {"ms", 1000000}, {"us", 1000}, {"ns", 1}};
    size_t u = 0;

    while (unit[u].ns > 1 && ns < unit[u].ns)
        u++;
    double v = (double)ns / (double)unit[u].ns;
    if (v >= 100 || ns % unit[u].ns == 0)
        strbuf_printf(out, "%.0f %s", v, unit[u].name);
    else
        strbuf_printf(out, "%.*f %s", v >= 10 ? 1 : 2, v, unit[u].name);
}

const char *text_float_special(double v)
{
    if (isnan(v))
        return "NaN";
    if (isinf(v))
        return v > 0 ? "Infinity" : "-Infinity";
    return NULL;
}

/* Adds one to the last of the digits before the 'e'; false when they were all nines. */
static bool digits_up(char *buf)
{
    for (char *p = strchr(buf, 'e') - 1; p >= buf; p--) {
        if (*p == '.')
            continue;
        if (*p < '9') {
            ++*p;
            return true;
        }
        *p = '0';
    }
    return false;
}

/*
 * The shortest decimal digits that read back as v (positive, finite), as "d.ddde±xx".
 * 15 digits of a normal number are enough for any decimal of 15 digits or fewer to come back
 * unchanged, so that trailing zeros apart the first of 15, 16 and 17 digits that reads back is
 * the shortest. A power of two is nearer to its lower neighbour than to its upper one: there the
 * next decimal up may read back where the nearest does not. Subnormal numbers have fewer bits,
 * and are tried from one digit on.
 */
static void shortest_digits(char *buf, size_t bytes, double v)
{
    for (int prec = fpclassify(v) == FP_SUBNORMAL ? 1 : 15;; prec++) {
        snprintf(buf, bytes, "%.*e", prec - 1, v);
        if (prec == 17 || strtod(buf, NULL) == v)
            return;
        if (prec == 16 && digits_up(buf) && strtod(buf, NULL) == v)
            return;
    }
}

/* Digits with a point after the first `point` of them, padded with zeros: 0.001, 12.5, 300.0. */
static void put_fixed(struct strbuf *out, const char *digits, int n, int point)
{
    static const char zeros[] = "0000000000000000";

    if (point <= 0) {
        strbuf_add(out, "0.", 2);
        strbuf_add(out, zeros, (size_t)-point);
        strbuf_add(out, digits, (size_t)n);
        return;
    }
    strbuf_add(out, digits, (size_t)(n < point ? n : point));
    if (n < point)
        strbuf_add(out, zeros, (size_t)(point - n));
    strbuf_add(out, ".", 1);
    strbuf_add(out, n > point ? digits + point : "0", (size_t)(n > point ? n - point : 1));
}

void text_put_float(struct strbuf *out, double v)
{
    char buf[32], digits[20];
    int n = 0;

    if (v == trunc(v) && fabs(v) < 1e15) {
        text_put_int(out, (int64_t)v);
        strbuf_add(out, ".0", 2);
        return;
    }
    if (v < 0)
        strbuf_add(out, "-", 1);
    shortest_digits(buf, sizeof buf, fabs(v));
    const char *e = strchr(buf, 'e');
    for (const char *p = buf; p < e; p++)
        if (*p != '.')
            digits[n++] = *p;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    int exp10 = (int)strtol(e + 1, NULL, 10);
    if (exp10 >= -4 && exp10 < 16) {
        put_fixed(out, digits, n, exp10 + 1);
        return;
    }
    strbuf_add(out, digits, 1);
    if (n > 1) {
        strbuf_add(out, ".", 1);
        strbuf_add(out, digits + 1, (size_t)n - 1);
    }
    strbuf_puts(out, e); /* e±xx, at least two digits of exponent */
}

int text_time_digits(uint64_t period_ns)
{
    int digits = 9;

    while (digits > 0 && period_ns % 10 == 0) {
        period_ns /= 10;
        digits--;
    }
    return digits;
}

/* Civil date of a day counted from 1970-01-01, by eras of 400 years that begin in March. */
static void civil_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    unsigned doe = (unsigned)(z - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;

    *day = doy - (153 * mp + 2) / 5 + 1;
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = (int64_t)yoe + era * 400 + (*month <= 2);
}

void text_put_time(struct strbuf *out, int64_t t_ns, int digits)
{
    int64_t s = t_ns / NS_PER_S, ns = t_ns % NS_PER_S, year;
    unsigned month, day;
    char buf[64];

    if (ns < 0) {
        ns += NS_PER_S;
        s--;
    }
    int64_t days = s / 86400, sec = s % 86400;
    if (sec < 0) {
        sec += 86400;
        days--;
    }
    civil_from_days(days, &year, &month, &day);
    int n = snprintf(buf, sizeof buf, "%04lld-%02u-%02uT%02d:%02d:%02d.%09d", (long long)year,
                     month, day, (int)(sec / 3600), (int)(sec / 60 % 60), (int)(sec % 60), (int)ns);
    if (digits < 0)
        digits = ns ? text_time_digits((uint64_t)ns) : 0;
    n -= 9 - digits;
    if (digits == 0)
        n--; /* the point */
    buf[n++] = 'Z';
    strbuf_add(out, buf, (size_t)n);
}

/* The longest run of two or more zero groups of an IPv6 address, the first of equals. */
static void longest_zeros(const uint16_t group[8], int *from, int *len)
{
    *from = -1;
    *len = 1;
    for (int i = 0, run = 0; i < 8; i++) {
        run = group[i] ? 0 : run + 1;
        if (run > *len) {
            *len = run;
            *from = i - run + 1;
        }
    }
}

void text_put_ip(struct strbuf *out, const struct ip *ip)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    const uint8_t *b = ip->b;
    char buf[48];
    uint16_t group[8];
    int n = 0, from, len;

    if (memcmp(b, mapped, sizeof mapped) == 0) {
        n = snprintf(buf, sizeof buf, "%u.%u.%u.%u", b[12], b[13], b[14], b[15]);
        strbuf_add(out, buf, (size_t)n);
        return;
    }
    for (int i = 0; i < 8; i++)
        group[i] = load_be16(b + 2 * i);
    longest_zeros(group, &from, &len);
    for (int i = 0; i < 8; i++) {
        if (i == from) {
            n += snprintf(buf + n, sizeof buf - (size_t)n, "::");
            i += len - 1;
            continue;
        }
        n += snprintf(buf + n, sizeof buf - (size_t)n, "%s%x", i && i != from + len ? ":" : "",
                      group[i]);
    }
    strbuf_add(out, buf, (size_t)n);
}
