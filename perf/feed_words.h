/*
 * Lines of words for the growth benchmark: records of a given size, of words of 8 bytes, "k" and
 * the 7 digits of a rank. Every eighth word is the next of all ranks in turn (in a scattered
 * order), the others are drawn by Zipf: so a set that has eight times as many words as there are
 * ranks has them all.
 */
#ifndef PERF_FEED_WORDS_H
#define PERF_FEED_WORDS_H

#include "perf/blocks.h"

#define FEED_WORD_BYTES 8u
#define FEED_WORDS_MAX  10000000u

/* What the next set that is made of feed_words has. */
extern struct feed_words_conf {
    uint32_t keys;         /* distinct words, FEED_WORDS_MAX at most */
    uint32_t record_bytes; /* the newline included; 16 to 8192 */
} feed_words_conf;

extern const struct perf_feed feed_words;

/* feed_words_blocks: so many blocks have every word once at least. */
uint32_t feed_words_blocks(uint32_t keys);

#endif
