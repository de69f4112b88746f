// The reference held to tables written by hand: what each operator means.

#include "tests/common/reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rdd/fsum.h"
#include "tests/common/parse_job.h"
#include "tests/prng.h"
#include "tests/test.h"

// A program over these streams, the records of each interval, and the rows that leave in each.
// Records are parted by commas: "a KEY INT", "b KEY INT", "f KEY FLOAT", "l TEXT". A row is
// written KEY=VALUE or VALUE, as in JSON; rows end in a blank, an interval in "| ".
struct ref_case {
    const char *program;
    const char *in[6];
    const char *out;
};

static const char head[] = "job: test\n"
                           "interval: 1s\n"
                           "sources:\n"
                           "  a: { type: udp, format: csv, schema: { k: string, v: int } }\n"
                           "  b: { type: udp, format: csv, schema: { k: string, v: int } }\n"
                           "  f: { type: udp, format: csv, schema: { k: string, x: float } }\n"
                           "  l: { type: udp }\n"
                           "sinks: { s: { type: console } }\n"
                           "program: |\n  ";

#define PAIRS  "p = a.map(r => (r.k, r.v))\n"
#define FLOATS "q = f.map(r => (r.k, r.x))\n"

static const struct ref_case cases[] = {
    {"a.map(r => r.v + 1).output(s)", {"a x 5,a y 2", "", "a z 0"}, "6 3 | | 1 | "},
    {"a.map(r => 10 / r.v).output(s)", {"a x 5,a y 0,a z -3"}, "2 -3 | "},
    {"l.flatMap(r => split(r.line)).output(s)",
     {"l  to be  or,l not"},
     "\"to\" \"be\" \"or\" \"not\" | "},
    {"a.filter(r => r.v > 1 && 10 / r.v > 2).output(s)",
     {"a x 5,a y 0,a z 3,a w 2"},
     "[\"z\", 3] [\"w\", 2] | "},
    {PAIRS "p.mapValues(v => -v).output(s)",
     {"a y 1,a x 2,a x 1"},
     "\"x\"=-2 \"x\"=-1 \"y\"=-1 | "},
    {"l.map(r => (r.line, 1)).flatMapValues(v => split(\"x y\")).output(s)",
     {"l b,l a"},
     "\"a\"=\"x\" \"a\"=\"y\" \"b\"=\"x\" \"b\"=\"y\" | "},
    {"a.map(r => r.v).union(b.map(r => r.v)).output(s)", {"b x 1,a y 2,b z 3,a w 4"}, "2 4 1 3 | "},
    {"a.map(r => r.v).union(a.map(r => 0 - r.v)).output(s)", {"a x 1,a y 2"}, "1 -1 2 -2 | "},
    {"w = l.flatMap(r => split(r.line))\n  w.union(l.map(r => r.line)).union(w).output(s)",
     {"l b a,l c"},
     "\"b\" \"a\" \"b a\" \"b\" \"a\" \"c\" \"c\" \"c\" | "},
    {PAIRS "p.reduceByKey((x, y) => x + y).output(s)",
     {"a x 1,a y 2,a x 3", "", "a x 9223372036854775807,a x 1"},
     "\"x\"=4 \"y\"=2 | | \"x\"=-9223372036854775808 | "},
    {PAIRS "p.reduceByKey((x, y) => min(x, y)).output(s)", {"a x 4,a x 1,a x 3"}, "\"x\"=1 | "},
    {PAIRS "p.reduceByKey((x, y) => x).output(s)", {"a x 4,a x 1,a x 3"}, "\"x\"=4 | "},
    {PAIRS "p.reduceByKey((x, y) => y).output(s)", {"a x 4,a x 1,a x 3"}, "\"x\"=3 | "},
    {PAIRS "p.reduceByKey((x, y) => x * y).output(s)", {"a x 4,a x 5,a x 3"}, "\"x\"=60 | "},
    {FLOATS "q.reduceByKey((x, y) => x + y).output(s)",
     {"f x 1e16,f x 1,f x -1e16,f y 0.1,f y 0.2,f y 0.3"},
     "\"x\"=1.0 \"y\"=0.6 | "},
    {PAIRS "p.groupByKey().output(s)", {"a x 3,a y 2,a x 1"}, "\"x\"=[3, 1] \"y\"=[2] | "},
    {"a.map(r => r.k).countByValue().output(s)", {"a x 1,a y 2,a x 3"}, "\"x\"=2 \"y\"=1 | "},
    {"a.map(r => r.k).distinct().map(k => (k, 0)).output(s)",
     {"a x 1,a y 2,a x 3"},
     "\"x\"=0 \"y\"=0 | "},
    {"a.count().output(s)", {"a x 1,a y 2", "", "a z 1"}, "2 | 0 | 1 | "},
    {"a.map(r => r.v).reduce((x, y) => x + y).output(s)",
     {"a x 1,a y 2", "", "a z 1"},
     "3 | | 1 | "},
    {PAIRS "p.top(2).output(s)", {"a x 1,a y 5,a z 1,a w 9"}, "\"w\"=9 \"y\"=5 | "},
    {PAIRS "p.top(3).output(s)", {"a z 1,a y 5,a x 1,a w 9"}, "\"w\"=9 \"y\"=5 \"x\"=1 | "},
    {"a.map(r => r.v).top(2).output(s)", {"a x 1,a y 5,a z 3"}, "5 3 | "},
    {"a.map(r => r.v).window(\"2s\").output(s)",
     {"a x 1,a y 2", "a z 3", "", ""},
     "1 2 | 1 2 3 | 3 | | "},
    {"a.map(r => r.v).window(\"3s\", \"2s\").output(s)",
     {"a x 1", "a z 3", "a z 5", "a z 7"},
     "| 1 3 | | 3 5 7 | "},
    {"a.window(\"2s\").count().output(s)", {"a x 1,a y 2", "a z 3", "", ""}, "2 | 3 | 1 | 0 | "},
    {PAIRS "p.reduceByKeyAndWindow((x, y) => x + y, (x, y) => x - y, \"2s\", \"1s\").output(s)",
     {"a x 1,a y 0", "a x 2", "a y 5", ""},
     "\"x\"=1 \"y\"=0 | \"x\"=3 \"y\"=0 | \"x\"=2 \"y\"=5 | \"y\"=5 | "},
    {PAIRS "p.reduceByKeyAndWindow((x, y) => max(x, y), \"3s\").output(s)",
     {"a x 9", "a x 2", "", "", "", ""},
     "\"x\"=9 | \"x\"=9 | \"x\"=9 | \"x\"=2 | | | "},
    {PAIRS "p.groupByKeyAndWindow(\"2s\").output(s)",
     {"a x 1,a x 0", "a x 2", ""},
     "\"x\"=[1, 0] | \"x\"=[1, 0, 2] | \"x\"=[2] | "},
    {"a.map(r => r.v).reduceByWindow((x, y) => x + y, \"2s\", \"2s\").output(s)",
     {"a x 1", "a x 2", "a x 4", "", "", ""},
     "| 3 | | 4 | | | "},
    {"a.countByWindow(\"2s\", \"1s\").output(s)", {"a x 1", "a x 2", "", ""}, "1 | 2 | 1 | 0 | "},
    {"a.map(r => r.k).countByValueAndWindow(\"2s\", \"1s\").output(s)",
     {"a x 1", "a x 2,a y 1", "", ""},
     "\"x\"=1 | \"x\"=2 \"y\"=1 | \"x\"=1 \"y\"=1 | | "},
    {PAIRS "p.runningReduce((x, y) => x + y).output(s)",
     {"a x 1", "", "a x 2,a y 1"},
     "\"x\"=1 | \"x\"=1 | \"x\"=3 \"y\"=1 | "},
    {"a.map(r => (r.v > 1 ? \"many\" : \"one\", (r.v, r.k)))"
     ".reduceByKey((x, y) => (x._1 + y._1, max(x._2, y._2))).output(s)",
     {"a x 1,a y 2,a z 1,a w 5"},
     "\"many\"=[7, \"y\"] \"one\"=[2, \"z\"] | "},
    {"a.window(\"4s\", \"2s\").count().window(\"4s\", \"4s\").output(s)",
     {"a x 1", "a x 1", "a x 1", "", "", ""},
     "| | | 2 3 | | | "},
    {"a.count().output(s)\nb.count().output(s)", {"a x 1"}, "1 0 | "},
};

static struct job *job_of(const char *program)
{
    struct strbuf text = {0};
    strbuf_puts(&text, head);
    for (; *program; program++) {
        strbuf_add(&text, program, 1);
        if (*program == '\n')
            strbuf_puts(&text, "  ");
    }
    return parse_job("test.yaml", &text);
}

static void feed_record(struct ref *r, const char *rec, size_t len)
{
    static const char source[] = "abfl";
    char text[256];
    struct ref_val leaf[2];
    memcpy(text, rec, len);
    text[len] = 0;
    char *rest = text + 2, *number = strrchr(rest, ' ');
    leaf[0] = ref_string(rest);
    if (text[0] != 'l') {
        leaf[0].s.len = (uint32_t)(number - rest);
        leaf[1] =
            text[0] == 'f' ? ref_float(strtod(number, NULL)) : ref_int(strtoll(number, NULL, 10));
    }
    ref_feed(r, (uint32_t)(strchr(source, text[0]) - source), leaf);
}

// JSON lines as the table writes them.
static void shorten(struct strbuf *out, const char *lines)
{
    static const char key[] = "\"key\": ", value[] = "\"value\": ";
    for (const char *end; (end = strchr(lines, '\n')); lines = end + 1) {
        const char *k = strstr(lines, key), *v = strstr(lines, value);
        if (k && k < end) {
            strbuf_add(out, k + strlen(key), (size_t)(v - k) - strlen(key) - 2);
            strbuf_puts(out, "=");
        }
        strbuf_add(out, v + strlen(value), (size_t)(end - v) - strlen(value) - 1);
        strbuf_puts(out, " ");
    }
}

static void check_rows(const struct ref_case *c)
{
    struct job *j = job_of(c->program);
    struct strbuf out = {0};
    if (!j)
        return;
    struct ref *r = ref_new(&j->graph, j->name, j->partitions);
    for (uint64_t n = 0; n < 6 && c->in[n]; n++) {
        struct strbuf lines = {0};
        for (const char *p = c->in[n]; *p; p += strcspn(p, ","), p += *p == ',')
            feed_record(r, p, strcspn(p, ","));
        ref_interval_all(r, n, true, &lines);
        if (lines.len)
            shorten(&out, lines.s);
        strbuf_puts(&out, "| ");
        strbuf_release(&lines);
    }
    if (strcmp(out.s, c->out) != 0)
        TEST_FAIL(c->program);
    EXPECT_EQ_STR(out.s, c->out);
    strbuf_release(&out);
    ref_free(r);
    job_free(j);
}

TEST(reference, operators_by_hand)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_rows(&cases[i]);
}

TEST(reference, lines_are_those_of_a_sink)
{
    struct job *j = job_of("n = a.count()\nn.output(s)");
    struct strbuf out = {0};
    REQUIRE(j);
    struct ref *r = ref_new(&j->graph, j->name, j->partitions);
    ref_interval_all(r, 7, false, &out);
    EXPECT_EQ_STR(out.s, "{\"interval\": 7, \"end\": \"1970-01-01T00:00:08Z\", \"stream\": \"n\", "
                         "\"value\": 0, \"complete\": false}\n");
    EXPECT_EQ_INT(ref_outputs(r), 1);
    EXPECT_EQ_STR(ref_stream(r, 0)->name, "n");
    strbuf_release(&out);
    ref_free(r);
    job_free(j);
}

TEST(reference, skipped_intervals_hold_nothing)
{
    struct job *j = job_of("a.countByWindow(\"3s\", \"1s\").output(s)");
    struct strbuf out = {0};
    REQUIRE(j);
    struct ref *r = ref_new(&j->graph, j->name, j->partitions);
    const struct ref_val leaf[2] = {ref_string("x"), ref_int(1)};
    static const uint64_t at[] = {1, 2, 4, 9};
    for (size_t i = 0; i < 4; i++) {
        struct strbuf lines = {0};
        ref_feed(r, 0, leaf);
        ref_interval_all(r, at[i], true, &lines);
        shorten(&out, lines.s);
        strbuf_release(&lines);
    }
    EXPECT_EQ_STR(out.s, "1 2 2 1 ");
    strbuf_release(&out);
    ref_free(r);
    job_free(j);
}

// Sums that can be checked: against integers, against themselves in another order, by hand.
TEST(reference, sums_are_exact)
{
    static const struct {
        double x[5], sum;
    } table[] = {
        {{0}, 0},
        {{1, 2, 3, 4, 5}, 15},
        {{0.1, 0.2, 0.3}, 0.6},
        {{1e308, 1e308, -1e308, -1e308, 5e-324}, 5e-324},
        {{1, 0x1p-53}, 1},
        {{1, 0x1p-53, 0x1p-1074}, 1 + 0x1p-52},
        {{1 + 0x1p-52, 0x1p-53}, 1 + 0x1p-51},
        {{-1, -0x1p-53, -0x1p-200}, -1 - 0x1p-52},
        {{0x1p-1074, 0x1p-1074, 0x1p-1073}, 0x1p-1072},
        {{1e308, 1e308}, INFINITY},
        {{-INFINITY, 1}, -INFINITY},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        EXPECT(ref_sum(table[i].x, 5) == table[i].sum);
    EXPECT(isnan(ref_sum((double[]){INFINITY, -INFINITY}, 2)));
}

TEST(reference, sums_agree_with_binned_sums)
{
    struct prng p = prng_of(prng_seed(11));
    for (int round = 0; round < 300; round++) {
        double x[100];
        uint32_t n = (uint32_t)prng_below(&p, 101);
        int spread = (int)prng_below(&p, 16);
        struct fsum s = {.top = 0};
        for (uint32_t i = 0; i < n; i++) {
            x[i] = ldexp(prng_f64(&p) - 0.5, (int)prng_between(&p, -spread, spread));
            fsum_add(&s, x[i]);
        }
        EXPECT(fsum_value(&s) == ref_sum(x, n));
    }
}
