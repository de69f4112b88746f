// What telemetry shows of the pool and of ingest queues.
#include "dpdk-app/ingest.h"
#include "dpdk-app/pool.h"
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
