/*
 * Events of the Yahoo streaming benchmark as binary records, drawn beforehand: 16 bytes each,
 * big-endian, as configs/ysb.yaml describes them. Of 1,000 advertisements ten make a campaign; ads,
 * kinds (views, clicks, purchases) and pages are drawn evenly. 87 records fill a datagram.
 */
#include <stdio.h>

#include "base/bytes.h"
#include "perf/feeds.h"
#include "tests/prng.h"

#define ADS              1000u
#define KINDS            3u
#define RECORD_BYTES     16u
#define DATAGRAM_RECORDS 87u
#define GAP_NS           10u /* between two events */

static void put_event(uint8_t *to, struct prng *p, uint64_t number)
{
    uint64_t ad = prng_below(p, ADS), kind = prng_below(p, KINDS), page = prng_below(p, 1u << 16);

    store_be64(to, ad << 32 | kind << 16 | page);
    store_be64(to + 8, number * GAP_NS);
}

static void fill_ysb(struct perf_blocks *b, uint64_t seed)
{
    uint8_t payload[DATAGRAM_RECORDS * RECORD_BYTES];
    struct prng p = prng_of(seed);
    uint64_t number = 0;

    do {
        for (uint32_t i = 0; i < DATAGRAM_RECORDS; i++)
            put_event(payload + (size_t)i * RECORD_BYTES, &p, number++);
    } while (perf_blocks_run(b, payload, sizeof payload, DATAGRAM_RECORDS));
    snprintf(b->note, sizeof b->note, "%u-byte records, %u ads, a third of them views",
             RECORD_BYTES, ADS);
}

const struct perf_feed feed_ysb = {BLOCK_RUNS, fill_ysb};
