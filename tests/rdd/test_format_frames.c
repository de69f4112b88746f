#include "tests/rdd/format_harness.h"

static struct harness frames_harness(uint32_t length_bytes)
{
    struct harness h = {0};

    h.spec.type = &type_string;
    h.spec.format = (struct format){.kind = FORMAT_FRAMES, .length_bytes = length_bytes};
    return h;
}

TEST(format_frames, cuts_frames)
{
    static const struct {
        uint32_t length_bytes, len;
        const char *bytes, *rows;
        uint32_t cut;
    } rows[] = {
        {1, 6, "\1a\3bcd", "'a';'bcd';", 0},
        {1, 1, "\0", "'';", 0},
        {2, 7, "\0\1a\0\2bc", "'a';'bc';", 0},
        {4, 9, "\0\0\0\1a\0\0\0\0", "'a';'';", 0},
        {1, 5, "\1a\3bc", "'a';", 1},
        {2, 4, "\0\1a\0", "'a';", 1},
        {4, 8,
         "\xff\xff\xff\xff"
         "aaaa",
         "", 1},
        {4, 0, "", "", 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct harness h = frames_harness(rows[i].length_bytes);
        char out[256];
        harness_put(&h, rows[i].bytes, rows[i].len);
        harness_open(&h, NULL);
        harness_read_all(&h, out, sizeof out);
        EXPECT_EQ_STR(out, rows[i].rows);
        EXPECT_EQ_INT(h.counters.dropped[RECORD_CUT], rows[i].cut);
        EXPECT_EQ_INT(h.counters.bytes, h.len);
        harness_close(&h);
    }
}

/* Frames of random sizes, damage at the end of some runs: each frame comes back, in order. */
TEST(format_frames, gives_back_what_was_framed)
{
    struct prng p = prng_of(prng_seed(81));

    for (int round = 0; round < 60; round++) {
        struct harness h = frames_harness(1u << prng_below(&p, 3));
        uint32_t w = h.spec.format.length_bytes, frames = 0, cuts = 0;
        uint32_t runs = 1 + (uint32_t)prng_below(&p, 20);
        struct run *frame = malloc(4000 * sizeof *frame);
        uint8_t *b = malloc(400000);
        for (uint32_t d = 0; d < runs; d++) {
            uint32_t n = 0, cnt = (uint32_t)prng_below(&p, 200);
            for (uint32_t k = 0; k < cnt; k++) {
                uint32_t max = w == 1 ? 256 : prng_chance(&p, 1) ? 40000 : 300;
                uint32_t len = (uint32_t)prng_below(&p, max);
                if (n + w + len > 300000)
                    break;
                for (uint32_t i = 0; i < w; i++)
                    b[n + i] = (uint8_t)(len >> 8 * (w - 1 - i));
                prng_fill(&p, b + n + w, len);
                frame[frames++] = (struct run){h.len + n + w, len};
                n += w + len;
            }
            if (prng_chance(&p, 30)) {
                b[n++] = 0xff;
                cuts++;
            }
            harness_put(&h, b, n);
        }
        uint32_t at = 0;
        int n;
        harness_open(&h, NULL);
        while ((n = harness_read(&h)) > 0) {
            EXPECT_EQ_INT(h.vec.ord_lo, at);
            for (int i = 0; i < n; i++, at++) {
                EXPECT_EQ_INT(h.col[0].s.off[i], frame[at].off);
                EXPECT_EQ_INT(h.col[0].s.len[i], frame[at].len);
            }
        }
        EXPECT_EQ_INT(at, frames);
        EXPECT_EQ_INT(h.counters.dropped[RECORD_CUT], cuts);
        free(frame);
        free(b);
        harness_close(&h);
    }
}

TEST(format_frames, drops_what_is_too_long)
{
    struct harness h = frames_harness(4);
    uint8_t *b = calloc(1, RECORD_BYTES_MAX + 10);

    b[1] = 1; /* 65537 */
    b[3] = 1;
    b[4 + RECORD_BYTES_MAX + 1 + 3] = 1; /* and one of a byte */
    harness_put(&h, b, RECORD_BYTES_MAX + 10);
    harness_open(&h, NULL);
    EXPECT_EQ_INT(harness_read(&h), 1);
    EXPECT_EQ_INT(h.col[0].s.len[0], 1);
    EXPECT_EQ_INT(harness_read(&h), 0);
    EXPECT_EQ_INT(h.counters.dropped[RECORD_TOO_LONG], 1);
    EXPECT_EQ_INT(h.counters.offered, 2);
    free(b);
    harness_close(&h);
}
