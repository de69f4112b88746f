#include "rdd/fn_literal.h"
#include "rdd/ip.h"
#include "rdd/str.h"

/*
 * Comparisons. Most compare a column with a literal: those read the literal once and not its
 * column of copies. A comparison with NaN is false, except !=.
 */

static bool is_literal(const struct expr *call, uint32_t arg_idx)
{
    return call->arg[arg_idx]->op == EXPR_LIT;
}

#define COMPARE_NUMBERS(name, member, ctype, op)                                    \
    void fn_##name(struct eval *ev, const struct expr *call, const struct col *arg, \
                   struct col *out)                                                 \
    {                                                                               \
        const ctype *restrict a = arg[0].member, *restrict b = arg[1].member;       \
        int64_t *restrict o = out->i;                                               \
                                                                                    \
        if (is_literal(call, 1)) {                                                  \
            const ctype y = b[0];                                                   \
            EVERY_ROW(ev, r, o[r] = a[r] op y;);                                    \
        } else {                                                                    \
            EVERY_ROW(ev, r, o[r] = a[r] op b[r];);                                 \
        }                                                                           \
    }

COMPARE_NUMBERS(eq_int, i, int64_t, ==)
COMPARE_NUMBERS(ne_int, i, int64_t, !=)
COMPARE_NUMBERS(lt_int, i, int64_t, <)
COMPARE_NUMBERS(le_int, i, int64_t, <=)
COMPARE_NUMBERS(gt_int, i, int64_t, >)
COMPARE_NUMBERS(ge_int, i, int64_t, >=)
COMPARE_NUMBERS(eq_float, f, double, ==)
COMPARE_NUMBERS(ne_float, f, double, !=)
COMPARE_NUMBERS(lt_float, f, double, <)
COMPARE_NUMBERS(le_float, f, double, <=)
COMPARE_NUMBERS(gt_float, f, double, >)
COMPARE_NUMBERS(ge_float, f, double, >=)

static void eq_string_literal(struct eval *ev, const struct col *arg, struct col *out, bool equal)
{
    int64_t *restrict o = out->i;

    literal_compare(ev, arg, out, true);
    if (!equal)
        EVERY_ROW(ev, r, o[r] ^= 1;);
}

static void eq_string(struct eval *ev, const struct expr *call, const struct col *arg,
                      struct col *out, bool equal)
{
    if (is_literal(call, 1)) {
        eq_string_literal(ev, arg, out, equal);
        return;
    }
    EACH_ROW(ev, r, {
        uint32_t n = arg[0].s.len[r];
        bool same = n == arg[1].s.len[r] && str_equal(col_str(&arg[0], r), col_str(&arg[1], r), n);
        out->i[r] = same == equal;
    });
}

void fn_eq_string(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    eq_string(ev, call, arg, out, true);
}

void fn_ne_string(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    eq_string(ev, call, arg, out, false);
}

#define COMPARE_STRINGS(name, op)                                                          \
    void fn_##name(struct eval *ev, const struct expr *call, const struct col *arg,        \
                   struct col *out)                                                        \
    {                                                                                      \
        (void)call;                                                                        \
        EACH_ROW(ev, r, {                                                                  \
            out->i[r] = str_cmp(col_str(&arg[0], r), arg[0].s.len[r], col_str(&arg[1], r), \
                                arg[1].s.len[r]) op 0;                                     \
        });                                                                                \
    }

COMPARE_STRINGS(lt_string, <)
COMPARE_STRINGS(le_string, <=)
COMPARE_STRINGS(gt_string, >)
COMPARE_STRINGS(ge_string, >=)

#define COMPARE_IPS(name, expression)                                               \
    void fn_##name(struct eval *ev, const struct expr *call, const struct col *arg, \
                   struct col *out)                                                 \
    {                                                                               \
        const struct ip *restrict a = arg[0].ip, *restrict b = arg[1].ip;           \
        int64_t *restrict o = out->i;                                               \
                                                                                    \
        (void)call;                                                                 \
        EVERY_ROW(ev, r, o[r] = expression;);                                       \
    }

COMPARE_IPS(eq_ip, ip_equal(&a[r], &b[r]))
COMPARE_IPS(ne_ip, !ip_equal(&a[r], &b[r]))
COMPARE_IPS(lt_ip, ip_cmp(&a[r], &b[r]) < 0)
COMPARE_IPS(le_ip, ip_cmp(&a[r], &b[r]) <= 0)
COMPARE_IPS(gt_ip, ip_cmp(&a[r], &b[r]) > 0)
COMPARE_IPS(ge_ip, ip_cmp(&a[r], &b[r]) >= 0)
