/*
 * Numbers as people write them: sizes ("4GB"), rates ("1M/s"). Each needs its unit; durations
 * are parse_duration_ns of rdd/expr.h. Each returns 0, -EINVAL (no such number or unit), or
 * -ERANGE (does not fit).
 */
#ifndef JOB_UNITS_H
#define JOB_UNITS_H

#include <stddef.h>
#include <stdint.h>

#define UNITS_SIZE "B, KB, MB, GB, TB (of 1024)"
#define UNITS_TIME "ns, us, ms, s, m, h, d"
#define UNITS_RATE "/s, K/s, M/s, G/s"

/* parse_uint: decimal digits alone, `_` between them allowed. */
int parse_uint(const char *s, size_t len, uint64_t *out);
/* parse_size_bytes: KB, MB, GB and TB count by 1024, with and without an i. */
int parse_size_bytes(const char *s, size_t len, uint64_t *bytes);
/* parse_rate_per_s: "100/s", "50K/s", "1.5M/s". */
int parse_rate_per_s(const char *s, size_t len, uint64_t *per_s);

#endif
