#include <string.h>

#include "job/parser.h"

static struct ast *parse_expr(struct parser *ps);

/* The token `ahead` of the current one, newlines left out. */
static const struct token *look(struct parser *ps, uint32_t ahead)
{
    const struct token *t = cur(ps);

    while (ahead && t->kind != TOK_END) {
        t++;
        ahead -= t->kind != TOK_NEWLINE;
    }
    return t;
}

static const char *sign_text(struct parser *ps, const struct token *t)
{
    return zone_strndup(ps->p->zone, ps->p->text + t->off, t->len);
}

/* ---- arguments and lambdas ---- */

static bool at_lambda(struct parser *ps)
{
    uint32_t i = 0;

    if (look(ps, 0)->kind == TOK_NAME)
        return look(ps, 1)->kind == TOK_ARROW;
    if (look(ps, 0)->kind != TOK_LPAREN)
        return false;
    do {
        if (look(ps, i + 1)->kind != TOK_NAME || i >= 2 * AST_KIDS_MAX)
            return false;
        i += 2;
    } while (look(ps, i)->kind == TOK_COMMA);
    return look(ps, i)->kind == TOK_RPAREN && look(ps, i + 1)->kind == TOK_ARROW;
}

/* After at_lambda: the shape up to the arrow is known to be right. */
static struct ast *parse_lambda(struct parser *ps)
{
    struct ast *kid[AST_KIDS_MAX + 2];
    const struct token *first = cur(ps), *arrow;
    uint32_t n = 0;

    if (first->kind == TOK_LPAREN)
        take(ps);
    do {
        if (n == AST_KIDS_MAX)
            return parser_fail(ps, cur(ps)->at, NULL, "a lambda has at most %u parameters",
                               AST_KIDS_MAX);
        kid[n] = parser_node(ps, AST_NAME, take(ps), NULL, 0);
        n++;
    } while (accept(ps, TOK_COMMA));
    accept(ps, TOK_RPAREN);
    arrow = take(ps);
    kid[n] = parse_expr(ps);
    if (!kid[n])
        return NULL;
    return parser_widen(ps, parser_node(ps, AST_LAMBDA, arrow, kid, n + 1), first);
}

/* The parenthesis is the current token. kid[0..n) are there already; returns the new count, or
 * UINT32_MAX after an error. */
static uint32_t parse_args(struct parser *ps, struct ast **kid, uint32_t n)
{
    const struct token *around = parser_open(ps);

    while (cur(ps)->kind != TOK_RPAREN) {
        if (n == AST_KIDS_MAX) {
            parser_fail(ps, cur(ps)->at, NULL, "at most %u arguments", AST_KIDS_MAX);
            return UINT32_MAX;
        }
        kid[n] = at_lambda(ps) ? parse_lambda(ps) : parse_expr(ps);
        if (!kid[n])
            return UINT32_MAX;
        n++;
        if (!accept(ps, TOK_COMMA))
            break;
    }
    return parser_close(ps, around) ? n : UINT32_MAX;
}

/* ---- expressions ---- */

static struct ast *parse_paren(struct parser *ps)
{
    struct ast *kid[AST_KIDS_MAX];
    const struct token *around = parser_open(ps), *open = ps->open;
    uint32_t n = 0;

    do {
        if (n == AST_KIDS_MAX)
            return parser_fail(ps, cur(ps)->at, NULL, "a tuple has at most %u parts", AST_KIDS_MAX);
        kid[n] = parse_expr(ps);
        if (!kid[n])
            return NULL;
        n++;
    } while (accept(ps, TOK_COMMA));
    if (!parser_close(ps, around))
        return NULL;
    if (n == 1)
        return parser_widen(ps, kid[0], open);
    return parser_widen(ps, parser_node(ps, AST_TUPLE, open, kid, n), open);
}

static struct ast *parse_int_token(struct parser *ps, const struct token *t, bool negative)
{
    if (t->i > (uint64_t)INT64_MAX + negative)
        return parser_fail(ps, t->at, "an int has 64 bits", "this number is out of range");
    struct ast *n = parser_node(ps, AST_INT, t, NULL, 0);
    n->i = negative ? (int64_t)(0 - t->i) : (int64_t)t->i;
    return n;
}

static struct ast *parse_name(struct parser *ps)
{
    struct ast *kid[AST_KIDS_MAX];
    const struct token *t = take(ps);

    if (ps->tok[ps->pos].kind != TOK_LPAREN)
        return parser_node(ps, AST_NAME, t, NULL, 0);
    uint32_t n = parse_args(ps, kid, 0);
    return n == UINT32_MAX ? NULL : parser_widen(ps, parser_node(ps, AST_CALL, t, kid, n), t);
}

static struct ast *parse_primary(struct parser *ps)
{
    const struct token *t = cur(ps);
    struct ast *n;

    if (ps->parens && parser_begins_statement(ps, ps->pos))
        return parser_expected(ps, "a value");
    switch (t->kind) {
    case TOK_NAME: return parse_name(ps);
    case TOK_LPAREN: return parse_paren(ps);
    case TOK_INT: return parse_int_token(ps, take(ps), false);
    case TOK_FLOAT:
        n = parser_node(ps, AST_FLOAT, take(ps), NULL, 0);
        n->f = t->f;
        return n;
    case TOK_STRING: return parser_node(ps, AST_STRING, take(ps), NULL, 0);
    case TOK_TRUE:
    case TOK_FALSE:
        n = parser_node(ps, AST_BOOL, take(ps), NULL, 0);
        n->i = t->kind == TOK_TRUE;
        return n;
    default: return parser_expected(ps, "a value");
    }
}

/* Outside of parentheses a chain goes on in the next line when that begins with a dot. */
static bool at_dot(struct parser *ps)
{
    uint32_t pos = ps->pos;

    while (ps->tok[pos].kind == TOK_NEWLINE)
        pos++;
    if (ps->tok[pos].kind != TOK_DOT)
        return false;
    ps->pos = pos;
    return true;
}

struct ast *parse_postfix(struct parser *ps)
{
    struct ast *kid[AST_KIDS_MAX];
    const struct token *first = cur(ps);
    struct ast *n = parse_primary(ps);

    while (n && at_dot(ps)) {
        take(ps);
        parser_join_line(ps);
        const struct token *name = cur(ps);
        if (name->kind != TOK_NAME)
            return parser_expected(ps, "a name after '.'");
        take(ps);
        kid[0] = n;
        uint32_t cnt = 1;
        bool call = ps->tok[ps->pos].kind == TOK_LPAREN;
        if (call && (cnt = parse_args(ps, kid, 1)) == UINT32_MAX)
            return NULL;
        n = parser_widen(ps, parser_node(ps, call ? AST_METHOD : AST_FIELD, name, kid, cnt), first);
    }
    return n;
}

static struct ast *parse_unary(struct parser *ps)
{
    const struct token *t = cur(ps);
    struct ast *kid, *n;

    if (t->kind != TOK_MINUS && t->kind != TOK_NOT)
        return parse_postfix(ps);
    if (++ps->depth > AST_DEPTH_MAX)
        return parser_fail(ps, t->at, NULL, "this is nested too deeply: at most %u", AST_DEPTH_MAX);
    take(ps);
    if (t->kind == TOK_MINUS && cur(ps)->kind == TOK_INT) {
        n = parser_widen(ps, parse_int_token(ps, take(ps), true), t);
    } else {
        kid = parse_unary(ps);
        n = kid ? parser_node(ps, AST_PREFIX, t, &kid, 1) : NULL;
        if (n)
            n->s = sign_text(ps, t);
    }
    ps->depth--;
    return n;
}

/* Precedence of infix signs; 0: none. */
static uint32_t precedence(enum tok kind)
{
    switch (kind) {
    case TOK_OR: return 1;
    case TOK_AND: return 2;
    case TOK_EQ:
    case TOK_NE: return 3;
    case TOK_LT:
    case TOK_LE:
    case TOK_GT:
    case TOK_GE: return 4;
    case TOK_PLUS:
    case TOK_MINUS: return 5;
    case TOK_STAR:
    case TOK_SLASH:
    case TOK_PERCENT: return 6;
    default: return 0;
    }
}

static struct ast *parse_infix(struct parser *ps, uint32_t above)
{
    struct ast *left = parse_unary(ps);

    while (left) {
        const struct token *t = cur(ps);
        uint32_t level = precedence(t->kind);
        if (level <= above)
            break;
        take(ps);
        struct ast *kid[2] = {left, parse_infix(ps, level)};
        if (!kid[1])
            return NULL;
        left = parser_node(ps, AST_INFIX, t, kid, 2);
        if (left)
            left->s = sign_text(ps, t);
    }
    return left;
}

static struct ast *parse_cond(struct parser *ps)
{
    struct ast *kid[3] = {parse_infix(ps, 0)};
    const struct token *t = cur(ps);

    if (!kid[0] || t->kind != TOK_QUESTION)
        return kid[0];
    take(ps);
    kid[1] = parse_expr(ps);
    if (!kid[1])
        return NULL;
    if (!accept(ps, TOK_COLON))
        return parser_expected(ps, "':' of 'condition ? a : b'");
    kid[2] = parse_expr(ps);
    return kid[2] ? parser_node(ps, AST_COND, t, kid, 3) : NULL;
}

static struct ast *parse_expr(struct parser *ps)
{
    if (++ps->depth > AST_DEPTH_MAX)
        return parser_fail(ps, cur(ps)->at, NULL, "this is nested too deeply: at most %u",
                           AST_DEPTH_MAX);
    struct ast *n = parse_cond(ps);
    ps->depth--;
    return n;
}
