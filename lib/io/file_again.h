/*
 * A finished file of results, opened to replace the rows of one interval: what stands before
 * them and what stands after them. Rows are in the order of their intervals, and every row
 * begins with the number of its interval, in JSON lines and in CSV.
 */
#ifndef IO_FILE_AGAIN_H
#define IO_FILE_AGAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct file_again {
    char *bytes; /* the file, mapped; NULL when it is empty */
    size_t len;
    const char *before; /* header and rows of earlier intervals */
    size_t before_bytes;
    const char *after; /* rows of later ones */
    size_t after_bytes;
};

/* file_again_open: 0, or -errno with nothing open. */
int file_again_open(struct file_again *a, int dir_fd, const char *name, bool csv,
                    uint64_t interval);
void file_again_close(struct file_again *a);

#endif
