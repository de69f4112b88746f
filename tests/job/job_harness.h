#ifndef TESTS_JOB_HARNESS_H
#define TESTS_JOB_HARNESS_H

// What the tests of lib/job share: a job made around a program, and diagnostics as text.

#include "job/job.h"

// Both live until checked_free.
struct checked {
    struct diags *diags;
    struct job *job; // NULL when refused
    char *text;      // the diagnostics as printed, "" when there are none
};

struct checked check_text(const char *path, const char *text, size_t len);
// The program stands in a job with these streams; lines that do not fit are a mistake of the test:
//   lines (line: string)   from text            wire   packets
//   logs  (host: ip, at: time, ms: int, load: float, ok: bool)   from csv
//   a (k: string, v: int), b (k: string, v: int), n (v: int)     from csv
// and the sinks screen and files. The program begins at line PROGRAM_LINE, column 3.
struct checked check_program_text(const char *program);
#define PROGRAM_LINE 14

void checked_free(struct checked *c);
// The node of this name, or NULL.
const struct dstream *checked_node(const struct checked *c, const char *name);

// Stands in for libpcap: refuses expressions with "orr".
int fake_filter_check(const char *expr, char *err, size_t err_bytes);
// Stands in for the environment: PORT is net0, LISTEN is 9000, EMPTY is "".
const char *fake_env(const char *name);

#endif
