#include "tests/common/ref_expr.h"

#include <stdlib.h>

#include "base/assert.h"

#define KERNEL_ARENA_BYTES (4u << 20)

static struct ref_val literal(const struct expr *e)
{
    switch (e->type->kind) {
    case TYPE_FLOAT: return ref_float(e->lit.f);
    case TYPE_IP: return ref_ip(e->lit.ip);
    case TYPE_STRING: return ref_bytes(e->lit.s, e->lit.s_len);
    default: return (struct ref_val){.kind = e->type->kind, .i = e->lit.i};
    }
}

static bool eval_call(const struct ref_env *env, const struct expr *e, struct ref_val *out)
{
    struct ref_val arg[FN_ARGS_MAX];
    for (uint32_t i = 0; i < e->args_cnt; i++)
        if (!ref_eval(env, e->arg[i], &arg[i]))
            return false;
    ref_function own = ref_find(e->fn);
    out->kind = e->type->kind;
    return own ? own(env->zone, arg, out) : ref_run_kernel(env->zone, e, arg, out);
}

bool ref_eval(const struct ref_env *env, const struct expr *e, struct ref_val *out)
{
    struct ref_val a;
    switch (e->op) {
    case EXPR_LIT: *out = literal(e); return true;
    case EXPR_COL: *out = env->leaf[e->col]; return true;
    case EXPR_CALL: return eval_call(env, e, out);
    case EXPR_AND:
    case EXPR_OR:
        if (!ref_eval(env, e->arg[0], &a))
            return false;
        if ((a.i != 0) == (e->op == EXPR_OR)) {
            *out = a;
            return true;
        }
        return ref_eval(env, e->arg[1], out);
    case EXPR_IF: return ref_eval(env, e->arg[0], &a) && ref_eval(env, e->arg[a.i ? 1 : 2], out);
    }
    return false;
}

bool ref_lambda(const struct ref_env *env, const struct lambda *l, struct ref_val *out)
{
    for (uint32_t i = 0; i < l->leaves_cnt; i++)
        if (!ref_eval(env, l->leaf[i], &out[i]))
            return false;
    return true;
}

// ---- kernels over one row ----

static void to_col(struct col *c, const struct ref_val *v, struct arena *a)
{
    int rc = col_alloc(c, v->kind, 1, a);
    MR_ASSERT(rc == 0);
    switch (v->kind) {
    case TYPE_FLOAT: c->f[0] = v->f; break;
    case TYPE_IP: c->ip[0] = v->ip; break;
    case TYPE_STRING:
        c->s.base = v->s.len ? v->s.bytes : (const uint8_t *)"";
        c->s.off[0] = 0;
        c->s.len[0] = v->s.len;
        break;
    case TYPE_LIST: MR_ASSERT(!"functions of lists are the reference's own"); break;
    default: c->i[0] = v->i; break;
    }
}

bool ref_run_kernel(struct zone *z, const struct expr *call, const struct ref_val *arg,
                    struct ref_val *out)
{
    void *memory = aligned_alloc(ARENA_ALIGN, KERNEL_ARENA_BYTES);
    struct col cols[FN_ARGS_MAX], result;
    struct arena a;
    uint8_t failed = 0;
    arena_init(&a, memory, KERNEL_ARENA_BYTES);
    struct eval ev = {.arena = &a, .rows = 1, .sel_cnt = 1, .failed = &failed};
    for (uint32_t i = 0; i < call->args_cnt; i++)
        to_col(&cols[i], &arg[i], &a);
    int rc = col_alloc(&result, call->type->kind, 1, &a);
    MR_ASSERT(rc == 0);
    call->fn->kernel(&ev, call, cols, &result);
    MR_ASSERT(!ev.no_memory);
    if (!failed)
        *out = ref_of_col(z, &result, 0);
    free(memory);
    return !failed;
}
