#include "dpdk-app/telemetry.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <rte_telemetry.h>

#define COMMANDS_MAX 64u
#define ENTRIES_MAX  255u // one is kept for left_out
#define NAME_BYTES   64u

struct tell {
    struct rte_tel_data *d;
    uint32_t cnt, left_out;
};

static struct command {
    const char *path;
    tell_fn *fn;
    void *ctx;
} commands[COMMANDS_MAX];
static uint32_t commands_cnt;
// Of set-up, tear-down and the telemetry thread; never taken by an lcore.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool take_entry(struct tell *t)
{
    if (t->cnt == ENTRIES_MAX) {
        t->left_out++;
        return false;
    }
    t->cnt++;
    return true;
}

static const char *name_make(char *to, const char *name)
{
    size_t i;

    for (i = 0; name[i] && i < NAME_BYTES - 1; i++)
        to[i] = isalnum((unsigned char)name[i]) || name[i] == '/' ? name[i] : '_';
    to[i] = '\0';
    return to;
}

void tell_u64(struct tell *t, const char *name, uint64_t value)
{
    char buf[NAME_BYTES];

    if (take_entry(t))
        rte_tel_data_add_dict_u64(t->d, name_make(buf, name), value);
}

void tell_str(struct tell *t, const char *name, const char *value)
{
    char buf[NAME_BYTES];

    if (take_entry(t))
        rte_tel_data_add_dict_string(t->d, name_make(buf, name), value);
}

void tell_u64f(struct tell *t, uint64_t value, const char *fmt, ...)
{
    char name[NAME_BYTES];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(name, sizeof name, fmt, ap);
    va_end(ap);
    tell_u64(t, name, value);
}

static int on_command(const char *path, const char *params, struct rte_tel_data *d)
{
    struct tell t = {.d = d};

    rte_tel_data_start_dict(d);
    pthread_mutex_lock(&lock);
    for (uint32_t i = 0; i < commands_cnt; i++) {
        struct command *c = &commands[i];

        if (strcmp(c->path, path) == 0 && c->ctx)
            c->fn(c->ctx, params ? params : "", &t);
    }
    pthread_mutex_unlock(&lock);
    if (t.left_out)
        rte_tel_data_add_dict_u64(d, "left_out", t.left_out);
    return 0;
}

int telemetry_add(const char *path, const char *help, tell_fn *fn, void *ctx)
{
    int rc = 0;

    pthread_mutex_lock(&lock);
    struct command *c = NULL;
    for (uint32_t i = 0; i < commands_cnt && !c; i++)
        if (strcmp(commands[i].path, path) == 0)
            c = &commands[i];
    if (c && c->ctx) {
        rc = -EEXIST;
    } else if (c) {
        *c = (struct command){path, fn, ctx};
    } else if (commands_cnt == COMMANDS_MAX) {
        rc = -ENOSPC;
    } else {
        rc = rte_telemetry_register_cmd(path, on_command, help);
        if (rc == 0)
            commands[commands_cnt++] = (struct command){path, fn, ctx};
    }
    pthread_mutex_unlock(&lock);
    return rc;
}

void telemetry_forget(const void *ctx)
{
    pthread_mutex_lock(&lock);
    for (uint32_t i = 0; i < commands_cnt; i++)
        if (commands[i].ctx == ctx)
            commands[i].ctx = NULL;
    pthread_mutex_unlock(&lock);
}
