/*
 * Short runs of bytes: compare, copy and search without a call for what most strings of a
 * column are, a few bytes. Nothing here reads outside of the n bytes it is given.
 */
#ifndef RDD_STR_H
#define RDD_STR_H

#include <stdbool.h>

#include "base/bytes.h"

/* str_equal compares n bytes for equality. */
static inline bool str_equal(const uint8_t *a, const uint8_t *b, uint32_t n)
{
    if (n > 16)
        return memcmp(a, b, n) == 0;
    if (n >= 8)
        return load_le64(a) == load_le64(b) && load_le64(a + n - 8) == load_le64(b + n - 8);
    if (n >= 4)
        return load_le32(a) == load_le32(b) && load_le32(a + n - 4) == load_le32(b + n - 4);
    for (uint32_t i = 0; i < n; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

/* str_cmp orders two strings bytewise, the shorter first when it is a prefix. */
static inline int str_cmp(const uint8_t *a, uint32_t an, const uint8_t *b, uint32_t bn)
{
    uint32_t n = an < bn ? an : bn;

    if (n >= 8) {
        uint64_t x = load_be64(a), y = load_be64(b);
        if (x != y)
            return x < y ? -1 : 1;
    }
    int c = n ? memcmp(a, b, n) : 0;
    return c ? c : (an > bn) - (an < bn);
}

/* str_copy copies n bytes; the runs do not overlap. */
static inline void str_copy(uint8_t *to, const uint8_t *from, uint32_t n)
{
    if (n > 16) {
        memcpy(to, from, n);
    } else if (n >= 8) {
        uint64_t head = load_le64(from), tail = load_le64(from + n - 8);
        store_le64(to, head);
        store_le64(to + n - 8, tail);
    } else if (n >= 4) {
        uint32_t head = load_le32(from), tail = load_le32(from + n - 4);
        store_le32(to, head);
        store_le32(to + n - 4, tail);
    } else {
        for (uint32_t i = 0; i < n; i++)
            to[i] = from[i];
    }
}

/* str_zeros counts the bytes that are 0. */
static inline uint32_t str_zeros(const uint8_t *s, uint32_t n)
{
    uint32_t i = 0, cnt = 0;

    if (n > 32 && !memchr(s, 0, n))
        return 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t w = load_le64(s + i);
        if ((w - 0x0101010101010101u) & ~w & 0x8080808080808080u)
            break;
    }
    for (; i < n; i++)
        cnt += s[i] == 0;
    return cnt;
}

#endif
