/*
 * The landing of a receive queue: a mempool whose headers point where packets shall land.
 *
 * The headers are few and ordinary mbufs, each with a room of its own behind it. Taking one out
 * of the mempool points it either at the next slot of the queue's landing page, so that the NIC
 * writes the packet where it stays, or at its own room, from which ingest copies it while it is
 * hot. Giving a header back frees the header alone: the slot stays with its page, and what ingest
 * found in it lives as long as the blocks that hold the page.
 *
 *   page  |slot 0|slot 1|slot 2|slot 3|...          refs: this landing, and the blocks in it
 *            ^      ^      ^      next
 *            |      |      +-- posted to the NIC          posted = 2
 *            |      +--------- in the burst being looked at
 *            +---------------- given back; its bytes are a row of an open block
 *
 * Invariants.
 *  1. A slot is handed out once while its page is held; slots are handed out in rising order.
 *  2. page->posted counts the headers out of the mempool that point into the page: posted to
 *     the device or in the hands of ingest. The landing holds one reference on each page that is
 *     current or has posted > 0. So memory that a device may still write to never returns to
 *     the pool, however long its ring keeps a slot.
 *  3. Everything here is touched by the queue's lcore alone (and by the control thread while the
 *     port is stopped): posted needs no atomics, and the mempool has no cache.
 *  4. When the pool has no page, headers fall back to their own rooms: the port goes on
 *     receiving, ARP and ICMP are still answered, and what cannot be kept is counted by name at
 *     ingest instead of vanishing in the device.
 *  5. Where a device keeps to a limit (frame_bytes), slots lie so close that a frame of that size
 *     fits, although drivers want to hear of rooms of 2 KB: the room of a slot ends in the slots
 *     behind it, its headroom begins in the one before. Slots are filled in rising order, so what
 *     a device wrote beyond the limit would itself be overwritten; nobody reads further than
 *     frame_bytes. 4 bytes in front of the data are the slot's own, for a VLAN tag put back.
 *  6. Headers look direct (no RTE_MBUF_F_EXTERNAL) on purpose: most drivers overwrite that flag
 *     anyhow, and a driver that puts a VLAN tag back into the bytes (net_af_packet) does so only
 *     with direct ones. They are never cloned, attached to or sent; nothing reads their type.
 */
#ifndef DPDK_APP_LANDING_H
#define DPDK_APP_LANDING_H

#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "dpdk-app/pool.h"

struct landing {
    struct rte_mempool *mempool;
    struct pool *pool;
    int socket;
    uint32_t slot_bytes;   /* what a driver is told: headroom and data */
    uint32_t stride_bytes; /* from one slot of a page to the next */
    uint32_t frame_bytes;  /* longer frames are not whole */
    uint32_t slots_cnt;    /* of a page */
    bool in_pages;         /* the switch: set by ingest */
    bool ready;            /* the headers are made */
    struct page *page;     /* current; NULL: none */
    uint32_t next_slot;
    uint32_t free_cnt; /* headers in the stack */
    struct rte_mbuf **free;
    uint64_t pages_taken, pages_refused;
};

struct landing_conf {
    const char *name;
    struct pool *pool;
    int socket;
    uint32_t headers_cnt; /* descriptors of the queue and two bursts, at least */
    uint32_t data_bytes;  /* room in one slot, as the driver is told */
    uint32_t
        frame_bytes; /* the device writes no more than this for a frame; 0: it may write more */
};

/* landing_new: NULL: err holds a sentence. */
struct landing *landing_new(const struct landing_conf *conf, char *err, size_t err_bytes);
/* landing_free: after the port was closed. */
void landing_free(struct landing *l);

/* landing_free_burst gives packets back as rte_pktmbuf_free_bulk does, those of this landing in
 * about a third of its time. */
void landing_free_burst(struct landing *l, struct rte_mbuf **mbuf, uint32_t n);

/* landing_page_of: the page that m's bytes lie in; NULL: in its own room, or m is no header of
 * this landing. */
static inline struct page *landing_page_of(const struct landing *l, const struct rte_mbuf *m)
{
    const uint8_t *own = (const uint8_t *)(m + 1);

    return m->buf_addr == own || m->pool != l->mempool ? NULL : pool_page_of(l->pool, m->buf_addr);
}

#endif
