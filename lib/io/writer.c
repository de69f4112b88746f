#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "io/prompt.h"
#include "io/writer.h"

struct writer {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;  /* work or stop, for the thread */
    pthread_cond_t ended; /* for writer_stop */
    bool stop, has_ended;
    struct screen *screen;
    _Atomic uint32_t backlog;
    /* One ring serves as both queues. Positions count up, taken modulo room: work in
     * [did, pushed), done in [fetched, did). */
    uint32_t room;
    uint64_t pushed, did, fetched;
    struct writer_done *slot;
    /* the thread's own */
    struct out_rows rows;
    struct strbuf err;
};

static void run_call(struct writer *w, struct writer_done *d)
{
    strbuf_clear(&w->err);
    d->err = d->work.call(d->work.arg, &w->err);
    if (d->err)
        snprintf(d->error, sizeof d->error, "%s", w->err.s ? w->err.s : "");
}

static void run_rdd(struct writer *w, struct writer_done *d)
{
    struct sink *sink = d->work.sink;

    d->err = out_rows_sort(&w->rows, d->work.rdd);
    if (d->err) {
        snprintf(d->error, sizeof d->error, "sink '%s': no memory to sort the rows of '%s'",
                 sink->conf.name, d->work.rdd->stream->name);
        return;
    }
    d->rows_cnt = w->rows.cnt;
    d->digest = out_rows_digest(&w->rows);
    d->err = sink_write(sink, d->work.rdd, &w->rows);
    if (d->err)
        memcpy(d->error, sink->error, sizeof d->error);
}

/* Waits for work; false when all is done and the writer is to stop. Holds the lock. */
static bool wait_for_work(struct writer *w)
{
    while (w->did == w->pushed) {
        if (w->screen && w->screen->dirty) {
            struct timespec soon;

            pthread_mutex_unlock(&w->lock);
            screen_draw(w->screen, false);
            clock_gettime(CLOCK_MONOTONIC, &soon);
            soon.tv_nsec += SCREEN_DRAW_NS / 4;
            soon.tv_sec += soon.tv_nsec / 1000000000;
            soon.tv_nsec %= 1000000000;
            pthread_mutex_lock(&w->lock);
            if (w->did == w->pushed && !w->stop && w->screen->dirty)
                pthread_cond_timedwait(&w->more, &w->lock, &soon);
        } else if (!w->stop) {
            pthread_cond_wait(&w->more, &w->lock);
        }
        if (w->did == w->pushed && w->stop)
            return false;
    }
    return true;
}

static void *writer_thread(void *arg)
{
    struct writer *w = arg;

    prompt_thread();
    pthread_mutex_lock(&w->lock);
    while (wait_for_work(w)) {
        struct writer_done *d = &w->slot[w->did % w->room];

        pthread_mutex_unlock(&w->lock);
        if (d->work.rdd)
            run_rdd(w, d);
        else
            run_call(w, d);
        if (w->screen)
            screen_draw(w->screen, false);
        pthread_mutex_lock(&w->lock);
        w->did++;
        atomic_fetch_sub_explicit(&w->backlog, 1, memory_order_relaxed);
    }
    w->has_ended = true;
    pthread_cond_signal(&w->ended);
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static int start_thread(struct writer *w, const cpu_set_t *cpus)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&w->thread, NULL, writer_thread, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!rc && cpus)
        pthread_setaffinity_np(w->thread, sizeof *cpus, cpus);
    return rc;
}

struct writer *writer_open(const struct writer_conf *conf)
{
    struct writer *w = calloc(1, sizeof *w);
    pthread_condattr_t attr;

    MR_ASSERT(conf->queue_cnt >= 1);
    if (!w)
        return NULL;
    w->screen = conf->screen;
    w->room = conf->queue_cnt;
    w->slot = calloc(w->room, sizeof *w->slot);
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->more, &attr);
    pthread_cond_init(&w->ended, &attr);
    pthread_condattr_destroy(&attr);
    if (!w->slot || start_thread(w, conf->cpus)) {
        writer_free(w);
        return NULL;
    }
    return w;
}

bool writer_try_push(struct writer *w, const struct writer_work *work)
{
    MR_ASSERT((work->sink && work->rdd) || (work->call && !work->rdd));
    if (pthread_mutex_trylock(&w->lock))
        return false;
    bool fits = w->pushed - w->fetched < w->room && !w->stop;
    if (fits) {
        struct writer_done *d = &w->slot[w->pushed++ % w->room];
        memset(d, 0, sizeof *d);
        d->work = *work;
        atomic_fetch_add_explicit(&w->backlog, 1, memory_order_relaxed);
        pthread_cond_signal(&w->more);
    }
    pthread_mutex_unlock(&w->lock);
    return fits;
}

bool writer_poll_done(struct writer *w, struct writer_done *done)
{
    if (pthread_mutex_trylock(&w->lock))
        return false;
    bool some = w->fetched < w->did;
    if (some)
        *done = w->slot[w->fetched++ % w->room];
    pthread_mutex_unlock(&w->lock);
    return some;
}

uint32_t writer_backlog(const struct writer *w)
{
    return atomic_load_explicit(&w->backlog, memory_order_relaxed);
}

int writer_stop(struct writer *w, uint64_t timeout_ns)
{
    struct timespec until;
    int rc = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    timeout_ns += (uint64_t)until.tv_nsec;
    until.tv_sec += (time_t)(timeout_ns / 1000000000);
    until.tv_nsec = (long)(timeout_ns % 1000000000);
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->more);
    while (!w->has_ended && rc == 0)
        rc = pthread_cond_timedwait(&w->ended, &w->lock, &until);
    bool ended = w->has_ended;
    pthread_mutex_unlock(&w->lock);
    if (!ended)
        return -ETIMEDOUT;
    pthread_join(w->thread, NULL);
    return 0;
}

void writer_free(struct writer *w)
{
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->more);
    pthread_cond_destroy(&w->ended);
    out_rows_release(&w->rows);
    strbuf_release(&w->err);
    free(w->slot);
    free(w);
}
