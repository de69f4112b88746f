#include <rte_cycles.h>

#include "dpdk-app/node.h"
#include "dpdk-app/telemetry.h"
#include "dpdk-app/tell.h"

static void tell_jobs(void *ctx, const char *params, struct tell *t)
{
    const struct node *n = ctx;

    (void)params;
    for (uint32_t j = 0; j < n->jobs_cnt; j++) {
        const struct node_job *nj = &n->job[j];
        uint64_t offered = 0, dropped = 0, refused = 0, keys = 0, failed = 0;
        for (uint32_t w = 0; w < n->workers_cnt; w++) {
            const struct worker_tally *wt = n->worker[w].tally[j];
            offered += worker_tally_get(wt, WORKER_RECORDS);
            for (uint32_t d = 0; d < RECORD_DROPS_CNT; d++)
                dropped += worker_tally_get(wt, WORKER_DROPPED + d);
            refused += worker_tally_get(wt, WORKER_STATE_FULL);
            keys += worker_tally_get(wt, WORKER_STATE_KEYS);
            for (uint32_t f = 0; f < nj->plan->fails_cnt; f++)
                failed += worker_tally_failed(wt, f);
        }
        tell_u64f(t, offered, "%s_records_offered", nj->job->name);
        tell_u64f(t, dropped, "%s_records_dropped", nj->job->name);
        tell_u64f(t, refused, "%s_state_full", nj->job->name);
        tell_u64f(t, keys, "%s_state_keys", nj->job->name);
        tell_u64f(t, failed, "%s_rows_failed", nj->job->name);
    }
}

static void tell_queue(void *ctx, const char *params, struct tell *t)
{
    (void)params;
    tell_ingest(t, ctx);
}

static void tell_lcores(void *ctx, const char *params, struct tell *t)
{
    const struct node *n = ctx;
    uint64_t per_us = rte_get_tsc_hz() / 1000000;

    (void)params;
    for (uint32_t i = 0; i < n->lcores_cnt; i++)
        tell_u64f(t, atomic_load_explicit(&n->lcore[i].busy_tsc, memory_order_relaxed) / per_us,
                  "lcore_%u_busy_us", n->lcore[i].id);
}

static void tell_memory(void *ctx, const char *params, struct tell *t)
{
    const struct node *n = ctx;

    (void)params;
    tell_pool(t, n->pool);
    tell_u64(t, "shedding", atomic_load_explicit(&n->shed, memory_order_relaxed));
}

/* /millrace/queues/NAME_Q for every queue of every port. */
static void start_queues(struct node *n)
{
    for (uint32_t i = 0; i < n->inputs_cnt; i++) {
        const struct node_input *in = &n->input[i];
        if (in->ingest)
            telemetry_add(zone_printf(&n->appliance->zone, "/millrace/queues/%s_%u",
                                      in->port->conf->name, in->port_queue),
                          "Packets of a receive queue, by what became of them", tell_queue,
                          in->ingest);
    }
}

void tell_start(struct node *n)
{
    telemetry_add("/millrace/jobs", "Records and keys of each job", tell_jobs, n);
    start_queues(n);
    telemetry_add("/millrace/lcores", "Busy time of each lcore", tell_lcores, n);
    telemetry_add("/millrace/memory", "The block pool", tell_memory, n);
}

void tell_stop(struct node *n)
{
    telemetry_forget(n);
    for (uint32_t i = 0; i < n->inputs_cnt; i++)
        if (n->input[i].ingest)
            telemetry_forget(n->input[i].ingest);
}
