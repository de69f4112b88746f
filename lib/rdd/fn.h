/*
 * Kernels: what the rows of fn_table call, and how they walk the rows of a vector.
 *
 * A kernel runs once for a vector. With ev->sel NULL every row is alive and the loop is a plain
 * one, which the compiler turns into vectors. Columns never overlap out.
 */
#ifndef RDD_FN_H
#define RDD_FN_H

#include "rdd/expr.h"

/* EACH_ROW runs the statements for every row r that is alive. */
#define EACH_ROW(ev, r, ...)                         \
    do {                                             \
        const uint16_t *sel_ = (ev)->sel;            \
        const uint32_t cnt_ = (ev)->sel_cnt;         \
        if (!sel_) {                                 \
            for (uint32_t r = 0; r < cnt_; r++) {    \
                __VA_ARGS__                          \
            }                                        \
        } else {                                     \
            for (uint32_t i_ = 0; i_ < cnt_; i_++) { \
                const uint32_t r = sel_[i_];         \
                __VA_ARGS__                          \
            }                                        \
        }                                            \
    } while (0)

/* EVERY_ROW is for statements that are harmless for rows that are not alive: it computes all of
 * them, as a plain loop, unless only a few are alive. */
#define EVERY_ROW(ev, r, ...)                        \
    do {                                             \
        const uint16_t *sel_ = (ev)->sel;            \
        const uint32_t cnt_ = (ev)->sel_cnt;         \
        const uint32_t rows_ = (ev)->rows;           \
        if (!sel_ || cnt_ > rows_ / 4) {             \
            for (uint32_t r = 0; r < rows_; r++) {   \
                __VA_ARGS__                          \
            }                                        \
        } else {                                     \
            for (uint32_t i_ = 0; i_ < cnt_; i_++) { \
                const uint32_t r = sel_[i_];         \
                __VA_ARGS__                          \
            }                                        \
        }                                            \
    } while (0)

#define FN_KERNEL(name) \
    void fn_##name(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)

/* Parameters that a kernel has no use for. */
#define FN_UNUSED(ev, call) ((void)(ev), (void)(call))

static inline const uint8_t *col_str(const struct col *c, uint32_t row)
{
    return c->s.base + c->s.off[row];
}

/* A row that failed gets an empty string. */
static inline void eval_fail_string(struct eval *ev, struct col *out, uint32_t row)
{
    out->s.off[row] = 0;
    out->s.len[row] = 0;
    eval_fail(ev, row);
}

/* eval_bytes takes bytes for strings from the arena; NULL, and ev->no_memory, when it is full. */
uint8_t *eval_bytes(struct eval *ev, uint64_t bytes);

/* fn_arith.c */
FN_KERNEL(add_int);
FN_KERNEL(sub_int);
FN_KERNEL(mul_int);
FN_KERNEL(div_int);
FN_KERNEL(mod_int);
FN_KERNEL(neg_int);
FN_KERNEL(add_float);
FN_KERNEL(sub_float);
FN_KERNEL(mul_float);
FN_KERNEL(div_float);
FN_KERNEL(mod_float);
FN_KERNEL(neg_float);
FN_KERNEL(not_bool);

/* fn_compare.c: time and bool compare as int. */
FN_KERNEL(eq_int);
FN_KERNEL(ne_int);
FN_KERNEL(lt_int);
FN_KERNEL(le_int);
FN_KERNEL(gt_int);
FN_KERNEL(ge_int);
FN_KERNEL(eq_float);
FN_KERNEL(ne_float);
FN_KERNEL(lt_float);
FN_KERNEL(le_float);
FN_KERNEL(gt_float);
FN_KERNEL(ge_float);
FN_KERNEL(eq_string);
FN_KERNEL(ne_string);
FN_KERNEL(lt_string);
FN_KERNEL(le_string);
FN_KERNEL(gt_string);
FN_KERNEL(ge_string);
FN_KERNEL(eq_ip);
FN_KERNEL(ne_ip);
FN_KERNEL(lt_ip);
FN_KERNEL(le_ip);
FN_KERNEL(gt_ip);
FN_KERNEL(ge_ip);

#endif
