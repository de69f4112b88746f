// Which programs begin with a sieve, by which number, and what is read of the records that it
// keeps.

#include "rdd/plan.h"
#include "tests/common/parse_job.h"
#include "tests/test.h"

static const struct {
    const char *program, *sieve;
} rows[] = {
    {"e.filter(r => r.kind == 0).map(r => r.ad / 10).distinct().output(o)", "1 == 0: 0"},
    {"e.filter(r => r.kind != -7).map(r => r.ad).distinct().output(o)", "1 != -7: 0"},
    {"e.filter(r => r.ad < 7).count().output(o)", "0 < 7:"},
    {"e.filter(r => r.ad <= 7).output(o)", "0 <= 7: 0 1 2 3 ordered"},
    {"e.filter(r => r.ad > 7).map(r => (r.kind, r.name)).groupByKey().output(o)",
     "0 > 7: 1 3 ordered"},
    {"e.filter(r => r.ad >= 7).map(r => (r.kind, r.ad)).reduceByKey((a, b) => b).output(o)",
     "0 >= 7: 0 1 ordered"},
    {"e.filter(r => r.kind == 0).filter(r => r.ad == 3).count().output(o)", "1 == 0: 0"},
    {"f = e.filter(r => r.kind == 0)\n  f.count().output(o)\n"
     "  f.map(r => r.name).distinct().output(o)",
     "1 == 0: 3"},

    // more than a comparison, or one of something else
    {"e.filter(r => r.kind == 0 && r.ad == 3).count().output(o)", ""},
    {"e.filter(r => r.kind == r.ad).count().output(o)", ""},
    {"e.filter(r => r.kind + 1 == 1).count().output(o)", ""},
    {"e.filter(r => r.x == 1.5).count().output(o)", ""},
    {"e.filter(r => r.name == \"a\").count().output(o)", ""},

    // records that do not pass have an effect, too
    {"e.filter(r => r.kind == 0).count().output(o)\n  e.count().output(o)", ""},
    {"e.filter(r => r.kind == 0).union(e).count().output(o)", ""},
    {"e.map(r => r.kind).filter(x => x == 0).count().output(o)", ""},
    {"e.map(r => r.kind).countByValue().filter(r => r._2 > 3).output(o)", ""},
};

static void describe(struct strbuf *out, const struct stage *s)
{
    static const char *const ops[] = {"==", "!=", "<", "<=", ">", ">="};

    strbuf_puts(out, "");
    if (!s->sieve.on)
        return;
    strbuf_printf(out, "%u %s %lld:", s->sieve.by.col, ops[s->sieve.by.op],
                  (long long)s->sieve.by.with);
    for (uint32_t k = 0; k < type_leaves(s->type); k++)
        if (s->sieve.want[k])
            strbuf_printf(out, " %u", k);
    strbuf_puts(out, s->sieve.ordered ? " ordered" : "");
}

static struct job *job_of(const char *program)
{
    struct strbuf text = {0};

    strbuf_printf(&text,
                  "job: t\ninterval: 1s\nsources:\n"
                  "  e: { type: udp, port: p, listen: 1, format: binary, record: 24, schema: "
                  "{ ad: { type: int, width: 4 }, kind: { type: int, width: 2 }, "
                  "x: { type: float, width: 8 }, name: { type: string, width: 4 } } }\n"
                  "program: |\n  %s\nsinks:\n  o: { type: console, format: jsonl }\n",
                  program);
    return parse_job("job", &text);
}

TEST(plan_sieve, is_the_first_filter)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct job *j = job_of(rows[i].program);
        struct strbuf out = {0};
        char err[128] = "";
        EXPECT(j != NULL);
        if (!j)
            continue;
        struct plan *p = plan_build(&j->graph, j->name, j->partitions, &j->zone, err, sizeof err);
        EXPECT_EQ_STR(err, "");
        describe(&out, p->stage[0]);
        if (strcmp(out.s, rows[i].sieve) != 0)
            TEST_FAIL(rows[i].program);
        EXPECT_EQ_STR(out.s, rows[i].sieve);
        EXPECT((p->stage[0]->met != NULL) == p->stage[0]->sieve.on);
        for (uint32_t k = 1; k < p->stages_cnt; k++)
            EXPECT(!p->stage[k]->sieve.on);
        strbuf_release(&out);
        job_free(j);
    }
}
