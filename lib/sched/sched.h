/*
 * The scheduler: the master's plan of a run, as a pure state machine.
 *
 *   sched_step(state, event) -> actions
 *
 * It reads no clock, calls nothing and owns no memory of others; the appliance feeds it from
 * rings, the simulator from a virtual clock. What it needs to know of a job is its plan.
 *
 * Nouns. Time comes in ticks: the greatest common divisor of the periods of all jobs; a job's
 * interval is `ratio` ticks. Input queues give sealed blocks of a tick and then close the tick;
 * a tick has ended when all queues of its source have closed it. Blocks are known by reference
 * only (their id and the slot where this node keeps them).
 *
 * A worker does commands in the order in which they were given to it, and answers each with one
 * event. At most SCHED_CREDITS commands are out at a worker, SCHED_FEEDS of them FEEDs, so that
 * a close never waits behind a row of maps; the rest wait here, where the most urgent goes
 * first: close, then merge, then map, older intervals first.
 *
 *   FEED(stage, interval, task, block)   a block for the open map task of a stage
 *                                        (it leaves no view into the block behind)
 *   FLUSH(stage, interval, task)         the map task ends: its combine tables leave
 *   MERGE(exchange, interval, group, blocks)   shuffle blocks for the partitions of a group
 *   CLOSE(exchange, interval, group)     the interval of an exchange ends: state steps, and if
 *                                        the exchange is active it emits, through its stage,
 *                                        shuffle blocks for others and rows for outputs
 *
 * Partitions are held in groups; group g of an exchange belongs to worker g % workers, in every
 * interval. Any answer may bring new shuffle blocks and output blocks.
 *
 * While the result of an interval that has ended is made, a single block of a later one waits;
 * where more wait, all workers go on.
 *
 * A map task is open at one worker; its blocks go to the worker that has the least to map, of an
 * interval the newest first: where blocks pile up, what has just come is still in the cache. It
 * ends when the input of its interval has ended and all blocks are fed, when the next block for
 * that worker is of another interval, or with its SCHED_TASK_BLOCKS_MAX-th block; and shortly
 * before the end of its interval (EV_ENDING) as soon as its worker has nothing else to do, so that
 * most of what the interval brought is flushed and merged by then.
 *
 * An interval beyond the intervals_max + 1 oldest that are not done is known by number alone:
 * its blocks wait. So nothing here grows with a backlog but the input blocks, and those are
 * bounded by what the node can hold.
 *
 * Invariants.
 *  1. A map task's list of blocks is what was fed between its begin and its FLUSH, and is fixed
 *     in its lineage when it ends: ACT_LINEAGE comes just before its FLUSH. A worker has at most
 *     one open map task for a stage.
 *  2. CLOSE(x, n, g) is given only after every stage that writes x has ended for interval n,
 *     and to the worker after the MERGEs of all their shuffle blocks for g and after
 *     CLOSE(x, n - 1, g). MERGE(x, n, g) only after CLOSE(x, n - 1, g). (n - 1 stands for the
 *     last interval that was not skipped.)
 *  3. A stage over a source has ended for interval n when the source has closed the last tick
 *     of n on all its queues and all map tasks of n have been flushed. A stage over an exchange
 *     has ended for n when all groups of the exchange are closed for n.
 *  4. Outputs leave by interval, then in program order.
 *  5. A block is let go (ACT_RELEASE) exactly once, when no command that reads it is out or can
 *     come: input blocks after the FEEDs of all jobs that read them (so that open tasks never
 *     hold the pages that the input needs to come to its end), shuffle blocks when merged,
 *     output blocks are given away with ACT_OUTPUT. With `keep` (intervals of lineage held for
 *     recovery) input and shuffle blocks are let go when `keep` further intervals of their job
 *     are done.
 *  6. Interval n of a job is done when all exchanges are closed for n and all outputs have left.
 *     Intervals are pipelined: blocks of n + 1 are mapped while n is merged and closed. They are
 *     done in order.
 *  7. What a command lost is missing in what its stage writes: outputs of that interval are not
 *     complete, and neither are results of exchanges for as long as their windows cover it, nor
 *     what is made of them.
 */
#ifndef SCHED_SCHED_H
#define SCHED_SCHED_H

#include "rdd/block.h"
#include "rdd/plan.h"

#define SCHED_CREDITS          4u
#define SCHED_FEEDS            3u
#define SCHED_JOBS_MAX         16u
#define SCHED_QUEUES_MAX       64u
#define SCHED_WORKERS_MAX      64u
#define SCHED_GROUPS_MAX       64u
#define SCHED_MERGE_BLOCKS_MAX 64u
#define SCHED_TASK_BLOCKS_MAX  64u

struct block_ref {
    struct block_id id;
    uint32_t slot; /* where this node keeps it */
    uint32_t rows;
};

/* A shuffle block and where it goes. */
struct shuffle_ref {
    struct block_ref block;
    uint16_t exchange;
    uint16_t partition;
};

struct out_ref {
    struct block_ref block;
    uint32_t output;
};

enum cmd_kind { CMD_FEED, CMD_FLUSH, CMD_MERGE, CMD_CLOSE };

/* A command to a worker: could cross a wire, holds no pointer. */
struct cmd {
    uint64_t seq; /* names the command; the answer carries it */
    uint32_t attempt;
    uint16_t job;
    uint16_t kind; /* enum cmd_kind */
    uint64_t interval;
    uint32_t stage;    /* FEED, FLUSH */
    uint32_t task;     /* FEED, FLUSH: number of the map task in (stage, interval) */
    uint32_t exchange; /* MERGE, CLOSE */
    uint32_t partition_first, partition_cnt; /* MERGE, CLOSE: the group */
    uint32_t blocks_cnt;
    struct block_ref block[SCHED_MERGE_BLOCKS_MAX];   /* FEED: one; MERGE: many */
    uint16_t block_partition[SCHED_MERGE_BLOCKS_MAX]; /* MERGE: the partition of each */
};

enum event_kind {
    EV_BLOCK,  /* a queue sealed a block */
    EV_CLOSED, /* a queue closed a tick: it gives no more blocks of it or of an older one */
    EV_SKIP,   /* a gap of a capture: the ticks of which no queue has spoken, up to and with
                  `tick`, hold nothing; intervals that consist of such ticks alone are skipped,
                  without rows; all queues have closed everything older */
    EV_ENDING, /* ticks up to `tick` end soon; a hint, which changes no result */
    EV_DONE,   /* a worker did a command */
    EV_STOP,   /* the run ends: all queues have closed `tick` and everything older; blocks that
                  come later are let go at once, even after ACT_STOPPED */
};

struct event {
    enum event_kind kind;
    uint32_t queue;    /* EV_BLOCK, EV_CLOSED */
    uint64_t tick;     /* EV_BLOCK, EV_CLOSED, EV_SKIP, EV_ENDING, EV_STOP (last tick, closed) */
    uint64_t cut_tick; /* EV_STOP: the first tick that is not whole: intervals that reach it are
                          cut short; UINT64_MAX: the input came to its end by itself */
    struct block_ref block; /* EV_BLOCK */
    /* EV_DONE */
    uint32_t worker;
    uint64_t seq;
    uint32_t attempt;
    bool lost; /* CLOSE: the result lacks records (state_full); all but MERGE: what it was to make
                  does, as it found no memory */
    uint32_t shuffle_cnt, out_cnt;
    const struct shuffle_ref *shuffle; /* read during the step only */
    const struct out_ref *out;
};

enum action_kind {
    ACT_COMMAND,  /* give cmd to worker */
    ACT_OUTPUT,   /* the rows of an output in an interval are complete: give them to the sink */
    ACT_RELEASE,  /* let the block go */
    ACT_INTERVAL, /* a job's interval is done */
    ACT_LINEAGE,  /* a map task ends: its blocks are now fixed */
    ACT_STOPPED,  /* after EV_STOP: everything is done */
};

struct action {
    enum action_kind kind;
    uint32_t worker;       /* ACT_COMMAND */
    const struct cmd *cmd; /* ACT_COMMAND, valid until the next step */
    uint32_t job;
    uint64_t interval;
    uint32_t output;                /* ACT_OUTPUT */
    bool complete;                  /* ACT_OUTPUT, ACT_INTERVAL */
    uint32_t stage, task;           /* ACT_LINEAGE */
    struct block_ref block;         /* ACT_RELEASE */
    uint32_t blocks_cnt;            /* ACT_OUTPUT: its rows; ACT_LINEAGE: its inputs */
    const struct block_ref *blocks; /* valid until the next step */
};

/* What the scheduler is told of a run. */
struct sched_queue {
    uint32_t source; /* global number of the source stream that this queue fills */
};

struct sched_job {
    const struct plan *plan;
    uint64_t ratio;       /* ticks per interval */
    bool map_at_boundary; /* map tasks start when the interval has ended */
    uint32_t source[16];  /* the job's source i is global source source[i] */
};

struct sched_conf {
    uint32_t workers_cnt;
    uint32_t queues_cnt;
    struct sched_queue queue[SCHED_QUEUES_MAX];
    uint32_t jobs_cnt;
    struct sched_job job[SCHED_JOBS_MAX];
    uint64_t first_tick;    /* the first tick of the run */
    uint64_t keep;          /* intervals of blocks kept after use, for recovery (0: none) */
    uint32_t intervals_max; /* intervals in flight (input ended, not done) per job before
                               `backlogged` is set (>= 2) */
    uint32_t blocks_max;    /* input blocks that may be known at once */
    uint32_t refs_max;      /* shuffle and output blocks that may be known at once; when a quarter
                               is left only the oldest interval of a job is mapped on */
};

struct sched;

/*
 * sched_new takes all memory that it will use; NULL when there is none. Plans must outlive it.
 * Every source that a stage reads has at least one queue.
 */
struct sched *sched_new(const struct sched_conf *conf);
void sched_free(struct sched *s);

/*
 * sched_step takes one event and appends the actions that follow, in the order in which they
 * must be carried out. `*actions` stays owned by s and valid until the next step. Returns the
 * number of actions; a stale answer (wrong attempt, unknown seq) gives none and is counted.
 *
 * A step does a bounded amount of work. While sched_more says so (many empty intervals closed
 * by one event), call it again with e NULL.
 */
uint32_t sched_step(struct sched *s, const struct event *e, const struct action **actions);
bool sched_more(const struct sched *s);

/*
 * sched_memory says how much memory there is for what tasks make; sched_more says whether a step
 * is to follow. A command that finds none waits for it in the middle, and all that is behind it at
 * its worker waits too: so what lies ahead, beyond the oldest interval of a job, is mapped, flushed
 * and closed only as far as memory for it is sure to be there, or the oldest might never end.
 *   ahead_max   so many commands that lie ahead may be out at a time (at first: any number)
 *   tight       also of the oldest interval a worker maps only when it has nothing else to do, a
 *               block at a time: merges and closes give memory back
 */
void sched_memory(struct sched *s, uint32_t ahead_max, bool tight);

/* What people look at. */
struct sched_view {
    /* Of the intervals that the jobs are at, not done or the next to come, the one that ends first:
     * ticks up to this are in the oldest interval of every job. */
    uint64_t oldest_end_tick;
    uint32_t oldest_job;
    uint64_t intervals_open; /* known and not done, of the job that is furthest behind */
    uint32_t blocks_waiting; /* input blocks not yet mapped by all their jobs */
    uint32_t blocks_held;    /* input blocks not yet let go: blocks_max at most */
    uint32_t refs_held;      /* shuffle and output blocks not yet let go: refs_max at most */
    uint32_t commands_out;
    uint64_t stale;
    bool backlogged; /* live ports should shed */
    bool hungry;     /* a worker has nothing to do: all blocks that it could map are mapped */
};

void sched_look(const struct sched *s, struct sched_view *v);
/* sched_idle: nothing is out and no closed tick waits; blocks of open intervals may. */
bool sched_idle(const struct sched *s);

#endif
