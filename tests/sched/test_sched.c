// The scheduler in a simulated world: thousands of random runs, and tables written by hand.

#include "tests/sched/sim.h"
#include "tests/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct world {
    struct sched_conf conf;
    struct sim_plan plan[SIM_JOBS_MAX];
};

static void random_world(struct world *w, struct prng *r)
{
    uint32_t sources_cnt = 1 + (uint32_t)prng_below(r, SIM_SOURCES_MAX);
    memset(w, 0, sizeof *w);
    w->conf = (struct sched_conf){.workers_cnt = 1 + (uint32_t)prng_below(r, 4),
                                  .jobs_cnt = 1 + (uint32_t)prng_below(r, 3),
                                  .first_tick = prng_below(r, 20),
                                  .keep = prng_chance(r, 50) ? 0 : 1 + prng_below(r, 4),
                                  .intervals_max = 2 + (uint32_t)prng_below(r, 3),
                                  .blocks_max = 4000,
                                  .refs_max = 8000};
    for (uint32_t s = 0; s < sources_cnt; s++)
        for (uint64_t n = 1 + prng_below(r, 2); n > 0; n--)
            w->conf.queue[w->conf.queues_cnt++].source = s;
    for (uint32_t i = 0; i < w->conf.jobs_cnt; i++) {
        uint32_t n = 1 + (uint32_t)prng_below(r, sources_cnt);
        uint32_t shift = (uint32_t)prng_below(r, sources_cnt);
        sim_plan_random(&w->plan[i], r, n);
        w->conf.job[i] = (struct sched_job){.plan = &w->plan[i].plan,
                                            .ratio = 1 + prng_below(r, 3),
                                            .map_at_boundary = prng_chance(r, 25)};
        for (uint32_t s = 0; s < n; s++)
            w->conf.job[i].source[s] = (s + shift) % sources_cnt;
    }
}

// All queues have closed the same tick.
static bool even(const struct sim *m)
{
    for (uint32_t q = 0; q < m->conf.queues_cnt; q++)
        if (m->open[q] != m->known_end)
            return false;
    return true;
}

static void queue_event(struct sim *m, uint64_t last_tick)
{
    struct prng *r = &m->prng;
    uint32_t q = (uint32_t)prng_below(r, m->conf.queues_cnt);
    uint64_t slowest = UINT64_MAX;
    for (uint32_t i = 0; i < m->conf.queues_cnt; i++)
        slowest = m->open[i] < slowest ? m->open[i] : slowest;
    if (even(m) && prng_chance(r, 20) && m->known_end + 12 < last_tick) {
        sim_skip(m, m->known_end + prng_below(r, 10));
        return;
    }
    if (m->open[q] > last_tick || m->open[q] > slowest + 8)
        return;
    if (prng_chance(r, 60))
        sim_block(m, q, m->open[q]);
    else
        sim_close(m, q, m->open[q] + (prng_chance(r, 10) ? prng_below(r, 3) : 0));
}

static bool all_closed(const struct sim *m, uint64_t last_tick)
{
    for (uint32_t q = 0; q < m->conf.queues_cnt; q++)
        if (m->open[q] <= last_tick)
            return false;
    return true;
}

static void random_run(struct sim *m, uint64_t last_tick, unsigned work_percent)
{
    struct prng *r = &m->prng;
    for (uint32_t i = 0; i < 3000 && !m->why[0] && !all_closed(m, last_tick); i++) {
        struct sched_view v;
        sched_look(m->s, &v);
        if ((v.backlogged && prng_chance(r, 90)) || prng_chance(r, work_percent))
            sim_work(m);
        else if (prng_chance(r, 2))
            sim_stale(m);
        else if (prng_chance(r, 4))
            sim_ending(m, m->known_end + prng_below(r, 2));
        else if (prng_chance(r, 4))
            sim_memory(m, prng_chance(r, 30) ? UINT32_MAX : (uint32_t)prng_below(r, 3),
                       prng_chance(r, 30));
        else
            queue_event(m, last_tick);
    }
    if (m->why[0])
        return;
    uint64_t last = m->known_end ? m->known_end - 1 : 0;
    if (m->known_end == m->conf.first_tick)
        last = m->conf.first_tick ? m->conf.first_tick - 1 : last;
    sim_stop(m, last, prng_chance(r, 50) ? UINT64_MAX : last + prng_below(r, 2));
    if (prng_chance(r, 30))
        sim_block(m, 0, last + 1);
    sim_drain(m);
    sim_check_end(m);
}

static bool random_seed(uint64_t seed, char *why, size_t why_bytes)
{
    static struct world w;
    struct prng r = prng_of(seed);
    random_world(&w, &r);
    struct sim *m = sim_new(&w.conf, prng_u64(&r));
    m->lost_percent = prng_chance(&r, 30) ? 5 : 0;
    m->overtake_percent = prng_chance(&r, 30) ? 30 : 0;
    m->shuffle_percent = 20 + (uint32_t)prng_below(&r, 40);
    random_run(m, w.conf.first_tick + 2 + prng_below(&r, 25), 40 + (unsigned)prng_below(&r, 55));
    bool good = !m->why[0];
    if (!good)
        snprintf(why, why_bytes, "seed %" PRIu64 ": %s", seed, m->why);
    sim_free(m);
    return good;
}

TEST(sched, random_runs_keep_every_invariant)
{
    char why[320];
    uint64_t first = prng_seed(1);
    uint32_t runs_cnt = getenv("SEED") ? 1 : 2000, bad_cnt = 0;
    for (uint64_t seed = first; seed < first + runs_cnt && bad_cnt < 5; seed++)
        if (!random_seed(seed, why, sizeof why)) {
            TEST_FAIL(why);
            bad_cnt++;
        }
}

// Runs written by hand. A script is a row of words, one event each:
//   bQ      a block of queue Q, of its open tick        bQ*N     N of them
//   cQ      queue Q closes its open tick                cQ:T     it closes tick T
//   w       the workers do everything that they have    sT       a gap up to tick T
//   eT      the input ends after tick T                 xT       stopped at once, in tick T
//   nT      tick T ends soon
// and the log is what leaves of a job: INTERVAL.OUTPUT, INTERVAL when it is done; ! when cut short.
struct script {
    const char *name;
    uint64_t slide, ratio[2]; // of up to two jobs; slide 0: a grep, without an exchange
    uint32_t queues_cnt;      // of the one source
    uint64_t first_tick;
    const char *events, *log[2]; // by job
};

// clang-format off
static const struct script scripts[] = {
    {"one interval", 1, {1}, 1, 0,
     "b0 b0 c0 w e0 w", {"0.0 0 "}},
    {"an interval without input", 1, {1}, 1, 7,
     "c0 w e7 w", {"7.0 7 "}},
    {"nothing at all", 1, {1}, 1, 7,
     "e6 w", {""}},
    {"a grep", 0, {1}, 1, 0,
     "b0 c0 w b0 c0 w e1 w", {"0.0 0 1.0 1 "}},
    {"two queues: the slower one ends it", 1, {1}, 2, 0,
     "b0 c0 w b0 c0 w b1 c1 w c1 w e1 w", {"0.0 0 1.0 1 "}},
    {"a slide of two", 2, {1}, 1, 0,
     "c0 w b0 c0 w c0 w c0 w e3 w", {"0 1.0 1 2 3.0 3 "}},
    {"a slide of three falls on multiples of three", 3, {1}, 1, 4,
     "c0 c0 c0 c0 c0 w e8 w", {"4 5.0 5 6 7 8.0 8 "}},
    {"several ticks closed at once", 1, {1}, 1, 0,
     "b0 c0:3 w e3 w", {"0.0 0 1.0 1 2.0 2 3.0 3 "}},
    {"many empty intervals closed at once", 0, {40}, 1, 0,
     "c0:400 w e400", {"0.0 1.0 2.0 0 1 2 3.0 4.0 5.0 3 4 5 6.0 7.0 8.0 6 7 8 9.0 9 10.0 10 "}},
    {"two jobs, one twice as long", 1, {1, 2}, 1, 0,
     "b0 c0 w b0 c0 w b0 c0 w b0 c0 w e3 w", {"0.0 0 1.0 1 2.0 2 3.0 3 ", "0.0 0 1.0 1 "}},
    {"a run that starts inside an interval", 1, {3}, 1, 4,
     "b0 c0 b0 c0 w b0 c0 w e6 w", {"1.0 1 2.0 2 "}},
    {"the input ends inside an interval: it is whole", 1, {3}, 1, 0,
     "b0 c0 w e0 w", {"0.0 0 "}},
    {"stopped inside an interval: it is cut short", 1, {3}, 1, 0,
     "b0 c0 w b0 x1 w", {"0.0! 0! "}},
    {"stopped inside a tick: only the last interval is cut", 1, {1}, 1, 0,
     "b0 c0 b0 x1 w", {"0.0 0 1.0! 1! "}},
    {"two jobs stopped: each by its own length", 1, {1, 2}, 1, 0,
     "b0 c0 w b0 c0 w b0 x2 w", {"0.0 0 1.0 1 2.0! 2! ", "0.0 0 1.0! 1! "}},
    {"a gap leaves intervals out", 1, {1}, 1, 0,
     "b0 c0 s5 b0 c0 w e6 w", {"0.0 0 6.0 6 "}},
    {"a gap before everything", 1, {1}, 1, 0,
     "s5 b0 c0 w e6 w", {"6.0 6 "}},
    {"two gaps", 0, {1}, 1, 0,
     "c0 s3 c0 s7 b0 c0 w e8 w", {"0.0 0 4.0 4 8.0 8 "}},
    {"a gap covers the rest of an interval", 1, {4}, 1, 0,
     "b0 c0 s9 b0 c0 w e10 w", {"0.0 0 2.0 2 "}},
    {"a gap too short for an interval", 1, {4}, 1, 0,
     "b0 c0 s4 b0 c0 w e5 w", {"0.0 0 1.0 1 "}},
    {"a gap at the end", 1, {2}, 1, 0,
     "b0 c0 s8 e8 w", {"0.0 0 "}},
    {"a gap while everything is behind", 1, {1}, 1, 0,
     "b0 c0 b0 c0 b0 c0 b0 c0 b0 c0 b0 c0 s9 b0 c0 b0 c0 w e11 w",
     {"0.0 0 1.0 1 2.0 2 3.0 3 4.0 4 5.0 5 10.0 10 11.0 11 "}},
    {"more blocks than a task may have", 1, {1}, 1, 0,
     "b0*300 c0 w e0 w", {"0.0 0 "}},
    {"an end that is near", 1, {1, 2}, 2, 0,
     "b0 w n0 w b0 w n1 b1*70 w c0 c1 w b0 w c0 c1 w e1 w", {"0.0 0 1.0 1 ", "0.0 0 "}},
    {"blocks of intervals far ahead", 1, {1}, 2, 0,
     "b0 c0 b0 c0 b0 c0 b0 c0 b0 c0 b0 c0 w b1 c1:5 w e5 w",
     {"0.0 0 1.0 1 2.0 2 3.0 3 4.0 4 5.0 5 "}},
};
// clang-format on

static void play_word(struct sim *m, const char *word)
{
    char *end;
    uint64_t a = strtoull(word + 1, &end, 10),
             n = *end == ':' || *end == '*' ? strtoull(end + 1, NULL, 10) : 0;
    switch (word[0]) {
    case 'b':
        for (uint64_t i = 0; i < (n ? n : 1); i++)
            sim_block(m, (uint32_t)a, m->open[a]);
        break;
    case 'c': sim_close(m, (uint32_t)a, n ? n : m->open[a]); break;
    case 'w': sim_drain(m); break;
    case 's': sim_skip(m, a); break;
    case 'n': sim_ending(m, a); break;
    case 'e': sim_stop(m, a, UINT64_MAX); break;
    default: sim_stop(m, a, a); break;
    }
}

static void play(const struct script *sc, bool map_at_boundary, uint32_t workers_cnt)
{
    struct sim_plan plan;
    struct sched_conf conf = {.workers_cnt = workers_cnt,
                              .queues_cnt = sc->queues_cnt,
                              .jobs_cnt = sc->ratio[1] ? 2 : 1,
                              .first_tick = sc->first_tick,
                              .intervals_max = 2,
                              .blocks_max = 1000,
                              .refs_max = 4000};
    if (sc->slide)
        sim_plan_simple(&plan, sc->slide);
    else
        sim_plan_grep(&plan);
    for (uint32_t i = 0; i < conf.jobs_cnt; i++)
        conf.job[i] = (struct sched_job){
            .plan = &plan.plan, .ratio = sc->ratio[i], .map_at_boundary = map_at_boundary};

    struct sim *m = sim_new(&conf, 1);
    for (const char *w = sc->events; *w && !m->why[0]; w += strcspn(w, " "), w += *w == ' ')
        play_word(m, w);
    sim_check_end(m);
    for (uint32_t i = 0; i < conf.jobs_cnt; i++)
        if (m->why[0] || strcmp(m->log[i], sc->log[i]) != 0) {
            char why[900];
            snprintf(why, sizeof why, "%s: %s; log is '%.300s', expected '%.300s'", sc->name,
                     m->why, m->log[i], sc->log[i]);
            TEST_FAIL(why);
        }
    sim_free(m);
}

TEST(sched, runs_written_by_hand)
{
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
        for (uint32_t workers_cnt = 1; workers_cnt <= 3; workers_cnt++)
            for (int at_boundary = 0; at_boundary < 2; at_boundary++)
                play(&scripts[i], at_boundary, workers_cnt);
}

static struct sim *simple_world(struct sim_plan *plan, uint32_t refs_max, uint32_t source2)
{
    struct sched_conf conf = {.workers_cnt = 1,
                              .queues_cnt = 2,
                              .queue = {{0}, {source2}},
                              .jobs_cnt = 1,
                              .job = {{.plan = &plan->plan, .ratio = 1}},
                              .intervals_max = 2,
                              .blocks_max = 1000,
                              .refs_max = refs_max};
    sim_plan_simple(plan, 1);
    return sim_new(&conf, 1);
}

static void end_world(struct sim *m)
{
    sim_drain(m);
    sim_stop(m, m->known_end - 1, UINT64_MAX);
    sim_drain(m);
    sim_check_end(m);
    EXPECT_EQ_STR(m->why, "");
    sim_free(m);
}

TEST(sched, closes_go_before_maps_and_older_intervals_first)
{
    struct sim_plan plan;
    struct sim *m = simple_world(&plan, 1000, 1);
    m->shuffle_percent = 0;
    for (uint64_t tick = 0; tick < 2; tick++) {
        for (int i = 0; i < 5; i++)
            sim_block(m, 0, tick);
        sim_close(m, 0, tick);
    }
    sim_drain(m);
    EXPECT_EQ_STR(m->given, "F0 F0 F0 F0 F0 E0 F1 F1 F1 C0 C0 C0 C0 F1 F1 E1 C1 C1 C1 C1 ");
    end_world(m);
}

// The result of what has ended does not come behind a block of the next interval; where several
// blocks wait, the worker goes on.
TEST(sched, a_result_goes_before_the_next_block)
{
    struct sim_plan plan;
    struct sim *m = simple_world(&plan, 1000, 1);

    m->shuffle_percent = 0;
    sim_block(m, 0, 0);
    sim_close(m, 0, 0);
    sim_block(m, 0, 1);
    EXPECT_EQ_STR(m->given, "F0 E0 ");
    sim_drain(m);
    EXPECT_EQ_STR(m->given, "F0 E0 C0 C0 C0 C0 F1 ");
    sim_close(m, 0, 1);
    sim_block(m, 0, 2);
    sim_block(m, 0, 2);
    EXPECT_EQ_STR(m->given, "F0 E0 C0 C0 C0 C0 F1 E1 F2 ");
    sim_close(m, 0, 2);
    end_world(m);
}

// Shortly before the end of an interval its task ends when there is nothing else to do: not while a
// block waits, and not that of a later interval.
TEST(sched, tasks_end_with_their_last_block_when_the_end_is_near)
{
    struct sim_plan plan;
    struct sim *m = simple_world(&plan, 1000, 1);
    struct sched_view v;

    m->shuffle_percent = 0;
    sched_look(m->s, &v);
    EXPECT(v.hungry);
    sim_block(m, 0, 0);
    sched_look(m->s, &v);
    EXPECT(!v.hungry);
    sim_drain(m);
    EXPECT_EQ_STR(m->given, "F0 ");
    sim_ending(m, 0);
    EXPECT_EQ_STR(m->given, "F0 E0 ");
    sim_drain(m);
    for (int i = 0; i < 5; i++)
        sim_block(m, 0, 0);
    sim_drain(m);
    EXPECT_EQ_STR(m->given, "F0 E0 F0 F0 F0 F0 F0 E0 ");
    sched_look(m->s, &v);
    EXPECT(v.hungry);
    sim_close(m, 0, 0);
    sim_drain(m);
    sim_block(m, 0, 1);
    sim_drain(m);
    EXPECT_EQ_STR(m->given, "F0 E0 F0 F0 F0 F0 F0 E0 C0 C0 C0 C0 F1 ");
    sim_close(m, 0, 1);
    end_world(m);
}

// What has just come is mapped first; what was given to the worker before stays given.
TEST(sched, the_newest_block_of_an_interval_is_mapped_first)
{
    static const uint32_t order[] = {0, 1, 2, 5, 4, 3};
    struct sim_plan plan;
    struct sim *m = simple_world(&plan, 1000, 1);
    const struct sim_task *t = &m->job[0].task[0][0];
    uint32_t first = m->blocks_cnt;

    m->shuffle_percent = 0;
    for (int i = 0; i < 6; i++)
        sim_block(m, 0, 0);
    sim_drain(m);
    EXPECT_EQ_INT(t->cnt, 6);
    for (uint32_t i = 0; i < 6; i++)
        EXPECT_EQ_INT(t->block[i] - first, order[i]);
    sim_close(m, 0, 0);
    end_world(m);
}

// Shuffle blocks of later intervals pile up while a slow queue holds the oldest one open: then only
// the oldest is mapped on, and so always comes to its end.
TEST(sched, shuffle_blocks_are_bounded)
{
    struct sim_plan plan;
    struct sim *m = simple_world(&plan, 200, 0);
    struct sched_view v;
    uint32_t refs_most = 0;
    m->shuffle_percent = 85;
    for (uint64_t tick = 0; tick < 6; tick++) {
        for (int i = 0; i < 50; i++)
            sim_block(m, 0, tick);
        sim_close(m, 0, tick);
    }
    while (!m->why[0] && sim_work(m)) {
        sched_look(m->s, &v);
        refs_most = v.refs_held > refs_most ? v.refs_held : refs_most;
    }
    EXPECT(refs_most > 150);
    sim_close(m, 1, 5);
    end_world(m);
}

TEST(sched, a_backlog_is_shown)
{
    struct sim_plan plan;
    struct sim *m = simple_world(&plan, 1000, 1);
    struct sched_view v;
    for (uint64_t tick = 0; tick < 5; tick++) {
        sim_block(m, 0, tick);
        sim_close(m, 0, tick);
        sched_look(m->s, &v);
        EXPECT_EQ_INT(v.intervals_open, tick + 1);
        EXPECT_EQ_INT(v.blocks_waiting, tick + 1);
        EXPECT_EQ_INT(v.backlogged, tick >= 2);
    }
    sim_drain(m);
    sched_look(m->s, &v);
    EXPECT_EQ_INT(v.intervals_open, 0);
    EXPECT_EQ_INT(v.blocks_held, 0);
    EXPECT(!v.backlogged);
    EXPECT(sched_idle(m->s));
    end_world(m);
}

TEST(sched, blocks_that_no_job_reads_go_at_once)
{
    struct sim_plan plan;
    struct sim *m = simple_world(&plan, 1000, 1);
    uint32_t b = sim_block(m, 1, 0);
    EXPECT(m->block[b].released);
    b = sim_block(m, 0, 0);
    EXPECT(!m->block[b].released);
    end_world(m);
}
