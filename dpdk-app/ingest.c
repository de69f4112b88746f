#include "dpdk-app/ingest.h"

#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_ring.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "dpdk-app/ethdev.h"
#include "dpdk-app/ingest_impl.h"

#define BURST_DEFAULT   32u
#define TURN_STEPS      16u
#define REST_US         200u
#define RING_STEPS      4u // the ring holds what so many full steps can say
#define RING_MSGS_MIN   1024u
#define FRAME_BYTES_MIN 60u
#define ETHER_ARP       0x0806
#define IP6_BYTES       40u
// How often the fill of the slots is judged, and between which sixteenths nothing changes.
#define FILL_PACKETS  1024u
#define FILL_HIGH     13u
#define FILL_LOW      11u
#define FILL_SIXTEENS 16u

// ---- upward ----------------------------------------------------------------------------------

static void say(struct ingest *q, const struct ingest_msg *msg)
{
    // There is room: a step that might not find any takes nothing.
    MR_ASSERT(rte_ring_sp_enqueue_elem(q->ring, (void *)(uintptr_t)msg, sizeof *msg) == 0);
}

static void on_sealed(void *ctx, struct block *b)
{
    struct ingest_src *s = ctx;

    say(s->q, &(struct ingest_msg){
                  .kind = INGEST_BLOCK,
                  .queue_idx = s->q->queue_idx,
                  .source_idx = s->source_idx,
                  .tick = b->hdr.interval,
                  .block = b,
              });
    TALLY(s->q->n.blocks, 1);
}

static void say_closed(struct ingest *q, uint64_t tick)
{
    say(q, &(struct ingest_msg){.kind = INGEST_CLOSED,
                                .queue_idx = q->queue_idx,
                                .tick = tick,
                                .marked = ingest_make_mark(q)});
}

// Seals what is open of older ticks and closes them. Returns the number of messages.
static uint32_t move_to_tick(struct ingest *q, uint64_t tick)
{
    for (uint32_t i = 0; i < q->sources_cnt; i++)
        block_builder_begin(&q->source[i].builder, tick);
    say_closed(q, tick - 1);
    __atomic_store_n(&q->tick, tick, __ATOMIC_RELAXED);
    return 1;
}

// ---- a step ----------------------------------------------------------------------------------

static enum ingest_counter gate_of(const struct ingest *q, uint64_t now_tick)
{
    if (now_tick < q->start_tick)
        return INGEST_BEFORE_START;
    if (q->end_tick && now_tick >= q->end_tick)
        return INGEST_AFTER_END;
    if (rte_ring_free_count(q->ring) < q->step_msgs)
        return INGEST_RING_FULL;
    if (q->shed && atomic_load_explicit(q->shed, memory_order_relaxed))
        return INGEST_SHED;
    return INGEST_TAKEN;
}

static void frames_of_burst(struct ingest *q, uint32_t n, int64_t ts_ns)
{
    const struct landing *l = q->landing;

    for (uint32_t i = 0; i < n; i++) {
        struct rte_mbuf *m = q->mbuf[i];
        struct packet_frame *f = &q->frame[i];

        *f = (struct packet_frame){
            .bytes = rte_pktmbuf_mtod(m, const uint8_t *),
            .ts_ns = ts_ns,
            .cap_len = RTE_MIN(m->data_len, l->frame_bytes),
            .wire_len = m->pkt_len,
            .vlan_tci = m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED ? m->vlan_tci : PACKET_NO_TAG,
        };
        if (m->nb_segs > 1 && q->linear) {
            uint8_t *to = q->linear + (size_t)i * LINEAR_BYTES;

            f->cap_len = RTE_MIN(RTE_MIN(m->pkt_len, LINEAR_BYTES), l->frame_bytes);
            f->bytes = rte_pktmbuf_read(m, 0, f->cap_len, to);
        }
    }
}

// The pages that bytes may stay in: mostly one for a burst.
static void pages_of_burst(struct ingest *q, uint32_t n)
{
    struct page *last = NULL;

    for (uint32_t i = 0; q->in_place && i < n; i++) {
        const struct rte_mbuf *m = q->mbuf[i];

        last = ingest_page_of(q, m, last);
        q->page[i] = m->nb_segs > 1 ? NULL : last;
    }
}

// A device that cuts frames does not say how long they were; their IP header does.
static void mend_cut_frames(struct ingest *q, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct pkt *p = &q->pkt[i];
        const uint8_t *ip = q->frame[i].bytes + p->l3_off;

        if (!(p->flags & PKT_CUT) || p->cap_len < q->port->cut_bytes)
            continue;
        if (p->flags & PKT_IP4)
            p->wire_len = p->l3_off + load_be16(ip + 2);
        else if (p->flags & PKT_IP6)
            p->wire_len = p->l3_off + IP6_BYTES + load_be16(ip + 4);
        q->frame[i].wire_len = p->wire_len;
    }
}

// Answers what is asked of the host itself; says what it was.
static enum ingest_counter answer(struct ingest *q, uint32_t i)
{
    const struct pkt *p = &q->pkt[i];
    bool arp = p->ether_type == ETHER_ARP;

    if (!arp && !(p->flags & PKT_ICMP))
        return INGEST_NO_SOURCE;
    struct rte_mbuf *m = rte_pktmbuf_alloc(q->port->tx_pool);
    if (!m)
        return INGEST_NO_SOURCE;
    uint8_t *out = rte_pktmbuf_mtod(m, uint8_t *);
    uint32_t len = arp_icmp_reply(&q->host, p, q->frame[i].bytes, out, rte_pktmbuf_tailroom(m));
    if (len == 0) {
        rte_pktmbuf_free(m);
        return INGEST_NO_SOURCE;
    }
    if (len < FRAME_BYTES_MIN) {
        memset(out + len, 0, FRAME_BYTES_MIN - len);
        len = FRAME_BYTES_MIN;
    }
    m->data_len = (uint16_t)len;
    m->pkt_len = len;
    if (rte_eth_tx_burst(q->port_id, q->port_queue, &m, 1) == 1)
        TALLY(q->n.replies, 1);
    else
        rte_pktmbuf_free(m);
    return arp ? INGEST_ARP : INGEST_ICMP_ECHO;
}

// Slots that are not worth their memory are copied out of, and the other way round. A gap between
// two rows costs whoever reads them more than its memory: the CPU fetches ahead within a run of
// bytes, but does not guess where the next one begins. Out of memory 1,400 bytes of each 2,176 take
// 180 ns to read, of each 1,664 77, one behind the other 42, and copying them while they are hot 36
// to 80. What is not wanted now says nothing.
static void judge_fill(struct ingest *q, uint32_t n)
{
    q->fill_packets += q->gate == INGEST_TAKEN ? n : 0;
    if (q->fill_packets < FILL_PACKETS)
        return;
    uint64_t slots = (uint64_t)q->fill_packets * q->landing->stride_bytes;
    uint64_t sixteens = q->fill_bytes * FILL_SIXTEENS;

    if (sixteens >= slots * FILL_HIGH)
        q->in_place = q->port->traits->can_extbuf_rx;
    else if (sixteens < slots * FILL_LOW)
        q->in_place = false;
    q->fill_packets = 0;
    q->fill_bytes = 0;
}

static void count_burst(struct ingest *q, uint32_t n)
{
    uint64_t bytes = 0, *to = (uint64_t *)&q->n.seen;
    const uint64_t *from = (const uint64_t *)&q->seen;

    packet_count_burst(&q->seen, q->pkt, n);
    for (size_t i = 0; i < sizeof q->seen / sizeof *to; i++)
        __atomic_store_n(&to[i], from[i], __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < n; i++)
        bytes += q->frame[i].wire_len;
    TALLY(q->n.received, n);
    TALLY(q->n.received_bytes, bytes);
}

static void take_some(struct ingest *q, struct rte_mbuf **mbuf, uint32_t n, int64_t ts_ns)
{
    uint8_t best[INGEST_BURST_MAX];

    q->mbuf = mbuf;
    frames_of_burst(q, n, ts_ns);
    pages_of_burst(q, n);
    packet_decode_burst(q->pkt, q->frame, n, q->port->frame_max);
    if (q->port->cut_bytes > 0)
        mend_cut_frames(q, n);
    count_burst(q, n);
    memset(best, INGEST_NO_SOURCE, sizeof best);
    for (uint32_t i = 0; q->answers && i < n; i++)
        best[i] = (uint8_t)answer(q, i);
    ingest_offer(q, best, n);
}

// As many packets as go by the short way, the others by the long one: a few more of them at a time
// while they come one behind the other.
static void take_burst(struct ingest *q, struct rte_mbuf **mbuf, uint32_t n, int64_t ts_ns)
{
    uint32_t taken, some = n;

    for (uint32_t i = 0; i < n; i += some) {
        taken = ingest_short(q, mbuf + i, n - i, ts_ns);
        i += taken;
        some = taken ? 1 : 2 * some;
        some = RTE_MIN(some, n - i);
        if (some > 0)
            take_some(q, mbuf + i, some, ts_ns);
    }
    TALLY(q->n.steps, 1);
    judge_fill(q, n);
    landing_free_burst(q->landing, mbuf, n);
}

// Control asked for what is open. What a step may say at most covers this: the last row of a burst
// seals no block but this way.
static void cut_blocks(struct ingest *q)
{
    uint32_t cuts = q->cuts ? atomic_load_explicit(q->cuts, memory_order_relaxed) : 0;

    if (cuts == q->cuts_done || q->gate != INGEST_TAKEN)
        return;
    q->cuts_done = cuts;
    for (uint32_t i = 0; i < q->sources_cnt; i++)
        block_builder_cut(&q->source[i].builder);
}

uint32_t ingest_step(struct ingest *q, uint64_t now)
{
    int64_t ns = tick_clock_ns(q->clock, now);
    uint64_t tick = tick_clock_tick(q->clock, ns);
    struct rte_mbuf *mbuf[INGEST_BURST_MAX];
    uint32_t said = 0;

    MR_ASSERT(!q->finished);
    if (tick > q->tick && rte_ring_free_count(q->ring) > q->sources_cnt)
        said = move_to_tick(q, tick);
    q->gate = gate_of(q, tick);
    q->landing->in_pages = q->in_place;
    if (!port_enter(q->port, q->port_queue))
        return said;
    uint16_t n = rte_eth_rx_burst(q->port_id, q->port_queue, mbuf, (uint16_t)q->burst);
    if (n > 0)
        take_burst(q, mbuf, n, ns);
    cut_blocks(q);
    port_leave(q->port, q->port_queue);
    return n + said;
}

uint32_t ingest_turn(struct ingest *q)
{
    uint64_t now = rte_rdtsc();
    bool shed = q->shed && atomic_load_explicit(q->shed, memory_order_relaxed);
    uint32_t steps = shed ? 1 : TURN_STEPS, did = 0, got = q->burst;

    if (shed && now - q->turn_tsc < q->rest_tsc)
        return 0;
    q->turn_tsc = now;
    for (uint32_t i = 0; i < steps && got >= q->burst; i++) {
        got = ingest_step(q, i ? rte_rdtsc() : now);
        did += got;
    }
    return did;
}

bool ingest_finish(struct ingest *q, uint64_t now)
{
    uint64_t tick = tick_clock_tick(q->clock, tick_clock_ns(q->clock, now));

    if (q->finished)
        return true;
    if (rte_ring_free_count(q->ring) <= q->sources_cnt)
        return false;
    for (uint32_t i = 0; i < q->sources_cnt; i++)
        block_builder_close(&q->source[i].builder);
    if (tick >= q->start_tick)
        say_closed(q, q->tick);
    q->finished = true;
    return true;
}

uint64_t ingest_next_tick(const struct ingest *q)
{
    return tick_clock_tsc(q->clock, (int64_t)((q->tick + 1) * q->clock->period_ns));
}

struct rte_ring *ingest_ring(const struct ingest *q)
{
    return q->ring;
}

uint32_t ingest_recv(struct ingest *q, struct ingest_msg *msg, uint32_t n)
{
    return rte_ring_sc_dequeue_burst_elem(q->ring, msg, sizeof *msg, n, NULL);
}

// ---- set-up ----------------------------------------------------------------------------------

static int source_init(struct ingest *q, struct ingest_src *s, const struct ingest_conf *conf,
                       const struct ingest_source *is, char *err, size_t err_bytes)
{
    const struct job_source *js = is->source;
    struct block_builder_conf bc = {
        .mem = pool_block_mem(conf->pool),
        .kind = js->type == SOURCE_TYPE_PACKETS ? BLOCK_PACKETS : BLOCK_RUNS,
        .schema_hash = type_hash(js->spec.type),
        .node = conf->node,
        .source = is->source_idx,
        .queue = conf->queue_idx,
        .boot_epoch = conf->boot_epoch,
        .rows_max = conf->rows_max,
        .bytes_max = conf->bytes_max,
        .sealed = on_sealed,
        .sealed_ctx = s,
    };

    s->q = q;
    s->source_idx = is->source_idx;
    s->type = js->type;
    s->listen =
        (struct packet_listen){.any = js->listen_any, .ip = js->listen_ip, .port = js->listen_port};
    block_builder_init(&s->builder, &bc);
    block_builder_begin(&s->builder, conf->start_tick);
    if (js->type == SOURCE_TYPE_PACKETS && js->filter) {
        s->filter = filter_new(js->filter, err, err_bytes);
        return s->filter ? 0 : -EINVAL;
    }
    return 0;
}

static int ring_init(struct ingest *q)
{
    static _Atomic uint32_t names_cnt;
    char name[RTE_RING_NAMESIZE];
    uint32_t msgs = RTE_MAX(RING_MSGS_MIN, RING_STEPS * q->step_msgs);

    snprintf(name, sizeof name, "mr_in%u", atomic_fetch_add(&names_cnt, 1));
    q->ring = rte_ring_create_elem(name, sizeof(struct ingest_msg), rte_align32pow2(msgs),
                                   q->port->socket, RING_F_SP_ENQ | RING_F_SC_DEQ);
    return q->ring ? 0 : -ENOMEM;
}

static void host_init(struct ingest *q)
{
    const struct port_conf *pc = q->port->conf;

    q->answers = pc->mode == PORT_HOST && pc->has_address;
    q->host.ip = pc->address;
    memcpy(q->host.mac, q->port->mac, sizeof q->host.mac);
}

struct ingest *ingest_new(const struct ingest_conf *conf, char *err, size_t err_bytes)
{
    struct ingest *q = rte_zmalloc_socket("ingest", sizeof *q, 64, conf->port->socket);

    MR_ASSERT(conf->sources_cnt <= INGEST_SOURCES_MAX && conf->burst <= INGEST_BURST_MAX);
    snprintf(err, err_bytes, "port %s: not enough memory for a queue", conf->port->conf->name);
    if (!q)
        return NULL;
    q->port = conf->port;
    q->landing = conf->port->queue[conf->port_queue].landing;
    q->pool = conf->pool;
    q->clock = conf->clock;
    q->shed = conf->shed;
    q->cuts = conf->cuts;
    q->port_id = conf->port->id;
    q->port_queue = (uint16_t)conf->port_queue;
    q->queue_idx = conf->queue_idx;
    q->burst = conf->burst ? conf->burst : BURST_DEFAULT;
    q->sources_cnt = conf->sources_cnt;
    // Each row may seal a block, and the end of a tick one of each source and the tick itself.
    q->step_msgs = (q->burst + 1) * q->sources_cnt + 1;
    q->start_tick = q->tick = conf->start_tick;
    q->end_tick = conf->end_tick;
    q->rest_tsc = rte_get_tsc_hz() / 1000000 * REST_US;
    host_init(q);
    q->groups_cnt = conf->groups_cnt;
    memcpy(q->group, conf->group, sizeof q->group);
    for (uint32_t g = 0; g < q->groups_cnt; g++)
        q->shared |= __builtin_popcount(q->group[g]) > 1;
    q->mark = rte_malloc_socket("marks", MARKS_CNT * sizeof *q->mark, 64, conf->port->socket);
    int rc = q->mark ? ring_init(q) : -ENOMEM;
    if (rc == 0 && q->port->traits->may_scatter) {
        q->linear =
            rte_malloc_socket("linear", (size_t)q->burst * LINEAR_BYTES, 64, conf->port->socket);
        rc = q->linear ? 0 : -ENOMEM;
    }
    for (uint32_t i = 0; i < q->sources_cnt && rc == 0; i++)
        rc = source_init(q, &q->source[i], conf, &conf->source[i], err, err_bytes);
    if (rc == 0 && q->sources_cnt == 1) {
        const struct filter *f = q->source[0].filter;
        q->may_shorten = !f || filter_takes_ip4(f);
    }
    if (rc < 0) {
        ingest_free(q);
        return NULL;
    }
    err[0] = '\0';
    return q;
}

static void ring_drain(struct ingest *q)
{
    struct ingest_msg msg;

    while (ingest_recv(q, &msg, 1) == 1)
        if (msg.kind == INGEST_BLOCK)
            pool_block_release(q->pool, msg.block);
}

void ingest_free(struct ingest *q)
{
    if (!q)
        return;
    if (q->ring)
        ring_drain(q);
    for (uint32_t i = 0; i < q->sources_cnt; i++) {
        struct ingest_src *s = &q->source[i];

        if (s->q)
            block_builder_close(&s->builder);
        filter_free(s->filter);
    }
    if (q->ring)
        ring_drain(q);
    rte_ring_free(q->ring);
    rte_free(q->linear);
    rte_free(q->mark);
    rte_free(q);
}
