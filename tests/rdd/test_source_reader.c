#include "tests/rdd/format_harness.h"

static const struct format_field fields2[] = {
    {.name = "a", .type = TYPE_INT, .binary = BINARY_UINT, .offset = 0, .width = 8},
    {.name = "b", .type = TYPE_INT, .binary = BINARY_INT, .offset = 8, .width = 8},
};

static const struct format formats[] = {
    {.kind = FORMAT_TEXT},
    {.kind = FORMAT_CSV, .separator = ',', .quotes = true, .fields_cnt = 2, .field = fields2},
    {.kind = FORMAT_CSV, .separator = '\t', .fields_cnt = 2, .field = fields2},
    {.kind = FORMAT_BINARY, .record_bytes = 17, .fields_cnt = 2, .field = fields2},
    {.kind = FORMAT_FRAMES, .length_bytes = 1},
    {.kind = FORMAT_FRAMES, .length_bytes = 4},
};

#define FORMATS_CNT (sizeof formats / sizeof formats[0])

static struct harness open_format(struct zone *z, size_t i)
{
    struct harness h = {0};

    h.spec.format = formats[i];
    if (formats[i].fields_cnt)
        harness_schema(&h, z);
    else
        h.spec.type = &type_string;
    return h;
}

/* Bytes that some format takes and the others choke on. */
static void put_garbage(struct harness *h, struct prng *p)
{
    uint32_t runs = 1 + (uint32_t)prng_below(p, 400);

    for (uint32_t d = 0; d < runs; d++) {
        uint8_t b[3000];
        uint32_t n = (uint32_t)prng_below(p, prng_chance(p, 5) ? sizeof b : 40);
        for (uint32_t i = 0; i < n; i++)
            b[i] = prng_chance(p, 70) ? (uint8_t) "1,\n\"\t7\r0\0"[prng_below(p, 9)]
                                      : (uint8_t)prng_u64(p);
        harness_put(h, b, n);
    }
}

/* What is said to come next does, as far as it lies in the block; some of it may be fetched. */
static void expect_ahead(const struct harness *h)
{
    const struct ahead *a = h->vec.ahead;

    REQUIRE(a != NULL);
    EXPECT(a->at[1] == a->end[1]);
    if (a->at[0] == NULL)
        return;
    REQUIRE(h->reader.row < h->runs_cnt);
    EXPECT(a->at[0] >= h->bytes + h->run[h->reader.row].off + h->reader.pos);
    EXPECT(a->end[0] <= h->bytes + h->len);
}

/* The ledger closes, order numbers rise without a gap, a step is bounded and every step gets on,
 * whatever the bytes are. */
TEST(source_reader, survives_garbage)
{
    struct prng p = prng_of(prng_seed(91));

    for (size_t round = 0; round < 60 * FORMATS_CNT; round++) {
        struct zone z = {0};
        struct harness h = open_format(&z, round % FORMATS_CNT);
        uint64_t alive = 0, offered = 0, bytes = 0, next = 0, dropped = 0;
        int rc;
        put_garbage(&h, &p);
        harness_open(&h, NULL);
        do {
            arena_reset(&h.arena);
            rc = source_read(&h.reader, &h.vec, &h.arena);
            REQUIRE(rc >= 0);
            alive += h.vec.sel_cnt;
            EXPECT_EQ_INT(h.vec.ord_lo, next);
            next += h.vec.rows;
            EXPECT(h.counters.offered - offered <= VEC_ROWS_MAX);
            EXPECT(h.counters.bytes - bytes <= VEC_BYTES_MAX || h.counters.offered - offered == 1);
            EXPECT_EQ_INT(rc, h.counters.offered > offered);
            expect_ahead(&h);
            offered = h.counters.offered;
            bytes = h.counters.bytes;
        } while (rc);
        for (int i = 0; i < RECORD_DROPS_CNT; i++)
            dropped += h.counters.dropped[i];
        EXPECT_EQ_INT(offered, alive + dropped);
        EXPECT_EQ_INT(bytes, h.len);
        harness_close(&h);
        zone_free(&z);
    }
}

/* The same rows, whatever the width of SIMD. */
TEST(source_reader, reads_the_same_at_every_width)
{
    struct prng p = prng_of(prng_seed(92));
    static char first[1 << 20], is[1 << 20];

    for (size_t round = 0; round < 10 * FORMATS_CNT; round++) {
        struct zone z = {0};
        struct harness h = open_format(&z, round % FORMATS_CNT);
        put_garbage(&h, &p);
        for (int level = SIMD_SCALAR; level <= SIMD_AVX512; level++) {
            if (simd_init((enum simd_level)level))
                continue;
            harness_open(&h, NULL);
            harness_read_all(&h, level ? is : first, sizeof is);
            if (level)
                EXPECT_EQ_STR(is, first);
        }
        harness_close(&h);
        zone_free(&z);
    }
    simd_init(SIMD_AUTO);
}

TEST(source_reader, an_empty_block_has_no_rows)
{
    for (size_t i = 0; i < FORMATS_CNT; i++) {
        struct zone z = {0};
        struct harness h = open_format(&z, i);
        harness_open(&h, NULL);
        EXPECT_EQ_INT(harness_read(&h), 0);
        EXPECT_EQ_INT(h.vec.sel_cnt, 0);
        harness_close(&h);
        zone_free(&z);
    }
}

TEST(source_reader, names_every_reason)
{
    for (int i = 0; i < RECORD_DROPS_CNT; i++)
        EXPECT(record_drop_name[i] && record_drop_name[i][0]);
}
