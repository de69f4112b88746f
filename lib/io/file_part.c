#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "io/fdio.h"
#include "io/file_part.h"

#define TRIES_CNT 4

static void part_name(const struct file_part *p, char out[FILE_NAME_BYTES + 8])
{
    snprintf(out, FILE_NAME_BYTES + 8, ".%s.part", p->name);
}

/* Is there a point in trying again soon? */
static bool may_pass(int err)
{
    return err == -ENOSPC || err == -EDQUOT || err == -EIO || err == -EAGAIN || err == -EMFILE ||
           err == -ENFILE || err == -ESTALE;
}

/* waited sleeps before the next try; false when the tries are used up. */
static bool waited(struct file_part *p, int err, int try_cnt)
{
    static const long wait_ns[TRIES_CNT - 1] = {20000000, 100000000, 400000000};

    if (p->failing || !may_pass(err) || try_cnt >= TRIES_CNT - 1)
        return false;
    nanosleep(&(struct timespec){.tv_nsec = wait_ns[try_cnt]}, NULL);
    return true;
}

static int done(struct file_part *p, int rc)
{
    p->failing = rc != 0;
    return rc;
}

int file_part_open(struct file_part *p, const char *name, bool fresh)
{
    char part[FILE_NAME_BYTES + 8];
    int rc = 0;

    MR_ASSERT(p->fd < 0);
    snprintf(p->name, sizeof p->name, "%s", name);
    part_name(p, part);
    p->good_bytes = p->bytes = 0;
    if (fresh && faccessat(p->dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return -EEXIST;
    for (int try_cnt = 0;; try_cnt++) {
        p->fd = openat(p->dir_fd, part, O_WRONLY | O_CREAT | O_CLOEXEC | (fresh ? O_EXCL : O_TRUNC),
                       0644);
        rc = p->fd < 0 ? -errno : 0;
        /* A full disk still takes new files: only a write tells that it is not full any more. */
        if (rc == 0 || rc == -EEXIST)
            return rc;
        if (!waited(p, rc, try_cnt))
            return done(p, rc);
    }
}

int file_part_write(struct file_part *p, const char *bytes, size_t len)
{
    for (int try_cnt = 0;; try_cnt++) {
        int rc = fd_write_all(p->fd, bytes, len);
        if (rc == 0)
            p->bytes += len;
        if (rc == 0 || !waited(p, rc, try_cnt))
            return done(p, rc);
        /* a part of it may have been written: again from where it began */
        lseek(p->fd, (off_t)p->bytes, SEEK_SET);
    }
}

void file_part_keep(struct file_part *p)
{
    p->good_bytes = p->bytes;
}

void file_part_undo(struct file_part *p)
{
    p->bytes = p->good_bytes;
    lseek(p->fd, (off_t)p->bytes, SEEK_SET);
    /* Making a file shorter needs no room; were it to fail, the next write would overwrite, and
     * the file is cut again before it gets its name. */
    if (ftruncate(p->fd, (off_t)p->bytes))
        p->failing = true;
}

void file_part_drop(struct file_part *p)
{
    char part[FILE_NAME_BYTES + 8];

    part_name(p, part);
    close(p->fd);
    p->fd = -1;
    unlinkat(p->dir_fd, part, 0);
}

static int rename_part(struct file_part *p, bool fresh)
{
    char part[FILE_NAME_BYTES + 8];

    part_name(p, part);
    if (!fresh)
        return renameat(p->dir_fd, part, p->dir_fd, p->name) ? -errno : 0;
    if (renameat2(p->dir_fd, part, p->dir_fd, p->name, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -errno;
    /* a file system without RENAME_NOREPLACE: the folder's lock keeps our own kind away */
    if (faccessat(p->dir_fd, p->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return -EEXIST;
    return renameat(p->dir_fd, part, p->dir_fd, p->name) ? -errno : 0;
}

int file_part_finish(struct file_part *p, bool fresh, bool durable)
{
    int rc = 0;

    MR_ASSERT(p->fd >= 0);
    if (ftruncate(p->fd, (off_t)p->good_bytes))
        rc = -errno;
    if (rc == 0 && durable && fsync(p->fd))
        rc = -errno;
    if (close(p->fd) && rc == 0)
        rc = -errno;
    p->fd = -1;
    for (int try_cnt = 0; rc == 0; try_cnt++) {
        int err = rename_part(p, fresh);
        if (err == 0)
            break;
        if (!waited(p, err, try_cnt))
            rc = err;
    }
    if (rc == 0 && durable && fsync(p->dir_fd))
        rc = -errno;
    return done(p, rc);
}
