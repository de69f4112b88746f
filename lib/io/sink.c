#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "io/sink.h"

static const struct sink_ops *const sink_table[] = {
    &sink_console,
    &sink_file,
};

int sink_fail(struct sink *s, int err, const char *fmt, ...)
{
    int n = snprintf(s->error, sizeof s->error, "sink '%s': ", s->conf.name);
    va_list ap;

    va_start(ap, fmt);
    if (n >= 0 && (size_t)n < sizeof s->error)
        vsnprintf(s->error + n, sizeof s->error - (size_t)n, fmt, ap);
    va_end(ap);
    return err;
}

struct sink *sink_open(const struct sink_conf *conf, const struct sink_env *env, struct strbuf *err)
{
    const struct sink_ops *ops = NULL;

    for (size_t i = 0; i < sizeof sink_table / sizeof sink_table[0]; i++)
        if (strcmp(sink_table[i]->type, conf->type) == 0)
            ops = sink_table[i];
    MR_ASSERT(ops);
    struct sink *s = calloc(1, ops->bytes);
    if (!s) {
        strbuf_printf(err, "sink '%s': out of memory", conf->name);
        return NULL;
    }
    s->ops = ops;
    s->conf = *conf;
    s->env = *env;
    if (ops->open(s)) {
        strbuf_puts(err, s->error);
        ops->close(s);
        free(s);
        return NULL;
    }
    return s;
}

int sink_stream(struct sink *s, const struct out_stream *stream)
{
    return s->ops->stream(s, stream);
}

int sink_write(struct sink *s, const struct out_rdd *rdd, const struct out_rows *rows)
{
    return s->ops->write(s, rdd, rows);
}

int sink_close(struct sink *s, struct strbuf *err)
{
    int rc = s->ops->close(s);

    if (rc)
        strbuf_puts(err, s->error);
    free(s);
    return rc;
}
