#include "perf/crew.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <time.h>

#include "base/assert.h"

struct member {
    pthread_t thread;
    pthread_cond_t begin;
    bool has_work;
    double busy_s;
};

static struct crew {
    pthread_mutex_t lock;
    pthread_cond_t end;
    void (*work)(void *ctx, uint32_t lcore);
    void *ctx;
    uint32_t running, started;
    struct member member[CREW_MAX];
} crew = {.lock = PTHREAD_MUTEX_INITIALIZER, .end = PTHREAD_COND_INITIALIZER};

static double now_s(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The cpus that the program may use; read once, before anything is tied. */
static const cpu_set_t *allowed(void)
{
    static cpu_set_t set;
    static bool known;

    if (!known)
        MR_ASSERT(sched_getaffinity(0, sizeof set, &set) == 0);
    known = true;
    return &set;
}

uint32_t crew_cpus(void)
{
    uint32_t cnt = (uint32_t)CPU_COUNT(allowed());

    return cnt < CREW_MAX ? cnt : CREW_MAX;
}

uint32_t crew_cpu(uint32_t lcore)
{
    for (uint32_t cpu = CPU_SETSIZE; cpu-- > 0;)
        if (CPU_ISSET(cpu, allowed()) && lcore-- == 0)
            return cpu;
    return UINT32_MAX;
}

static void tie(uint32_t lcore)
{
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(crew_cpu(lcore), &one);
    MR_ASSERT(pthread_setaffinity_np(pthread_self(), sizeof one, &one) == 0);
}

static void do_work(uint32_t lcore)
{
    double from = now_s(CLOCK_THREAD_CPUTIME_ID);

    crew.work(crew.ctx, lcore);
    crew.member[lcore].busy_s = now_s(CLOCK_THREAD_CPUTIME_ID) - from;
}

static void *member_main(void *arg)
{
    struct member *m = arg;
    uint32_t lcore = (uint32_t)(m - crew.member);

    tie(lcore);
    pthread_mutex_lock(&crew.lock);
    for (;;) {
        while (!m->has_work)
            pthread_cond_wait(&m->begin, &crew.lock);
        m->has_work = false;
        pthread_mutex_unlock(&crew.lock);
        do_work(lcore);
        pthread_mutex_lock(&crew.lock);
        if (--crew.running == 0)
            pthread_cond_signal(&crew.end);
    }
    return NULL;
}

static void start(uint32_t cnt)
{
    MR_ASSERT(cnt <= crew_cpus());
    for (; crew.started < cnt; crew.started++) {
        struct member *m = &crew.member[crew.started];
        if (crew.started == 0) {
            tie(0);
            continue;
        }
        MR_ASSERT(pthread_cond_init(&m->begin, NULL) == 0);
        MR_ASSERT(pthread_create(&m->thread, NULL, member_main, m) == 0);
    }
}

void crew_phase(uint32_t cnt, void (*work)(void *ctx, uint32_t lcore), void *ctx, struct took *t)
{
    double longest_s = 0, from = now_s(CLOCK_MONOTONIC);

    start(cnt);
    crew.work = work;
    crew.ctx = ctx;
    pthread_mutex_lock(&crew.lock);
    crew.running = cnt - 1;
    for (uint32_t i = 1; i < cnt; i++) {
        crew.member[i].has_work = true;
        pthread_cond_signal(&crew.member[i].begin);
    }
    pthread_mutex_unlock(&crew.lock);
    do_work(0);
    pthread_mutex_lock(&crew.lock);
    while (crew.running)
        pthread_cond_wait(&crew.end, &crew.lock);
    pthread_mutex_unlock(&crew.lock);
    for (uint32_t i = 0; i < cnt; i++)
        longest_s = crew.member[i].busy_s > longest_s ? crew.member[i].busy_s : longest_s;
    t->busy_s += longest_s;
    t->wall_s += now_s(CLOCK_MONOTONIC) - from;
}
