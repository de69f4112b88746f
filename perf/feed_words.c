#include "perf/feed_words.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "tests/prng.h"

#define RUN_BYTES  1400u /* of a payload, or one record if that is longer */
#define RUN_MAX    8192u
#define SCATTER    7368787u /* a prime, so that it meets all ranks */
#define BLOCKS_MIN 30u
#define TURN       8u /* every 8th word is the next in turn */

struct feed_words_conf feed_words_conf = {.keys = 10000, .record_bytes = 100};

struct words_gen {
    struct prng prng;
    double log_keys;
    uint32_t keys, turn;
};

static uint32_t next_rank(struct words_gen *g)
{
    if (g->turn++ % TURN == 0)
        return (uint32_t)((uint64_t)(g->turn / TURN) * SCATTER % g->keys);
    uint32_t rank = (uint32_t)exp(prng_f64(&g->prng) * g->log_keys) - 1;
    return rank < g->keys ? rank : g->keys - 1;
}

static void put_word(uint8_t *dst, uint32_t rank)
{
    dst[0] = 'k';
    for (uint32_t i = FEED_WORD_BYTES - 1; i > 0; i--, rank /= 10)
        dst[i] = (uint8_t)('0' + rank % 10);
}

/* Words with a space between them, filled up with spaces, and a newline. */
static void put_record(struct words_gen *g, uint8_t *dst, uint32_t bytes)
{
    memset(dst, ' ', bytes - 1);
    dst[bytes - 1] = '\n';
    for (uint32_t at = 0; at + FEED_WORD_BYTES < bytes; at += FEED_WORD_BYTES + 1)
        put_word(dst + at, next_rank(g));
}

static void fill_words(struct perf_blocks *b, uint64_t seed)
{
    const struct feed_words_conf *c = &feed_words_conf;
    uint32_t records = c->record_bytes < RUN_BYTES ? RUN_BYTES / c->record_bytes : 1;
    struct words_gen g = {.prng = prng_of(seed), .log_keys = log(c->keys + 1.0), .keys = c->keys};
    uint8_t run[RUN_MAX];

    MR_ASSERT(c->keys > 0 && c->keys <= FEED_WORDS_MAX);
    MR_ASSERT(c->record_bytes >= 16 && c->record_bytes <= RUN_MAX);
    do {
        for (uint32_t i = 0; i < records; i++)
            put_record(&g, run + (size_t)i * c->record_bytes, c->record_bytes);
    } while (perf_blocks_run(b, run, records * c->record_bytes, records));
    snprintf(b->note, sizeof b->note, "%u-byte records of words of %u bytes, %u distinct",
             c->record_bytes, FEED_WORD_BYTES, c->keys);
}

const struct perf_feed feed_words = {BLOCK_RUNS, fill_words};

uint32_t feed_words_blocks(uint32_t keys)
{
    uint64_t bytes = (uint64_t)TURN * keys * (FEED_WORD_BYTES + 2);
    uint32_t cnt = (uint32_t)(bytes / PAGE_BYTES) + 2;

    return cnt < BLOCKS_MIN ? BLOCKS_MIN : cnt;
}
