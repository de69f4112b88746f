// What a line must hold to have an effect, program by program; "met" when the first filter asks
// for nothing else.

#include <stdlib.h>
#include <string.h>

#include "rdd/plan.h"
#include "tests/common/parse_job.h"
#include "tests/test.h"

static struct job *job_of(const char *program)
{
    struct strbuf text = {0};

    strbuf_printf(&text,
                  "job: t\ninterval: 1s\nsources:\n"
                  "  l: { type: udp, port: p, listen: 1, format: text }\n"
                  "  n: { type: udp, port: p, listen: 2, format: csv, "
                  "schema: { k: string, v: int } }\n"
                  "program: |\n  %s\nsinks:\n  o: { type: console, format: jsonl }\n",
                  program);
    return parse_job("job", &text);
}

#define F(expr)     "l.filter(r => " expr ").output(o)"
#define HAS(needle) "contains(r.line, \"" needle "\")"

static const struct {
    const char *program, *needles;
} rows[] = {
    {F(HAS("the")), "the met"},
    {F("startsWith(r.line, \"the\")"), "the"},
    {F("endsWith(r.line, \"the\")"), "the"},
    {F("r.line == \"the\""), "the"},
    {F("\"the\" == r.line"), "the"},
    {F("r.line != \"the\""), ""},
    {F("!" HAS("the")), ""},
    {F("contains(\"the\", r.line)"), ""},
    {F("contains(r.line, r.line)"), ""},
    {F("contains(upper(r.line), \"THE\")"), ""},
    {F(HAS("")), ""},
    {F(HAS("a\\nb")), ""},
    {F(HAS("a\\r")), "a\r met"},

    // && goes from left to right: what stands before may be computed, but may not fail
    {F(HAS("the") " && length(r.line) > 3"), "the"},
    {F("length(r.line) > 3 && " HAS("the")), "the"},
    {F("length(r.line) + 1 > 3 && " HAS("the")), ""},
    {F("toInt(r.line) > 3 && " HAS("the")), ""},
    {F(HAS("the") " && toInt(r.line) > 3"), "the"},
    {F("indexOf(r.line, \"x\") > 2 && " HAS("the")), "the"},
    {F("indexOf(upper(r.line), \"x\") > 2 && " HAS("the")), ""},
    {F(HAS("a") " && " HAS("abcd")), "abcd"},
    {F(HAS("abcd") " && " HAS("a")), "abcd"},
    {F(HAS("abcd") " && " HAS("wxyz")), "abcd"},
    {F(HAS("abcd") " && toInt(r.line) > 3 && " HAS("abcdef")), "abcd"},
    {F(HAS("q") " && (" HAS("the") " || " HAS("which") ")"), "q"},

    // || asks for one of both
    {F(HAS("the") " || " HAS("a")), "the|a met"},
    {F(HAS("the") " || r.line == \"a\""), "the|a"},
    {F(HAS("the") " || length(r.line) > 3"), ""},
    {F("length(r.line) > 3 || " HAS("the")), ""},
    {F("(" HAS("the") " && toInt(r.line) > 3) || " HAS("a")), "the|a"},
    {F(HAS("the") " || " HAS("other")), "the met"},
    {F(HAS("other") " || " HAS("the")), "the met"},
    {F(HAS("a1") " || " HAS("b1") " || " HAS("c1") " || " HAS("d1")), "a1|b1|c1|d1 met"},
    {F(HAS("a1") " || " HAS("b1") " || " HAS("c1") " || " HAS("d1") " || " HAS("e1")), ""},
    {F(HAS("a1") " || " HAS("b1") " || " HAS("c1") " || " HAS("d1") " || " HAS("1")), "1 met"},
    {F("length(r.line) > 3 ? " HAS("the") " : false"), ""},

    // filters behind filters
    {"l.filter(r => length(r.line) > 3).filter(r => " HAS("the") ").output(o)", "the"},
    {"l.filter(r => toInt(r.line) > 3).filter(r => " HAS("the") ").output(o)", ""},
    {"l.filter(r => " HAS("the") ").filter(r => toInt(r.line) > 3).output(o)", "the met"},
    {"l.filter(r => " HAS("a") ").filter(r => " HAS("the") ").output(o)", "the met"},

    // every way out of the source
    {"l.filter(r => " HAS("a") ").output(o)\n  l.filter(r => " HAS("b") ").count().output(o)",
     "a|b"},
    {"l.filter(r => " HAS("a") ").output(o)\n  l.count().output(o)", ""},
    {"f = l.filter(r => " HAS("a") ")\n  f.output(o)\n  f.count().output(o)", "a met"},
    {"l.filter(r => " HAS("a") ").union(l.filter(r => " HAS("b") ")).output(o)", "a|b"},
    {"l.filter(r => " HAS("a") ").union(l).output(o)", ""},
    {"l.union(l).filter(r => " HAS("a") ").output(o)", "a"},
    {"l.filter(r => length(r.line) > 3).union(l).filter(r => " HAS("a") ").output(o)", "a"},
    {"l.filter(r => toInt(r.line) > 3).union(l).filter(r => " HAS("a") ").output(o)", ""},
    {"l.window(\"3s\").filter(r => " HAS("a") ").count().output(o)", "a met"},

    // rows that are no lines any more
    {"l.map(r => r.line).filter(x => contains(x, \"a\")).output(o)", ""},
    {"l.flatMap(r => split(r.line)).filter(x => contains(x, \"a\")).output(o)", ""},
    {"l.count().filter(n => n > 3).output(o)", ""},
    {"l.output(o)", ""},
};

static void describe(struct strbuf *out, const struct stage *s)
{
    strbuf_puts(out, "");
    for (uint32_t i = 0; i < s->needles.cnt; i++) {
        const struct needle *nd = &s->needles.needle[i];
        strbuf_puts(out, i ? "|" : "");
        strbuf_add(out, (const char *)nd->s, nd->n);
    }
    strbuf_puts(out, s->met ? " met" : "");
}

TEST(plan_needles, are_what_a_line_must_hold)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct job *j = job_of(rows[i].program);
        char err[128] = "";
        struct strbuf out = {0};
        if (!j)
            continue;
        struct plan *p = plan_build(&j->graph, j->name, j->partitions, &j->zone, err, sizeof err);
        EXPECT_EQ_STR(err, "");
        describe(&out, p->stage[0]);
        if (strcmp(out.s, rows[i].needles) != 0)
            TEST_FAIL(rows[i].program);
        EXPECT_EQ_STR(out.s, rows[i].needles);
        strbuf_release(&out);
        job_free(j);
    }
}

// Fields of csv are not lines, and emissions of exchanges no records.
TEST(plan_needles, are_for_lines_alone)
{
    static const char *const programs[] = {
        "n.filter(r => contains(r.k, \"a\")).output(o)",
        "l.map(r => r.line).distinct().filter(x => contains(x, \"a\")).output(o)",
    };

    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        struct job *j = job_of(programs[i]);
        char err[128] = "";
        if (!j)
            continue;
        struct plan *p = plan_build(&j->graph, j->name, j->partitions, &j->zone, err, sizeof err);
        EXPECT_EQ_STR(err, "");
        for (uint32_t k = 0; k < p->stages_cnt; k++)
            EXPECT(p->stage[k]->needles.cnt == 0 && !p->stage[k]->met);
        job_free(j);
    }
}
