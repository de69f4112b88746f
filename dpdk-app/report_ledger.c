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

/* Packets that the sources of this job took from the queue: with one source exactly; with more, a
 * packet that several of them took counts once, as far as the queue's own count tells. */
static uint64_t taken_by(const struct node_input *in, const struct node_job *nj, uint64_t taken)
{
    uint64_t mine = 0;

    for (uint32_t k = 0; k < in->streams_cnt; k++)
        for (uint32_t s = 0; s < nj->job->sources_cnt; s++) {
            struct ingest_source_counters c;
            if (in->stream[k] != nj->stream[s])
                continue;
            ingest_look_source(in->ingest, k, &c);
            mine += c.taken;
        }
    return mine < taken ? mine : taken;
}

static void add_ingest(const struct node_input *in, const struct node_job *nj,
                       struct stats_ledger *l)
{
    struct ingest_counters c;

    ingest_look(in->ingest, &c);
    uint64_t mine = taken_by(in, nj, c.packet[INGEST_TAKEN]);
    l->offered += c.received;
    l->processed += mine;
    stats_drop(l, "other_job", c.packet[INGEST_TAKEN] - mine);
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
            add_ingest(in, nj, l);
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
        const struct worker_tally *t = n->worker[w].tally[job];
        l->offered += worker_tally_get(t, WORKER_RECORDS);
        for (uint32_t d = 0; d < RECORD_DROPS_CNT; d++)
            stats_drop(l, record_drop_name[d], worker_tally_get(t, WORKER_DROPPED + d));
    }
    if (!n->job[job].plan->outputs_cnt)
        stats_drop(l, "no_output", l->offered - stats_dropped(l));
    l->processed = l->offered - stats_dropped(l);
}

void report_rows(const struct report *r, uint32_t job, struct stats_tally *t)
{
    static const struct {
        const char *name;
        uint32_t count;
    } reasons[] = {{"scratch_full", WORKER_SCRATCH_FULL}, {"no_memory", WORKER_NO_MEMORY},
                   {"row_too_long", WORKER_ROW_TOO_LONG}, {"damaged_block", WORKER_DAMAGED_BLOCK},
                   {"state_full", WORKER_STATE_FULL},     {"list_too_long", WORKER_LIST_TOO_LONG}};
    const struct node *n = r->node;

    *t = (struct stats_tally){0};
    for (uint32_t w = 0; w < n->workers_cnt; w++) {
        const struct worker_tally *wt = n->worker[w].tally[job];
        for (uint32_t f = 0; f < n->job[job].plan->fails_cnt; f++)
            stats_tally_add(t, r->job[job].place[f], worker_tally_failed(wt, f));
        for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
            stats_tally_add(t, reasons[i].name, worker_tally_get(wt, reasons[i].count));
    }
}

static void notice_ingest(const struct ingest *q, struct stats_tally *t)
{
    struct ingest_counters c;

    ingest_look(q, &c);
    for (uint32_t i = PACKET_COUNT_TAGGED; i < PACKET_COUNTS_CNT; i++)
        stats_tally_add(t, packet_count_name[i], c.seen.n[i]);
    for (uint32_t i = 1; i < PKT_TUNNELS_CNT; i++)
        stats_tally_add(t, pkt_tunnel_name[i], c.seen.tunnel[i]);
}

static void notice_feeder(const struct feeder *f, struct stats_tally *t)
{
    struct feeder_view v;

    feeder_look(f, &v);
    stats_tally_add(t, "late", v.late);
    stats_tally_add(t, "gaps", v.gaps);
    stats_tally_add(t, "skipped_ticks", v.skipped_ticks);
}

void report_noticed(const struct report *r, uint32_t job, struct stats_tally *t)
{
    const struct node *n = r->node;

    *t = (struct stats_tally){0};
    for (uint32_t i = 0; i < n->inputs_cnt; i++) {
        if (fills(&n->input[i], &n->job[job], n->job[job].job->sources_cnt) < 0)
            continue;
        if (n->input[i].ingest)
            notice_ingest(n->input[i].ingest, t);
        else if (n->input[i].feeder)
            notice_feeder(n->input[i].feeder, t);
    }
    if (n->live)
        stats_tally_add(t, "clock_steps", n->clock.steps);
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
