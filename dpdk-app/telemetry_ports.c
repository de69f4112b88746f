// What telemetry shows of pool, ports and ingest queues.
#include "dpdk-app/ingest.h"
#include "dpdk-app/pool.h"
#include "dpdk-app/port.h"
#include "dpdk-app/telemetry.h"

void tell_pool(struct tell *t, struct pool *p)
{
    struct pool_view v;

    pool_look(p, &v);
    tell_u64(t, "pages", v.pages_cnt);
    tell_u64(t, "pages_free", v.pages_free);
    tell_u64(t, "pages_refused", v.pages_refused);
    tell_u64(t, "blocks", v.blocks_cnt);
    tell_u64(t, "blocks_free", v.blocks_free);
    tell_u64(t, "blocks_refused", v.blocks_refused);
}

void tell_port(struct tell *t, struct port *p)
{
    struct port_view v;

    port_look(p, &v);
    tell_str(t, "name", p->conf->name);
    tell_str(t, "driver", p->traits->driver);
    tell_u64(t, "queues", p->queues_cnt);
    tell_u64(t, "mtu", p->mtu);
    tell_u64(t, "link_up", v.link_up);
    tell_u64(t, "received", v.received);
    tell_u64(t, "missed", v.missed);
    tell_u64(t, "waiting", v.waiting);
    tell_u64(t, "no_mbuf", v.no_mbuf);
    tell_u64(t, "errors", v.errors);
    tell_u64(t, "sent", v.sent);
}

void tell_ingest(struct tell *t, const struct ingest *q)
{
    struct ingest_counters c;

    ingest_look(q, &c);
    tell_u64(t, "received", c.received);
    tell_u64(t, "received_bytes", c.received_bytes);
    for (uint32_t i = 0; i < INGEST_COUNTERS_CNT; i++)
        tell_u64(t, ingest_counter_name(i), c.packet[i]);
    for (uint32_t i = 0; i < PACKET_COUNTS_CNT; i++)
        tell_u64f(t, c.seen.n[i], "seen/%s", packet_count_name[i]);
    tell_u64(t, "kept_in_place", c.kept_in_place);
    tell_u64(t, "kept_copied", c.kept_copied);
    tell_u64(t, "replies", c.replies);
    tell_u64(t, "blocks", c.blocks);
}
