/*
 * Bytes to bits and bits to positions: the two halves of cutting text. Bit i of the mask, bit
 * i % 64 of word i / 64, says something about byte i. Never reads outside of p[0..n).
 *
 * Measured on 16 KB of text in L1 (Zen 5; AVX-512, AVX2, scalar): a mask costs 0.7, 1.1, 55 ns for
 * 64 bytes; the spans of its 8.5 words 3.0 (before both edges came from one compress), 8.2, 9.3 ns.
 * Out of L3 (Zen 4, AVX-512): mask and spans 0.42 ns a word.
 */
#ifndef RDD_BYTE_MASK_H
#define RDD_BYTE_MASK_H

#include <stdint.h>

/* What bit_positions may write behind the last position it returns. */
#define BIT_POSITIONS_SLACK 64u

static inline uint32_t byte_mask_words(uint32_t n)
{
    return (n + 63) / 64;
}

/* byte_mask_text sets the bits of the bytes that are no white space (space, \t \n \v \f \r).
 * Bits behind n are 0. */
void byte_mask_text(const uint8_t *p, uint32_t n, uint64_t *mask);
/* byte_mask_equal sets the bits of the bytes that are c. Bits behind n are 0. */
void byte_mask_equal(const uint8_t *p, uint32_t n, uint8_t c, uint64_t *mask);
/* bit_positions writes first + i for every bit i that is set, rising; returns how many. pos has
 * room for them and BIT_POSITIONS_SLACK. */
uint32_t bit_positions(const uint64_t *mask, uint32_t words_cnt, uint32_t first, uint32_t *pos);
/* bit_spans gives every run of bits: first + where it begins, and its length. The last word is 0,
 * so that every run ends. Returns how many; off and len have room for them and the slack. */
uint32_t bit_spans(const uint64_t *mask, uint32_t words_cnt, uint32_t first, uint32_t *off,
                   uint32_t *len);

/* bit_begins: the bits of a word at which a run of bits begins; `before` is the word before it. */
static inline uint64_t bit_begins(uint64_t word, uint64_t before)
{
    return word & ~(word << 1 | before >> 63);
}

/* bit_ends: the bits of a word that lie behind a run of bits. */
static inline uint64_t bit_ends(uint64_t word, uint64_t before)
{
    return ~word & (word << 1 | before >> 63);
}

#endif
