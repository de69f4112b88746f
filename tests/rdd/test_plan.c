// Lowering of D-Stream graphs: stages, exchanges, windows that are pushed down, outputs, limits,
// and how memory is divided.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rdd/plan.h"
#include "tests/common/parse_job.h"
#include "tests/test.h"

static struct job *job_of(const char *program)
{
    struct strbuf text = {0};

    strbuf_printf(&text,
                  "job: t\ninterval: 1s\npartitions: 8\nsources:\n"
                  "  lines: { type: udp, port: p, listen: 1, format: text }\n"
                  "  nums: { type: udp, port: p, listen: 2, format: csv, "
                  "schema: { k: string, v: int, x: float } }\n"
                  "program: |\n%s\nsinks:\n  o: { type: console, format: jsonl }\n",
                  program);
    return parse_job("job", &text);
}

static void put_bits(struct strbuf *out, const char *what, uint64_t bits)
{
    for (uint32_t i = 0; i < 64; i++)
        if (bits >> i & 1)
            strbuf_printf(out, " %s%u", what, i);
}

static void put_exchange(struct strbuf *out, const struct exchange *x)
{
    strbuf_printf(out, "x%u %s%s", x->idx, x->kind == EX_AGG ? "agg" : "rows",
                  x->key ? " keyed" : "");
    if (x->len == WINDOW_FOREVER)
        strbuf_puts(out, " forever");
    else if (x->len > 1)
        strbuf_printf(out, " len %u", (unsigned)x->len);
    if (x->slide > 1)
        strbuf_printf(out, " slide %u", (unsigned)x->slide);
    strbuf_printf(out, "%s%s%s%s%s%s%s", x->agg.count_only ? " ones" : "",
                  x->inverse && x->len > 1 && x->len != WINDOW_FOREVER ? " inverse" : "",
                  x->inverse_lambda ? " written" : "", x->group ? " group" : "",
                  x->top_cnt ? " top" : "", x->emits_empty ? " always" : "",
                  x->sorted ? " sorted" : "");
    if (x->best.cnt)
        strbuf_printf(out, " best %u at %u%s", x->best.cnt, x->best.off,
                      x->best.by_key ? " by key" : "");
    if (!x->agg.count_only)
        put_bits(out, "ones at ", x->ones);
    put_bits(out, "from s", x->upstream);
    strbuf_puts(out, "\n");
}

static void put_stage(struct strbuf *out, const struct stage *s)
{
    strbuf_printf(out, "s%u", s->idx);
    if (s->from)
        strbuf_printf(out, " of x%u", s->from->idx);
    else
        strbuf_printf(out, " of source %d", s->source);
    if (s->source >= 0) {
        strbuf_puts(out, " wants ");
        for (uint32_t i = 0; i < type_leaves(s->type); i++)
            strbuf_puts(out, s->want[i] ? "1" : "0");
    }
    put_bits(out, "x", s->writes);
    put_bits(out, "o", s->outputs);
    strbuf_puts(out, "\n");
}

static void describe(struct strbuf *out, const struct plan *p)
{
    for (uint32_t i = 0; i < p->exchanges_cnt; i++)
        put_exchange(out, p->exchange[i]);
    for (uint32_t i = 0; i < p->stages_cnt; i++)
        put_stage(out, p->stage[i]);
    for (uint32_t i = 0; i < p->outputs_cnt; i++) {
        const struct output *o = &p->output[i];
        strbuf_printf(out, "o%u %s", i, o->stream.name);
        if (o->slide > 1)
            strbuf_printf(out, " slide %u", (unsigned)o->slide);
        strbuf_puts(out, o->stream.by_value ? " by value" : "");
        put_bits(out, "x", o->exchanges);
        strbuf_puts(out, "\n");
    }
    strbuf_printf(out, "memory %u", (unsigned)p->memory_len);
}

// What every stage of a source of nothing looks like is left out of the table: both sources are
// always there, s0 of lines first.
static const struct {
    const char *program, *plan;
} plans[] = {
    {"  lines.filter(r => length(r.line) > 3).output(o)",
     "s0 of source 0 wants 1 o0\ns1 of source 1 wants 000\no0 lines.filter\nmemory 1"},
    {"  nums.map(r => (r.k, 1)).reduceByKey((a, b) => a + b).output(o)",
     "x0 agg keyed ones from s1\n"
     "s0 of source 0 wants 0\ns1 of source 1 wants 100 x0\ns2 of x0 o0\n"
     "o0 nums.map.reduceByKey by value x0\nmemory 1"},
    {"  nums.map(r => (r.k, r.v)).reduceByKey((a, b) => a + b).top(3).output(o)",
     "x0 agg keyed best 3 at 8 by key from s1\nx1 rows top from s2\n"
     "s0 of source 0 wants 0\ns1 of source 1 wants 110 x0\ns2 of x0 x1\ns3 of x1 o0\n"
     "o0 nums.map.reduceByKey.top x0 x1\nmemory 1"},
    {"  nums.map(r => (r.k, r.v)).reduceByKeyAndWindow((a, b) => max(a, b), \"6s\", \"2s\")\n"
     "    .output(o)",
     "x0 agg keyed len 6 slide 2 from s1\n"
     "s0 of source 0 wants 0\ns1 of source 1 wants 110 x0\ns2 of x0 o0\n"
     "o0 nums.map.reduceByKeyAndWindow slide 2 by value x0\nmemory 6"},
    {"  nums.map(r => (r.k, r.v)).reduceByKeyAndWindow((a, b) => a + b, (a, b) => a - b, \"6s\")\n"
     "    .output(o)",
     "x0 agg keyed len 6 inverse from s1\n"
     "s0 of source 0 wants 0\ns1 of source 1 wants 110 x0\ns2 of x0 o0\n"
     "o0 nums.map.reduceByKeyAndWindow by value x0\nmemory 6"},
    {"  nums.map(r => (r.k, r.v)).reduceByKeyAndWindow((a, b) => (a + b) % 7,\n"
     "    (a, b) => (a - b + 7) % 7, \"6s\").output(o)",
     "x0 agg keyed len 6 inverse written from s1\n"
     "s0 of source 0 wants 0\ns1 of source 1 wants 110 x0\ns2 of x0 o0\n"
     "o0 nums.map.reduceByKeyAndWindow by value x0\nmemory 6"},
    // a window goes down through narrow operators to what can carry it
    {"  nums.window(\"5s\", \"5s\").map(r => (r.k, r.x)).reduceByKey((a, b) => a + b).output(o)",
     "x0 agg keyed len 5 slide 5 from s1\n"
     "s0 of source 0 wants 0\ns1 of source 1 wants 101 x0\ns2 of x0 o0\n"
     "o0 nums.window.map.reduceByKey slide 5 by value x0\nmemory 5"},
    // and is rows of its own before an output; a count reads the stream itself
    {"  w = lines.window(\"3s\")\n  w.output(o)\n  w.count().output(o)",
     "x0 rows len 3 from s0\nx1 agg len 3 ones inverse always from s0\n"
     "s0 of source 0 wants 1 x0 x1\ns1 of x0 o0\ns2 of x1 o1\ns3 of source 1 wants 000\n"
     "o0 w x0\no1 w.count x1\nmemory 3"},
    {"  lines.window(\"2s\").window(\"3s\").count().output(o)",
     "x0 rows len 2 from s0\nx1 agg len 3 ones inverse always from s1\n"
     "s0 of source 0 wants 1 x0\ns1 of x0 x1\ns2 of x1 o0\ns3 of source 1 wants 000\n"
     "o0 lines.window.window.count x0 x1\nmemory 4"},
    // the exchange behind a union is one, written from both sides
    {"  lines.map(r => (r.line, 1)).union(nums.map(r => (r.k, r.v)))\n"
     "    .reduceByKey((a, b) => a + b).output(o)",
     "x0 agg keyed from s0 from s2\n"
     "s0 of source 0 wants 1 x0\ns1 of x0 o0\ns2 of source 1 wants 110 x0\n"
     "o0 lines.map.union.reduceByKey by value x0\nmemory 1"},
    // a sum of ones beside others is the count of records; not behind a union of which one side
    // may write others
    {"  nums.map(r => (r.k, (1, r.x, 2, 1))).reduceByKey((a, b) =>\n"
     "    (a._1 + b._1, max(a._2, b._2), a._3 + b._3, max(a._4, b._4)))\n"
     "    .map(p => (p._1, p._2._1)).top(3).output(o)",
     "x0 agg keyed best 3 at 0 by key ones at 0 from s1\nx1 rows top from s2\n"
     "s0 of source 0 wants 0\ns1 of source 1 wants 101 x0\ns2 of x0 x1\ns3 of x1 o0\n"
     "o0 nums.map.reduceByKey.map.top x0 x1\nmemory 1"},
    {"  nums.map(r => (r.k, (1, 1))).union(nums.map(r => (r.k, (1, r.v))))\n"
     "    .reduceByKey((a, b) => (a._1 + b._1, a._2 + b._2)).output(o)",
     "x0 agg keyed from s1\n"
     "s0 of source 0 wants 0\ns1 of source 1 wants 110 x0\ns2 of x0 o0\n"
     "o0 nums.map.union.reduceByKey by value x0\nmemory 1"},
    {"  nums.map(r => (r.k, r.v)).runningReduce((a, b) => a + b).output(o)",
     "x0 agg keyed forever from s1\n"
     "s0 of source 0 wants 0\ns1 of source 1 wants 110 x0\ns2 of x0 o0\n"
     "o0 nums.map.runningReduce by value x0\nmemory 1"},
    // entries leave in key order where another exchange gets them
    {"  nums.map(r => (r.k, r.v)).reduceByKey((a, b) => a + b).map(p => (p._2, p._1))\n"
     "    .groupByKey().output(o)",
     "x0 agg keyed sorted from s1\nx1 rows keyed group from s2\n"
     "s0 of source 0 wants 0\ns1 of source 1 wants 110 x0\ns2 of x0 x1\ns3 of x1 o0\n"
     "o0 nums.map.reduceByKey.map.groupByKey by value x0 x1\nmemory 1"},
    // outputs are numbered as they are written
    {"  c = nums.map(r => r.k).countByValue()\n  c.output(o)\n  lines.output(o)\n"
     "  c.count().output(o)",
     "x0 agg keyed ones from s1\nx1 agg ones always from s2\n"
     "s0 of source 0 wants 1 o1\ns1 of source 1 wants 100 x0\n"
     "s2 of x0 x1 o0\ns3 of x1 o2\n"
     "o0 c by value x0\no1 lines\no2 c.count by value x0 x1\nmemory 1"},
};

TEST(plan, lowers)
{
    for (uint32_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
        struct job *j = job_of(plans[i].program);
        char err[128] = "";
        struct strbuf out = {0};
        EXPECT(j != NULL);
        if (!j)
            continue;
        struct plan *p = plan_build(&j->graph, j->name, j->partitions, &j->zone, err, sizeof err);
        EXPECT_EQ_STR(err, "");
        if (p)
            describe(&out, p);
        EXPECT_EQ_STR(out.s, plans[i].plan);
        strbuf_release(&out);
        job_free(j);
    }
}

static void expect_refused(const char *program, const char *why)
{
    struct job *j = job_of(program);
    char err[128] = "";

    EXPECT(j != NULL);
    if (!j)
        return;
    EXPECT(plan_build(&j->graph, j->name, j->partitions, &j->zone, err, sizeof err) == NULL);
    EXPECT_EQ_STR(err, why);
    job_free(j);
}

static void put_times(struct strbuf *b, uint32_t n, const char *line)
{
    for (uint32_t i = 0; i < n; i++)
        strbuf_puts(b, line);
}

static const struct pnode *filter_of(const struct pnode *n)
{
    const struct pnode *found = n->kind == PN_FILTER ? n : NULL;

    for (uint32_t i = 0; i < n->kids_cnt && !found; i++)
        found = filter_of(n->kid[i]);
    return found;
}

// The columns that the first filter of nums puts together.
TEST(plan, packs_numbers_that_are_read_below_filters)
{
    static const struct {
        const char *program;
        uint64_t packs;
    } cases[] = {
        {"  nums.filter(r => r.k == \"a\").map(r => r.v).output(o)", 2},
        {"  nums.filter(r => r.v > 3).map(r => (r.v, r.x)).output(o)", 6},
        {"  f = nums.filter(r => r.v > 3)\n  f.filter(r => r.x > 1.0).map(r => r.v).output(o)", 6},
        {"  f = nums.filter(r => r.v > 3)\n  f.map(r => r.x).output(o)\n  f.count().output(o)", 4},
        // a string is read; all are; none is
        {"  nums.filter(r => r.v > 3).map(r => (r.k, r.v)).output(o)", 0},
        {"  nums.filter(r => r.v > 3).output(o)", 0},
        {"  nums.filter(r => r.v > 3).count().output(o)", 0},
        {"  nums.map(r => (r.v, r.x)).filter(p => p._1 > 3).output(o)", 3},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct job *j = job_of(cases[i].program);
        const struct pnode *filter = NULL;
        char err[128] = "";
        REQUIRE(j != NULL);
        struct plan *p = plan_build(&j->graph, j->name, j->partitions, &j->zone, err, sizeof err);
        REQUIRE(p != NULL);
        for (uint32_t k = 0; k < p->stages_cnt && !filter; k++)
            filter = filter_of(p->stage[k]->root);
        REQUIRE(filter != NULL);
        EXPECT_EQ_INT(filter->packs, cases[i].packs);
        job_free(j);
    }
}

TEST(plan, has_limits)
{
    struct strbuf b = {0};

    put_times(&b, 17, "  lines.count().output(o)\n");
    expect_refused(b.s, "a stream has too many readers");
    b.len = 0;
    strbuf_puts(&b, "  a0 = lines.map(r => r.line)\n");
    for (uint32_t i = 0; i < 40; i++)
        strbuf_printf(&b, "  a%u = a%u.union(a%u)\n", i + 1, i, i);
    strbuf_puts(&b, "  a40.output(o)\n");
    expect_refused(b.s, "the job has too many unions of unions");
    b.len = 0;
    strbuf_puts(&b, "  a0 = lines.map(r => r.line)\n");
    for (uint32_t i = 0; i < 6; i++)
        strbuf_printf(&b, "  a%u = a%u.union(a%u)\n", i + 1, i, i);
    strbuf_puts(&b, "  a6.output(o)\n");
    expect_refused(b.s, "a stream is written to too many places");
    b.len = 0;
    for (uint32_t i = 0; i < 3; i++) {
        strbuf_printf(&b, "  c%u = lines.filter(r => length(r.line) > %u)\n", i, i);
        for (uint32_t k = 0; k < 12; k++)
            strbuf_printf(&b, "  c%u.count().output(o)\n", i);
    }
    expect_refused(b.s, "the job has too many outputs");
    strbuf_release(&b);
}

// Memory is shared alike; what is too little says how much would do, and that does.
TEST(plan, divides_memory)
{
    static const char *const programs[] = {
        "  nums.map(r => (r.k, r.v)).reduceByKey((a, b) => a + b).top(4).output(o)",
        "  lines.window(\"9s\").output(o)",
        "  nums.map(r => (r.k, r.x)).reduceByKeyAndWindow((a, b) => a + b, \"60s\").output(o)",
        "  lines.count().output(o)\n  nums.map(r => (r.k, r.k)).groupByKey().output(o)",
        "  nums.map(r => r.k).reduceByWindow((a, b) => max(a, b), \"9s\", \"3s\").output(o)",
    };

    for (uint32_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        struct job *j = job_of(programs[i]);
        char err[128];
        EXPECT(j != NULL);
        if (!j)
            continue;
        struct plan *p = plan_build(&j->graph, j->name, j->partitions, &j->zone, err, sizeof err);
        uint64_t need = plan_capacity(p, 1000);
        EXPECT(need > 1000);
        EXPECT_EQ_INT(plan_capacity(p, need), 0);
        for (uint64_t bytes = need; bytes < 64u << 20; bytes *= 2) {
            uint64_t used = 0;
            EXPECT_EQ_INT(plan_capacity(p, bytes), 0);
            for (uint32_t x = 0; x < p->exchanges_cnt; x++) {
                used += p->exchange[x]->state_bytes * p->exchange[x]->partitions;
                EXPECT(p->exchange[x]->kind == EX_ROWS || p->exchange[x]->keys_max > 0);
            }
            EXPECT(used <= bytes);
        }
        job_free(j);
    }
}

TEST(plan, knows_active_intervals)
{
    EXPECT(slide_active(0, 5) && slide_active(1, 5));
    EXPECT(slide_active(3, 2) && !slide_active(3, 3) && !slide_active(3, 4) && slide_active(3, 5));
}
