/*
 * The I/O thread: what takes time and system calls, off the lcores.
 *
 * A writer is one thread with a bounded queue of work, done in order:
 *
 *   control core --writer_try_push--> queue --I/O thread--> done --writer_poll_done--> control core
 *
 * Work is an RDD for a sink (the thread sorts its rows, takes their digest and writes them) or a
 * call (a stats line, a block to record). Neither end waits for the other: when the queue is
 * full, or the lock is held just now, writer_try_push returns false and the control core comes
 * back in its next turn. What was pushed belongs to the writer until it comes back as done, with
 * what became of it. The queue counts what is not yet fetched, so the thread always has room to
 * put what it has done.
 *
 * A sink belongs to one writer, and so do all sinks that share a screen. The thread takes no
 * signals: they are for the main thread, and a closed pipe or a size limit is an error of the
 * write.
 */
#ifndef IO_WRITER_H
#define IO_WRITER_H

#include <sched.h>

#include "io/sink.h"

struct writer;

struct writer_work {
    /* An RDD for a sink: both set, or ... */
    struct sink *sink;
    struct out_rdd *rdd;
    /* ... a call. It returns 0, or -errno with a sentence in err. */
    int (*call)(void *arg, struct strbuf *err);
    void *arg;
};

struct writer_done {
    struct writer_work work;
    int err;         /* 0, or -errno: this RDD or call is lost */
    uint64_t digest; /* of an RDD, whether or not it could be written */
    uint32_t rows_cnt;
    char error[SINK_ERROR_BYTES];
};

struct writer_conf {
    uint32_t queue_cnt;    /* how much work may be under way, 1 or more */
    struct screen *screen; /* drawn when there is nothing else to do; may be NULL */
    const cpu_set_t *cpus; /* that the thread may use; NULL: those of the thread that opens it */
};

/* writer_open starts the thread. NULL when there is no memory or no thread. */
struct writer *writer_open(const struct writer_conf *conf);
/* writer_try_push takes over `work`; false: not now. */
bool writer_try_push(struct writer *w, const struct writer_work *work);
/* writer_poll_done gives back one piece of work, in the order of pushing; false: none now. */
bool writer_poll_done(struct writer *w, struct writer_done *done);
/* writer_backlog: how much work is pushed and not yet done. */
uint32_t writer_backlog(const struct writer *w);
/* writer_stop lets the thread do what is queued and end, and waits for it, at most timeout_ns.
 * Returns 0; writer_poll_done then gives back the rest. Or -ETIMEDOUT: the thread is stuck in a
 * write. writer_stop may be called again; until it returns 0 the writer and its sinks stay. */
int writer_stop(struct writer *w, uint64_t timeout_ns);
/* writer_free: after writer_stop returned 0. The sinks are the caller's to close. */
void writer_free(struct writer *w);

#endif
