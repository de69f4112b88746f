#include <errno.h>

#include "rdd/vec.h"

int col_alloc(struct col *c, enum type_kind kind, uint32_t rows, struct arena *a)
{
    c->kind = kind;
    if (kind == TYPE_STRING) {
        c->s.base = NULL;
        c->s.off = arena_alloc(a, rows * sizeof *c->s.off);
        c->s.len = arena_alloc(a, rows * sizeof *c->s.len);
        return c->s.off && c->s.len ? 0 : -ENOMEM;
    }
    if (kind == TYPE_LIST) {
        c->l.elems = NULL;
        c->l.off = arena_alloc(a, rows * sizeof *c->l.off);
        c->l.cnt = arena_alloc(a, rows * sizeof *c->l.cnt);
        return c->l.off && c->l.cnt ? 0 : -ENOMEM;
    }
    if (kind == TYPE_IP) {
        c->ip = arena_alloc(a, rows * sizeof *c->ip);
        return c->ip ? 0 : -ENOMEM;
    }
    c->i = arena_alloc(a, rows * sizeof *c->i);
    return c->i ? 0 : -ENOMEM;
}
