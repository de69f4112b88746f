// Marks of plain lines, at every SIMD level, against looking at each byte.

#include <stdlib.h>
#include <string.h>

#include "rdd/csv_marks.h"
#include "tests/prng.h"
#include "tests/rdd/expr_harness.h"
#include "tests/test.h"

struct found {
    uint16_t mark[CSV_MARKS_BYTES + CSV_MARKS_SLACK];
};

// The plain lines at p, one after the other. odd: the next line, ended or not, is seen not to be
// plain; where it begins is *at.
static uint32_t lines_plain(const uint8_t *p, uint32_t n, const struct csv_shape *s, uint16_t *mark,
                            uint32_t *at, bool *odd)
{
    uint32_t lines = 0, fields = 0;

    *at = 0;
    *odd = false;
    for (uint32_t i = 0; i < n; i++) {
        bool newline = p[i] == '\n';
        if (s->quoted && p[i] == '"')
            *odd = true;
        if (newline || p[i] == s->separator)
            mark[lines * s->fields + fields++] = (uint16_t)i;
        if ((newline && fields < s->fields) || (!newline && fields == s->fields))
            *odd = true;
        if (*odd)
            return lines;
        if (!newline)
            continue;
        lines++;
        fields = 0;
        *at = i + 1;
    }
    return lines;
}

static void check(const struct csv_marks *m, const uint8_t *p, uint32_t n,
                  const struct csv_shape *s, uint32_t lines_max)
{
    static uint16_t mark[CSV_MARKS_BYTES + CSV_MARKS_SLACK];
    uint32_t at, all;
    bool odd;

    all = lines_plain(p, n, s, mark, &at, &odd);
    EXPECT_EQ_INT(m->lines_cnt, all < lines_max ? all : lines_max);
    EXPECT_EQ_MEM(m->mark, mark, m->lines_cnt * s->fields * sizeof *mark);
    if (all < lines_max)
        EXPECT_EQ_INT(m->odd, odd);
    else
        EXPECT(!m->odd);
    uint32_t bytes = m->lines_cnt ? m->mark[m->lines_cnt * s->fields - 1] + 1u : 0;
    if (bytes && memchr(p, '\r', bytes))
        EXPECT(m->returns);
    if (!n || !memchr(p, '\r', n))
        EXPECT(!m->returns);
}

// Mostly lines of the shape, now and then one with a field more or less, a quote, a return.
static void text_make(struct prng *p, uint8_t *text, uint32_t n, const struct csv_shape *s,
                      uint32_t wild)
{
    uint64_t longest = prng_chance(p, 50) ? 3 : 40;
    uint32_t fields = 0;

    for (uint32_t i = 0; i < n; i++) {
        if (prng_chance(p, wild)) {
            static const char bytes[] = "\n;,\"\r\tab";
            text[i] = (uint8_t)bytes[prng_below(p, sizeof bytes - 1)];
        } else if (prng_below(p, longest)) {
            text[i] = 'x';
        } else {
            fields = (fields + 1) % s->fields;
            text[i] = fields ? s->separator : '\n';
        }
    }
}

TEST(csv_marks, every_byte)
{
    static const uint32_t wilds[] = {0, 0, 1, 3, 50};
    static const uint32_t fields[] = {1, 2, 2, 3, 4, 5, 7, 13, 31, 33, 63, 64};
    struct prng p = prng_of(prng_seed(62));
    struct found *f = malloc(sizeof *f);

    for (int round = 0; round < 1500; round++) {
        uint32_t n = (uint32_t)prng_below(&p, round % 20 ? 700 : CSV_MARKS_BYTES + 1);
        uint32_t lines_max = prng_chance(&p, 50) ? (uint32_t)prng_below(&p, 40) : CSV_MARKS_BYTES;
        struct csv_shape s = {(uint8_t) ";,\t"[round % 3], round % 2,
                              fields[prng_below(&p, sizeof fields / sizeof *fields)]};
        uint8_t *text = malloc(n ? n : 1); // exactly as long
        text_make(&p, text, n, &s, wilds[prng_below(&p, sizeof wilds / sizeof *wilds)]);
        for (simd_first(); simd_next();) {
            struct csv_marks m = {.mark = f->mark};
            memset(f, 0xff, sizeof *f); // nothing is left of another level
            csv_marks_find(&m, text, n, &s, lines_max);
            check(&m, text, n, &s, lines_max);
        }
        free(text);
    }
    free(f);
}
