#ifndef TESTS_IO_MAKE_RDD_H
#define TESTS_IO_MAKE_RDD_H

// Output RDDs by hand: rows go into malloced blocks, encodings are written down here a second time
// so that the tests do not lean on the encoder.

#include "base/strbuf.h"
#include "rdd/rows.h"

#define MAKE_BLOCKS_MAX 64u

struct make_rdd {
    struct out_rdd rdd;
    struct block block[MAKE_BLOCKS_MAX];
    struct block *pointer[MAKE_BLOCKS_MAX];
    struct strbuf body[MAKE_BLOCKS_MAX];
};

// make_rdd begins an RDD with no block. Rows go into the newest block.
void make_rdd(struct make_rdd *m, const struct out_stream *stream, uint64_t interval);
void make_block(struct make_rdd *m);
void make_row(struct make_rdd *m, uint64_t ord_hi, uint64_t ord_lo, const struct strbuf *key,
              const struct strbuf *value);
// Rows ("word", count), in a block of their own; NULL ends.
void make_count(struct make_rdd *m, const char *word, int64_t cnt);
void make_release(struct make_rdd *m);

// The encodings of enc.h.
void enc_put_int(struct strbuf *b, int64_t v);
void enc_put_float(struct strbuf *b, double v);
void enc_put_bool(struct strbuf *b, int v);
void enc_put_ip(struct strbuf *b, const uint8_t ip[16]);
void enc_put_whole(struct strbuf *b, const char *s, size_t len);  // a string that is the row
void enc_put_string(struct strbuf *b, const char *s, size_t len); // in a tuple or a list

// A stream of (string, int) named "counts", and its parts.
extern const struct out_stream make_counts;

// A fresh folder under TMPDIR, and its removal with all in it.
void make_folder(char path[64]);
void remove_folder(const char *path);
// The content of path/name, or NULL when there is no such file. The caller frees.
char *read_back(const char *path, const char *name);

#endif
