/*
 * Places inside a scalar of a YAML file: the program of a job is one, and an error in it is
 * shown where it stands in the file.
 *
 * A literal block is exact: its lines follow each other, and what the file has more at the left
 * of each is the indentation. Other styles (plain, quoted, folded) are matched character by
 * character against the text, which is exact but for rare escapes.
 */
#ifndef JOB_PLACES_H
#define JOB_PLACES_H

#include "base/arena.h"
#include "rdd/expr.h"

enum scalar_style { SCALAR_PLAIN, SCALAR_SINGLE, SCALAR_DOUBLE, SCALAR_LITERAL, SCALAR_FOLDED };

struct span {
    struct place from, to; /* to: behind the last character */
};

/* span_width: characters to underline; to the end of the line when it goes over several. */
static inline uint32_t span_width(struct span s)
{
    if (s.to.line != s.from.line)
        return UINT32_MAX;
    return s.to.col > s.from.col ? s.to.col - s.from.col : 1;
}

/* scalar_places gives the place of every byte of the value s[0..len) that stands at `at` in the
 * text, and, last, of its end: len + 1 places. */
struct place *scalar_places(struct zone *z, const char *text, size_t text_len, struct span at,
                            enum scalar_style style, const char *s, uint32_t len);

#endif
