// Golden diagnostics: every tests/job/golden/NAME.yaml is read as configs/NAME.yaml, and what is
// printed must be NAME.txt byte for byte. Files called appliance-* are appliance files. After a
// change that is meant, GOLDEN_UPDATE=1 writes the .txt anew; look at the difference.

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/job/job_harness.h"
#include "tests/test.h"

#define GOLDEN "tests/job/golden/"

static struct strbuf file_read(const char *path)
{
    struct strbuf b = {0};
    char part[4096];
    FILE *f = fopen(path, "r");
    size_t n;

    strbuf_puts(&b, "");
    while (f && (n = fread(part, 1, sizeof part, f)) > 0)
        strbuf_add(&b, part, n);
    if (f)
        fclose(f);
    return b;
}

static void file_write(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    REQUIRE(f != NULL);
    fputs(text, f);
    fclose(f);
}

static char *appliance_text(const char *path, const struct strbuf *in)
{
    struct diags *d = calloc(1, sizeof *d);
    struct strbuf out = {0};

    strbuf_puts(&out, "");
    appliance_free(appliance_parse(path, in->s, in->len, d));
    diags_print(d, &out);
    diags_release(d);
    free(d);
    return out.s;
}

static void golden_one(const char *name)
{
    const size_t stem = strlen(name) - strlen(".yaml");
    char path[512], shown[512];

    snprintf(path, sizeof path, GOLDEN "%s", name);
    snprintf(shown, sizeof shown, "configs/%s", name);
    struct strbuf in = file_read(path);
    struct checked c = {0};
    char *text;
    if (strncmp(name, "appliance-", 10)) {
        c = check_text(shown, in.s, in.len);
        text = c.text;
        EXPECT((c.job == NULL) == (c.diags->errors_cnt > 0));
    } else {
        text = appliance_text(shown, &in);
    }
    snprintf(path, sizeof path, GOLDEN "%.*s.txt", (int)stem, name);
    if (getenv("GOLDEN_UPDATE"))
        file_write(path, text);
    struct strbuf expected = file_read(path);
    EXPECT_EQ_STR(text, expected.s);
    strbuf_release(&expected);
    strbuf_release(&in);
    if (c.diags)
        checked_free(&c);
    else
        free(text);
}

TEST(golden, diagnostics)
{
    DIR *dir = opendir(GOLDEN);
    const struct dirent *e;
    int cnt = 0;

    REQUIRE(dir != NULL);
    while ((e = readdir(dir)) != NULL) {
        size_t n = strlen(e->d_name);
        if (n <= 5 || strcmp(e->d_name + n - 5, ".yaml"))
            continue;
        golden_one(e->d_name);
        cnt++;
    }
    closedir(dir);
    EXPECT(cnt >= 30);
}

// The jobs and the appliance of the tree are good, and nothing is said about them.
TEST(golden, configs)
{
    static const char *const jobs[] = {"wordcount", "top-talkers",  "grep",
                                       "topk",      "min-mean-max", "ysb"};
    char path[64];

    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++) {
        snprintf(path, sizeof path, "configs/%s.yaml", jobs[i]);
        struct strbuf in = file_read(path);
        struct checked c = check_text(path, in.s, in.len);
        EXPECT_EQ_STR(c.text, "");
        REQUIRE(c.job != NULL);
        EXPECT_EQ_STR(c.job->name, jobs[i]);
        checked_free(&c);
        strbuf_release(&in);
    }
    struct strbuf in = file_read("configs/appliance.yaml");
    char *text = appliance_text("configs/appliance.yaml", &in);
    EXPECT_EQ_STR(text, "");
    free(text);
    strbuf_release(&in);
}
