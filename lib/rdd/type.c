#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"
#include "rdd/type.h"

const struct type type_int = {.kind = TYPE_INT};
const struct type type_float = {.kind = TYPE_FLOAT};
const struct type type_bool = {.kind = TYPE_BOOL};
const struct type type_string = {.kind = TYPE_STRING};
const struct type type_time = {.kind = TYPE_TIME};
const struct type type_ip = {.kind = TYPE_IP};

static const char *const kind_name[] = {
    [TYPE_INT] = "int",       [TYPE_FLOAT] = "float", [TYPE_BOOL] = "bool",
    [TYPE_STRING] = "string", [TYPE_TIME] = "time",   [TYPE_IP] = "ip",
};

const struct type *type_scalar(enum type_kind kind)
{
    switch (kind) {
    case TYPE_INT: return &type_int;
    case TYPE_FLOAT: return &type_float;
    case TYPE_BOOL: return &type_bool;
    case TYPE_STRING: return &type_string;
    case TYPE_TIME: return &type_time;
    case TYPE_IP: return &type_ip;
    case TYPE_TUPLE:
    case TYPE_LIST: break;
    }
    return NULL;
}

/* Every node of the tree, those inside lists too: what a walk over the type costs. */
static uint32_t type_nodes(const struct type *t)
{
    uint32_t n = 1;

    for (uint32_t i = 0; i < t->parts_cnt; i++)
        n += type_nodes(t->part[i]);
    return n;
}

static const struct type *type_make(struct zone *z, enum type_kind kind,
                                    const struct type *const *part, uint32_t n)
{
    const struct type **parts = zone_alloc(z, n * sizeof(*parts));
    struct type *t = zone_alloc(z, sizeof(*t));
    uint32_t nodes = 1;

    for (uint32_t i = 0; i < n; i++) {
        parts[i] = part[i];
        nodes += type_nodes(part[i]);
    }
    if (nodes > TYPE_NODES_MAX)
        return NULL;
    t->kind = kind;
    t->parts_cnt = n;
    t->part = parts;
    return type_leaves(t) > TYPE_LEAVES_MAX ? NULL : t;
}

const struct type *type_tuple(struct zone *z, const struct type *const *part, uint32_t n)
{
    if (n == 0 || n > TYPE_PARTS_MAX)
        return NULL;
    return type_make(z, TYPE_TUPLE, part, n);
}

const struct type *type_record(struct zone *z, const struct type *const *part,
                               const char *const *name, uint32_t n)
{
    struct type *t = (struct type *)type_tuple(z, part, n);

    if (!t)
        return NULL;
    const char **names = zone_alloc(z, n * sizeof(*names));
    for (uint32_t i = 0; i < n; i++)
        names[i] = name[i];
    t->name = names;
    return t;
}

const struct type *type_list(struct zone *z, const struct type *elem)
{
    return type_make(z, TYPE_LIST, &elem, 1);
}

const struct type *type_value(const struct type *t)
{
    while (t->kind == TYPE_TUPLE && t->name && t->parts_cnt == 1)
        t = t->part[0];
    return t;
}

bool type_equal(const struct type *a, const struct type *b)
{
    a = type_value(a);
    b = type_value(b);
    if (a == b)
        return true;
    if (a->kind != b->kind || a->parts_cnt != b->parts_cnt)
        return false;
    for (uint32_t i = 0; i < a->parts_cnt; i++)
        if (!type_equal(a->part[i], b->part[i]))
            return false;
    return true;
}

bool type_is_pair(const struct type *t)
{
    return t->kind == TYPE_TUPLE && !t->name && t->parts_cnt == 2;
}

bool type_has_list(const struct type *t)
{
    if (t->kind == TYPE_LIST)
        return true;
    for (uint32_t i = 0; i < t->parts_cnt; i++)
        if (type_has_list(t->part[i]))
            return true;
    return false;
}

uint32_t type_leaves(const struct type *t)
{
    if (t->kind != TYPE_TUPLE)
        return 1;
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->parts_cnt; i++)
        n += type_leaves(t->part[i]);
    return n;
}

const struct type *type_leaf(const struct type *t, uint32_t leaf_idx)
{
    uint32_t i = 0;

    while (t->kind == TYPE_TUPLE) {
        for (i = 0; i < t->parts_cnt; i++) {
            uint32_t n = type_leaves(t->part[i]);
            if (leaf_idx < n)
                break;
            leaf_idx -= n;
        }
        MR_ASSERT(i < t->parts_cnt);
        t = t->part[i];
    }
    MR_ASSERT(leaf_idx == 0);
    return t;
}

uint32_t type_first_leaf(const struct type *t, uint32_t part_idx)
{
    uint32_t n = 0;

    MR_ASSERT(t->kind == TYPE_TUPLE);
    MR_ASSERT(part_idx < t->parts_cnt);
    for (uint32_t i = 0; i < part_idx; i++)
        n += type_leaves(t->part[i]);
    return n;
}

/* FNV-1a over the tree in preorder: of each node its kind, of tuples the number of parts too. */
static uint64_t hash_node(uint64_t h, const struct type *t)
{
    t = type_value(t);
    h = (h ^ (uint64_t)t->kind) * 0x100000001b3u;
    if (t->kind == TYPE_TUPLE)
        h = (h ^ t->parts_cnt) * 0x100000001b3u;
    for (uint32_t i = 0; i < t->parts_cnt; i++)
        h = hash_node(h, t->part[i]);
    return h;
}

uint64_t type_hash(const struct type *t)
{
    return hash_node(0xcbf29ce484222325u, t);
}

struct printer {
    char *buf;
    size_t bytes, len;
};

__attribute__((format(printf, 2, 3))) static void put(struct printer *p, const char *fmt, ...)
{
    bool room = p->len < p->bytes;
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(room ? p->buf + p->len : NULL, room ? p->bytes - p->len : 0, fmt, ap);
    va_end(ap);
    p->len += (size_t)n;
}

static void print_node(struct printer *p, const struct type *t)
{
    if (t->kind == TYPE_LIST) {
        put(p, "list(");
        print_node(p, t->part[0]);
        put(p, ")");
    } else if (t->kind == TYPE_TUPLE) {
        for (uint32_t i = 0; i < t->parts_cnt; i++) {
            put(p, "%s", i ? ", " : "(");
            if (t->name)
                put(p, "%s: ", t->name[i]);
            print_node(p, t->part[i]);
        }
        put(p, ")");
    } else {
        put(p, "%s", kind_name[t->kind]);
    }
}

int type_print(const struct type *t, char *buf, size_t bytes)
{
    struct printer p = {buf, bytes, 0};

    print_node(&p, t);
    return (int)p.len;
}
