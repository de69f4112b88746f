#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "dpdk-app/replay.h"

struct replay {
    struct replay_conf conf;
    FILE *file;
    uint64_t first_tick;
    bool pending; /* an entry is read: a mark, or a block that waits for memory */
    bool ended, waits, stopping;
    bool open; /* a block came, and no end of its tick */
    uint64_t open_tick;
    struct block_hdr header;
    uint8_t *body;     /* of the entry: RECORD_BODY_MAX */
    struct page *page; /* being filled */
    uint32_t used;
    struct page *index_page; /* where the index of the waiting block is already, held; or NULL */
    uint8_t *index;
    char error[256];
};

static int read_header(struct replay *r)
{
    uint8_t bytes[64];

    if (fread(bytes, sizeof bytes, 1, r->file) != 1)
        return -ENODATA;
    if (record_header(&r->header, bytes))
        return -EINVAL;
    return r->header.kind == RECORD_MARK && !record_check(&r->header, bytes) ? -EINVAL : 0;
}

static int check_begin(const struct replay *r, char *err, size_t err_bytes)
{
    const struct block_hdr *h = &r->header;

    if (h->kind != RECORD_MARK || h->flags != RECORD_BEGIN) {
        snprintf(err, err_bytes, "--replay %s: this is no record of a run", r->conf.dir);
        return -EINVAL;
    }
    if (h->id.a == r->conf.tick_ns && h->id.b == r->conf.streams_cnt &&
        h->schema_hash == r->conf.hash)
        return 0;
    snprintf(err, err_bytes,
             "--replay %s: it was recorded with other jobs: sources and intervals must be the same",
             r->conf.dir);
    return -EINVAL;
}

struct replay *replay_new(const struct replay_conf *conf, char *err, size_t err_bytes)
{
    struct replay *r = calloc(1, sizeof *r);
    char path[4096];

    MR_ASSERT(r);
    r->conf = *conf;
    r->body = malloc(RECORD_BODY_MAX);
    MR_ASSERT(r->body);
    snprintf(path, sizeof path, "%s/blocks", conf->dir);
    r->file = fopen(path, "rb");
    if (!r->file) {
        snprintf(err, err_bytes, "--replay %s: %s", path, strerror(errno));
    } else if (read_header(r)) {
        snprintf(err, err_bytes, "--replay %s: this is no record of a run", conf->dir);
    } else if (check_begin(r, err, err_bytes) == 0) {
        r->first_tick = r->header.interval;
        return r;
    }
    replay_free(r);
    return NULL;
}

uint64_t replay_first_tick(const struct replay *r)
{
    return r->first_tick;
}

static bool fail(struct replay *r, struct feed_msg *msg, const char *what)
{
    snprintf(r->error, sizeof r->error, "--replay %s: %s; what came before stands", r->conf.dir,
             what);
    r->ended = true;
    *msg = (struct feed_msg){.kind = FEED_END};
    return true;
}

/* Room in the page that is being filled, which is held once more; NULL: not now. */
static uint8_t *room(struct replay *r, uint64_t bytes, struct page **page)
{
    uint32_t need = (uint32_t)(bytes + 63) & ~63u;

    if (r->page && PAGE_BYTES - r->used < need) {
        page_unref(r->conf.pool, r->page, 1);
        r->page = NULL;
    }
    if (!r->page) {
        bool ahead = r->header.interval >
                     atomic_load_explicit(r->conf.oldest_end_tick, memory_order_relaxed);
        if (pool_pages_free(r->conf.pool) < (ahead ? r->conf.pages_ahead : r->conf.pages_reserve))
            return NULL;
        r->page = pool_get(r->conf.pool);
        r->used = 0;
    }
    if (!r->page)
        return NULL;
    page_ref(r->page, 1);
    *page = r->page;
    r->used += need;
    return r->page->addr + r->used - need;
}

/* The index and the rows lie in pages as they did when they came: each fits one. */
static struct block *place(struct replay *r, uint64_t index_bytes, uint64_t bytes)
{
    struct page *page;

    if (!r->index_page)
        r->index = room(r, index_bytes, &r->index_page);
    uint8_t *base = r->index_page ? room(r, bytes, &page) : NULL;
    if (!base)
        return NULL;
    struct block *b = pool_block_get(r->conf.pool);
    if (!b) {
        page_unref(r->conf.pool, page, 1);
        return NULL;
    }
    b->page = page;
    b->base = base;
    b->index_page = r->index_page;
    b->index = r->index;
    r->index_page = NULL;
    memcpy(r->index, r->body, index_bytes);
    memcpy(base, r->body + index_bytes, bytes);
    return b;
}

static bool read_block(struct replay *r, struct feed_msg *msg)
{
    uint64_t index_bytes = record_index_bytes(&r->header);
    struct block *b = place(r, index_bytes, r->header.bytes - index_bytes);

    r->waits = !b;
    if (!b)
        return false;
    r->pending = false;
    b->hdr = r->header;
    b->ord_hi = block_ord((uint32_t)(b->hdr.id.b >> 32), (uint32_t)(b->hdr.id.a >> 48),
                          (uint32_t)b->hdr.id.b, b->hdr.id.c);
    *msg = (struct feed_msg){.kind = FEED_BLOCK,
                             .stream = (uint32_t)(b->hdr.id.b >> 32),
                             .tick = b->hdr.interval,
                             .block = b};
    r->open = true;
    r->open_tick = b->hdr.interval;
    return true;
}

/* The body of a block; false: there is none that a block could have. */
static bool read_body(struct replay *r)
{
    const struct block_hdr *h = &r->header;
    uint64_t index_bytes = record_index_bytes(h);

    return h->bytes <= RECORD_BODY_MAX && index_bytes <= PAGE_BYTES && index_bytes <= h->bytes &&
           h->bytes - index_bytes <= PAGE_BYTES &&
           fread(r->body, 1, h->bytes, r->file) == h->bytes && record_check(h, r->body);
}

static bool recv_stop(struct replay *r, struct feed_msg *msg)
{
    *msg = (struct feed_msg){.kind = r->open ? FEED_CLOSED : FEED_END, .tick = r->open_tick};
    r->ended = !r->open;
    r->open = false;
    return true;
}

bool replay_recv(struct replay *r, struct feed_msg *msg)
{
    if (r->ended)
        return false;
    if (r->stopping)
        return recv_stop(r, msg);
    if (!r->pending) {
        int rc = read_header(r);
        if (rc)
            return fail(r, msg,
                        rc == -ENODATA ? "the record ends before its run did"
                                       : "the record is damaged");
        if (r->header.kind != RECORD_MARK && !read_body(r))
            return fail(r, msg, "the record is damaged");
        r->pending = true;
    }
    if (r->header.kind != RECORD_MARK)
        return read_block(r, msg);
    r->pending = false;
    r->open &= r->header.interval < r->open_tick;
    r->ended = r->header.flags == RECORD_END;
    *msg = (struct feed_msg){.kind = r->ended                         ? FEED_END
                                     : r->header.flags == RECORD_SKIP ? FEED_SKIP
                                                                      : FEED_CLOSED,
                             .tick = r->header.interval};
    return true;
}

bool replay_waits(const struct replay *r)
{
    return r->waits && !r->ended;
}

void replay_stop(struct replay *r)
{
    r->stopping = true;
}

bool replay_end(const struct replay *r, uint64_t *tick, uint64_t *cut_tick)
{
    *tick = r->header.interval;
    *cut_tick = r->header.id.a;
    return r->ended && !r->error[0];
}

const char *replay_error(const struct replay *r)
{
    return r->error;
}

void replay_free(struct replay *r)
{
    if (r->page)
        page_unref(r->conf.pool, r->page, 1);
    if (r->index_page)
        page_unref(r->conf.pool, r->index_page, 1);
    if (r->file)
        fclose(r->file);
    free(r->body);
    free(r);
}
