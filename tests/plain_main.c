// The runner of builds that Criterion does not survive (ThreadSanitizer): every test of the binary
// one after the other, in one process. `BINARY [suite[/name]]` runs a part of them.

#include "tests/test.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static struct test_case *first;
static _Atomic int failures_cnt; // of the running test; threads of a test may fail it too

void test_register(struct test_case *test)
{
    struct test_case **at = &first;
    while (*at != NULL &&
           (strcmp((*at)->suite, test->suite) < 0 ||
            (strcmp((*at)->suite, test->suite) == 0 && strcmp((*at)->name, test->name) <= 0)))
        at = &(*at)->next;
    test->next = *at;
    *at = test;
}

void test_fail(const char *file, int line, const char *why)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, why);
    atomic_fetch_add(&failures_cnt, 1);
}

static bool wanted(const struct test_case *test, const char *pattern)
{
    size_t suite_len = strlen(test->suite);
    if (pattern == NULL)
        return true;
    if (strncmp(pattern, test->suite, suite_len) != 0)
        return false;
    return pattern[suite_len] == '\0' ||
           (pattern[suite_len] == '/' && strcmp(pattern + suite_len + 1, test->name) == 0);
}

int main(int argc, char **argv)
{
    const char *pattern = argc > 1 ? argv[1] : NULL;
    int passed_cnt = 0, failed_cnt = 0;

    for (struct test_case *test = first; test != NULL; test = test->next) {
        if (!wanted(test, pattern))
            continue;
        atomic_store(&failures_cnt, 0);
        test->body();
        if (atomic_load(&failures_cnt) == 0) {
            passed_cnt++;
            continue;
        }
        failed_cnt++;
        fprintf(stderr, "FAILED %s/%s\n", test->suite, test->name);
    }
    printf("%d passed, %d failed\n", passed_cnt, failed_cnt);
    return failed_cnt == 0 ? 0 : 1;
}
