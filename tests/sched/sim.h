#ifndef TESTS_SCHED_SIM_H
#define TESTS_SCHED_SIM_H

// A world for the scheduler: queues that seal blocks and close ticks, workers that carry out
// commands with random delays, sinks that take outputs; all from one seed. It keeps its own naive
// account of every block, task, group and interval, and checks each action against it.

#include <stdbool.h>
#include <stdint.h>

#include "sched/sched.h"
#include "tests/prng.h"

#define SIM_BLOCKS_MAX    20000
#define SIM_TICKS_MAX     512
#define SIM_INTERVALS_MAX SIM_TICKS_MAX
#define SIM_JOBS_MAX      4
#define SIM_SOURCES_MAX   3
#define SIM_PARTITIONS    8

// A plan made by hand: its stages and exchanges are stored beside it.
struct sim_plan {
    struct plan plan;
    struct stage stage[16];
    struct exchange exchange[8];
};

void sim_plan_random(struct sim_plan *p, struct prng *r, uint32_t sources_cnt);
// source stage -> exchange (slide) -> output 0
void sim_plan_simple(struct sim_plan *p, uint64_t slide);
// source stage -> output 0
void sim_plan_grep(struct sim_plan *p);

enum sim_block_kind { SIM_INPUT, SIM_SHUFFLE, SIM_OUT };

struct sim_block {
    enum sim_block_kind kind;
    uint32_t source;   // input
    uint64_t tick;     // input
    bool late;         // input: it came after the stop
    uint32_t job;      // the others
    uint64_t interval; // the others
    uint32_t exchange, partition, output;
    uint32_t fed[SIM_JOBS_MAX]; // input: bit s: carried out for stage s
    bool merged, left, released;
    uint32_t readers_out; // commands given and not answered that read it
};

struct sim_task { // of one stage of one job at one worker
    bool open;
    uint64_t interval;
    uint32_t number, cnt;
    uint32_t block[SCHED_TASK_BLOCKS_MAX];
};

struct sim_interval {
    uint32_t tasks_out[16];  // by stage: tasks begun and not flushed (answered)
    uint32_t feeds_out[16];  // FEEDs given and not answered
    uint32_t tasks_cnt[16];  // tasks begun
    uint64_t closed[8];      // by exchange: partitions closed, as bits; carried out
    uint64_t closed_done[8]; // answered
    bool lost[8];            // by exchange: a CLOSE said so
    bool stage_lost[16];     // a FEED or FLUSH did
    uint64_t outputs_left;
    bool done;
};

struct sim_job {
    uint64_t ratio;
    const struct plan *plan;
    bool map_at_boundary;
    uint64_t next_done;    // interval expected next
    uint64_t done_cnt;     // intervals done
    uint64_t out_interval; // next output expected
    uint32_t out_output;
    uint64_t done_at[SIM_INTERVALS_MAX]; // done_cnt when it was done
    struct sim_interval interval[SIM_INTERVALS_MAX];
    struct sim_task task[16][SCHED_WORKERS_MAX];
    uint32_t lineage[16][SCHED_WORKERS_MAX]; // tasks whose lineage came before their FLUSH
};

struct sim_worker {
    struct cmd queue[SCHED_CREDITS + 1]; // given, not carried out
    uint32_t queue_cnt;
    struct sim_answer {
        struct cmd cmd;
        uint32_t shuffle_cnt, out_cnt;
        struct shuffle_ref shuffle[16];
        struct out_ref out[8];
        bool lost;
    } answer[SCHED_CREDITS + 1]; // carried out, not answered
    uint32_t answers_cnt;
};

struct sim {
    struct prng prng;
    struct sched_conf conf;
    struct sched *s;
    uint32_t source_of_queue[SCHED_QUEUES_MAX];
    uint64_t open[SCHED_QUEUES_MAX]; // first tick not closed
    bool skipped[SIM_TICKS_MAX];
    uint64_t known_end;
    bool stopping, stopped;
    uint64_t cut_tick;
    uint32_t blocks_cnt;
    struct sim_block block[SIM_BLOCKS_MAX];
    struct sim_job job[SIM_JOBS_MAX];
    struct sim_worker worker[SCHED_WORKERS_MAX];
    uint32_t shuffle_percent, lost_percent, overtake_percent; // of answers
    uint32_t ahead_max;                                       // of sched_memory
    bool tight;
    char log[SIM_JOBS_MAX][4096]; // outputs and intervals as they leave: "3.0 3 ", ! when cut short
    char given[512]; // commands as they are given: "F0 " FEED, "E0 " FLUSH, M, C, with the interval
    char why[256];   // the first thing that was wrong; "" if nothing
};

// sim_new makes a world over conf; keep it off the stack.
struct sim *sim_new(const struct sched_conf *conf, uint64_t seed);
void sim_free(struct sim *m);
void sim_fail(struct sim *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

// Events.
uint32_t sim_block(struct sim *m, uint32_t queue, uint64_t tick);
void sim_close(struct sim *m, uint32_t queue, uint64_t tick);
void sim_skip(struct sim *m, uint64_t tick);
void sim_ending(struct sim *m, uint64_t tick);
void sim_stop(struct sim *m, uint64_t tick, uint64_t cut_tick);
void sim_stale(struct sim *m);
void sim_memory(struct sim *m, uint32_t ahead_max, bool tight);
// One worker does one thing; false when all are idle.
bool sim_work(struct sim *m);
void sim_drain(struct sim *m);
// What must hold when the run has stopped.
void sim_check_end(struct sim *m);

// sim_check.c: is this action right?
void sim_check(struct sim *m, const struct action *a);
// Is nothing held that must have been let go?
void sim_check_held(struct sim *m);
bool sim_expected(const struct sim *m, const struct sim_job *j, uint64_t interval);
bool sim_input_ended(const struct sim *m, const struct sim_job *j, uint32_t job_idx, uint32_t stage,
                     uint64_t interval);
bool sim_stage_ended(const struct sim *m, uint32_t job_idx, uint32_t stage, uint64_t interval);

#endif
