#include <errno.h>
#include <string.h>

#include "base/crc32c.h"
#include "ckpt/record.h"
#include "rdd/source.h"

static uint32_t row_bytes(uint16_t kind)
{
    return kind == BLOCK_PACKETS ? sizeof(struct pkt) : sizeof(struct run);
}

uint64_t record_index_bytes(const struct block_hdr *h)
{
    return (uint64_t)h->rows * row_bytes(h->kind);
}

uint64_t record_block_bytes(const struct block *b)
{
    uint64_t bytes = record_index_bytes(&b->hdr);

    for (uint32_t i = 0; i < b->hdr.rows; i++)
        bytes += b->hdr.kind == BLOCK_PACKETS ? ((const struct pkt *)b->index)[i].cap_len
                                              : ((const struct run *)b->index)[i].len;
    return bytes;
}

/* Rows move together: the next lies where the last one ended. */
static void copy_rows(uint8_t *body, const struct block *b)
{
    uint8_t *bytes = body + record_index_bytes(&b->hdr);
    uint32_t at = 0;

    memcpy(body, b->index, record_index_bytes(&b->hdr));
    for (uint32_t i = 0; i < b->hdr.rows; i++) {
        uint32_t off, len;
        if (b->hdr.kind == BLOCK_PACKETS) {
            struct pkt *p = (struct pkt *)(void *)body + i;
            off = p->off;
            len = p->cap_len;
            p->off = at;
        } else {
            struct run *r = (struct run *)(void *)body + i;
            off = r->off;
            len = r->len;
            r->off = at;
        }
        memcpy(bytes + at, b->base + off, len);
        at += len;
    }
}

static void seal(uint8_t *to, struct block_hdr *h, const uint8_t *body)
{
    h->crc32c = 0;
    h->crc32c = crc32c(crc32c(0, h, sizeof *h), body, h->bytes);
    memcpy(to, h, sizeof *h);
}

void record_block(uint8_t *to, const struct block *b, uint64_t tick)
{
    struct block_hdr h = b->hdr;

    h.interval = tick;
    h.bytes = (uint32_t)record_block_bytes(b);
    copy_rows(to + sizeof h, b);
    seal(to, &h, to + sizeof h);
}

void record_mark(uint8_t *to, enum record_mark mark, uint64_t tick, uint64_t a, uint64_t b,
                 uint64_t hash)
{
    struct block_hdr h = {.magic = BLOCK_MAGIC,
                          .version = BLOCK_VERSION,
                          .kind = RECORD_MARK,
                          .id = {a, b, 0},
                          .interval = tick,
                          .schema_hash = hash,
                          .flags = (uint32_t)mark};

    seal(to, &h, to);
}

int record_header(struct block_hdr *h, const uint8_t bytes[64])
{
    memcpy(h, bytes, sizeof *h);
    if (h->magic != BLOCK_MAGIC || h->version != BLOCK_VERSION || h->bytes > RECORD_BODY_MAX)
        return -EINVAL;
    if (h->kind == RECORD_MARK)
        return h->bytes == 0 ? 0 : -EINVAL;
    if (h->kind != BLOCK_RUNS && h->kind != BLOCK_PACKETS)
        return -EINVAL;
    return record_index_bytes(h) <= h->bytes ? 0 : -EINVAL;
}

static bool rows_inside(const struct block_hdr *h, const uint8_t *body)
{
    uint64_t room = h->bytes - record_index_bytes(h);

    for (uint32_t i = 0; i < h->rows; i++) {
        const struct pkt *p = (const struct pkt *)(const void *)body + i;
        const struct run *r = (const struct run *)(const void *)body + i;
        bool packets = h->kind == BLOCK_PACKETS;
        uint64_t off = packets ? p->off : r->off, len = packets ? p->cap_len : r->len;
        if (off + len > room)
            return false;
        if (packets && (p->l3_off > len || p->l4_off > len || p->payload_off > len))
            return false;
    }
    return true;
}

bool record_check(const struct block_hdr *h, const uint8_t *body)
{
    struct block_hdr zero = *h;

    zero.crc32c = 0;
    if (crc32c(crc32c(0, &zero, sizeof zero), body, h->bytes) != h->crc32c)
        return false;
    return h->kind == RECORD_MARK || rows_inside(h, body);
}
