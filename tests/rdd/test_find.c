// Sweeps, each SIMD form held to loops over bytes. Every text lies in memory of exactly its size,
// so that a read beyond it is seen by AddressSanitizer.

#include "rdd/find.h"
#include "tests/rdd/expr_harness.h"

#include <stdlib.h>
#include <string.h>

static void random_bytes(struct prng *p, uint8_t *s, uint32_t n, const char *letters, size_t cnt)
{
    for (uint32_t i = 0; i < n; i++)
        s[i] = (uint8_t)letters[prng_below(p, cnt)];
}

// Are all probes of a needle right at s[at]?
static bool probes_right(const struct needle_set *set, const uint8_t *s, uint32_t n, uint32_t at)
{
    for (uint32_t i = 0; i < set->cnt; i++) {
        const struct needle *nd = &set->needle[i];
        bool right = true;
        for (uint32_t k = 0; k < NEEDLE_PROBES; k++) {
            uint32_t off = nd->probe_off[k];
            right = right && at + off < n && s[at + off] == nd->s[off];
        }
        if (right)
            return true;
    }
    return false;
}

static uint64_t newlines_naive(const uint8_t *s, uint32_t n, int64_t from)
{
    uint64_t m = 0;

    for (int64_t k = 0; k < 64; k++)
        if (from + k >= 0 && from + k < n && s[from + k] == '\n')
            m |= 1ull << k;
    return m;
}

static void check_sweep(const struct needle_set *set, const uint8_t *s, uint32_t n, bool with_lines)
{
    struct sweep_hit *hit = malloc((sweep_hits_max(n) + 1) * sizeof *hit);
    uint32_t lines = 0, sum = 0, hits = 0;
    uint32_t cnt = with_lines ? sweep_lines(set, s, n, hit, &lines) : sweep_text(set, s, n, hit);

    for (uint32_t at = 0; at < n; at += 64) {
        uint64_t places = 0;
        for (uint32_t k = 0; k < 64 && at + k < n; k++)
            places |= (uint64_t)probes_right(set, s, n, at + k) << k;
        if (places) {
            EXPECT(hits < cnt);
            EXPECT_EQ_INT(hit[hits].places, places);
            EXPECT_EQ_INT(hit[hits].off, at);
            EXPECT_EQ_INT(hit[hits].lines, sum);
            for (int64_t k = 0; with_lines && k < 3; k++)
                EXPECT_EQ_INT(hit[hits].newlines[k],
                              newlines_naive(s, n, (int64_t)at + 64 * k - 64));
            hits++;
        }
        sum += with_lines ? (uint32_t)__builtin_popcountll(newlines_naive(s, n, at)) : 0;
    }
    EXPECT_EQ_INT(cnt, hits);
    EXPECT_EQ_INT(lines, sum);
    free(hit);
}

TEST(find, sweeps_as_bytes_say)
{
    static const struct {
        const char *letters;
        size_t cnt;
    } texts[] = {
        {"ab\n", 3}, {"abcdefgh \n", 10}, {"a\0\n", 3}, {"aaaaaaaaaaaaaaaab", 17}, {"\n", 1}};
    struct prng p = prng_of(prng_seed(8));

    for (uint32_t round = 0; round < 1500; round++) {
        struct needle_set set = {0};
        uint8_t needle[NEEDLES_MAX][400];
        uint32_t needles = round % 2 ? 1 : 1 + (uint32_t)prng_below(&p, NEEDLES_MAX);
        const char *letters = texts[round % 5].letters;
        size_t cnt = texts[round % 5].cnt;
        for (uint32_t i = 0; i < needles; i++) {
            uint32_t n = 1 + (uint32_t)prng_below(&p, prng_chance(&p, 10) ? 399 : 5);
            random_bytes(&p, needle[i], n, letters, cnt);
            needle_set_add(&set, needle[i], n);
            EXPECT(set.needle[i].probe_off[0] == 0 && set.reach < NEEDLE_REACH);
        }
        // Some are so long that a byte of newlines would overflow.
        uint32_t n = (uint32_t)prng_below(&p, prng_chance(&p, 20) ? 20000 : 300);
        uint8_t *s = malloc(n ? n : 1);
        random_bytes(&p, s, n, letters, cnt);
        // Many needles lie at the very end.
        const struct needle *nd = &set.needle[prng_below(&p, needles)];
        if (nd->n <= n)
            memcpy(s + n - nd->n, nd->s, nd->n);
        for (simd_first(); simd_next();) {
            check_sweep(&set, s, n, true);
            if (needles == 1)
                check_sweep(&set, s, n, false);
        }
        free(s);
    }
}

// The first byte, and then the rarest of the others.
TEST(find, probes_what_is_rare)
{
    static const struct {
        const char *needle;
        uint32_t off[NEEDLE_PROBES];
    } rows[] = {
        {"x", {0, 0, 0}},        {"ab", {0, 1, 0}},       {"the", {0, 1, 2}},
        {"eeqe", {0, 2, 1}},     {"error: 7", {0, 5, 7}}, {"a zebra", {0, 2, 4}},
        {"aaaaaaaa", {0, 1, 2}},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct needle_set set = {0};
        needle_set_add(&set, (const uint8_t *)rows[i].needle, (uint32_t)strlen(rows[i].needle));
        bool same = set.needle[0].probe_off[0] == 0;
        for (uint32_t k = 1; k < NEEDLE_PROBES; k++) {
            bool found = false;
            for (uint32_t j = 1; j < NEEDLE_PROBES; j++)
                found |= set.needle[0].probe_off[j] == rows[i].off[k];
            same &= found;
        }
        if (!same)
            TEST_FAIL(rows[i].needle);
    }
}

TEST(find, needle_at_a_place)
{
    struct needle_set one = {0}, longer = {0}, two = {0};
    const uint8_t *text = (const uint8_t *)"the other";

    needle_set_add(&one, (const uint8_t *)"the", 3);
    needle_set_add(&longer, (const uint8_t *)"ther", 4);
    needle_set_add(&two, (const uint8_t *)"other", 5);
    needle_set_add(&two, (const uint8_t *)"the", 3);
    EXPECT(needle_set_at(&one, text, 3));
    EXPECT(!needle_set_at(&one, text, 2));
    EXPECT(!needle_set_at(&longer, text, 9));
    EXPECT(needle_set_at(&longer, text + 5, 4));
    EXPECT(!needle_set_at(&longer, text + 5, 3));
    EXPECT(needle_set_at(&two, text, 9));
    EXPECT(needle_set_at(&two, text + 4, 5));
    EXPECT(!needle_set_at(&two, text + 4, 4));
    EXPECT(!needle_set_at(&two, text + 1, 8));
}
