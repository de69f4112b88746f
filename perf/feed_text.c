#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "perf/feeds.h"

static void fill_text(struct perf_blocks *b, uint64_t seed)
{
    struct gen_text *g = malloc(sizeof *g);
    uint8_t payload[FEED_DATAGRAM_RECORDS * GEN_RECORD_BYTES];

    MR_ASSERT(g);
    gen_text_init(g, seed);
    do {
        for (uint32_t r = 0; r < FEED_DATAGRAM_RECORDS; r++)
            gen_text_record(g, payload + (size_t)r * GEN_RECORD_BYTES);
    } while (perf_blocks_run(b, payload, sizeof payload, FEED_DATAGRAM_RECORDS));
    snprintf(b->note, sizeof b->note, "100-byte records of %.1f Zipf words, %u distinct",
             (double)g->words / (double)g->records, GEN_WORDS);
    free(g);
}

const struct perf_feed feed_text = {BLOCK_RUNS, fill_text};
