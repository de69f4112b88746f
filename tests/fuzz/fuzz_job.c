// Job files and appliance files from any bytes: refused or accepted, never a crash or a leak. An
// input that begins with 0x01 is a program alone, in a job that has every kind of source; any other
// is a whole file, read both as a job and as an appliance.

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "job/job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char head[] =
    "job: fuzz\n"
    "interval: 500ms\n"
    "sources:\n"
    "  lines: { type: udp }\n"
    "  wire: { type: packets }\n"
    "  logs: { type: udp, format: csv, schema: { host: ip, at: time, ms: int, load: float,"
    " ok: bool, url: string } }\n"
    "sinks: { screen: { type: console } }\n"
    "program: |2\n";

static const char *no_env(const char *name)
{
    return strcmp(name, "SET") ? NULL : "value";
}

// What a job promises to those that run it.
static void check_job(const struct job *j)
{
    for (uint32_t i = 0; i < j->graph.nodes_cnt; i++) {
        const struct dstream *d = j->graph.node[i];
        MR_ASSERT(d->idx == i);
        MR_ASSERT(d->name && *d->name);
        MR_ASSERT(type_leaves(d->type) <= TYPE_LEAVES_MAX);
        MR_ASSERT(!d->parent[0] || d->parent[0]->idx < i);
        MR_ASSERT(!d->fn || d->fn->leaves_cnt == type_leaves(d->fn->result));
        for (uint32_t k = 0; k < i; k++)
            MR_ASSERT(strcmp(d->name, j->graph.node[k]->name) != 0);
    }
}

static void one_job(const char *text, size_t len, struct diags *d)
{
    struct strbuf out = {0};
    struct job *j = job_parse("fuzz.yaml", text, len, d, NULL);

    MR_ASSERT((j == NULL) == (d->errors_cnt > 0));
    if (j)
        check_job(j);
    diags_print(d, &out);
    strbuf_release(&out);
    job_free(j);
    diags_release(d);
}

// The program, indented: what follows a line's end in it is still its own.
static void one_program(const char *text, size_t len, struct diags *d)
{
    struct strbuf b = {0};

    strbuf_puts(&b, head);
    strbuf_puts(&b, "  ");
    for (size_t i = 0; i < len; i++) {
        strbuf_add(&b, text + i, 1);
        if (text[i] == '\n' || text[i] == '\r')
            strbuf_puts(&b, "  ");
    }
    one_job(b.s, b.len, d);
    strbuf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct diags *d = calloc(1, sizeof *d);

    job_seams.env = no_env;
    if (len && data[0] == 1) {
        one_program((const char *)data + 1, len - 1, d);
    } else {
        one_job((const char *)data, len, d);
        struct appliance *a = appliance_parse("fuzz.yaml", (const char *)data, len, d);
        MR_ASSERT((a == NULL) == (d->errors_cnt > 0));
        appliance_free(a);
        diags_release(d);
    }
    free(d);
    return 0;
}
