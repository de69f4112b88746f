// Sweeps, each SIMD form held to loops over bytes. Every piece lies in memory of exactly its size,
// so that a read beyond it is seen by AddressSanitizer.

#include "rdd/find.h"
#include "tests/rdd/expr_harness.h"

#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 256u

static void random_bytes(struct prng *p, uint8_t *s, uint32_t n, const char *letters, size_t cnt)
{
    for (uint32_t i = 0; i < n; i++)
        s[i] = (uint8_t)letters[prng_below(p, cnt)];
}

struct piece {
    uint8_t *s;
    uint32_t n;
    bool closed;
};

// Is every byte that is probed for there?
static bool probes_right(const struct needle_set *set, const struct piece *p, uint32_t at)
{
    for (uint32_t i = 0; i < set->cnt; i++) {
        const struct needle *nd = &set->needle[i];
        bool right = true;
        for (uint32_t k = 0; k < NEEDLE_PROBES; k++) {
            uint32_t off = nd->probe_off[k];
            right = right && at + off < p->n && p->s[at + off] == nd->s[off];
        }
        if (right)
            return true;
    }
    return false;
}

// Goes over the words as the header describes them.
static void check_sweep(const struct sweep *s, const struct piece *piece, uint32_t pieces_cnt)
{
    uint32_t word = 0, hits = 0, lines = 0;

    for (uint32_t i = 0; i < pieces_cnt; i++) {
        const struct piece *p = &piece[i];
        for (uint32_t at = 0; at < p->n; at += 64, word++) {
            uint64_t ends = 0, places = 0;
            uint32_t lines_before = lines;
            for (uint32_t k = 0; k < 64 && at + k < p->n; k++) {
                bool end = p->s[at + k] == '\n' || (p->closed && at + k + 1 == p->n);
                ends |= (uint64_t)end << k;
                lines += end;
                places |= (uint64_t)probes_right(s->set, p, at + k) << k;
            }
            if (p->closed && at + 64 >= p->n)
                ends |= 1ull << 63;
            if (s->ends)
                EXPECT_EQ_INT(s->ends[word], ends);
            if (!places)
                continue;
            EXPECT(hits < s->hits_cnt);
            EXPECT_EQ_INT(s->hit[hits].places, places);
            EXPECT_EQ_INT(s->hit[hits].word, word);
            EXPECT_EQ_INT(s->hit[hits].lines, s->ends ? lines_before : 0);
            hits++;
        }
    }
    EXPECT_EQ_INT(s->hits_cnt, hits);
    EXPECT_EQ_INT(s->words_cnt, word);
    EXPECT_EQ_INT(s->lines_cnt, s->ends ? lines : 0);
}

static void sweep_all(const struct needle_set *set, const struct piece *piece, uint32_t cnt,
                      bool lines)
{
    uint64_t ends[WORDS_MAX + 1];
    struct sweep_hit hit[WORDS_MAX];
    struct sweep s = {.set = set, .ends = lines ? ends + 1 : NULL, .hit = hit};

    for (uint32_t i = 0; i < cnt; i++) {
        sweep_add(&s, piece[i].s, piece[i].n);
        if (piece[i].closed && lines)
            sweep_close(&s, piece[i].n);
    }
    check_sweep(&s, piece, cnt);
}

TEST(find, sweeps_as_bytes_say)
{
    static const struct {
        const char *letters;
        size_t cnt;
    } texts[] = {{"ab\n", 3}, {"abcdefgh \n", 10}, {"a\0\n", 3}, {"aaaaaaaaaaaaaaaab", 17}};
    struct prng p = prng_of(prng_seed(8));

    for (uint32_t round = 0; round < 600; round++) {
        struct piece piece[6];
        struct needle_set set = {0};
        uint8_t needle[NEEDLES_MAX][400];
        uint32_t pieces = 1 + (uint32_t)prng_below(&p, 6);
        uint32_t needles = round % 2 ? 1 : 1 + (uint32_t)prng_below(&p, NEEDLES_MAX);
        const char *letters = texts[round % 4].letters;
        size_t cnt = texts[round % 4].cnt;
        for (uint32_t i = 0; i < needles; i++) {
            uint32_t n = 1 + (uint32_t)prng_below(&p, prng_chance(&p, 10) ? 399 : 5);
            random_bytes(&p, needle[i], n, letters, cnt);
            needle_set_add(&set, needle[i], n);
            EXPECT(set.needle[i].probe_off[0] == 0 && set.reach < NEEDLE_REACH);
        }
        for (uint32_t i = 0; i < pieces; i++) {
            uint32_t n = (uint32_t)prng_below(&p, prng_chance(&p, 20) ? 1500 : 150);
            piece[i] = (struct piece){malloc(n ? n : 1), n, n && i + 1 < pieces};
            random_bytes(&p, piece[i].s, n, letters, cnt);
            // Many needles lie at the very end.
            const struct needle *nd = &set.needle[prng_below(&p, needles)];
            if (nd->n <= n)
                memcpy(piece[i].s + n - nd->n, nd->s, nd->n);
        }
        for (simd_first(); simd_next();) {
            sweep_all(&set, piece, pieces, true);
            for (uint32_t i = 0; i < pieces; i++)
                piece[i].closed &= needles > 1;
            if (needles == 1)
                sweep_all(&set, piece, pieces, false);
            for (uint32_t i = 0; i < pieces; i++)
                piece[i].closed = piece[i].n && i + 1 < pieces;
        }
        for (uint32_t i = 0; i < pieces; i++)
            free(piece[i].s);
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
