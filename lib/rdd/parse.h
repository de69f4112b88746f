/*
 * Scalars read from text: what toInt, toFloat, toIp and literals of the language take, and the
 * fields of text records. Strict: the whole text is the value, no blanks around it.
 *
 * All return 0, or -EINVAL when the text is no such value (out of its range included).
 */
#ifndef RDD_PARSE_H
#define RDD_PARSE_H

#include <stddef.h>

#include "rdd/vec.h"

/* parse_int: decimal digits, a sign before them or not. */
int parse_int(const char *s, size_t len, int64_t *v);
/* parse_float: "1", "-1.5", ".5", "6e23"; the nearest float. No infinities, no NaN. */
int parse_float(const char *s, size_t len, double *v);
/* parse_duration_ns: "30s", "500ms", "1m", "2h", "1d", "10us", "100ns". */
int parse_duration_ns(const char *s, size_t len, int64_t *ns);
/* parse_time_ns: RFC 3339, "2026-11-20T00:00:02Z", with up to 9 digits of a fraction and an
 * offset ("+01:00") or Z, or the day alone; ns since 1970. */
int parse_time_ns(const char *s, size_t len, int64_t *ns);
/* parse_ip: IPv4 dotted or IPv6 text. */
int parse_ip(const char *s, size_t len, struct ip *ip);

#endif
