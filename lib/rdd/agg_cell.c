#include <errno.h>

#include "rdd/agg_cell.h"

static int copy_strings(struct col *out, const struct cell_str *s, uint32_t n, struct arena *arena)
{
    size_t total = 0;

    for (uint32_t i = 0; i < n; i++)
        total += s[i].len;
    uint8_t *bytes = arena_alloc(arena, total ? total : 1);
    if (!bytes || total > UINT32_MAX)
        return -ENOMEM;
    out->s.base = bytes;
    uint32_t off = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (s[i].len)
            memcpy(bytes + off, s[i].ptr, s[i].len);
        out->s.off[i] = off;
        out->s.len[i] = s[i].len;
        off += s[i].len;
    }
    return 0;
}

static int strings_to_col(const uint8_t *const *cell, uint32_t n, struct col *out,
                          struct arena *arena)
{
    struct cell_str s[VEC_ROWS_MAX];
    uintptr_t lo = UINTPTR_MAX, hi = 0;

    for (uint32_t i = 0; i < n; i++) {
        memcpy(&s[i], cell[i], sizeof s[i]);
        s[i].len = s[i].present ? s[i].len : 0;
        if (!s[i].len)
            continue;
        lo = (uintptr_t)s[i].ptr < lo ? (uintptr_t)s[i].ptr : lo;
        hi = (uintptr_t)s[i].ptr > hi ? (uintptr_t)s[i].ptr : hi;
    }
    if (hi > lo && hi - lo > UINT32_MAX)
        return copy_strings(out, s, n, arena);
    out->s.base = hi ? (const uint8_t *)lo : (const uint8_t *)out->s.off;
    for (uint32_t i = 0; i < n; i++) {
        out->s.off[i] = s[i].len ? (uint32_t)((uintptr_t)s[i].ptr - lo) : 0;
        out->s.len[i] = s[i].len;
    }
    return 0;
}

int cells_to_col(const uint8_t *const *cell, uint32_t n, struct col *out, struct arena *arena)
{
    switch (out->kind) {
    case TYPE_STRING: return strings_to_col(cell, n, out, arena);
    case TYPE_IP:
        for (uint32_t i = 0; i < n; i++)
            memcpy(&out->ip[i], cell[i], sizeof(struct ip));
        return 0;
    case TYPE_FLOAT:
        for (uint32_t i = 0; i < n; i++)
            memcpy(&out->f[i], cell[i], 8);
        return 0;
    default:
        for (uint32_t i = 0; i < n; i++)
            memcpy(&out->i[i], cell[i], 8);
        return 0;
    }
}
