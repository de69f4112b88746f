/*
 * Diagnostics: all errors of a file at once, each with its place, the line, a caret, what is
 * allowed and what was probably meant.
 *
 *   configs/x.yaml:4:26: error: unknown key 'prot' for source type 'packets'
 *     4 |   wire: { type: packets, prot: net0 }
 *       |                          ^~~~ did you mean 'port'? (allowed: port, queues, filter)
 *
 * Diagnostics are printed in the order of their places. Exit codes: 0 good, 78 bad config, 69 a
 * missing resource of the machine.
 */
#ifndef JOB_DIAG_H
#define JOB_DIAG_H

#include "base/arena.h"
#include "base/strbuf.h"
#include "rdd/expr.h"

#define EXIT_BAD_CONFIG  78
#define EXIT_NO_RESOURCE 69

enum diag_level { DIAG_ERROR, DIAG_WARNING, DIAG_NOTE };

struct diag {
    enum diag_level level;
    struct place at;  /* line 0: about the file as a whole */
    uint32_t width;   /* of what the caret underlines, at least 1 */
    const char *text; /* one sentence, no full stop */
    const char *hint; /* after the caret; may be NULL */
    const char *file;
    const char *line_text; /* the line itself; NULL: none */
};

#define DIAGS_MAX 200u

struct diags {
    struct zone zone;
    const char *file, *text; /* of the file being read */
    size_t len;
    uint32_t cnt, errors_cnt, warnings_cnt;
    struct diag d[DIAGS_MAX];
};

/* diags_file begins a new file: later diagnostics quote its lines. text is copied. */
void diags_file(struct diags *d, const char *file, const char *text, size_t len);
void diag_add(struct diags *d, enum diag_level level, struct place at, uint32_t width,
              const char *hint, const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* diags_print writes them as above, then "2 errors, 1 warning. Not started." when there are
 * errors. */
void diags_print(const struct diags *d, struct strbuf *out);
void diags_release(struct diags *d);
/* diag_nearest: the word of the NULL-terminated list nearest to `word` (edit distance), or NULL
 * when none is near. */
const char *diag_nearest(const char *word, size_t len, const char *const *list);

#endif
