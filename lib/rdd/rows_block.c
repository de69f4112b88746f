#include <errno.h>

#include "rdd/rows_block.h"

void rows_block_open(struct rows_reader *r, const struct block *b, const struct exchange *x)
{
    bool top_of_pairs = x->top_cnt && type_is_pair(x->type);

    *r = (struct rows_reader){.b = b, .value = x->type};
    if (x->group) {
        r->key = x->key;
        r->value = x->value;
    } else if (top_of_pairs) {
        r->key = x->type->part[0];
        r->value = x->type->part[1];
    }
}

/* The size of the row at r->at, or 0: it does not lie within the body, or is none. */
static uint32_t good_row(const struct rows_reader *r)
{
    uint32_t left = r->b->hdr.bytes - r->at;
    struct row_hdr h;

    if (left < sizeof h)
        return 0;
    memcpy(&h, r->b->base + r->at, sizeof h);
    const uint8_t *key = r->b->base + r->at + sizeof h;
    uint64_t bytes = (sizeof h + (uint64_t)h.key_bytes + h.val_bytes + 7) & ~7ull;
    if (bytes > left)
        return 0;
    if (r->key ? !enc_check(r->key, key, h.key_bytes) : h.key_bytes != 0)
        return 0;
    return enc_check(r->value, key + h.key_bytes, h.val_bytes) ? (uint32_t)bytes : 0;
}

int rows_block_check(struct rows_reader *r)
{
    for (uint32_t n = 0; n < VEC_ROWS_MAX && r->row < r->b->hdr.rows; n++, r->row++) {
        uint32_t bytes = good_row(r);
        if (!bytes)
            return -EINVAL;
        r->at += bytes;
    }
    if (r->row < r->b->hdr.rows)
        return 1;
    if (r->at != r->b->hdr.bytes)
        return -EINVAL;
    r->row = r->at = 0;
    return 0;
}

const struct row_hdr *rows_block_next(const struct rows_reader *r)
{
    if (r->row == r->b->hdr.rows)
        return NULL;
    return (const struct row_hdr *)(const void *)(r->b->base + r->at);
}

void rows_block_take(struct rows_reader *r)
{
    r->at += row_bytes(rows_block_next(r));
    r->row++;
}
