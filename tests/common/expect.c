// The comparisons behind EXPECT_EQ_*: they say what differs, the macros say where.

#include "tests/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static _Thread_local char why[2048];

const char *test_cmp_int(intmax_t a, intmax_t b, const char *a_text, const char *b_text)
{
    if (a == b)
        return NULL;
    snprintf(why, sizeof(why), "%s is %jd (0x%jx), expected %s = %jd (0x%jx)", a_text, a,
             (uintmax_t)a, b_text, b, (uintmax_t)b);
    return why;
}

const char *test_cmp_str(const char *a, const char *b, const char *a_text, const char *b_text)
{
    if (a == b || (a != NULL && b != NULL && strcmp(a, b) == 0))
        return NULL;
    size_t at = 0;
    while (a != NULL && b != NULL && a[at] == b[at])
        at++;
    snprintf(why, sizeof(why),
             "%s differs from %s at byte %zu\n  is:       \"%.900s\"\n  "
             "expected: \"%.900s\"",
             a_text, b_text, at, a == NULL ? "(null)" : a, b == NULL ? "(null)" : b);
    return why;
}

static size_t put_hex(char *out, size_t cap, const uint8_t *p, size_t n)
{
    size_t len = 0;
    for (size_t i = 0; i < n && len + 4 < cap; i++)
        len += (size_t)snprintf(out + len, cap - len, "%02x ", p[i]);
    return len;
}

const char *test_cmp_mem(const void *a, const void *b, size_t n_bytes, const char *a_text)
{
    const uint8_t *pa = a, *pb = b;
    size_t at = 0;
    while (at < n_bytes && pa[at] == pb[at])
        at++;
    if (at == n_bytes)
        return NULL;
    size_t shown = n_bytes - at < 16 ? n_bytes - at : 16;
    size_t len = (size_t)snprintf(
        why, sizeof(why), "%s differs at byte %zu of %zu\n  is:       ", a_text, at, n_bytes);
    len += put_hex(why + len, sizeof(why) - len, pa + at, shown);
    len += (size_t)snprintf(why + len, sizeof(why) - len, "\n  expected: ");
    put_hex(why + len, sizeof(why) - len, pb + at, shown);
    return why;
}

const char *test_cmp_part(const char *text, const char *part, const char *a_text)
{
    if (text != NULL && strstr(text, part) != NULL)
        return NULL;
    snprintf(why, sizeof(why), "%s has no \"%.400s\"\n  is: \"%.1400s\"", a_text, part,
             text == NULL ? "(null)" : text);
    return why;
}

const char *test_cmp_abort(void (*fn)(void *), void *arg, const char *text)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        // The message of the abort is expected and must not look like a failure in the log.
        int null_fd = open("/dev/null", O_WRONLY);
        dup2(null_fd, STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        fn(arg);
        _exit(0);
    }
    int status = 0;
    if (pid > 0 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
        WTERMSIG(status) == SIGABRT)
        return NULL;
    snprintf(why, sizeof(why), "%s did not abort (wait status 0x%x)", text, (unsigned)status);
    return why;
}
