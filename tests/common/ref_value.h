#ifndef TESTS_COMMON_REF_VALUE_H
#define TESTS_COMMON_REF_VALUE_H

// Values of the reference: one small boxed struct each, compared and encoded by the definitions of
// type.h and enc.h and not by their code. A row is the array of its leaves.

#include "base/arena.h"
#include "base/strbuf.h"
#include "rdd/vec.h"

struct ref_val {
    enum type_kind kind; // a scalar or TYPE_LIST
    union {
        int64_t i; // int, bool, time
        double f;
        struct ip ip;
        struct {
            const uint8_t *bytes;
            uint32_t len;
        } s;
        struct {
            const struct ref_val *leaf; // cnt rows of leaves_cnt values
            uint32_t cnt, leaves_cnt;
        } list;
    };
};

struct ref_val ref_int(int64_t i);
struct ref_val ref_float(double f);
struct ref_val ref_bool(bool b);
struct ref_val ref_time(int64_t ns);
struct ref_val ref_ip(struct ip ip);
struct ref_val ref_bytes(const void *bytes, uint32_t len);
struct ref_val ref_string(const char *s);

// ref_copy: a value whose bytes and elements live in the zone.
struct ref_val ref_copy(struct zone *z, const struct ref_val *v);
// ref_of_col: row `row` of a column; a column that was not decoded gives 0, "" or ::.
struct ref_val ref_of_col(struct zone *z, const struct col *c, uint32_t row);

// ref_cmp: canonical order of two rows of a type: <0, 0, >0.
int ref_cmp(const struct type *t, const struct ref_val *a, const struct ref_val *b);
// ref_encode adds the encoding of a row.
void ref_encode(struct strbuf *out, const struct type *t, const struct ref_val *row);

// ref_sum: the exact sum of floats, rounded once.
double ref_sum(const double *x, uint32_t n);

#endif
