#include "tests/rdd/expr_harness.h"

#include <pthread.h>
#include <string.h>

TEST(fn_regex, matches_somewhere)
{
    static const struct {
        const char *text, *re;
        bool want;
    } cases[] = {
        {"an error here", "err", true},
        {"an error here", "^err", false},
        {"error", "^e.*r$", true},
        {"ERROR", "error", false},
        {"ERROR", "(?i)error", true},
        {"a1b22", "\\d{2}", true},
        {"", "^$", true},
        {"", "x", false},
        {"line\nerror", "^error", false},
        {"line\nerror", "(?m)^error", true},
        {"caf\xc3\xa9", "caf..$", true},
        {"\xff\xfe", "\\xff", true},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct val want = val_bool(cases[i].want);
        struct val arg[] = {val_string(cases[i].text), val_string(cases[i].re)};
        check_case("matches", FN_CALL, arg, 2, &want);
    }
}

TEST(fn_regex, captures_groups)
{
    static const struct {
        const char *text, *re;
        int64_t group;
        const char *want; // NULL: fails
    } cases[] = {
        {"GET /index.html 200", "(\\w+) (\\S+) (\\d+)", 0, "GET /index.html 200"},
        {"GET /index.html 200", "(\\w+) (\\S+) (\\d+)", 2, "/index.html"},
        {"GET /index.html 200", "(\\w+) (\\S+) (\\d+)", 3, "200"},
        {"GET", "(\\w+) (\\S+)", 1, NULL},
        {"ac", "a(b)?c", 1, ""},
        {"xyz", "y", 0, "y"},
        {"xyz", "", 0, ""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct val want = cases[i].want ? val_string(cases[i].want) : val_string("");
        struct val arg[] = {val_string(cases[i].text), val_string(cases[i].re),
                            val_int(cases[i].group)};
        check_case("capture", FN_CALL, arg, 3, cases[i].want ? &want : NULL);
    }
}

static int finish(struct zone *z, struct lambda *l, struct expr **leaf, const char *name,
                  const char *re, int64_t group, char *err, size_t err_bytes)
{
    struct expr *arg[] = {expr_col(z, &type_string, 0), expr_string(z, re, (uint32_t)strlen(re)),
                          expr_int(z, group)};
    struct place at = {0};

    *leaf = expr_call(z, name, FN_CALL, group < 0 ? 2 : 3, arg);
    (*leaf)->at = (struct place){3, 7};
    *l = (struct lambda){.params_cnt = 1, .leaves_cnt = 1, .leaf = leaf};
    int rc = lambda_finish(l, z, &at, err, err_bytes);
    EXPECT_EQ_INT(at.line, rc ? 3 : 0);
    return rc;
}

TEST(fn_regex, refuses_what_does_not_compile)
{
    static const struct {
        const char *name, *re;
        int64_t group;
        const char *err;
    } cases[] = {
        {"matches", "(a", -1, "at its byte 2: missing closing parenthesis"},
        {"matches", "*", -1, "quantifier does not follow a repeatable item"},
        {"matches", "(*UTF)a", -1, "UTF is disabled"},
        {"capture", "(a)", 2, "has 1 groups, not 2"},
        {"capture", "(a)", 16, "from 0 to 15"},
    };
    struct zone z = {0};
    struct lambda l;
    struct expr *leaf;
    char err[256];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        EXPECT(finish(&z, &l, &leaf, cases[i].name, cases[i].re, cases[i].group, err, sizeof err));
        EXPECT_HAS_STR(err, cases[i].err);
        lambda_release(&l);
    }
    zone_free(&z);
}

// One compiled expression, several threads: each has memory of its own for the match.
struct worker {
    const struct lambda *lambda;
    uint32_t wrong_cnt;
};

static void *match_rows(void *arg)
{
    struct worker *w = arg;
    static const char text[] = "key=12 key=x key=777 other";
    uint32_t off[3] = {0, 7, 13}, len[3] = {6, 5, 7};
    struct col in_col = {.kind = TYPE_STRING, .s = {(const uint8_t *)text, off, len}}, out;
    struct vec in = {.rows = 3, .cols_cnt = 1, .col = &in_col, .sel_cnt = 3};
    void *memory = aligned_alloc(ARENA_ALIGN, 4096);
    struct arena a;

    arena_init(&a, memory, 4096);
    for (int i = 0; i < 2000; i++) {
        uint8_t failed[3] = {0};
        struct eval ev = {.arena = &a, .failed = failed};
        arena_reset(&a);
        lambda_eval(&ev, w->lambda, &in, &out);
        w->wrong_cnt += failed[0] || !failed[1] || failed[2] || out.s.len[0] != 2 ||
                        memcmp(out.s.base + out.s.off[2], "777", 3) != 0;
    }
    free(memory);
    return NULL;
}

TEST(fn_regex, is_shared_by_threads)
{
    struct zone z = {0};
    struct lambda l;
    struct expr *leaf;
    struct worker w[3];
    pthread_t thread[3];
    char err[256];

    EXPECT_EQ_INT(finish(&z, &l, &leaf, "capture", "key=(\\d+)", 1, err, sizeof err), 0);
    for (int i = 0; i < 3; i++) {
        w[i] = (struct worker){&l, 0};
        EXPECT_EQ_INT(pthread_create(&thread[i], NULL, match_rows, &w[i]), 0);
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(thread[i], NULL);
        EXPECT_EQ_INT(w[i].wrong_cnt, 0);
    }
    lambda_release(&l);
    zone_free(&z);
}

// A record that would keep the matcher busy for ever is failed instead.
TEST(fn_regex, gives_up)
{
    struct val arg[] = {val_string("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"),
                        val_string("^(a+)+$")};

    check_case("matches", FN_CALL, arg, 2, NULL);
}
