#include <stdbool.h>
#include <string.h>

#include "io/escape.h"

static bool tail_byte(uint8_t b)
{
    return (b & 0xc0) == 0x80;
}

uint32_t escape_utf8_len(const uint8_t *p, const uint8_t *end)
{
    size_t left = (size_t)(end - p);

    if (left == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        return left >= 2 && tail_byte(p[1]) ? 2 : 0;
    if ((p[0] & 0xf0) == 0xe0) {
        /* E0: no overlong forms; ED: no surrogates */
        uint8_t low = p[0] == 0xe0 ? 0xa0 : 0x80, high = p[0] == 0xed ? 0x9f : 0xbf;
        return left >= 3 && p[1] >= low && p[1] <= high && tail_byte(p[2]) ? 3 : 0;
    }
    if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        /* F0: no overlong forms; F4: nothing beyond U+10FFFF */
        uint8_t low = p[0] == 0xf0 ? 0x90 : 0x80, high = p[0] == 0xf4 ? 0x8f : 0xbf;
        return left >= 4 && p[1] >= low && p[1] <= high && tail_byte(p[2]) && tail_byte(p[3]) ? 4
                                                                                              : 0;
    }
    return 0;
}

static void put_u(struct strbuf *out, uint32_t code)
{
    static const char hex[] = "0123456789abcdef";
    char buf[6] = {
        '\\', 'u', hex[code >> 12 & 15], hex[code >> 8 & 15], hex[code >> 4 & 15], hex[code & 15]};

    strbuf_add(out, buf, sizeof buf);
}

/* A control character below 0x20, as JSON writes it. */
static void put_control(struct strbuf *out, uint8_t c)
{
    static const char letter[32] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};

    if (letter[c]) {
        strbuf_add(out, (char[]){'\\', letter[c]}, 2);
    } else {
        put_u(out, c);
    }
}

void escape_json(struct strbuf *out, const uint8_t *s, uint32_t len)
{
    const uint8_t *p = s, *end = s + len, *from = s;

    strbuf_add(out, "\"", 1);
    while (p < end) {
        if (*p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\') {
            p++;
            continue;
        }
        uint32_t n = escape_utf8_len(p, end);
        if (n > 1) {
            p += n;
            continue;
        }
        strbuf_add(out, (const char *)from, (size_t)(p - from));
        if (n == 0)
            put_u(out, 0xdc00u + *p);
        else if (*p < 0x20)
            put_control(out, *p);
        else
            strbuf_add(out, (char[]){'\\', (char)*p}, 2);
        from = ++p;
    }
    strbuf_add(out, (const char *)from, (size_t)(p - from));
    strbuf_add(out, "\"", 1);
}

/* What a string asks of CSV. */
struct csv_needs {
    bool quotes;  /* has a separator, a quote or a line end */
    bool escapes; /* has bytes that are no UTF-8, or \udc */
};

static struct csv_needs csv_look(const uint8_t *s, uint32_t len)
{
    struct csv_needs needs = {false, false};
    const uint8_t *p = s, *end = s + len;

    while (p < end) {
        uint32_t n = escape_utf8_len(p, end);
        if (n == 0)
            needs.escapes = true;
        else if (*p == ',' || *p == '"' || *p == '\n' || *p == '\r')
            needs.quotes = true;
        else if (*p == '\\' && end - p >= 4 && memcmp(p, "\\udc", 4) == 0)
            needs.escapes = true;
        p += n ? n : 1;
    }
    return needs;
}

void escape_csv(struct strbuf *out, const uint8_t *s, uint32_t len)
{
    struct csv_needs needs = csv_look(s, len);
    const uint8_t *p = s, *end = s + len;

    if (!needs.quotes && !needs.escapes) {
        strbuf_add(out, (const char *)s, len);
        return;
    }
    if (needs.quotes)
        strbuf_add(out, "\"", 1);
    while (p < end) {
        uint32_t n = escape_utf8_len(p, end);
        if (n == 0)
            put_u(out, 0xdc00u + *p);
        else if (*p == '"' || (*p == '\\' && needs.escapes))
            strbuf_add(out, (char[]){(char)*p, (char)*p}, 2);
        else
            strbuf_add(out, (const char *)p, n);
        p += n ? n : 1;
    }
    if (needs.quotes)
        strbuf_add(out, "\"", 1);
}

void escape_csv_quote(struct strbuf *out, const char *s, size_t len)
{
    const char *end = s + len;

    if (!memchr(s, ',', len) && !memchr(s, '"', len) && !memchr(s, '\n', len) &&
        !memchr(s, '\r', len)) {
        strbuf_add(out, s, len);
        return;
    }
    strbuf_add(out, "\"", 1);
    for (const char *p; (p = memchr(s, '"', (size_t)(end - s))); s = p + 1) {
        strbuf_add(out, s, (size_t)(p - s) + 1);
        strbuf_add(out, "\"", 1);
    }
    strbuf_add(out, s, (size_t)(end - s));
    strbuf_add(out, "\"", 1);
}

void escape_table(struct strbuf *out, const uint8_t *s, uint32_t len)
{
    const uint8_t *p = s, *end = s + len;

    while (p < end) {
        uint32_t n = escape_utf8_len(p, end);
        if (n == 0)
            put_u(out, 0xdc00u + *p);
        else if (*p < 0x20)
            put_control(out, *p);
        else if (*p == 0x7f)
            put_u(out, 0x7f);
        else if (n == 2 && p[0] == 0xc2 && p[1] < 0xa0)
            put_u(out, p[1]);
        else
            strbuf_add(out, (const char *)p, n);
        p += n ? n : 1;
    }
}
