/*
 * Finding separators in a run, for the record formats: the positions of a byte, or of any of
 * three, 64 bytes at a step. Never reads outside of p[0..n).
 */
#ifndef RDD_BYTE_FIND_H
#define RDD_BYTE_FIND_H

#include <stdint.h>

/* What may be written behind the last position that is returned. */
#define BYTE_FIND_SLACK 8u

/* byte_find writes the positions of byte c in p[0..n), rising, at most `max` of them, and returns
 * how many. pos has room for max + BYTE_FIND_SLACK. byte_find3 finds c[0], c[1] and c[2]. */
uint32_t byte_find(const uint8_t *p, uint32_t n, uint8_t c, uint32_t *pos, uint32_t max);
uint32_t byte_find3(const uint8_t *p, uint32_t n, const uint8_t c[3], uint32_t *pos, uint32_t max);

#endif
