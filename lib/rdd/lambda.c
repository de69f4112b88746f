#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "rdd/expr.h"

/*
 * Making a lambda ready: constants are folded by running their kernels on one row, so that a
 * folded value is the value; calls are prepared; literals get their column of copies. A constant
 * that fails (1 / 0) stays a call, and fails the rows that reach it.
 */

#define FOLD_BYTES 65536u

struct finish {
    struct lambda *lambda;
    struct zone *zone;
    void *scratch; /* FOLD_BYTES for folding */
    struct place *at;
    char *err;
    size_t err_bytes;
};

static void splat(struct expr *e, struct zone *z, uint32_t rows)
{
    struct col *c = &e->splat;

    c->kind = e->type->kind;
    switch (c->kind) {
    case TYPE_STRING:
        c->s.base = (const uint8_t *)e->lit.s;
        c->s.off = zone_alloc(z, rows * sizeof *c->s.off);
        c->s.len = zone_alloc(z, rows * sizeof *c->s.len);
        for (uint32_t i = 0; i < rows; i++)
            c->s.len[i] = e->lit.s_len;
        break;
    case TYPE_FLOAT:
        c->f = zone_alloc(z, rows * sizeof *c->f);
        for (uint32_t i = 0; i < rows; i++)
            c->f[i] = e->lit.f;
        break;
    case TYPE_IP:
        c->ip = zone_alloc(z, rows * sizeof *c->ip);
        for (uint32_t i = 0; i < rows; i++)
            c->ip[i] = e->lit.ip;
        break;
    default:
        c->i = zone_alloc(z, rows * sizeof *c->i);
        for (uint32_t i = 0; i < rows; i++)
            c->i[i] = e->lit.i;
        break;
    }
}

static bool is_literal(const struct expr *e)
{
    return e->op == EXPR_LIT;
}

/* The literal that row 0 of a column is. */
static struct expr *literal_of(struct zone *z, const struct expr *e, const struct col *c)
{
    struct expr *lit = zone_alloc(z, sizeof *lit);

    lit->op = EXPR_LIT;
    lit->type = e->type;
    lit->at = e->at;
    lit->total = true;
    switch (c->kind) {
    case TYPE_STRING:
        lit->lit.s_len = c->s.len[0];
        lit->lit.s = zone_strndup(z, (const char *)c->s.base + c->s.off[0], c->s.len[0]);
        break;
    case TYPE_FLOAT: lit->lit.f = c->f[0]; break;
    case TYPE_IP: lit->lit.ip = c->ip[0]; break;
    default: lit->lit.i = c->i[0]; break;
    }
    splat(lit, z, 1);
    return lit;
}

static struct expr *fold_call(struct finish *f, struct expr *e)
{
    struct expr *root = e;
    struct lambda l = {.leaves_cnt = 1, .leaf = &root};
    struct vec row = {.rows = 1, .sel_cnt = 1};
    struct arena arena;
    uint8_t failed = 0;
    struct eval ev = {.arena = &arena, .failed = &failed};
    struct col c;

    if (e->type->kind == TYPE_LIST)
        return e;
    for (uint32_t i = 0; i < e->args_cnt; i++)
        if (!is_literal(e->arg[i]))
            return e;
    arena_init(&arena, f->scratch, FOLD_BYTES);
    lambda_eval(&ev, &l, &row, &c);
    return ev.no_memory || failed ? e : literal_of(f->zone, e, &c);
}

/* && and || with a literal on one side, ?: with a literal condition. A right side that is
 * never reached goes with what would have failed in it; a left side stays. */
static struct expr *fold_logic(struct expr *e)
{
    struct expr *a = e->arg[0], *b = e->arg[1];

    if (e->op == EXPR_IF)
        return is_literal(a) ? (a->lit.i ? b : e->arg[2]) : e;
    bool neutral = e->op == EXPR_AND;
    if (is_literal(a))
        return (a->lit.i != 0) == neutral ? b : a;
    return is_literal(b) && (b->lit.i != 0) == neutral ? a : e;
}

static int prepare(struct finish *f, struct expr *e)
{
    if (!e->fn->prepare || e->prepared)
        return 0;
    int rc = e->fn->prepare(e, f->zone, f->err, f->err_bytes);
    if (rc) {
        *f->at = e->at;
    } else if (e->prepared && e->fn->release) {
        e->next_held = f->lambda->held;
        f->lambda->held = e;
    }
    return rc;
}

/* Folds *p and what is under it; a literal that comes out has a splat of one row. */
static int fold(struct finish *f, struct expr **p)
{
    struct expr *e = *p;
    int rc;

    e->total = true;
    if (is_literal(e)) {
        splat(e, f->zone, 1);
        return 0;
    }
    for (uint32_t i = 0; i < e->args_cnt; i++) {
        rc = fold(f, &e->arg[i]);
        if (rc)
            return rc;
        e->total &= e->arg[i]->total;
    }
    if (e->op == EXPR_CALL) {
        e->total &= e->fn->total;
        rc = prepare(f, e);
        if (rc)
            return rc;
        *p = fold_call(f, e);
    } else if (e->op != EXPR_COL) {
        *p = fold_logic(e);
    }
    return 0;
}

static void splat_literals(struct expr *e, struct zone *z)
{
    if (is_literal(e))
        splat(e, z, VEC_ROWS_MAX);
    for (uint32_t i = 0; i < e->args_cnt; i++)
        splat_literals(e->arg[i], z);
}

int lambda_finish(struct lambda *l, struct zone *z, struct place *at, char *err, size_t err_bytes)
{
    struct finish f = {l, z, aligned_alloc(ARENA_ALIGN, FOLD_BYTES), at, err, err_bytes};
    int rc = 0;

    MR_ASSERT(f.scratch != NULL);
    for (uint32_t i = 0; i < l->leaves_cnt && !rc; i++)
        rc = fold(&f, &l->leaf[i]);
    for (uint32_t i = 0; i < l->leaves_cnt && !rc; i++)
        splat_literals(l->leaf[i], z);
    free(f.scratch);
    return rc;
}

static bool expr_reads(const struct expr *e, uint32_t col)
{
    if (e->op == EXPR_COL)
        return e->col == col;
    for (uint32_t i = 0; i < e->args_cnt; i++)
        if (expr_reads(e->arg[i], col))
            return true;
    return false;
}

bool lambda_reads(const struct lambda *l, uint32_t col)
{
    for (uint32_t i = 0; i < l->leaves_cnt; i++)
        if (expr_reads(l->leaf[i], col))
            return true;
    return false;
}

void lambda_release(struct lambda *l)
{
    for (struct expr *e = l->held; e; e = e->next_held) {
        e->fn->release(e);
        e->prepared = NULL;
    }
    l->held = NULL;
}
