/*
 * Ledgers: counters read where they are counted, and put together by job.
 */
#include <string.h>

#include "dpdk-app/report_state.h"

/* The position of a job's stream in an input, or -1. */
static int fills(const struct node_input *in, const struct node_job *nj, uint32_t sources)
{
    for (uint32_t k = 0; k < in->streams_cnt; k++)
        for (uint32_t s = 0; s < sources; s++)
            if (in->stream[k] == nj->stream[s])
                return (int)k;
    return -1;
}

static void add_ingest(const struct node_input *in, struct stats_ledger *l)
{
    struct ingest_counters c;

    ingest_look(in->ingest, &c);
    l->offered += c.received;
    l->processed += c.packet[INGEST_TAKEN];
    for (uint32_t i = INGEST_TAKEN + 1; i < INGEST_COUNTERS_CNT; i++)
        stats_drop(l, ingest_counter_name(i), c.packet[i]);
}

static void add_feeder(const struct node_input *in, struct stats_ledger *l)
{
    struct feeder_view v;

    feeder_look(in->feeder, &v);
    l->offered += v.packet[FEED_RECEIVED];
    l->processed += v.packet[FEED_TAKEN];
    for (uint32_t i = FEED_TAKEN + 1; i < FEED_COUNTERS_CNT; i++)
        stats_drop(l, feed_counter_name[i], v.packet[i]);
}

/* What the port lost before an lcore saw it: offered too. */
static void add_ports(const struct report *r, const struct node_job *nj, uint32_t sources,
                      struct stats_ledger *l)
{
    struct node *n = r->node;

    for (uint32_t p = 0; p < n->ports_cnt; p++) {
        struct port_view v;
        bool read = false;
        for (uint32_t i = 0; i < n->inputs_cnt; i++)
            read |= n->input[i].port == &n->port[p] && fills(&n->input[i], nj, sources) >= 0;
        if (!read)
            continue;
        port_look(&n->port[p], &v);
        l->offered += v.missed + v.no_mbuf;
        stats_drop(l, "nic_missed", v.missed);
        stats_drop(l, "nic_no_mbuf", v.no_mbuf);
    }
}

void report_packets(const struct report *r, uint32_t job, struct stats_ledger *l)
{
    const struct node_job *nj = &r->node->job[job];
    uint32_t sources = nj->job->sources_cnt;

    *l = (struct stats_ledger){0};
    for (uint32_t i = 0; i < r->node->inputs_cnt; i++) {
        const struct node_input *in = &r->node->input[i];
        if (fills(in, nj, sources) < 0)
            continue;
        if (in->ingest)
            add_ingest(in, l);
        else if (in->feeder)
            add_feeder(in, l);
    }
    add_ports(r, nj, sources, l);
}

void report_records(const struct report *r, uint32_t job, struct stats_ledger *l)
{
    const struct node *n = r->node;

    *l = (struct stats_ledger){0};
    for (uint32_t w = 0; w < n->workers_cnt; w++) {
        const struct runner *run = n->worker[w].runner[job];
        for (uint32_t s = 0; s < run->sources_cnt; s++) {
            const struct source_counters *c = &run->counters[s];
            l->offered += c->offered;
            for (uint32_t d = 0; d < RECORD_DROPS_CNT; d++)
                stats_drop(l, record_drop_name[d], c->dropped[d]);
        }
    }
    l->processed = l->offered - stats_dropped(l);
}

static const char *roles_of(const struct node_lcore *l)
{
    static const char *const names[] = {
        "",       "control",         "ingest",         "control, ingest",
        "worker", "control, worker", "ingest, worker", "control, ingest, worker"};

    return names[(l->control ? 1 : 0) + (l->inputs_cnt ? 2 : 0) + (l->workers_cnt ? 4 : 0)];
}

uint32_t report_lcores(const struct report *r, struct stats_lcore *out)
{
    const struct node *n = r->node;
    uint32_t cnt = 0;

    for (uint32_t i = 0; i < n->lcores_cnt && cnt < STATS_LCORES_MAX; i++)
        out[cnt++] = (struct stats_lcore){
            n->lcore[i].id, roles_of(&n->lcore[i]),
            report_ns(atomic_load_explicit(&n->lcore[i].busy_tsc, memory_order_relaxed))};
    return cnt;
}
