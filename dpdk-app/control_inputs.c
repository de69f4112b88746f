/*
 * What the inputs say, told to the scheduler one event at a time.
 *
 * Ticks are closed for the scheduler when they are closed by the input itself, or when it cannot
 * give anything more of them (it has ended, or said that it skips them) and another input has
 * closed them. What all inputs skip is skipped.
 */
#include <rte_ring.h>

#include "dpdk-app/control_state.h"
#include "dpdk-app/node_wire.h"

#define BURST 32u /* messages of an input in a turn */

static void block_came(struct control *c, struct node_input *in, uint32_t stream, uint64_t tick,
                       struct block *b)
{
    struct event e = {.kind = EV_BLOCK, .tick = tick};

    if (c->phase >= CONTROL_STOPPING || tick > c->last_tick) {
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

/* ---- ends of ticks ----------------------------------------------------------------------------
 */

/* How far all inputs are, as ticks below which everything is so. */
struct ticks {
    uint64_t closed;  /* by the input that is furthest */
    uint64_t empty;   /* no input gives anything more */
    uint64_t windows; /* some input's records may still be in a window */
};

static struct ticks ticks_of(const struct control *c)
{
    struct ticks t = {.closed = c->node->first_tick, .empty = UINT64_MAX};

    for (uint32_t i = 0; i < c->node->inputs_cnt; i++) {
        const struct control_input *in = &c->input[i];
        uint64_t windows = in->closed + (in->ended ? c->memory_ticks : 0);
        t.closed = in->closed > t.closed ? in->closed : t.closed;
        t.empty = in->empty < t.empty ? in->empty : t.empty;
        t.windows = windows > t.windows ? windows : t.windows;
    }
    if (t.empty == UINT64_MAX) /* all have ended */
        t.empty = t.closed;
    return t;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Tells the scheduler that the queues of the input have closed the ticks before `to`, as far as
 * there is room for what follows; false: not all is told. */
static bool close_queues(struct control *c, uint32_t input, uint64_t to)
{
    const struct node_input *in = &c->node->input[input];
    struct control_input *ci = &c->input[input];

    if (!ci->telling)
        ci->tell_to = to;
    for (; ci->told < ci->tell_to; ci->told = ci->tell_to, ci->telling = 0) {
        for (; ci->telling < in->streams_cnt; ci->telling++) {
            struct event e = {
                .kind = EV_CLOSED, .queue = in->queue[ci->telling], .tick = ci->tell_to - 1};
            if (!control_room(c))
                return false;
            control_event(c, &e);
        }
    }
    return ci->told >= to;
}

/* All queues are told to have closed `from`: the ticks up to `to` are left out. */
static void skip(struct control *c, uint64_t to)
{
    struct event e = {.kind = EV_SKIP, .tick = to - 1};

    control_mark_closed(c);
    for (uint32_t i = 0; i < c->node->inputs_cnt; i++) {
        struct control_input *in = &c->input[i];
        in->told = to;
        in->closed = in->closed > to || in->ended ? in->closed : to;
    }
    if (c->recorder) {
        c->marked = to;
        recorder_mark(c->recorder, RECORD_SKIP, to - 1, UINT64_MAX);
    }
    control_event(c, &e);
}

/* Tells the scheduler what follows from what the inputs have said; false: there was no room for
 * all of it, and nothing more may be taken from the inputs. */
static bool settle(struct control *c)
{
    if (!c->unsettled || c->phase >= CONTROL_STOPPING)
        return true;
    struct ticks t = ticks_of(c);
    uint64_t gap = t.windows > t.closed ? t.windows : t.closed;
    uint64_t all = t.empty > gap ? gap : t.empty;

    for (uint32_t i = 0; i < c->node->inputs_cnt; i++) {
        uint64_t to = min_u64(c->input[i].empty, t.closed > all ? t.closed : all);
        if (!close_queues(c, i, to))
            return false;
    }
    if (t.empty > gap) {
        if (!control_room(c))
            return false;
        skip(c, t.empty);
    }
    c->unsettled = false;
    return true;
}

static void tick_closed(struct control *c, uint32_t input, uint64_t tick)
{
    struct control_input *in = &c->input[input];

    tick = min_u64(tick, c->last_tick);
    if (tick < in->closed)
        return;
    in->closed = tick + 1;
    in->empty = in->empty > in->closed ? in->empty : in->closed;
    c->unsettled = true;
}

static void tick_skipped(struct control *c, uint32_t input, uint64_t tick)
{
    tick = min_u64(tick, c->last_tick);
    if (tick < c->input[input].empty)
        return;
    c->input[input].empty = tick + 1;
    c->unsettled = true;
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
    say_damage(c, &c->node->input[input]);
    c->input[input].ended = true;
    c->input[input].empty = UINT64_MAX;
    c->unsettled = true;
    atomic_store(&c->node->input[input].finished, true);
}

/* ---- messages ---------------------------------------------------------------------------------
 */

/* What came in a tick beyond the end of the run is in the sum at the end alone. */
static bool is_counted(const struct control *c, uint32_t input)
{
    return c->phase < CONTROL_STOPPING && c->input[input].empty <= c->last_tick;
}

static bool from_ingest(struct control *c, uint32_t input)
{
    struct node_input *in = &c->node->input[input];
    struct ingest_msg m;

    if (!ingest_recv(in->ingest, &m, 1))
        return false;
    if (m.marked) {
        struct ingest_counters now;
        ingest_mark(in->ingest, &now);
        if (is_counted(c, input))
            report_ingest(c->report, input, c->input[input].empty, &now);
    }
    if (m.kind == INGEST_BLOCK)
        block_came(c, in, m.source_idx, m.tick, m.block);
    else
        tick_closed(c, input, m.tick);
    return true;
}

/* Others have not yet been heard to say that they are at this tick, although they have (feeders go
 * through time together): a gap that they are about to skip would no longer be one. */
static bool ahead(const struct control *c, uint32_t input, uint64_t tick)
{
    if (c->phase >= CONTROL_STOPPING || c->node->conf->pace)
        return false;
    for (uint32_t i = 0; i < c->node->inputs_cnt; i++)
        if (i != input && c->input[i].empty < tick)
            return true;
    return false;
}

/* A message of a file, or of a record, whose streams have global numbers. */
static bool from_file(struct control *c, uint32_t input)
{
    struct node_input *in = &c->node->input[input];
    struct control_input *ci = &c->input[input];
    const struct feed_msg *m = &ci->head;

    if (!ci->has_head)
        ci->has_head =
            in->replay ? replay_recv(in->replay, &ci->head) : feeder_recv(in->feeder, &ci->head);
    if (!ci->has_head || (m->kind == FEED_BLOCK && ahead(c, input, m->tick)))
        return false;
    ci->has_head = false;
    if (m->marked) {
        struct feeder_packets now;
        feeder_mark(in->feeder, &now);
        if (is_counted(c, input))
            report_feeder(c->report, input, ci->empty, &now);
    }
    switch (m->kind) {
    case FEED_BLOCK:
        block_came(c, in, in->replay ? m->stream : in->stream[m->stream], m->tick, m->block);
        break;
    case FEED_CLOSED: tick_closed(c, input, m->tick); break;
    case FEED_SKIP: tick_skipped(c, input, m->tick); break;
    case FEED_END: input_ended(c, input); break;
    }
    return true;
}

/* The report keeps what came in ticks that are far ahead. When half of its places are taken no
 * input goes on, as long as there are intervals that need none; else the one that is furthest
 * behind. */
static bool may_take(const struct control *c, uint32_t input)
{
    uint64_t behind = UINT64_MAX;

    if (!control_room(c))
        return false;
    if (!report_half_full(c->report) || c->phase >= CONTROL_STOPPING)
        return true;
    for (uint32_t i = 0; i < c->node->inputs_cnt; i++)
        behind = min_u64(behind, c->input[i].empty);
    return c->input[input].empty == behind && c->oldest_end_tick >= behind;
}

uint32_t control_inputs(struct control *c)
{
    uint32_t did = 0;

    for (uint32_t i = 0; i < c->node->inputs_cnt; i++)
        for (uint32_t n = 0; n < BURST && settle(c) && may_take(c, i); n++, did++)
            if (!(c->node->input[i].ingest ? from_ingest(c, i) : from_file(c, i)))
                break;
    settle(c);
    return did;
}

bool control_inputs_ended(const struct control *c)
{
    for (uint32_t i = 0; i < c->node->inputs_cnt; i++) {
        const struct node_input *in = &c->node->input[i];
        if (!atomic_load(&in->finished) || (in->ingest && rte_ring_count(ingest_ring(in->ingest))))
            return false;
    }
    return !c->unsettled;
}

uint64_t control_closed_by_all(const struct control *c)
{
    uint64_t closed = UINT64_MAX;

    for (uint32_t i = 0; i < c->node->inputs_cnt; i++)
        closed = min_u64(closed, c->input[i].told);
    return closed;
}

uint64_t control_closed_by_any(const struct control *c)
{
    uint64_t closed = c->node->first_tick;

    for (uint32_t i = 0; i < c->node->inputs_cnt; i++)
        closed = c->input[i].told > closed ? c->input[i].told : closed;
    return closed;
}
