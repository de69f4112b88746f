/*
 * Lambdas over words as steps: a lambda whose parameters, result and everything between are ints,
 * bools and times, and whose functions are arithmetic, comparisons and logic, computed for one row
 * at a time.
 *
 * A step reads words of a small array, and writes one: first the leaves of the parameters, then
 * literals and what steps have computed. There is no jump: what the evaluator computes for the rows
 * that reach it alone (expr.h) is not made into steps unless it is total, which makes no difference
 * then. Each step means what its kernel means (fn_arith.c, fn_compare.c, fn_math.c), failures
 * included.
 *
 * For a reduce that folds one value after the other into the row of its key, of which the next one
 * may need the result, this is cheaper than vectors are, for which those must be paired first.
 * Measured (Zen 4, Zipf words, (a + b) % 1000003, perf/bench_micro): 4.8 ns a value, its row loaded
 * and stored; in pairs some 11 ns.
 */
#ifndef RDD_WORD_CODE_H
#define RDD_WORD_CODE_H

#include "rdd/expr.h"

#define WORD_STEPS_MAX 32u
#define WORD_SLOTS_MAX 96u

enum word_step_kind {
    WORD_ADD,
    WORD_SUB,
    WORD_MUL,
    WORD_DIV,
    WORD_MOD,
    WORD_NEG,
    WORD_ABS,
    WORD_MIN,
    WORD_MAX,
    WORD_EQ,
    WORD_NE,
    WORD_LT,
    WORD_LE,
    WORD_GT,
    WORD_GE,
    WORD_NOT,
    WORD_AND,
    WORD_OR,
    WORD_IF,
};

struct word_step {
    uint8_t kind, to, x, y, z;
};

struct word_code {
    uint32_t slots_cnt, steps_cnt;
    struct word_step step[WORD_STEPS_MAX];
    uint8_t result[TYPE_LEAVES_MAX]; /* by leaf: its slot */
    int64_t slot[WORD_SLOTS_MAX];    /* the caller writes the parameters' leaves, from 0 on */
};

/* word_code_make: false if the lambda is not of that kind, or too long. */
bool word_code_make(struct word_code *c, const struct lambda *l);
/* Divisions of 32-bit numbers take a third of the time of 64-bit ones. Both fail where y is 0; a
 * quotient where it does not fit. */
static inline bool word_divide(int64_t x, int64_t y, int64_t *to)
{
    if (!(((uint64_t)x | (uint64_t)y) >> 32) && y) {
        *to = (uint32_t)x / (uint32_t)y;
        return true;
    }
    if (y == 0 || (y == -1 && x == INT64_MIN))
        return false;
    *to = x / y;
    return true;
}

static inline bool word_remain(int64_t x, int64_t y, int64_t *to)
{
    if (!(((uint64_t)x | (uint64_t)y) >> 32) && y) {
        *to = (uint32_t)x % (uint32_t)y;
        return true;
    }
    if (y == 0)
        return false;
    *to = y == -1 ? 0 : x % y;
    return true;
}

static inline bool word_step_run(struct word_code *c, const struct word_step *s)
{
    int64_t x = c->slot[s->x], y = c->slot[s->y], *to = &c->slot[s->to];

    switch ((enum word_step_kind)s->kind) {
    case WORD_ADD: return !__builtin_add_overflow(x, y, to);
    case WORD_SUB: return !__builtin_sub_overflow(x, y, to);
    case WORD_MUL: return !__builtin_mul_overflow(x, y, to);
    case WORD_DIV: return word_divide(x, y, to);
    case WORD_MOD: return word_remain(x, y, to);
    case WORD_NEG: return !__builtin_sub_overflow(0, x, to);
    case WORD_ABS: return x < 0 ? !__builtin_sub_overflow(0, x, to) : (*to = x, true);
    case WORD_MIN: *to = y < x ? y : x; return true;
    case WORD_MAX: *to = y > x ? y : x; return true;
    case WORD_EQ: *to = x == y; return true;
    case WORD_NE: *to = x != y; return true;
    case WORD_LT: *to = x < y; return true;
    case WORD_LE: *to = x <= y; return true;
    case WORD_GT: *to = x > y; return true;
    case WORD_GE: *to = x >= y; return true;
    case WORD_NOT: *to = !x; return true;
    case WORD_AND: *to = x & y; return true;
    case WORD_OR: *to = x | y; return true;
    case WORD_IF: *to = x ? y : c->slot[s->z]; return true;
    }
    return false;
}

/* word_code_run computes the results from the parameters in c->slot; false if it failed, and then
 * there are none. */
static inline bool word_code_run(struct word_code *c)
{
    bool done = true;

    for (uint32_t i = 0; i < c->steps_cnt && done; i++)
        done = word_step_run(c, &c->step[i]);
    return done;
}

#endif
