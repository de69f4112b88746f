/*
 * Lines of "station;temperature", as the One Billion Row Challenge has them.
 *
 * Names are distinct, 3 to 26 bytes, their lengths those of the 413 names of the challenge: half
 * of them of 7 bytes or less, one in eight longer than 12. A record draws its station evenly and
 * its temperature around the station's mean, bell-shaped, with one digit behind the point, from
 * -99.9 to 99.9. One seed is one text on every machine.
 */
#ifndef PERF_GEN_1BRC_H
#define PERF_GEN_1BRC_H

#include <stdint.h>

#include "tests/prng.h"

#define GEN_STATIONS_MAX    10000u
#define GEN_NAME_MAX        26u
#define GEN_1BRC_RECORD_MAX (GEN_NAME_MAX + 7u)
#define GEN_1BRC_TENTHS_MAX 999

struct gen_1brc {
    struct prng prng;
    uint32_t stations;
    char name[GEN_STATIONS_MAX][GEN_NAME_MAX + 1];
    uint8_t len[GEN_STATIONS_MAX];
    int16_t mean[GEN_STATIONS_MAX]; /* tenths */
    uint64_t records, bytes;        /* made so far */
};

void gen_1brc_init(struct gen_1brc *g, uint32_t stations, uint64_t seed);
/* gen_1brc_record writes the next line, of at most GEN_1BRC_RECORD_MAX bytes; returns its size. */
uint32_t gen_1brc_record(struct gen_1brc *g, uint8_t *dst);

#endif
