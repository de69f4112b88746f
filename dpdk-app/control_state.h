/*
 * What control keeps; shared by control*.c alone.
 */
#ifndef DPDK_APP_CONTROL_STATE_H
#define DPDK_APP_CONTROL_STATE_H

#include "dpdk-app/control.h"
#include "dpdk-app/recorder.h"
#include "dpdk-app/report.h"

/* An output between the scheduler and its sink. */
struct out_wait {
    struct out_rdd rdd;
    uint32_t job, output;
    uint64_t blocks_end; /* of the ring of blocks: free up to here when it is written */
};

/* Outputs go to the writer and come back in the order in which they left the scheduler: a ring,
 * and beside it one of the blocks that they consist of, each output's in one piece. */
struct out_ring {
    struct out_wait *wait;
    uint32_t max, step_max;      /* step_max: the most that one step of the scheduler gives */
    uint64_t head, pushed, tail; /* [head, pushed) is in the writer, [pushed, tail) waits for it */
    struct block **block;
    uint64_t blocks_max, blocks_head, blocks_tail;
};

/* How far an input is: ticks below are ... */
struct control_input {
    uint64_t closed;  /* closed by its own word */
    uint64_t empty;   /* closed or skipped: nothing comes of them any more */
    bool ended;       /* it has said its last word */
    uint64_t told;    /* closed for the scheduler, on all its queues; and ... */
    uint64_t tell_to; /* the first `telling` of its queues up to here */
    uint32_t telling;
    struct feed_msg head; /* the next message, if it was taken already */
    bool has_head;
};

enum control_phase {
    CONTROL_RUNNING,
    CONTROL_FINISHING, /* the inputs end; their last blocks come */
    CONTROL_STOPPING,  /* the scheduler closes what is open */
    CONTROL_DRAINING,  /* the writer writes what is left */
    CONTROL_OVER,
};

struct control {
    struct node *node;
    struct sched *sched;
    struct writer *writer;
    struct screen screen;
    struct report *report;
    struct recorder *recorder; /* NULL: no --record */
    uint64_t marked;           /* ticks below are marked as closed in the record */
    enum control_phase phase;
    int exit_code;
    struct worker_inbox *inbox; /* by worker */
    struct shuffle_ref *shuffle;
    struct out_ref *out;
    struct out_ring outs;
    struct control_input input[INPUTS_MAX];
    bool unsettled;        /* the scheduler is still to be told of ends of ticks */
    uint64_t memory_ticks; /* after so many ticks without a record every window is empty */
    uint64_t last_tick;    /* of the run (--for); UINT64_MAX: open */
    bool cut;              /* a signal: the last tick is not whole */
    uint64_t after_end;    /* rows of blocks that came after the last tick */
    uint64_t sync_tsc;
    uint64_t ending_end; /* ticks before it are known to end soon */
    int64_t cut_ns;      /* when ingest may be asked again to seal what it has */
    /* control_memory.c */
    uint64_t oldest_end_tick; /* of the scheduler's view */
    uint32_t pages_cnt, pages_low;
    uint32_t commands_out[SCHED_WORKERS_MAX];
    uint64_t still_tsc; /* since when nothing moves; 0: it does */
    bool gave_up;
};

/* control_event gives an event to the scheduler and carries out what follows. */
void control_event(struct control *c, const struct event *e);
/* control_release: one holder less (the scheduler, the recorder); the last lets the block go. */
void control_release(struct control *c, struct block *b);
/* control_room: there is room for all that one more event may bring: outputs, lines, entries of
 * the record. What may bring more waits until there is; the I/O thread makes it, whatever else
 * stands still. */
bool control_room(const struct control *c);
/* control_inputs.c: messages of the inputs; how many. */
uint32_t control_inputs(struct control *c);
/* all inputs have said their last word, and the scheduler knows what follows from it. */
bool control_inputs_ended(const struct control *c);
/* Ticks below are closed by all inputs, by any; as the scheduler was told. */
uint64_t control_closed_by_all(const struct control *c);
uint64_t control_closed_by_any(const struct control *c);
/* control_mark_closed writes into the record what is closed by all. */
void control_mark_closed(struct control *c);
/* control_ending.c: what is done shortly before the end of a tick; there is room. */
void control_watch_ending(struct control *c);
/* control_memory.c: how short memory is; the end of a run that cannot go on. */
void control_watch_memory(struct control *c, bool did);
/* control_outputs.c: outputs to the writer and back; how many. */
uint32_t control_outputs(struct control *c);
void control_output(struct control *c, const struct action *a);
int control_open_sinks(struct control *c, char *err, size_t err_bytes);
void control_close_sinks(struct control *c);
/* control_outputs_init takes the rings. */
int control_outputs_init(struct control *c);
bool control_outputs_room(const struct control *c);
/* control_outputs_pending: outputs that are not yet written. */
bool control_outputs_pending(const struct control *c);

#endif
