#include <string.h>

#include "rdd/col_merge.h"
#include "rdd/fn.h"
#include "rdd/str.h"

/* A common base for two string columns, and what to add to the offsets of each. */
struct common_base {
    const uint8_t *base;
    uint64_t a_off, b_off;
};

static struct common_base common_base(const struct col *a, const struct col *b)
{
    uintptr_t pa = (uintptr_t)a->s.base, pb = (uintptr_t)b->s.base;

    if (pa <= pb)
        return (struct common_base){a->s.base, 0, pb - pa};
    return (struct common_base){b->s.base, pa - pb, 0};
}

/* Rebases the chosen strings; false when an offset does not fit. */
static bool rebase_strings(struct eval *ev, const int64_t *cond, const struct col *a,
                           const struct col *b, struct col *out)
{
    struct common_base c = common_base(a, b);
    uint64_t off_or = 0;

    out->s.base = c.base;
    EACH_ROW(ev, r, {
        uint64_t off = cond[r] ? a->s.off[r] + c.a_off : b->s.off[r] + c.b_off;
        out->s.off[r] = (uint32_t)off;
        out->s.len[r] = cond[r] ? a->s.len[r] : b->s.len[r];
        off_or |= off;
    });
    return off_or <= UINT32_MAX;
}

static void copy_strings(struct eval *ev, const int64_t *cond, const struct col *a,
                         const struct col *b, struct col *out)
{
    uint64_t sum = 0;

    EACH_ROW(ev, r, {
        out->s.off[r] = (uint32_t)sum;
        sum += out->s.len[r];
    });
    uint8_t *to = eval_bytes(ev, sum);
    if (!to)
        return;
    out->s.base = to;
    EACH_ROW(ev, r, { str_copy(to + out->s.off[r], col_str(cond[r] ? a : b, r), out->s.len[r]); });
}

/* --- elements, one vector after the other ------------------------------------------------------
 */

static bool concat_vecs(struct eval *ev, const struct vec *a, const struct vec *b,
                        struct vec **out);

static bool concat_strings(struct eval *ev, const struct col *a, uint32_t an, const struct col *b,
                           uint32_t bn, struct col *out)
{
    struct common_base c = common_base(a, b);
    uint64_t off_or = 0, sum = 0;

    memcpy(out->s.len, a->s.len, an * sizeof *out->s.len);
    memcpy(out->s.len + an, b->s.len, bn * sizeof *out->s.len);
    out->s.base = c.base;
    for (uint32_t i = 0; i < an + bn; i++) {
        uint64_t off = i < an ? a->s.off[i] + c.a_off : b->s.off[i - an] + c.b_off;
        out->s.off[i] = (uint32_t)off;
        off_or |= off;
        sum += out->s.len[i];
    }
    if (off_or <= UINT32_MAX)
        return true;
    uint8_t *to = eval_bytes(ev, sum);
    if (!to)
        return false;
    out->s.base = to;
    for (uint32_t i = 0; i < an + bn; i++) {
        out->s.off[i] = (uint32_t)(to - out->s.base);
        str_copy(to, i < an ? col_str(a, i) : col_str(b, i - an), out->s.len[i]);
        to += out->s.len[i];
    }
    return true;
}

static bool concat_cols(struct eval *ev, const struct col *a, uint32_t an, const struct col *b,
                        uint32_t bn, struct col *out)
{
    if (col_alloc(out, a->kind, an + bn, ev->arena)) {
        ev->no_memory = 1;
        return false;
    }
    switch (a->kind) {
    case TYPE_STRING: return concat_strings(ev, a, an, b, bn, out);
    case TYPE_LIST:
        for (uint32_t i = 0; i < an + bn; i++) {
            out->l.off[i] = i < an ? a->l.off[i] : b->l.off[i - an] + a->l.elems->rows;
            out->l.cnt[i] = i < an ? a->l.cnt[i] : b->l.cnt[i - an];
        }
        return concat_vecs(ev, a->l.elems, b->l.elems, &out->l.elems);
    case TYPE_IP:
        memcpy(out->ip, a->ip, an * sizeof *out->ip);
        memcpy(out->ip + an, b->ip, bn * sizeof *out->ip);
        return true;
    default:
        memcpy(out->i, a->i, an * sizeof *out->i);
        memcpy(out->i + an, b->i, bn * sizeof *out->i);
        return true;
    }
}

static bool concat_vecs(struct eval *ev, const struct vec *a, const struct vec *b, struct vec **out)
{
    struct vec *v = arena_alloc(ev->arena, sizeof *v);
    struct col *col = arena_alloc(ev->arena, a->cols_cnt * sizeof *col);
    uint32_t rows = a->rows + b->rows;

    if (!v || !col) {
        ev->no_memory = 1;
        return false;
    }
    *v = (struct vec){.rows = rows, .cols_cnt = a->cols_cnt, .col = col, .sel_cnt = rows};
    *out = v;
    for (uint32_t k = 0; k < a->cols_cnt; k++)
        if (!concat_cols(ev, &a->col[k], a->rows, &b->col[k], b->rows, &col[k]))
            return false;
    return true;
}

static void choose_lists(struct eval *ev, const int64_t *cond, const struct col *a,
                         const struct col *b, struct col *out)
{
    uint32_t shift = 0;

    if (a->l.elems == b->l.elems) {
        out->l.elems = a->l.elems;
    } else {
        if (!concat_vecs(ev, a->l.elems, b->l.elems, &out->l.elems))
            return;
        shift = a->l.elems->rows;
    }
    EACH_ROW(ev, r, {
        out->l.off[r] = cond[r] ? a->l.off[r] : b->l.off[r] + shift;
        out->l.cnt[r] = cond[r] ? a->l.cnt[r] : b->l.cnt[r];
    });
}

void col_choose(struct eval *ev, const int64_t *cond, const struct col *a, const struct col *b,
                struct col *out)
{
    switch (out->kind) {
    case TYPE_STRING:
        if (!rebase_strings(ev, cond, a, b, out))
            copy_strings(ev, cond, a, b, out);
        break;
    case TYPE_LIST: choose_lists(ev, cond, a, b, out); break;
    case TYPE_IP: EACH_ROW(ev, r, out->ip[r] = cond[r] ? a->ip[r] : b->ip[r];); break;
    default: {
        const int64_t *restrict x = a->i, *restrict y = b->i;
        int64_t *restrict o = out->i;
        EVERY_ROW(ev, r, o[r] = cond[r] ? x[r] : y[r];);
        break;
    }
    }
}
