#include <stdio.h>

#include "io/text.h"
#include "rdd/print.h"

#define NS_PER_S 1000000000

static void put(struct strbuf *out, const uint8_t *text, uint32_t len)
{
    strbuf_add(out, (const char *)text, len);
}

void text_put_uint(struct strbuf *out, uint64_t v)
{
    uint8_t buf[PRINT_BYTES_MAX];

    put(out, buf, print_uint(buf, v));
}

void text_put_int(struct strbuf *out, int64_t v)
{
    uint8_t buf[PRINT_BYTES_MAX];

    put(out, buf, print_int(buf, v));
}

void text_put_float(struct strbuf *out, double v)
{
    uint8_t buf[PRINT_BYTES_MAX];

    put(out, buf, print_float(buf, v));
}

const char *text_float_special(double v)
{
    return print_float_special(v);
}

void text_put_time(struct strbuf *out, int64_t t_ns, int digits)
{
    uint8_t buf[PRINT_BYTES_MAX];

    put(out, buf, print_time_digits(buf, t_ns, digits));
}

int text_time_digits(uint64_t period_ns)
{
    return print_digits_of(period_ns);
}

void text_put_ip(struct strbuf *out, const struct ip *ip)
{
    uint8_t buf[PRINT_BYTES_MAX];

    put(out, buf, print_ip(buf, ip));
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
