/*
 * Descriptors and files: writing everything or reading it, or saying why not.
 */
#ifndef IO_FDIO_H
#define IO_FDIO_H

#include <stddef.h>

#include "base/strbuf.h"

/* fd_write_all writes all of the bytes, whatever the pieces; waits for a descriptor that does
 * not block. Returns 0, or -errno with a part of them written. */
int fd_write_all(int fd, const void *bytes, size_t len);
/* file_read adds the whole of a file to out. Returns 0, or -errno with a part of it there. */
int file_read(const char *path, struct strbuf *out);

#endif
