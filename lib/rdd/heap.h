/*
 * A heap of bytes for keys and strings that a table owns: bump-allocated from one fixed run,
 * emptied as a whole (combine tables) or compacted by its owner (states).
 */
#ifndef RDD_HEAP_H
#define RDD_HEAP_H

#include <stdint.h>
#include <string.h>

struct heap {
    uint8_t *base;
    size_t bytes, used;
};

/* heap_copy gives a copy of n bytes that lives as long as the heap, or NULL when it is full. */
static inline const uint8_t *heap_copy(struct heap *h, const uint8_t *p, uint32_t n)
{
    if (n > h->bytes - h->used)
        return NULL;
    uint8_t *d = h->base + h->used;
    memcpy(d, p, n);
    h->used += n;
    return d;
}

#endif
