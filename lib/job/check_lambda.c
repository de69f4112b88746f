/* Lambdas: parameters, body, and what `check` has to say about a reduce. */
#include <stdio.h>
#include <string.h>

#include "job/check.h"

static const struct ast *body_of(const struct ast *a)
{
    return a->kid[a->cnt - 1];
}

static bool add_variable(struct checker *ck, struct scope *sc, const struct ast *param,
                         const struct type *t, uint32_t col)
{
    for (uint32_t i = 0; i < sc->cnt; i++) {
        if (strcmp(sc->var[i].name, param->s))
            continue;
        check_error(ck, param->at, NULL, "two parameters are called '%s'", param->s);
        return false;
    }
    sc->var[sc->cnt++] = (struct variable){param->s, t, col};
    return true;
}

/* One name stands for the row; as many as a tuple has parts open it. */
static bool row_scope(struct checker *ck, const struct ast *a, const struct type *t,
                      struct scope *sc)
{
    const uint32_t params = a->cnt - 1;

    if (params == 1)
        return add_variable(ck, sc, a->kid[0], t, 0);
    if (t->kind != TYPE_TUPLE || t->name || t->parts_cnt != params) {
        check_error(ck, a->kid[params - 1]->at, "x => ... takes the row as it is",
                    "%u parameters cannot open %s", params, type_name(ck, t));
        return false;
    }
    for (uint32_t i = 0; i < params; i++)
        if (!add_variable(ck, sc, a->kid[i], t->part[i], type_first_leaf(t, i)))
            return false;
    return true;
}

static bool reduce_scope(struct checker *ck, const struct ast *a, const struct type *t,
                         struct scope *sc)
{
    if (a->cnt - 1 != 2) {
        check_error(ck, a->at, "(a, b) => ...", "a reduce combines two values, and this takes %u",
                    a->cnt - 1);
        return false;
    }
    return add_variable(ck, sc, a->kid[0], t, 0) &&
           add_variable(ck, sc, a->kid[1], t, type_leaves(t));
}

/* As written, on one line. */
static const char *text_of(struct checker *ck, const struct ast *a)
{
    char *s = zone_alloc(ck->zone, a->end - a->off + 1);
    uint32_t n = 0;

    for (uint32_t i = a->off; i < a->end; i++) {
        char c = ck->program->text[i];
        bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
        if (!blank)
            s[n++] = c;
        else if (n && s[n - 1] != ' ')
            s[n++] = ' ';
    }
    return s;
}

/* What a place in the program underlines: the word that begins there. */
static struct span word_at(const struct checker *ck, struct place at)
{
    const struct program *p = ck->program;
    struct span s = {at, at};
    uint32_t i = 0;

    while (i < p->len && (p->place[i].line != at.line || p->place[i].col != at.col))
        i++;
    for (; i < p->len; i++, s.to.col++) {
        char c = p->text[i];
        if (c != '_' && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
            !(c >= '0' && c <= '9'))
            break;
    }
    return s;
}

static bool finish(struct checker *ck, struct lambda *l)
{
    struct lambda_held *held = zone_alloc(ck->program->zone, sizeof *held);
    struct place at = l->at;
    char err[256] = "";

    held->lambda = l;
    held->next = ck->lambdas;
    ck->lambdas = held;
    if (!lambda_finish(l, ck->zone, &at, err, sizeof err))
        return true;
    check_error(ck, word_at(ck, at), NULL, "%s", err);
    return false;
}

struct lambda *check_lambda(struct checker *ck, const struct ast *a, const struct type *t,
                            bool reduce)
{
    struct scope sc = {.cnt = 0};

    if (!(reduce ? reduce_scope(ck, a, t, &sc) : row_scope(ck, a, t, &sc)))
        return NULL;
    struct value v = check_value(ck, &sc, body_of(a));
    if (!v.type)
        return NULL;
    /* Where it cannot become the type of the values, the operator says so. */
    if (reduce)
        value_convert(ck, &v, t, a->at.from);
    struct lambda *l = zone_alloc(ck->zone, sizeof *l);
    *l = (struct lambda){.params_cnt = reduce ? 2 : 1, .param = {t, reduce ? t : NULL}};
    l->result = v.type;
    l->leaves_cnt = type_leaves(v.type);
    l->leaf = zone_alloc(ck->zone, l->leaves_cnt * sizeof(*l->leaf));
    l->at = a->all.from;
    l->text = text_of(ck, a);
    for (uint32_t i = 0; i < l->leaves_cnt; i++) {
        l->leaf[i] = value_leaf(ck, &v, i, body_of(a)->at.from);
        if (!l->leaf[i])
            return NULL;
    }
    return finish(ck, l) ? l : NULL;
}

void warn_about_reduce(struct checker *ck, const struct ast *a, const struct lambda *f)
{
    static const char known[] = "known: a + b, min(a, b), max(a, b), a && b, a || b, a, b, and "
                                "tuples of them";
    const struct span at = body_of(a)->all;
    enum agg_fn fn[TYPE_LEAVES_MAX];

    if (lambda_monoid(f, fn))
        return;
    if (lambda_rounds(f))
        diag_add(ck->program->diags, DIAG_WARNING, at.from, span_width(at), known,
                 "this reduce is no known aggregate and rounds floats in an order of its own: it "
                 "runs slower, and the last digits depend on how the input was cut");
    else
        diag_add(ck->program->diags, DIAG_WARNING, at.from, span_width(at), known,
                 "this reduce is no known aggregate: it runs slower, and must be associative and "
                 "commutative");
}
