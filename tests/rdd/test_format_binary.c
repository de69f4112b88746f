#include "tests/rdd/format_harness.h"

static const struct format_field fields[] = {
    {.name = "id", .type = TYPE_INT, .binary = BINARY_UINT, .offset = 0, .width = 2},
    {.name = "delta",
     .type = TYPE_INT,
     .binary = BINARY_INT,
     .offset = 2,
     .width = 3,
     .big_endian = true},
    {.name = "x", .type = TYPE_FLOAT, .binary = BINARY_FLOAT, .offset = 5, .width = 4},
    {.name = "on", .type = TYPE_BOOL, .binary = BINARY_UINT, .offset = 9, .width = 1},
    {.name = "host", .type = TYPE_IP, .binary = BINARY_IP4, .offset = 10, .width = 4},
    {.name = "tag", .type = TYPE_STRING, .binary = BINARY_BYTES, .offset = 14, .width = 4},
    {.name = "at", .type = TYPE_TIME, .binary = BINARY_UINT, .offset = 18, .width = 8},
};

#define RECORD_BYTES 28u /* two of padding */

static struct harness binary_harness(struct zone *z, const struct format_field *f, uint32_t n,
                                     uint32_t record_bytes)
{
    struct harness h = {0};

    h.spec.format = (struct format){
        .kind = FORMAT_BINARY, .record_bytes = record_bytes, .fields_cnt = n, .field = f};
    harness_schema(&h, z);
    return h;
}

TEST(format_binary, reads_every_kind)
{
    static const uint8_t record[RECORD_BYTES] = {
        0xff, 0xfe, 0xff, 0xff, 0xfe, 0x00, 0x00, 0x20, 0x40, 0x80, 10, 0, 0, 1,
        'a',  'b',  0,    0,    1,    0,    0,    0,    0,    0,    0,  0, 9, 9};
    struct zone z = {0};
    struct harness h = binary_harness(&z, fields, 7, RECORD_BYTES);
    uint8_t bad[RECORD_BYTES];
    char out[1024];

    memcpy(bad, record, sizeof bad);
    bad[25] = 0x80; /* a time of more than 2^63 ns */
    harness_put(&h, record, RECORD_BYTES);
    harness_put(&h, bad, RECORD_BYTES);
    harness_put(&h, record, RECORD_BYTES - 1); /* left over */
    harness_put(&h, record, 0);
    harness_put(&h, record, RECORD_BYTES);
    harness_open(&h, NULL);
    harness_read_all(&h, out, sizeof out);
    EXPECT_EQ_STR(out, "65279|-2|2.5|1|00000000000000000000ffff0a000001|'ab'|1;"
                       "65279|-2|2.5|1|00000000000000000000ffff0a000001|'ab'|1;");
    EXPECT_EQ_INT(h.counters.offered, 4);
    EXPECT_EQ_INT(h.counters.dropped[RECORD_CUT], 1);
    EXPECT_EQ_INT(h.counters.dropped[RECORD_BAD_VALUE], 1);
    EXPECT_EQ_INT(h.counters.bytes, h.len);

    harness_open(&h, (bool[]){true, false, false, false, false, false, false});
    harness_read_all(&h, out, sizeof out); /* what is not read cannot be bad */
    EXPECT_EQ_STR(out, "65279||||||;65279||||||;65279||||||;");
    harness_close(&h);
    zone_free(&z);
}

/* The value of a field, byte by byte. */
static int64_t naive_int(const uint8_t *p, const struct format_field *f)
{
    uint64_t v = 0;

    for (uint32_t i = 0; i < f->width; i++)
        v |= (uint64_t)p[f->offset + i] << 8 * (f->big_endian ? f->width - 1 - i : i);
    if (f->binary == BINARY_INT && f->width < 8 && v >> (8 * f->width - 1))
        v |= ~UINT64_C(0) << 8 * f->width;
    return (int64_t)v;
}

TEST(format_binary, reads_ints_of_every_width)
{
    struct prng p = prng_of(prng_seed(71));

    for (int round = 0; round < 300; round++) {
        struct format_field f[4];
        struct zone z = {0};
        uint32_t size = 8 + (uint32_t)prng_below(&p, 60), runs = 1 + (uint32_t)prng_below(&p, 9);
        for (int k = 0; k < 4; k++) {
            f[k] = (struct format_field){.name = "x", .type = TYPE_INT};
            f[k].binary = k % 2 ? BINARY_INT : BINARY_UINT;
            f[k].width = 1 + (uint32_t)prng_below(&p, k % 2 ? 8 : 7);
            f[k].offset = (uint32_t)prng_below(&p, size - f[k].width + 1);
            f[k].big_endian = prng_chance(&p, 50);
        }
        struct harness h = binary_harness(&z, f, 4, size);
        for (uint32_t d = 0; d < runs; d++) {
            uint8_t b[9000];
            uint32_t n = (uint32_t)prng_below(&p, sizeof b);
            prng_fill(&p, b, n);
            harness_put(&h, b, n);
        }
        harness_open(&h, NULL);
        uint32_t run = 0, at = 0, cut = 0;
        int n;
        while ((n = harness_read(&h)) > 0) {
            EXPECT(!h.vec.sel && (uint32_t)n * size <= VEC_BYTES_MAX);
            for (int i = 0; i < n; i++, at += size) {
                while (h.run[run].len - at < size) {
                    cut += h.run[run].len != at;
                    run++;
                    at = 0;
                }
                for (int k = 0; k < 4; k++)
                    EXPECT_EQ_INT(h.col[k].i[i], naive_int(h.bytes + h.run[run].off + at, &f[k]));
            }
        }
        for (; run < runs; run++, at = 0)
            cut += h.run[run].len != at;
        EXPECT_EQ_INT(h.counters.dropped[RECORD_CUT], cut);
        EXPECT_EQ_INT(h.counters.bytes, h.len);
        harness_close(&h);
        zone_free(&z);
    }
}
