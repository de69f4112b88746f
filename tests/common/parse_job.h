/* Jobs of tests: a text becomes a job, or its diagnostics are shown. */
#ifndef TESTS_COMMON_PARSE_JOB_H
#define TESTS_COMMON_PARSE_JOB_H

#include "base/strbuf.h"
#include "job/job.h"

/* parse_job gives the text back. NULL, with its diagnostics on stderr: it has errors. */
struct job *parse_job(const char *name, struct strbuf *text);

#endif
