#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#define ZONE_CHUNK_BYTES 16384u

struct zone_chunk {
    struct zone_chunk *next;
    size_t bytes, used;
    _Alignas(16) uint8_t data[];
};

static struct zone_chunk *zone_grow(struct zone *z, size_t bytes)
{
    size_t want = bytes > ZONE_CHUNK_BYTES ? bytes : ZONE_CHUNK_BYTES;
    struct zone_chunk *c = malloc(sizeof *c + want);

    if (!c) {
        fputs("out of memory while setting up\n", stderr);
        abort();
    }
    c->next = z->chunks;
    c->bytes = want;
    c->used = 0;
    z->chunks = c;
    return c;
}

void *zone_alloc(struct zone *z, size_t bytes)
{
    size_t need = (bytes + 15) & ~(size_t)15;
    struct zone_chunk *c = z->chunks;

    if (!c || c->bytes - c->used < need)
        c = zone_grow(z, need);
    void *p = c->data + c->used;
    c->used += need;
    memset(p, 0, need);
    return p;
}

char *zone_strndup(struct zone *z, const char *s, size_t n)
{
    char *d = zone_alloc(z, n + 1);

    if (n)
        memcpy(d, s, n);
    return d;
}

char *zone_printf(struct zone *z, const char *fmt, ...)
{
    va_list ap, ap2;

    va_start(ap, fmt);
    va_copy(ap2, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *d = zone_alloc(z, (size_t)n + 1);
    vsnprintf(d, (size_t)n + 1, fmt, ap2);
    va_end(ap2);
    return d;
}

void zone_free(struct zone *z)
{
    while (z->chunks) {
        struct zone_chunk *c = z->chunks;
        z->chunks = c->next;
        free(c);
    }
}
