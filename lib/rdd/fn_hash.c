#include "rdd/fn.h"
#include "rdd/str.h"

/*
 * hash: 63 bits of a value, the same on every machine and in every version. For sampling and for
 * spreading keys by hand; a stranger who knows it can aim at a bucket, so the engine's own
 * tables do not use it.
 */

#define HASH_MUL 0x9e3779b97f4a7c15u

/* Folds the product of two 64-bit numbers into one: every bit of either moves half of the result.
 */
static inline uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 p = (unsigned __int128)(a ^ 0xa0761d6478bd642fu) * (b ^ 0xe7037ed1a0b428dbu);

    return (uint64_t)p ^ (uint64_t)(p >> 64);
}

static inline int64_t hash_word(uint64_t x)
{
    return (int64_t)(fold(x * HASH_MUL, x ^ HASH_MUL) >> 1);
}

static int64_t hash_bytes(const uint8_t *s, uint32_t n)
{
    uint64_t h = HASH_MUL ^ n;

    for (; n >= 16; s += 16, n -= 16)
        h = fold(h ^ load_le64(s), load_le64(s + 8));
    if (n >= 8) {
        h = fold(h, load_le64(s));
        s += 8;
        n -= 8;
    }
    uint64_t rest = 0;
    for (uint32_t i = 0; i < n; i++)
        rest |= (uint64_t)s[i] << 8 * i;
    return (int64_t)(fold(fold(h, rest), HASH_MUL) >> 1);
}

void fn_hash_int(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    const int64_t *restrict a = arg[0].i;
    int64_t *restrict o = out->i;

    (void)call;
    EVERY_ROW(ev, r, o[r] = hash_word((uint64_t)a[r]););
}

/* Equal floats have equal hashes: -0 is 0, and every NaN is one. */
void fn_hash_float(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    (void)call;
    EACH_ROW(ev, r, {
        double f = arg[0].f[r];
        uint64_t u;
        memcpy(&u, &f, sizeof u);
        if (f == 0)
            u = 0;
        if (f != f)
            u = 0x7ff8000000000000u;
        out->i[r] = hash_word(u);
    });
}

void fn_hash_string(struct eval *ev, const struct expr *call, const struct col *arg,
                    struct col *out)
{
    (void)call;
    EACH_ROW(ev, r, out->i[r] = hash_bytes(col_str(&arg[0], r), arg[0].s.len[r]););
}

void fn_hash_ip(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    (void)call;
    EACH_ROW(ev, r, out->i[r] = hash_bytes(arg[0].ip[r].b, 16););
}
