/*
 * Ledgers: counters read where they are counted, and put together by job.
 */
#include <string.h>

#include "dpdk-app/node_wire.h"
#include "dpdk-app/report_state.h"

static void add_ingest(const struct ingest_counters *c, uint32_t job, struct stats_ledger *l)
{
    uint64_t mine = c->group_taken[job];

    l->offered += c->received;
    l->processed += mine;
    stats_drop(l, "other_job", c->packet[INGEST_TAKEN] - mine);
    for (uint32_t i = INGEST_TAKEN + 1; i < INGEST_COUNTERS_CNT; i++)
        stats_drop(l, ingest_counter_name(i), c->packet[i]);
}

static void add_feeder(const struct feeder_packets *p, uint32_t job, struct stats_ledger *l)
{
    uint64_t mine = p->group_taken[job];

    l->offered += p->packet[FEED_RECEIVED];
    l->processed += mine;
    stats_drop(l, "other_job", p->packet[FEED_TAKEN] - mine);
    for (uint32_t i = FEED_TAKEN + 1; i < FEED_COUNTERS_CNT; i++)
        stats_drop(l, feed_counter_name[i], p->packet[i]);
}

/* now - before, reason by reason, added to sum; before becomes now. */
static void add_since(struct stats_ledger *sum, const struct stats_ledger *now,
                      struct stats_ledger *before)
{
    sum->offered += now->offered - before->offered;
    sum->processed += now->processed - before->processed;
    for (uint32_t i = 0; i < now->reasons_cnt; i++) {
        uint64_t was = i < before->reasons_cnt ? before->dropped[i].cnt : 0;
        stats_drop(sum, now->dropped[i].name, now->dropped[i].cnt - was);
    }
    *before = *now;
}

/* What an input has counted since it was looked at last came in this tick. */
static void add_tick(struct report *r, uint32_t input, uint32_t job, uint64_t tick,
                     const struct stats_ledger *now)
{
    const struct node *n = r->node;
    struct stats_ledger *before = &r->ticked[job * n->inputs_cnt + input];

    if (now->offered == before->offered)
        return;
    uint64_t ratio = n->job[job].job->interval_ns / n->tick_ns;
    add_since(&report_find(r, job, tick / ratio)->packets, now, before);
}

void report_ingest(struct report *r, uint32_t input, uint64_t tick, const struct ingest_counters *c)
{
    for (uint32_t j = 0; j < r->node->jobs_cnt; j++) {
        struct stats_ledger now = {0};
        if (!node_input_group(&r->node->input[input], &r->node->job[j]))
            continue;
        add_ingest(c, j, &now);
        add_tick(r, input, j, tick, &now);
    }
}

void report_feeder(struct report *r, uint32_t input, uint64_t tick, const struct feeder_packets *p)
{
    for (uint32_t j = 0; j < r->node->jobs_cnt; j++) {
        struct stats_ledger now = {0};
        if (!node_input_group(&r->node->input[input], &r->node->job[j]))
            continue;
        add_feeder(p, j, &now);
        add_tick(r, input, j, tick, &now);
    }
}

/* What the port lost before an lcore saw it: offered too. */
static void add_ports(const struct report *r, const struct node_job *nj, struct stats_ledger *l)
{
    struct node *n = r->node;

    for (uint32_t p = 0; p < n->ports_cnt; p++) {
        struct port_view v;
        bool read = false;
        for (uint32_t i = 0; i < n->inputs_cnt; i++)
            read |= n->input[i].port == &n->port[p] && node_input_group(&n->input[i], nj);
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

    *l = (struct stats_ledger){0};
    for (uint32_t i = 0; i < r->node->inputs_cnt; i++) {
        const struct node_input *in = &r->node->input[i];
        struct ingest_counters c;
        struct feeder_view v;
        if (!node_input_group(in, nj))
            continue;
        if (in->ingest) {
            ingest_look(in->ingest, &c);
            add_ingest(&c, job, l);
        } else if (in->feeder) {
            feeder_look(in->feeder, &v);
            add_feeder(&v.packets, job, l);
        }
    }
    add_ports(r, nj, l);
}

void report_lost_by_ports(struct report *r, uint32_t job, struct stats_ledger *l)
{
    struct stats_ledger now = {0};

    add_ports(r, &r->node->job[job], &now);
    add_since(l, &now, &r->job[job].ports_before);
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
        if (!node_input_group(&n->input[i], &n->job[job]))
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
