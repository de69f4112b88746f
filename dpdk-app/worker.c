#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_cycles.h>
#include <rte_ring_elem.h>

#include "base/assert.h"
#include "dpdk-app/worker.h"

#define CMDS_RING    16u
#define ANSWERS_RING 16u
#define REFS_RING    4096u

_Static_assert(SCHED_CREDITS < CMDS_RING, "a ring holds all commands that may be out");
_Static_assert(sizeof(struct ref_msg) % 4 == 0 && sizeof(struct answer_msg) % 4 == 0 &&
                   sizeof(struct cmd) % 4 == 0,
               "ring elements are words");

static struct rte_ring *ring_new(const char *what, uint32_t idx, size_t elem, uint32_t n)
{
    char name[RTE_RING_NAMESIZE];

    snprintf(name, sizeof name, "%s_%u", what, idx);
    return rte_ring_create_elem(name, (uint32_t)elem, n, SOCKET_ID_ANY,
                                RING_F_SP_ENQ | RING_F_SC_DEQ);
}

int worker_open(struct worker *w, uint32_t idx, struct pool *pool)
{
    w->idx = idx;
    w->pool = pool;
    w->cmds = ring_new("worker_cmds", idx, sizeof(struct cmd), CMDS_RING);
    w->refs = ring_new("worker_refs", idx, sizeof(struct ref_msg), REFS_RING);
    w->answers = ring_new("worker_answers", idx, sizeof(struct answer_msg), ANSWERS_RING);
    return w->cmds && w->refs && w->answers ? 0 : -ENOMEM;
}

void worker_close(struct worker *w)
{
    for (uint32_t j = 0; j < w->jobs_cnt; j++) {
        if (w->runner[j])
            runner_close(w->runner[j]);
        free(w->tally[j]);
    }
    rte_ring_free(w->cmds);
    rte_ring_free(w->refs);
    rte_ring_free(w->answers);
}

static const struct block *block_of(const struct worker *w, uint32_t i)
{
    return pool_block(w->pool, w->cmd.block[i].slot);
}

/* The counters of all sources together. */
static struct source_counters counters_of(const struct runner *r)
{
    struct source_counters sum = {0};

    for (uint32_t i = 0; i < r->sources_cnt; i++) {
        sum.offered += r->counters[i].offered;
        for (uint32_t d = 0; d < RECORD_DROPS_CNT; d++)
            sum.dropped[d] += r->counters[i].dropped[d];
    }
    return sum;
}

static void begin(struct worker *w)
{
    const struct cmd *c = &w->cmd;
    struct runner *r = w->runner[c->job];

    w->state = WORKER_RUNNING;
    w->cmd_tsc = 0;
    w->at = 0;
    w->sent = 0;
    r->out.made_cnt = 0;
    w->before = counters_of(r);
    switch ((enum cmd_kind)c->kind) {
    case CMD_FEED: runner_feed(r, c->stage, c->interval, c->task, block_of(w, 0)); return;
    case CMD_FLUSH: runner_flush(r, c->stage, c->interval, c->task); return;
    case CMD_MERGE:
        runner_merge(r, c->exchange, c->interval, c->block_partition[0], block_of(w, 0));
        return;
    case CMD_CLOSE:
        runner_close_interval(r, c->exchange, c->interval, c->partition_first, c->partition_cnt);
        return;
    }
}

/* One vector; a MERGE goes on with its next block. */
static void run(struct worker *w)
{
    struct runner *r = w->runner[w->cmd.job];

    if (runner_step(r))
        return;
    if (w->cmd.kind == CMD_MERGE && ++w->at < w->cmd.blocks_cnt) {
        runner_merge(r, w->cmd.exchange, w->cmd.interval, w->cmd.block_partition[w->at],
                     block_of(w, w->at));
        return;
    }
    w->state = WORKER_ANSWERING;
}

static struct ref_msg ref_of(const struct made *m)
{
    return (struct ref_msg){
        .block = {.id = m->block->hdr.id, .slot = m->block->home, .rows = m->block->hdr.rows},
        .exchange = m->exchange,
        .partition_or_output = m->exchange < 0 ? m->output : m->partition};
}

static void answer(struct worker *w)
{
    struct runner *r = w->runner[w->cmd.job];

    for (; w->sent < r->out.made_cnt; w->sent++) {
        struct ref_msg m = ref_of(&r->out.made[w->sent]);
        if (rte_ring_enqueue_elem(w->refs, &m, sizeof m))
            return;
    }
    bool close = w->cmd.kind == CMD_CLOSE;
    worker_tally_put(w->tally[w->cmd.job], r, w->cmd.exchange, w->cmd.partition_first,
                     close ? w->cmd.partition_cnt : 0);
    struct source_counters now = counters_of(r);
    struct answer_msg a = {.seq = w->cmd.seq,
                           .attempt = w->cmd.attempt,
                           .interval = w->cmd.interval,
                           .job = w->cmd.job,
                           .busy_tsc = w->cmd_tsc,
                           .records = now.offered - w->before.offered,
                           .refs_cnt = r->out.made_cnt,
                           .lost = runner_lost(r)};
    for (uint32_t d = 0; d < RECORD_DROPS_CNT; d++)
        a.dropped[d] = now.dropped[d] - w->before.dropped[d];
    if (rte_ring_enqueue_elem(w->answers, &a, sizeof a))
        return;
    r->out.made_cnt = 0;
    w->state = WORKER_IDLE;
}

bool worker_step(struct worker *w)
{
    uint64_t from = rte_rdtsc();

    w->waited_tsc = 0;
    if (w->state == WORKER_IDLE) {
        if (rte_ring_dequeue_elem(w->cmds, &w->cmd, sizeof w->cmd))
            return false;
        begin(w);
    }
    if (w->state == WORKER_RUNNING)
        run(w);
    uint64_t took = rte_rdtsc() - from - w->waited_tsc;
    w->cmd_tsc += took;
    atomic_fetch_add_explicit(&w->busy_tsc, took, memory_order_relaxed);
    if (w->state == WORKER_ANSWERING)
        answer(w);
    return true;
}

bool worker_command(struct worker *w, const struct cmd *c)
{
    struct cmd copy = *c;

    return rte_ring_enqueue_elem(w->cmds, &copy, sizeof copy) == 0;
}

/* References come before their answer: draining them always lets the worker go on. */
static void drain_refs(struct worker *w, struct worker_inbox *in)
{
    uint32_t room = WORKER_REFS_MAX - in->have;

    in->have +=
        rte_ring_dequeue_burst_elem(w->refs, in->ref + in->have, sizeof in->ref[0], room, NULL);
}

bool worker_answer(struct worker *w, struct answer_msg *a, struct worker_inbox *in)
{
    if (in->taken) {
        in->have -= in->taken;
        memmove(in->ref, in->ref + in->taken, in->have * sizeof in->ref[0]);
        in->taken = 0;
    }
    drain_refs(w, in);
    if (rte_ring_dequeue_elem(w->answers, a, sizeof *a))
        return false;
    while (in->have < a->refs_cnt)
        drain_refs(w, in);
    in->taken = a->refs_cnt;
    return true;
}

void worker_keep_shown(void *worker, enum record_drop why, const uint8_t *bytes, uint32_t len)
{
    struct worker *w = worker;

    if (w->shown_cnt[why] == SHOWN_MAX)
        return;
    struct shown *s = &w->shown[why][w->shown_cnt[why]++];
    s->len = len;
    memcpy(s->bytes, bytes, len < SHOWN_BYTES ? len : SHOWN_BYTES);
}

void worker_show(const struct worker *w, FILE *f)
{
    for (uint32_t d = 0; d < RECORD_DROPS_CNT; d++)
        for (uint32_t i = 0; i < w->shown_cnt[d]; i++) {
            const struct shown *s = &w->shown[d][i];
            fprintf(f, "dropped record, %s, %u bytes:", record_drop_name[d], s->len);
            for (uint32_t k = 0; k < s->len && k < SHOWN_BYTES; k++)
                fprintf(f, " %02x", s->bytes[k]);
            fputs(s->len > SHOWN_BYTES ? " ...\n" : "\n", f);
        }
}
