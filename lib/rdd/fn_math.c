#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "rdd/col_merge.h"
#include "rdd/fn.h"
#include "rdd/ip.h"
#include "rdd/str.h"

/*
 * Numbers. Only what IEEE 754 fixes to the last bit: a result must not depend on the machine's
 * mathematical library. min and max follow the canonical order of values: NaN is the greatest.
 */

void fn_abs_int(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    const int64_t *restrict a = arg[0].i;

    (void)call;
    EACH_ROW(ev, r, {
        out->i[r] = (int64_t)(a[r] < 0 ? 0 - (uint64_t)a[r] : (uint64_t)a[r]);
        if (a[r] == INT64_MIN)
            eval_fail(ev, r);
    });
}

#define FLOAT_KERNEL(name, function)                                                        \
    void fn_##name##_float(struct eval *ev, const struct expr *call, const struct col *arg, \
                           struct col *out)                                                 \
    {                                                                                       \
        const double *restrict a = arg[0].f;                                                \
        double *restrict o = out->f;                                                        \
                                                                                            \
        (void)call;                                                                         \
        EVERY_ROW(ev, r, o[r] = function(a[r]););                                           \
    }

FLOAT_KERNEL(abs, fabs)
FLOAT_KERNEL(floor, floor)
FLOAT_KERNEL(ceil, ceil)
FLOAT_KERNEL(round, round)

void fn_sqrt_float(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    (void)call;
    EACH_ROW(ev, r, {
        out->f[r] = sqrt(arg[0].f[r] < 0 ? 0 : arg[0].f[r]);
        if (arg[0].f[r] < 0)
            eval_fail(ev, r);
    });
}

#define CHOOSE_KERNEL(name, member, ctype, a_wins)                                  \
    void fn_##name(struct eval *ev, const struct expr *call, const struct col *arg, \
                   struct col *out)                                                 \
    {                                                                               \
        const ctype *restrict a = arg[0].member, *restrict b = arg[1].member;       \
        ctype *restrict o = out->member;                                            \
                                                                                    \
        (void)call;                                                                 \
        EVERY_ROW(ev, r, o[r] = (a_wins) ? a[r] : b[r];);                           \
    }

CHOOSE_KERNEL(min_int, i, int64_t, a[r] < b[r])
CHOOSE_KERNEL(max_int, i, int64_t, a[r] > b[r])
CHOOSE_KERNEL(min_float, f, double, (a[r] < b[r]) | (b[r] != b[r]))
CHOOSE_KERNEL(max_float, f, double, (a[r] > b[r]) | (a[r] != a[r]))
CHOOSE_KERNEL(min_ip, ip, struct ip, ip_cmp(&a[r], &b[r]) < 0)
CHOOSE_KERNEL(max_ip, ip, struct ip, ip_cmp(&a[r], &b[r]) > 0)

/* Strings are not copied: the one that is chosen is viewed. */
static void choose_strings(struct eval *ev, const struct col *arg, struct col *out, int sign)
{
    int64_t *first = (int64_t *)(void *)eval_bytes(ev, ev->rows * sizeof *first);

    if (!first)
        return;
    EACH_ROW(ev, r, {
        first[r] = sign * str_cmp(col_str(&arg[0], r), arg[0].s.len[r], col_str(&arg[1], r),
                                  arg[1].s.len[r]) <
                   0;
    });
    col_choose(ev, first, &arg[0], &arg[1], out);
}

void fn_min_string(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    (void)call;
    choose_strings(ev, arg, out, 1);
}

void fn_max_string(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    (void)call;
    choose_strings(ev, arg, out, -1);
}

/* --- time --------------------------------------------------------------------------------------
 */

int fn_prepare_floor_time(struct expr *call, struct zone *z, char *err, size_t err_bytes)
{
    (void)z;
    if (call->arg[1]->lit.i > 0)
        return 0;
    snprintf(err, err_bytes, "floor needs a duration longer than 0");
    return -EINVAL;
}

/* Down to a multiple of the duration since 1970, before 1970 too. */
void fn_floor_time(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    const int64_t unit = call->arg[1]->lit.i;

    EACH_ROW(ev, r, {
        int64_t t = arg[0].i[r], rest = t % unit;
        rest += rest < 0 ? unit : 0;
        if (__builtin_sub_overflow(t, rest, &out->i[r]))
            eval_fail(ev, r);
    });
}
