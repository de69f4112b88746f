#include <string.h>

#include "rdd/find.h"
#include "rdd/fn.h"
#include "rdd/str.h"
#include "rdd/str_run.h"

/*
 * Strings are bytes: lengths and places count bytes, upper and lower know the letters of ASCII
 * and leave every other byte as it is. Parts of a string are views of it.
 */

void fn_length(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    (void)call;
    EVERY_ROW(ev, r, out->i[r] = arg[0].s.len[r];);
}

/* --- case: whole runs, the gaps between the rows too --------------------------------------------
 */

static void map_lower(uint8_t *restrict to, const uint8_t *restrict from, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        to[i] = from[i] | ((uint8_t)(from[i] - 'A') < 26 ? 0x20 : 0);
}

static void map_upper(uint8_t *restrict to, const uint8_t *restrict from, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        to[i] = from[i] & ((uint8_t)(from[i] - 'a') < 26 ? 0xdf : 0xff);
}

static void map_case(struct eval *ev, const struct col *in, struct col *out, bool upper)
{
    struct str_run run = {0};
    uint64_t sum = 0;

    while (str_run_next(&run, ev, in, 0))
        sum += run.end_off - run.start_off;
    uint8_t *bytes = eval_bytes(ev, sum);
    if (!bytes)
        return;
    out->s.base = bytes;
    sum = 0;
    run = (struct str_run){0};
    while (str_run_next(&run, ev, in, 0)) {
        uint32_t n = run.end_off - run.start_off;
        if (upper)
            map_upper(bytes + sum, in->s.base + run.start_off, n);
        else
            map_lower(bytes + sum, in->s.base + run.start_off, n);
        for (uint32_t i = run.from; i < run.to; i++) {
            uint32_t r = str_run_row(ev, i);
            out->s.off[r] = in->s.off[r] - run.start_off + (uint32_t)sum;
            out->s.len[r] = in->s.len[r];
        }
        sum += n;
    }
}

void fn_lower(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    (void)call;
    map_case(ev, &arg[0], out, false);
}

void fn_upper(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    (void)call;
    map_case(ev, &arg[0], out, true);
}

/* --- parts -------------------------------------------------------------------------------------
 */

static bool is_space(uint8_t c)
{
    return c == ' ' || (uint8_t)(c - '\t') <= 4;
}

void fn_trim(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    (void)call;
    out->s.base = arg[0].s.base;
    EACH_ROW(ev, r, {
        const uint8_t *s = col_str(&arg[0], r);
        uint32_t from = 0, to = arg[0].s.len[r];
        while (from < to && is_space(s[from]))
            from++;
        while (from < to && is_space(s[to - 1]))
            to--;
        out->s.off[r] = arg[0].s.off[r] + from;
        out->s.len[r] = to - from;
    });
}

/* A place in a string that is no longer than a string can be. */
static inline uint32_t place_of(int64_t at)
{
    return at < 0 ? 0 : at > UINT32_MAX ? UINT32_MAX : (uint32_t)at;
}

/* The bytes [from, to) of every row, as far as it has them. */
static void cut_rows(struct eval *ev, const struct col *in, int64_t from, int64_t to,
                     struct col *out)
{
    const uint32_t *restrict off = in->s.off, *restrict len = in->s.len;
    uint32_t *restrict out_off = out->s.off, *restrict out_len = out->s.len;
    const uint32_t first = place_of(from), behind = place_of(to);

    EVERY_ROW(ev, r, {
        uint32_t n = len[r], a = first < n ? first : n, b = behind < n ? behind : n;
        out_off[r] = off[r] + a;
        out_len[r] = b > a ? b - a : 0;
    });
}

/* The bytes [from, to) of row r, as far as it has them. */
static inline void put_substr(struct col *out, const struct col *in, uint32_t r, int64_t from,
                              int64_t to)
{
    int64_t len = in->s.len[r];

    from = from < 0 ? 0 : from > len ? len : from;
    to = to < from ? from : to > len ? len : to;
    out->s.off[r] = in->s.off[r] + (uint32_t)from;
    out->s.len[r] = (uint32_t)(to - from);
}

void fn_substr(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    out->s.base = arg[0].s.base;
    if (call->arg[1]->op == EXPR_LIT) {
        cut_rows(ev, &arg[0], arg[1].i[0], INT64_MAX, out);
        return;
    }
    EACH_ROW(ev, r, put_substr(out, &arg[0], r, arg[1].i[r], INT64_MAX););
}

static inline int64_t end_of(int64_t from, int64_t n)
{
    int64_t to;

    if (__builtin_add_overflow(from, n, &to))
        return n < 0 ? INT64_MIN : INT64_MAX;
    return to;
}

void fn_substr_len(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    const int64_t *from = arg[1].i, *n = arg[2].i;

    out->s.base = arg[0].s.base;
    if (call->arg[1]->op == EXPR_LIT && call->arg[2]->op == EXPR_LIT) {
        cut_rows(ev, &arg[0], from[0], end_of(from[0], n[0]), out);
        return;
    }
    EACH_ROW(ev, r, put_substr(out, &arg[0], r, from[r], end_of(from[r], n[r])););
}

/* --- new strings -------------------------------------------------------------------------------
 */

void fn_concat(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    uint64_t sum = 0;

    (void)call;
    EACH_ROW(ev, r, {
        out->s.off[r] = (uint32_t)sum;
        out->s.len[r] = arg[0].s.len[r] + arg[1].s.len[r];
        sum += (uint64_t)arg[0].s.len[r] + arg[1].s.len[r];
    });
    uint8_t *bytes = eval_bytes(ev, sum);
    if (!bytes)
        return;
    out->s.base = bytes;
    EACH_ROW(ev, r, {
        uint8_t *to = bytes + out->s.off[r];
        uint32_t n = arg[0].s.len[r];
        str_copy(to, col_str(&arg[0], r), n);
        str_copy(to + n, col_str(&arg[1], r), arg[1].s.len[r]);
    });
}

/* Row r with every `from` replaced; written when `to` is given. Returns its length. */
static uint64_t replace_row(const struct col *arg, uint32_t r, uint8_t *to)
{
    const uint8_t *p = col_str(&arg[0], r), *end = p + arg[0].s.len[r];
    const uint8_t *from = col_str(&arg[1], r), *with = col_str(&arg[2], r), *at;
    uint32_t from_bytes = arg[1].s.len[r], with_bytes = arg[2].s.len[r];
    uint64_t n = 0;

    while (from_bytes && (at = memmem(p, (size_t)(end - p), from, from_bytes))) {
        if (to) {
            str_copy(to + n, p, (uint32_t)(at - p));
            str_copy(to + n + (at - p), with, with_bytes);
        }
        n += (uint64_t)(at - p) + with_bytes;
        p = at + from_bytes;
    }
    if (to)
        str_copy(to + n, p, (uint32_t)(end - p));
    return n + (uint64_t)(end - p);
}

void fn_replace(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    uint64_t sum = 0;

    (void)call;
    EACH_ROW(ev, r, {
        uint64_t n = replace_row(arg, r, NULL);
        out->s.off[r] = (uint32_t)sum;
        out->s.len[r] = (uint32_t)n;
        sum += n;
    });
    uint8_t *bytes = eval_bytes(ev, sum);
    if (!bytes)
        return;
    out->s.base = bytes;
    EACH_ROW(ev, r, replace_row(arg, r, bytes + out->s.off[r]););
}
