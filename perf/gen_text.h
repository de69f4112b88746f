/*
 * The text of the benchmarks: records of 100 bytes, lines of Zipf words.
 *
 * A record is words with one space between them, filled up with spaces, and '\n': 99 + 1 bytes. The
 * vocabulary has 10,000 distinct words of 2 to 11 letters, drawn by the frequency of letters in
 * English; the word of rank r comes with weight 1/r. One seed is one text on every machine.
 */
#ifndef PERF_GEN_TEXT_H
#define PERF_GEN_TEXT_H

#include <stdint.h>

#include "tests/prng.h"

#define GEN_RECORD_BYTES 100u
#define GEN_WORDS        10000u
#define GEN_WORD_MAX     11u

struct gen_text {
    struct prng prng;
    char word[GEN_WORDS][GEN_WORD_MAX + 1];
    uint8_t len[GEN_WORDS];
    double cumulated[GEN_WORDS]; /* weight of the ranks up to and with this one */
    uint16_t first[4097];        /* rank at which the draw of a 4096th of the weight begins */
    uint64_t records, words;     /* made so far */
};

void gen_text_init(struct gen_text *g, uint64_t seed);
/* gen_text_record writes the next GEN_RECORD_BYTES. */
void gen_text_record(struct gen_text *g, uint8_t *dst);

#endif
