/*
 * What control keeps; shared by control*.c alone.
 */
#ifndef DPDK_APP_CONTROL_STATE_H
#define DPDK_APP_CONTROL_STATE_H

#include "dpdk-app/control.h"
#include "dpdk-app/recorder.h"
#include "dpdk-app/report.h"

#define OUTS_MAX 1024u /* outputs on their way to the writer or in it */

/* An output between the scheduler and its sink. */
struct out_wait {
    struct out_rdd rdd;
    uint32_t job, output;
    bool used;
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
    /* outputs in the order in which they leave: ring of slots */
    struct out_wait wait[OUTS_MAX];
    uint32_t queue[OUTS_MAX], queue_head, queue_tail; /* not yet taken by the writer */
    uint32_t outs_used;
    uint64_t closed[INPUTS_MAX]; /* by input: ticks below are closed */
    uint64_t last_tick;          /* of the run (--for); UINT64_MAX: open */
    bool cut;                    /* a signal: the last tick is not whole */
    uint64_t after_end;          /* rows of blocks that came after the last tick */
    uint64_t sync_tsc, look_tsc, start_tsc;
    uint64_t pages_low;
};

/* control_event gives an event to the scheduler and carries out what follows. */
void control_event(struct control *c, const struct event *e);
/* control_release: one holder less (the scheduler, the recorder); the last lets the block go. */
void control_release(struct control *c, struct block *b);
/* control_inputs.c: messages of the inputs; how many. */
uint32_t control_inputs(struct control *c);
/* all inputs have said their last word. */
bool control_inputs_ended(const struct control *c);
/* control_outputs.c: outputs to the writer and back; how many. */
uint32_t control_outputs(struct control *c);
void control_output(struct control *c, const struct action *a);
int control_open_sinks(struct control *c, char *err, size_t err_bytes);
void control_close_sinks(struct control *c);
bool control_outputs_room(const struct control *c);

#endif
