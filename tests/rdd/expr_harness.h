#ifndef TESTS_RDD_EXPR_HARNESS_H
#define TESTS_RDD_EXPR_HARNESS_H

// Holds the kernels to a reference that computes one row at a time: random columns in random
// layouts, random selections, literals and columns as arguments, every SIMD level of this CPU.

#include "rdd/expr.h"
#include "tests/prng.h"
#include "tests/test.h"

#define VAL_LIST_MAX 64u

// One value. Strings and elements point into memory of the test.
struct val {
    enum type_kind kind;
    int64_t i;
    double f;
    struct ip ip;
    const uint8_t *s;
    uint32_t len;
    uint32_t elems_cnt; // TYPE_LIST of strings
    struct val *elem;
};

struct val val_int(int64_t i);
struct val val_bool(bool b);
struct val val_time(int64_t i);
struct val val_float(double f);
struct val val_string(const char *s);
struct val val_bytes(const void *s, uint32_t len);
struct val val_ip(const char *text);
bool val_same(const struct val *a, const struct val *b);
struct val val_of(const struct col *c, uint32_t row, struct zone *z);
const char *val_text(const struct val *v);

// Makes a random value of its kind; may use the zone.
typedef struct val (*val_gen)(struct prng *p, struct zone *z);

struct val gen_int(struct prng *p, struct zone *z);       // edges, small and large
struct val gen_small_int(struct prng *p, struct zone *z); // -5..40
struct val gen_id(struct prng *p, struct zone *z);        // 0..2^51 - 1, of any size
struct val gen_bits(struct prng *p, struct zone *z);      // -2..131
struct val gen_float(struct prng *p, struct zone *z);     // with NaN, infinities, zeros
struct val gen_bool(struct prng *p, struct zone *z);
struct val gen_time(struct prng *p, struct zone *z);
struct val gen_ip(struct prng *p, struct zone *z);
struct val gen_text(struct prng *p, struct zone *z);   // words and white space, 0..60 bytes
struct val gen_short(struct prng *p, struct zone *z);  // 0..3 bytes of few letters
struct val gen_bytes(struct prng *p, struct zone *z);  // any bytes, many zeros
struct val gen_number(struct prng *p, struct zone *z); // texts that look like numbers

// How the strings of a column lie in memory.
enum layout { LAYOUT_LINES, LAYOUT_TOUCHING, LAYOUT_GAPS, LAYOUT_SHUFFLED, LAYOUTS_CNT };

// A column of n values, its bytes exactly as long as they must be. col_free gives them back.
struct test_col {
    struct col col;
    void *memory[3];
};

void col_make(struct test_col *t, const struct val *v, uint32_t n, enum layout layout,
              struct prng *p);
void col_free(struct test_col *t);

// A selection of random rows of n, or NULL (all of them); sel has room for n.
const uint16_t *sel_random(struct prng *p, uint32_t n, uint16_t *sel, uint32_t *cnt);

// The reference: false when the row fails.
typedef bool (*ref_fn)(const struct val *arg, struct val *out, struct zone *z);

struct arg {
    val_gen gen;
    int literal; // 1: as a literal; 0: a column; 2: either, by chance
};

// check_fn compares function `name` with ref on random input. arg ends at gen NULL.
void check_fn(const char *name, enum fn_kind kind, const struct arg *arg, ref_fn ref);

// A row of a table of cases: the call on literals (folded) and on columns must give want, or fail
// when want is NULL.
void check_case(const char *name, enum fn_kind kind, const struct val *arg, uint32_t args_cnt,
                const struct val *want);

// Every level of SIMD that this CPU has, one after the other: for (simd_first(); simd_next();).
void simd_first(void);
bool simd_next(void);

#endif
