/*
 * Rendering: output rows as lines of JSON, as records of CSV, as cells of a table.
 *
 * JSON, one line a row, with the spacing of Python's json.dumps:
 *
 *   {"interval": 7, "end": "1970-01-01T00:00:08Z", "stream": "counts", "key": "the", "value": 3}
 *
 * `end` has as many digits of a second as the stream's interval needs. A row that is no pair has
 * no "key". `, "complete": false` is last, and there only when so. ints are numbers; floats too,
 * with a point or an exponent, and "NaN", "Infinity", "-Infinity" as strings; times, addresses
 * and strings are strings; tuples, records of several fields and lists are arrays; a record of
 * one field is that field.
 *
 * CSV, RFC 4180 (lines end in CR LF) with a header. A tuple is spread over columns, named as the
 * language names its parts (key._1, value.src_ip); a list is one cell, its JSON array. The last
 * column, `complete`, is always there:
 *
 *   interval,end,stream,key,value,complete
 *   7,1970-01-01T00:00:08Z,counts,the,3,true
 *
 * What a render writes depends on the rows alone. It keeps scratch between calls: one render for
 * one thread.
 */
#ifndef IO_RENDER_H
#define IO_RENDER_H

#include "base/strbuf.h"
#include "rdd/rows.h"

struct render {
    const struct out_stream *stream;
    bool complete;
    struct strbuf head;    /* what every row of this RDD begins with */
    struct strbuf cell;    /* scratch */
    struct strbuf unquote; /* scratch: a string of a tuple or list, decoded */
};

/* render_json_begin, render_csv_begin: the rows that follow are of this RDD. */
void render_json_begin(struct render *r, const struct out_rdd *rdd);
void render_csv_begin(struct render *r, const struct out_rdd *rdd);
void render_release(struct render *r);

/* render_json, render_csv add one row, with its line end. */
void render_json(struct render *r, struct strbuf *out, const struct row_hdr *row);
void render_csv(struct render *r, struct strbuf *out, const struct row_hdr *row);
void render_csv_header(struct strbuf *out, const struct out_stream *stream);

/* render_key_cell, render_value_cell add plain text on one line, safe for a terminal; a tuple is
 * (a, b), a list [a, b]. The stream is that of the last begin. */
void render_key_cell(struct render *r, struct strbuf *out, const struct row_hdr *row);
void render_value_cell(struct render *r, struct strbuf *out, const struct row_hdr *row);

/* render_end_ns: the end of an interval, in ns since 1970. */
int64_t render_end_ns(uint64_t interval, uint64_t interval_ns);

#endif
