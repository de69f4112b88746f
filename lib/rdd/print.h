/*
 * Scalars written as text: what toString gives. Reading it back (parse.h) gives the same value.
 *
 *   - ints in decimal; floats in the shortest form that reads back as the same number, laid out
 *     as Python's repr does (1.0, 1e-05, 1e+16), and NaN, Infinity, -Infinity;
 *   - times in RFC 3339, UTC, with as many digits of a second as they need;
 *   - addresses: IPv4 dotted, IPv6 as RFC 5952 says.
 *
 * All write to `to`, which has room for PRINT_BYTES_MAX, without a NUL, and return the length.
 */
#ifndef RDD_PRINT_H
#define RDD_PRINT_H

#include "rdd/vec.h"

#define PRINT_BYTES_MAX 64u

uint32_t print_int(uint8_t *to, int64_t v);
uint32_t print_float(uint8_t *to, double v);
uint32_t print_time(uint8_t *to, int64_t t_ns);
uint32_t print_ip(uint8_t *to, const struct ip *ip);

#endif
