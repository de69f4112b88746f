/*
 * reference_of JOB DIR: what the outputs of a recorded run should be. Reads the records that
 * `millrace run --record DIR` kept, tick by tick, and computes every interval by the naive
 * reference (tests/common/reference.h): a plain sequential path that shares no task, table, state
 * or scheduler with the engine. Prints the JSON lines of all outputs, interval by interval.
 *
 * For one job whose interval is the tick.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ckpt/record.h"
#include "io/fdio.h"
#include "job/job.h"
#include "tests/common/reference.h"

struct entry {
    struct block_hdr hdr;
    uint8_t *body;
};

struct tool {
    struct job *job;
    struct ref *ref;
    struct entry *entry; /* blocks not yet used */
    size_t cnt, room;
    struct arena arena;
    struct strbuf out;
    uint64_t next; /* interval */
};

static void die(const char *what)
{
    fprintf(stderr, "reference_of: %s\n", what);
    exit(1);
}

/* Canonical order: source, node, queue, sequence. */
static int by_ord(const void *x, const void *y)
{
    const struct block_id *a = &((const struct entry *)x)->hdr.id;
    const struct block_id *b = &((const struct entry *)y)->hdr.id;

    if (a->b != b->b)
        return a->b < b->b ? -1 : 1;
    return a->c < b->c ? -1 : a->c > b->c;
}

static void feed(struct tool *t, const struct entry *e)
{
    struct source_reader r;
    struct source_counters counters = {0};
    struct col cols[TYPE_LEAVES_MAX];
    struct vec v = {.col = cols};
    uint32_t source = (uint32_t)(e->hdr.id.b >> 32);

    source_reader_init(&r, &t->job->source[source].spec, e->body, e->hdr.rows,
                       e->body + record_index_bytes(&e->hdr), 0, NULL, &counters);
    arena_reset(&t->arena);
    while (source_read(&r, &v, &t->arena) > 0) {
        if (v.sel_cnt)
            ref_feed_vec(t->ref, source, &v);
        arena_reset(&t->arena);
    }
}

/* Ends interval `n` with the blocks that came for it. */
static void end_interval(struct tool *t, uint64_t n, bool complete)
{
    size_t kept = 0;

    qsort(t->entry, t->cnt, sizeof *t->entry, by_ord);
    for (size_t i = 0; i < t->cnt; i++) {
        if (t->entry[i].hdr.interval > n) {
            t->entry[kept++] = t->entry[i];
            continue;
        }
        feed(t, &t->entry[i]);
        free(t->entry[i].body);
    }
    t->cnt = kept;
    ref_interval_all(t->ref, n, complete, &t->out);
    t->next = n + 1;
}

static void mark(struct tool *t, const struct block_hdr *h)
{
    switch ((enum record_mark)h->flags) {
    case RECORD_BEGIN: t->next = h->interval; return;
    case RECORD_CLOSED:
    case RECORD_END:
        while (t->next <= h->interval)
            end_interval(t, t->next, h->flags != RECORD_END || t->next < h->id.a);
        return;
    case RECORD_SKIP: t->next = h->interval + 1; return;
    }
}

static void keep(struct tool *t, const struct block_hdr *h, const uint8_t *body)
{
    if (t->cnt == t->room) {
        t->room = t->room ? 2 * t->room : 64;
        t->entry = realloc(t->entry, t->room * sizeof *t->entry);
    }
    uint8_t *copy = malloc(h->bytes + 1u);
    if (!t->entry || !copy)
        die("out of memory");
    memcpy(copy, body, h->bytes);
    t->entry[t->cnt++] = (struct entry){*h, copy};
}

static void read_record(struct tool *t, const struct strbuf *record)
{
    struct block_hdr h;

    for (size_t at = 0; at + sizeof h <= record->len; at += sizeof h + h.bytes) {
        const uint8_t *p = (const uint8_t *)record->s + at;
        if (record_header(&h, p) || at + sizeof h + h.bytes > record->len ||
            !record_check(&h, p + sizeof h))
            die("the record is damaged");
        if (h.kind == RECORD_MARK)
            mark(t, &h);
        else
            keep(t, &h, p + sizeof h);
    }
}

int main(int argc, char **argv)
{
    static struct diags d;
    struct tool t = {0};
    struct strbuf record = {0};
    char path[4096];
    size_t scratch = 16u << 20;

    if (argc != 3)
        die("JOB DIR");
    job_seams.read_file = file_read;
    t.job = job_load(argv[1], &d, NULL);
    if (!t.job)
        die("the job has errors");
    t.ref = ref_new(&t.job->graph, t.job->name, t.job->partitions);
    arena_init(&t.arena, aligned_alloc(64, scratch), scratch);
    snprintf(path, sizeof path, "%s/blocks", argv[2]);
    if (!t.arena.base || file_read(path, &record))
        die("the record cannot be read");
    read_record(&t, &record);
    fputs(t.out.s ? t.out.s : "", stdout);
    return 0;
}
