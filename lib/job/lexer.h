/*
 * The words of a program.
 *
 * Newlines are tokens, because they end statements; the parser reads over them inside
 * parentheses and before a line that begins with a dot. Comments (`//`, `#`) and blanks are
 * left out. What is no word is reported here and becomes one TOK_BAD, about which the parser is
 * silent.
 */
#ifndef JOB_LEXER_H
#define JOB_LEXER_H

#include "job/diag.h"
#include "job/places.h"

#define PROGRAM_BYTES_MAX 65536u

enum tok {
    TOK_END,
    TOK_BAD,
    TOK_NEWLINE,
    TOK_NAME,
    TOK_INT,
    TOK_FLOAT,
    TOK_STRING,
    TOK_TRUE,
    TOK_FALSE,
    TOK_LPAREN,
    TOK_RPAREN,
    TOK_COMMA,
    TOK_DOT,
    TOK_ARROW, /* => */
    TOK_ASSIGN,
    TOK_EQ,
    TOK_NE,
    TOK_LT,
    TOK_LE,
    TOK_GT,
    TOK_GE,
    TOK_PLUS,
    TOK_MINUS,
    TOK_STAR,
    TOK_SLASH,
    TOK_PERCENT,
    TOK_AND,
    TOK_OR,
    TOK_NOT,
    TOK_QUESTION,
    TOK_COLON,
};

struct token {
    enum tok kind;
    uint32_t off, len; /* in the program's text */
    struct span at;
    const char *s; /* names: the word; strings: unescaped; both NUL-terminated */
    uint32_t s_len;
    uint64_t i; /* may be up to 2^63: the parser knows whether a minus stands before it */
    double f;
};

struct program {
    struct zone *zone;
    struct diags *diags;
    const char *text;
    uint32_t len;
    const struct place *place; /* of every byte of the text, and of its end */
};

/* lex gives the tokens of the program, the last one TOK_END; *cnt counts it too. */
struct token *lex(const struct program *p, uint32_t *cnt);
/* token_text: the token as it is named in messages: "')'", "'words'", "the end of the line". */
const char *token_text(const struct program *p, const struct token *t);

#endif
