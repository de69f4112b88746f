/*
 * Files: <path>/<stream>/<first interval in it>.jsonl or .csv, a new one every `roll`.
 *
 * Rolls are aligned to interval numbers: a file holds the intervals that start in one multiple
 * of `roll` since 1970, so a run that starts in the middle of one has a shorter first file. A
 * result without rows counts too: its file is there and is empty (CSV: a header). A file gets
 * its name when the last interval of its roll is written, when a later one comes, or at the end
 * of the run; until then it is a dot-file (file_part.h).
 *
 * An interval that is run again is written again: its rows are replaced where they stand and
 * nothing else changes, so that an equal result leaves an equal file. This works for the last
 * AGAIN_FILES_MAX files of a stream.
 *
 * Whose file is it? The folder of a stream is locked by the sink that writes there; a second
 * one, of this run or of another, is refused when it opens. A live run never touches a file that
 * it did not make: where the name is taken, by an earlier run and a clock that was set back, it
 * takes <first interval>~2. A capture, a file of records or a replay gives the same results each
 * time: it replaces the files of its names.
 *
 * What a live run has finished is on the disk (fsync of the file, then of the folder); other
 * runs, which can be run again and come faster than a disk can sync, sync once, at the end.
 *
 * When the disk refuses, the rows of that interval are missing as a whole and are counted as
 * lost; the file around them stays good.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "io/file_again.h"
#include "io/file_part.h"
#include "io/sink.h"

#define AGAIN_FILES_MAX  1024u
#define NAME_TRIES_MAX   99u
#define WRITE_BYTES      262144u
#define ROLL_DEFAULT_NS  1000000000u
#define FILE_STREAMS_MAX 64u

/* A finished file of this run. */
struct done_file {
    uint64_t roll;
    char name[FILE_NAME_BYTES];
};

struct file_stream {
    const struct out_stream *stream;
    int dir_fd;
    struct file_part part;
    uint64_t roll, last; /* of the part: its roll, its newest interval */
    uint64_t done_cnt;
    struct done_file done[AGAIN_FILES_MAX]; /* the newest, by done_cnt modulo */
};

struct files {
    struct sink base;
    struct render render;
    struct strbuf buf;
    uint32_t streams_cnt;
    struct file_stream *stream[FILE_STREAMS_MAX];
};

static const char *suffix(const struct files *f)
{
    return f->base.conf.rows == SINK_ROWS_CSV ? "csv" : "jsonl";
}

static int fail_at(struct files *f, const struct file_stream *fs, const char *name, int rc)
{
    return sink_fail(&f->base, rc, "cannot write %s/%s/%s: %s", f->base.conf.path, fs->stream->name,
                     name, strerror(-rc));
}

/* ---- folders --------------------------------------------------------------------------------- */

/* Makes a folder and those above it. */
static int make_folders(const char *path)
{
    char *part = strdup(path);
    int rc = 0;

    if (!part)
        return -ENOMEM;
    for (char *p = part + 1; rc == 0; p++) {
        char was = *p;
        if (was != '/' && was != '\0')
            continue;
        *p = '\0';
        if (mkdir(part, 0755) && errno != EEXIST)
            rc = -errno;
        *p = was;
        if (was == '\0')
            break;
    }
    free(part);
    return rc;
}

static int files_open(struct sink *s)
{
    int rc = s->conf.path && s->conf.path[0] ? make_folders(s->conf.path) : -ENOENT;

    if (rc)
        return sink_fail(s, rc, "cannot make the folder '%s': %s", s->conf.path ? s->conf.path : "",
                         strerror(-rc));
    return 0;
}

/* Opens and locks the folder of a stream, and sees that files can be made there. */
static int open_folder(struct files *f, struct file_stream *fs)
{
    const char *path = f->base.conf.path, *name = fs->stream->name;
    char *folder;
    int rc = 0;

    if (asprintf(&folder, "%s/%s", path, name) < 0)
        return sink_fail(&f->base, -ENOMEM, "out of memory");
    if (strchr(name, '/') || name[0] == '.') {
        rc = sink_fail(&f->base, -EINVAL, "the stream's name '%s' is no name for a folder", name);
    } else if ((rc = make_folders(folder)) ||
               ((fs->dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)) {
        rc = rc ? rc : -errno;
        sink_fail(&f->base, rc, "cannot make the folder '%s': %s", folder, strerror(-rc));
    } else if (flock(fs->dir_fd, LOCK_EX | LOCK_NB)) {
        rc = sink_fail(&f->base, -EBUSY,
                       "'%s' is being written by another sink or another run: give this one a "
                       "path of its own",
                       folder);
    } else if (faccessat(fs->dir_fd, ".", W_OK | X_OK, AT_EACCESS)) {
        rc = -errno;
        sink_fail(&f->base, rc, "cannot write to the folder '%s': %s", folder, strerror(-rc));
    }
    free(folder);
    return rc;
}

static int files_stream(struct sink *s, const struct out_stream *stream)
{
    struct files *f = (struct files *)s;

    if (f->streams_cnt == FILE_STREAMS_MAX)
        return sink_fail(s, -ENOSPC, "more than %u streams end here", FILE_STREAMS_MAX);
    struct file_stream *fs = calloc(1, sizeof *fs);
    if (!fs)
        return sink_fail(s, -ENOMEM, "out of memory");
    fs->stream = stream;
    fs->dir_fd = -1;
    fs->part.fd = -1;
    f->stream[f->streams_cnt++] = fs;
    int rc = open_folder(f, fs);
    fs->part.dir_fd = fs->dir_fd;
    return rc;
}

/* ---- rolls ----------------------------------------------------------------------------------- */

static uint64_t roll_of(const struct files *f, const struct file_stream *fs, uint64_t interval)
{
    uint64_t interval_ns = fs->stream->interval_ns, roll_ns = f->base.conf.roll_ns;

    if (roll_ns == 0)
        roll_ns = interval_ns > ROLL_DEFAULT_NS ? interval_ns : ROLL_DEFAULT_NS;
    return (uint64_t)((unsigned __int128)interval * interval_ns / roll_ns);
}

static const struct done_file *find_done(const struct file_stream *fs, uint64_t roll)
{
    uint64_t n = fs->done_cnt < AGAIN_FILES_MAX ? fs->done_cnt : AGAIN_FILES_MAX;

    for (uint64_t i = 1; i <= n; i++) {
        const struct done_file *d = &fs->done[(fs->done_cnt - i) % AGAIN_FILES_MAX];
        if (d->roll == roll)
            return d;
    }
    return NULL;
}

static int finish(struct files *f, struct file_stream *fs)
{
    int rc = file_part_finish(&fs->part, f->base.env.live, f->base.env.live);

    if (rc)
        return fail_at(f, fs, fs->part.name, rc);
    struct done_file *d = &fs->done[fs->done_cnt++ % AGAIN_FILES_MAX];
    d->roll = fs->roll;
    memcpy(d->name, fs->part.name, sizeof d->name);
    return 0;
}

static int begin(struct files *f, struct file_stream *fs, uint64_t interval)
{
    char name[FILE_NAME_BYTES];
    int rc = -EEXIST;

    for (unsigned n = 1; rc == -EEXIST && n <= NAME_TRIES_MAX; n++) {
        if (n == 1)
            snprintf(name, sizeof name, "%" PRIu64 ".%s", interval, suffix(f));
        else
            snprintf(name, sizeof name, "%" PRIu64 "~%u.%s", interval, n, suffix(f));
        rc = file_part_open(&fs->part, name, f->base.env.live);
    }
    if (rc)
        return fail_at(f, fs, name, rc);
    fs->roll = roll_of(f, fs, interval);
    return 0;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static int flush(struct files *f, struct file_part *part)
{
    int rc = f->buf.len ? file_part_write(part, f->buf.s, f->buf.len) : 0;

    strbuf_clear(&f->buf);
    return rc;
}

/* Adds the rows of an RDD to a part; a new CSV begins with its header. */
static int put_rows(struct files *f, struct file_part *part, const struct out_rdd *rdd,
                    const struct out_rows *rows)
{
    bool csv = f->base.conf.rows == SINK_ROWS_CSV;
    int rc = 0;

    strbuf_clear(&f->buf);
    if (csv) {
        render_csv_begin(&f->render, rdd);
        if (part->bytes == 0)
            render_csv_header(&f->buf, rdd->stream);
    } else {
        render_json_begin(&f->render, rdd);
    }
    for (uint32_t i = 0; i < rows->cnt && rc == 0; i++) {
        if (csv)
            render_csv(&f->render, &f->buf, rows->row[i].row);
        else
            render_json(&f->render, &f->buf, rows->row[i].row);
        if (f->buf.len >= WRITE_BYTES)
            rc = flush(f, part);
    }
    return rc ? rc : flush(f, part);
}

static int append(struct files *f, struct file_stream *fs, const struct out_rdd *rdd,
                  const struct out_rows *rows)
{
    int rc = put_rows(f, &fs->part, rdd, rows);

    if (rc == 0) {
        file_part_keep(&fs->part);
        fs->last = rdd->interval;
        return 0;
    }
    if (fs->part.good_bytes)
        file_part_undo(&fs->part);
    else
        file_part_drop(&fs->part);
    return fail_at(f, fs, fs->part.name, rc);
}

/* Replaces the rows of one interval in a finished file of this run. */
static int write_again(struct files *f, struct file_stream *fs, const struct done_file *done,
                       const struct out_rdd *rdd, const struct out_rows *rows)
{
    struct file_part part = {.dir_fd = fs->dir_fd, .fd = -1};
    struct file_again old;
    int rc = file_again_open(&old, fs->dir_fd, done->name, f->base.conf.rows == SINK_ROWS_CSV,
                             rdd->interval);

    if (rc)
        return fail_at(f, fs, done->name, rc);
    rc = file_part_open(&part, done->name, false);
    if (rc == 0) {
        rc = file_part_write(&part, old.before, old.before_bytes);
        if (rc == 0)
            rc = put_rows(f, &part, rdd, rows);
        if (rc == 0)
            rc = file_part_write(&part, old.after, old.after_bytes);
        if (rc == 0) {
            file_part_keep(&part);
            rc = file_part_finish(&part, false, f->base.env.live);
        } else {
            file_part_drop(&part);
        }
    }
    file_again_close(&old);
    return rc ? fail_at(f, fs, done->name, rc) : 0;
}

static int files_write(struct sink *s, const struct out_rdd *rdd, const struct out_rows *rows)
{
    struct files *f = (struct files *)s;
    struct file_stream *fs = NULL;
    int rc = 0, rc_again;

    for (uint32_t i = 0; i < f->streams_cnt; i++)
        if (f->stream[i]->stream == rdd->stream)
            fs = f->stream[i];
    MR_ASSERT(fs);
    uint64_t roll = roll_of(f, fs, rdd->interval);
    if (fs->part.fd >= 0 && (roll != fs->roll || rdd->interval <= fs->last))
        rc = finish(f, fs);
    if (fs->part.fd < 0) {
        const struct done_file *done = find_done(fs, roll);
        if (done) {
            rc_again = write_again(f, fs, done, rdd, rows);
            return rc_again ? rc_again : rc;
        }
        int rc_begin = begin(f, fs, rdd->interval);
        if (rc_begin)
            return rc_begin;
    }
    int rc_append = append(f, fs, rdd, rows);
    if (rc_append)
        return rc_append;
    if (roll_of(f, fs, rdd->interval + 1) != roll) {
        int rc_finish = finish(f, fs);
        return rc_finish ? rc_finish : rc;
    }
    return rc;
}

static int files_close(struct sink *s)
{
    struct files *f = (struct files *)s;
    int rc = 0;

    for (uint32_t i = 0; i < f->streams_cnt; i++) {
        struct file_stream *fs = f->stream[i];
        if (fs->part.fd >= 0) {
            int err = finish(f, fs);
            rc = rc ? rc : err;
        }
        if (fs->dir_fd >= 0) {
            if (!s->env.live && fs->done_cnt && syncfs(fs->dir_fd) && rc == 0)
                rc = fail_at(f, fs, "", -errno);
            close(fs->dir_fd);
        }
        free(fs);
    }
    render_release(&f->render);
    strbuf_release(&f->buf);
    return rc;
}

const struct sink_ops sink_file = {
    .type = "file",
    .bytes = sizeof(struct files),
    .open = files_open,
    .stream = files_stream,
    .write = files_write,
    .close = files_close,
};
