/*
 * Finding bytes in a run, for the record formats: the positions of a separator in up to a
 * vector's worth of bytes, 64 bytes at a step. Never reads outside of p[0..n).
 */
#ifndef RDD_BYTE_FIND_H
#define RDD_BYTE_FIND_H

#include <stdint.h>

/* What byte_find may write behind the last position it returns. */
#define BYTE_FIND_SLACK 8u

/* byte_find writes the positions of byte c in p[0..n), rising, at most `max` of them, and returns
 * how many. pos has room for max + BYTE_FIND_SLACK. */
uint32_t byte_find(const uint8_t *p, uint32_t n, uint8_t c, uint32_t *pos, uint32_t max);

#endif
