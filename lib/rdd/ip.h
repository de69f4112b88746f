/*
 * Addresses by value: IPv4 is held as ::ffff:a.b.c.d.
 */
#ifndef RDD_IP_H
#define RDD_IP_H

#include <stdbool.h>

#include "base/bytes.h"
#include "rdd/vec.h"

static inline bool ip_is_v4(const struct ip *a)
{
    return load_be64(a->b) == 0 && load_be32(a->b + 8) == 0xffff;
}

static inline bool ip_equal(const struct ip *a, const struct ip *b)
{
    return ((load_le64(a->b) ^ load_le64(b->b)) | (load_le64(a->b + 8) ^ load_le64(b->b + 8))) == 0;
}

static inline int ip_cmp(const struct ip *a, const struct ip *b)
{
    uint64_t x = load_be64(a->b), y = load_be64(b->b);

    if (x == y) {
        x = load_be64(a->b + 8);
        y = load_be64(b->b + 8);
    }
    return (x > y) - (x < y);
}

#endif
