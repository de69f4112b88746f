// Diagnostics as they are printed, and guesses at what was meant.

#include <stdlib.h>
#include <string.h>

#include "job/diag.h"
#include "tests/test.h"

static void print_and_free(struct diags *d, char *to, size_t bytes)
{
    struct strbuf b = {0};

    strbuf_puts(&b, "");
    diags_print(d, &b);
    EXPECT(b.len < bytes);
    memcpy(to, b.s, b.len < bytes ? b.len + 1 : 1);
    strbuf_release(&b);
    diags_release(d);
    free(d);
}

static struct diags *diags_over(const char *text)
{
    struct diags *d = calloc(1, sizeof *d);

    diags_file(d, "x.yaml", text, strlen(text));
    return d;
}

static struct place place(uint32_t line, uint32_t col)
{
    return (struct place){line, col};
}

TEST(diag, order_and_summary)
{
    struct diags *d = diags_over("one\ntwo\nthree\n");
    char out[4096];

    diag_add(d, DIAG_ERROR, place(3, 2), 2, NULL, "third");
    diag_add(d, DIAG_WARNING, place(1, 1), 3, "a hint", "first");
    diag_add(d, DIAG_ERROR, place(2, 9), 1, NULL, "behind the end");
    diag_add(d, DIAG_ERROR, place(0, 0), 1, "hint of the whole", "of the whole");
    diag_add(d, DIAG_NOTE, place(2, 1), 99, "", "second");
    diag_add(d, DIAG_ERROR, place(3, 2), 2, NULL, "third");
    diags_file(d, "y.yaml", "", 0);
    diag_add(d, DIAG_ERROR, place(1, 1), 1, NULL, "of another");
    EXPECT_EQ_INT(d->errors_cnt, 4);
    print_and_free(d, out, sizeof out);
    EXPECT_EQ_STR(out, "x.yaml: error: of the whole\n"
                       "    | hint of the whole\n"
                       "x.yaml:1:1: warning: first\n"
                       "  1 | one\n"
                       "    | ^~~ a hint\n"
                       "x.yaml:2:1: note: second\n"
                       "  2 | two\n"
                       "    | ^~~\n"
                       "x.yaml:2:9: error: behind the end\n"
                       "  2 | two\n"
                       "    |    ^\n"
                       "x.yaml:3:2: error: third\n"
                       "  3 | three\n"
                       "    |  ^~\n"
                       "y.yaml:1:1: error: of another\n"
                       "  1 | \n"
                       "    | ^\n"
                       "4 errors, 1 warning. Not started.\n");
}

TEST(diag, nothing_is_printed_without_diagnostics)
{
    char out[64];

    print_and_free(diags_over("x"), out, sizeof out);
    EXPECT_EQ_STR(out, "");
}

TEST(diag, more_than_fit)
{
    struct diags *d = diags_over("x");
    static char out[65536];

    for (uint32_t i = 0; i < DIAGS_MAX + 50; i++)
        diag_add(d, DIAG_ERROR, place(1, 1), 1, NULL, "error %u", i);
    print_and_free(d, out, sizeof out);
    EXPECT_HAS_STR(out, "250 errors, of which the first 200 are shown. Not started.");
}

TEST(diag, hostile_text)
{
    static char line[5000], out[65536];
    struct diags *d;

    memset(line, 'a', sizeof line - 1);
    memcpy(line + 3000, "\x1b[2J\xc3\xa9", 6);
    d = diags_over(line);
    diag_add(d, DIAG_ERROR, place(1, 3001), 5, line, "an \x1b[31m escape, %s", line);
    print_and_free(d, out, sizeof out);
    EXPECT(strlen(out) < 1400);
    EXPECT(strchr(out, '\x1b') == NULL);
    EXPECT_HAS_STR(out, "...");
    EXPECT_HAS_STR(out, "\n    |    ");
    EXPECT_HAS_STR(out, "^~~~~ aaa");
}

TEST(diag, columns_are_characters)
{
    struct diags *d = diags_over("\xc3\xa9\tx\xe2\x82\xac!\r\nnext");
    char out[512];

    diag_add(d, DIAG_ERROR, place(1, 4), 1, NULL, "euro");
    diag_add(d, DIAG_ERROR, place(2, 1), 4, NULL, "next line");
    print_and_free(d, out, sizeof out);
    EXPECT_HAS_STR(out, "  1 | \xc3\xa9\tx\xe2\x82\xac!\n    |  \t ^\n");
    EXPECT_HAS_STR(out, "  2 | next\n    | ^~~~\n");
}

TEST(diag, nearest)
{
    static const char *const list[] = {"port",  "queues", "filter",  "reduceByKey",
                                       "count", "map",    "src_ip",  "a",
                                       "union", "",       "flatMap", NULL};
    static const struct {
        const char *word, *near;
    } table[] = {
        {"prot", "port"},
        {"PORT", "port"},
        {"ports", "port"},
        {"src_ipp", "src_ip"},
        {"cuont", "count"},
        {"mpa", "map"},
        {"flatmap", "flatMap"},
        {"reduceBykey", "reduceByKey"},
        {"reducebykeys", "reduceByKey"},
        {"b", NULL},
        {"xy", NULL},
        {"", NULL},
        {"toInt", NULL},
        {"completely_else", NULL},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        EXPECT_EQ_STR(diag_nearest(table[i].word, strlen(table[i].word), list), table[i].near);
    char word[300];
    memset(word, 'x', sizeof word);
    EXPECT(diag_nearest(word, sizeof word, list) == NULL);
}
