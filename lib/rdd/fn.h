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

#define FN_PREPARE(name) \
    int fn_prepare_##name(struct expr *call, struct zone *z, char *err, size_t err_bytes)

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

/* fn_search.c */
FN_KERNEL(contains);
FN_KERNEL(index_of);
FN_KERNEL(starts_with);
FN_KERNEL(ends_with);
FN_PREPARE(needle);

/* fn_split.c */
FN_KERNEL(split);
FN_KERNEL(split_by);
FN_PREPARE(split);

/* fn_string.c */
FN_KERNEL(length);
FN_KERNEL(lower);
FN_KERNEL(upper);
FN_KERNEL(trim);
FN_KERNEL(substr);
FN_KERNEL(substr_len);
FN_KERNEL(concat);
FN_KERNEL(replace);

/* fn_regex.c */
FN_KERNEL(matches);
FN_KERNEL(capture);
FN_PREPARE(regex);
void fn_release_regex(struct expr *call);

/* fn_convert.c */
FN_KERNEL(string_to_int);
FN_KERNEL(float_to_int);
FN_KERNEL(same_int);
FN_KERNEL(string_to_float);
FN_KERNEL(int_to_float);
FN_KERNEL(string_to_ip);
FN_KERNEL(string_to_time);
FN_KERNEL(int_to_string);
FN_KERNEL(float_to_string);
FN_KERNEL(bool_to_string);
FN_KERNEL(time_to_string);
FN_KERNEL(ip_to_string);
FN_KERNEL(same_string);

/* fn_math.c: time compares as int. */
FN_KERNEL(abs_int);
FN_KERNEL(abs_float);
FN_KERNEL(min_int);
FN_KERNEL(max_int);
FN_KERNEL(min_float);
FN_KERNEL(max_float);
FN_KERNEL(min_string);
FN_KERNEL(max_string);
FN_KERNEL(min_ip);
FN_KERNEL(max_ip);
FN_KERNEL(floor_float);
FN_KERNEL(ceil_float);
FN_KERNEL(round_float);
FN_KERNEL(sqrt_float);
FN_KERNEL(floor_time);
FN_PREPARE(floor_time);

/* fn_hash.c: time and bool hash as int. */
FN_KERNEL(hash_int);
FN_KERNEL(hash_float);
FN_KERNEL(hash_string);
FN_KERNEL(hash_ip);

/* fn_ip.c */
FN_KERNEL(prefix);
FN_KERNEL(prefix_both);
FN_KERNEL(is_v4);
FN_KERNEL(is_v6);
FN_KERNEL(in_net);
FN_PREPARE(in_net);

/* fn_list.c */
FN_KERNEL(list_size);
FN_KERNEL(list_at);
FN_KERNEL(list_contains);

#endif
