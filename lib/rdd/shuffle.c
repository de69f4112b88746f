#include <errno.h>

#include "base/assert.h"
#include "rdd/agg_cell.h"
#include "rdd/shuffle.h"

#define BLOCK_ALIGN 64u

void shuffle_writer_init(struct shuffle_writer *w, const struct block_mem *mem)
{
    *w = (struct shuffle_writer){.mem = *mem};
}

void shuffle_writer_close(struct shuffle_writer *w)
{
    if (w->page)
        w->mem.page_drop(w->mem.ctx, w->page);
    w->page = NULL;
}

uint8_t *shuffle_begin(struct shuffle_writer *w, uint32_t bytes)
{
    MR_ASSERT(bytes <= SHUFFLE_BODY_MAX);
    if (w->page && PAGE_BYTES - w->used < bytes + sizeof(struct block_hdr))
        shuffle_writer_close(w);
    if (!w->page) {
        w->page = w->mem.page_get(w->mem.ctx, &w->bytes);
        w->used = 0;
    }
    if (!w->page) {
        w->refused++;
        return NULL;
    }
    return w->bytes + w->used + sizeof(struct block_hdr);
}

struct block *shuffle_end(struct shuffle_writer *w, const struct shuffle_name *name, uint32_t bytes,
                          uint32_t rows)
{
    struct block *b = w->mem.block_get(w->mem.ctx);
    uint8_t *at = w->bytes + w->used;

    if (!b) {
        w->refused++;
        return NULL;
    }
    b->hdr = (struct block_hdr){.magic = BLOCK_MAGIC,
                                .version = BLOCK_VERSION,
                                .kind = (uint16_t)name->kind,
                                .id = name->id,
                                .interval = name->interval,
                                .schema_hash = name->schema_hash,
                                .rows = rows,
                                .bytes = bytes};
    memcpy(at, &b->hdr, sizeof b->hdr);
    b->base = at + sizeof b->hdr;
    b->page = w->page;
    w->mem.page_hold(w->mem.ctx, w->page);
    w->used += (bytes + (uint32_t)sizeof b->hdr + BLOCK_ALIGN - 1) & ~(BLOCK_ALIGN - 1);
    if (w->used + sizeof b->hdr >= PAGE_BYTES)
        shuffle_writer_close(w);
    return b;
}

static uint64_t pad8(uint64_t n)
{
    return (n + 7) & ~7ull;
}

/* Where the parts of a body begin. */
struct agg_body {
    uint64_t keys, rows, strings, end;
};

static struct agg_body agg_body_layout(uint32_t rows, uint32_t row_bytes, uint64_t key_bytes,
                                       uint64_t string_bytes)
{
    struct agg_body b;

    b.keys = pad8(16 + 4 * ((uint64_t)rows + 1));
    b.rows = b.keys + pad8(key_bytes);
    b.strings = b.rows + (uint64_t)rows * row_bytes;
    b.end = b.strings + pad8(string_bytes);
    return b;
}

static inline const struct tkey *key_at(const struct agg_rows *t, uint32_t e)
{
    return (const struct tkey *)((const uint8_t *)t->key + e * t->key_stride);
}

static inline const uint8_t *row_at(const struct agg_rows *t, uint32_t e)
{
    return (const uint8_t *)t->row + e * t->row_stride;
}

static uint64_t strings_of(const struct agg_spec *a, const struct agg_rows *t,
                           const uint32_t *entry, uint32_t n)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; a->has_strings && !a->count_only && i < n; i++)
        bytes += agg_row_strings(a, row_at(t, entry[i]));
    return bytes;
}

uint64_t agg_block_bytes(const struct agg_spec *a, const struct agg_rows *t, const uint32_t *entry,
                         uint32_t n)
{
    uint64_t keys = 0;

    for (uint32_t i = 0; i < n; i++)
        keys += key_at(t, entry[i])->len;
    return agg_body_layout(n, a->row_bytes, keys, strings_of(a, t, entry, n)).end;
}

/* Strings of a row move to the block; the row then holds offsets. */
static uint64_t move_strings(const struct agg_spec *a, uint8_t *row, uint8_t *strings, uint64_t at)
{
    struct heap h = {.base = strings + at, .bytes = SIZE_MAX};

    if (agg_row_adopt(a, row, &h))
        MR_ASSERT(!"the strings were measured");
    agg_row_rebase(a, row, -(intptr_t)strings);
    return at + h.used;
}

/* Keys of n entries behind each other; key_off says where. A short one is written whole while what
 * is written too much is room of the next ones. */
static void put_keys(uint8_t *keys, const uint32_t *key_off, const struct agg_rows *t,
                     const uint32_t *entry, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct tkey *k = key_at(t, entry[i]);
        if (tkey_is_short(k) && key_off[i] + TKEY_INLINE <= key_off[n])
            memcpy(keys + key_off[i], k->pre, TKEY_INLINE);
        else
            memcpy(keys + key_off[i], tkey_bytes(k), k->len);
    }
}

void agg_block_fill(uint8_t *body, const struct agg_spec *a, const struct agg_rows *t,
                    const uint32_t *entry, uint32_t n)
{
    uint64_t string_bytes = strings_of(a, t, entry, n), at = 0;
    uint32_t row_bytes = a->row_bytes, off = 0;
    uint32_t *key_off = (uint32_t *)(void *)(body + 4 * sizeof(uint32_t));

    for (uint32_t i = 0; i < n; i++) {
        key_off[i] = off;
        off += key_at(t, entry[i])->len;
    }
    key_off[n] = off;
    struct agg_body lay = agg_body_layout(n, row_bytes, off, string_bytes);
    uint32_t head[4] = {n, row_bytes, off, (uint32_t)string_bytes};
    memcpy(body, head, sizeof head);
    memset(&key_off[n + 1], 0, lay.keys - 16 - 4 * ((uint64_t)n + 1));
    put_keys(body + lay.keys, key_off, t, entry, n);
    memset(body + lay.keys + off, 0, lay.rows - lay.keys - off);
    for (uint32_t i = 0; i < n; i++) {
        uint8_t *row = body + lay.rows + (uint64_t)i * row_bytes;
        agg_row_copy(row, row_at(t, entry[i]), row_bytes);
        if (a->has_strings && !a->count_only)
            at = move_strings(a, row, body + lay.strings, at);
    }
    memset(body + lay.strings + at, 0, lay.end - lay.strings - at);
}

int agg_block_open(struct agg_block_reader *r, const struct block *b, const struct agg_spec *a)
{
    uint32_t head[4];

    *r = (struct agg_block_reader){.body = b->base};
    if (b->hdr.bytes < sizeof head)
        return -EINVAL;
    memcpy(head, b->base, sizeof head);
    struct agg_body lay = agg_body_layout(head[0], head[1], head[2], head[3]);
    if (lay.end > b->hdr.bytes || head[1] != a->row_bytes)
        return -EINVAL;
    r->rows = head[0];
    r->row_bytes = head[1];
    r->key_off = (const uint32_t *)(const void *)(b->base + sizeof head);
    r->keys = b->base + lay.keys;
    r->row = b->base + lay.rows;
    r->strings = b->base + lay.strings;
    for (uint32_t i = 0; i < r->rows; i++)
        if (r->key_off[i] > r->key_off[i + 1] || r->key_off[i + 1] > head[2])
            return -EINVAL;
    for (uint32_t i = 0; a->has_strings && !a->count_only && i < r->rows; i++)
        if (!agg_row_inside(a, r->row + (size_t)i * r->row_bytes, head[3]))
            return -EINVAL;
    return 0;
}

int agg_block_next(struct agg_block_reader *r, const struct agg_spec *a, struct tkey *key,
                   const uint8_t **row, struct arena *arena)
{
    uint32_t n = r->rows - r->at < VEC_ROWS_MAX ? r->rows - r->at : VEC_ROWS_MAX;
    uint32_t *len = arena_alloc(arena, (n + 1) * sizeof *len);
    bool strings = a->has_strings && !a->count_only;
    uint8_t *copy = strings ? arena_alloc(arena, (size_t)n * r->row_bytes + 1) : NULL;

    if (!len || (strings && !copy))
        return -ENOMEM;
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *from = r->row + (size_t)(r->at + i) * r->row_bytes;
        len[i] = r->key_off[r->at + i + 1] - r->key_off[r->at + i];
        row[i] = from;
        if (!strings)
            continue;
        uint8_t *own = copy + (size_t)i * r->row_bytes;
        memcpy(own, from, r->row_bytes);
        agg_row_rebase(a, own, (intptr_t)r->strings);
        row[i] = own;
    }
    struct enc_keys e = {
        .base = r->keys, .off = (uint32_t *)(uintptr_t)(r->key_off + r->at), .len = len};
    tkeys_load(key, &e, NULL, n);
    r->at += n;
    return (int)n;
}
