/*
 * Numbers that lie at one distance from each other, as the fields of records of one size do.
 *
 * Measured (Zen 4, fields of 4 bytes in records of 16, perf/bench_columns; AVX-512, without): a
 * number costs 0.2, 0.4 ns.
 */
#ifndef RDD_STRIDED_H
#define RDD_STRIDED_H

#include <stdbool.h>
#include <stdint.h>

/* n records of `stride` bytes, the first at p; field: `width` bytes at `offset` in each. */
struct strided {
    const uint8_t *p;
    uint32_t stride, n;
    uint32_t offset, width;
    bool big_endian;
};

/* strided_ints writes the n numbers, of 1 to 8 bytes; a signed one with its sign. Reads nothing
 * outside of the records. */
void strided_ints(int64_t *to, const struct strided *s, bool is_signed);

/* One number as it lies, of 1 to 8 bytes. */
uint64_t strided_load(const uint8_t *p, uint32_t width, bool big_endian);

#endif
