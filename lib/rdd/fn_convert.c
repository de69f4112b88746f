#include <string.h>

#include "rdd/fn.h"
#include "rdd/parse.h"
#include "rdd/print.h"

/* toInt, toFloat, toIp, toTime, toString. Reading a text that is no such value fails its row. */

#define PARSE_KERNEL(name, member, nothing, parse)                                            \
    void fn_string_to_##name(struct eval *ev, const struct expr *call, const struct col *arg, \
                             struct col *out)                                                 \
    {                                                                                         \
        (void)call;                                                                           \
        EACH_ROW(ev, r, {                                                                     \
            if (parse((const char *)col_str(&arg[0], r), arg[0].s.len[r], &out->member[r])) { \
                out->member[r] = nothing;                                                     \
                eval_fail(ev, r);                                                             \
            }                                                                                 \
        });                                                                                   \
    }

PARSE_KERNEL(int, i, 0, parse_int)
PARSE_KERNEL(float, f, 0, parse_float)
PARSE_KERNEL(time, i, 0, parse_time_ns)
PARSE_KERNEL(ip, ip, (struct ip){{0}}, parse_ip)

void fn_float_to_int(struct eval *ev, const struct expr *call, const struct col *arg,
                     struct col *out)
{
    (void)call;
    EACH_ROW(ev, r, {
        double f = arg[0].f[r];
        if (f >= -0x1p63 && f < 0x1p63) {
            out->i[r] = (int64_t)f;
        } else {
            out->i[r] = 0;
            eval_fail(ev, r);
        }
    });
}

void fn_int_to_float(struct eval *ev, const struct expr *call, const struct col *arg,
                     struct col *out)
{
    const int64_t *restrict a = arg[0].i;
    double *restrict o = out->f;

    (void)call;
    EVERY_ROW(ev, r, o[r] = (double)a[r];);
}

/* The value is the same, only the type is another: toInt(time), toInt(bool), toTime(int). */
void fn_same_int(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    (void)call;
    memcpy(out->i, arg[0].i, ev->rows * sizeof *out->i);
}

void fn_same_string(struct eval *ev, const struct expr *call, const struct col *arg,
                    struct col *out)
{
    (void)ev;
    (void)call;
    *out = arg[0];
}

/* Texts are written one after the other into room for the longest of each row. */
#define PRINT_KERNEL(name, bytes_max, print)                                                    \
    void fn_##name##_to_string(struct eval *ev, const struct expr *call, const struct col *arg, \
                               struct col *out)                                                 \
    {                                                                                           \
        uint8_t *bytes = eval_bytes(ev, (uint64_t)ev->sel_cnt * (bytes_max) + PRINT_BYTES_MAX); \
        uint32_t at = 0;                                                                        \
                                                                                                \
        (void)call;                                                                             \
        if (!bytes)                                                                             \
            return;                                                                             \
        out->s.base = bytes;                                                                    \
        EACH_ROW(ev, r, {                                                                       \
            out->s.off[r] = at;                                                                 \
            out->s.len[r] = print;                                                              \
            at += out->s.len[r];                                                                \
        });                                                                                     \
    }

PRINT_KERNEL(int, 20, print_int(bytes + at, arg[0].i[r]))
PRINT_KERNEL(float, 26, print_float(bytes + at, arg[0].f[r]))
PRINT_KERNEL(time, 36, print_time(bytes + at, arg[0].i[r]))
PRINT_KERNEL(ip, 40, print_ip(bytes + at, &arg[0].ip[r]))

void fn_bool_to_string(struct eval *ev, const struct expr *call, const struct col *arg,
                       struct col *out)
{
    static const char text[] = "truefalse";

    (void)call;
    out->s.base = (const uint8_t *)text;
    EACH_ROW(ev, r, {
        out->s.off[r] = arg[0].i[r] ? 0 : 4;
        out->s.len[r] = arg[0].i[r] ? 4 : 5;
    });
}
