#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "job/parser.h"

/* ---- errors: one for a statement, since what follows it is a guess ---- */

void *parser_fail(struct parser *ps, struct span at, const char *hint, const char *fmt, ...)
{
    char text[240];
    va_list ap;

    if (!ps->failed) {
        va_start(ap, fmt);
        vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        diag_add(ps->p->diags, DIAG_ERROR, at.from, span_width(at), hint, "%s", text);
    }
    ps->failed = true;
    return NULL;
}

static const char *hint_for(const struct token *t)
{
    static const struct {
        const char *word, *hint;
    } words[] = {
        {"and", "write '&&'"},         {"or", "write '||'"},
        {"not", "write '!'"},          {"if", "write 'condition ? a : b'"},
        {"in", "write contains(...)"},
    };

    if (t->kind == TOK_ASSIGN)
        return "'==' compares";
    if (t->kind == TOK_NAME)
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
            if (!strcmp(words[i].word, t->s))
                return words[i].hint;
    return NULL;
}

void *parser_expected(struct parser *ps, const char *what)
{
    const struct token *t = cur(ps);

    if (t->kind == TOK_BAD) /* was reported */
        ps->failed = true;
    if (ps->parens && parser_begins_statement(ps, ps->pos))
        return parser_fail(ps, ps->open->at, NULL, "this '(' is never closed");
    return parser_fail(ps, t->at, hint_for(t), "expected %s, not %s", what, token_text(ps->p, t));
}

bool parser_begins_statement(const struct parser *ps, uint32_t pos)
{
    const struct token *t = &ps->tok[pos];

    return t->kind == TOK_END ||
           (pos > 0 && t[-1].kind == TOK_NEWLINE && t->kind == TOK_NAME && t[1].kind == TOK_ASSIGN);
}

void parser_join_line(struct parser *ps)
{
    uint32_t pos = ps->pos;

    while (ps->tok[pos].kind == TOK_NEWLINE)
        pos++;
    if (!parser_begins_statement(ps, pos))
        ps->pos = pos;
}

const struct token *parser_open(struct parser *ps)
{
    const struct token *around = ps->open;

    ps->open = take(ps);
    ps->parens++;
    return around;
}

bool parser_close(struct parser *ps, const struct token *around)
{
    if (!accept(ps, TOK_RPAREN)) {
        parser_expected(ps, "',' or ')'");
        return false;
    }
    ps->open = around;
    ps->parens--;
    return true;
}

/* ---- nodes ---- */

struct ast *parser_node(struct parser *ps, enum ast_kind kind, const struct token *t,
                        struct ast *const *kid, uint32_t cnt)
{
    struct ast *n = zone_alloc(ps->p->zone, sizeof *n);

    n->kind = kind;
    n->at = n->all = t->at;
    n->off = t->off;
    n->end = t->off + t->len;
    n->s = t->s;
    n->s_len = t->s_len;
    n->depth = 1;
    n->cnt = cnt;
    n->kid = cnt ? zone_alloc(ps->p->zone, cnt * sizeof(*n->kid)) : NULL;
    for (uint32_t i = 0; i < cnt; i++) {
        n->kid[i] = kid[i];
        if (kid[i]->depth >= n->depth)
            n->depth = kid[i]->depth + 1;
        if (kid[i]->off < n->off) {
            n->off = kid[i]->off;
            n->all.from = kid[i]->all.from;
        }
        if (kid[i]->end > n->end) {
            n->end = kid[i]->end;
            n->all.to = kid[i]->all.to;
        }
    }
    if (n->depth > AST_DEPTH_MAX)
        return parser_fail(ps, t->at, NULL, "this is nested too deeply, or too long: at most %u",
                           AST_DEPTH_MAX);
    return n;
}

struct ast *parser_widen(struct parser *ps, struct ast *n, const struct token *from)
{
    const struct token *last = &ps->tok[ps->pos - 1];

    if (!n)
        return NULL;
    while (last->kind == TOK_NEWLINE)
        last--;
    if (from->off < n->off) {
        n->off = from->off;
        n->all.from = from->at.from;
    }
    n->end = last->off + last->len;
    n->all.to = last->at.to;
    return n;
}

/* ---- statements ---- */

/* Fills what it can: a statement with an error keeps its name, for those that read it. */
static bool parse_statement(struct parser *ps, struct statement *st)
{
    const struct token *t = cur(ps);

    if (t->kind == TOK_DOT) {
        parser_fail(ps, t->at, NULL, "no chain to go on with stands above this line");
        return false;
    }
    if (t->kind == TOK_NAME && t[1].kind == TOK_ASSIGN) {
        st->name = t->s;
        st->name_at = t->at;
        ps->pos += 2;
        parser_join_line(ps);
    }
    struct ast *chain =
        cur(ps)->kind == TOK_NAME ? parse_postfix(ps) : parser_expected(ps, "the name of a stream");
    if (chain && cur(ps)->kind != TOK_NEWLINE && cur(ps)->kind != TOK_END)
        chain = parser_expected(ps, "'.' or the end of the statement");
    st->chain = chain;
    return chain != NULL;
}

/* After an error: to where the next statement seems to begin. */
static void resync(struct parser *ps)
{
    int32_t parens = (int32_t)ps->parens;

    for (; !parser_begins_statement(ps, ps->pos); ps->pos++) {
        const struct token *t = &ps->tok[ps->pos];
        parens += (t->kind == TOK_LPAREN) - (t->kind == TOK_RPAREN);
        if (t->kind == TOK_NEWLINE && parens <= 0 && t[1].kind != TOK_DOT &&
            t[1].kind != TOK_NEWLINE)
            break;
    }
}

struct statement *parse(const struct program *p)
{
    struct statement *first = NULL, **end = &first;
    struct parser ps = {.p = p};
    uint32_t cnt;

    ps.tok = lex(p, &cnt);
    while (ps.tok[ps.pos].kind != TOK_END) {
        if (ps.tok[ps.pos].kind == TOK_NEWLINE) {
            ps.pos++;
            continue;
        }
        ps.failed = false;
        ps.parens = ps.depth = 0;
        ps.open = NULL;
        uint32_t began = ps.pos;
        struct statement *st = zone_alloc(p->zone, sizeof *st);
        *end = st;
        end = &st->next;
        if (parse_statement(&ps, st))
            continue;
        /* The statement itself may look like the beginning of one. */
        ps.pos += ps.pos == began;
        resync(&ps);
    }
    return first;
}
