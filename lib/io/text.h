/*
 * Text: how single values are written for people and for other programs.
 *
 * Every function adds to a strbuf. How a scalar looks is a format that others read; it is said, and
 * done, in rdd/print.h, as toString writes the same. Infinities and NaN have no place in JSON
 * (text_float_special). Strings have rules of their own: escape.h.
 */
#ifndef IO_TEXT_H
#define IO_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "rdd/vec.h"

void text_put_int(struct strbuf *out, int64_t v);
void text_put_uint(struct strbuf *out, uint64_t v);
/* text_put_float writes a finite number. */
void text_put_float(struct strbuf *out, double v);
/* text_float_special: "NaN", "Infinity", "-Infinity", or NULL for a finite number. */
const char *text_float_special(double v);
/* text_put_time: digits 0..9 of a second; -1: as many as t_ns needs. Any int64 can be written. */
void text_put_time(struct strbuf *out, int64_t t_ns, int digits);
/* text_time_digits: how many digits of a second the multiples of period_ns need. */
int text_time_digits(uint64_t period_ns);
void text_put_ip(struct strbuf *out, const struct ip *ip);
/* text_put_cnt writes 1234567 as 1,234,567, for people. */
void text_put_cnt(struct strbuf *out, uint64_t v);
/* text_put_duration writes "412 ns", "1.5 ms", "30 s": three digits and a unit, for people. */
void text_put_duration(struct strbuf *out, uint64_t ns);

#endif
