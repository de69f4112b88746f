#include "tests/rdd/expr_harness.h"

#include "base/arena.h"
#include "base/simd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ARENA_BYTES (4u << 20)
#define ROUNDS      12

// --- columns -------------------------------------------------------------------------------------

static void make_strings(struct test_col *t, const struct val *v, uint32_t n, enum layout layout,
                         struct prng *p)
{
    uint32_t *off = t->col.s.off, *len = t->col.s.len, at = 0;

    // Where each string goes; shuffled: the last first.
    for (uint32_t k = 0; k < n; k++) {
        uint32_t r = layout == LAYOUT_SHUFFLED ? n - 1 - k : k;
        off[r] = at;
        len[r] = v[r].len;
        at += v[r].len;
        if (k + 1 < n && layout == LAYOUT_LINES)
            at++;
        else if (k + 1 < n && layout != LAYOUT_TOUCHING)
            at += (uint32_t)prng_below(p, prng_chance(p, 10) ? 200 : 5);
    }
    uint8_t *bytes = malloc(at ? at : 1);
    for (uint32_t i = 0; i < at; i++)
        bytes[i] = layout == LAYOUT_LINES ? '\n' : (uint8_t) "ab \nxc"[prng_below(p, 6)];
    for (uint32_t r = 0; r < n; r++)
        if (len[r])
            memcpy(bytes + off[r], v[r].s, len[r]);
    t->col.s.base = t->memory[2] = bytes;
}

void col_make(struct test_col *t, const struct val *v, uint32_t n, enum layout layout,
              struct prng *p)
{
    *t = (struct test_col){.col.kind = v[0].kind};
    if (v[0].kind == TYPE_STRING) {
        t->col.s.off = t->memory[0] = malloc(n * sizeof *t->col.s.off);
        t->col.s.len = t->memory[1] = malloc(n * sizeof *t->col.s.len);
        make_strings(t, v, n, layout, p);
        return;
    }
    t->col.ip = t->memory[0] = malloc(n * sizeof(struct ip));
    for (uint32_t r = 0; r < n; r++) {
        switch (v[0].kind) {
        case TYPE_FLOAT: t->col.f[r] = v[r].f; break;
        case TYPE_IP: t->col.ip[r] = v[r].ip; break;
        default: t->col.i[r] = v[r].i; break;
        }
    }
}

void col_free(struct test_col *t)
{
    for (int i = 0; i < 3; i++)
        free(t->memory[i]);
}

const uint16_t *sel_random(struct prng *p, uint32_t n, uint16_t *sel, uint32_t *cnt)
{
    unsigned percent = (unsigned[]){100, 50, 10, 95, 0}[prng_below(p, 5)];

    *cnt = n;
    if (percent == 100)
        return NULL;
    *cnt = 0;
    for (uint32_t r = 0; r < n; r++)
        if (prng_chance(p, percent))
            sel[(*cnt)++] = (uint16_t)r;
    return sel;
}

// --- functions -----------------------------------------------------------------------------------

static _Alignas(ARENA_ALIGN) uint8_t arena_memory[ARENA_BYTES];

static int level_next;

void simd_first(void)
{
    level_next = SIMD_SCALAR;
}

bool simd_next(void)
{
    while (level_next < SIMD_AUTO)
        if (simd_init((enum simd_level)level_next++) == 0)
            return true;
    simd_init(SIMD_SCALAR);
    return false;
}

static struct expr *literal(struct zone *z, const struct val *v)
{
    struct expr *e;

    switch (v->kind) {
    case TYPE_FLOAT: return expr_float(z, v->f);
    case TYPE_BOOL: return expr_bool(z, v->i);
    case TYPE_STRING: return expr_string(z, (const char *)v->s, v->len);
    case TYPE_IP: return expr_ip(z, v->ip);
    default:
        e = expr_int(z, v->i);
        e->type = type_scalar(v->kind);
        return e;
    }
}

// One evaluation: rows of values as columns and literals, through the kernel and the reference.
struct run {
    struct zone zone;
    struct arena arena;
    struct lambda lambda;
    struct expr *leaf;
    uint32_t args_cnt, rows;
    struct val *arg[FN_ARGS_MAX]; // rows of them
    bool literal[FN_ARGS_MAX];
    struct test_col col[FN_ARGS_MAX];
};

static int run_build(struct run *r, const char *name, enum fn_kind kind, struct prng *p)
{
    struct expr *arg[FN_ARGS_MAX];
    struct place at;
    char err[256];

    for (uint32_t i = 0; i < r->args_cnt; i++) {
        if (r->literal[i])
            arg[i] = literal(&r->zone, &r->arg[i][0]);
        else
            arg[i] = expr_col(&r->zone, type_scalar(r->arg[i][0].kind), i);
        col_make(&r->col[i], r->arg[i], r->rows, (enum layout)prng_below(p, LAYOUTS_CNT), p);
    }
    r->leaf = expr_call(&r->zone, name, kind, r->args_cnt, arg);
    if (!r->leaf)
        return -ENOENT;
    r->lambda = (struct lambda){.params_cnt = 1, .leaves_cnt = 1, .leaf = &r->leaf};
    return lambda_finish(&r->lambda, &r->zone, &at, err, sizeof err);
}

static void run_row(struct run *r, const char *name, ref_fn ref, uint32_t row,
                    const struct col *out, bool failed)
{
    struct val arg[FN_ARGS_MAX], want = {0};
    char why[2048];

    for (uint32_t i = 0; i < r->args_cnt; i++)
        arg[i] = r->arg[i][row];
    bool good = ref(arg, &want, &r->zone);
    struct val got = val_of(out, row, &r->zone);
    if (good == !failed && (!good || val_same(&got, &want)))
        return;
    snprintf(why, sizeof why, "%s(%s%s%s) is %s%s, expected %s%s, simd %s", name, val_text(&arg[0]),
             r->args_cnt > 1 ? ", " : "", r->args_cnt > 1 ? val_text(&arg[1]) : "",
             failed ? "failed " : "", val_text(&got), good ? "" : "to fail ", val_text(&want),
             simd_level_name(simd_level));
    TEST_FAIL(why);
}

static void run_eval(struct run *r, const char *name, ref_fn ref, const uint16_t *sel,
                     uint32_t sel_cnt)
{
    struct col col[FN_ARGS_MAX], out;
    struct vec in = {
        .rows = r->rows, .cols_cnt = r->args_cnt, .col = col, .sel = sel, .sel_cnt = sel_cnt};
    uint8_t failed[VEC_ROWS_MAX] = {0};
    struct eval ev = {.arena = &r->arena, .failed = failed};
    uint32_t failed_cnt = 0;

    for (uint32_t i = 0; i < r->args_cnt; i++)
        col[i] = r->col[i].col;
    arena_reset(&r->arena);
    lambda_eval(&ev, &r->lambda, &in, &out);
    EXPECT(!ev.no_memory);
    for (uint32_t i = 0; i < sel_cnt; i++) {
        uint32_t row = vec_row(&in, i);
        run_row(r, name, ref, row, &out, failed[row]);
        failed_cnt += failed[row];
    }
    EXPECT_EQ_INT(ev.failed_cnt, failed_cnt);
}

static void run_free(struct run *r)
{
    lambda_release(&r->lambda);
    for (uint32_t i = 0; i < r->args_cnt; i++)
        col_free(&r->col[i]);
    zone_free(&r->zone);
}

static void run_random(const char *name, enum fn_kind kind, const struct arg *arg, ref_fn ref,
                       struct prng *p)
{
    struct run r = {0};
    uint16_t sel[VEC_ROWS_MAX];
    uint32_t sel_cnt;

    arena_init(&r.arena, arena_memory, sizeof arena_memory);
    r.rows = 1 + (uint32_t)prng_below(p, prng_chance(p, 50) ? 40 : VEC_ROWS_MAX);
    for (; arg[r.args_cnt].gen; r.args_cnt++) {
        uint32_t i = r.args_cnt;
        r.literal[i] = arg[i].literal == 1 || (arg[i].literal == 2 && prng_chance(p, 50));
        r.arg[i] = zone_alloc(&r.zone, r.rows * sizeof(struct val));
        for (uint32_t row = 0; row < r.rows; row++)
            r.arg[i][row] = r.literal[i] && row ? r.arg[i][0] : arg[i].gen(p, &r.zone);
    }
    // A literal that prepare refuses (an empty separator) is another test's business.
    int rc = run_build(&r, name, kind, p);
    EXPECT(rc != -ENOENT);
    if (rc == 0) {
        const uint16_t *chosen = sel_random(p, r.rows, sel, &sel_cnt);
        for (simd_first(); simd_next();)
            run_eval(&r, name, ref, chosen, sel_cnt);
    }
    run_free(&r);
}

void check_fn(const char *name, enum fn_kind kind, const struct arg *arg, ref_fn ref)
{
    static uint64_t calls_cnt;
    struct prng p = prng_of(prng_seed(1) + calls_cnt++);

    for (int i = 0; i < ROUNDS; i++)
        run_random(name, kind, arg, ref, &p);
}

static const struct val *case_want;

static bool ref_case(const struct val *arg, struct val *out, struct zone *z)
{
    (void)arg;
    (void)z;
    if (case_want)
        *out = *case_want;
    return case_want != NULL;
}

void check_case(const char *name, enum fn_kind kind, const struct val *arg, uint32_t args_cnt,
                const struct val *want)
{
    struct prng p = prng_of(1);

    case_want = want;
    // Bit i of the mask: argument i is a literal.
    for (uint32_t mask = 0; mask < 1u << args_cnt; mask++) {
        struct run r = {.rows = 1};
        arena_init(&r.arena, arena_memory, sizeof arena_memory);
        r.args_cnt = args_cnt;
        for (uint32_t i = 0; i < args_cnt; i++) {
            r.literal[i] = mask >> i & 1;
            r.arg[i] = zone_alloc(&r.zone, sizeof(struct val));
            *r.arg[i] = arg[i];
        }
        int rc = run_build(&r, name, kind, &p);
        // Some arguments must be literals.
        EXPECT(rc == 0 || mask + 1 < 1u << args_cnt);
        if (rc == 0)
            for (simd_first(); simd_next();)
                run_eval(&r, name, ref_case, NULL, 1);
        run_free(&r);
    }
}
