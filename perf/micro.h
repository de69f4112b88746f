/* What the micro benchmarks share. */
#ifndef PERF_MICRO_H
#define PERF_MICRO_H

#include <stdbool.h>
#include <string.h>
#include <time.h>

/* now_ns: CPU time of this thread. */
static inline double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* wanted: is it among the arguments? Without arguments all are. */
static inline bool wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], name))
            return true;
    return argc == 1;
}

#endif
