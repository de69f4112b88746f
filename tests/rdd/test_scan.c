// The SIMD forms of searching and of cutting text, each held to a loop over bytes. Every input lies
// in memory of exactly its size, so that a read beyond it is seen by AddressSanitizer.

#include "base/simd.h"
#include "rdd/byte_mask.h"
#include "rdd/find.h"
#include "tests/rdd/expr_harness.h"

#include <errno.h>
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

TEST(scan, masks_and_positions)
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

TEST(scan, every_byte_is_classed)
{
    uint8_t s[256];

    for (int i = 0; i < 256; i++)
        s[i] = (uint8_t)i;
    for (simd_first(); simd_next();)
        for (int c = 0; c < 256; c++)
            check_masks(s, 256, (uint8_t)c);
}

static const uint8_t *find_naive(const uint8_t *s, uint32_t n, const uint8_t *x, uint32_t x_len)
{
    for (uint32_t i = 0; i + x_len <= n; i++)
        if (memcmp(s + i, x, x_len) == 0)
            return s + i;
    return NULL;
}

static void check_find(const uint8_t *s, uint32_t n, const uint8_t *x, uint32_t x_len)
{
    struct needle nd;

    needle_init(&nd, x, x_len);
    EXPECT(nd.rare_off[0] <= nd.rare_off[1] && nd.rare_off[1] < x_len);
    // Every hit from the start on.
    for (const uint8_t *at = s;;) {
        const uint8_t *want = find_naive(at, n - (uint32_t)(at - s), x, x_len);
        EXPECT(find_first(&nd, at, s + n) == want);
        if (!want)
            break;
        at = want + 1;
    }
}

TEST(scan, find_first)
{
    struct prng p = prng_of(prng_seed(8));

    for (int i = 0; i < 600; i++) {
        const char *letters = i % 3 ? "ab" : "abcdefgh ";
        uint32_t n = (uint32_t)prng_below(&p, i % 2 ? 700 : 80);
        uint32_t x_len = 1 + (uint32_t)prng_below(&p, i % 5 ? 6 : 90);
        uint8_t *s = random_bytes(&p, n, letters), *x = random_bytes(&p, x_len, letters);
        // Half of the needles are there for certain, many at the very end.
        if (i % 2 && x_len <= n)
            memcpy(s + (prng_chance(&p, 50) ? n - x_len : prng_below(&p, n - x_len + 1)), x, x_len);
        for (simd_first(); simd_next();)
            check_find(s, n, x, x_len);
        free(s);
        free(x);
    }
}

TEST(scan, levels_have_names)
{
    for (int i = SIMD_SCALAR; i <= SIMD_AUTO; i++) {
        enum simd_level level = SIMD_SCALAR;
        EXPECT_EQ_INT(simd_level_parse(simd_level_name((enum simd_level)i), &level), 0);
        EXPECT_EQ_INT(level, i);
    }
    enum simd_level level;
    EXPECT_EQ_INT(simd_level_parse("sse9", &level), -EINVAL);
    EXPECT_EQ_INT(simd_init(SIMD_AUTO), 0);
    EXPECT(simd_level < SIMD_AUTO);
    EXPECT_EQ_INT(simd_init(SIMD_SCALAR), 0);
}
