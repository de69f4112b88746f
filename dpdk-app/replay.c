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
    bool pending; /* header is read and waits for a page */
    bool ended;
    struct block_hdr header;
    struct page *page; /* being filled */
    uint32_t used;
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

/* Room for the body in a page that is held for it; NULL: not now. */
static uint8_t *body_room(struct replay *r)
{
    uint32_t need = (r->header.bytes + 63) & ~63u;

    if (r->page && PAGE_BYTES - r->used < need) {
        page_unref(r->conf.pool, r->page, 1);
        r->page = NULL;
    }
    if (!r->page) {
        if (pool_pages_free(r->conf.pool) < r->conf.pages_reserve)
            return NULL;
        r->page = pool_get(r->conf.pool);
        r->used = 0;
    }
    return r->page ? r->page->addr + r->used : NULL;
}

static bool read_block(struct replay *r, struct feed_msg *msg)
{
    if (r->header.bytes > PAGE_BYTES)
        return fail(r, msg, "a block is larger than a page");
    uint8_t *body = body_room(r);
    struct block *b = body ? pool_block_get(r->conf.pool) : NULL;
    if (!b)
        return false;
    r->pending = false;
    if (fread(body, 1, r->header.bytes, r->file) != r->header.bytes ||
        !record_check(&r->header, body)) {
        pool_block_put(r->conf.pool, b);
        return fail(r, msg, "the record is damaged");
    }
    uint32_t home = b->home;
    b->hdr = r->header;
    b->home = home;
    b->index = body;
    b->base = body + record_index_bytes(&r->header);
    b->page = r->page;
    page_ref(r->page, 1);
    r->used += (r->header.bytes + 63) & ~63u;
    b->ord_hi = block_ord((uint32_t)(b->hdr.id.b >> 32), (uint32_t)(b->hdr.id.a >> 48),
                          (uint32_t)b->hdr.id.b, b->hdr.id.c);
    *msg = (struct feed_msg){.kind = FEED_BLOCK,
                             .stream = (uint32_t)(b->hdr.id.b >> 32),
                             .tick = b->hdr.interval,
                             .block = b};
    return true;
}

bool replay_recv(struct replay *r, struct feed_msg *msg)
{
    if (r->ended)
        return false;
    if (!r->pending) {
        int rc = read_header(r);
        if (rc)
            return fail(r, msg,
                        rc == -ENODATA ? "the record ends before its run did"
                                       : "the record is damaged");
        r->pending = true;
    }
    if (r->header.kind != RECORD_MARK)
        return read_block(r, msg);
    r->pending = false;
    r->ended = r->header.flags == RECORD_END;
    *msg = (struct feed_msg){.kind = r->ended                         ? FEED_END
                                     : r->header.flags == RECORD_SKIP ? FEED_SKIP
                                                                      : FEED_CLOSED,
                             .tick = r->header.interval};
    return true;
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
    if (r->file)
        fclose(r->file);
    free(r);
}
