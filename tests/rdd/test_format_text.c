#include "tests/rdd/format_harness.h"

static struct harness text_harness(void)
{
    struct harness h = {0};

    h.spec.type = &type_string;
    h.spec.format.kind = FORMAT_TEXT;
    return h;
}

/* Every line, in brackets, through as many vectors as it takes. */
static void read_all(struct harness *h, char *out, size_t bytes)
{
    size_t at = 0;
    int n;

    while ((n = harness_read(h)) > 0)
        for (int i = 0; i < n; i++)
            at += (size_t)snprintf(out + at, bytes - at, "[%.*s]", (int)h->col[0].s.len[i],
                                   (const char *)h->col[0].s.base + h->col[0].s.off[i]);
    out[at] = '\0';
    EXPECT_EQ_INT(n, 0);
}

TEST(format_text, cuts_lines)
{
    static const struct {
        const char *datagram[3];
        const char *lines;
    } rows[] = {
        {{"a\nb\n"}, "[a][b]"},
        {{"a\nb"}, "[a][b]"},
        {{"a\r\nb\r\n"}, "[a][b]"},
        {{"a\rb\n"}, "[a\rb]"},
        {{"a\r\r\n"}, "[a\r]"},
        {{"a\r"}, "[a\r]"},
        {{"\n"}, "[]"},
        {{"\n\n"}, "[][]"},
        {{"\r\n"}, "[]"},
        {{"\n\na\n\n"}, "[][][a][]"},
        {{""}, ""},
        {{"", "a", ""}, "[a]"},
        {{"a", "b\n", "c"}, "[a][b][c]"},
        {{"a\n", "\n", "\r\n"}, "[a][][]"},
        {{"a\r", "\nb"}, "[a\r][][b]"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct harness h = text_harness();
        char out[256] = "";
        for (int d = 0; d < 3 && rows[i].datagram[d]; d++)
            harness_puts(&h, rows[i].datagram[d]);
        harness_open(&h, NULL);
        read_all(&h, out, sizeof out);
        EXPECT_EQ_STR(out, rows[i].lines);
        harness_close(&h);
    }
}

struct line {
    uint32_t off, len;
};

/* The plain way: byte by byte. */
static uint32_t naive_lines(const struct harness *h, struct line *line, uint32_t *too_long)
{
    uint32_t cnt = 0;

    *too_long = 0;
    for (uint32_t r = 0; r < h->runs_cnt; r++) {
        uint32_t from = h->run[r].off, end = from + h->run[r].len;
        for (uint32_t i = from; i <= end; i++) {
            if (i < end && h->bytes[i] != '\n')
                continue;
            if (i == end && from == end)
                break;
            uint32_t len = i - from;
            if (i < end && len && h->bytes[i - 1] == '\r')
                len--;
            if (len > RECORD_BYTES_MAX)
                ++*too_long;
            else
                line[cnt++] = (struct line){from, len};
            from = i + 1;
        }
    }
    return cnt;
}

static void put_random(struct harness *h, struct prng *p)
{
    uint32_t datagrams = 1 + (uint32_t)prng_below(p, 40);
    uint32_t line_max = 1u << prng_below(p, 12);

    for (uint32_t d = 0; d < datagrams; d++) {
        uint32_t len = (uint32_t)prng_below(p, prng_chance(p, 10) ? 9000 : 200);
        if (prng_chance(p, 1))
            len = 20000 + (uint32_t)prng_below(p, 150000);
        uint8_t *b = malloc(len + 1);
        for (uint32_t i = 0; i < len; i++)
            b[i] = prng_below(p, line_max) ? (uint8_t)prng_u64(p)
                                           : (uint8_t) "\n\n\r"[prng_below(p, 3)];
        harness_put(h, b, len);
        free(b);
    }
}

TEST(format_text, finds_what_the_plain_way_finds)
{
    struct prng p = prng_of(prng_seed(11));

    for (int round = 0; round < 400; round++) {
        struct harness h = text_harness();
        if (simd_init((enum simd_level)(round % 3)))
            simd_init(SIMD_SCALAR);
        put_random(&h, &p);
        struct line *line = malloc((h.len + h.runs_cnt) * sizeof *line);
        uint32_t too_long, cnt = naive_lines(&h, line, &too_long), at = 0;
        int n;
        harness_open(&h, NULL);
        while ((n = harness_read(&h)) > 0) {
            uint32_t bytes = 0;
            EXPECT(n <= (int)VEC_ROWS_MAX && h.vec.rows == (uint32_t)n && !h.vec.sel);
            EXPECT_EQ_INT(h.vec.ord_hi, 7);
            EXPECT_EQ_INT(h.vec.ord_lo, at);
            for (int i = 0; i < n && at < cnt; i++, at++) {
                EXPECT_EQ_INT(h.col[0].s.off[i], line[at].off);
                EXPECT_EQ_INT(h.col[0].s.len[i], line[at].len);
                bytes += line[at].len;
            }
            EXPECT(bytes <= VEC_BYTES_MAX || n == 1);
        }
        EXPECT_EQ_INT(at, cnt);
        EXPECT_EQ_INT(h.counters.offered, cnt + too_long);
        EXPECT_EQ_INT(h.counters.dropped[RECORD_TOO_LONG], too_long);
        EXPECT_EQ_INT(h.counters.bytes, h.len);
        free(line);
        harness_close(&h);
    }
}

/* A program that only counts lines gets the same number without a column. */
TEST(format_text, counts_without_reading)
{
    struct prng p = prng_of(prng_seed(12));

    for (int round = 0; round < 50; round++) {
        struct harness h = text_harness();
        put_random(&h, &p);
        int n;
        int64_t all = 0, unread = 0;
        harness_open(&h, NULL);
        while ((n = harness_read(&h)) > 0)
            all += n;
        harness_open(&h, &(bool){false});
        while ((n = harness_read(&h)) > 0) {
            EXPECT(h.col[0].kind == TYPE_STRING && !h.col[0].s.off);
            unread += n;
        }
        EXPECT_EQ_INT(unread, all);
        harness_close(&h);
    }
}

static void note_shown(void *ctx, enum record_drop why, const uint8_t *bytes, uint32_t len)
{
    int64_t *sum = ctx;

    *sum += (int64_t)why * 1000000 + bytes[0] + len;
}

TEST(format_text, drops_what_is_too_long)
{
    struct harness h = text_harness();
    uint8_t *b = malloc(RECORD_BYTES_MAX + 4);
    int64_t shown = 0;

    memset(b, 'x', RECORD_BYTES_MAX + 4);
    b[RECORD_BYTES_MAX] = '\n'; /* just fits */
    harness_put(&h, b, RECORD_BYTES_MAX + 4);
    b[RECORD_BYTES_MAX] = 'x';
    b[RECORD_BYTES_MAX + 1] = '\n'; /* one too many */
    harness_put(&h, b, RECORD_BYTES_MAX + 4);
    harness_open(&h, NULL);
    h.reader.shown = note_shown;
    h.reader.shown_ctx = &shown;
    EXPECT_EQ_INT(harness_read(&h), 1);
    EXPECT_EQ_INT(h.col[0].s.len[0], RECORD_BYTES_MAX);
    EXPECT_EQ_INT(harness_read(&h), 1);
    EXPECT_EQ_INT(h.col[0].s.len[0], 3);
    EXPECT_EQ_INT(harness_read(&h), 1);
    EXPECT_EQ_INT(h.col[0].s.len[0], 2);
    EXPECT_EQ_INT(harness_read(&h), 0);
    EXPECT_EQ_INT(h.counters.offered, 4);
    EXPECT_EQ_INT(h.counters.dropped[RECORD_TOO_LONG], 1);
    EXPECT_EQ_INT(shown, RECORD_TOO_LONG * 1000000 + 'x' + RECORD_BYTES_MAX + 1);
    free(b);
    harness_close(&h);
}

TEST(format_text, says_when_the_arena_is_too_small)
{
    struct harness h = text_harness();

    harness_puts(&h, "a\nb\n");
    harness_open(&h, NULL);
    h.arena.bytes = 64;
    EXPECT(harness_read(&h) < 0);
    harness_close(&h);
}
