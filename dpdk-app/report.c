#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>

#include "dpdk-app/report_state.h"

/* The record of an interval; NULL when more are open than are told apart. */
static struct report_interval *find(struct report *r, uint32_t job, uint64_t interval)
{
    struct report_interval *i = &r->job[job].open[interval % REPORT_OPEN_MAX];

    if (i->used && i->interval != interval)
        return NULL;
    if (!i->used)
        *i = (struct report_interval){.used = true, .interval = interval};
    return i;
}

uint64_t report_ns(uint64_t tsc)
{
    return (uint64_t)((unsigned __int128)tsc * 1000000000u / rte_get_tsc_hz());
}

void report_work(struct report *r, const struct answer_msg *m)
{
    struct report_interval *i = find(r, m->job, m->interval);

    r->job[m->job].records += m->records;
    if (!i)
        return;
    i->busy_ns += report_ns(m->busy_tsc);
    i->records += m->records;
    for (uint32_t d = 0; d < RECORD_DROPS_CNT; d++)
        i->records_dropped[d] += m->dropped[d];
}

void report_output(struct report *r, uint32_t job, uint64_t interval)
{
    struct report_interval *i = find(r, job, interval);

    if (i)
        i->outs_pending++;
}

/* Intervals are done in order, and so are their lines. */
static void retire(struct report *r, uint32_t job)
{
    struct report_job *j = &r->job[job];

    for (; j->done_head != j->done_tail; j->done_head++) {
        uint64_t interval = j->done[j->done_head % REPORT_OPEN_MAX];
        struct report_interval *i = &j->open[interval % REPORT_OPEN_MAX];
        if (i->outs_pending)
            return;
        report_line(r, job, i);
        i->used = false;
    }
}

void report_written(struct report *r, uint32_t job, uint64_t interval, uint32_t output,
                    const struct writer_done *d)
{
    struct report_interval *i = find(r, job, interval);

    if (d->err && strcmp(r->last_error, d->error)) {
        snprintf(r->last_error, sizeof r->last_error, "%s", d->error);
        fprintf(stderr, "millrace: %s\n", d->error);
    }
    r->write_errors += d->err != 0;
    if (!i)
        return;
    i->digest[output] = d->digest;
    i->rows[output] = d->rows_cnt;
    i->has_digest[output] = true;
    i->outs_pending--;
    retire(r, job);
}

/* From the interval's end by the clock to now; 0 where time is the capture's. */
static uint64_t close_delay_ns(const struct report *r, uint32_t job, uint64_t interval)
{
    uint64_t end = (interval + 1) * r->node->job[job].job->interval_ns;
    int64_t now = tick_clock_ns(&r->node->clock, rte_rdtsc());

    return r->node->live && now > (int64_t)end ? (uint64_t)now - end : 0;
}

void report_interval(struct report *r, uint32_t job, uint64_t interval, bool complete)
{
    struct report_interval *i = find(r, job, interval);
    struct report_job *j = &r->job[job];

    if (!i)
        return;
    i->done = true;
    i->complete = complete;
    i->close_ns = close_delay_ns(r, job, interval);
    j->done[j->done_tail++ % REPORT_OPEN_MAX] = interval;
    retire(r, job);
}
