#include "base/strbuf.h"
#include "rdd/sieve.h"
#include "tests/rdd/expr_harness.h"
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

// ---- sieves: the records that pass a filter are read as the filter would have left them

#define SIEVE_FIELDS 5u

static bool holds(int64_t x, const struct comparison *by)
{
    switch (by->op) {
    case SEL_EQ: return x == by->with;
    case SEL_NE: return x != by->with;
    case SEL_LT: return x < by->with;
    case SEL_LE: return x <= by->with;
    case SEL_GT: return x > by->with;
    case SEL_GE: return x >= by->with;
    }
    return false;
}

// Fields of every kind, the first a number.
static void random_fields(struct prng *p, struct format_field *f, uint32_t size)
{
    static const struct format_field kinds[] = {
        {.type = TYPE_INT, .binary = BINARY_UINT, .width = 2},
        {.type = TYPE_TIME, .binary = BINARY_INT, .width = 8},
        {.type = TYPE_FLOAT, .binary = BINARY_FLOAT, .width = 4},
        {.type = TYPE_BOOL, .binary = BINARY_UINT, .width = 1},
        {.type = TYPE_IP, .binary = BINARY_IP4, .width = 4},
        {.type = TYPE_IP, .binary = BINARY_IP6, .width = 16},
        {.type = TYPE_STRING, .binary = BINARY_BYTES, .width = 5}};

    for (uint32_t k = 0; k < SIEVE_FIELDS; k++) {
        f[k] = kinds[k ? prng_below(p, 7) : prng_below(p, 2)];
        f[k].name = "x";
        f[k].offset = (uint32_t)prng_below(p, size - f[k].width + 1);
        f[k].big_endian = prng_chance(p, 50);
    }
}

// Prints each row alive that passes, with its place; of its columns those of `below`.
static void print_rows(struct harness *h, struct strbuf *out, const struct comparison *by,
                       const bool *below)
{
    char value[256];

    strbuf_puts(out, "");
    while (harness_read(h) > 0) {
        EXPECT(h->vec.rows <= VEC_ROWS_MAX);
        for (uint32_t i = 0; i < h->vec.sel_cnt; i++) {
            uint32_t r = vec_row(&h->vec, i);
            if (by && !holds(h->col[by->col].i[r], by))
                continue;
            strbuf_printf(out, "%llu", (unsigned long long)(vec_record(&h->vec, r) >> 32));
            for (uint32_t k = 0; k < SIEVE_FIELDS; k++) {
                if (!below[k])
                    continue;
                harness_print(value, sizeof value, &h->col[k], r);
                strbuf_printf(out, "|%s", value);
            }
            strbuf_puts(out, ";");
        }
    }
}

static void check_sieve(struct harness *h, const struct sieve *sieve)
{
    struct strbuf expected = {0}, is = {0};
    bool want[SIEVE_FIELDS];

    memcpy(want, sieve->want, sizeof want);
    want[sieve->by.col] = true;
    harness_open(h, want);
    print_rows(h, &expected, &sieve->by, sieve->want);
    const struct source_counters counters = h->counters;
    for (simd_first(); simd_next();) {
        is.len = 0;
        harness_open(h, want);
        h->reader.sieve = sieve;
        print_rows(h, &is, NULL, sieve->want);
        EXPECT(h->reader.held);
        EXPECT_EQ_STR(is.s, expected.s);
        EXPECT_EQ_MEM(&h->counters, &counters, sizeof counters);
    }
    strbuf_release(&expected);
    strbuf_release(&is);
}

// Runs of whole records mostly, so that they lie one behind the other; some numbers are zero.
static void put_runs(struct harness *h, struct prng *p, const struct format_field *f, uint32_t size)
{
    static uint8_t b[40000];
    uint32_t runs = 1 + (uint32_t)prng_below(p, 12), zeros = (uint32_t)prng_below(p, 101);

    for (uint32_t d = 0; d < runs; d++) {
        uint32_t n = (uint32_t)prng_below(p, sizeof b);
        if (prng_chance(p, 70))
            n = n / size * size;
        prng_fill(p, b, n);
        for (uint32_t at = 0; at + size <= n; at += size)
            if (prng_chance(p, zeros))
                memset(b + at + f->offset, 0, f->width);
        harness_put(h, b, n);
    }
}

TEST(format_binary, sieves)
{
    struct prng p = prng_of(prng_seed(72));

    for (int round = 0; round < 250; round++) {
        struct format_field f[SIEVE_FIELDS];
        struct zone z = {0};
        uint32_t size = round % 3 ? 16 + (uint32_t)prng_below(&p, 50) : 16;
        if (round % 50 == 7)
            size = 7000; // a chunk of one
        random_fields(&p, f, size);
        struct harness h = binary_harness(&z, f, SIEVE_FIELDS, size);
        struct sieve sieve = {.on = true, .ordered = true, .by = {.op = (enum sel_op)(round % 6)}};
        sieve.by.with = prng_chance(&p, 50) ? 0 : (int64_t)prng_below(&p, 65536);
        for (uint32_t k = 0; k < SIEVE_FIELDS; k++)
            sieve.want[k] = prng_chance(&p, 60);
        put_runs(&h, &p, f, size);
        check_sieve(&h, &sieve);
        harness_close(&h);
        zone_free(&z);
    }
}

// A value that may be bad is looked at in every record, so all of them become rows.
TEST(format_binary, sieves_nothing_that_may_be_bad)
{
    static const struct format_field two[] = {
        {.name = "k", .type = TYPE_INT, .binary = BINARY_UINT, .offset = 0, .width = 1},
        {.name = "n", .type = TYPE_INT, .binary = BINARY_UINT, .offset = 1, .width = 8}};
    static const uint8_t records[3][9] = {{1}, {0, 0, 0, 0, 0, 0, 0, 0, 0x80}, {0, 7}};
    const struct sieve sieve = {.on = true, .by = {.col = 0, .op = SEL_EQ, .with = 0}};
    struct zone z = {0};
    struct harness h = binary_harness(&z, two, 2, 9);
    char out[64];

    harness_put(&h, records, sizeof records);
    harness_open(&h, (bool[]){true, true});
    h.reader.sieve = &sieve;
    harness_read_all(&h, out, sizeof out);
    EXPECT_EQ_STR(out, "1|0;0|7;");
    EXPECT_EQ_INT(h.counters.dropped[RECORD_BAD_VALUE], 1);
    EXPECT(!h.reader.held);
    harness_close(&h);
    zone_free(&z);
}
