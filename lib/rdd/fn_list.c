#include "rdd/fn.h"
#include "rdd/str.h"

/* Lists: what split and groupByKey give. */

void fn_list_size(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    (void)call;
    EVERY_ROW(ev, r, out->i[r] = arg[0].l.cnt[r];);
}

void fn_list_at(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    const struct col *elems = &arg[0].l.elems->col[0];

    (void)call;
    out->s.base = elems->s.base;
    EACH_ROW(ev, r, {
        int64_t i = arg[1].i[r], cnt = arg[0].l.cnt[r];
        i += i < 0 ? cnt : 0;
        if (i < 0 || i >= cnt) {
            eval_fail_string(ev, out, r);
        } else {
            uint32_t e = arg[0].l.off[r] + (uint32_t)i;
            out->s.off[r] = elems->s.off[e];
            out->s.len[r] = elems->s.len[e];
        }
    });
}

void fn_list_contains(struct eval *ev, const struct expr *call, const struct col *arg,
                      struct col *out)
{
    const struct col *elems = &arg[0].l.elems->col[0];

    (void)call;
    EACH_ROW(ev, r, {
        uint32_t e = arg[0].l.off[r], end = e + arg[0].l.cnt[r], n = arg[1].s.len[r];
        const uint8_t *s = col_str(&arg[1], r);
        while (e < end && !(elems->s.len[e] == n && str_equal(col_str(elems, e), s, n)))
            e++;
        out->i[r] = e < end;
    });
}
