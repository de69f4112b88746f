#include "dpdk-app/doctor_report.h"

#include <dirent.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__attribute__((format(printf, 4, 0))) static void path_of(const struct doctor *d, char *out,
                                                          size_t cap, const char *fmt, va_list ap)
{
    int len = snprintf(out, cap, "%s", d->root);
    if (len >= 0 && (size_t)len < cap)
        vsnprintf(out + len, cap - (size_t)len, fmt, ap);
}

void doctor_path(const struct doctor *d, char *out, size_t cap, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    path_of(d, out, cap, fmt, ap);
    va_end(ap);
}

static bool read_file(const char *path, char *out, size_t cap)
{
    out[0] = '\0';
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return false;
    size_t len = fread(out, 1, cap - 1, f);
    bool good = !ferror(f);
    fclose(f);
    while (len > 0 && out[len - 1] == '\n')
        len--;
    out[len] = '\0';
    return good;
}

bool doctor_read(const struct doctor *d, char *out, size_t cap, const char *fmt, ...)
{
    char path[PATH_MAX];
    va_list ap;
    va_start(ap, fmt);
    path_of(d, path, sizeof(path), fmt, ap);
    va_end(ap);
    return read_file(path, out, cap);
}

uint64_t doctor_read_u64(const struct doctor *d, uint64_t otherwise, const char *fmt, ...)
{
    char path[PATH_MAX], text[64], *end;
    va_list ap;
    va_start(ap, fmt);
    path_of(d, path, sizeof(path), fmt, ap);
    va_end(ap);
    if (!read_file(path, text, sizeof(text)))
        return otherwise;
    uint64_t value = strtoull(text, &end, 10);
    return end == text ? otherwise : value;
}

bool doctor_read_link(const struct doctor *d, char *out, size_t cap, const char *fmt, ...)
{
    char path[PATH_MAX], target[PATH_MAX];
    va_list ap;
    va_start(ap, fmt);
    path_of(d, path, sizeof(path), fmt, ap);
    va_end(ap);
    out[0] = '\0';
    ssize_t len = readlink(path, target, sizeof(target) - 1);
    if (len < 0)
        return false;
    target[len] = '\0';
    const char *slash = strrchr(target, '/');
    snprintf(out, cap, "%s", slash == NULL ? target : slash + 1);
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strverscmp(a, b);
}

void doctor_list(const struct doctor *d, struct name_list *out, const char *prefix, const char *fmt,
                 ...)
{
    char path[PATH_MAX];
    va_list ap;
    va_start(ap, fmt);
    path_of(d, path, sizeof(path), fmt, ap);
    va_end(ap);

    out->cnt = 0;
    DIR *dir = opendir(path);
    if (dir == NULL)
        return;
    for (struct dirent *e; (e = readdir(dir)) != NULL && out->cnt < DOCTOR_LIST_MAX;) {
        size_t len = strlen(e->d_name);
        if (e->d_name[0] == '.' || len >= DOCTOR_NAME_BYTES ||
            strncmp(e->d_name, prefix, strlen(prefix)) != 0)
            continue;
        memcpy(out->name[out->cnt++], e->d_name, len + 1);
    }
    closedir(dir);
    qsort(out->name, out->cnt, DOCTOR_NAME_BYTES, by_name);
}

bool doctor_has_word(const char *text, const char *word)
{
    static const char ends[] = " \t\n,";
    size_t len = strlen(word);
    for (const char *at = text; (at = strstr(at, word)) != NULL; at += len)
        if ((at == text || strchr(ends, at[-1]) != NULL) && strchr(ends, at[len]) != NULL)
            return true;
    return false;
}

__attribute__((format(printf, 4, 0))) static void say(struct doctor *d, const char *verdict,
                                                      const char *mend, const char *fmt, va_list ap)
{
    fprintf(d->out, "%-15s %-4s  ", d->check, verdict);
    vfprintf(d->out, fmt, ap);
    fputc('\n', d->out);
    if (mend != NULL)
        fprintf(d->out, "%-15s       mend: %s\n", "", mend);
}

void doctor_ok(struct doctor *d, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(d, "ok", NULL, fmt, ap);
    va_end(ap);
    d->ok_cnt++;
}

void doctor_warn(struct doctor *d, const char *mend, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(d, "WARN", mend, fmt, ap);
    va_end(ap);
    d->warn_cnt++;
}

void doctor_fail(struct doctor *d, const char *mend, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(d, "FAIL", mend, fmt, ap);
    va_end(ap);
    d->fail_cnt++;
}
