/*
 * Scalars written as text, for people, for other programs, and for toString. Reading it back
 * (parse.h) gives the same value.
 *
 *   - ints in decimal; floats in the shortest form that reads back as the same number, laid out
 *     as Python's repr does (1.0, 1e-05, 1e+16), and NaN, Infinity, -Infinity;
 *   - times in RFC 3339, UTC, with as many digits of a second as they need or are asked for;
 *   - addresses: IPv4 dotted, IPv6 as RFC 5952 says.
 *
 * All write to `to`, which has room for PRINT_BYTES_MAX, without a NUL, and return the length.
 */
#ifndef RDD_PRINT_H
#define RDD_PRINT_H

#include "rdd/vec.h"

#define PRINT_BYTES_MAX 64u

uint32_t print_uint(uint8_t *to, uint64_t v);
uint32_t print_int(uint8_t *to, int64_t v);
/* print_float_special: "NaN", "Infinity", "-Infinity", or NULL for a finite number. */
const char *print_float_special(double v);
uint32_t print_float(uint8_t *to, double v);
/* print_time: any int64 can be written. print_time_digits: with 0 to 9 digits of a second, or -1:
 * as many as t_ns needs, as print_time does. */
uint32_t print_time(uint8_t *to, int64_t t_ns);
uint32_t print_time_digits(uint8_t *to, int64_t t_ns, int digits);
/* print_digits_of: how many digits of a second the multiples of period_ns need. */
int print_digits_of(uint64_t period_ns);
uint32_t print_ip(uint8_t *to, const struct ip *ip);

#endif
