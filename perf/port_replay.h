/*
 * A port that replays frames and costs the lcore what a NIC would, but for the doorbell.
 *
 * It is a net_null port whose receive function is replaced (rte_eth_fp_ops). As with a NIC there
 * is a ring of posted buffers, taken from the queue's own landing, and a ring of descriptors: a
 * burst reads descriptors and fills in the heads of mbufs; every 32 buffers taken are replaced by
 * 32 new ones. What is not there is the copy: a NIC writes by DMA, which costs the lcore nothing,
 * so the bytes are written once and found again.
 *
 *   own rooms of headers   written when the port is attached; nobody else writes there
 *   pages of the pool      written when a page comes up whose stamp is gone: all of its slots at
 * once. Whoever else uses a page (an index, shuffle blocks) fills it from its front, where the
 * stamp lies. `pages_written` counts them: few in a steady run, as pages are taken last in, first
 * out. The CPU time of writing them (`written_ns`) is not the receiver's, and is taken off.
 *
 * Own rooms are as many as descriptors, so their frames come again and again; where all frames have
 * to come (many keys), `fresh` copies one into each room that is posted, at 30 to 60 ns.
 *
 * Frames are of one size. Bytes are where the last reader left them: pages are larger than an L2,
 * so they come from the L3, as after the DMA of a NIC that writes into the cache, or from memory
 * when the backlog is longer than that.
 *
 * With a rate, frames arrive by the clock, and those that find no posted buffer are lost and
 * counted (`missed`), as in a NIC. Without one the wire is never empty.
 *
 * Cost of a bare loop that polls 32 and frees them, landing included: perf/README.md.
 */
#ifndef PERF_PORT_REPLAY_H
#define PERF_PORT_REPLAY_H

#include <stdatomic.h>

#include "dpdk-app/port.h"
#include "perf/gen_frames.h"

/* What the appliance asks of a NIC by itself. */
#define REPLAY_RING 4096u

struct replay_descriptor {
    uint64_t iova;
    uint32_t len, pad;
};

struct replay {
    const struct gen_frames *frames;
    struct rte_mempool *mempool;
    uint64_t head, tail; /* of the ring: next to deliver, next to post */
    struct rte_mbuf *posted[REPLAY_RING];
    struct replay_descriptor descriptor[REPLAY_RING];
    uint64_t rearm_data; /* what every mbuf says alike */
    const uint8_t *last; /* slot posted last */
    uint32_t slot_bytes, stride_bytes;
    uint64_t next_frame; /* to be written */
    double per_tsc;      /* packets a cycle; 0: as fast as they are polled */
    uint64_t start_tsc;
    uint64_t arrived; /* of the wire, with a rate: delivered and missed */
    bool verify;      /* compare the bytes that are handed out (slow) */
    bool fresh;       /* copy the next frame into every header's own room that is posted */
    _Atomic uint64_t delivered, missed, no_mbuf, pages_written, written_ns, bad;
    void *data[1];
};

/* replay_attach takes over queue 0 of an open port, whose queue has REPLAY_RING descriptors, before
 * anything polls it. frames stay the caller's. */
void replay_attach(struct replay *r, struct port *port, const struct gen_frames *frames,
                   double packets_per_s);

#endif
