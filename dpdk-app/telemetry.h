/*
 * /millrace/... commands of DPDK's telemetry, from tables.
 *
 * A command answers with one dictionary. What it holds is written by a function of its owner
 * through a few calls, on the telemetry thread: read counters relaxed, take no lock that an lcore
 * holds. Names are made to what telemetry takes ([A-Za-z0-9_/]). At most 256 entries fit into an
 * answer; more are left out, and `left_out` says how many.
 *
 *     static void on_pool(void *ctx, const char *params, struct tell *t)
 *     {
 *         tell_u64(t, "pages_free", pool_pages_free(ctx));
 *     }
 *     telemetry_add("/millrace/pool", "Pages of the block pool", on_pool, pool);
 */
#ifndef DPDK_APP_TELEMETRY_H
#define DPDK_APP_TELEMETRY_H

#include <stdint.h>

struct tell;

typedef void tell_fn(void *ctx, const char *params, struct tell *t);

/* telemetry_add registers a command; path and help stay with the caller. 0 or -errno (-ENOSPC:
 * too many, -EEXIST: taken). Call it after EAL's start; a command lives as long as the process.
 * ctx NULL later (telemetry_forget) answers with an empty dictionary. */
int telemetry_add(const char *path, const char *help, tell_fn *fn, void *ctx);
/* telemetry_forget: what ctx points at goes away now; waits for a handler that still reads it. */
void telemetry_forget(const void *ctx);

void tell_u64(struct tell *t, const char *name, uint64_t value);
void tell_str(struct tell *t, const char *name, const char *value);
/* tell_u64f: with a name that is put together, as printf does. */
void tell_u64f(struct tell *t, uint64_t value, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* What this room knows of itself, for the handlers of whoever owns the objects. */
struct pool;
struct port;
struct ingest;
void tell_pool(struct tell *t, struct pool *p);
void tell_ingest(struct tell *t, const struct ingest *q);

#endif
