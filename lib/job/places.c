#include <string.h>

#include "job/lines.h"
#include "job/places.h"

/* A cursor over the text of the file. */
struct cursor {
    const char *s;
    size_t n;
    struct place at;
};

static void step(struct cursor *c)
{
    size_t end = line_end(c->s, c->n), bytes = end ? end : 1;

    while (!end && bytes < c->n && is_continuation(c->s[bytes]))
        bytes++;
    c->s += bytes;
    c->n -= bytes;
    c->at.line += end > 0;
    c->at.col = end ? 1 : c->at.col + 1;
}

static void skip(struct cursor *c, uint32_t chars)
{
    while (chars-- && c->n)
        step(c);
}

static struct cursor cursor_at(const char *text, size_t len, struct place at)
{
    struct cursor c = {text, len, {1, 1}};

    while (c.at.line < at.line && c.n) {
        line_next(&c.s, &c.n);
        c.at.line++;
    }
    skip(&c, at.col ? at.col - 1 : 0);
    return c;
}

static void literal_places(struct place *out, const char *text, size_t text_len, struct place head,
                           const char *s, uint32_t len)
{
    struct cursor c = cursor_at(text, text_len, (struct place){head.line + 1, 1});
    const char *rest = s;
    size_t left = len;
    uint32_t number = c.at.line;

    while (left) {
        const char *from = rest;
        struct line value = line_next(&rest, &left), raw = line_next(&c.s, &c.n);
        uint32_t raw_chars = chars_in(raw.s, raw.len), chars = chars_in(value.s, value.len);
        uint32_t col = raw_chars > chars ? raw_chars - chars : 0;
        for (const char *p = from; p < rest; p++) {
            col += !is_continuation(*p);
            out[p - s] = (struct place){number, col};
        }
        number++;
    }
    /* The end of a block is the end of its last line. */
    out[len] = len ? out[len - 1] : head;
}

/* An escape of a double-quoted scalar, in characters of the file. */
static uint32_t escape_chars(char c)
{
    return c == 'x' ? 4 : c == 'u' ? 6 : c == 'U' ? 10 : 2;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* Moves the cursor to where the value's character `c` stands, and behind it; returns its place. */
static struct place match(struct cursor *cur, struct place end, enum scalar_style style, char c)
{
    struct place at = cur->at;

    while (cur->n && (cur->at.line < end.line || cur->at.col < end.col)) {
        const char raw = *cur->s;
        at = cur->at;
        if (style == SCALAR_DOUBLE && raw == '\\' && cur->n > 1 && !line_end(cur->s + 1, 1)) {
            skip(cur, escape_chars(cur->s[1]));
            return at;
        }
        if (is_blank(c)) { /* folded: one blank may stand for many */
            if (is_blank(raw))
                step(cur);
            return at;
        }
        step(cur);
        if (raw == c)
            return at;
    }
    return at;
}

struct place *scalar_places(struct zone *z, const char *text, size_t text_len, struct span at,
                            enum scalar_style style, const char *s, uint32_t len)
{
    struct place *out = zone_alloc(z, (len + 1) * sizeof *out);

    if (style == SCALAR_LITERAL) {
        literal_places(out, text, text_len, at.from, s, len);
        return out;
    }
    struct cursor cur = cursor_at(text, text_len, at.from);
    if (style == SCALAR_FOLDED)
        line_next(&cur.s, &cur.n), cur.at = (struct place){at.from.line + 1, 1};
    else if (style != SCALAR_PLAIN)
        skip(&cur, 1);
    struct place last = cur.at;
    for (uint32_t i = 0; i < len; i++) {
        if (i == 0 || !is_continuation(s[i]))
            last = match(&cur, at.to, style, s[i]);
        out[i] = last;
    }
    out[len] = cur.at;
    return out;
}
