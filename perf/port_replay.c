#include "perf/port_replay.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_prefetch.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "dpdk-app/ethdev.h"

#define REARM 32u
#define MASK  (REPLAY_RING - 1)
#define AHEAD 8u

#define ADD(counter, n)                                                                 \
    atomic_store_explicit(&(counter),                                                   \
                          atomic_load_explicit(&(counter), memory_order_relaxed) + (n), \
                          memory_order_relaxed)

struct stamp {
    uint64_t magic, page;
};

static struct stamp stamp_of(const uint8_t *page)
{
    return (struct stamp){0x79616c706572726dull, (uint64_t)(uintptr_t)page};
}

static void put_frame(struct replay *r, uint8_t *slot)
{
    memcpy(slot + RTE_PKTMBUF_HEADROOM, gen_frame(r->frames, r->next_frame++), r->frames->bytes);
}

static uint64_t cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* What the wire would have brought, into every slot of a page, unless it is there. */
static void write_page(struct replay *r, uint8_t *page)
{
    struct stamp want = stamp_of(page);

    if (!memcmp(page, &want, sizeof want))
        return;
    uint64_t from = cpu_ns();
    for (uint32_t at = 0; at + r->slot_bytes <= PAGE_BYTES; at += r->stride_bytes)
        put_frame(r, page + at);
    memcpy(page, &want, sizeof want);
    ADD(r->pages_written, 1);
    ADD(r->written_ns, cpu_ns() - from);
}

/* All free pages of the pool, so that a run does not begin with writing them. */
static void write_pool(struct replay *r, struct pool *pool)
{
    struct page *pg;
    uint32_t cnt = 0, most = pool_pages_free(pool);
    struct page **taken = calloc(most, sizeof(struct page *));

    MR_ASSERT(taken);
    while (cnt < most && (pg = pool_get(pool))) {
        taken[cnt++] = pg;
        write_page(r, pg->addr);
    }
    while (cnt > 0)
        page_unref(pool, taken[--cnt], 1);
    free(taken);
    r->pages_written = r->written_ns = 0;
}

/* Posts 32 buffers for each 32 that were taken. */
static void rearm(struct replay *r)
{
    while (r->tail - r->head <= REPLAY_RING - REARM) {
        uint32_t at = (uint32_t)r->tail & MASK;

        if (rte_mempool_get_bulk(r->mempool, (void **)&r->posted[at], REARM)) {
            ADD(r->no_mbuf, 1);
            return;
        }
        for (uint32_t i = at; i < at + REARM; i++) {
            struct rte_mbuf *m = r->posted[i];
            uint8_t *slot = m->buf_addr;

            if (slot != (uint8_t *)(m + 1)) {
                /* of another page, or of the same page come back */
                if (slot != r->last + r->stride_bytes)
                    write_page(r, (uint8_t *)((uintptr_t)slot & ~(uintptr_t)(PAGE_BYTES - 1)));
                r->last = slot;
            } else if (r->fresh) {
                put_frame(r, slot);
            }
            r->descriptor[i] =
                (struct replay_descriptor){m->buf_iova + RTE_PKTMBUF_HEADROOM, r->frames->bytes, 0};
        }
        r->tail += REARM;
    }
}

/* Frames that are there. With a rate: what came since the last look, as far as buffers were
 * posted. */
static uint32_t waiting(struct replay *r)
{
    uint32_t posted = (uint32_t)(r->tail - r->head);

    if (r->per_tsc <= 0)
        return posted;
    uint64_t now = rte_rdtsc();
    r->start_tsc = r->start_tsc ? r->start_tsc : now; /* the wire is plugged in at the first poll */
    uint64_t due = (uint64_t)((double)(now - r->start_tsc) * r->per_tsc) - r->arrived;
    if (due > posted) {
        ADD(r->missed, due - posted);
        r->arrived += due - posted;
        due = posted;
    }
    return (uint32_t)due;
}

static void verify(struct replay *r, struct rte_mbuf **mbuf, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *b = rte_pktmbuf_mtod(mbuf[i], const uint8_t *);

        if (memcmp(b, gen_frame(r->frames, load_be16(b + 18)), r->frames->bytes) != 0)
            ADD(r->bad, 1);
    }
}

static uint16_t replay_rx(void *queue, struct rte_mbuf **mbuf, uint16_t cnt)
{
    struct replay *r = queue;
    uint32_t n = RTE_MIN(waiting(r), (uint32_t)cnt);
    uint64_t rearm_data = r->rearm_data;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = (uint32_t)(r->head + i) & MASK;
        struct rte_mbuf *m = r->posted[at];

        rte_prefetch0(r->posted[(at + AHEAD) & MASK]);
        *(uint64_t *)((uintptr_t)m + offsetof(struct rte_mbuf, rearm_data)) = rearm_data;
        m->ol_flags = 0;
        m->packet_type = 0;
        m->pkt_len = r->descriptor[at].len;
        m->data_len = (uint16_t)r->descriptor[at].len;
        mbuf[i] = m;
    }
    r->head += n;
    r->arrived += n;
    ADD(r->delivered, n);
    if (r->verify)
        verify(r, mbuf, n);
    rearm(r);
    return (uint16_t)n;
}

/* The eight bytes of an mbuf that are the same in every packet of a port. */
static uint64_t rearm_data_of(uint16_t port)
{
    struct rte_mbuf m = {.data_off = RTE_PKTMBUF_HEADROOM, .nb_segs = 1, .port = port};
    uint64_t data;

    rte_mbuf_refcnt_set(&m, 1);
    memcpy(&data, (const uint8_t *)&m + offsetof(struct rte_mbuf, rearm_data), sizeof data);
    return data;
}

static void fill_own_room(struct rte_mempool *mp, void *replay, void *obj, unsigned idx)
{
    struct rte_mbuf *m = obj;

    (void)mp;
    (void)idx;
    put_frame(replay, (uint8_t *)(m + 1));
}

void replay_attach(struct replay *r, struct port *port, const struct gen_frames *frames,
                   double packets_per_s)
{
    bool verifies = r->verify, is_fresh = r->fresh;

    MR_ASSERT(port->queues_cnt == 1);
    *r = (struct replay){.frames = frames,
                         .mempool = port->queue[0].landing->mempool,
                         .slot_bytes = port->queue[0].landing->slot_bytes,
                         .stride_bytes = port->queue[0].landing->stride_bytes,
                         .verify = verifies,
                         .fresh = is_fresh,
                         .per_tsc = packets_per_s / (double)rte_get_tsc_hz(),
                         .data = {r}};
    r->rearm_data = rearm_data_of(port->id);
    rte_mempool_obj_iter(r->mempool, fill_own_room, r);
    write_pool(r, port->queue[0].landing->pool);
    rearm(r);
    rte_eth_fp_ops[port->id].rx_pkt_burst = replay_rx;
    rte_eth_fp_ops[port->id].rxq.data = r->data;
}
