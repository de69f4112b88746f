/*
 * A growing string, for text that people read: diagnostics, plans, documentation. Not for the
 * data path. s is always NUL-terminated; strbuf_release frees it.
 */
#ifndef BASE_STRBUF_H
#define BASE_STRBUF_H

#include <stddef.h>

struct strbuf {
    char *s; /* NULL until the first byte; owned */
    size_t len, bytes;
};

/* strbuf_reserve makes room for `more` bytes (and a NUL) behind s + len. */
void strbuf_reserve(struct strbuf *b, size_t more);
void strbuf_add(struct strbuf *b, const char *bytes, size_t n);
void strbuf_puts(struct strbuf *b, const char *s);
void strbuf_printf(struct strbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strbuf_clear(struct strbuf *b);
void strbuf_release(struct strbuf *b);

#endif
