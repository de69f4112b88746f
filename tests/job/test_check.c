// Programs against the types, names and windows that they must get, and against what must be said
// about them.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/job/job_harness.h"
#include "tests/test.h"

// x = PROGRAM gives a stream of this type.
static const struct {
    const char *program, *type;
} types[] = {
    {"lines", "(line: string)"},
    {"lines.map(r => r)", "(line: string)"},
    {"lines.map(r => r.line)", "string"},
    {"lines.map(r => (r, 1))", "((line: string), int)"},
    {"lines.map(r => split(r))", "list(string)"},
    {"lines.flatMap(r => split(r.line))", "string"},
    {"lines.map(r => (r.line, (1, 2.5))).map(p => p._2._2)", "float"},
    {"lines.map(r => (r.line, (1, 2.5))).map((k, v) => (v, k))", "((int, float), string)"},
    {"lines.map(r => (r.line, (1, 2.5))).map((k, v) => v._1)", "int"},
    {"lines.map(r => (r.line, 1, true)).map((x, y, z) => z)", "bool"},
    {"lines.map(r => (r.line, 1)).mapValues(v => (v, v))", "(string, (int, int))"},
    {"lines.map(r => (r.line, (1, 2))).mapValues((x, y) => x + y)", "(string, int)"},
    {"lines.map(r => (1, r.line)).flatMapValues(s => split(s))", "(int, string)"},
    {"lines.filter(r => r.line == \"x\" || r.line != 'y')", "(line: string)"},
    {"lines.union(lines.filter(r => true))", "(line: string)"},
    {"a.union(b)", "(k: string, v: int)"},
    {"a.map(r => (r.k, r.v)).union(b.map(r => (r.k, r.v)))", "(string, int)"},
    {"a.map(r => (r.k, r.v)).reduceByKey((x, y) => x + y)", "(string, int)"},
    {"a.map(r => (r.k, (r.v, 1.5))).reduceByKey((x, y) => (x._1 + y._1, max(x._2, y._2)))",
     "(string, (int, float))"},
    {"a.map(r => (r.k, 1.5)).reduceByKey((x, y) => 0)", "(string, float)"},
    {"a.map(r => (r.k, r.v)).groupByKey()", "(string, list(int))"},
    {"a.map(r => (r.k, r.v)).groupByKey().map(p => p._2)", "list(int)"},
    {"a.map(r => (r.k, (r.v, r.k))).groupByKey().flatMap((k, v) => v)", "(int, string)"},
    {"a.countByValue()", "((k: string, v: int), int)"},
    {"lines.countByValue()", "((line: string), int)"},
    {"lines.count()", "int"},
    {"lines.reduce((x, y) => x)", "(line: string)"},
    {"n.reduce((x, y) => max(x.v, y.v))", "(v: int)"},
    {"n.reduce((x, y) => x.v + y.v)", "(v: int)"},
    {"lines.distinct()", "(line: string)"},
    {"lines.top(3)", "(line: string)"},
    {"lines.window('10s')", "(line: string)"},
    {"lines.window('10s', '2s').count()", "int"},
    {"n.reduceByWindow((x, y) => x.v + y.v, '10s')", "(v: int)"},
    {"n.reduceByWindow((x, y) => x.v + y.v, (x, y) => x.v - y.v, '10s', '2s')", "(v: int)"},
    {"a.map(r => (r.k, r.v)).reduceByKeyAndWindow((x, y) => min(x, y), '1m')", "(string, int)"},
    {"a.map(r => (r.k, r.v)).groupByKeyAndWindow('1m', '10s')", "(string, list(int))"},
    {"lines.countByWindow('1m', '10s')", "int"},
    {"lines.countByValueAndWindow('1m', '10s')", "((line: string), int)"},
    {"a.map(r => (r.k, r.v)).runningReduce((x, y) => x + y)", "(string, int)"},
    // Expressions.
    {"n.map(r => r.v + 1 - 2 * 3 / 4 % 5)", "int"},
    {"n.map(r => r.v + 1.5)", "float"},
    {"n.map(r => 2 * 0.5 + r.v)", "float"},
    {"n.map(r => r)", "(v: int)"},
    {"n.map(r => r + 1)", "int"},
    {"n.map(r => -r.v)", "int"},
    {"n.map(r => - -r.v)", "int"},
    {"n.map(r => !(r.v > 0x10) && r.v < 1_000 || false)", "bool"},
    {"n.map(r => r.v > 0 ? 1 : 2.5)", "float"},
    {"n.map(r => r.v > 0 ? (1, 'a') : (2.5, 'b'))", "(float, string)"},
    {"n.map(r => r.v > 0 ? ((1, 2), 'a') : ((3, 4), 'b'))", "((int, int), string)"},
    {"n.map(r => r.v > 2 ? 'a' : r.v > 1 ? 'b' : 'c')", "string"},
    {"n.map(r => -9223372036854775808)", "int"},
    {"n.map(r => 6.02e23)", "float"},
    {"n.map(r => (((r.v))))", "int"},
    {"n.map(r => ((1, 2), 3)._1._2)", "int"},
    {"lines.map(r => r.line + 'x' + \"\\n\\t\\x41\\u00e9\")", "string"},
    {"logs.filter(r => r.host == '10.0.0.1' || '2001:db8::1' == r.host)", NULL},
    {"logs.filter(r => r.at >= '2026-11-20T00:00:00Z')", NULL},
    {"logs.map(r => r.at - r.at)", "int"},
    {"logs.map(r => r.at + '30s')", "time"},
    {"logs.map(r => r.at - '30s')", "time"},
    {"logs.filter(r => r.load > 1)", NULL},
    {"logs.filter(r => 1 < r.load && r.ok)", NULL},
    {"wire.map(p => (p.src_ip, p.wire_len))", "(ip, int)"},
    // Where lines end.
    {"lines\n  .map(r => r.line)\n\n  .map(s =>\n    (s,\n     1))", "(string, int)"},
    {"\n  lines.\n  map(r => r.line) # a comment\n  // and another\n  .map(s => s)", "string"},
    {"lines.map( r=>r.line )//", "string"},
    {"lines.map(r => 'a # b // c')", "string"},
};

TEST(check, types)
{
    char program[512], type[256];

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        snprintf(program, sizeof program, "x = %s\nx.output(screen)\nx.output(files)\n",
                 types[i].program);
        struct checked c = check_program_text(program);
        const struct dstream *x = NULL;
        for (uint32_t k = 0; c.job && k < c.job->graph.nodes_cnt; k++)
            if (c.job->graph.node[k]->op == OP_OUTPUT)
                x = c.job->graph.node[k]->parent[0];
        if (!x)
            EXPECT_EQ_STR(c.text, types[i].program);
        if (x && types[i].type) {
            type_print(x->type, type, sizeof type);
            EXPECT_EQ_STR(type, types[i].type);
        }
        checked_free(&c);
    }
}

TEST(check, names)
{
    static const char program[] = "words = lines.flatMap(r => split(r.line))\n"
                                  "pairs = words.map(w => (w, 1))\n"
                                  "same = pairs\n"
                                  "counts = pairs.filter(p => true).reduceByKey((x, y) => x + y)\n"
                                  "counts.top(3).output(screen)\n"
                                  "counts.top(4).output(screen)\n"
                                  "counts.top(5).output(files)\n"
                                  "same.union(pairs.filter(p => false)).output(files)\n"
                                  "lines.output(files)\n";
    static const struct {
        const char *name;
        enum op_kind op;
        bool named;
    } nodes[] = {
        {"lines", OP_SOURCE, true},
        {"words", OP_FLAT_MAP, true},
        {"pairs", OP_MAP, true},
        {"pairs.filter", OP_FILTER, false},
        {"counts", OP_REDUCE_BY_KEY, true},
        {"counts.top", OP_TOP, false},
        {"counts.top~2", OP_TOP, false},
        {"counts.top~3", OP_TOP, false},
        {"pairs.filter~2", OP_FILTER, false},
        {"pairs.union", OP_UNION, false},
        {"lines.output", OP_OUTPUT, false},
    };
    struct checked c = check_program_text(program);

    for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++) {
        const struct dstream *d = checked_node(&c, nodes[i].name);
        EXPECT(d != NULL);
        if (!d)
            continue;
        EXPECT_EQ_INT(d->op, nodes[i].op);
        EXPECT_EQ_INT(d->named, nodes[i].named);
    }
    checked_free(&c);
}

// Nodes carry what the plan reads: places, windows, texts of lambdas, sinks.
TEST(check, nodes)
{
    struct checked c = check_program_text("p = a.map(r => (r.k,\n   r.v))\n"
                                          "w = p.reduceByKeyAndWindow((x, y) => x + y, "
                                          "(x, y) => x - y, '30s', '5s')\n"
                                          "w.top(7).output(files)\n"
                                          "w.output(screen)\n");
    const struct dstream *p = checked_node(&c, "p"), *w = checked_node(&c, "w"),
                         *top = checked_node(&c, "w.top"), *out = checked_node(&c, "w.top.output");

    REQUIRE(p && w && top && out);
    EXPECT_EQ_INT(p->at.line, PROGRAM_LINE);
    EXPECT_EQ_INT(p->at.col, 9);
    EXPECT_EQ_STR(p->fn->text, "r => (r.k, r.v)");
    EXPECT_EQ_INT(p->fn->leaf[1]->at.line, PROGRAM_LINE + 1);
    EXPECT_EQ_INT(w->window_len, 30);
    EXPECT_EQ_INT(w->slide, 5);
    EXPECT_EQ_STR(w->inverse->text, "(x, y) => x - y");
    EXPECT_EQ_INT(w->fn->params_cnt, 2);
    EXPECT_EQ_INT(top->top_cnt, 7);
    EXPECT(top->parent[0] == w);
    EXPECT_EQ_INT(out->sink_idx, 1);
    checked_free(&c);
}

// What a hostile program must not do: overflow a stack, take all memory, take for ever.
TEST(check, large)
{
    static const struct {
        const char *head, *part, *tail;
        const char *said; // NULL: it is good
    } large[] = {
        {"x = lines.map(r => ", "(", "1", "nested too deeply"},
        {"x = lines.map(r => ", "-", "1", "nested too deeply"},
        {"x = lines.map(r => ", "!", "true", "nested too deeply"},
        {"x = lines.map(r => ", "1 + ", "1)", "nested too deeply"},
        {"x = lines.map(r => ", "true ? 1 : ", "1)", "nested too deeply"},
        {"x = lines.map(r => ", "size(", "1", "nested too deeply"},
        {"x = lines.map(r => ", "x => ", "1)", "expected ',' or ')', not '=>'"},
        {"x = lines", ".map(r => r)", "", "nested too deeply"},
        {"x = lines", ".x", "", "nested too deeply"},
        {"x = lines", ".union(lines", "", "nested too deeply"},
        {"x = lines.map(r => (1", ", 1", "))", "at most 64 parts"},
        {"x = lines.map(r => split(r", ", r", "))", "at most 64 arguments"},
        {"x = lines.map((a", ", a", ") => a)", "at most 64 parts"},
        {"", "x = lines.count()\n", "", "is defined already"},
        {"", "lines.count()\n", "", "at most 256 streams"},
        {"", "wire.map(p => (p, 1))\n", "", "expressions of this job are too large"},
        {"", "(", "", "expected the name of a stream"},
        {"", "\n", "lines.count().output(screen)\nlines.count().output(files)", NULL},
    };

    for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) {
        struct strbuf b = {0};
        strbuf_puts(&b, large[i].head);
        for (int n = 0; n < 600; n++)
            strbuf_puts(&b, large[i].part);
        strbuf_puts(&b, large[i].tail);
        struct checked c = check_program_text(b.s);
        if (large[i].said)
            EXPECT_HAS_STR(c.text, large[i].said);
        else
            EXPECT(c.job != NULL);
        checked_free(&c);
        strbuf_release(&b);
    }
}

// A row may double its columns with every map; the tree of its type must not explode.
TEST(check, wide)
{
    struct strbuf b = {0};

    strbuf_puts(&b, "x = lines");
    for (int i = 0; i < 40; i++)
        strbuf_puts(&b, ".map(r => (r, r))");
    struct checked c = check_program_text(b.s);
    EXPECT_HAS_STR(c.text, "a row has at most 64 columns");
    EXPECT_EQ_INT(c.diags->errors_cnt, 1);
    checked_free(&c);
    strbuf_clear(&b);
    strbuf_puts(&b, "x = lines.map(r => (r.line, (r.line, r.line)))");
    for (int i = 0; i < 40; i++)
        strbuf_puts(&b, ".groupByKey().map((k, v) => (k, (v, v, v, v)))");
    c = check_program_text(b.s);
    EXPECT_HAS_STR(c.text, "a row has at most 64 columns");
    checked_free(&c);
    strbuf_release(&b);
}

TEST(check, program_size)
{
    struct strbuf b = {0};

    for (int i = 0; i < 70000; i++)
        strbuf_puts(&b, "#");
    struct checked c = check_program_text(b.s);
    EXPECT_HAS_STR(c.text, "the program is larger than 64 KB");
    checked_free(&c);
    strbuf_release(&b);
}

// One error in a statement says nothing about what reads it.
TEST(check, poison)
{
    static const struct {
        const char *program;
        uint32_t errors;
    } poisoned[] = {
        {"x = lines.map(r => r.no)\ny = x.map(r => r.no)\ny.union(x).output(screen)", 1},
        {"x = lines.map(r => (r.no, 1, r.nope))", 2},
        {"x = lines.map(r => split(r.no, 1) + 1)", 1},
        {"x = lines.map(r => r.no ? r.nah : r.nay)", 3},
        {"x = lines.nope().map(r => r.no).top(0).output(nowhere)", 3},
        {"x = lines.map(r => (\ny = x.count()\nz = y.top(3)\nz.output(screen)", 1},
        {"x = nope\nx = nope\nnope = 1", 4},
        {"x = lines.map(r => r.no)\nx = lines", 2},
    };

    for (size_t i = 0; i < sizeof poisoned / sizeof poisoned[0]; i++) {
        struct checked c = check_program_text(poisoned[i].program);
        if (c.diags->errors_cnt != poisoned[i].errors)
            EXPECT_EQ_STR(c.text, poisoned[i].program);
        checked_free(&c);
    }
}
