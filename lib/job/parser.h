/*
 * Between the two halves of the parser: parser.c (tokens, errors, statements) and parser_expr.c
 * (expressions, lambdas, arguments). Every function that gives a node gives NULL after an error,
 * which it has reported; there is one report for a statement, since what follows is a guess.
 */
#ifndef JOB_PARSER_H
#define JOB_PARSER_H

#include "job/ast.h"

struct parser {
    const struct program *p;
    const struct token *tok;
    uint32_t pos;
    uint32_t parens;          /* open ones: newlines mean nothing inside */
    const struct token *open; /* the innermost of them */
    uint32_t depth;           /* of the recursion */
    bool failed;              /* this statement */
};

static inline const struct token *cur(struct parser *ps)
{
    while (ps->parens && ps->tok[ps->pos].kind == TOK_NEWLINE)
        ps->pos++;
    return &ps->tok[ps->pos];
}

static inline const struct token *take(struct parser *ps)
{
    const struct token *t = cur(ps);

    ps->pos += t->kind != TOK_END;
    return t;
}

static inline bool accept(struct parser *ps, enum tok kind)
{
    if (cur(ps)->kind != kind)
        return false;
    take(ps);
    return true;
}

/* parser_fail reports, and returns NULL. */
void *parser_fail(struct parser *ps, struct span at, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* parser_expected reports that the current token is not what is expected. */
void *parser_expected(struct parser *ps, const char *what);
/* parser_begins_statement: does a new statement seem to begin at this token? */
bool parser_begins_statement(const struct parser *ps, uint32_t pos);
/* parser_join_line: after a sign that cannot end a statement, the next line belongs to it. */
void parser_join_line(struct parser *ps);
/* parser_open takes the parenthesis that is the current token, and returns the one around it;
 * parser_close takes the one that closes it; false after an error. */
const struct token *parser_open(struct parser *ps);
bool parser_close(struct parser *ps, const struct token *around);
/* parser_node makes a node over its kids; parser_widen makes it cover all that was taken since
 * `from`. */
struct ast *parser_node(struct parser *ps, enum ast_kind kind, const struct token *t,
                        struct ast *const *kid, uint32_t cnt);
struct ast *parser_widen(struct parser *ps, struct ast *n, const struct token *from);
/* parse_postfix: a primary expression and the calls and fields behind it: a chain is one. */
struct ast *parse_postfix(struct parser *ps);

#endif
