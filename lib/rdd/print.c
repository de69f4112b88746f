#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "rdd/ip.h"
#include "rdd/print.h"
#include "rdd/str.h"

#define NS_PER_S 1000000000

uint32_t print_uint(uint8_t *to, uint64_t v)
{
    uint8_t buf[20], *p = buf + sizeof buf;

    do {
        *--p = (uint8_t)('0' + v % 10);
        v /= 10;
    } while (v);
    uint32_t n = (uint32_t)(buf + sizeof buf - p);
    memcpy(to, p, n);
    return n;
}

uint32_t print_int(uint8_t *to, int64_t v)
{
    if (v >= 0)
        return print_uint(to, (uint64_t)v);
    *to = '-';
    return 1 + print_uint(to + 1, 0 - (uint64_t)v);
}

static uint32_t print_text(uint8_t *to, const char *s)
{
    uint32_t n = (uint32_t)strlen(s);

    str_copy(to, (const uint8_t *)s, n);
    return n;
}

const char *print_float_special(double v)
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
 * The shortest digits that read back as v (positive, finite), without zeros at their end; *exp10
 * is the exponent of the first. 15 digits of a normal number bring back any decimal of 15 digits
 * or fewer, so the first of 15, 16 and 17 that reads back is the shortest once its zeros are cut.
 * A power of two is nearer to its lower neighbour than to its upper one: there the next decimal up
 * may read back where the nearest does not. Subnormal numbers have fewer bits, and are tried from
 * one digit on.
 */
static uint32_t shortest_digits(char digits[24], double v, int *exp10)
{
    char buf[32];
    uint32_t n = 0;

    for (int prec = fpclassify(v) == FP_SUBNORMAL ? 1 : 15; prec <= 17; prec++) {
        snprintf(buf, sizeof buf, "%.*e", prec - 1, v);
        if (strtod(buf, NULL) == v)
            break;
        if (prec == 16 && digits_up(buf) && strtod(buf, NULL) == v)
            break;
    }
    const char *p = buf;
    for (; *p != 'e'; p++)
        if (*p != '.')
            digits[n++] = *p;
    *exp10 = (int)strtol(p + 1, NULL, 10);
    while (n > 1 && digits[n - 1] == '0')
        n--;
    return n;
}

/* Digits with a point after the first `point` of them: 0.001, 12.5, 300.0. */
static uint32_t print_fixed(uint8_t *to, const char *digits, uint32_t n, int point)
{
    uint8_t *p = to;

    if (point <= 0) {
        p += print_text(p, "0.");
        memset(p, '0', (size_t)-point);
        p += -point;
        memcpy(p, digits, n);
        return (uint32_t)(p + n - to);
    }
    for (uint32_t i = 0; i < n || (int)i <= point; i++) {
        if ((int)i == point)
            *p++ = '.';
        *p++ = i < n ? (uint8_t)digits[i] : '0';
    }
    return (uint32_t)(p - to);
}

uint32_t print_float(uint8_t *to, double v)
{
    char digits[24] = "0";
    uint8_t *p = to;
    int exp10;

    if (print_float_special(v))
        return print_text(to, print_float_special(v));
    if (v == trunc(v) && fabs(v) < 1e15) {
        p += print_int(p, (int64_t)v);
        return (uint32_t)(p + print_text(p, ".0") - to);
    }
    if (v < 0)
        *p++ = '-';
    uint32_t n = shortest_digits(digits, fabs(v), &exp10);
    if (exp10 >= -4 && exp10 < 16)
        return (uint32_t)(p + print_fixed(p, digits, n, exp10 + 1) - to);
    *p++ = (uint8_t)digits[0];
    if (n > 1) {
        *p++ = '.';
        memcpy(p, digits + 1, n - 1);
        p += n - 1;
    }
    p += print_text(p, exp10 < 0 ? "e-" : "e+");
    if (abs(exp10) < 10)
        *p++ = '0';
    return (uint32_t)(p + print_uint(p, (uint64_t)abs(exp10)) - to);
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

int print_digits_of(uint64_t period_ns)
{
    int digits = 9;

    while (digits > 0 && period_ns % 10 == 0) {
        period_ns /= 10;
        digits--;
    }
    return digits;
}

uint32_t print_time(uint8_t *to, int64_t t_ns)
{
    return print_time_digits(to, t_ns, -1);
}

uint32_t print_time_digits(uint8_t *to, int64_t t_ns, int digits)
{
    int64_t s = t_ns / NS_PER_S, ns = t_ns % NS_PER_S, year;
    unsigned month, day;

    s -= ns < 0;
    ns += ns < 0 ? NS_PER_S : 0;
    int64_t days = s / 86400, sec = s % 86400;
    days -= sec < 0;
    sec += sec < 0 ? 86400 : 0;
    civil_from_days(days, &year, &month, &day);
    int n = snprintf((char *)to, PRINT_BYTES_MAX, "%04d-%02u-%02uT%02d:%02d:%02d.%09d", (int)year,
                     month, day, (int)(sec / 3600), (int)(sec / 60 % 60), (int)(sec % 60), (int)ns);
    if (digits < 0)
        digits = ns ? print_digits_of((uint64_t)ns) : 0;
    n -= 9 - digits + (digits == 0); /* the point goes with them */
    to[n++] = 'Z';
    return (uint32_t)n;
}

/* The longest run of two or more zero groups of an IPv6 address, the first of equals. */
static void longest_zeros(const uint8_t *b, int *from, int *len)
{
    *from = -1;
    *len = 1;
    for (int i = 0, run = 0; i < 8; i++) {
        run = load_be16(b + 2 * i) ? 0 : run + 1;
        if (run > *len) {
            *len = run;
            *from = i - run + 1;
        }
    }
}

static uint32_t print_hex(uint8_t *to, uint16_t v)
{
    uint32_t n = 0;

    for (int shift = 12; shift >= 0; shift -= 4)
        if (v >> shift || shift == 0)
            to[n++] = (uint8_t) "0123456789abcdef"[v >> shift & 15];
    return n;
}

uint32_t print_ip(uint8_t *to, const struct ip *ip)
{
    uint8_t *p = to;
    int from, len;

    if (ip_is_v4(ip)) {
        for (int i = 12; i < 16; i++) {
            p += print_uint(p, ip->b[i]);
            if (i < 15)
                *p++ = '.';
        }
        return (uint32_t)(p - to);
    }
    longest_zeros(ip->b, &from, &len);
    for (int i = 0; i < 8; i++) {
        if (i == from) {
            p += print_text(p, "::");
            i += len - 1;
            continue;
        }
        if (i && i != from + len)
            *p++ = ':';
        p += print_hex(p, load_be16(ip->b + 2 * i));
    }
    return (uint32_t)(p - to);
}
