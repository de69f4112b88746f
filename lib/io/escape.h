/*
 * Strings that other programs and people read. A string of a row is any bytes; what is written
 * is always UTF-8, and distinct strings stay distinct.
 *
 * JSON: UTF-8 as it is; control characters, '"' and '\' escaped as JSON asks; a byte that is no
 * part of valid UTF-8 as the lone surrogate \udc80 .. \udcff (Python's surrogateescape). Valid
 * UTF-8 cannot hold a surrogate, so no other string is written so, and Python reads the bytes
 * back with json.loads(line)["key"].encode("utf-8", "surrogateescape").
 *
 * CSV: a cell is the string itself, quoted as RFC 4180 asks. A string with bytes that are no
 * UTF-8 has them written \udcXX and its backslashes doubled; so has a string that holds \udc of
 * its own. Hence a cell with \udc in it is always escaped and one without it never.
 *
 * Table: one line, safe for a terminal: control characters (C1 too) are escaped. For reading
 * only.
 */
#ifndef IO_ESCAPE_H
#define IO_ESCAPE_H

#include <stdint.h>

#include "base/strbuf.h"

/* escape_utf8_len: the length of the valid UTF-8 sequence at p (1 to 4), 0 when there is none. */
uint32_t escape_utf8_len(const uint8_t *p, const uint8_t *end);

/* escape_json writes the string between its quotes. */
void escape_json(struct strbuf *out, const uint8_t *s, uint32_t len);
/* escape_csv writes a cell, quoted where it must be. */
void escape_csv(struct strbuf *out, const uint8_t *s, uint32_t len);
/* escape_csv_quote writes text that is UTF-8 already as a cell, quoted where it must be. */
void escape_csv_quote(struct strbuf *out, const char *s, size_t len);
void escape_table(struct strbuf *out, const uint8_t *s, uint32_t len);

#endif
