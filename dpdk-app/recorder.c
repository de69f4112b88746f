#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "dpdk-app/recorder.h"

/* One thing to write: a block, a mark, or a line. */
struct entry {
    struct recorder *recorder;
    struct entry *next;
    struct block *block;
    uint64_t tick;
    uint8_t mark[64];
    struct strbuf line;
};

struct recorder {
    struct writer *writer;
    int blocks_fd, lineage_fd;
    uint8_t *scratch; /* of the I/O thread */
    struct entry *first, **last;
    uint64_t under_way;
};

static int open_in(const char *dir, const char *name)
{
    char path[4096];

    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
        return -ENAMETOOLONG;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    return fd < 0 ? -errno : fd;
}

struct recorder *recorder_open(const char *dir, struct writer *w, char *err, size_t err_bytes)
{
    struct recorder *r = calloc(1, sizeof *r);

    MR_ASSERT(r);
    r->writer = w;
    r->last = &r->first;
    r->scratch = malloc(RECORD_BODY_MAX + sizeof(struct block_hdr));
    MR_ASSERT(r->scratch);
    r->lineage_fd = -1;
    r->blocks_fd = mkdir(dir, 0755) && errno != EEXIST ? -errno : open_in(dir, "blocks");
    if (r->blocks_fd >= 0)
        r->lineage_fd = open_in(dir, "lineage.jsonl");
    if (r->blocks_fd >= 0 && r->lineage_fd >= 0)
        return r;
    int why = r->blocks_fd < 0 ? r->blocks_fd : r->lineage_fd;
    snprintf(err, err_bytes, "--record %s: %s%s", dir, strerror(-why),
             why == -EEXIST ? "; it holds the record of another run: give a new folder" : "");
    recorder_close(r);
    return NULL;
}

static int write_all(int fd, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;

    while (n) {
        ssize_t k = write(fd, p, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return -errno;
        p += k;
        n -= (size_t)k;
    }
    return 0;
}

/* On the I/O thread. */
static int write_entry(void *arg, struct strbuf *err)
{
    struct entry *e = arg;
    struct recorder *r = e->recorder;
    int rc;

    if (e->line.len) {
        rc = write_all(r->lineage_fd, e->line.s, e->line.len);
    } else if (e->block) {
        uint64_t bytes = sizeof e->block->hdr + record_block_bytes(e->block);
        record_block(r->scratch, e->block, e->tick);
        rc = write_all(r->blocks_fd, r->scratch, bytes);
    } else {
        rc = write_all(r->blocks_fd, e->mark, sizeof e->mark);
    }
    if (rc)
        strbuf_printf(err, "the record cannot be written: %s; free space or give another folder",
                      strerror(-rc));
    return rc;
}

static struct entry *append(struct recorder *r)
{
    struct entry *e = calloc(1, sizeof *e);

    MR_ASSERT(e);
    e->recorder = r;
    *r->last = e;
    r->last = &e->next;
    return e;
}

void recorder_begin(struct recorder *r, uint64_t first_tick, uint64_t tick_ns, uint64_t streams,
                    uint64_t hash)
{
    record_mark(append(r)->mark, RECORD_BEGIN, first_tick, tick_ns, streams, hash);
}

void recorder_block(struct recorder *r, struct block *b, uint64_t tick)
{
    struct entry *e = append(r);

    e->block = b;
    e->tick = tick;
}

void recorder_mark(struct recorder *r, enum record_mark mark, uint64_t tick, uint64_t cut_tick)
{
    record_mark(append(r)->mark, mark, tick, cut_tick, 0, 0);
}

void recorder_lineage(struct recorder *r, const char *job, const struct action *a)
{
    struct strbuf *l = &append(r)->line;

    strbuf_printf(
        l, "{\"job\": \"%s\", \"interval\": %llu, \"stage\": %u, \"task\": %u, \"blocks\": [", job,
        (unsigned long long)a->interval, a->stage, a->task);
    for (uint32_t i = 0; i < a->blocks_cnt; i++) {
        const struct block_id *id = &a->blocks[i].id;
        strbuf_printf(l, "%s\"%016llx.%016llx.%llx\"", i ? ", " : "", (unsigned long long)id->a,
                      (unsigned long long)id->b, (unsigned long long)id->c);
    }
    strbuf_puts(l, "]}\n");
}

uint32_t recorder_step(struct recorder *r)
{
    uint32_t did = 0;

    while (r->first) {
        struct entry *e = r->first, *next = e->next;
        struct writer_work work = {.call = write_entry, .arg = e};
        if (!writer_try_push(r->writer, &work))
            break;
        r->under_way++;
        r->first = next;
        if (!next)
            r->last = &r->first;
        did++;
    }
    return did;
}

bool recorder_called(struct recorder *r, const struct writer_done *d, struct block **block)
{
    struct entry *e = d->work.arg;

    if (d->work.call != write_entry)
        return false;
    *block = e->block;
    strbuf_release(&e->line);
    free(e);
    r->under_way--;
    return true;
}

bool recorder_pending(const struct recorder *r)
{
    return r->first || r->under_way;
}

void recorder_close(struct recorder *r)
{
    if (r->blocks_fd >= 0)
        close(r->blocks_fd);
    if (r->lineage_fd >= 0)
        close(r->lineage_fd);
    free(r->scratch);
    free(r);
}
