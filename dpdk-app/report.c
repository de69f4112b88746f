#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>

#include "base/assert.h"
#include "dpdk-app/report_state.h"

/* The record of an interval: the one that is there, or a new one. */
struct report_interval *report_find(struct report *r, uint32_t job, uint64_t interval)
{
    struct report_job *j = &r->job[job];
    uint32_t at = REPORT_OPEN_MAX;

    for (uint32_t i = 0; i < REPORT_OPEN_MAX; i++) {
        if (j->number[i] == interval)
            return &j->open[i];
        at = j->number[i] == REPORT_FREE ? i : at;
    }
    MR_ASSERT(at < REPORT_OPEN_MAX); /* report_room was asked */
    j->number[at] = interval;
    j->open[at] = (struct report_interval){.interval = interval};
    j->open_cnt++;
    return &j->open[at];
}

/* One event opens and ends no more intervals than the scheduler has under way, twice over. */
bool report_room(const struct report *r)
{
    for (uint32_t j = 0; j < r->node->jobs_cnt; j++)
        if (r->job[j].open_cnt + 2 * (INTERVALS_MAX + 1) > REPORT_OPEN_MAX)
            return false;
    return true;
}

bool report_half_full(const struct report *r)
{
    for (uint32_t j = 0; j < r->node->jobs_cnt; j++)
        if (r->job[j].open_cnt >= REPORT_OPEN_MAX / 2)
            return true;
    return false;
}

uint64_t report_ns(uint64_t tsc)
{
    return (uint64_t)((unsigned __int128)tsc * 1000000000u / rte_get_tsc_hz());
}

void report_work(struct report *r, const struct answer_msg *m)
{
    struct report_interval *i = report_find(r, m->job, m->interval);

    r->job[m->job].records += m->records;
    i->busy_ns += report_ns(m->busy_tsc);
    i->records += m->records;
    for (uint32_t d = 0; d < RECORD_DROPS_CNT; d++)
        i->records_dropped[d] += m->dropped[d];
}

void report_output(struct report *r, uint32_t job, uint64_t interval)
{
    report_find(r, job, interval)->outs_pending++;
}

/* Intervals are done in order, and so are their lines. */
void report_retire(struct report *r, uint32_t job)
{
    struct report_job *j = &r->job[job];

    for (; j->done_head != j->done_tail; j->done_head++) {
        uint32_t at = j->done[j->done_head % REPORT_OPEN_MAX];
        if (j->open[at].outs_pending || !report_line_room(r))
            return;
        report_line(r, job, &j->open[at]);
        j->number[at] = REPORT_FREE;
        j->open_cnt--;
    }
}

void report_written(struct report *r, uint32_t job, uint64_t interval, uint32_t output,
                    const struct writer_done *d)
{
    struct report_interval *i = report_find(r, job, interval);

    if (d->err && strcmp(r->last_error, d->error)) {
        snprintf(r->last_error, sizeof r->last_error, "%s", d->error);
        fprintf(stderr, "millrace: %s\n", d->error);
    }
    r->write_errors += d->err != 0;
    i->digest[output] = d->digest;
    i->rows[output] = d->rows_cnt;
    i->has_digest[output] = true;
    i->outs_pending--;
    report_retire(r, job);
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
    struct report_interval *i = report_find(r, job, interval);
    struct report_job *j = &r->job[job];

    i->done = true;
    i->complete = complete;
    i->close_ns = close_delay_ns(r, job, interval);
    j->done[j->done_tail++ % REPORT_OPEN_MAX] = (uint32_t)(i - j->open);
    report_retire(r, job);
}
