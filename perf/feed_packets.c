#include <stdio.h>

#include "base/assert.h"
#include "perf/feeds.h"
#include "perf/gen_frames.h"

#define FRAMES_CNT (1u << 20) /* then they come again */

static void fill_packets(struct perf_blocks *b, uint64_t seed)
{
    struct gen_frames g;
    uint64_t i = 0;

    MR_ASSERT(gen_frames_make(&g, "packets", FRAMES_CNT, seed) == 0);
    while (perf_blocks_frame(b, gen_frame(&g, i), g.bytes, (int64_t)i))
        i++;
    snprintf(b->note, sizeof b->note, "UDP packets of %u bytes, Zipf over %u source addresses",
             g.bytes, GEN_SOURCES);
    gen_frames_free(&g);
}

const struct perf_feed feed_packets = {BLOCK_PACKETS, fill_packets};
