#include "perf/port_sample.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool read_line(int tid, const char *file, char *line, size_t bytes)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/self/task/%d/%s", tid, file);
    FILE *f = fopen(path, "r");
    bool got = f && fgets(line, (int)bytes, f);
    if (f)
        fclose(f);
    return got;
}

static void look_at_threads(struct port_moment *m)
{
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *e;
    char line[64];

    while (tasks && (e = readdir(tasks)) && m->threads_cnt < LCORES_MAX) {
        int tid = (int)strtol(e->d_name, NULL, 10);
        if (tid <= 0 || !read_line(tid, "comm", line, sizeof line))
            continue;
        if (tid != getpid() && !strstr(line, "-worker-")) /* of EAL: rte-worker-1 */
            continue;
        if (!read_line(tid, "schedstat", line, sizeof line))
            continue;
        m->tid[m->threads_cnt] = tid;
        m->cpu_s[m->threads_cnt++] = strtod(line, NULL) / 1e9;
    }
    if (tasks)
        closedir(tasks);
}

static void look(struct port_moment *m, const struct port_sample *sample)
{
    const struct node *n = sample->node;
    struct timespec t;

    look_at_threads(m);
    clock_gettime(CLOCK_MONOTONIC, &t);
    m->wall_s = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
    m->written_s =
        (double)atomic_load_explicit(&sample->replay->written_ns, memory_order_relaxed) / 1e9;
    for (uint32_t w = 0; w < n->workers_cnt; w++)
        for (uint32_t s = 0; s < n->job[0].job->sources_cnt; s++)
            m->records +=
                __atomic_load_n(&n->worker[w].runner[0]->counters[s].offered, __ATOMIC_RELAXED);
}

static void sleep_s(double s)
{
    struct timespec t = {.tv_sec = (time_t)s};

    t.tv_nsec = (long)((s - (double)t.tv_sec) * 1e9);
    nanosleep(&t, NULL);
}

static void *sample(void *ctx)
{
    struct port_sample *s = ctx;

    sleep_s(s->from_s);
    look(&s->begin, s);
    sleep_s(s->for_s);
    look(&s->end, s);
    return NULL;
}

int port_sample_start(struct port_sample *s, const struct node *n, const struct replay *r,
                      double from_s, double for_s)
{
    *s = (struct port_sample){.node = n, .replay = r, .from_s = from_s, .for_s = for_s};
    return -pthread_create(&s->thread, NULL, sample, s);
}

void port_sample_wait(struct port_sample *s)
{
    pthread_join(s->thread, NULL);
}

double port_sample_worker(const struct port_sample *s)
{
    double most[2] = {0, 0}; /* of the main lcore, of the others */

    for (uint32_t i = 0; i < s->begin.threads_cnt; i++)
        for (uint32_t k = 0; k < s->end.threads_cnt; k++) {
            double *of = &most[s->begin.tid[i] != getpid()];
            double took = s->end.cpu_s[k] - s->begin.cpu_s[i];

            if (s->begin.tid[i] == s->end.tid[k] && took > *of)
                *of = took;
        }
    return s->end.threads_cnt > 1 ? most[1] : most[0] - (s->end.written_s - s->begin.written_s);
}
