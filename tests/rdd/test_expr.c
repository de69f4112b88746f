#include "tests/rdd/expr_harness.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ARENA_BYTES (1u << 20)

// --- the table -----------------------------------------------------------------------------------

TEST(expr, every_function_is_described_once)
{
    for (uint32_t i = 0; i < fn_table_cnt; i++) {
        const struct fn *f = &fn_table[i];
        EXPECT(f->name && f->doc && f->doc[0] && f->kernel);
        EXPECT(f->args_cnt >= 1 && f->args_cnt <= FN_ARGS_MAX);
        EXPECT(fn_result_type(f) != NULL);
        for (uint32_t k = 0; k < f->args_cnt; k++)
            EXPECT(fn_arg_name(f->arg[k])[0] != 0);
        for (uint32_t j = 0; j < i; j++)
            EXPECT(strcmp(fn_table[j].name, f->name) || fn_table[j].kind != f->kind ||
                   fn_table[j].args_cnt != f->args_cnt ||
                   memcmp(fn_table[j].arg, f->arg, f->args_cnt * sizeof *f->arg));
    }
}

TEST(expr, functions_are_found_by_their_arguments)
{
    struct zone z = {0};
    struct expr *i = expr_int(&z, 1), *s = expr_col(&z, &type_string, 0);
    struct expr *t = expr_col(&z, &type_time, 0), *ip = expr_col(&z, &type_ip, 0);
    struct expr *minute = expr_string(&z, "1m", 2), *word = expr_string(&z, "word", 4);
    struct expr *address = expr_string(&z, "10.0.0.1", 8);
    const struct {
        const char *name;
        enum fn_kind kind;
        uint32_t args_cnt;
        struct expr *arg[3];
        const struct type *want; // NULL: there is no such function
    } cases[] = {
        {"+", FN_INFIX, 2, {i, i}, &type_int},
        {"+", FN_CALL, 2, {i, i}, NULL},
        {"+", FN_INFIX, 2, {i, s}, NULL},
        {"+", FN_INFIX, 2, {s, word}, &type_string},
        {"+", FN_INFIX, 2, {s, minute}, &type_string},
        {"+", FN_INFIX, 2, {t, minute}, &type_time},
        {"+", FN_INFIX, 2, {t, word}, NULL},
        {"-", FN_PREFIX, 1, {i}, &type_int},
        {"floor", FN_CALL, 2, {t, minute}, &type_time},
        {"floor", FN_CALL, 2, {t, s}, NULL},
        {"matches", FN_CALL, 2, {s, word}, &type_bool},
        {"matches", FN_CALL, 2, {s, s}, NULL},
        {"==", FN_INFIX, 2, {ip, address}, &type_bool},
        {"==", FN_INFIX, 2, {address, ip}, &type_bool},
        {"==", FN_INFIX, 2, {ip, word}, NULL},
        {"==", FN_INFIX, 2, {ip, s}, NULL},
        {"isV4", FN_CALL, 1, {address}, &type_bool},
        {"nothing", FN_CALL, 1, {i}, NULL},
    };

    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct expr *e = expr_call(&z, cases[k].name, cases[k].kind, cases[k].args_cnt,
                                   (struct expr *const *)cases[k].arg);
        EXPECT_EQ_INT(e != NULL, cases[k].want != NULL);
        EXPECT(!e || type_equal(e->type, cases[k].want));
    }
    zone_free(&z);
}

// --- random trees against an evaluator of one row -----------------------------------------------

#define COLS 6u

struct trees {
    struct prng prng;
    struct zone zone;
    struct val *col[COLS]; // 0, 1: int; 2: bool; 3, 4: string; 5: float
    struct test_col made[COLS];
    uint32_t rows;
};

static const enum type_kind col_kind[COLS] = {TYPE_INT,    TYPE_INT,    TYPE_BOOL,
                                              TYPE_STRING, TYPE_STRING, TYPE_FLOAT};

static struct expr *tree(struct trees *t, enum type_kind kind, int depth);

static struct expr *call(struct trees *t, const char *name, enum fn_kind fk, enum type_kind a,
                         enum type_kind b, int depth)
{
    struct expr *arg[2] = {tree(t, a, depth - 1), NULL};

    if (b != TYPE_TUPLE)
        arg[1] = tree(t, b, depth - 1);
    struct expr *e = expr_call(&t->zone, name, fk, arg[1] ? 2 : 1, arg);
    EXPECT(e != NULL);
    return e;
}

static struct expr *leaf(struct trees *t, enum type_kind kind)
{
    struct zone *z = &t->zone;
    struct val v;

    if (prng_chance(&t->prng, 60)) {
        uint32_t c = (uint32_t)prng_below(&t->prng, COLS);
        while (col_kind[c] != kind)
            c = (c + 1) % COLS;
        return expr_col(z, type_scalar(kind), c);
    }
    switch (kind) {
    case TYPE_BOOL: return expr_bool(z, prng_chance(&t->prng, 50));
    case TYPE_FLOAT: return expr_float(z, gen_float(&t->prng, z).f);
    case TYPE_STRING: v = gen_number(&t->prng, z); return expr_string(z, (const char *)v.s, v.len);
    default: return expr_int(z, gen_small_int(&t->prng, z).i);
    }
}

static struct expr *tree(struct trees *t, enum type_kind kind, int depth)
{
    static const char *const arith[] = {"+", "-", "*", "/", "%"};
    static const char *const compare[] = {"==", "!=", "<", "<=", ">", ">="};
    const char *sign = arith[prng_below(&t->prng, 5)];
    const char *cmp = compare[prng_below(&t->prng, 6)];
    enum type_kind any = col_kind[prng_below(&t->prng, COLS)];

    if (depth == 0 || prng_chance(&t->prng, 15))
        return leaf(t, kind);
    if (prng_chance(&t->prng, 20))
        return expr_if(&t->zone, tree(t, TYPE_BOOL, depth - 1), tree(t, kind, depth - 1),
                       tree(t, kind, depth - 1));
    switch (kind) {
    case TYPE_BOOL:
        switch (prng_below(&t->prng, 4)) {
        case 0: return call(t, "!", FN_PREFIX, TYPE_BOOL, TYPE_TUPLE, depth);
        case 1:
            return expr_and(&t->zone, tree(t, TYPE_BOOL, depth - 1), tree(t, TYPE_BOOL, depth - 1));
        case 2:
            return expr_or(&t->zone, tree(t, TYPE_BOOL, depth - 1), tree(t, TYPE_BOOL, depth - 1));
        default: return call(t, cmp, FN_INFIX, any, any, depth);
        }
    case TYPE_STRING:
        return prng_chance(&t->prng, 50)
                   ? call(t, "+", FN_INFIX, TYPE_STRING, TYPE_STRING, depth)
                   : call(t, "toString", FN_CALL, TYPE_INT, TYPE_TUPLE, depth);
    case TYPE_FLOAT: return call(t, sign, FN_INFIX, TYPE_FLOAT, TYPE_FLOAT, depth);
    default:
        return prng_chance(&t->prng, 30) ? call(t, "toInt", FN_CALL, TYPE_STRING, TYPE_TUPLE, depth)
                                         : call(t, sign, FN_INFIX, TYPE_INT, TYPE_INT, depth);
    }
}

// One call on one row, by the kernel itself: what is tested here is the walk over the tree.
static bool call_row(const struct expr *e, const struct val *arg, struct val *out, struct zone *z)
{
    static uint8_t memory[1 << 16] __attribute__((aligned(64)));
    struct expr *node = zone_alloc(z, sizeof *node);
    struct test_col made[2];
    struct col col[2];
    struct prng p = prng_of(1);
    struct arena a;
    struct vec in = {.rows = 1, .cols_cnt = e->args_cnt, .col = col, .sel_cnt = 1};
    struct lambda l = {.params_cnt = 1, .leaves_cnt = 1, .leaf = &node};
    uint8_t failed = 0;
    struct eval ev = {.arena = &a, .failed = &failed};
    struct col result;

    *node = *e;
    node->prepared = NULL;
    for (uint32_t i = 0; i < e->args_cnt; i++) {
        col_make(&made[i], &arg[i], 1, LAYOUT_LINES, &p);
        col[i] = made[i].col;
        node->arg[i] = expr_col(z, e->arg[i]->type, i);
    }
    arena_init(&a, memory, sizeof memory);
    lambda_eval(&ev, &l, &in, &result);
    *out = val_of(&result, 0, z);
    if (out->kind == TYPE_STRING)
        out->s = (const uint8_t *)zone_strndup(z, (const char *)out->s, out->len);
    for (uint32_t i = 0; i < e->args_cnt; i++)
        col_free(&made[i]);
    return !failed;
}

static bool eval_row(struct trees *t, const struct expr *e, uint32_t row, struct val *out)
{
    struct val arg[FN_ARGS_MAX];

    switch (e->op) {
    case EXPR_COL: *out = t->col[e->col][row]; return true;
    case EXPR_LIT:
        *out = (struct val){.kind = e->type->kind,
                            .i = e->lit.i,
                            .f = e->lit.f,
                            .s = (const uint8_t *)e->lit.s,
                            .len = e->lit.s_len};
        return true;
    case EXPR_CALL:
        for (uint32_t i = 0; i < e->args_cnt; i++)
            if (!eval_row(t, e->arg[i], row, &arg[i]))
                return false;
        return call_row(e, arg, out, &t->zone);
    default: break;
    }
    if (!eval_row(t, e->arg[0], row, out))
        return false;
    if (e->op == EXPR_IF)
        return eval_row(t, e->arg[out->i ? 1 : 2], row, out);
    if ((out->i != 0) == (e->op == EXPR_OR))
        return true;
    return eval_row(t, e->arg[1], row, out);
}

static void check_tree(struct trees *t, struct arena *a, const struct lambda *l,
                       struct expr *const *plain)
{
    uint16_t sel[VEC_ROWS_MAX];
    uint8_t failed[VEC_ROWS_MAX] = {0};
    struct col in_col[COLS], out[2];
    struct vec in = {.rows = t->rows, .cols_cnt = COLS, .col = in_col};
    struct eval ev = {.arena = a, .failed = failed};

    for (uint32_t i = 0; i < COLS; i++)
        in_col[i] = t->made[i].col;
    in.sel = sel_random(&t->prng, t->rows, sel, &in.sel_cnt);
    arena_reset(a);
    lambda_eval(&ev, l, &in, out);
    EXPECT(!ev.no_memory);
    for (uint32_t i = 0; i < in.sel_cnt; i++) {
        uint32_t r = vec_row(&in, i);
        struct val want[2], got[2];
        bool good = eval_row(t, plain[0], r, &want[0]) && eval_row(t, plain[1], r, &want[1]);
        EXPECT_EQ_INT(failed[r], !good);
        for (uint32_t k = 0; k < 2 && good && !failed[r]; k++) {
            got[k] = val_of(&out[k], r, &t->zone);
            EXPECT(val_same(&got[k], &want[k]));
        }
    }
}

// A copy of the tree from before lambda_finish, which changes it.
static struct expr *tree_copy(struct zone *z, const struct expr *e)
{
    struct expr *c = zone_alloc(z, sizeof *c);

    *c = *e;
    for (uint32_t i = 0; i < e->args_cnt; i++)
        c->arg[i] = tree_copy(z, e->arg[i]);
    return c;
}

TEST(expr, random_trees)
{
    static const val_gen gens[COLS] = {gen_small_int, gen_int,    gen_bool,
                                       gen_number,    gen_number, gen_float};
    void *memory = aligned_alloc(ARENA_ALIGN, ARENA_BYTES);
    struct prng p = prng_of(prng_seed(21));
    struct arena a;

    arena_init(&a, memory, ARENA_BYTES);
    for (int i = 0; i < 150; i++) {
        struct trees t = {.prng = prng_of(prng_u64(&p)), .rows = 1 + (uint32_t)prng_below(&p, 30)};
        struct expr *body[2], *plain[2];
        struct lambda l = {.params_cnt = 1, .leaves_cnt = 2, .leaf = body};
        struct place at;
        char err[128];
        for (uint32_t c = 0; c < COLS; c++) {
            t.col[c] = zone_alloc(&t.zone, t.rows * sizeof(struct val));
            for (uint32_t r = 0; r < t.rows; r++)
                t.col[c][r] = gens[c](&t.prng, &t.zone);
            col_make(&t.made[c], t.col[c], t.rows, LAYOUT_LINES, &t.prng);
        }
        for (int k = 0; k < 2; k++) {
            body[k] = tree(&t, col_kind[prng_below(&p, COLS)], 5);
            plain[k] = tree_copy(&t.zone, body[k]);
        }
        EXPECT_EQ_INT(lambda_finish(&l, &t.zone, &at, err, sizeof err), 0);
        for (int k = 0; k < 4; k++)
            check_tree(&t, &a, &l, plain);
        lambda_release(&l);
        for (uint32_t c = 0; c < COLS; c++)
            col_free(&t.made[c]);
        zone_free(&t.zone);
    }
    free(memory);
}

// --- branches ------------------------------------------------------------------------------------

// c ? split(x) : split(y, ","), and c ? x : y for strings: columns whose bytes lie `apart` bytes
// from each other.
static void check_branches(size_t apart)
{
    uint8_t *map = mmap(NULL, apart + 4096, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    REQUIRE(map != MAP_FAILED);
    void *memory = aligned_alloc(ARENA_ALIGN, ARENA_BYTES);
    struct zone z = {0};
    struct arena a;
    uint32_t off[] = {0, 4, 8, 12}, len[] = {3, 3, 3, 3};
    int64_t cond[] = {1, 0, 0, 1};
    struct col in_col[3] = {{.kind = TYPE_BOOL, .i = cond},
                            {.kind = TYPE_STRING, .s = {map + apart, off, len}},
                            {.kind = TYPE_STRING, .s = {map, off, len}}};
    struct vec in = {.rows = 4, .cols_cnt = 3, .col = in_col, .sel_cnt = 4};
    struct expr *c = expr_col(&z, &type_bool, 0), *x = expr_col(&z, &type_string, 1);
    struct expr *y[] = {expr_col(&z, &type_string, 2), expr_string(&z, ",", 1)};
    struct expr *body[] = {
        expr_if(&z, c, x, y[0]),
        expr_if(&z, c, expr_call(&z, "split", FN_CALL, 1, &x),
                expr_call(&z, "split", FN_CALL, 2, y)),
        expr_call(&z, "min", FN_CALL, 2, (struct expr *[]){x, y[0]}),
    };
    static const char *const want[4][3] = {{"'a,b'", "[1: 'a,b']", "'a,b'"},
                                           {"'p,q'", "[2: 'p' 'q']", "'c d'"},
                                           {"',r '", "[2: '' 'r ']", "'   '"},
                                           {"'gh '", "[1: 'gh']", "'gh '"}};
    struct lambda l = {.params_cnt = 1, .leaves_cnt = 3, .leaf = body};
    uint8_t failed[4] = {0};
    struct eval ev = {.arena = &a, .failed = failed};
    struct place at;
    struct col out[3];
    char err[64];

    memcpy(map + apart, "a,b c d    \ngh ", 15);
    memcpy(map, "x y p,q ,r  zzz", 15);
    arena_init(&a, memory, ARENA_BYTES);
    EXPECT_EQ_INT(lambda_finish(&l, &z, &at, err, sizeof err), 0);
    lambda_eval(&ev, &l, &in, out);
    EXPECT(!ev.no_memory);
    for (uint32_t r = 0; r < 4; r++)
        for (uint32_t k = 0; k < 3; k++) {
            struct val got = val_of(&out[k], r, &z);
            EXPECT_EQ_STR(val_text(&got), want[r][k]);
        }
    zone_free(&z);
    free(memory);
    munmap(map, apart + 4096);
}

TEST(expr, branches_of_strings_and_lists)
{
    check_branches(1024);
    check_branches((size_t)5 << 30);
}

TEST(expr, a_guard_protects)
{
    struct zone z = {0};
    int64_t n[] = {0, 5, 0, 20};
    struct col in_col = {.kind = TYPE_INT, .i = n}, out[3];
    struct vec in = {.rows = 4, .cols_cnt = 1, .col = &in_col, .sel_cnt = 4};
    struct expr *x = expr_col(&z, &type_int, 0), *zero = expr_int(&z, 0), *ten = expr_int(&z, 10);
    struct expr *is_zero = expr_call(&z, "==", FN_INFIX, 2, (struct expr *[]){x, zero});
    struct expr *not_zero = expr_call(&z, "!=", FN_INFIX, 2, (struct expr *[]){x, zero});
    struct expr *share = expr_call(&z, "/", FN_INFIX, 2, (struct expr *[]){ten, x});
    struct expr *large = expr_call(&z, ">", FN_INFIX, 2, (struct expr *[]){share, zero});
    struct expr *body[] = {expr_and(&z, not_zero, large), expr_or(&z, is_zero, large),
                           expr_if(&z, is_zero, ten, share)};
    static const int64_t want[3][4] = {{0, 1, 0, 0}, {1, 1, 1, 0}, {10, 2, 10, 0}};
    struct lambda l = {.params_cnt = 1, .leaves_cnt = 3, .leaf = body};
    void *memory = aligned_alloc(ARENA_ALIGN, ARENA_BYTES);
    struct arena a;
    uint8_t failed[4] = {0};
    struct eval ev = {.arena = &a, .failed = failed};
    struct place at;
    char err[64];

    arena_init(&a, memory, ARENA_BYTES);
    EXPECT_EQ_INT(lambda_finish(&l, &z, &at, err, sizeof err), 0);
    lambda_eval(&ev, &l, &in, out);
    EXPECT_EQ_INT(ev.failed_cnt, 0);
    for (int k = 0; k < 3; k++)
        EXPECT_EQ_MEM(out[k].i, want[k], sizeof want[k]);
    zone_free(&z);
    free(memory);
}

// --- finishing -----------------------------------------------------------------------------------

TEST(expr, constants_are_folded)
{
    struct zone z = {0};
    struct expr *one = expr_int(&z, 1), *two = expr_int(&z, 2), *zero = expr_int(&z, 0);
    struct expr *yes = expr_bool(&z, true), *no = expr_bool(&z, false);
    struct expr *c = expr_col(&z, &type_bool, 0), *word = expr_string(&z, "WORD", 4);
    struct expr *re[] = {word, expr_string(&z, "^W", 2)};
    struct expr *sum = expr_call(&z, "+", FN_INFIX, 2, (struct expr *[]){one, two});
    struct expr *fails = expr_call(&z, "/", FN_INFIX, 2, (struct expr *[]){one, zero});
    struct expr *bad = expr_call(&z, "==", FN_INFIX, 2, (struct expr *[]){fails, one});
    const struct {
        struct expr *e;
        const char *want; // NULL: stays what it is
    } cases[] = {
        {sum, "3"},
        {expr_call(&z, "*", FN_INFIX, 2, (struct expr *[]){sum, sum}), "9"},
        {expr_call(&z, "lower", FN_CALL, 1, &word), "'word'"},
        {expr_call(&z, "matches", FN_CALL, 2, re), "1"},
        {expr_call(&z, "split", FN_CALL, 1, &word), NULL},
        {fails, NULL},
        {expr_and(&z, no, bad), "0"},
        {expr_or(&z, yes, bad), "1"},
        {expr_and(&z, yes, bad), NULL},
        {expr_and(&z, bad, no), NULL},
        {expr_if(&z, yes, one, fails), "1"},
        {expr_and(&z, c, no), NULL},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct expr *e = cases[i].e;
        struct lambda l = {.params_cnt = 1, .leaves_cnt = 1, .leaf = &e};
        struct place at;
        char err[64];
        EXPECT_EQ_INT(lambda_finish(&l, &z, &at, err, sizeof err), 0);
        EXPECT_EQ_INT(e->op == EXPR_LIT, cases[i].want != NULL);
        if (e->op == EXPR_LIT && cases[i].want) {
            struct val got = val_of(&e->splat, VEC_ROWS_MAX - 1, &z);
            EXPECT_EQ_STR(val_text(&got), cases[i].want);
        }
        lambda_release(&l);
    }
    // x && true and true && x are x.
    struct expr *e[] = {expr_and(&z, c, yes), expr_and(&z, yes, c), expr_or(&z, c, no),
                        expr_or(&z, no, c)};
    struct lambda l = {.params_cnt = 1, .leaves_cnt = 4, .leaf = e};
    struct place at;
    char err[64];
    EXPECT_EQ_INT(lambda_finish(&l, &z, &at, err, sizeof err), 0);
    for (int i = 0; i < 4; i++)
        EXPECT(e[i]->op == EXPR_COL);
    zone_free(&z);
}

TEST(expr, reads_only_its_columns)
{
    struct zone z = {0};
    struct expr *arg[] = {expr_col(&z, &type_int, 3), expr_col(&z, &type_int, 5)};
    struct expr *body[] = {expr_int(&z, 1), expr_call(&z, "+", FN_INFIX, 2, arg)};
    struct lambda l = {.params_cnt = 1, .leaves_cnt = 2, .leaf = body};

    for (uint32_t c = 0; c < 8; c++)
        EXPECT_EQ_INT(lambda_reads(&l, c), c == 3 || c == 5);
    zone_free(&z);
}

// An arena of any size too small gives no_memory and touches nothing beyond it.
TEST(expr, full_arena)
{
    struct zone z = {0};
    static const char text[] = "10 alpha,beta 7\n20 gamma 9\n";
    uint32_t off[] = {0, 16}, len[] = {15, 10};
    struct col in_col = {.kind = TYPE_STRING, .s = {(const uint8_t *)text, off, len}}, out[3];
    struct vec in = {.rows = 2, .cols_cnt = 1, .col = &in_col, .sel_cnt = 2};
    struct expr *s = expr_col(&z, &type_string, 0), *sep[] = {s, expr_string(&z, ",", 1)};
    struct expr *needle[] = {s, expr_string(&z, "gamma", 5)};
    struct expr *upper = expr_call(&z, "upper", FN_CALL, 1, &s), *both[] = {upper, s};
    struct expr *body[] = {
        expr_if(&z, expr_call(&z, "contains", FN_CALL, 2, needle),
                expr_call(&z, "split", FN_CALL, 1, &upper),
                expr_call(&z, "split", FN_CALL, 2, sep)),
        expr_call(&z, "+", FN_INFIX, 2, both),
        expr_call(&z, "replace", FN_CALL, 3,
                  (struct expr *[]){s, expr_string(&z, " ", 1), expr_string(&z, "--", 2)}),
    };
    struct lambda l = {.params_cnt = 1, .leaves_cnt = 3, .leaf = body};
    struct place at;
    char err[64];
    int good_cnt = 0;

    EXPECT_EQ_INT(lambda_finish(&l, &z, &at, err, sizeof err), 0);
    for (size_t room = 0; room <= 8192; room += 64) {
        void *memory = aligned_alloc(ARENA_ALIGN, room ? room : 64);
        uint8_t failed[2] = {0};
        struct arena a;
        struct eval ev = {.arena = &a, .failed = failed};
        arena_init(&a, memory, room);
        lambda_eval(&ev, &l, &in, out);
        EXPECT(ev.no_memory == 0 || ev.no_memory == 1);
        if (!ev.no_memory) {
            struct val got = val_of(&out[1], 1, &z);
            EXPECT_EQ_STR(val_text(&got), "'20 GAMMA 920 gamma 9'");
            good_cnt++;
        }
        free(memory);
    }
    EXPECT(good_cnt > 0 && good_cnt < 128);
    zone_free(&z);
}
