// Records of runs: a block is written and read back as what it was; every damage is seen.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "ckpt/record.h"
#include "rdd/source.h"
#include "tests/prng.h"
#include "tests/test.h"

#define ROWS_MAX 200u
#define BYTES    65536u

struct input {
    struct block b;
    uint8_t bytes[BYTES];
    union {
        struct run run[ROWS_MAX];
        struct pkt pkt[ROWS_MAX];
    } index;
};

// Rows that lie anywhere in the bytes, with gaps, in no order.
static void draw_input(struct input *in, struct prng *p, enum block_kind kind)
{
    uint32_t rows = (uint32_t)prng_below(p, ROWS_MAX);

    memset(in, 0, sizeof *in);
    prng_fill(p, in->bytes, BYTES);
    in->b = (struct block){.hdr = {.magic = BLOCK_MAGIC,
                                   .version = BLOCK_VERSION,
                                   .kind = (uint16_t)kind,
                                   .id = {1, 2, prng_u64(p)},
                                   .interval = 3,
                                   .schema_hash = 4,
                                   .rows = rows},
                           .index = &in->index,
                           .base = in->bytes};
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t len = (uint32_t)prng_below(p, 600), off = (uint32_t)prng_below(p, BYTES - len);
        if (kind == BLOCK_RUNS) {
            in->index.run[i] = (struct run){off, len};
            continue;
        }
        struct pkt *k = &in->index.pkt[i];
        prng_fill(p, k, sizeof *k);
        k->off = off;
        k->cap_len = len;
        k->l3_off = k->l4_off = k->payload_off = 0;
    }
}

static const uint8_t *row_bytes(const struct block_hdr *h, const void *index, const uint8_t *base,
                                uint32_t row, uint32_t *len)
{
    if (h->kind == BLOCK_RUNS) {
        const struct run *r = (const struct run *)index + row;
        *len = r->len;
        return base + r->off;
    }
    const struct pkt *k = (const struct pkt *)index + row;
    *len = k->cap_len;
    return base + k->off;
}

static void expect_same(const struct input *in, const struct block_hdr *h, const uint8_t *body)
{
    const uint8_t *base = body + record_index_bytes(h);
    uint32_t at = 0;

    EXPECT_EQ_INT(h->rows, in->b.hdr.rows);
    EXPECT_EQ_INT(h->kind, in->b.hdr.kind);
    EXPECT_EQ_INT(h->schema_hash, 4);
    EXPECT_EQ_MEM(&h->id, &in->b.hdr.id, sizeof h->id);
    for (uint32_t i = 0; i < h->rows; i++) {
        uint32_t len, want_len;
        const uint8_t *is = row_bytes(h, body, base, i, &len);
        const uint8_t *want = row_bytes(h, &in->index, in->bytes, i, &want_len);
        EXPECT_EQ_INT(len, want_len);
        EXPECT_EQ_MEM(is, want, want_len);
        EXPECT_EQ_INT(is - base, at); // densely, in order
        at += len;
        if (h->kind == BLOCK_PACKETS) { // what else is known of a packet stays
            struct pkt a = ((const struct pkt *)(const void *)body)[i], b = in->index.pkt[i];
            a.off = b.off = 0;
            EXPECT_EQ_MEM(&a, &b, sizeof a);
        }
    }
    EXPECT_EQ_INT(base + at - body, h->bytes);
}

TEST(record, blocks_come_back)
{
    struct prng p = prng_of(prng_seed(1));
    struct input *in = malloc(sizeof *in);

    for (uint32_t i = 0; i < 200; i++) {
        draw_input(in, &p, i % 2 ? BLOCK_RUNS : BLOCK_PACKETS);
        uint64_t bytes = record_block_bytes(&in->b);
        uint8_t *file = aligned_alloc(64, (64 + bytes + 63) & ~63ull);
        struct block_hdr h;
        record_block(file, &in->b, 42);
        EXPECT_EQ_INT(record_header(&h, file), 0);
        EXPECT_EQ_INT(h.interval, 42); // the tick
        EXPECT_EQ_INT(h.bytes, bytes);
        EXPECT(record_check(&h, file + 64));
        expect_same(in, &h, file + 64);
        free(file);
    }
    free(in);
}

TEST(record, marks_come_back)
{
    for (int mark = RECORD_BEGIN; mark <= RECORD_END; mark++) {
        uint8_t file[64];
        struct block_hdr h;
        record_mark(file, (enum record_mark)mark, 7, 8, 9, 10);
        EXPECT_EQ_INT(record_header(&h, file), 0);
        EXPECT(record_check(&h, file + 64));
        EXPECT_EQ_INT(h.kind, RECORD_MARK);
        EXPECT_EQ_INT(h.flags, mark);
        EXPECT_EQ_INT(h.interval, 7);
        EXPECT_EQ_INT(h.id.a, 8);
        EXPECT_EQ_INT(h.id.b, 9);
        EXPECT_EQ_INT(h.schema_hash, 10);
        EXPECT_EQ_INT(h.bytes, 0);
    }
}

// Any bit that turns is seen, in the header, in the index and in the bytes.
TEST(record, every_damaged_bit_is_seen)
{
    struct prng p = prng_of(prng_seed(1));
    struct input *in = malloc(sizeof *in);

    for (uint32_t i = 0; i < 6; i++) {
        draw_input(in, &p, i % 2 ? BLOCK_RUNS : BLOCK_PACKETS);
        uint64_t bytes = 64 + record_block_bytes(&in->b);
        uint8_t *file = malloc(bytes);
        record_block(file, &in->b, 42);
        for (uint64_t k = 0; k < 3000; k++) {
            uint64_t bit = k < 512 ? k : prng_below(&p, bytes * 8);
            struct block_hdr h;
            file[bit / 8] ^= (uint8_t)(1u << bit % 8);
            bool damaged = record_header(&h, file) || 64 + h.bytes != bytes;
            if (!damaged && !record_check(&h, file + 64))
                damaged = true;
            EXPECT(damaged);
            file[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        free(file);
    }
    free(in);
}

// A right checksum over rows that reach out of the body: not a file of ours, and refused.
TEST(record, rows_must_lie_inside)
{
    struct block_hdr h = {.magic = BLOCK_MAGIC, .version = BLOCK_VERSION};
    uint8_t body[256] __attribute__((aligned(64))) = {0};
    struct run *run = (struct run *)(void *)body;
    struct pkt *pkt = (struct pkt *)(void *)body;

    for (int i = 0; i < 6; i++) {
        memset(body, 0, sizeof body);
        h.rows = 1;
        h.kind = i < 3 ? BLOCK_RUNS : BLOCK_PACKETS;
        h.bytes = (uint32_t)record_index_bytes(&h) + 10;
        if (i == 0)
            *run = (struct run){0, 10}; // this one does
        else if (i == 1)
            *run = (struct run){1, 10};
        else if (i == 2)
            *run = (struct run){UINT32_MAX, 2};
        else
            *pkt = (struct pkt){
                .cap_len = 10, .l3_off = i == 4 ? 11 : 0, .payload_off = i == 5 ? 11 : 0};
        h.crc32c = 0;
        h.crc32c = crc32c(crc32c(0, &h, sizeof h), body, h.bytes);
        EXPECT_EQ_INT(record_check(&h, body), i == 0 || i == 3);
    }
}

TEST(record, headers_that_are_none)
{
    static const struct {
        uint32_t magic;
        uint16_t version, kind;
        uint32_t rows, bytes;
        int want;
    } cases[] = {
        {BLOCK_MAGIC, BLOCK_VERSION, BLOCK_RUNS, 1, 8, 0},
        {BLOCK_MAGIC + 1, BLOCK_VERSION, BLOCK_RUNS, 1, 8, -EINVAL},
        {BLOCK_MAGIC, BLOCK_VERSION + 1, BLOCK_RUNS, 1, 8, -EINVAL},
        {BLOCK_MAGIC, BLOCK_VERSION, BLOCK_AGG, 1, 8, -EINVAL},
        {BLOCK_MAGIC, BLOCK_VERSION, BLOCK_RUNS, 2, 8, -EINVAL}, // no room for the index
        {BLOCK_MAGIC, BLOCK_VERSION, BLOCK_PACKETS, UINT32_MAX, RECORD_BODY_MAX, -EINVAL},
        {BLOCK_MAGIC, BLOCK_VERSION, BLOCK_RUNS, 1, RECORD_BODY_MAX + 1, -EINVAL},
        {BLOCK_MAGIC, BLOCK_VERSION, RECORD_MARK, 0, 0, 0},
        {BLOCK_MAGIC, BLOCK_VERSION, RECORD_MARK, 0, 8, -EINVAL},
    };

    for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct block_hdr h = {.magic = cases[i].magic,
                              .version = cases[i].version,
                              .kind = cases[i].kind,
                              .rows = cases[i].rows,
                              .bytes = cases[i].bytes};
        uint8_t file[64];
        memcpy(file, &h, sizeof h);
        EXPECT_EQ_INT(record_header(&h, file), cases[i].want);
    }
}
