#include <stdbool.h>
#include <string.h>

#include "perf/gen_text.h"

/* A letter for each percent of English text. */
static const char letters[] =
    "eeeeeeeeeeeeetttttttttaaaaaaaaooooooooiiiiiiinnnnnnnsssssshhhhhhrrrrrr"
    "ddddllllcccuuummmwwffggyyppbvk";

static bool known(const struct gen_text *g, uint32_t cnt, const char *word)
{
    for (uint32_t i = 0; i < cnt; i++)
        if (!strcmp(g->word[i], word))
            return true;
    return false;
}

/* Lengths take turns, so that the mean does not hang on the draw of the few frequent words. */
static uint32_t word_len(uint32_t rank)
{
    static const uint8_t turn[] = {3, 6, 8, 4, 9, 5, 7, 10, 2, 8, 6, 11};

    return turn[rank % sizeof turn];
}

static void make_word(struct gen_text *g, uint32_t rank)
{
    char *w = g->word[rank];
    uint32_t len = word_len(rank), tries = 0;

    do {
        if (++tries % 64 == 0) /* few words of two letters are left */
            len++;
        for (uint32_t i = 0; i < len; i++)
            w[i] = letters[prng_below(&g->prng, sizeof letters - 1)];
        w[len] = 0;
    } while (known(g, rank, w));
    g->len[rank] = (uint8_t)len;
}

void gen_text_init(struct gen_text *g, uint64_t seed)
{
    double sum = 0;
    uint32_t rank = 0;

    memset(g, 0, sizeof *g);
    g->prng = prng_of(seed);
    for (uint32_t r = 0; r < GEN_WORDS; r++) {
        make_word(g, r);
        sum += 1.0 / (r + 1);
        g->cumulated[r] = sum;
    }
    for (uint32_t r = 0; r < GEN_WORDS; r++)
        g->cumulated[r] /= sum;
    g->cumulated[GEN_WORDS - 1] = 1.0;
    for (uint32_t i = 0; i <= 4096; i++) {
        while (rank < GEN_WORDS - 1 && g->cumulated[rank] < i / 4096.0)
            rank++;
        g->first[i] = (uint16_t)rank;
    }
}

static uint32_t draw(struct gen_text *g)
{
    double at = prng_f64(&g->prng);
    uint32_t part = (uint32_t)(at * 4096), low = g->first[part], high = g->first[part + 1];

    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (g->cumulated[mid] < at)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

void gen_text_record(struct gen_text *g, uint8_t *dst)
{
    uint32_t used = 0;

    memset(dst, ' ', GEN_RECORD_BYTES - 1);
    dst[GEN_RECORD_BYTES - 1] = '\n';
    for (;;) {
        uint32_t r = draw(g), len = g->len[r];
        if (used + len > GEN_RECORD_BYTES - 1)
            break;
        memcpy(dst + used, g->word[r], len);
        used += len + 1;
        g->words++;
    }
    g->records++;
}
