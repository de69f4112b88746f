/*
 * Two allocators, by when they may be used.
 *
 * struct arena: one fixed run of memory, bump-allocated and reset as a whole. This is the
 * scratch of the data path: a worker resets it for every vector, so what a vector needs stays
 * in the cache. It never grows; a full arena gives NULL, and the caller counts what it drops.
 *
 * struct zone: growing chunks from malloc, freed as a whole. For set-up only (types, graphs,
 * expressions): what lives as long as a job.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#define ARENA_ALIGN 64u

struct arena {
    uint8_t *base;
    size_t bytes; /* size of the run */
    size_t used;
};

/* arena_init takes over `bytes` bytes at `base` (64-byte aligned); the caller frees them. */
static inline void arena_init(struct arena *a, void *base, size_t bytes)
{
    a->base = base;
    a->bytes = bytes;
    a->used = 0;
}

static inline void arena_reset(struct arena *a)
{
    a->used = 0;
}

/* arena_alloc returns `bytes` uninitialised bytes aligned to 64, or NULL when the arena is full. */
static inline void *arena_alloc(struct arena *a, size_t bytes)
{
    size_t need = (bytes + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);

    if (need > a->bytes - a->used)
        return NULL;
    void *p = a->base + a->used;
    a->used += need;
    return p;
}

struct zone_chunk;

struct zone {
    struct zone_chunk *chunks; /* zero-initialise to begin with an empty zone */
};

/* zone_alloc returns zeroed bytes that live until zone_free; aborts when memory is out. */
void *zone_alloc(struct zone *z, size_t bytes);
/* zone_strndup copies n bytes and adds a NUL. */
char *zone_strndup(struct zone *z, const char *s, size_t n);
char *zone_printf(struct zone *z, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void zone_free(struct zone *z);

#endif
