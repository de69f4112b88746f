#include <errno.h>
#include <stdio.h>

#include "rdd/fn.h"
#include "rdd/ip.h"

/*
 * Addresses. The length of a network is counted in bits of 32 for IPv4, of 128 for IPv6; one that
 * is longer than 32 keeps the whole of an IPv4 address.
 */

/* The address with all but its first `bits` bits (of 128) set to 0. */
static inline struct ip ip_cut(const struct ip *a, uint32_t bits)
{
    uint64_t hi = load_be64(a->b), lo = load_be64(a->b + 8);
    struct ip cut;

    hi = bits >= 64 ? hi : bits ? hi & ~0ull << (64 - bits) : 0;
    lo = bits >= 128 ? lo : bits > 64 ? lo & ~0ull << (128 - bits) : 0;
    store_be64(cut.b, hi);
    store_be64(cut.b + 8, lo);
    return cut;
}

/* Lengths that are the same in all rows: a mask for each version, made once. */
static void prefix_literal(struct eval *ev, const struct col *in, uint32_t bits4, uint32_t bits6,
                           struct col *out)
{
    struct ip ones, mask[2];
    uint64_t m[2][2];

    memset(ones.b, 0xff, sizeof ones.b);
    mask[0] = ip_cut(&ones, bits6);
    mask[1] = ip_cut(&ones, 96 + bits4);
    memcpy(m, mask, sizeof m);
    EVERY_ROW(ev, r, {
        const uint8_t *b = in->ip[r].b;
        bool v4 = ip_is_v4(&in->ip[r]);
        store_le64(out->ip[r].b, load_le64(b) & m[v4][0]);
        store_le64(out->ip[r].b + 8, load_le64(b + 8) & m[v4][1]);
    });
}

static void prefix_rows(struct eval *ev, const struct col *in, const int64_t *bits4,
                        const int64_t *bits6, struct col *out)
{
    EACH_ROW(ev, r, {
        bool v4 = ip_is_v4(&in->ip[r]);
        int64_t bits = v4 ? bits4[r] : bits6[r];
        if (bits < 0 || bits > 128) {
            out->ip[r] = (struct ip){{0}};
            eval_fail(ev, r);
        } else {
            if (v4)
                bits = 96 + (bits > 32 ? 32 : bits);
            out->ip[r] = ip_cut(&in->ip[r], (uint32_t)bits);
        }
    });
}

static bool is_length(const struct expr *e)
{
    return e->op == EXPR_LIT && e->lit.i >= 0 && e->lit.i <= 128;
}

static void prefix(struct eval *ev, const struct expr *call, const struct col *arg,
                   uint32_t bits6_arg, struct col *out)
{
    const struct expr *bits4 = call->arg[1], *bits6 = call->arg[bits6_arg];

    if (is_length(bits4) && is_length(bits6))
        prefix_literal(ev, &arg[0], bits4->lit.i > 32 ? 32 : (uint32_t)bits4->lit.i,
                       (uint32_t)bits6->lit.i, out);
    else
        prefix_rows(ev, &arg[0], arg[1].i, arg[bits6_arg].i, out);
}

void fn_prefix(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    prefix(ev, call, arg, 1, out);
}

void fn_prefix_both(struct eval *ev, const struct expr *call, const struct col *arg,
                    struct col *out)
{
    prefix(ev, call, arg, 2, out);
}

void fn_is_v4(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    (void)call;
    EVERY_ROW(ev, r, out->i[r] = ip_is_v4(&arg[0].ip[r]););
}

void fn_is_v6(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    (void)call;
    EVERY_ROW(ev, r, out->i[r] = !ip_is_v4(&arg[0].ip[r]););
}

/* --- networks as literals: "10.0.0.0/8" --------------------------------------------------------
 */

struct network {
    struct ip first;
    uint32_t bits; /* of 128 */
};

static int parse_network(const char *s, uint32_t len, struct network *net)
{
    const char *slash = memchr(s, '/', len);
    int64_t bits;

    if (!slash || parse_ip(s, (size_t)(slash - s), &net->first))
        return -EINVAL;
    bool v4 = memchr(s, ':', (size_t)(slash - s)) == NULL;
    if (parse_int(slash + 1, len - (size_t)(slash + 1 - s), &bits) || bits < 0 ||
        bits > (v4 ? 32 : 128))
        return -EINVAL;
    net->bits = (uint32_t)bits + (v4 ? 96 : 0);
    struct ip cut = ip_cut(&net->first, net->bits);
    return ip_equal(&cut, &net->first) ? 0 : -ERANGE;
}

int fn_prepare_in_net(struct expr *call, struct zone *z, char *err, size_t err_bytes)
{
    const struct expr *lit = call->arg[1];
    struct network *net = zone_alloc(z, sizeof *net);
    int rc = parse_network(lit->lit.s, lit->lit.s_len, net);

    call->prepared = net;
    if (rc == -ERANGE)
        snprintf(err, err_bytes, "the network \"%s\" has bits behind its prefix", lit->lit.s);
    else if (rc)
        snprintf(err, err_bytes, "\"%s\" is no network like \"10.0.0.0/8\" or \"2001:db8::/32\"",
                 lit->lit.s);
    return rc ? -EINVAL : 0;
}

void fn_in_net(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    const struct network net = *(const struct network *)call->prepared;

    EVERY_ROW(ev, r, {
        struct ip cut = ip_cut(&arg[0].ip[r], net.bits);
        out->i[r] = ip_equal(&cut, &net.first);
    });
}
