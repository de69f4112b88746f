// Marks of text, at every SIMD level, against looking at each byte.

#include <stdlib.h>
#include <string.h>

#include "rdd/csv_marks.h"
#include "tests/prng.h"
#include "tests/rdd/expr_harness.h"
#include "tests/test.h"

struct found {
    uint16_t mark[CSV_MARKS_BYTES + CSV_MARKS_SLACK], line[CSV_MARKS_BYTES + CSV_MARKS_SLACK];
};

// All of the text up to the last mark found is as it should be, and enough was found.
static void check(const struct csv_marks *m, const uint8_t *p, uint32_t n, uint8_t separator,
                  bool quoted, uint32_t lines_max)
{
    uint32_t marks = 0, lines = 0;
    bool returns = false, quotes = false;

    for (uint32_t i = 0; i < n && marks < m->marks_cnt; i++) {
        bool quote = quoted && p[i] == '"';
        returns |= p[i] == '\r';
        quotes |= quote;
        if (p[i] == '\n')
            EXPECT_EQ_INT(m->line[lines++], i);
        if (p[i] == '\n' || p[i] == separator || quote)
            EXPECT_EQ_INT(m->mark[marks++], i);
    }
    EXPECT_EQ_INT(m->marks_cnt, marks);
    EXPECT_EQ_INT(m->lines_cnt, lines);
    EXPECT(!returns || m->returns);
    EXPECT(!quotes || m->quotes);
    EXPECT(quoted || !m->quotes);
    if (lines < lines_max) { // then it looked at everything
        uint32_t all = 0;
        for (uint32_t i = 0; i < n; i++)
            all += p[i] == '\n' || p[i] == separator || (quoted && p[i] == '"');
        EXPECT_EQ_INT(marks, all);
        EXPECT_EQ_INT(m->returns, n && memchr(p, '\r', n) != NULL);
    }
}

TEST(csv_marks, every_byte)
{
    static const char bytes[] = "\n;,\"\r\tab";
    struct prng p = prng_of(prng_seed(62));
    struct found *f = malloc(sizeof *f);

    for (int round = 0; round < 600; round++) {
        uint32_t n = (uint32_t)prng_below(&p, round % 20 ? 400 : CSV_MARKS_BYTES + 1);
        uint32_t lines_max =
            prng_chance(&p, 50) ? 1 + (uint32_t)prng_below(&p, 40) : CSV_MARKS_BYTES;
        uint32_t dense = (uint32_t)prng_below(&p, 101);
        uint8_t *text = malloc(n ? n : 1); // exactly as long
        for (uint32_t i = 0; i < n; i++)
            text[i] =
                (uint8_t)(prng_chance(&p, dense) ? bytes[prng_below(&p, sizeof bytes - 1)] : 'x');
        for (simd_first(); simd_next();) {
            struct csv_marks m = {.mark = f->mark, .line = f->line};
            uint8_t separator = (uint8_t) ";,\t"[round % 3];
            memset(f, 0xff, sizeof *f); // nothing is left of another level
            csv_marks_find(&m, text, n, separator, round % 2, lines_max);
            check(&m, text, n, separator, round % 2, lines_max);
        }
        free(text);
    }
    free(f);
}
