/*
 * Types of rows.
 *
 * A row has one type. Scalars are int (64-bit), float (64-bit), bool, string, time (ns since
 * 1970) and ip (IPv4 or IPv6). A tuple puts types side by side; a record is a tuple whose parts
 * have names; a list holds any number of elements of one type. An unnamed tuple of two is a
 * pair: it makes a D-Stream keyed. A record of one field stands for that field wherever a
 * value is needed.
 *
 * In memory a type is flattened: its leaves (scalars and lists), in order, are the columns of
 * a vector (vec.h). A list is one leaf; its elements are a vector of their own.
 *
 * Types are immutable and live in the zone of their job.
 */
#ifndef RDD_TYPE_H
#define RDD_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

enum type_kind {
    TYPE_INT,
    TYPE_FLOAT,
    TYPE_BOOL,
    TYPE_STRING,
    TYPE_TIME,
    TYPE_IP,
    TYPE_TUPLE, /* record when `name` is set */
    TYPE_LIST,  /* part[0] is the element */
};

#define TYPE_PARTS_MAX  64u
#define TYPE_LEAVES_MAX 64u
#define TYPE_NODES_MAX  512u /* of the whole tree, elements of lists included */

struct type {
    enum type_kind kind;
    uint32_t parts_cnt;
    const struct type *const *part;
    const char *const *name; /* names of the parts, or NULL */
};

extern const struct type type_int, type_float, type_bool, type_string, type_time, type_ip;

/* type_scalar gives NULL for TYPE_TUPLE and TYPE_LIST. */
const struct type *type_scalar(enum type_kind kind);
/* Constructors copy the arrays `part` and `name`, not what they point at. They return NULL when
 * the type would be larger than the limits above. */
const struct type *type_tuple(struct zone *z, const struct type *const *part, uint32_t n);
const struct type *type_record(struct zone *z, const struct type *const *part,
                               const char *const *name, uint32_t n);
const struct type *type_list(struct zone *z, const struct type *elem);

/* type_equal compares structure; names of parts do not count. A record of one equals its field. */
bool type_equal(const struct type *a, const struct type *b);
/* type_is_pair: an unnamed tuple of two. */
bool type_is_pair(const struct type *t);
/* type_value: what a record of one field stands for; any other type is itself. */
const struct type *type_value(const struct type *t);
/* type_has_list: is there a list anywhere in it? */
bool type_has_list(const struct type *t);
/* type_leaves counts the columns of a flattened row; type_leaf gives the i-th. */
uint32_t type_leaves(const struct type *t);
const struct type *type_leaf(const struct type *t, uint32_t leaf_idx);
/* type_first_leaf gives the index of the first leaf of part `part_idx` of a tuple. */
uint32_t type_first_leaf(const struct type *t, uint32_t part_idx);
/* type_hash is a fingerprint of the structure, part of the block format. */
uint64_t type_hash(const struct type *t);
/* type_print writes "(string, int)", "list(float)", "(line: string)"; returns the length as
 * snprintf does. */
int type_print(const struct type *t, char *buf, size_t bytes);

#endif
