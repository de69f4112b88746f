/*
 * A program as it is written: statements, each a chain of calls on a stream.
 *
 *   program   := { statement }
 *   statement := [ name '=' ] chain                    ends with its line
 *   chain     := name { '.' name '(' args ')' }        may go on in a line that begins with '.'
 *   arg       := lambda | expr
 *   lambda    := name '=>' expr | '(' name { ',' name } ')' '=>' expr
 *   expr      := or [ '?' expr ':' expr ]
 *   or        := and { '||' and }, and so on by precedence: && ; == != ; < <= > >= ; + - ; * / %
 *   unary     := { '-' | '!' } postfix
 *   postfix   := primary { '.' name [ '(' args ')' ] }
 *   primary   := number | string | true | false | name [ '(' args ')' ] | '(' expr { ',' expr } ')'
 *
 * After an error the reading goes on at the next statement.
 */
#ifndef JOB_AST_H
#define JOB_AST_H

#include "job/lexer.h"

#define AST_DEPTH_MAX 100u /* of a tree: what recursion over it costs */
#define AST_KIDS_MAX  64u  /* arguments, parts of a tuple */

enum ast_kind {
    AST_INT,
    AST_FLOAT,
    AST_BOOL,
    AST_STRING,
    AST_NAME,
    AST_FIELD,  /* kid[0].s */
    AST_CALL,   /* s(kid...) */
    AST_METHOD, /* kid[0].s(kid[1]...) */
    AST_PREFIX, /* s is the sign */
    AST_INFIX,
    AST_COND, /* kid[0] ? kid[1] : kid[2] */
    AST_TUPLE,
    AST_LAMBDA, /* the parameters, and last the body */
};

struct ast {
    enum ast_kind kind;
    uint32_t depth;
    struct span at;    /* of the word or sign that names it */
    struct span all;   /* of all of it */
    uint32_t off, end; /* of all of it, in the program's text */
    const char *s;
    uint32_t s_len;
    int64_t i; /* int, bool */
    double f;
    uint32_t cnt;
    struct ast **kid;
};

struct statement {
    const char *name; /* NULL: none */
    struct span name_at;
    struct ast *chain; /* NULL: it has an error, which was reported */
    struct statement *next;
};

struct statement *parse(const struct program *p);

#endif
