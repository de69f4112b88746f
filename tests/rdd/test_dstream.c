// The D-Stream graph: types that follow, sentences that refuse, windows, names.

#include <stdio.h>
#include <string.h>

#include "rdd/dstream.h"
#include "tests/test.h"

#define S 1000000000ull

struct fixture {
    struct zone zone;
    struct dgraph graph;
    struct dstream *lines, *pairs, *floats, *groups;
};

static const struct type *pair_of(struct fixture *f, const struct type *k, const struct type *v)
{
    return type_tuple(&f->zone, (const struct type *const[]){k, v}, 2);
}

static void setup(struct fixture *f, uint64_t interval_ns)
{
    *f = (struct fixture){.zone = {NULL}};
    dgraph_init(&f->graph, &f->zone, interval_ns);
    f->lines = dstream_source(&f->graph, "lines", &type_string, 0);
    f->pairs = dstream_source(&f->graph, "pairs", pair_of(f, &type_string, &type_int), 1);
    f->floats = dstream_source(&f->graph, "floats", pair_of(f, &type_ip, &type_float), 2);
    f->groups = dstream_group_by_key(&f->graph, f->pairs);
}

// A lambda of n parameters of type p that gives `result`, whose leaves are its first columns.
static struct lambda *lambda_of(struct fixture *f, uint32_t n, const struct type *p,
                                const struct type *result)
{
    struct lambda *l = zone_alloc(&f->zone, sizeof *l);

    l->params_cnt = n;
    l->param[0] = l->param[1] = p;
    l->result = result;
    l->leaves_cnt = type_leaves(result);
    l->leaf = zone_alloc(&f->zone, l->leaves_cnt * sizeof(*l->leaf));
    for (uint32_t i = 0; i < l->leaves_cnt; i++)
        l->leaf[i] = expr_col(&f->zone, type_leaf(result, i), i);
    return l;
}

// (a, b) => a SIGN b
static struct lambda *infix(struct fixture *f, const struct type *t, const char *sign)
{
    struct lambda *l = lambda_of(f, 2, t, t);
    struct expr *arg[2] = {expr_col(&f->zone, t, 0), expr_col(&f->zone, t, 1)};

    l->leaf[0] = expr_call(&f->zone, sign, FN_INFIX, 2, arg);
    return l;
}

static void expect_type(const struct dstream *d, const char *text)
{
    char buf[128] = "refused";

    if (d)
        type_print(d->type, buf, sizeof buf);
    EXPECT_EQ_STR(buf, text);
}

#define EXPECT_REFUSED(f, d, arg, part)         \
    do {                                        \
        EXPECT((d) == NULL);                    \
        EXPECT_HAS_STR((f)->graph.err, part);   \
        EXPECT_EQ_INT((f)->graph.err_arg, arg); \
    } while (0)

TEST(dstream, types)
{
    struct fixture f;

    setup(&f, S);
    struct dgraph *g = &f.graph;
    const struct type *pair = f.pairs->type, *list = type_list(&f.zone, &type_ip);
    struct lambda *sum = infix(&f, &type_int, "+");
    expect_type(f.groups, "(string, list(int))");
    expect_type(dstream_map(g, f.lines, lambda_of(&f, 1, &type_string, &type_ip)), "ip");
    expect_type(dstream_flat_map(g, f.lines, lambda_of(&f, 1, &type_string, list)), "ip");
    expect_type(dstream_map_values(g, f.pairs, lambda_of(&f, 1, &type_int, &type_ip)),
                "(string, ip)");
    expect_type(dstream_flat_map_values(g, f.pairs, lambda_of(&f, 1, &type_int, list)),
                "(string, ip)");
    expect_type(dstream_filter(g, f.pairs, lambda_of(&f, 1, pair, &type_bool)), "(string, int)");
    expect_type(dstream_union(g, f.pairs, f.pairs), "(string, int)");
    expect_type(dstream_reduce_by_key(g, f.pairs, sum), "(string, int)");
    expect_type(dstream_count_by_value(g, f.pairs), "((string, int), int)");
    expect_type(dstream_count(g, f.groups), "int");
    expect_type(dstream_reduce(g, f.pairs, lambda_of(&f, 2, pair, pair)), "(string, int)");
    expect_type(dstream_distinct(g, f.lines), "string");
    expect_type(dstream_top(g, f.groups, 3), "(string, list(int))");
    expect_type(dstream_window(g, f.groups, 3 * S, 0), "(string, list(int))");
    expect_type(dstream_reduce_by_key_and_window(g, f.pairs, sum, NULL, 3 * S, 0), "(string, int)");
    expect_type(dstream_group_by_key_and_window(g, f.floats, 3 * S, 0), "(ip, list(float))");
    expect_type(dstream_count_by_window(g, f.lines, 3 * S, 0), "int");
    expect_type(dstream_count_by_value_and_window(g, f.lines, 3 * S, 0), "(string, int)");
    expect_type(dstream_running_reduce(g, f.pairs, sum), "(string, int)");
    expect_type(dstream_output(g, f.groups, 0), "(string, list(int))");
    zone_free(&f.zone);
}

TEST(dstream, refusals)
{
    struct fixture f;

    setup(&f, S);
    struct dgraph *g = &f.graph;
    const struct type *pair = f.pairs->type;
    struct lambda *sum = infix(&f, &type_int, "+");
    EXPECT_REFUSED(&f, dstream_map(g, f.lines, lambda_of(&f, 1, &type_int, &type_int)), 0,
                   "does not take rows of type string");
    EXPECT_REFUSED(&f, dstream_flat_map(g, f.lines, lambda_of(&f, 1, &type_string, &type_string)),
                   0, "must give a list, not string");
    EXPECT_REFUSED(&f, dstream_map_values(g, f.lines, sum), -1, "mapValues needs pairs");
    EXPECT_REFUSED(&f, dstream_filter(g, f.lines, lambda_of(&f, 1, &type_string, &type_int)), 0,
                   "must give a bool, not int");
    EXPECT_REFUSED(&f, dstream_union(g, f.lines, f.pairs), 0, "string and (string, int)");
    EXPECT_REFUSED(&f, dstream_reduce_by_key(g, f.lines, sum), -1, "reduceByKey needs pairs");
    EXPECT_REFUSED(&f, dstream_reduce_by_key(g, f.floats, sum), 0, "two values of type float");
    EXPECT_REFUSED(&f, dstream_reduce_by_key(g, f.pairs, lambda_of(&f, 1, &type_int, &type_int)), 0,
                   "two values of type int");
    EXPECT_REFUSED(&f, dstream_running_reduce(g, f.pairs, lambda_of(&f, 2, &type_int, &type_bool)),
                   0, "must give one, not bool");
    EXPECT_REFUSED(&f, dstream_reduce_by_key(g, f.groups, sum), -1, "cannot combine lists");
    EXPECT_REFUSED(&f, dstream_reduce(g, f.groups, sum), -1, "cannot combine lists");
    EXPECT_REFUSED(&f, dstream_distinct(g, f.groups), -1, "cannot compare lists");
    EXPECT_REFUSED(&f, dstream_count_by_value(g, f.groups), -1, "cannot compare lists");
    EXPECT_REFUSED(&f, dstream_group_by_key(g, f.lines), -1, "groupByKey needs pairs");
    EXPECT_REFUSED(&f, dstream_top(g, f.lines, 0), 0, "from 1 to 1000000");
    EXPECT_REFUSED(&f, dstream_top(g, f.lines, TOP_ROWS_MAX + 1), 0, "from 1 to 1000000");
    // An inverse: of a native aggregate it must be one, of any other lambda it is believed.
    struct lambda *minus = infix(&f, &type_int, "-"), *times = infix(&f, &type_int, "*");
    expect_type(dstream_reduce_by_key_and_window(g, f.pairs, sum, minus, 2 * S, S),
                "(string, int)");
    expect_type(dstream_reduce_by_key_and_window(g, f.pairs, times, minus, 2 * S, S),
                "(string, int)");
    EXPECT_REFUSED(&f, dstream_reduce_by_key_and_window(g, f.pairs, sum, times, 2 * S, S), 1,
                   "not the inverse");
    EXPECT_REFUSED(&f,
                   dstream_reduce_by_window(g, f.pairs, lambda_of(&f, 2, pair, pair), sum, S, S), 1,
                   "two values of type (string, int)");
    struct lambda *fsum = infix(&f, &type_float, "+"), *fminus = infix(&f, &type_float, "-");
    expect_type(dstream_reduce_by_key_and_window(g, f.floats, fsum, fminus, 2 * S, S),
                "(ip, float)");
    zone_free(&f.zone);
}

TEST(dstream, windows)
{
    static const struct {
        uint64_t parent_slide, len, slide; // ns
        uint64_t want_len, want_slide;     // intervals; 0: refused
        int arg;
    } table[] = {
        {0, 3 * S, 0, 6, 1, 0},          {0, 3 * S, S, 6, 2, 0},     {0, S / 2, S / 2, 1, 1, 0},
        {0, S, 3 * S, 2, 6, 0},          {0, 0, 0, 0, 0, 0},         {0, S / 4, 0, 0, 0, 0},
        {0, 3 * S + 1, 0, 0, 0, 0},      {0, 3 * S, S / 4, 0, 0, 1}, {2 * S, 4 * S, 0, 8, 4, 0},
        {2 * S, 4 * S, 6 * S, 8, 12, 0}, {2 * S, 3 * S, 0, 0, 0, 0}, {2 * S, 4 * S, 3 * S, 0, 0, 1},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct fixture f;
        setup(&f, S / 2);
        struct dstream *s = f.lines;
        if (table[i].parent_slide)
            s = dstream_window(&f.graph, s, 10 * S, table[i].parent_slide);
        // Narrow and wide operators pass the slide on.
        s = dstream_distinct(&f.graph, dstream_union(&f.graph, s, s));
        struct dstream *d = dstream_count_by_window(&f.graph, s, table[i].len, table[i].slide);
        if (table[i].want_len) {
            REQUIRE(d != NULL);
            EXPECT_EQ_INT(d->window_len, table[i].want_len);
            EXPECT_EQ_INT(d->slide, table[i].want_slide);
            EXPECT_EQ_INT(dstream_slide(d), table[i].want_slide);
        } else {
            EXPECT_REFUSED(&f, d, table[i].arg, "is not a multiple of");
        }
        zone_free(&f.zone);
    }
}

TEST(dstream, union_needs_one_slide)
{
    struct fixture f;

    setup(&f, S);
    struct dstream *slow = dstream_window(&f.graph, f.lines, 10 * S, 5 * S);
    EXPECT_REFUSED(&f, dstream_union(&f.graph, f.lines, slow), 0, "slide by 1s and 5s");
    zone_free(&f.zone);
}

TEST(dstream, limits)
{
    struct fixture f;
    const struct type *wide = &type_int;

    setup(&f, S);
    while (f.graph.nodes_cnt < GRAPH_NODES_MAX)
        EXPECT(dstream_count(&f.graph, f.lines) != NULL);
    EXPECT_REFUSED(&f, dstream_count(&f.graph, f.lines), -1, "at most 256 streams");
    zone_free(&f.zone);
    setup(&f, S);
    for (int i = 0; i < 6; i++)
        wide = pair_of(&f, wide, wide);
    struct dstream *s = dstream_map(&f.graph, f.lines, lambda_of(&f, 1, &type_string, wide));
    EXPECT_REFUSED(&f, dstream_count_by_value(&f.graph, s), -1, "more than 64 columns");
    zone_free(&f.zone);
}

TEST(dstream, names)
{
    struct fixture f;
    static const char *const names[] = {
        "lines", "pairs",      "floats",        "pairs.groupByKey",   "lines.count",
        "mine",  "mine.count", "lines.count~2", "lines.count.output", "lines.count~3"};

    setup(&f, S);
    struct dstream *count = dstream_count(&f.graph, f.lines);
    struct dstream *mine = dstream_distinct(&f.graph, f.lines);
    mine->name = "mine";
    dstream_count(&f.graph, mine);
    dstream_count(&f.graph, f.lines);
    dstream_output(&f.graph, count, 0);
    dstream_count(&f.graph, f.lines);
    dgraph_name(&f.graph);
    REQUIRE(f.graph.nodes_cnt == sizeof names / sizeof names[0]);
    for (uint32_t i = 0; i < f.graph.nodes_cnt; i++) {
        EXPECT_EQ_STR(f.graph.node[i]->name, names[i]);
        EXPECT_EQ_INT(f.graph.node[i]->idx, i);
    }
    zone_free(&f.zone);
}

TEST(dstream, durations)
{
    static const struct {
        uint64_t ns;
        const char *text;
    } table[] = {{0, "0s"},         {1, "1ns"},
                 {1500, "1500ns"},  {2000, "2us"},
                 {S / 2, "500ms"},  {90 * S, "90s"},
                 {120 * S, "2m"},   {7200 * S, "2h"},
                 {86400 * S, "1d"}, {UINT64_MAX, "18446744073709551615ns"}};
    char text[32];

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        duration_print(table[i].ns, text, sizeof text);
        EXPECT_EQ_STR(text, table[i].text);
    }
}

// The table is by kind, and every operator can be found, and documents itself.
TEST(dstream, op_table)
{
    for (uint32_t i = 0; i < OP_KINDS_CNT; i++) {
        const struct op_desc *op = &op_table[i];
        EXPECT_EQ_INT(op->kind, i);
        EXPECT(op->doc != NULL);
        if (!op->name)
            continue;
        EXPECT(op_find(op->name) == op);
        EXPECT(!strncmp(op->signature, op->name, strlen(op->name)));
        for (const char *const *later = op_not_built; *later; later++)
            EXPECT(strcmp(*later, op->name));
    }
    EXPECT(op_find("mapp") == NULL);
}
