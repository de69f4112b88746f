/*
 * When the result of each interval has come: reads rows (jsonl) from standard input until its end,
 * notes the wall clock after each read, and then prints "interval ns" for each interval: the moment
 * at which its last row had come.
 *
 * It is the measuring end of perf/latency.py, so it does little while it measures, and takes the
 * CPU at once when rows are there, where it may (SCHED_FIFO): what is measured is when they leave
 * the appliance, not when a reader gets its turn beside lcores that never sleep. One interval of 20
 * rows costs it 5 us or so.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PRIORITY  50 /* above `chrt -r 5` */
#define ROOM      65536u
#define FIRST_MAX 65536u

static const char begin[] = "{\"interval\": ";

struct arrival {
    unsigned long long interval, ns;
};

struct arrivals {
    struct arrival *at;
    size_t cnt, max;
};

static unsigned long long now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (unsigned long long)t.tv_sec * 1000000000u + (unsigned long long)t.tv_nsec;
}

static void came(struct arrivals *a, unsigned long long interval, unsigned long long ns)
{
    if (a->cnt && a->at[a->cnt - 1].interval == interval) {
        a->at[a->cnt - 1].ns = ns;
        return;
    }
    if (a->cnt == a->max) {
        a->max = a->max ? 2 * a->max : FIRST_MAX;
        a->at = realloc(a->at, a->max * sizeof *a->at);
        if (!a->at)
            abort();
    }
    a->at[a->cnt++] = (struct arrival){interval, ns};
}

/* The lines of text that have come whole; how many bytes they are. */
static size_t take_lines(struct arrivals *a, char *text, size_t bytes, unsigned long long ns)
{
    size_t at = 0;

    for (char *end; (end = memchr(text + at, '\n', bytes - at)); at = (size_t)(end - text) + 1) {
        *end = '\0';
        if (!strncmp(text + at, begin, sizeof begin - 1))
            came(a, strtoull(text + at + sizeof begin - 1, NULL, 10), ns);
    }
    return at;
}

int main(void)
{
    static char text[ROOM];
    struct arrivals a = {0};
    size_t have = 0;
    ssize_t n;

    sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = PRIORITY});
    while ((n = read(STDIN_FILENO, text + have, ROOM - have)) > 0) {
        unsigned long long ns = now_ns();

        have += (size_t)n;
        size_t used = take_lines(&a, text, have, ns);
        have -= used;
        memmove(text, text + used, have);
        if (have == ROOM) /* a line without an end is none of ours */
            have = 0;
    }
    for (size_t i = 0; i < a.cnt; i++)
        printf("%llu %llu\n", a.at[i].interval, a.at[i].ns);
    free(a.at);
    return n < 0;
}
