#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "io/recfile.h"
#include "rdd/format_walk.h"

#define NS_PER_S 1000000000

struct recfile {
    char *path;
    const struct format *format;
    uint64_t rate;
    int64_t start_ns;
    int fd;
    bool regular;
    bool at_end; /* nothing is left to read */
    bool in_header;
    uint64_t records_cnt;
    /* The page: [pos, len) is read and not given yet. */
    uint8_t *page;
    uint32_t room, pos, len;
    uint64_t skip; /* of a record too long: format_rest */
    /* What is left of a page that is used up. */
    uint8_t *tail;
    uint32_t tail_bytes;
    char error[512];
};

static int fail(struct recfile *f, int err, const char *why)
{
    snprintf(f->error, sizeof f->error, "input '%s': %s", f->path, why);
    return err;
}

struct recfile *recfile_open(const struct recfile_conf *conf, struct strbuf *err)
{
    struct recfile *f = calloc(1, sizeof *f);
    struct stat st = {0};

    MR_ASSERT(conf->rate >= 1);
    if (f) {
        f->path = strdup(conf->path);
        f->tail = malloc(FORMAT_WALK_BYTES);
        f->fd = -1;
    }
    if (!f || !f->path || !f->tail) {
        strbuf_printf(err, "input '%s': out of memory", conf->path);
        recfile_close(f);
        return NULL;
    }
    f->format = conf->format;
    f->rate = conf->rate;
    f->start_ns = conf->start_ns;
    f->in_header = conf->format->kind == FORMAT_CSV && conf->format->header;
    f->fd = strcmp(f->path, "-") == 0 ? STDIN_FILENO : open(f->path, O_RDONLY | O_CLOEXEC);
    int rc = f->fd < 0 || fstat(f->fd, &st) ? -errno : S_ISDIR(st.st_mode) ? -EISDIR : 0;
    if (rc) {
        fail(f, rc, strerror(-rc));
        strbuf_puts(err, f->error);
        recfile_close(f);
        return NULL;
    }
    f->regular = S_ISREG(st.st_mode);
    return f;
}

void recfile_close(struct recfile *f)
{
    if (!f)
        return;
    if (f->fd > STDIN_FILENO)
        close(f->fd);
    free(f->tail);
    free(f->path);
    free(f);
}

/* ---- pages ----------------------------------------------------------------------------------- */

void recfile_page(struct recfile *f, uint8_t *page, uint32_t page_bytes)
{
    MR_ASSERT(page_bytes >= RECFILE_PAGE_BYTES_MIN);
    MR_ASSERT(f->pos == f->len);
    memcpy(page, f->tail, f->tail_bytes);
    f->page = page;
    f->room = page_bytes;
    f->pos = 0;
    f->len = f->tail_bytes;
    f->tail_bytes = 0;
}

/* Keeps the beginning of a record for the next page. */
static int page_used_up(struct recfile *f)
{
    f->tail_bytes = f->len - f->pos;
    MR_ASSERT(f->tail_bytes <= FORMAT_WALK_BYTES);
    memcpy(f->tail, f->page + f->pos, f->tail_bytes);
    f->pos = f->len;
    f->page = NULL;
    return -ENOBUFS;
}

/* Reads what there is, up to the end of the page. Returns 0, or -errno. */
static int fill(struct recfile *f)
{
    struct pollfd ready = {.fd = f->fd, .events = POLLIN};

    if (!f->regular && poll(&ready, 1, 0) == 0)
        return -EAGAIN;
    ssize_t n = read(f->fd, f->page + f->len, f->room - f->len);
    if (n < 0) {
        int rc = -errno;
        return rc == -EINTR || rc == -EAGAIN ? -EAGAIN : fail(f, rc, strerror(-rc));
    }
    if (n == 0)
        f->at_end = true;
    f->len += (uint32_t)n;
    return 0;
}

/* Steps over the rest of a record that was too long. */
static void skip_some(struct recfile *f)
{
    uint32_t left = f->len - f->pos;
    uint64_t step = left;

    if (f->skip == FORMAT_REST_LINE) {
        const uint8_t *nl = memchr(f->page + f->pos, '\n', left);
        if (nl) {
            step = (uint64_t)(nl - (f->page + f->pos)) + 1;
            f->skip = 0;
        }
    } else {
        step = f->skip < left ? f->skip : left;
        f->skip -= step;
    }
    f->pos += (uint32_t)step;
}

/* ---- runs ------------------------------------------------------------------------------------ */

/* Walks over records at f->pos; returns how many, 0: more bytes are needed. */
static uint32_t walk(struct recfile *f, uint32_t records_max, uint32_t *used)
{
    const uint8_t *p = f->page + f->pos;
    uint32_t left = f->len - f->pos, cnt = 0;

    /* First in a piece of the size of a run; then a single record, in FORMAT_WALK_BYTES at most
     * even if there are more: what becomes of it must not depend on where the page ends. */
    if (left > RECFILE_RUN_BYTES)
        cnt = format_walk(f->format, p, RECFILE_RUN_BYTES, false, records_max, used);
    else
        cnt = format_walk(f->format, p, left, f->at_end, records_max, used);
    if (cnt == 0 && left > RECFILE_RUN_BYTES) {
        uint32_t seen = left < FORMAT_WALK_BYTES ? left : FORMAT_WALK_BYTES;
        cnt = format_walk(f->format, p, seen, f->at_end && seen == left, 1, used);
    }
    if (cnt == 0 && left >= FORMAT_WALK_BYTES) {
        *used = FORMAT_WALK_BYTES;
        f->skip = format_rest(f->format, p, FORMAT_WALK_BYTES);
        cnt = 1;
    }
    return cnt;
}

int recfile_next(struct recfile *f, uint64_t records_max, struct run *run, uint32_t *records_cnt)
{
    uint32_t max = records_max < UINT32_MAX ? (uint32_t)records_max : UINT32_MAX, used;

    MR_ASSERT(records_max >= 1);
    for (;;) {
        if (f->skip && f->page)
            skip_some(f);
        uint32_t cnt = f->page && !f->skip ? walk(f, f->in_header ? 1 : max, &used) : 0;
        if (cnt && f->in_header) {
            f->pos += used;
            f->in_header = false;
        } else if (cnt) {
            *run = (struct run){.off = f->pos, .len = used};
            *records_cnt = cnt;
            f->pos += used;
            f->records_cnt += cnt;
            return 1;
        } else if (f->at_end) {
            return 0;
        } else if (!f->page || f->len == f->room) {
            return f->page ? page_used_up(f) : -ENOBUFS;
        } else {
            int rc = fill(f);
            if (rc)
                return rc;
        }
    }
}

void recfile_rewind(struct recfile *f)
{
    MR_ASSERT(f->regular && lseek(f->fd, 0, SEEK_SET) == 0);
    f->at_end = false;
    f->in_header = f->format->kind == FORMAT_CSV && f->format->header;
    f->records_cnt = f->skip = 0;
    f->pos = f->len = f->tail_bytes = 0;
    f->page = NULL;
}

const char *recfile_error(const struct recfile *f)
{
    return f->error;
}

uint64_t recfile_records(const struct recfile *f)
{
    return f->records_cnt;
}

/* ---- time ------------------------------------------------------------------------------------ */

int64_t recfile_time(const struct recfile *f, uint64_t n)
{
    __int128 t = f->start_ns + (__int128)n * NS_PER_S / f->rate;

    return t > INT64_MAX ? INT64_MAX : (int64_t)t;
}

uint64_t recfile_records_before(const struct recfile *f, int64_t t_ns)
{
    if (t_ns <= f->start_ns)
        return 0;
    /* n / rate < d, in whole ns: the records below d x rate, rounded up */
    unsigned __int128 n = (unsigned __int128)((__int128)t_ns - f->start_ns) * f->rate;

    n = (n + NS_PER_S - 1) / NS_PER_S;
    return n > UINT64_MAX ? UINT64_MAX : (uint64_t)n;
}
