/*
 * Lines and columns of a text, counted as libyaml counts them, so that its marks and ours are
 * one: a line ends at LF, CR, CR LF, NEL, LS or PS; a column is a character (a code point).
 */
#ifndef JOB_LINES_H
#define JOB_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct line {
    const char *s; /* NULL: the text has no such line */
    size_t len;    /* without its end */
};

/* line_end: the bytes of the line break at s[0..n), 0 when there is none. */
static inline size_t line_end(const char *s, size_t n)
{
    const unsigned char *u = (const unsigned char *)s;

    if (n >= 1 && u[0] == '\n')
        return 1;
    if (n >= 1 && u[0] == '\r')
        return n >= 2 && u[1] == '\n' ? 2 : 1;
    if (n >= 2 && u[0] == 0xc2 && u[1] == 0x85)
        return 2;
    if (n >= 3 && u[0] == 0xe2 && u[1] == 0x80 && (u[2] == 0xa8 || u[2] == 0xa9))
        return 3;
    return 0;
}

/* line_next takes the first line off the text. */
static inline struct line line_next(const char **s, size_t *n)
{
    struct line l = {*s, 0};
    size_t end = 0;

    while (l.len < *n && !(end = line_end(l.s + l.len, *n - l.len)))
        l.len++;
    *s += l.len + end;
    *n -= l.len + end;
    return l;
}

/* line_of gives line `number`, from 1. */
static inline struct line line_of(const char *s, size_t n, uint32_t number)
{
    for (; number > 1 && n; number--)
        line_next(&s, &n);
    return number == 1 ? line_next(&s, &n) : (struct line){0};
}

static inline bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* chars_in counts the characters of n bytes of UTF-8. */
static inline uint32_t chars_in(const char *s, size_t n)
{
    uint32_t chars = 0;

    for (size_t i = 0; i < n; i++)
        chars += !is_continuation(s[i]);
    return chars;
}

#endif
