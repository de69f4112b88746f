#include <rte_ring.h>

#include "dpdk-app/control_state.h"

#define BURST 32u

static void block_came(struct control *c, struct node_input *in, uint32_t stream, uint64_t tick,
                       struct block *b)
{
    struct event e = {.kind = EV_BLOCK, .tick = tick};

    if (c->phase >= CONTROL_STOPPING) {
        c->after_end += b->hdr.rows;
        pool_block_release(c->node->pool, b);
        return;
    }
    for (uint32_t k = 0; k < in->streams_cnt; k++)
        if (in->stream[k] == stream)
            e.queue = in->queue[k];
    e.block = (struct block_ref){.id = b->hdr.id, .slot = b->home, .rows = b->hdr.rows};
    if (c->recorder) {
        b->refs = 2; /* the scheduler's and the recorder's */
        recorder_block(c->recorder, b, tick);
    }
    control_event(c, &e);
}

static void close_queues(struct control *c, uint32_t input, uint64_t tick)
{
    const struct node_input *in = &c->node->input[input];

    if (tick < c->closed[input] || c->phase >= CONTROL_STOPPING)
        return;
    c->closed[input] = tick + 1;
    for (uint32_t k = 0; k < in->streams_cnt; k++) {
        struct event e = {.kind = EV_CLOSED, .queue = in->queue[k], .tick = tick};
        control_event(c, &e);
    }
}

/* Files that came to their end close what the others close. */
static void tick_closed(struct control *c, uint32_t input, uint64_t tick)
{
    close_queues(c, input, tick);
    for (uint32_t i = 0; i < c->node->inputs_cnt; i++)
        if (!c->node->input[i].ingest && atomic_load(&c->node->input[i].finished))
            close_queues(c, i, tick);
}

static void tick_skipped(struct control *c, uint32_t input, uint64_t tick)
{
    struct event e = {.kind = EV_SKIP, .tick = tick};

    if (c->node->inputs_cnt > 1) {
        tick_closed(c, input, tick);
        return;
    }
    if (c->phase >= CONTROL_STOPPING)
        return;
    c->closed[input] = tick + 1;
    if (c->recorder) {
        c->marked = tick + 1;
        recorder_mark(c->recorder, RECORD_SKIP, tick, UINT64_MAX);
    }
    control_event(c, &e);
}

/* Damage is said; what was read before it stands. */
static void say_damage(struct control *c, const struct node_input *in)
{
    const char *why = in->feeder   ? feeder_error(in->feeder)
                      : in->replay ? replay_error(in->replay)
                                   : "";

    if (!*why)
        return;
    fprintf(stderr, "millrace: %s\n", why);
    c->exit_code = EXIT_NO_RESOURCE;
}

static void input_ended(struct control *c, uint32_t input)
{
    uint64_t furthest = 0;

    say_damage(c, &c->node->input[input]);
    atomic_store(&c->node->input[input].finished, true);
    for (uint32_t i = 0; i < c->node->inputs_cnt; i++)
        if (c->closed[i] > furthest)
            furthest = c->closed[i];
    if (furthest > c->closed[input])
        close_queues(c, input, furthest - 1);
}

static uint32_t from_ingest(struct control *c, uint32_t input)
{
    struct ingest_msg msg[BURST];
    struct node_input *in = &c->node->input[input];
    uint32_t n = ingest_recv(in->ingest, msg, BURST);

    for (uint32_t i = 0; i < n; i++) {
        if (msg[i].kind == INGEST_BLOCK)
            block_came(c, in, msg[i].source_idx, msg[i].tick, msg[i].block);
        else
            tick_closed(c, input, msg[i].tick);
    }
    return n;
}

/* A message of a file or of a record, whose streams have global numbers. */
static void fed(struct control *c, uint32_t input, const struct feed_msg *m, uint32_t stream)
{
    switch (m->kind) {
    case FEED_BLOCK: block_came(c, &c->node->input[input], stream, m->tick, m->block); return;
    case FEED_CLOSED: tick_closed(c, input, m->tick); return;
    case FEED_SKIP: tick_skipped(c, input, m->tick); return;
    case FEED_END: input_ended(c, input); return;
    }
}

static uint32_t from_feeder(struct control *c, uint32_t input)
{
    struct feed_msg m;
    struct node_input *in = &c->node->input[input];
    uint32_t n = 0;

    for (; n < BURST && feeder_recv(in->feeder, &m); n++)
        fed(c, input, &m, m.kind == FEED_BLOCK ? in->stream[m.stream] : 0);
    return n;
}

static uint32_t from_replay(struct control *c, uint32_t input)
{
    struct feed_msg m;
    uint32_t n = 0;

    for (; n < BURST && replay_recv(c->node->input[input].replay, &m); n++)
        fed(c, input, &m, m.stream);
    return n;
}

static uint32_t from_input(struct control *c, uint32_t input)
{
    const struct node_input *in = &c->node->input[input];

    if (in->replay)
        return from_replay(c, input);
    return in->ingest ? from_ingest(c, input) : from_feeder(c, input);
}

uint32_t control_inputs(struct control *c)
{
    uint32_t did = 0;

    for (uint32_t i = 0; i < c->node->inputs_cnt; i++)
        did += from_input(c, i);
    return did;
}

bool control_inputs_ended(const struct control *c)
{
    for (uint32_t i = 0; i < c->node->inputs_cnt; i++) {
        const struct node_input *in = &c->node->input[i];
        if (!atomic_load(&in->finished) || (in->ingest && rte_ring_count(ingest_ring(in->ingest))))
            return false;
    }
    return true;
}
