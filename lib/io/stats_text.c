/* Statistics as text: JSON lines for programs, lines and a summary for people. */
#include <inttypes.h>
#include <string.h>

#include "io/escape.h"
#include "io/stats.h"
#include "io/text.h"

/* ---- JSON ------------------------------------------------------------------------------------ */

static void put_name(struct strbuf *out, const char *name)
{
    escape_json(out, (const uint8_t *)name, (uint32_t)strlen(name));
}

/* The next member of an object: `first` says that it has none yet. */
static void put_member(struct strbuf *out, const char *name, bool first)
{
    if (!first)
        strbuf_puts(out, ", ");
    put_name(out, name);
    strbuf_puts(out, ": ");
}

static void put_uint_member(struct strbuf *out, const char *name, uint64_t v)
{
    put_member(out, name, false);
    text_put_uint(out, v);
}

static void put_float_member(struct strbuf *out, const char *name, double v)
{
    put_member(out, name, false);
    text_put_float(out, text_float_special(v) ? 0 : v);
}

/* {"name": count, ...}: those that are not 0. */
static void put_counts(struct strbuf *out, const struct stats_count *c, uint32_t n)
{
    bool first = true;

    strbuf_puts(out, "{");
    for (uint32_t i = 0; i < n; i++) {
        if (c[i].cnt == 0)
            continue;
        put_member(out, c[i].name, first);
        text_put_uint(out, c[i].cnt);
        first = false;
    }
    strbuf_puts(out, "}");
}

static void put_tally(struct strbuf *out, const char *name, const struct stats_tally *t)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < t->cnt; i++)
        sum += t->count[i].cnt;
    if (!sum)
        return;
    put_member(out, name, false);
    put_counts(out, t->count, t->cnt);
}

static void put_ledger(struct strbuf *out, const char *name, const struct stats_ledger *l)
{
    put_member(out, name, false);
    strbuf_puts(out, "{\"offered\": ");
    text_put_uint(out, l->offered);
    put_uint_member(out, "processed", l->processed);
    put_member(out, "dropped", false);
    put_counts(out, l->dropped, l->reasons_cnt);
    strbuf_puts(out, "}");
}

static void put_lcores(struct strbuf *out, const struct stats_lcore *lcore, uint32_t cnt)
{
    put_member(out, "busy_ns", false);
    for (uint32_t i = 0; i < cnt; i++)
        strbuf_printf(out, "%s\"%u\": %" PRIu64, i ? ", " : "{", lcore[i].lcore, lcore[i].busy_ns);
    strbuf_puts(out, cnt ? "}" : "{}");
}

static void put_spread(struct strbuf *out, const char *name, const struct stats_spread *s)
{
    put_member(out, name, false);
    strbuf_puts(out, "{\"median\": ");
    text_put_uint(out, stats_spread_at(s, 0.5));
    put_uint_member(out, "p99", stats_spread_at(s, 0.99));
    put_uint_member(out, "max", s->max);
    strbuf_puts(out, "}");
}

void stats_interval_json(struct strbuf *out, const struct stats_interval *s)
{
    strbuf_puts(out, "{\"job\": ");
    put_name(out, s->job);
    put_uint_member(out, "interval", s->interval);
    put_member(out, "end", false);
    strbuf_puts(out, "\"");
    text_put_time(out, (int64_t)((s->interval + 1) * s->interval_ns),
                  text_time_digits(s->interval_ns));
    strbuf_puts(out, "\"");
    put_ledger(out, "packets", &s->packets);
    put_ledger(out, "records", &s->records);
    put_tally(out, "rows_dropped", &s->rows_dropped);
    put_tally(out, "noticed", &s->noticed);
    put_float_member(out, "records_per_s", s->records_per_s);
    put_uint_member(out, "close_delay_ns", s->close_delay_ns);
    put_uint_member(out, "processing_ns", s->processing_ns);
    put_uint_member(out, "backlog", s->backlog);
    put_lcores(out, s->lcore, s->lcores_cnt);
    strbuf_puts(out, ", \"rows\": {");
    for (uint32_t i = 0; i < s->streams_cnt; i++) {
        put_member(out, s->stream[i].name, i == 0);
        text_put_uint(out, s->stream[i].rows_cnt);
    }
    strbuf_puts(out, "}, \"digest\": {");
    for (uint32_t i = 0; i < s->streams_cnt; i++) {
        put_member(out, s->stream[i].name, i == 0);
        strbuf_printf(out, "\"%016" PRIx64 "\"", s->stream[i].digest);
    }
    strbuf_puts(out, s->complete ? "}}\n" : "}, \"complete\": false}\n");
}

static void put_job(struct strbuf *out, const struct stats_job *j)
{
    strbuf_puts(out, "{\"job\": ");
    put_name(out, j->job);
    put_uint_member(out, "intervals", j->intervals_cnt);
    put_ledger(out, "packets", &j->packets);
    put_ledger(out, "records", &j->records);
    put_tally(out, "rows_dropped", &j->rows_dropped);
    put_tally(out, "noticed", &j->noticed);
    put_float_member(out, "records_per_s", j->records_per_s);
    put_spread(out, "close_delay_ns", &j->close_delay);
    put_spread(out, "processing_ns", &j->processing);
    put_uint_member(out, "lost_outputs", j->lost_outputs_cnt);
    strbuf_puts(out, "}");
}

void stats_final_json(struct strbuf *out, const struct stats_final *f)
{
    strbuf_puts(out, "{\"final\": true");
    put_float_member(out, "seconds", (double)f->run_ns / 1e9);
    put_lcores(out, f->lcore, f->lcores_cnt);
    strbuf_puts(out, ", \"jobs\": [");
    for (uint32_t i = 0; i < f->jobs_cnt; i++) {
        if (i)
            strbuf_puts(out, ", ");
        put_job(out, &f->job[i]);
    }
    strbuf_puts(out, "]}\n");
}

/* ---- for people ------------------------------------------------------------------------------ */

static void put_percent(struct strbuf *out, uint64_t part, uint64_t whole)
{
    strbuf_printf(out, " (%.1f %%)", whole ? 100.0 * (double)part / (double)whole : 0.0);
}

static void put_rate(struct strbuf *out, double per_s)
{
    text_put_cnt(out, per_s > 0 ? (uint64_t)per_s : 0);
    strbuf_puts(out, " records/s");
}

void stats_status(struct strbuf *out, const struct stats_interval *s)
{
    strbuf_printf(out, "%s  interval %" PRIu64 ": ", s->job, s->interval);
    put_rate(out, s->records_per_s);
    strbuf_puts(out, ", dropped ");
    text_put_cnt(out, stats_dropped(&s->packets));
    strbuf_puts(out, " packets ");
    text_put_cnt(out, stats_dropped(&s->records));
    strbuf_puts(out, " records, processing ");
    text_put_duration(out, s->processing_ns);
    strbuf_puts(out, " of ");
    text_put_duration(out, s->interval_ns);
    put_percent(out, s->processing_ns, s->interval_ns);
    strbuf_puts(out, ", close delay ");
    text_put_duration(out, s->close_delay_ns);
    if (s->backlog)
        strbuf_printf(out, ", %u intervals behind", s->backlog);
    strbuf_puts(out, "\n");
}

#define NAME_CHARS  24
#define COUNT_CHARS 18

static void put_cell(struct strbuf *out, uint64_t v, bool empty)
{
    struct strbuf cell = {0};

    strbuf_puts(&cell, "");
    if (!empty)
        text_put_cnt(&cell, v);
    strbuf_printf(out, "%*s", COUNT_CHARS, cell.s);
    strbuf_release(&cell);
}

static void put_line(struct strbuf *out, const char *indent, const char *name, uint64_t packets,
                     uint64_t records)
{
    strbuf_printf(out, "%s%-*s", indent, NAME_CHARS - (int)strlen(indent), name);
    put_cell(out, packets, false);
    put_cell(out, records, false);
    strbuf_puts(out, "\n");
}

/* The reasons of one ledger, in the column of packets or in that of records. */
static void put_reasons(struct strbuf *out, const struct stats_ledger *l, bool packets)
{
    for (uint32_t i = 0; i < l->reasons_cnt; i++) {
        if (l->dropped[i].cnt == 0)
            continue;
        strbuf_printf(out, "    %-*s", NAME_CHARS - 4, l->dropped[i].name);
        put_cell(out, l->dropped[i].cnt, !packets);
        if (!packets)
            put_cell(out, l->dropped[i].cnt, false);
        strbuf_puts(out, "\n");
    }
}

/* Counts that are no part of the ledger, under a line of their own. */
static void put_tally_lines(struct strbuf *out, const char *what, const struct stats_tally *t)
{
    bool said = false;

    for (uint32_t i = 0; i < t->cnt; i++) {
        if (!t->count[i].cnt)
            continue;
        strbuf_printf(out, "%s%s ", said ? ", " : what, t->count[i].name);
        text_put_cnt(out, t->count[i].cnt);
        said = true;
    }
    strbuf_puts(out, said ? "\n" : "");
}

static void put_closed(struct strbuf *out, const char *what, const struct stats_ledger *l)
{
    if (!stats_closed(l))
        strbuf_printf(out,
                      "  The ledger of %s does not close: %" PRId64
                      " are neither processed nor dropped.\n",
                      what, (int64_t)(l->offered - l->processed - stats_dropped(l)));
}

static void put_times(struct strbuf *out, const char *what, const struct stats_spread *s)
{
    strbuf_printf(out, "  %s: median ", what);
    text_put_duration(out, stats_spread_at(s, 0.5));
    strbuf_puts(out, ", p99 ");
    text_put_duration(out, stats_spread_at(s, 0.99));
    strbuf_puts(out, ", max ");
    text_put_duration(out, s->max);
    strbuf_puts(out, "\n");
}

static void put_job_summary(struct strbuf *out, const struct stats_job *j)
{
    strbuf_printf(out, "%s: ", j->job);
    text_put_cnt(out, j->intervals_cnt);
    strbuf_puts(out, j->intervals_cnt == 1 ? " interval of " : " intervals of ");
    text_put_duration(out, j->interval_ns);
    strbuf_puts(out, ", ");
    put_rate(out, j->records_per_s);
    strbuf_puts(out, "\n");
    put_times(out, "close delay", &j->close_delay);
    put_times(out, "processing time", &j->processing);
    strbuf_printf(out, "  %*s%*s%*s\n", NAME_CHARS - 2, "", COUNT_CHARS, "packets", COUNT_CHARS,
                  "records");
    put_line(out, "  ", "offered", j->packets.offered, j->records.offered);
    put_line(out, "  ", "processed", j->packets.processed, j->records.processed);
    put_line(out, "  ", "dropped", stats_dropped(&j->packets), stats_dropped(&j->records));
    put_reasons(out, &j->packets, true);
    put_reasons(out, &j->records, false);
    put_tally_lines(out, "  rows dropped: ", &j->rows_dropped);
    put_tally_lines(out, "  noticed: ", &j->noticed);
    put_closed(out, "packets", &j->packets);
    put_closed(out, "records", &j->records);
    if (j->lost_outputs_cnt) {
        strbuf_puts(out, "  ");
        text_put_cnt(out, j->lost_outputs_cnt);
        strbuf_puts(out, " results could not be written.\n");
    }
}

void stats_summary(struct strbuf *out, const struct stats_final *f)
{
    for (uint32_t i = 0; i < f->jobs_cnt; i++)
        put_job_summary(out, &f->job[i]);
    for (uint32_t i = 0; i < f->lcores_cnt; i++) {
        const struct stats_lcore *l = &f->lcore[i];
        strbuf_printf(out, "lcore %u", l->lcore);
        if (l->roles)
            strbuf_printf(out, " (%s)", l->roles);
        strbuf_puts(out, ": busy ");
        text_put_duration(out, l->busy_ns);
        strbuf_puts(out, " of ");
        text_put_duration(out, f->run_ns);
        put_percent(out, l->busy_ns, f->run_ns);
        strbuf_puts(out, "\n");
    }
}
