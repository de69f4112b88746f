#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "dpdk-app/recorder.h"

#define ENTRIES_MIN 256u

/* One thing to write: a block, a mark, or a line of the lineage. */
struct entry {
    struct recorder *recorder;
    struct block *block; /* or NULL */
    uint64_t tick;
    const char *job; /* or NULL */
    uint64_t interval;
    uint32_t stage, task, blocks_cnt;
    struct block_id id[SCHED_TASK_BLOCKS_MAX];
    uint8_t mark[64];
};

struct recorder {
    struct writer *writer;
    int blocks_fd, lineage_fd;
    uint8_t *scratch; /* of the I/O thread */
    struct strbuf line;
    struct entry *entry; /* a ring: [head, pushed) is with the I/O thread */
    uint64_t head, pushed, tail;
    uint32_t max, step_max; /* step_max: the most that an event brings */
};

static int open_in(const char *dir, const char *name)
{
    char path[4096];

    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
        return -ENAMETOOLONG;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    return fd < 0 ? -errno : fd;
}

struct recorder *recorder_open(const char *dir, struct writer *w, uint32_t workers_cnt, char *err,
                               size_t err_bytes)
{
    struct recorder *r = calloc(1, sizeof *r);

    MR_ASSERT(r);
    r->writer = w;
    /* a task that ends for each credit, a block, and what is marked beside it */
    r->step_max = 2 * workers_cnt * SCHED_CREDITS + 4;
    r->max = ENTRIES_MIN + r->step_max;
    r->entry = calloc(r->max, sizeof *r->entry);
    r->scratch = malloc(RECORD_BODY_MAX + sizeof(struct block_hdr));
    MR_ASSERT(r->scratch && r->entry);
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

static int write_lineage(struct recorder *r, const struct entry *e)
{
    struct strbuf *l = &r->line;

    strbuf_clear(l);
    strbuf_printf(l,
                  "{\"job\": \"%s\", \"interval\": %llu, \"stage\": %u, \"task\": %u, "
                  "\"blocks\": [",
                  e->job, (unsigned long long)e->interval, e->stage, e->task);
    for (uint32_t i = 0; i < e->blocks_cnt; i++)
        strbuf_printf(l, "%s\"%016llx.%016llx.%llx\"", i ? ", " : "",
                      (unsigned long long)e->id[i].a, (unsigned long long)e->id[i].b,
                      (unsigned long long)e->id[i].c);
    strbuf_puts(l, "]}\n");
    return write_all(r->lineage_fd, l->s, l->len);
}

/* On the I/O thread. */
static int write_entry(void *arg, struct strbuf *err)
{
    struct entry *e = arg;
    struct recorder *r = e->recorder;
    int rc;

    if (e->job) {
        rc = write_lineage(r, e);
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
    struct entry *e = &r->entry[r->tail % r->max];

    MR_ASSERT(r->tail++ - r->head < r->max);
    e->recorder = r;
    e->block = NULL;
    e->job = NULL;
    return e;
}

bool recorder_room(const struct recorder *r)
{
    return r->max - (r->tail - r->head) >= r->step_max;
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
    struct entry *e = append(r);

    e->job = job;
    e->interval = a->interval;
    e->stage = a->stage;
    e->task = a->task;
    e->blocks_cnt = a->blocks_cnt;
    MR_ASSERT(a->blocks_cnt <= SCHED_TASK_BLOCKS_MAX);
    for (uint32_t i = 0; i < a->blocks_cnt; i++)
        e->id[i] = a->blocks[i].id;
}

uint32_t recorder_step(struct recorder *r)
{
    uint32_t did = 0;

    for (; r->pushed != r->tail; r->pushed++, did++) {
        struct writer_work work = {.call = write_entry, .arg = &r->entry[r->pushed % r->max]};
        if (!writer_try_push(r->writer, &work))
            break;
    }
    return did;
}

bool recorder_called(struct recorder *r, const struct writer_done *d, struct block **block)
{
    struct entry *e = d->work.arg;

    if (d->work.call != write_entry)
        return false;
    *block = e->block;
    r->head++; /* they come back in order */
    return true;
}

bool recorder_pending(const struct recorder *r)
{
    return r->head != r->tail;
}

void recorder_close(struct recorder *r)
{
    if (r->blocks_fd >= 0)
        close(r->blocks_fd);
    if (r->lineage_fd >= 0)
        close(r->lineage_fd);
    strbuf_release(&r->line);
    free(r->entry);
    free(r->scratch);
    free(r);
}
