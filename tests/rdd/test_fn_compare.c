#include "tests/rdd/expr_harness.h"

#include <string.h>

// How two values lie: -1, 0, 1, or 2 when a NaN is among them.
static int order(const struct val *a, const struct val *b)
{
    uint32_t n = a->len < b->len ? a->len : b->len;
    int c;

    switch (a->kind) {
    case TYPE_FLOAT: return a->f < b->f ? -1 : a->f > b->f ? 1 : a->f == b->f ? 0 : 2;
    case TYPE_IP: c = memcmp(a->ip.b, b->ip.b, 16); break;
    case TYPE_STRING:
        c = n ? memcmp(a->s, b->s, n) : 0;
        c = c ? c : (int)a->len - (int)b->len;
        break;
    default: c = a->i < b->i ? -1 : a->i > b->i; break;
    }
    return (c > 0) - (c < 0);
}

#define REF(name, expression)                                                      \
    static bool ref_##name(const struct val *arg, struct val *out, struct zone *z) \
    {                                                                              \
        int c = order(&arg[0], &arg[1]);                                           \
        (void)z;                                                                   \
        *out = val_bool(expression);                                               \
        return true;                                                               \
    }

REF(eq, c == 0)
REF(ne, c != 0)
REF(lt, c == -1)
REF(le, c == -1 || c == 0)
REF(gt, c == 1)
REF(ge, c == 1 || c == 0)

static void check_all(val_gen gen)
{
    struct arg arg[] = {{gen, 2}, {gen, 2}, {NULL, 0}};

    check_fn("==", FN_INFIX, arg, ref_eq);
    check_fn("!=", FN_INFIX, arg, ref_ne);
    check_fn("<", FN_INFIX, arg, ref_lt);
    check_fn("<=", FN_INFIX, arg, ref_le);
    check_fn(">", FN_INFIX, arg, ref_gt);
    check_fn(">=", FN_INFIX, arg, ref_ge);
}

TEST(fn_compare, every_scalar)
{
    check_all(gen_small_int);
    check_all(gen_int);
    check_all(gen_float);
    check_all(gen_bool);
    check_all(gen_time);
    check_all(gen_ip);
    check_all(gen_short);
    check_all(gen_text);
    check_all(gen_bytes);
}

TEST(fn_compare, literal_texts_become_addresses_and_times)
{
    struct val yes = val_bool(true), ip = val_ip("10.0.0.1");
    struct val t = val_time(1000000000);

    check_case("==", FN_INFIX, (struct val[]){ip, val_string("10.0.0.1")}, 2, &yes);
    check_case("!=", FN_INFIX, (struct val[]){val_string("::1"), ip}, 2, &yes);
    check_case(">=", FN_INFIX, (struct val[]){t, val_string("1970-01-01T00:00:01Z")}, 2, &yes);
    // Two texts stay texts.
    struct val no = val_bool(false);
    check_case("==", FN_INFIX, (struct val[]){val_string("::1"), val_string("0::1")}, 2, &no);
}
