// What a running port is asked for: counters, link, description.
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "dpdk-app/ethdev.h"
#include "dpdk-app/port.h"
#include "dpdk-app/port_kernel.h"

#define CALL_AGAIN_CNT 10 // looks at the link

void port_look(struct port *p, struct port_view *v)
{
    struct rte_eth_stats st = {0};
    struct rte_eth_link link = {0};
    uint64_t seen = 0, dropped = 0;

    *v = (struct port_view){0};
    if (p->id == RTE_MAX_ETHPORTS || rte_eth_stats_get(p->id, &st) < 0)
        return;
    rte_eth_link_get_nowait(p->id, &link);
    for (uint32_t q = 0; q < p->queues_cnt; q++) {
        struct port_queue *pq = &p->queue[q];

        if (pq->fd >= 0) {
            // Reading resets the kernel's counters: whoever reads adds what he got.
            struct packet_fd_stats fs = packet_fd_stats(pq->fd);
            atomic_fetch_add(&pq->kernel_seen, fs.seen);
            atomic_fetch_add(&pq->kernel_dropped, fs.dropped);
        }
        seen += atomic_load(&pq->kernel_seen);
        dropped += atomic_load(&pq->kernel_dropped);
    }
    if (p->traits->is_kernels_peer && p->ifname[0])
        dropped = iface_tx_dropped(p->ifname);
    v->link_up = link.link_status == RTE_ETH_LINK_UP;
    v->speed_mbps = link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN ? 0 : link.link_speed;
    v->received = st.ipackets;
    v->no_mbuf = st.rx_nombuf;
    v->errors = st.ierrors;
    v->missed = st.imissed + dropped;
    v->waiting = seen > dropped + st.ipackets ? seen - dropped - st.ipackets : 0;
    v->sent = st.opackets;
}

void port_link_poll(struct port *p)
{
    struct rte_eth_link link = {0};

    if (!p->traits->loses_peer || p->id == RTE_MAX_ETHPORTS)
        return;
    if (atomic_load(&p->started)) {
        rte_eth_link_get_nowait(p->id, &link);
        bool up = link.link_status == RTE_ETH_LINK_UP;
        // A server that waits for its first peer is as it should be; a client may have been sent
        // away by a server that was not ready, and is not told.
        bool waits = !p->link_seen && (!p->calls_peer || ++p->calls_cnt < CALL_AGAIN_CNT);
        if (up || waits) {
            p->link_seen = up;
            return;
        }
        p->calls_cnt = 0;
        p->link_seen = false;
        atomic_store(&p->started, false);
        for (uint32_t q = 0; q < p->queues_cnt; q++)
            while (atomic_load(&p->queue[q].polled))
                sched_yield(); // it may want our CPU to get out
        rte_eth_dev_stop(p->id);
    }
    if (rte_eth_dev_start(p->id) == 0)
        atomic_store(&p->started, true);
}

void port_print(const struct port *p, struct strbuf *out)
{
    const struct port_traits *t = p->traits;

    strbuf_printf(out, "port %s: %s, %u queue%s", p->conf->name, t->driver, p->queues_cnt,
                  p->queues_cnt == 1 ? "" : "s");
    if (p->socket >= 0)
        strbuf_printf(out, ", NUMA node %d", p->socket);
    if (p->mtu)
        strbuf_printf(out, ", MTU %u", p->mtu);
    strbuf_printf(out, ", %02x:%02x:%02x:%02x:%02x:%02x", p->mac[0], p->mac[1], p->mac[2],
                  p->mac[3], p->mac[4], p->mac[5]);
    if (p->rss_hf)
        strbuf_printf(out, ", RSS 0x%llx%s", (unsigned long long)p->rss_hf,
                      p->rss_symmetric ? " symmetric" : "");
    strbuf_printf(out, ", %s\n%s",
                  t->can_extbuf_rx ? "receives into block pages" : "packets are copied",
                  p->warnings);
}
