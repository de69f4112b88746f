/*
 * The canonical encoding of rows as bytes.
 *
 * One encoding serves keys of tables, partitioning, sorting, output rows and digests:
 *   - two rows of a type are equal exactly when their encodings are;
 *   - memcmp over encodings (the shorter first when one is a prefix) is the canonical order:
 *     strings bytewise, numbers and addresses by value, tuples part by part, lists element by
 *     element;
 *   - it can be decoded again.
 *
 * Layout: int and time, 8 bytes big-endian with the sign bit flipped; float, the IEEE bits
 * big-endian, all flipped when negative, else the sign bit flipped, -0 encoded as 0 and every
 * NaN as one quiet NaN (after +inf); bool, one byte; ip, its 16 bytes; a string that is the
 * whole row, its bytes; a string inside a tuple or list, its bytes with 00 written as 00 FF,
 * closed by 00 00; a list, 01 before each element, closed by 00; a tuple, its parts.
 */
#ifndef RDD_ENC_H
#define RDD_ENC_H

#include <stdint.h>
#include <string.h>

#include "rdd/vec.h"

/* enc_row_bytes: the size of the encoding of row `row`. cols are the leaves of t. */
uint32_t enc_row_bytes(const struct type *t, const struct col *cols, uint32_t row);
/* enc_row writes the encoding to dst, which has room for enc_row_bytes; returns its size. */
uint32_t enc_row(uint8_t *dst, const struct type *t, const struct col *cols, uint32_t row);

/* Encodings of a whole vector: encoding of row r is len[r] bytes at base + off[r]. */
struct enc_keys {
    const uint8_t *base;
    uint32_t *off;
    uint32_t *len;
};

/* enc_vec encodes the live rows of v's columns [first_leaf, ...) of type t. A single string
 * or ip column is not copied: the result points at it. Returns 0 or -ENOMEM (arena full). */
int enc_vec(struct enc_keys *out, const struct type *t, const struct vec *v, uint32_t first_leaf,
            struct arena *a);

/* A reader over one encoding, for renderers: part by part, in the order of the type. */
struct enc_reader {
    const uint8_t *p, *end;
    int nested; /* strings are escaped and closed: set by the caller for tuples and lists */
};

int64_t enc_read_int(struct enc_reader *r); /* int and time */
double enc_read_float(struct enc_reader *r);
int enc_read_bool(struct enc_reader *r);
struct ip enc_read_ip(struct enc_reader *r);
/* enc_read_string unescapes into buf (room for r->end - r->p bytes); returns the length. */
uint32_t enc_read_string(struct enc_reader *r, uint8_t *buf);
/* enc_read_more: for lists: 1 when another element follows, 0 at the close. */
int enc_read_more(struct enc_reader *r);

/* enc_decode_vec decodes n encodings (len[i] bytes at base + off[i]) of type t into the leaves
 * cols[0..], rows 0..n-1, arrays and copied bytes from the arena. Strings of a plain string type
 * are views. Returns 0 or -ENOMEM. */
int enc_decode_vec(const struct enc_keys *in, uint32_t n, const struct type *t, struct col *cols,
                   struct arena *a);

/* enc_check: is this the encoding of a row of type t? For bytes from outside, before they are
 * decoded. */
bool enc_check(const struct type *t, const uint8_t *p, uint32_t bytes);

/* enc_cmp: canonical order of two encodings, as memcmp. */
static inline int enc_cmp(const uint8_t *a, uint32_t an, const uint8_t *b, uint32_t bn)
{
    int c = memcmp(a, b, an < bn ? an : bn);
    return c ? c : (an > bn) - (an < bn);
}

#endif
