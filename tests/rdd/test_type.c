// Types: how they are printed, compared and flattened, and that no type is larger than its limits.

#include <stdio.h>
#include <string.h>

#include "rdd/type.h"
#include "tests/test.h"

// Types from a small notation, so that the tables below can be read: i f b s t p are the scalars
// (p: ip), [x] a list, (xy) a tuple, {xy} a record with the fields f0, f1, ...
static const struct type *type_of(struct zone *z, const char **s)
{
    static const char scalars[] = "ifbstp";
    static const char *const names[] = {"f0", "f1", "f2", "f3", "f4"};
    const struct type *part[8];
    const char c = *(*s)++;
    uint32_t n = 0;

    if (strchr(scalars, c))
        return type_scalar((enum type_kind)(strchr(scalars, c) - scalars));
    while (**s != ')' && **s != ']' && **s != '}')
        part[n++] = type_of(z, s);
    (*s)++;
    return c == '['   ? type_list(z, part[0])
           : c == '{' ? type_record(z, part, names, n)
                      : type_tuple(z, part, n);
}

static const struct type *parse_type(struct zone *z, const char *s)
{
    return type_of(z, &s);
}

TEST(type, print_and_leaves)
{
    static const struct {
        const char *type, *text, *leaves;
        bool pair, list;
    } table[] = {
        {"i", "int", "i", false, false},
        {"f", "float", "f", false, false},
        {"b", "bool", "b", false, false},
        {"s", "string", "s", false, false},
        {"t", "time", "t", false, false},
        {"p", "ip", "p", false, false},
        {"(si)", "(string, int)", "si", true, false},
        {"((sp)i)", "((string, ip), int)", "spi", true, false},
        {"(ibf)", "(int, bool, float)", "ibf", false, false},
        {"[s]", "list(string)", "[", false, true},
        {"(s[(if)])", "(string, list((int, float)))", "s[", true, true},
        {"{s}", "(f0: string)", "s", false, false},
        {"{si}", "(f0: string, f1: int)", "si", false, false},
        {"({si}i)", "((f0: string, f1: int), int)", "sii", true, false},
        {"[[i]]", "list(list(int))", "[", false, true},
    };
    static const char kinds[] = "ifbstp([";
    struct zone z = {NULL};
    char text[128];

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct type *t = parse_type(&z, table[i].type);
        EXPECT_EQ_INT(type_print(t, text, sizeof text), (int)strlen(table[i].text));
        EXPECT_EQ_STR(text, table[i].text);
        REQUIRE(type_leaves(t) == strlen(table[i].leaves));
        for (uint32_t l = 0; l < type_leaves(t); l++)
            EXPECT_EQ_INT(kinds[type_leaf(t, l)->kind], table[i].leaves[l]);
        EXPECT_EQ_INT(type_is_pair(t), table[i].pair);
        EXPECT_EQ_INT(type_has_list(t), table[i].list);
    }
    zone_free(&z);
}

TEST(type, first_leaf)
{
    struct zone z = {NULL};
    const struct type *t = parse_type(&z, "((si)[i](b(ff))p)");
    static const uint32_t first[] = {0, 2, 3, 6};

    for (uint32_t i = 0; i < 4; i++)
        EXPECT_EQ_INT(type_first_leaf(t, i), first[i]);
    zone_free(&z);
}

// Equal types have one hash, and different ones (as far as this table goes) do not.
TEST(type, equal_and_hash)
{
    static const char *const table[] = {"i",     "f",      "b",      "s",        "t",         "p",
                                        "(si)",  "(is)",   "(sii)",  "((si)i)",  "(s(ii))",   "[s]",
                                        "[[s]]", "[(si)]", "(s[i])", "(([s])i)", "((ii)(ii))"};
    const size_t n = sizeof table / sizeof table[0];
    struct zone z = {NULL};

    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < n; k++) {
            const struct type *a = parse_type(&z, table[i]), *b = parse_type(&z, table[k]);
            EXPECT_EQ_INT(type_equal(a, b), i == k);
            EXPECT_EQ_INT(type_hash(a) == type_hash(b), i == k);
        }
    }
    zone_free(&z);
}

// Names do not count, and a record of one field is its field.
TEST(type, records)
{
    static const struct {
        const char *a, *b;
    } same[] = {{"{s}", "s"},       {"{{s}}", "s"},   {"{si}", "(si)"},
                {"({s}i)", "(si)"}, {"[{s}]", "[s]"}, {"{[{i}]}", "[i]"}};
    struct zone z = {NULL};

    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        const struct type *a = parse_type(&z, same[i].a), *b = parse_type(&z, same[i].b);
        EXPECT(type_equal(a, b) && type_equal(b, a));
        EXPECT(type_hash(a) == type_hash(b));
        EXPECT_EQ_INT(type_leaves(a), type_leaves(b));
    }
    EXPECT(type_value(parse_type(&z, "{{s}}")) == &type_string);
    EXPECT(!type_is_pair(parse_type(&z, "{si}")));
    EXPECT(type_scalar(TYPE_TUPLE) == NULL);
    EXPECT(type_scalar(TYPE_LIST) == NULL);
    zone_free(&z);
}

// The hash is part of the block format: it may never change.
TEST(type, hash_is_fixed)
{
    struct zone z = {NULL};

    EXPECT_EQ_INT(type_hash(&type_int), (int64_t)0xaf63bd4c8601b7dfu);
    EXPECT_EQ_INT(type_hash(parse_type(&z, "(s[i])")), type_hash(parse_type(&z, "({s}[{i}])")));
    zone_free(&z);
}

TEST(type, limits)
{
    const struct type *part[TYPE_PARTS_MAX + 1], *t = &type_int;
    struct zone z = {NULL};
    char text[16];

    for (uint32_t i = 0; i <= TYPE_PARTS_MAX; i++)
        part[i] = &type_int;
    EXPECT(type_tuple(&z, part, 0) == NULL);
    EXPECT(type_tuple(&z, part, TYPE_PARTS_MAX) != NULL);
    EXPECT(type_tuple(&z, part, TYPE_PARTS_MAX + 1) == NULL);
    EXPECT_EQ_INT(type_print(type_tuple(&z, part, TYPE_PARTS_MAX), text, sizeof text), 320);
    EXPECT_EQ_STR(text, "(int, int, int,");
    // Doubling stops at the number of leaves, also where lists hide them.
    for (int i = 0; i < 6; i++)
        t = type_tuple(&z, (const struct type *const[]){t, t}, 2);
    EXPECT_EQ_INT(type_leaves(t), 64);
    EXPECT(type_tuple(&z, (const struct type *const[]){t, &type_int}, 2) == NULL);
    int rounds = 0;
    for (t = &type_int; t && rounds < 100; rounds++) {
        const struct type *l = type_list(&z, t);
        t = l ? type_tuple(&z, (const struct type *const[]){l, l}, 2) : NULL;
    }
    EXPECT(rounds < 10);
    zone_free(&z);
}
