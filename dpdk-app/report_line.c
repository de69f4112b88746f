/*
 * Lines: stats of an interval on their way to the I/O thread, and the end of the run.
 */
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "base/assert.h"
#include "dpdk-app/report_state.h"

/* Names of the places in the program where rows can fail. */
static const char **places(struct node_job *nj)
{
    const struct plan *p = nj->plan;
    const char **place = zone_alloc(&nj->job->zone, (p->fails_cnt + 1) * sizeof *place);

    for (uint32_t i = 0; i < p->fails_cnt; i++)
        place[i] = zone_printf(&nj->job->zone, "%u:%u %s", p->fail[i]->at.line, p->fail[i]->at.col,
                               op_table[p->fail[i]->op].name);
    return place;
}

struct report *report_new(struct node *n, struct writer *w, struct screen *screen,
                          struct strbuf *err)
{
    struct report *r = calloc(1, sizeof *r);

    if (r) {
        r->line = calloc(REPORT_LINES_MAX, sizeof *r->line);
        r->ticked = calloc(n->jobs_cnt * n->inputs_cnt, sizeof *r->ticked);
    }
    if (!r || !r->line || !r->ticked || stats_out_open(&r->out, n->conf->stats, screen, err)) {
        if (r) {
            free(r->line);
            free(r->ticked);
        }
        free(r);
        return NULL;
    }
    r->node = n;
    r->writer = w;
    r->screen = screen;
    r->start_tsc = rte_rdtsc();
    for (uint32_t j = 0; j < n->jobs_cnt; j++) {
        const struct job *job = n->job[j].job;
        r->job[j].total.job = job->name;
        r->job[j].total.interval_ns = job->interval_ns;
        r->job[j].place = places(&n->job[j]);
        r->job[j].section = STATS_NO_SECTION;
        memset(r->job[j].number, 0xff, sizeof r->job[j].number); /* REPORT_FREE */
        for (uint32_t s = 0; s < job->sinks_cnt; s++)
            if (job->sink[s].type == SINK_CONSOLE && job->sink[s].format == SINK_TABLE &&
                r->job[j].section == STATS_NO_SECTION)
                r->job[j].section = screen_section(screen);
    }
    return r;
}

void report_free(struct report *r)
{
    stats_out_close(&r->out);
    free(r->line);
    free(r->ticked);
    free(r);
}

static void fill_streams(const struct report *r, uint32_t job, const struct report_interval *i,
                         struct stats_interval *s)
{
    const struct plan *p = r->node->job[job].plan;

    for (uint32_t o = 0; o < p->outputs_cnt && s->streams_cnt < STATS_STREAMS_MAX; o++)
        if (i->has_digest[o])
            s->stream[s->streams_cnt++] =
                (struct stats_stream){p->output[o].stream.name, i->rows[o], i->digest[o]};
}

bool report_line_room(const struct report *r)
{
    return r->line_tail - r->line_head < REPORT_LINES_MAX;
}

void report_line(struct report *r, uint32_t job, const struct report_interval *i)
{
    struct report_job *j = &r->job[job];
    struct stats_report *line = &r->line[r->line_tail++ % REPORT_LINES_MAX];
    struct stats_interval *s = &line->interval;

    *line = (struct stats_report){.out = &r->out};
    line->section = j->section;
    s->job = j->total.job;
    s->interval = i->interval;
    s->interval_ns = j->total.interval_ns;
    s->complete = i->complete;
    s->processing_ns = i->busy_ns;
    s->close_delay_ns = i->close_ns;
    s->records_per_s = (double)i->records * 1e9 / (double)s->interval_ns;
    s->backlog = (uint32_t)(j->done_tail - j->done_head - 1);
    s->lcores_cnt = report_lcores(r, s->lcore);
    s->packets = i->packets;
    report_lost_by_ports(r, job, &s->packets);
    s->records.offered = i->records;
    for (uint32_t d = 0; d < RECORD_DROPS_CNT; d++)
        stats_drop(&s->records, record_drop_name[d], i->records_dropped[d]);
    if (!r->node->job[job].plan->outputs_cnt)
        stats_drop(&s->records, "no_output", i->records - stats_dropped(&s->records));
    s->records.processed = i->records - stats_dropped(&s->records);
    report_rows(r, job, &s->rows_dropped);
    report_noticed(r, job, &s->noticed);
    fill_streams(r, job, i, s);
    stats_job_add(&j->total, s);
}

uint32_t report_step(struct report *r)
{
    uint32_t did = 0;

    for (uint32_t j = 0; j < r->node->jobs_cnt; j++)
        report_retire(r, j);
    for (; r->line_pushed != r->line_tail; r->line_pushed++, did++) {
        struct writer_work work = {.call = stats_report,
                                   .arg = &r->line[r->line_pushed % REPORT_LINES_MAX]};
        if (!writer_try_push(r->writer, &work))
            break;
    }
    return did;
}

void report_called(struct report *r, const struct writer_done *d)
{
    r->line_head++; /* they come back in order */
    if (d->err && strcmp(r->last_error, d->error)) {
        snprintf(r->last_error, sizeof r->last_error, "%s", d->error);
        fprintf(stderr, "millrace: %s\n", d->error);
    }
}

bool report_pending(const struct report *r)
{
    for (uint32_t j = 0; j < r->node->jobs_cnt; j++)
        if (r->job[j].done_head != r->job[j].done_tail)
            return true;
    return r->line_head != r->line_tail;
}

/* What was noticed and can be mended, with the command that does. */
static void put_hints(const struct report *r, FILE *out)
{
    for (uint32_t i = 0; i < r->node->inputs_cnt; i++) {
        const struct node_input *in = &r->node->input[i];
        struct ingest_counters c;
        if (!in->ingest)
            continue;
        ingest_look(in->ingest, &c);
        const char *ifname = in->port->ifname[0] ? in->port->ifname : "IFACE";
        if (c.seen.n[PACKET_COUNT_MERGED])
            fprintf(out,
                    "port %s: frames were merged on their way (GRO, LRO): ethtool -K %s gro off "
                    "lro off rx-gro-hw off\n",
                    in->port->conf->name, ifname);
        if (c.seen.n[PACKET_COUNT_CUT])
            fprintf(out, "port %s: frames were cut short: give the port a larger `mtu`\n",
                    in->port->conf->name);
    }
}

/* Queues of a port that got very unlike shares, which RSS should not give. */
static void put_imbalance(const struct report *r, FILE *out)
{
    for (uint32_t p = 0; p < r->node->ports_cnt; p++) {
        const struct port *port = &r->node->port[p];
        uint64_t all = 0, most = 0;
        uint32_t queues = 0;
        for (uint32_t i = 0; i < r->node->inputs_cnt; i++) {
            struct ingest_counters c;
            if (r->node->input[i].port != port)
                continue;
            ingest_look(r->node->input[i].ingest, &c);
            queues++;
            all += c.received;
            most = c.received > most ? c.received : most;
        }
        if (queues > 1 && all)
            fprintf(out, "port %s: the busiest of %u queues took %.0f %% of %llu packets\n",
                    port->conf->name, queues, 100.0 * (double)most / (double)all,
                    (unsigned long long)all);
    }
}

int report_final(struct report *r, FILE *out)
{
    struct stats_final *f = calloc(1, sizeof *f);
    struct strbuf text = {0};
    double seconds = (double)report_ns(rte_rdtsc() - r->start_tsc) / 1e9;

    if (!f)
        return 0;
    f->run_ns = report_ns(rte_rdtsc() - r->start_tsc);
    f->jobs_cnt = r->node->jobs_cnt;
    f->job = calloc(f->jobs_cnt, sizeof *f->job);
    MR_ASSERT(f->job);
    f->lcores_cnt = report_lcores(r, f->lcore);
    for (uint32_t j = 0; j < f->jobs_cnt; j++) {
        struct stats_job *t = &r->job[j].total;
        report_packets(r, j, &t->packets);
        report_records(r, j, &t->records);
        report_rows(r, j, &t->rows_dropped);
        report_noticed(r, j, &t->noticed);
        t->records_per_s = (double)t->records.processed / seconds;
        t->lost_outputs_cnt = r->write_errors;
        f->job[j] = *t;
    }
    stats_final_json(&r->out.line, f);
    int rc = stats_out_write(&r->out, &text);
    if (rc)
        fprintf(stderr, "millrace: %s\n", text.s);
    strbuf_clear(&text);
    screen_draw(r->screen, true);
    stats_summary(&text, f);
    fputs(text.s ? text.s : "", out);
    put_imbalance(r, out);
    put_hints(r, out);
    strbuf_release(&text);
    free(f->job);
    free(f);
    return r->write_errors || rc ? EXIT_NO_RESOURCE : 0;
}
