#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file_again.h"

/* The end of the row at p. A cell of CSV may hold line ends between its quotes. */
static const char *row_end(const char *p, const char *end, bool csv)
{
    bool quoted = false;

    for (; p < end; p++) {
        if (*p == '"' && csv)
            quoted = !quoted;
        else if (*p == '\n' && !quoted)
            return p + 1;
    }
    return end;
}

/* The interval of the row at p; false for the header. */
static bool row_interval(const char *p, const char *end, bool csv, uint64_t *interval)
{
    static const char json[] = "{\"interval\": ";

    if (!csv && (size_t)(end - p) >= sizeof json - 1 && memcmp(p, json, sizeof json - 1) == 0)
        p += sizeof json - 1;
    if (p == end || *p < '0' || *p > '9')
        return false;
    for (*interval = 0; p < end && *p >= '0' && *p <= '9'; p++)
        *interval = *interval * 10 + (uint64_t)(*p - '0');
    return true;
}

static void split(struct file_again *a, bool csv, uint64_t interval)
{
    const char *p = a->bytes, *end = p + a->len, *next;
    uint64_t n;

    a->before = p;
    a->after = end;
    a->before_bytes = a->len;
    for (; p < end; p = next) {
        next = row_end(p, end, csv);
        if (!row_interval(p, end, csv, &n))
            continue;
        if (n >= interval && a->before_bytes == a->len)
            a->before_bytes = (size_t)(p - a->bytes);
        if (n > interval) {
            a->after = p;
            break;
        }
    }
    a->after_bytes = (size_t)(end - a->after);
}

int file_again_open(struct file_again *a, int dir_fd, const char *name, bool csv, uint64_t interval)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
    struct stat st;
    int rc = 0;

    *a = (struct file_again){0};
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st))
        rc = -errno;
    if (rc == 0 && st.st_size > 0) {
        a->len = (size_t)st.st_size;
        a->bytes = mmap(NULL, a->len, PROT_READ, MAP_PRIVATE, fd, 0);
        if (a->bytes == MAP_FAILED)
            rc = -errno;
        else
            split(a, csv, interval);
    }
    close(fd);
    return rc;
}

void file_again_close(struct file_again *a)
{
    if (a->bytes)
        munmap(a->bytes, a->len);
    *a = (struct file_again){0};
}
