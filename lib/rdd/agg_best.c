#include "rdd/agg_best.h"

#define KEY_BYTES_MAX 4096u /* rows of such keys find room wherever rows are kept */

void agg_best_begin(struct agg_best *b, const struct exchange *x, struct best_entry *mem)
{
    *b = (struct agg_best){.e = mem, .max = x->best.cnt, .by_key = x->best.by_key};
    agg_best_reset(b);
}

void agg_best_reset(struct agg_best *b)
{
    b->cnt = 0;
    b->floor = INT64_MIN;
    b->worst.len = UINT32_MAX;
}

static inline bool is_worse(const struct agg_best *b, struct best_entry x, struct best_entry y)
{
    if (x.value != y.value)
        return x.value < y.value;
    return b->by_key && tkey_cmp(x.key, y.key) > 0;
}

static void rise(struct agg_best *b, uint32_t at, struct best_entry x)
{
    for (; at && is_worse(b, x, b->e[(at - 1) / 2]); at = (at - 1) / 2)
        b->e[at] = b->e[(at - 1) / 2];
    b->e[at] = x;
}

static void sink(struct agg_best *b, struct best_entry x)
{
    uint32_t at = 0;

    for (uint32_t kid = 1; kid < b->cnt; kid = 2 * at + 1) {
        kid += kid + 1 < b->cnt && is_worse(b, b->e[kid + 1], b->e[kid]);
        if (!is_worse(b, b->e[kid], x))
            break;
        b->e[at] = b->e[kid];
        at = kid;
    }
    b->e[at] = x;
}

bool agg_best_takes(struct agg_best *b, int64_t value, const struct tkey *key)
{
    struct best_entry x = {value, key};

    if (key->len > KEY_BYTES_MAX)
        return true;
    if (b->cnt < b->max) {
        rise(b, b->cnt++, x);
    } else {
        if (value == b->e[0].value && !b->by_key)
            return true;
        if (!is_worse(b, b->e[0], x))
            return false;
        sink(b, x);
    }
    if (b->cnt == b->max) {
        b->floor = b->e[0].value;
        if (b->by_key)
            b->worst = *b->e[0].key;
    }
    return true;
}
