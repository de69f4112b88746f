/*
 * Replay: `--replay DIR` feeds the sealed blocks of a recorded run again, in the place of all
 * inputs, with the same names, in the same ticks. It speaks in the words of a feeder.
 *
 * The jobs must have the sources of the recorded run, in the same order; that is checked by a
 * hash of their types. A damaged record ends where the damage begins, with a sentence.
 */
#ifndef DPDK_APP_REPLAY_H
#define DPDK_APP_REPLAY_H

#include "ckpt/record.h"
#include "dpdk-app/feeder.h"

struct replay;

struct replay_conf {
    const char *dir;
    struct pool *pool;
    uint32_t pages_reserve; /* wait while fewer pages are free, ... */
    uint32_t pages_ahead;   /* or fewer than these in a tick beyond *oldest_end_tick */
    const _Atomic uint64_t *oldest_end_tick;
    uint64_t tick_ns, streams_cnt, hash;
};

/* replay_new: NULL: err holds a sentence. */
struct replay *replay_new(const struct replay_conf *conf, char *err, size_t err_bytes);
uint64_t replay_first_tick(const struct replay *r);
/* replay_recv gives the next message; feed_msg.stream is the stream's global number. False: none
 * now. */
bool replay_recv(struct replay *r, struct feed_msg *msg);
/* replay_waits: a block is there, and no memory for it. */
bool replay_waits(const struct replay *r);
/* replay_stop ends the replay where it is: the open tick is closed. */
void replay_stop(struct replay *r);
/* replay_end: after FEED_END: the last tick of the recorded run, and the first that was cut short
 * (UINT64_MAX: none). False: the record has no end. */
bool replay_end(const struct replay *r, uint64_t *tick, uint64_t *cut_tick);
const char *replay_error(const struct replay *r);
void replay_free(struct replay *r);

#endif
