#include <errno.h>
#include <stdbool.h>

#include "rdd/parse.h"

#define NS_PER_S 1000000000

/* A cursor that takes fields of fixed width and remembers whether one was wrong. */
struct time_text {
    const char *s, *end;
    bool bad;
};

static int64_t take_digits(struct time_text *t, int digits_cnt)
{
    int64_t v = 0;

    for (int i = 0; i < digits_cnt; i++) {
        if (t->s == t->end || *t->s < '0' || *t->s > '9') {
            t->bad = true;
            return 0;
        }
        v = v * 10 + (*t->s++ - '0');
    }
    return v;
}

static int64_t take_field(struct time_text *t, int digits_cnt, int64_t min, int64_t max)
{
    int64_t v = take_digits(t, digits_cnt);

    if (v >= min && v <= max)
        return v;
    t->bad = true;
    return min;
}

static bool take_char(struct time_text *t, char c)
{
    bool there = t->s < t->end && *t->s == c;

    t->s += there;
    return there;
}

static void want_char(struct time_text *t, char c)
{
    if (!take_char(t, c))
        t->bad = true;
}

/* Days from 1970-01-01 by eras of 400 years that begin in March. */
static int64_t days_of_civil(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400;
    int64_t yoe = year - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

static int64_t take_day(struct time_text *t)
{
    static const uint8_t month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t year = take_field(t, 4, 1, 9999);
    want_char(t, '-');
    int64_t month = take_field(t, 2, 1, 12);
    want_char(t, '-');
    int64_t day = take_field(t, 2, 1, 31);

    if (t->bad)
        return 0;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    t->bad = day > month_days[month - 1] || (month == 2 && day == 29 && !leap);
    return days_of_civil(year, month, day);
}

static int64_t take_fraction_ns(struct time_text *t)
{
    int64_t ns = 0, unit = NS_PER_S / 10;
    const char *from = t->s;

    for (; t->s < t->end && *t->s >= '0' && *t->s <= '9'; t->s++, unit /= 10)
        ns += (*t->s - '0') * unit;
    t->bad |= t->s == from || t->s - from > 9;
    return ns;
}

static int64_t take_offset_s(struct time_text *t)
{
    if (take_char(t, 'Z'))
        return 0;
    bool west = take_char(t, '-');
    if (!west)
        want_char(t, '+');
    int64_t s = take_field(t, 2, 0, 23) * 3600;
    want_char(t, ':');
    s += take_field(t, 2, 0, 59) * 60;
    return west ? -s : s;
}

int parse_time_ns(const char *s, size_t len, int64_t *ns)
{
    struct time_text t = {s, s + len, false};
    int64_t sec = take_day(&t) * 86400, fraction_ns = 0;

    if (!t.bad && t.s != t.end) {
        want_char(&t, 'T');
        sec += take_field(&t, 2, 0, 23) * 3600;
        want_char(&t, ':');
        sec += take_field(&t, 2, 0, 59) * 60;
        want_char(&t, ':');
        sec += take_field(&t, 2, 0, 59);
        if (take_char(&t, '.'))
            fraction_ns = take_fraction_ns(&t);
        sec -= take_offset_s(&t);
    }
    if (t.bad || t.s != t.end)
        return -EINVAL;
    /* Before 1970 the seconds alone may lie below the least time, and the fraction above it. */
    __int128 v = (__int128)sec * NS_PER_S + fraction_ns;
    if (v < INT64_MIN || v > INT64_MAX)
        return -EINVAL;
    *ns = (int64_t)v;
    return 0;
}
