#include "tests/job/job_harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int fake_filter_check(const char *expr, char *err, size_t err_bytes)
{
    if (!strstr(expr, "orr"))
        return 0;
    snprintf(err, err_bytes, "syntax error near 'orr'");
    return -EINVAL;
}

const char *fake_env(const char *name)
{
    if (!strcmp(name, "PORT"))
        return "net0";
    if (!strcmp(name, "LISTEN"))
        return "9000";
    return strcmp(name, "EMPTY") ? NULL : "";
}

static char *printed(const struct diags *d)
{
    struct strbuf b = {0};

    strbuf_puts(&b, "");
    diags_print(d, &b);
    return b.s;
}

struct checked check_text(const char *path, const char *text, size_t len)
{
    struct checked c = {.diags = calloc(1, sizeof *c.diags)};
    const char *(*env)(const char *) = job_seams.env;

    job_seams.env = fake_env;
    c.job = job_parse(path, text, len, c.diags, fake_filter_check);
    job_seams.env = env;
    c.text = printed(c.diags);
    return c;
}

struct checked check_program_text(const char *program)
{
    static const char head[] =
        "job: test\n"
        "sources:\n"
        "  lines: { type: udp }\n"
        "  wire: { type: packets }\n"
        "  logs: { type: udp, format: csv, schema: { host: ip, at: time, ms: int, load: float,"
        " ok: bool } }\n"
        "  a: { type: udp, format: csv, schema: { k: string, v: int } }\n"
        "  b: { type: udp, format: csv, schema: { k: string, v: int } }\n"
        "  n: { type: udp, format: csv, schema: { v: int } }\n"
        "sinks:\n"
        "  screen: { type: console }\n"
        "  files: { type: file, path: out }\n"
        "\n"
        "program: |\n  ";
    struct strbuf b = {0};

    strbuf_puts(&b, head);
    for (; *program; program++) {
        strbuf_add(&b, program, 1);
        if (*program == '\n')
            strbuf_puts(&b, "  ");
    }
    struct checked c = check_text("test.yaml", b.s, b.len);
    strbuf_release(&b);
    return c;
}

void checked_free(struct checked *c)
{
    job_free(c->job);
    diags_release(c->diags);
    free(c->diags);
    free(c->text);
}

const struct dstream *checked_node(const struct checked *c, const char *name)
{
    for (uint32_t i = 0; c->job && i < c->job->graph.nodes_cnt; i++)
        if (!strcmp(c->job->graph.node[i]->name, name))
            return c->job->graph.node[i];
    return NULL;
}
