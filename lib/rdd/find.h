/*
 * Finding a short text in a long run of bytes.
 *
 * The two bytes of the needle that are rarest in usual text are compared at every place at once;
 * where both are right, the needle is compared as a whole. Never reads outside of [p, end).
 *
 * Measured on text in L1 without a hit (Zen 5): 1.0 ns for 64 bytes with AVX-512, 1.1 with AVX2;
 * the scalar form is memchr for one of the two bytes, and costs what its hits cost.
 */
#ifndef RDD_FIND_H
#define RDD_FIND_H

#include <stdint.h>

struct needle {
    const uint8_t *s; /* n > 0 bytes; not owned */
    uint32_t n;
    uint32_t rare_off[2]; /* offsets of the two bytes that are looked for, rising */
};

void needle_init(struct needle *nd, const uint8_t *s, uint32_t n);
/* find_first gives the first place in [p, end) where the whole needle lies, or NULL. */
const uint8_t *find_first(const struct needle *nd, const uint8_t *p, const uint8_t *end);

#endif
