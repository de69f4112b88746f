/*
 * Cutting a file into datagrams: many records to a datagram, never one record over two.
 *
 * Records are lines, or frames (each behind its length, big-endian, as the `frames` format of a
 * source reads them). They are sent as they lie in the file: a datagram is a piece of the
 * reader's buffer, nothing is copied. A record that is larger than a datagram is stepped over
 * and counted.
 */
#ifndef IO_SEND_CUT_H
#define IO_SEND_CUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strbuf.h"

struct datagram {
    const uint8_t *bytes;
    uint32_t len;
    uint32_t records_cnt;
};

struct send_cut {
    int fd;
    bool loop;             /* at the end of the file, from its start again */
    uint32_t length_bytes; /* frames: 1, 2 or 4; 0: lines */
    uint32_t size;         /* of a datagram, at most */
    uint8_t *buf;
    uint32_t room, pos, len;
    bool at_end;
    uint64_t skip;        /* bytes of a record too large, still to come; lines: 1 until a newline */
    uint64_t skipped_cnt; /* records too large */
    uint64_t records_cnt; /* given since the file was last begun */
};

/* send_cut_init takes what the caller set (fd to size) and a buffer. 0 or -ENOMEM. */
int send_cut_init(struct send_cut *c);
/*
 * send_cut_next gives the next datagram, of at most records_max records (1 or more). Returns 1;
 * 0 when the file is at its end; -EAGAIN: none without reading, which would overwrite the
 * datagrams given so far: send them and call send_cut_read; or -errno.
 */
int send_cut_next(struct send_cut *c, uint32_t records_max, struct datagram *d);
/* send_cut_read reads more; waits for a pipe. 0, or -errno (-EINTR: a signal). */
int send_cut_read(struct send_cut *c);
void send_cut_release(struct send_cut *c);

#endif
