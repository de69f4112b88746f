#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "job/lexer.h"
#include "job/lines.h"

struct lexer {
    const struct program *p;
    uint32_t pos;
    struct token *tok;
    uint32_t cnt;
};

static char peek(const struct lexer *x, uint32_t ahead)
{
    return x->pos + ahead < x->p->len ? x->p->text[x->pos + ahead] : '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c);
}

static struct span span_between(const struct lexer *x, uint32_t from, uint32_t to)
{
    struct span s = {x->p->place[from], x->p->place[to]};

    /* The end of a token is right behind its last character, on the same line. */
    if (to > from) {
        s.to = x->p->place[to - 1];
        s.to.col++;
    }
    return s;
}

static void report(const struct lexer *x, uint32_t from, uint32_t to, const char *hint,
                   const char *text)
{
    struct span s = span_between(x, from, to);

    diag_add(x->p->diags, DIAG_ERROR, s.from, span_width(s), hint, "%s", text);
}

/* add appends the token text[from..pos). */
static struct token *add(struct lexer *x, enum tok kind, uint32_t from)
{
    struct token *t = &x->tok[x->cnt++];

    t->kind = kind;
    t->off = from;
    t->len = x->pos - from;
    t->at = span_between(x, from, x->pos);
    return t;
}

/* ---- numbers ---- */

/* Copies the digits without their `_`; the number may be as long as the program. */
static char *digits_of(const struct lexer *x, uint32_t from)
{
    char *s = zone_alloc(x->p->zone, x->pos - from + 1);
    uint32_t n = 0;

    for (uint32_t i = from; i < x->pos; i++)
        if (x->p->text[i] != '_')
            s[n++] = x->p->text[i];
    return s;
}

static void bad_number(struct lexer *x, uint32_t from)
{
    const char *word;

    while (is_word(peek(x, 0)))
        x->pos++;
    word = zone_strndup(x->p->zone, x->p->text + from, x->pos - from);
    int64_t ns;
    if (!parse_duration_ns(word, strlen(word), &ns))
        report(x, from, x->pos, zone_printf(x->p->zone, "write \"%.40s\"", word),
               "a duration is written in quotes");
    else
        report(x, from, x->pos, NULL, "this is no number");
    add(x, TOK_BAD, from);
}

static bool skip_exponent(struct lexer *x)
{
    uint32_t sign = peek(x, 1) == '+' || peek(x, 1) == '-';

    if ((peek(x, 0) != 'e' && peek(x, 0) != 'E') || !is_digit(peek(x, 1 + sign)))
        return false;
    x->pos += 1 + sign;
    while (is_digit(peek(x, 0)))
        x->pos++;
    return true;
}

static void lex_number(struct lexer *x)
{
    const uint32_t from = x->pos;
    bool hex = peek(x, 0) == '0' && (peek(x, 1) == 'x' || peek(x, 1) == 'X'), real = false;

    x->pos += hex ? 2 : 0;
    while (is_digit(peek(x, 0)) || peek(x, 0) == '_' || (hex && is_word(peek(x, 0))))
        x->pos++;
    if (!hex && peek(x, 0) == '.' && is_digit(peek(x, 1))) {
        real = true;
        for (x->pos++; is_digit(peek(x, 0)) || peek(x, 0) == '_';)
            x->pos++;
    }
    real |= !hex && skip_exponent(x);
    char *digits = digits_of(x, from), *end;
    errno = 0;
    uint64_t i = real ? 0 : strtoull(digits, &end, hex ? 16 : 10);
    double f = real ? strtod(digits, &end) : 0;
    if (*end || is_word(peek(x, 0)) || (hex && x->pos - from == 2)) {
        bad_number(x, from);
        return;
    }
    if (errno == ERANGE && (!real || f > 1)) {
        report(x, from, x->pos, real ? NULL : "an int has 64 bits", "this number is out of range");
        add(x, TOK_BAD, from);
        return;
    }
    struct token *t = add(x, real ? TOK_FLOAT : TOK_INT, from);
    t->i = i;
    t->f = f;
}

/* ---- strings ---- */

static int hex_value(const char *s, uint32_t n, uint32_t *out)
{
    *out = 0;
    for (uint32_t i = 0; i < n; i++) {
        char c = s[i] >= 'A' && s[i] <= 'F' ? (char)(s[i] + 32) : s[i];
        if (!is_digit(c) && !(c >= 'a' && c <= 'f'))
            return -EINVAL;
        *out = *out * 16 + (uint32_t)(is_digit(c) ? c - '0' : c - 'a' + 10);
    }
    return 0;
}

static uint32_t put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (char)(0xc0 | c >> 6);
        to[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    to[0] = (char)(0xe0 | c >> 12);
    to[1] = (char)(0x80 | (c >> 6 & 0x3f));
    to[2] = (char)(0x80 | (c & 0x3f));
    return 3;
}

/* Reads the escape at text[pos]; writes what it stands for, at most 3 bytes. */
static uint32_t lex_escape(struct lexer *x, char *to)
{
    static const char from[] = "ntr0\\\"'", gives[] = "\n\t\r\0\\\"'";
    const uint32_t start = x->pos;
    const char c = peek(x, 1);
    const uint32_t digits = c == 'x' ? 2 : c == 'u' ? 4 : 0;
    const char *known = c ? strchr(from, c) : NULL;
    uint32_t value;

    x->pos += 2;
    if (known) {
        *to = gives[known - from];
        return 1;
    }
    if (digits && x->pos + digits <= x->p->len && !hex_value(x->p->text + x->pos, digits, &value) &&
        !(value >= 0xd800 && value < 0xe000)) {
        x->pos += digits;
        if (digits == 4)
            return put_utf8(to, value);
        *to = (char)value;
        return 1;
    }
    while (x->pos < x->p->len && is_continuation(x->p->text[x->pos]))
        x->pos++;
    report(x, start, x->pos,
           "\\n \\t \\r \\0 \\\\ \\\" \\' \\xHH \\uHHHH; in a pattern write \\\\d",
           "this escape is unknown");
    return 0;
}

static void lex_string(struct lexer *x)
{
    const uint32_t from = x->pos;
    const char quote = peek(x, 0);
    uint32_t n = 0, end = from;

    while (end < x->p->len && !line_end(x->p->text + end, x->p->len - end))
        end++;
    /* No escape is shorter than what it stands for. */
    char *s = zone_alloc(x->p->zone, end - from + 1);
    for (x->pos++; x->pos < end && peek(x, 0) != quote;) {
        if (peek(x, 0) == '\\' && x->pos + 1 < end)
            n += lex_escape(x, s + n);
        else
            s[n++] = x->p->text[x->pos++];
    }
    if (x->pos >= end) {
        x->pos = end;
        report(x, from, from + 1, NULL, "this string is not closed on its line");
        add(x, TOK_BAD, from);
        return;
    }
    x->pos++;
    struct token *t = add(x, TOK_STRING, from);
    t->s = s;
    t->s_len = n;
}

/* ---- words and signs ---- */

static void lex_word(struct lexer *x)
{
    const uint32_t from = x->pos;

    while (is_word(peek(x, 0)))
        x->pos++;
    struct token *t = add(x, TOK_NAME, from);
    t->s = zone_strndup(x->p->zone, x->p->text + from, t->len);
    t->s_len = t->len;
    if (!strcmp(t->s, "true"))
        t->kind = TOK_TRUE;
    else if (!strcmp(t->s, "false"))
        t->kind = TOK_FALSE;
}

static const struct sign {
    char s[3];
    enum tok kind;
} signs[] = {
    {"=>", TOK_ARROW},   {"==", TOK_EQ},    {"!=", TOK_NE},    {"<=", TOK_LE},     {">=", TOK_GE},
    {"&&", TOK_AND},     {"||", TOK_OR},    {"(", TOK_LPAREN}, {")", TOK_RPAREN},  {",", TOK_COMMA},
    {".", TOK_DOT},      {"=", TOK_ASSIGN}, {"<", TOK_LT},     {">", TOK_GT},      {"+", TOK_PLUS},
    {"-", TOK_MINUS},    {"*", TOK_STAR},   {"/", TOK_SLASH},  {"%", TOK_PERCENT}, {"!", TOK_NOT},
    {"?", TOK_QUESTION}, {":", TOK_COLON},
};

static void lex_sign(struct lexer *x)
{
    const uint32_t from = x->pos, signs_cnt = sizeof signs / sizeof signs[0];
    const char c = peek(x, 0);
    uint32_t i = 0;

    while (i < signs_cnt && (signs[i].s[0] != c || (signs[i].s[1] && signs[i].s[1] != peek(x, 1))))
        i++;
    if (i < signs_cnt) {
        x->pos += signs[i].s[1] ? 2 : 1;
        add(x, signs[i].kind, from);
        return;
    }
    for (x->pos++; x->pos < x->p->len && is_continuation(x->p->text[x->pos]);)
        x->pos++;
    const char *hint = c == '&'   ? "did you mean '&&'?"
                       : c == '|' ? "did you mean '||'?"
                       : c == '$' ? "${NAME} is for the values above the program"
                                  : NULL;
    report(x, from, x->pos, hint, "this character means nothing here");
    add(x, TOK_BAD, from);
}

static void skip_comment(struct lexer *x)
{
    while (x->pos < x->p->len && !line_end(x->p->text + x->pos, x->p->len - x->pos))
        x->pos++;
}

struct token *lex(const struct program *p, uint32_t *cnt)
{
    struct lexer x = {.p = p};

    MR_ASSERT(p->len <= PROGRAM_BYTES_MAX);
    x.tok = zone_alloc(p->zone, (p->len + 1) * sizeof *x.tok);
    while (x.pos < p->len) {
        const char c = peek(&x, 0);
        const size_t end = line_end(p->text + x.pos, p->len - x.pos);
        if (end) {
            x.pos += (uint32_t)end;
            add(&x, TOK_NEWLINE, x.pos - (uint32_t)end);
        } else if (c == ' ' || c == '\t') {
            x.pos++;
        } else if (c == '#' || (c == '/' && peek(&x, 1) == '/')) {
            skip_comment(&x);
        } else if (is_digit(c)) {
            lex_number(&x);
        } else if (is_word(c)) {
            lex_word(&x);
        } else if (c == '"' || c == '\'') {
            lex_string(&x);
        } else {
            lex_sign(&x);
        }
    }
    add(&x, TOK_END, x.pos);
    *cnt = x.cnt;
    return x.tok;
}

const char *token_text(const struct program *p, const struct token *t)
{
    switch (t->kind) {
    case TOK_END: return "the end of the program";
    case TOK_NEWLINE: return "the end of the line";
    default:
        return zone_printf(p->zone, "'%.*s'", t->len > 40 ? 40 : (int)t->len, p->text + t->off);
    }
}
