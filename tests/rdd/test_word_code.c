// Lambdas as steps, held to the evaluator: random expressions over random words.

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "rdd/word_code.h"
#include "tests/rdd/expr_harness.h"

#define LEAVES 3u // of each of two parameters: int, int, bool
#define ROWS   64u

struct fixture {
    struct prng prng;
    struct zone zone;
    struct lambda l;
    struct expr *leaf[LEAVES];
    int64_t word[2 * LEAVES][ROWS];
    bool nothing_fails; // of what is made now
};

static struct expr *make_bool(struct fixture *f, uint32_t depth);

static struct expr *call(struct fixture *f, const char *name, enum fn_kind kind, struct expr *a,
                         struct expr *b)
{
    return expr_call(&f->zone, name, kind, b ? 2 : 1, (struct expr *[]){a, b});
}

static const char *pick(struct fixture *f, const char *const *name, uint32_t cnt)
{
    return name[prng_below(&f->prng, cnt)];
}

static struct expr *make_int(struct fixture *f, uint32_t depth)
{
    static const char *const sign[] = {"+", "-", "*", "/", "%"}, *const chosen[] = {"min", "max"};
    uint64_t leaf = prng_below(&f->prng, 2 * LEAVES);

    switch (depth ? prng_below(&f->prng, f->nothing_fails ? 4 : 8) : prng_below(&f->prng, 2)) {
    case 0: return expr_int(&f->zone, gen_int(&f->prng, &f->zone).i);
    case 1: return expr_col(&f->zone, &type_int, (uint32_t)(leaf / LEAVES * LEAVES + leaf % 2));
    case 2:
        return call(f, pick(f, chosen, 2), FN_CALL, make_int(f, depth - 1), make_int(f, depth - 1));
    case 3: {
        bool before = f->nothing_fails;
        struct expr *cond = make_bool(f, depth - 1);
        f->nothing_fails = true;
        struct expr *a = make_int(f, depth - 1), *b = make_int(f, depth - 1);
        f->nothing_fails = before;
        return expr_if(&f->zone, cond, a, b);
    }
    case 4: return call(f, "-", FN_PREFIX, make_int(f, depth - 1), NULL);
    case 5: return call(f, "abs", FN_CALL, make_int(f, depth - 1), NULL);
    default:
        return call(f, pick(f, sign, 5), FN_INFIX, make_int(f, depth - 1), make_int(f, depth - 1));
    }
}

static struct expr *make_bool(struct fixture *f, uint32_t depth)
{
    static const char *const sign[] = {"==", "!=", "<", "<=", ">", ">="};

    switch (depth ? prng_below(&f->prng, 5) : 0) {
    case 0: return expr_col(&f->zone, &type_bool, prng_chance(&f->prng, 50) ? 2 : LEAVES + 2);
    case 1: return call(f, "!", FN_PREFIX, make_bool(f, depth - 1), NULL);
    case 2:
    case 3: {
        bool before = f->nothing_fails, both = prng_chance(&f->prng, 50);
        struct expr *a = make_bool(f, depth - 1);
        f->nothing_fails = true;
        struct expr *b = make_bool(f, depth - 1);
        f->nothing_fails = before;
        return both ? expr_and(&f->zone, a, b) : expr_or(&f->zone, a, b);
    }
    default:
        return call(f, pick(f, sign, 6), FN_INFIX, make_int(f, depth - 1), make_int(f, depth - 1));
    }
}

static void make_lambda(struct fixture *f)
{
    const struct type *part[LEAVES] = {&type_int, &type_int, &type_bool};
    const struct type *t = type_tuple(&f->zone, part, LEAVES);
    struct place at;
    char err[128];

    for (uint32_t k = 0; k < LEAVES; k++)
        f->leaf[k] = k == 2 ? make_bool(f, 3) : make_int(f, 3);
    f->l = (struct lambda){
        .params_cnt = 2, .param = {t, t}, .result = t, .leaves_cnt = LEAVES, .leaf = f->leaf};
    MR_ASSERT(!lambda_finish(&f->l, &f->zone, &at, err, sizeof err));
    for (uint32_t k = 0; k < 2 * LEAVES; k++)
        for (uint32_t r = 0; r < ROWS; r++)
            f->word[k][r] = k % LEAVES == 2             ? (int64_t)prng_below(&f->prng, 2)
                            : prng_chance(&f->prng, 50) ? gen_small_int(&f->prng, &f->zone).i
                                                        : gen_int(&f->prng, &f->zone).i;
}

// How many rows failed.
static uint32_t check(struct fixture *f, struct word_code *c, struct arena *arena)
{
    struct col in[2 * LEAVES], out[LEAVES];
    uint8_t failed[ROWS] = {0};
    struct eval ev = {.arena = arena, .failed = failed};
    struct vec v = {.rows = ROWS, .cols_cnt = 2 * LEAVES, .col = in, .sel_cnt = ROWS};

    for (uint32_t k = 0; k < 2 * LEAVES; k++)
        in[k] = (struct col){.kind = k % LEAVES == 2 ? TYPE_BOOL : TYPE_INT, .i = f->word[k]};
    arena_reset(arena);
    lambda_eval(&ev, &f->l, &v, out);
    for (uint32_t r = 0; r < ROWS; r++) {
        for (uint32_t k = 0; k < 2 * LEAVES; k++)
            c->slot[k] = f->word[k][r];
        EXPECT_EQ_INT(word_code_run(c), !failed[r]);
        for (uint32_t k = 0; k < LEAVES && !failed[r]; k++)
            EXPECT_EQ_INT(c->slot[c->result[k]], out[k].i[r]);
    }
    return ev.failed_cnt;
}

TEST(word_code, computes_what_the_evaluator_does)
{
    static _Alignas(ARENA_ALIGN) uint8_t memory[1 << 20];
    uint32_t made = 0, failed = 0;
    struct arena arena;

    arena_init(&arena, memory, sizeof memory);
    for (uint32_t i = 0; i < 2000; i++) {
        struct fixture f = {.prng = prng_of(prng_seed(1) * 5000 + i)};
        struct word_code c;
        make_lambda(&f);
        if (word_code_make(&c, &f.l)) {
            made++;
            failed += check(&f, &c, &arena);
        }
        lambda_release(&f.l);
        zone_free(&f.zone);
    }
    EXPECT(made > 1000 && failed > 1000 && failed < made * ROWS);
}

// What is not words, and what must not be computed for every row, is not made into steps.
TEST(word_code, leaves_other_lambdas_alone)
{
    struct zone z = {NULL};
    struct expr *a = expr_col(&z, &type_int, 0), *b = expr_col(&z, &type_int, 1), *leaf;
    struct expr *quotient = expr_call(&z, "/", FN_INFIX, 2, (struct expr *[]){a, b});
    struct expr *zero = expr_call(&z, "==", FN_INFIX, 2, (struct expr *[]){b, expr_int(&z, 0)});
    struct expr *text = expr_call(&z, "toString", FN_CALL, 1, &a);
    struct expr *other[] = {expr_if(&z, zero, a, quotient),
                            expr_call(&z, "length", FN_CALL, 1, &text),
                            expr_call(&z, "hash", FN_CALL, 1, &a)};
    struct lambda l = {.params_cnt = 2,
                       .param = {&type_int, &type_int},
                       .result = &type_int,
                       .leaves_cnt = 1,
                       .leaf = &leaf};

    for (uint32_t i = 0; i < 3; i++) {
        struct word_code c;
        struct place at;
        char err[128];
        leaf = other[i];
        MR_ASSERT(!lambda_finish(&l, &z, &at, err, sizeof err));
        EXPECT(!word_code_make(&c, &l));
        lambda_release(&l);
    }
    zone_free(&z);
}
