/*
 * The state of the scheduler, private to lib/sched.
 *
 *   sched -> job -> ring of open intervals -> per stage, exchange, group of partitions, output
 *         -> reader (one source stage of one job) -> its map task at each worker
 *         -> worker -> the commands that are out, and a heap of those that wait
 *         -> input block (how many readers still need it)
 *
 * An item is one block in one list. Lists are chains of indices in one pool, so that moving a
 * block from "to merge" to "being merged" to "kept" copies nothing.
 *
 * Open intervals of a job are addressed by position: a count of all intervals ever opened, taken
 * modulo the ring. Positions have no holes where interval numbers (after a skip) do.
 */
#ifndef SCHED_STATE_H
#define SCHED_STATE_H

#include "base/assert.h"
#include "sched/sched.h"

#define ITEM_NONE UINT32_MAX

/* ---- items.c: blocks in lists ---- */

struct item {
    struct block_ref block;
    uint32_t next;
    uint32_t input;     /* index of the input block, or ITEM_NONE */
    uint16_t partition; /* shuffle blocks */
};

struct list {
    uint32_t head, tail, cnt;
};

struct items {
    struct item *item;
    uint32_t free; /* chain; ITEM_NONE ends it */
};

#define LIST_EMPTY ((struct list){ITEM_NONE, ITEM_NONE, 0})

int items_init(struct items *p, uint32_t cnt);
uint32_t items_take(struct items *p);
void items_give(struct items *p, uint32_t i);
void list_push(struct items *p, struct list *l, uint32_t i);
/* list_push_front: what is popped next. */
void list_push_front(struct items *p, struct list *l, uint32_t i);
uint32_t list_pop(struct items *p, struct list *l);
void list_append(struct items *p, struct list *to, struct list *from);

/* ---- ready.c: commands that wait for a credit of their worker ---- */

enum ready_rank { READY_CLOSE, READY_MERGE, READY_FLUSH };

struct ready_entry {
    enum ready_rank rank;
    uint64_t tick;  /* last tick of its interval: older first, over all jobs */
    uint64_t order; /* first come, first served */
    void *what;     /* struct group, or struct maptask for a flush */
};

struct ready {
    struct ready_entry *entry; /* a binary heap */
    uint32_t cnt, max;
};

void ready_push(struct ready *r, struct ready_entry e);
struct ready_entry ready_pop(struct ready *r);
/* ready_remove takes the entry of a group or task out, if it is there. */
void ready_remove(struct ready *r, const void *what);
/* ready_pop_if takes the most urgent of those that may go; false: there is none. */
bool ready_pop_if(struct ready *r, bool (*may)(const struct ready_entry *e), struct ready_entry *e);

/* ---- one interval of one job ---- */

struct stage_state {
    struct list waiting; /* source stages: blocks to feed */
    uint32_t tasks_cnt;  /* map tasks begun: the next one's number */
    uint32_t tasks_open; /* begun, FLUSH not given */
    uint32_t out_cnt;    /* FEED and FLUSH commands out */
    bool closed;         /* the input has ended */
    bool ended;          /* all that it writes is known */
};

struct exchange_state {
    uint32_t writers_left; /* stages that write it and have not ended */
    uint32_t groups_left;  /* groups whose CLOSE is not done */
    bool lacks;            /* what was written into it in this interval lacks records */
    bool lost;             /* its result does: it, or the state, or what the window covers */
};

struct output_state {
    uint32_t writers_left;
    bool lost; /* rows of it lack records */
    struct list blocks;
};

struct interval {
    uint64_t number;
    uint64_t end_tick;     /* its last tick */
    uint32_t sources_left; /* source stages whose input has not ended */
    uint32_t stages_left;  /* not ended */
    uint32_t commands_out;
    bool lost;                       /* some result of it lacks records */
    struct list kept;                /* blocks held for recovery */
    struct stage_state *stage;       /* [stages_cnt] */
    struct exchange_state *exchange; /* [exchanges_cnt] */
    struct output_state *output;     /* [outputs_cnt] */
    struct list *to_merge;           /* [groups_cnt]: shuffle blocks */
};

/* ---- what lives as long as the run ---- */

struct group {
    struct sched_job_state *job;
    uint32_t idx; /* of all groups of the job */
    uint32_t exchange;
    uint32_t worker;
    uint32_t partition_first, partition_cnt;
    uint64_t pos; /* the interval that is being merged: its CLOSE is the next to be given */
    bool queued;  /* in its worker's ready heap */
};

struct exchange_plan {
    uint32_t group_first, groups_cnt; /* in the job's groups */
    uint32_t writers_cnt;
    uint32_t stage;     /* of its emission */
    uint16_t *group_of; /* [partitions]: group of a partition, within the exchange */
    bool has_lacked;    /* of the intervals that are done some lacked records, ... */
    uint64_t lacked;    /* the last of them this one */
};

struct maptask {
    struct reader *reader;
    uint32_t worker;
    uint32_t number;
    uint64_t pos; /* its interval */
    bool open, queued;
    uint32_t blocks_cnt;
    struct block_ref block[SCHED_TASK_BLOCKS_MAX];
};

/* One source stage of one job. */
struct reader {
    struct sched_job_state *job;
    uint32_t stage;
    uint32_t source;
    uint32_t waiting_cnt; /* blocks waiting in open intervals */
    struct list later;    /* blocks of intervals that have no place in the ring yet */
    struct maptask *task; /* [workers_cnt] */
};

struct gap {
    uint64_t from, to; /* interval numbers skipped: [from, to) */
};

struct sched_job_state {
    uint32_t idx;
    const struct plan *plan;
    uint64_t ratio;
    bool map_at_boundary;
    uint32_t sources_cnt; /* source stages */
    struct exchange_plan *exchange;
    uint32_t output_writers_cnt[PLAN_OUTPUTS_MAX];
    uint32_t groups_cnt;
    struct group *group;

    struct interval *ring; /* [s->ring_cnt] */
    uint64_t head, tail;   /* positions open: [head, tail) */
    uint64_t out_pos;      /* the interval whose outputs are leaving */
    uint32_t out_idx;      /* the next of them */
    uint64_t next;         /* number of the next interval to open */
    uint64_t known_end;    /* intervals before it are known to come */
    struct gap *gap;       /* pending, a ring of s->gaps_max */
    uint64_t gap_head, gap_tail;
    uint32_t retire_left; /* intervals that may still be done in this step */

    struct list *kept; /* [keep]: of the last intervals done, a ring */
    uint64_t kept_cnt; /* intervals ever put there */
};

struct slot {
    bool used;
    struct cmd cmd;
    uint64_t pos;
    struct group *group;  /* MERGE, CLOSE */
    struct maptask *task; /* FEED, FLUSH */
    struct list blocks;   /* FEED, MERGE: what it reads */
    uint64_t rows;        /* FEED */
};

struct worker {
    struct slot slot[SCHED_CREDITS];
    uint32_t out_cnt, feeds_cnt;
    uint64_t map_rows; /* rows of the FEEDs out */
    struct ready ready;
};

struct input_block {
    struct block_ref block;
    uint64_t tick;
    uint64_t order;      /* of arrival */
    uint32_t feeds_left; /* readers that have not mapped it */
    uint32_t holds;      /* readers, and lineage, that hold it */
    uint32_t next_free;
};

struct input_queue {
    uint32_t source;
    uint64_t open; /* the first tick that it has not closed */
};

struct sched {
    struct sched_conf conf;
    struct sched_job_state *job;
    struct reader *reader;
    uint32_t readers_cnt, ring_cnt, gaps_max;
    struct worker *worker;
    struct input_queue queue[SCHED_QUEUES_MAX];
    uint64_t known_tick_end; /* ticks before it are known: blocks came or a queue closed them */
    uint64_t ending_end;     /* ticks before it end soon, or have ended */
    uint64_t cut_tick;
    bool stopping, stopped, more;
    uint32_t ahead_max;
    bool tight;

    struct items items;
    struct input_block *input;
    uint32_t input_free; /* chain */
    uint32_t input_cnt, input_waiting_cnt, refs_cnt, commands_cnt;
    uint64_t seq, order, stale;

    struct action *action; /* of this step */
    uint32_t actions_cnt, actions_max;
    struct block_ref *scratch; /* lists that the actions of this step point to */
    uint32_t scratch_cnt, scratch_max;
};

static inline struct interval *job_interval(struct sched *s, struct sched_job_state *j,
                                            uint64_t pos)
{
    return &j->ring[pos % s->ring_cnt];
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* ---- act.c: actions and commands go out ---- */

struct action *act(struct sched *s, enum action_kind kind);
struct block_ref *act_scratch(struct sched *s, uint32_t cnt);
struct slot *act_command(struct sched *s, uint32_t worker, struct sched_job_state *j, uint64_t pos,
                         enum cmd_kind kind);
/* act_release_list lets the blocks of a list go that a job's interval does not need any more. */
void act_release_list(struct sched *s, struct list *l);

/* ---- input.c: blocks and closes of queues ---- */

void input_block(struct sched *s, const struct event *e);
void input_closed(struct sched *s, const struct event *e);
void input_skip(struct sched *s, uint64_t tick);
void input_stop(struct sched *s, const struct event *e);
uint64_t input_source_open(const struct sched *s, uint32_t source);
/* input_read: one reader has mapped a block; input_drop: it holds it no more. */
void input_read(struct sched *s, uint32_t input);
void input_drop(struct sched *s, uint32_t input);

/* ---- maptask.c: source stages ---- */

/* maptask_close: the input of a source stage has ended for an interval. */
void maptask_close(struct sched *s, struct reader *r, uint64_t pos);
void maptask_flush(struct sched *s, struct maptask *t);
/* maptask_feed_one gives the most urgent block to the worker with the least to map. */
bool maptask_feed_one(struct sched *s);
/* maptask_end_one ends a task whose interval ends soon and whose worker has nothing else to do. */
bool maptask_end_one(struct sched *s);
void maptask_done(struct sched *s, struct slot *c, bool lost);

/* ---- group.c: partitions of exchanges ---- */

/* group_try queues what a group has to do next, if anything. */
void group_try(struct sched *s, struct group *g);
void group_give(struct sched *s, struct group *g);
void group_add(struct sched *s, struct sched_job_state *j, uint64_t pos,
               const struct shuffle_ref *ref);
void group_done(struct sched *s, struct slot *c, bool lost);

/* ---- interval.c: from open to done ---- */

/* stage_ended: everything that a stage writes in an interval is known. */
/* stage_lost: what the stage writes in this interval lacks records. */
void stage_lost(struct sched_job_state *j, struct interval *iv, uint32_t stage);
void stage_ended(struct sched *s, struct sched_job_state *j, uint64_t pos, uint32_t stage);
/* job_progress opens intervals, lets outputs leave and retires what is done. */
void job_progress(struct sched *s, struct sched_job_state *j);
void job_release_kept(struct sched *s, struct sched_job_state *j);
/* job_ahead_room: one more command that lies ahead, beyond the oldest interval of its job, may go
 * out (sched_memory). */
bool job_ahead_room(const struct sched *s);
/* job_unopened: intervals that are known up to `end` but not open yet. */
uint64_t job_unopened(const struct sched *s, const struct sched_job_state *j, uint64_t end);

#endif
