#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "io/fdio.h"
#include "io/stats.h"

/* ---- ledgers --------------------------------------------------------------------------------- */

void stats_drop(struct stats_ledger *l, const char *reason, uint64_t cnt)
{
    uint32_t i = 0;

    while (i < l->reasons_cnt && strcmp(l->dropped[i].name, reason) != 0)
        i++;
    MR_ASSERT(i < STATS_REASONS_MAX);
    if (i == l->reasons_cnt)
        l->dropped[l->reasons_cnt++] = (struct stats_count){.name = reason};
    l->dropped[i].cnt += cnt;
}

void stats_tally_add(struct stats_tally *t, const char *name, uint64_t cnt)
{
    uint32_t i = 0;

    while (i < t->cnt && strcmp(t->count[i].name, name) != 0)
        i++;
    if (i == STATS_REASONS_MAX)
        i--;
    else if (i == t->cnt)
        t->count[t->cnt++] = (struct stats_count){.name = name};
    t->count[i].cnt += cnt;
}

uint64_t stats_dropped(const struct stats_ledger *l)
{
    uint64_t cnt = 0;

    for (uint32_t i = 0; i < l->reasons_cnt; i++)
        cnt += l->dropped[i].cnt;
    return cnt;
}

bool stats_closed(const struct stats_ledger *l)
{
    return l->offered == l->processed + stats_dropped(l);
}

/* ---- times ----------------------------------------------------------------------------------- */

/*
 * Steps are even up to STATS_STEPS; from there on each power of two has STATS_STEPS of them:
 * step k of power e holds the times from (STATS_STEPS + k) << e on.
 */
static uint32_t step_of(uint64_t ns)
{
    if (ns < STATS_STEPS)
        return (uint32_t)ns;
    uint32_t e = 58u - (uint32_t)__builtin_clzll(ns); /* so that ns >> e is 32 to 63 */
    return e * STATS_STEPS + (uint32_t)(ns >> e);
}

/* The last time of a step. */
static uint64_t step_end(uint32_t step)
{
    if (step < 2 * STATS_STEPS)
        return step;
    uint32_t e = step / STATS_STEPS - 1;
    return ((uint64_t)(step % STATS_STEPS + STATS_STEPS + 1) << e) - 1;
}

void stats_spread_add(struct stats_spread *s, uint64_t ns)
{
    s->step[step_of(ns)]++;
    s->cnt++;
    if (ns > s->max)
        s->max = ns;
}

uint64_t stats_spread_at(const struct stats_spread *s, double part)
{
    uint64_t wanted = (uint64_t)(part * (double)s->cnt), seen = 0;

    for (uint32_t i = 0; i < STATS_STEPS_CNT; i++) {
        seen += s->step[i];
        if (seen && seen >= wanted)
            return step_end(i) < s->max ? step_end(i) : s->max;
    }
    return s->max;
}

void stats_job_add(struct stats_job *j, const struct stats_interval *s)
{
    j->intervals_cnt++;
    stats_spread_add(&j->close_delay, s->close_delay_ns);
    stats_spread_add(&j->processing, s->processing_ns);
}

/* ---- where it goes --------------------------------------------------------------------------- */

int stats_out_open(struct stats_out *o, const char *path, struct screen *screen, struct strbuf *err)
{
    *o = (struct stats_out){.fd = -1, .screen = screen};
    if (!path)
        return 0;
    if (strcmp(path, "-") == 0) {
        o->fd = STDOUT_FILENO;
        return 0;
    }
    o->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (o->fd >= 0)
        return 0;
    int rc = -errno;
    strbuf_printf(err, "cannot write statistics to '%s': %s", path, strerror(-rc));
    return rc;
}

int stats_out_write(struct stats_out *o, struct strbuf *err)
{
    int rc = 0;

    if (o->fd == STDOUT_FILENO && o->screen)
        rc = screen_print(o->screen, o->line.s, o->line.len);
    else if (o->fd >= 0)
        rc = fd_write_all(o->fd, o->line.s, o->line.len);
    if (rc)
        strbuf_printf(err, "cannot write statistics: %s", strerror(-rc));
    strbuf_clear(&o->line);
    return rc;
}

void stats_out_close(struct stats_out *o)
{
    if (o->fd > STDOUT_FILENO)
        close(o->fd);
    o->fd = -1;
    strbuf_release(&o->line);
}

int stats_report(void *arg, struct strbuf *err)
{
    struct stats_report *r = arg;
    struct stats_out *o = r->out;
    int rc = 0;

    if (o->fd >= 0) {
        stats_interval_json(&o->line, &r->interval);
        rc = stats_out_write(o, err);
    }
    if (o->screen && r->section != STATS_NO_SECTION) {
        stats_status(&o->line, &r->interval);
        int shown = screen_show(o->screen, r->section, o->line.s, o->line.len);
        strbuf_clear(&o->line);
        if (shown && rc == 0) {
            strbuf_printf(err, "cannot write to standard output: %s", strerror(-shown));
            rc = shown;
        }
    }
    return rc;
}
