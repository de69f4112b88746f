// Columns of numbers: what parse_int and parse_float say of each field, at every SIMD level.

#include <stdio.h>
#include <string.h>

#include "rdd/parse.h"
#include "rdd/parse_col.h"
#include "rdd/vec.h"
#include "tests/prng.h"
#include "tests/rdd/expr_harness.h"
#include "tests/test.h"

struct fields {
    char *text; // exactly as long as the fields are
    uint32_t bytes, n;
    uint32_t off[VEC_ROWS_MAX], len[VEC_ROWS_MAX];
};

static void check_floats(const struct fields *f)
{
    double is[VEC_ROWS_MAX];
    uint8_t bad[VEC_ROWS_MAX] = {0};

    parse_floats(is, (const uint8_t *)f->text, f->off, f->len, f->n, bad);
    for (uint32_t i = 0; i < f->n; i++) {
        double expected = 0;
        int rc = parse_float(f->text + f->off[i], f->len[i], &expected);
        EXPECT_EQ_INT(bad[i], rc != 0);
        expected = rc ? 0 : expected;
        EXPECT_EQ_MEM(&is[i], &expected, sizeof expected);
    }
}

static void check_ints(const struct fields *f)
{
    int64_t is[VEC_ROWS_MAX];
    uint8_t bad[VEC_ROWS_MAX] = {0};

    parse_ints(is, (const uint8_t *)f->text, f->off, f->len, f->n, bad);
    for (uint32_t i = 0; i < f->n; i++) {
        int64_t expected = 0;
        int rc = parse_int(f->text + f->off[i], f->len[i], &expected);
        EXPECT_EQ_INT(bad[i], rc != 0);
        EXPECT_EQ_INT(is[i], rc ? 0 : expected);
    }
}

static void check(const struct fields *f)
{
    for (simd_first(); simd_next();) {
        check_floats(f);
        check_ints(f);
    }
}

static void add(struct fields *f, const char *s, uint32_t len, uint32_t gap)
{
    f->text = realloc(f->text, f->bytes + len + gap + 1);
    memcpy(f->text + f->bytes, s, len);
    memset(f->text + f->bytes + len, ',', gap);
    f->off[f->n] = f->bytes;
    f->len[f->n++] = len;
    f->bytes += len + gap;
    f->text = realloc(f->text, f->bytes ? f->bytes : 1);
}

// The odd ones, each among plain ones, at every place of eight.
TEST(parse_col, odd_fields)
{
    static const char *const odd[] = {
        "",         "-",         ".",        "-.",        "+1",
        "1.",       ".5",        "-.5",      "..",        "1..2",
        "1.2.3",    "--1",       "1-",       "-0",        "-0.0",
        "0",        "00000000",  "12345678", "-",         "1234567.",
        ".1234567", "-1234567",  "99999999", "123456789", "1e3",
        "1E3",      "12 ",       " 12",      "12\r",      "1/2",
        "1:2",      "12\xff",    "inf",      "9.9999999", "-9223372036854775808",
        "\"1\"",    "1,2",       "0x10",     "-.-",       "-1.5-",
        "1.5.",     ".........", "1.50",     ".150",      "15",
        "1:.2",     "1.:2",      "1..",      "/.5",       "-:.5",
    };
    static const char *const plain[] = {"-12.3", "1.23", "-.123", "123", "12."};

    for (size_t k = 0; k < sizeof odd / sizeof odd[0]; k++)
        for (uint32_t at = 0; at < 80; at++) { // the ones before say what is likely to come
            struct fields f = {0};
            for (uint32_t i = 0; i < 35; i++) {
                const char *s = i == 16 + at % 16 ? odd[k] : plain[at / 16];
                add(&f, s, (uint32_t)strlen(s), i % 2);
            }
            check(&f);
            free(f.text);
        }
}

// Points at one place for a while, then at another.
TEST(parse_col, one_form)
{
    struct prng p = prng_of(prng_seed(62));

    for (int round = 0; round < 100; round++) {
        struct fields f = {0};
        int places = 0;
        for (uint32_t n = (uint32_t)prng_below(&p, 400); f.n < n;) {
            char s[16];
            places = f.n % 50 ? places : (int)prng_below(&p, 5);
            int len = snprintf(s, sizeof s, "%.*f", places, (prng_f64(&p) - 0.5) * 200);
            add(&f, s, (uint32_t)len, 1);
        }
        check(&f);
        free(f.text);
    }
}

TEST(parse_col, what_the_single_ones_say)
{
    static const char plain[] = "0123456789", any[] = "01234567890123456789.-+e;\r \x8a";
    struct prng p = prng_of(prng_seed(61));

    for (int round = 0; round < 300; round++) {
        struct fields f = {0};
        uint32_t wild = round % 3 ? 5 : 60;
        for (uint32_t n = (uint32_t)prng_below(&p, 200); f.n < n;) {
            char s[24];
            uint32_t len = (uint32_t)prng_below(&p, prng_chance(&p, 90) ? 9 : 24);
            for (uint32_t i = 0; i < len; i++)
                s[i] = prng_chance(&p, wild) ? any[prng_below(&p, sizeof any - 1)]
                                             : plain[prng_below(&p, sizeof plain - 1)];
            if (len && prng_chance(&p, 30))
                s[0] = '-';
            if (len > 2 && prng_chance(&p, 50))
                s[1 + prng_below(&p, len - 1)] = '.';
            add(&f, s, len, (uint32_t)prng_below(&p, 3));
        }
        check(&f);
        free(f.text);
    }
}
