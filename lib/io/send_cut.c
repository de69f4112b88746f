#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "io/send_cut.h"

#define BUF_BYTES    1048576u
#define WAIT_MS      200
#define TO_A_NEWLINE UINT64_MAX

int send_cut_init(struct send_cut *c)
{
    MR_ASSERT(c->size >= 1 && c->size < BUF_BYTES / 2);
    c->room = BUF_BYTES;
    c->buf = malloc(c->room);
    return c->buf ? 0 : -ENOMEM;
}

void send_cut_release(struct send_cut *c)
{
    free(c->buf);
    c->buf = NULL;
}

/* ---- records --------------------------------------------------------------------------------- */

/* The size of the record at buf[at], with its newline or its length; 0: its end is not here. */
static uint64_t record_bytes(const struct send_cut *c, uint32_t at)
{
    const uint8_t *p = c->buf + at;
    uint32_t left = c->len - at;
    uint64_t bytes;

    if (c->length_bytes == 0) {
        const uint8_t *nl = memchr(p, '\n', left);
        return nl ? (uint64_t)(nl - p) + 1 : c->at_end ? left : 0;
    }
    if (left < c->length_bytes)
        return 0;
    bytes = c->length_bytes == 1 ? p[0] : c->length_bytes == 2 ? load_be16(p) : load_be32(p);
    bytes += c->length_bytes;
    /* One that is too large need not be here to be stepped over. */
    return bytes <= left || bytes > c->size ? bytes : 0;
}

/* fits: does it go into a datagram, behind `before` bytes? The newline at the end of a datagram
 * may be left out. */
static bool fits(const struct send_cut *c, uint32_t at, uint64_t bytes, uint32_t before)
{
    if (before + bytes <= c->size)
        return true;
    return c->length_bytes == 0 && before == 0 && bytes == c->size + 1u &&
           c->buf[at + bytes - 1] == '\n';
}

/* Steps over what was begun to be stepped over. */
static void skip_on(struct send_cut *c)
{
    uint32_t left = c->len - c->pos;
    uint64_t step = left;

    if (c->skip == TO_A_NEWLINE) {
        const uint8_t *nl = memchr(c->buf + c->pos, '\n', left);
        if (nl) {
            step = (uint64_t)(nl - (c->buf + c->pos)) + 1;
            c->skip = 0;
        }
    } else {
        step = c->skip < left ? c->skip : left;
        c->skip -= step;
    }
    c->pos += (uint32_t)step;
}

/* Begins to step over the record at pos: of `bytes`; else a line whose end is not here, or a frame
 * that the end of the file has cut. */
static void skip_record(struct send_cut *c, uint64_t bytes)
{
    c->skipped_cnt++;
    c->skip = bytes ? bytes : c->length_bytes ? c->len - c->pos : TO_A_NEWLINE;
    skip_on(c);
}

int send_cut_next(struct send_cut *c, uint32_t records_max, struct datagram *d)
{
    uint32_t at;

    for (;;) {
        if (c->skip)
            skip_on(c);
        *d = (struct datagram){.bytes = c->buf + c->pos};
        uint64_t bytes = 0;
        for (at = c->pos; at < c->len && d->records_cnt < records_max; at += (uint32_t)bytes) {
            bytes = record_bytes(c, at);
            if (bytes == 0 || !fits(c, at, bytes, at - c->pos))
                break;
            d->records_cnt++;
        }
        if (d->records_cnt) {
            d->len = at - c->pos < c->size ? at - c->pos : c->size;
            c->records_cnt += d->records_cnt;
            c->pos = at;
            return 1;
        }
        bool beyond = c->len - c->pos > c->size; /* too large, wherever it ends */
        if (at < c->len && (bytes || beyond || c->at_end))
            skip_record(c, bytes);
        else
            return c->at_end && !(c->loop && c->records_cnt) ? 0 : -EAGAIN;
    }
}

int send_cut_read(struct send_cut *c)
{
    struct pollfd ready = {.fd = c->fd, .events = POLLIN};

    memmove(c->buf, c->buf + c->pos, c->len - c->pos);
    c->len -= c->pos;
    c->pos = 0;
    if (c->at_end) {
        if (lseek(c->fd, 0, SEEK_SET) < 0)
            return -errno;
        c->at_end = false;
        c->records_cnt = 0;
        c->skip = 0;
    }
    int rc = poll(&ready, 1, WAIT_MS);
    if (rc <= 0)
        return rc == 0 ? -EINTR : -errno;
    ssize_t n = read(c->fd, c->buf + c->len, c->room - c->len);
    if (n < 0)
        return -errno;
    c->at_end = n == 0;
    c->len += (uint32_t)n;
    return 0;
}
