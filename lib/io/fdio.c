#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "io/fdio.h"

int fd_write_all(int fd, const void *bytes, size_t len)
{
    const char *p = bytes;

    while (len) {
        ssize_t n = write(fd, p, len);
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        } else if (n < 0 && errno == EAGAIN) {
            struct pollfd wait = {.fd = fd, .events = POLLOUT};
            poll(&wait, 1, -1);
        } else if (n < 0 && errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

int file_read(const char *path, struct strbuf *out)
{
    char piece[65536];
    size_t n;
    FILE *f = fopen(path, "rb");

    if (!f)
        return -errno;
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        strbuf_add(out, piece, n);
    int rc = ferror(f) ? -EIO : 0;
    fclose(f);
    return rc;
}
