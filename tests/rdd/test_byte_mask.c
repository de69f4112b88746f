// Masks of bytes and positions of bits, each SIMD form held to a loop over bytes. Every input lies
// in memory of exactly its size, so that a read beyond it is seen by AddressSanitizer.

#include "rdd/byte_mask.h"
#include "tests/rdd/expr_harness.h"

#include <stdlib.h>
#include <string.h>

static uint8_t *random_bytes(struct prng *p, uint32_t n, const char *letters)
{
    uint8_t *s = malloc(n ? n : 1);

    for (uint32_t i = 0; i < n; i++)
        s[i] = letters ? (uint8_t)letters[prng_below(p, strlen(letters))] : (uint8_t)prng_u64(p);
    return s;
}

static bool is_text(uint8_t c)
{
    return c != ' ' && (c < 9 || c > 13);
}

static void check_spans(const uint8_t *s, uint32_t n)
{
    uint64_t text[17] = {0};
    uint32_t off[1024 + BIT_POSITIONS_SLACK], len[1024 + BIT_POSITIONS_SLACK], cnt = 0;

    byte_mask_text(s, n, text);
    uint32_t found_cnt = bit_spans(text, byte_mask_words(n) + 1, 500, off, len);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t from = i;
        while (i < n && is_text(s[i]))
            i++;
        if (i == from || cnt == found_cnt)
            continue;
        EXPECT_EQ_INT(off[cnt], 500 + from);
        EXPECT_EQ_INT(len[cnt++], i - from);
    }
    EXPECT_EQ_INT(cnt, found_cnt);
}

static void check_masks(const uint8_t *s, uint32_t n, uint8_t c)
{
    uint64_t text[16] = {0}, equal[16] = {0};
    uint32_t pos[1024 + BIT_POSITIONS_SLACK], cnt = 0;

    byte_mask_text(s, n, text);
    byte_mask_equal(s, n, c, equal);
    for (uint32_t i = 0; i < byte_mask_words(n) * 64; i++) {
        EXPECT_EQ_INT(text[i / 64] >> i % 64 & 1, i < n && is_text(s[i]));
        EXPECT_EQ_INT(equal[i / 64] >> i % 64 & 1, i < n && s[i] == c);
    }
    uint32_t found_cnt = bit_positions(text, byte_mask_words(n), 1000, pos);
    for (uint32_t i = 0; i < n; i++)
        if (is_text(s[i]) && cnt < found_cnt)
            EXPECT_EQ_INT(pos[cnt++], 1000 + i);
    EXPECT_EQ_INT(cnt, found_cnt);
}

TEST(byte_mask, masks_and_positions)
{
    struct prng p = prng_of(prng_seed(7));

    for (int i = 0; i < 300; i++) {
        uint32_t n = (uint32_t)prng_below(&p, 1024);
        const char *letters[] = {NULL, "a \n", "ab\t\v\f\r\x08\x0e", "word word word "};
        uint8_t *s = random_bytes(&p, n, letters[i % 4]);
        for (simd_first(); simd_next();) {
            check_masks(s, n, 'a');
            check_spans(s, n);
        }
        free(s);
    }
}

TEST(byte_mask, every_byte_is_classed)
{
    uint8_t s[256];

    for (int i = 0; i < 256; i++)
        s[i] = (uint8_t)i;
    for (simd_first(); simd_next();)
        for (int c = 0; c < 256; c++)
            check_masks(s, 256, (uint8_t)c);
}

#define LONG_WORDS 1100u // more bits than a number of 16 bits counts

// Runs of few bits and of thousands, in a mask that takes many steps.
TEST(byte_mask, spans_of_a_long_mask)
{
    static uint64_t mask[LONG_WORDS];
    static uint32_t off[LONG_WORDS * 32 + BIT_POSITIONS_SLACK];
    static uint32_t len[LONG_WORDS * 32 + BIT_POSITIONS_SLACK];
    static uint32_t from[LONG_WORDS * 32], to[LONG_WORDS * 32];
    struct prng p = prng_of(prng_seed(8));

    for (uint32_t i = 0; i < 60; i++) {
        uint32_t longest = (uint32_t[]){1, 3, 20, 700, 9000, 80000}[i % 6];
        uint32_t bits = (LONG_WORDS - 1) * 64, cnt = 0;
        memset(mask, 0, sizeof mask);
        for (uint32_t at = (uint32_t)prng_below(&p, 70); at < bits; cnt++) {
            uint32_t end = at + 1 + (uint32_t)prng_below(&p, longest);
            from[cnt] = at;
            to[cnt] = end < bits ? end : bits;
            for (uint32_t k = at; k < to[cnt]; k++)
                mask[k / 64] |= 1ull << k % 64;
            at = end + 1 + (uint32_t)prng_below(&p, i % 4 ? 3 : longest);
        }
        for (simd_first(); simd_next();) {
            EXPECT_EQ_INT(bit_spans(mask, LONG_WORDS, 7, off, len), cnt);
            for (uint32_t k = 0; k < cnt; k++) {
                EXPECT_EQ_INT(off[k], 7 + from[k]);
                EXPECT_EQ_INT(len[k], to[k] - from[k]);
            }
        }
    }
}
