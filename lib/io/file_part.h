/*
 * A file of results that is being written: aside, as a dot-file, until it is complete.
 *
 *   .<name>.part  --file_part_finish-->  <name>
 *
 * What has the final name is complete and never half a line. Errors of the disk are tried again
 * a few times, over about half a second, then reported; after a failure one try is enough until
 * something succeeds, so that a full disk does not also cost time.
 *
 * All names are relative to an open folder, which the caller owns and has locked.
 */
#ifndef IO_FILE_PART_H
#define IO_FILE_PART_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/strbuf.h"

#define FILE_NAME_BYTES 64u

struct file_part {
    int dir_fd;
    int fd;                     /* -1: none open */
    char name[FILE_NAME_BYTES]; /* final */
    uint64_t good_bytes;        /* what stands: whole RDDs */
    uint64_t bytes;             /* written, the RDD being written included */
    bool failing;               /* the last call failed: no patience */
};

/* file_part_open creates the dot-file. `fresh`: -EEXIST when it or the final name is there
 * already; else what is there is replaced when the part is finished. */
int file_part_open(struct file_part *p, const char *name, bool fresh);
int file_part_write(struct file_part *p, const char *bytes, size_t len);
/* file_part_keep: what was written so far stands. file_part_undo drops what does not. */
void file_part_keep(struct file_part *p);
void file_part_undo(struct file_part *p);
/* file_part_drop closes the file and removes it. */
void file_part_drop(struct file_part *p);
/* file_part_finish closes the file and gives it its name; `durable`: synced before and after.
 * On failure the dot-file stays. */
int file_part_finish(struct file_part *p, bool fresh, bool durable);

#endif
