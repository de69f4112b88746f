// Lines that hold a needle: the reader that skips the others held to the one that cuts all.

#include "rdd/find.h"
#include "tests/rdd/format_harness.h"

#define LINES_MAX 400000u

struct line {
    uint32_t off, len;
    uint64_t place;
};

struct lines {
    uint32_t cnt, vectors, held;
    struct line *line;
    struct source_counters counters;
};

static bool holds(const struct needle_set *set, const uint8_t *s, uint32_t len)
{
    for (uint32_t i = 0; i < set->cnt; i++)
        if (memmem(s, len, set->needle[i].s, set->needle[i].n))
            return true;
    return false;
}

// Reads the block and keeps the lines that hold a needle.
static struct lines read_lines(struct harness *h, const struct needle_set *set, bool find)
{
    struct lines l = {.line = malloc(LINES_MAX * sizeof *l.line)};
    int n;

    harness_open(h, NULL);
    h->reader.needles = find ? set : NULL;
    do {
        arena_reset(&h->arena);
        n = source_read(&h->reader, &h->vec, &h->arena);
        l.vectors += n > 0;
        l.held += n > 0 && h->reader.held;
        for (uint32_t i = 0; n > 0 && i < h->vec.sel_cnt; i++) {
            uint32_t off = h->col[0].s.off[i], len = h->col[0].s.len[i];
            if (holds(set, h->bytes + off, len))
                l.line[l.cnt++] = (struct line){off, len, vec_place(&h->vec, i)};
            else
                EXPECT(!h->reader.held);
        }
        EXPECT(h->vec.sel_cnt <= VEC_ROWS_MAX);
    } while (n > 0);
    EXPECT_EQ_INT(n, 0);
    l.counters = h->counters;
    return l;
}

static void check_block(struct harness *h, const struct needle_set *set, uint32_t *held,
                        uint32_t *vectors)
{
    struct lines all = read_lines(h, set, false);

    for (int level = SIMD_SCALAR; level <= SIMD_AVX512; level++) {
        if (simd_init((enum simd_level)level))
            continue;
        struct lines some = read_lines(h, set, true);
        EXPECT_EQ_INT(some.cnt, all.cnt);
        for (uint32_t i = 0; i < all.cnt && i < some.cnt; i++) {
            EXPECT_EQ_INT(some.line[i].off, all.line[i].off);
            EXPECT_EQ_INT(some.line[i].len, all.line[i].len);
            EXPECT_EQ_INT(some.line[i].place, all.line[i].place);
        }
        EXPECT_EQ_MEM(&some.counters, &all.counters, sizeof all.counters);
        *held += some.held;
        *vectors += some.vectors;
        free(some.line);
    }
    simd_init(SIMD_AUTO);
    free(all.line);
}

static struct harness text_harness(void)
{
    struct harness h = {0};

    h.spec.type = &type_string;
    h.spec.format.kind = FORMAT_TEXT;
    return h;
}

// How a random block is made.
struct kind {
    uint32_t datagrams, datagram_bytes; /* at most */
    uint32_t line_bytes;                /* about */
    const char *letters;
    const char *needle[3];
};

static const struct kind kinds[] = {
    {40, 300, 20, "abcd", {"abc"}},
    {40, 300, 20, "abcd ", {"ab", "dd "}},
    {40, 300, 3, "ab", {"aab"}},
    {60, 60, 30, "ab\r", {"b\r"}},
    {60, 60, 10, "ab\r", {"\r", "bbb"}},
    {300, 12, 5, "abc", {"cc", "ab", "ba"}},
    {3, 60000, 80, "abcdefghijklmnopqrstuvwxyz ", {"the"}},
    {3, 60000, 40, "abcdefgh", {"abc", "hhh"}},
    {2, 200000, 20, "abcd", {"abca"}},
    {3, 120000, 9000, "abcdefgh", {"abcdefg", "hgfed"}},
    {3, 250000, 50000, "abcdefgh", {"abcde"}},
    {90, 1400, 100, "abcdefghijklmnopqrst ", {"tab"}},
    {90, 1400, 16, "abcdefghijklmnopqrst ", {"tab", "bat"}},
    {4, 60000, 20, "ab", {"a"}},
    {6, 150000, 9, "abc", {"ac", "b"}},
    {400, 100, 100000, "abcdefghijklmnopqrst ", {"ab"}},
};

// One datagram; most end with their last line. Some lie apart from the one before.
static void put_datagram(struct harness *h, struct prng *p, const struct kind *k, uint32_t clean)
{
    uint32_t len = (uint32_t)prng_below(p, k->datagram_bytes + 1);
    uint8_t *b = malloc(len + 1);

    for (uint32_t i = 0; i < len; i++)
        b[i] = prng_below(p, k->line_bytes) ? (uint8_t)k->letters[prng_below(p, strlen(k->letters))]
                                            : (uint8_t) "\n\n\r\0"[prng_below(p, 4)];
    if (len && prng_below(p, 100) < clean)
        b[len - 1] = '\n';
    if (prng_chance(p, 5)) {
        harness_put(h, b, len < 70 ? len : 70);
        h->runs_cnt--;
    }
    harness_put(h, b, len);
    free(b);
}

TEST(format_text_find, finds_what_the_other_reader_finds)
{
    struct prng p = prng_of(prng_seed(21));
    uint32_t held = 0, vectors = 0;

    for (uint32_t round = 0; round < 420; round++) {
        const struct kind *k = &kinds[round % (sizeof kinds / sizeof kinds[0])];
        struct harness h = text_harness();
        struct needle_set set = {0};
        uint32_t clean = (uint32_t[]){100, 98, 40, 0}[prng_below(&p, 4)];
        for (uint32_t i = 0; i < 3 && k->needle[i]; i++)
            needle_set_add(&set, (const uint8_t *)k->needle[i], (uint32_t)strlen(k->needle[i]));
        for (uint32_t i = 1 + (uint32_t)prng_below(&p, k->datagrams); i; i--)
            put_datagram(&h, &p, k, clean);
        check_block(&h, &set, &held, &vectors);
        harness_close(&h);
    }
    EXPECT(held > 0 && held < vectors); // both readers had their turn
}

static void expect_lines(const char *const *datagram, uint32_t cnt, const char *needle,
                         const char *expected)
{
    struct harness h = text_harness();
    struct needle_set set = {0};
    char out[256] = "";
    size_t at = 0;

    needle_set_add(&set, (const uint8_t *)needle, (uint32_t)strlen(needle));
    for (uint32_t i = 0; i < cnt && datagram[i]; i++)
        harness_puts(&h, datagram[i]);
    struct lines l = read_lines(&h, &set, true);
    for (uint32_t i = 0; i < l.cnt; i++)
        at += (size_t)snprintf(out + at, sizeof out - at, "%u:%.*s|",
                               (unsigned)(l.line[i].place >> PLACE_ROW_BITS), (int)l.line[i].len,
                               (const char *)h.bytes + l.line[i].off);
    EXPECT_EQ_STR(out, expected);
    free(l.line);
    harness_close(&h);
}

TEST(format_text_find, by_hand)
{
    static const struct {
        const char *datagram[3], *needle, *lines;
    } rows[] = {
        {{"the\n"}, "the", "0:the|"},
        {{"a\nthe cat\nb\nother"}, "the", "1:the cat|3:other|"},
        {{"the the the\nthe\n"}, "the", "0:the the the|1:the|"},
        {{"\n\nthe\n\n"}, "the", "2:the|"},
        {{"th", "e\n"}, "the", ""},
        {{"th\n", "e\n", "the"}, "the", "2:the|"},
        {{"a", "b the", "c"}, "the", "1:b the|"},
        {{"th\ne\n"}, "the", ""},
        {{"the\r\nthe\r"}, "the", "0:the|1:the\r|"},
        {{"the\r\nthe\r"}, "e\r", "1:the\r|"},
        {{"", "the", ""}, "the", "0:the|"},
        {{"\n", "", "\nthe\n"}, "the", "2:the|"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect_lines(rows[i].datagram, 3, rows[i].needle, rows[i].lines);
}

// A vector of lines that are only counted is long, but has its bounds.
TEST(format_text_find, vectors_are_bounded)
{
    struct harness h = text_harness();
    struct needle_set set = {0};
    uint32_t vectors = 0;
    uint64_t bytes = 0;
    char *text = malloc(1u << 20);

    for (uint32_t i = 0; i < 1u << 20; i++)
        text[i] = i % 16 == 15 ? '\n' : 'x';
    harness_put(&h, text, 1u << 20);
    for (uint32_t i = 0; i < 1u << 16; i++) // datagrams of a line of one byte
        harness_put(&h, "y", 1);
    needle_set_add(&set, (const uint8_t *)"the", 3);
    harness_open(&h, NULL);
    h.reader.needles = &set;
    for (;; vectors++) {
        arena_reset(&h.arena);
        if (source_read(&h.reader, &h.vec, &h.arena) <= 0)
            break;
        EXPECT_EQ_INT(h.vec.sel_cnt, 0);
        EXPECT(h.counters.bytes - bytes <= 9 * VEC_BYTES_MAX);
        bytes = h.counters.bytes;
    }
    EXPECT(vectors >= 4 + (1u << 16) / 4200);
    EXPECT_EQ_INT(h.counters.offered, (1u << 16) + (1u << 16));
    free(text);
    harness_close(&h);
}

TEST(format_text_find, says_when_the_arena_is_too_small)
{
    struct harness h = text_harness();
    struct needle_set set = {0};

    needle_set_add(&set, (const uint8_t *)"the", 3);
    harness_puts(&h, "a\nb\n");
    for (uint32_t bytes = 64; bytes < 8192; bytes *= 2) {
        harness_open(&h, NULL);
        h.reader.needles = &set;
        h.arena.bytes = bytes;
        EXPECT(harness_read(&h) < 0);
    }
    harness_close(&h);
}
