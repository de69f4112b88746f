#include <stdlib.h>
#include <string.h>

#include "rdd/format_walk.h"
#include "tests/prng.h"
#include "tests/rdd/format_harness.h"
#include "tests/test.h"

static const struct format text = {.kind = FORMAT_TEXT};
static const struct format_field two_strings[] = {{.name = "a", .type = TYPE_STRING},
                                                  {.name = "b", .type = TYPE_STRING}};
static const struct format csv = {
    .kind = FORMAT_CSV, .separator = ',', .quotes = true, .fields_cnt = 2, .field = two_strings};
static const struct format_field one_int[] = {
    {.name = "n", .type = TYPE_INT, .binary = BINARY_INT, .width = 3}};
static const struct format binary = {
    .kind = FORMAT_BINARY, .record_bytes = 3, .fields_cnt = 1, .field = one_int};
static const struct format frames = {.kind = FORMAT_FRAMES, .length_bytes = 2};

TEST(format_walk, counts_whole_records)
{
    static const struct {
        const struct format *f;
        const char *bytes;
        uint32_t len;
        bool last;
        uint32_t max, cnt, used;
    } table[] = {
        {&text, "", 0, true, 9, 0, 0},
        {&text, "a\nb\nc", 5, false, 9, 2, 4},
        {&text, "a\nb\nc", 5, true, 9, 3, 5},
        {&text, "a\nb\nc", 5, true, 2, 2, 4},
        {&text, "a\nb\nc", 5, false, 1, 1, 2},
        {&text, "\n\n\n", 3, true, 9, 3, 3},
        {&text, "\n\n\n", 3, false, 2, 2, 2},
        {&text, "abc", 3, false, 9, 0, 0},
        {&csv, "a,b\n\"x\ny\",z\nc", 13, false, 9, 2, 12},
        {&csv, "a,b\n\"x\ny\",z\nc", 13, true, 9, 3, 13},
        {&csv, "a,b\n\"x\ny\",z\nc", 13, true, 1, 1, 4},
        {&csv, "\"x\ny", 4, false, 9, 0, 0},
        {&csv, "\"x\ny", 4, true, 9, 2, 4}, // a quote that is never closed costs one record
        {&binary, "123456789", 9, false, 9, 3, 9},
        {&binary, "12345678", 8, false, 9, 2, 6},
        {&binary, "12345678", 8, true, 9, 3, 8},
        {&binary, "12345678", 8, true, 2, 2, 6},
        {&frames, "\0\1a\0\0\0\2bc", 9, false, 9, 3, 9},
        {&frames, "\0\1a\0\0\0\2bc", 9, false, 2, 2, 5},
        {&frames, "\0\1a\0\0\0\2b", 8, false, 9, 2, 5},
        {&frames, "\0\1a\0\0\0\2b", 8, true, 9, 3, 8},
        {&frames, "\0", 1, true, 9, 1, 1},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        uint32_t used = 77;
        EXPECT_EQ_INT(format_walk(table[i].f, (const uint8_t *)table[i].bytes, table[i].len,
                                  table[i].last, table[i].max, &used),
                      table[i].cnt);
        EXPECT_EQ_INT(used, table[i].used);
    }
}

// Bytes in which separators, quotes and short lengths are frequent.
static uint8_t *soup(const struct format *f, uint32_t len, struct prng *p)
{
    static const uint8_t alphabet[] = "ab,\"\n\r\n,a";
    uint8_t *bytes = malloc(len);

    for (uint32_t i = 0; i < len; i++) {
        if (f->kind == FORMAT_FRAMES)
            bytes[i] = (uint8_t)(prng_chance(p, 70) ? 0 : prng_below(p, 9));
        else
            bytes[i] = alphabet[prng_below(p, prng_chance(p, 99) ? 9 : 2)];
    }
    return bytes;
}

// Reads one run as a task does; returns how many records it offered.
static uint64_t offered(const struct format *f, const uint8_t *bytes, uint32_t len)
{
    struct harness h = {.spec = {.name = "s", .kind = SOURCE_RECORDS, .format = *f}};
    struct zone z = {0};

    if (f->fields_cnt)
        harness_schema(&h, &z);
    else
        h.spec.type = &type_string;
    harness_put(&h, bytes, len);
    harness_open(&h, NULL);
    h.vec.cols_cnt = f->fields_cnt ? f->fields_cnt : 1;
    while (harness_read(&h) > 0)
        ;
    uint64_t cnt = h.counters.offered;
    harness_close(&h);
    zone_free(&z);
    return cnt;
}

// Walks as a file is read: in steps, with a limit on the records of each. What it uses at a time
// is one run.
static void walk_and_read(const struct format *f, const uint8_t *bytes, uint32_t len,
                          struct prng *p)
{
    uint32_t at = 0, avail = 0, whole_used, used;
    uint64_t cnt = 0;

    while (at < len) {
        bool last = avail == len;
        uint32_t max = 1 + (uint32_t)prng_below(p, 40);
        uint32_t n = format_walk(f, bytes + at, avail - at, last, max, &used);
        EXPECT(n <= max);
        EXPECT((n == 0) == (used == 0));
        if (n) {
            EXPECT_EQ_INT(offered(f, bytes + at, used), n);
            at += used;
            cnt += n;
        } else {
            REQUIRE(!last);
            avail += 1 + (uint32_t)prng_below(p, 3000);
            avail = avail < len ? avail : len;
        }
    }
    // in one go there are as many
    EXPECT_EQ_INT(format_walk(f, bytes, len, true, UINT32_MAX, &whole_used), cnt);
    EXPECT_EQ_INT(whole_used, len);
}

TEST(format_walk, agrees_with_the_readers)
{
    static const struct format *const kind[] = {&text, &csv, &binary, &frames};
    struct prng p = prng_of(prng_seed(21));

    for (size_t k = 0; k < sizeof kind / sizeof kind[0]; k++) {
        for (int round = 0; round < 6; round++) {
            uint32_t len = 1 + (uint32_t)prng_below(&p, 20000);
            uint8_t *bytes = soup(kind[k], len, &p);
            walk_and_read(kind[k], bytes, len, &p);
            free(bytes);
        }
    }
}

// A quote that is not closed within reach costs one record, however much has been read.
TEST(format_walk, a_quote_that_is_not_closed)
{
    uint32_t len = 3 * FORMAT_WALK_BYTES, used;
    uint8_t *bytes = malloc(len);

    memset(bytes, 'x', len);
    for (uint32_t i = 99; i < len; i += 100)
        bytes[i] = '\n';
    bytes[0] = '"';
    EXPECT_EQ_INT(format_walk(&csv, bytes, FORMAT_WALK_BYTES - 1, false, 1, &used), 0);
    EXPECT_EQ_INT(format_walk(&csv, bytes, FORMAT_WALK_BYTES, false, 1, &used), 1);
    EXPECT_EQ_INT(used, 100);
    bytes[len - 50] = '"';
    EXPECT_EQ_INT(format_walk(&csv, bytes, len, true, 1, &used), 1);
    EXPECT_EQ_INT(used, 100);
    free(bytes);
}

TEST(format_walk, the_rest_of_a_record_too_long)
{
    static const struct format wide = {.kind = FORMAT_FRAMES, .length_bytes = 4};

    EXPECT(format_rest(&text, (const uint8_t *)"x", 1) == FORMAT_REST_LINE);
    EXPECT(format_rest(&csv, (const uint8_t *)"x", 1) == FORMAT_REST_LINE);
    EXPECT_EQ_INT(format_rest(&wide, (const uint8_t *)"\0\2\0\1", 131072), 0x20001 + 4 - 131072);
}
