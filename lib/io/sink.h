/*
 * Sinks: where the rows of a job leave the appliance.
 *
 * A sink is an entry of the job file's `sinks:`. It gets one RDD at a time, complete and in its
 * canonical order (order.h), in the order of the program, from the one I/O thread that owns it
 * (writer.h). Opening and announcing the streams happen before the run, on the thread that sets
 * up, so that what cannot work is said before anything starts.
 *
 * Errors are sentences: for the operator, with what to do. A write that fails loses that RDD in
 * this sink, and nothing else: the error is counted, the next RDD is tried again.
 *
 * One sink type, one file, one row of the table in sink.c.
 */
#ifndef IO_SINK_H
#define IO_SINK_H

#include "io/order.h"
#include "io/render.h"
#include "io/screen.h"

#define SINK_ERROR_BYTES 256u

enum sink_rows { SINK_ROWS_TABLE, SINK_ROWS_JSONL, SINK_ROWS_CSV };

/* What the job file says of a sink. Its strings outlive the sink. */
struct sink_conf {
    const char *name; /* the id in the file */
    const char *type; /* "console", "file" */
    enum sink_rows rows;
    const char *path; /* file: folder */
    uint64_t roll_ns; /* file: 0: the interval or 1 s, whichever is longer */
};

struct sink_env {
    bool live;             /* rows come from ports, and will never come again */
    struct screen *screen; /* of console sinks */
};

struct sink {
    const struct sink_ops *ops;
    struct sink_conf conf;
    struct sink_env env;
    char error[SINK_ERROR_BYTES]; /* of the last call that failed */
};

struct sink_ops {
    const char *type;
    size_t bytes; /* of the sink's own struct, which begins with struct sink */
    /* Each returns 0, or -errno with a sentence in s->error. open and stream come first, for
     * every stream that leaves here; close undoes a failed open too. */
    int (*open)(struct sink *s);
    int (*stream)(struct sink *s, const struct out_stream *stream);
    int (*write)(struct sink *s, const struct out_rdd *rdd, const struct out_rows *rows);
    int (*close)(struct sink *s);
};

extern const struct sink_ops sink_console, sink_file;

/* sink_open copies conf; returns NULL with a sentence in err. */
struct sink *sink_open(const struct sink_conf *conf, const struct sink_env *env,
                       struct strbuf *err);
/* sink_stream announces a stream whose RDDs will be written. 0, or -errno and s->error. */
int sink_stream(struct sink *s, const struct out_stream *stream);
int sink_write(struct sink *s, const struct out_rdd *rdd, const struct out_rows *rows);
/* sink_close finishes what is open and frees the sink; a failure is added to err. */
int sink_close(struct sink *s, struct strbuf *err);

/* sink_fail keeps a sentence for s->error and returns err. */
int sink_fail(struct sink *s, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
