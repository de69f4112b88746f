#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "perf/feeds.h"
#include "perf/gen_1brc.h"

#define PAYLOAD_BYTES 1400u
#define SPREAD_TENTHS 115 /* of each of four even draws: a deviation of 13 degrees in all */

/* How many of 413 names have 3 bytes, 4, ... */
static const uint16_t lengths[GEN_NAME_MAX - 2] = {6, 36, 68, 74, 69, 52, 34, 18, 12, 9, 7, 6,
                                                   5, 4,  3,  2,  2,  1,  1,  1,  1,  1, 0, 1};

static uint32_t name_len(struct gen_1brc *g)
{
    uint32_t sum = 0, len = 3;

    for (uint32_t i = 0; i < GEN_NAME_MAX - 2; i++)
        sum += lengths[i];
    for (uint32_t at = (uint32_t)prng_below(&g->prng, sum); at >= lengths[len - 3]; len++)
        at -= lengths[len - 3];
    return len;
}

static bool known(const struct gen_1brc *g, uint32_t cnt, const char *name)
{
    for (uint32_t i = 0; i < cnt; i++)
        if (!strcmp(g->name[i], name))
            return true;
    return false;
}

void gen_1brc_init(struct gen_1brc *g, uint32_t stations, uint64_t seed)
{
    MR_ASSERT(stations <= GEN_STATIONS_MAX);
    memset(g, 0, sizeof *g);
    g->prng = prng_of(seed);
    g->stations = stations;
    for (uint32_t s = 0; s < stations; s++) {
        uint32_t len = name_len(g);
        do {
            for (uint32_t i = 0; i < len; i++)
                g->name[s][i] = (char)((i ? 'a' : 'A') + (int)prng_below(&g->prng, 26));
        } while (known(g, s, g->name[s]));
        g->len[s] = (uint8_t)len;
        g->mean[s] = (int16_t)prng_between(&g->prng, -100, 300);
    }
}

static int32_t draw_tenths(struct gen_1brc *g, uint32_t station)
{
    int32_t t = g->mean[station];

    for (uint32_t i = 0; i < 4; i++)
        t += (int32_t)prng_between(&g->prng, -SPREAD_TENTHS, SPREAD_TENTHS);
    t = t < GEN_1BRC_TENTHS_MAX ? t : GEN_1BRC_TENTHS_MAX;
    return t > -GEN_1BRC_TENTHS_MAX ? t : -GEN_1BRC_TENTHS_MAX;
}

uint32_t gen_1brc_record(struct gen_1brc *g, uint8_t *dst)
{
    uint32_t s = (uint32_t)prng_below(&g->prng, g->stations), n = g->len[s];
    int32_t t = draw_tenths(g, s), a = abs(t);

    memcpy(dst, g->name[s], n);
    dst[n++] = ';';
    if (t < 0)
        dst[n++] = '-';
    if (a >= 100)
        dst[n++] = (uint8_t)('0' + a / 100);
    dst[n++] = (uint8_t)('0' + a / 10 % 10);
    dst[n++] = '.';
    dst[n++] = (uint8_t)('0' + a % 10);
    dst[n++] = '\n';
    g->records++;
    g->bytes += n;
    return n;
}

/* As many lines in a datagram as fit. */
static void fill_stations(struct perf_blocks *b, uint32_t stations, uint64_t seed)
{
    struct gen_1brc *g = malloc(sizeof *g);
    uint8_t payload[PAYLOAD_BYTES];
    uint32_t len, records;

    MR_ASSERT(g);
    gen_1brc_init(g, stations, seed);
    do {
        for (len = records = 0; len + GEN_1BRC_RECORD_MAX <= PAYLOAD_BYTES; records++)
            len += gen_1brc_record(g, payload + len);
    } while (perf_blocks_run(b, payload, len, records));
    snprintf(b->note, sizeof b->note, "station;temperature, %.1f bytes a record, %u stations",
             (double)g->bytes / (double)g->records, stations);
    free(g);
}

static void fill_413(struct perf_blocks *b, uint64_t seed)
{
    fill_stations(b, 413, seed);
}

static void fill_10k(struct perf_blocks *b, uint64_t seed)
{
    fill_stations(b, 10000, seed);
}

const struct perf_feed feed_1brc = {BLOCK_RUNS, fill_413};
const struct perf_feed feed_1brc_10k = {BLOCK_RUNS, fill_10k};
