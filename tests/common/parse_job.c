#include "tests/common/parse_job.h"

#include <stdio.h>
#include <stdlib.h>

struct job *parse_job(const char *name, struct strbuf *text)
{
    struct diags *d = calloc(1, sizeof *d);
    struct job *j = job_parse(name, text->s, text->len, d, NULL);

    if (!j) {
        struct strbuf said = {0};
        diags_print(d, &said);
        fputs(said.s, stderr);
        strbuf_release(&said);
    }
    diags_release(d);
    free(d);
    strbuf_release(text);
    return j;
}
