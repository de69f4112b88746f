#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dpdk-app/lineage_print.h"

/* The number behind "name": in a line of the lineage file; UINT64_MAX: not there. */
static uint64_t field(const char *line, const char *name)
{
    const char *at = strstr(line, name);

    return at ? strtoull(at + strlen(name), NULL, 10) : UINT64_MAX;
}

static void put_task(const char *line, struct strbuf *out)
{
    const char *at = strstr(line, "\"blocks\": [");
    uint32_t n = 0;

    strbuf_printf(out, "    map task %" PRIu64 ":", field(line, "\"task\": "));
    for (at = at ? at + 11 : NULL; at && *at && *at != ']'; at++) {
        if (*at == '"')
            n++;
        else if (*at != ',' && *at != ' ')
            strbuf_add(out, at, 1);
        if (*at == '"' && n % 2 == 1)
            strbuf_puts(out, n == 1 ? " blocks " : ", ");
    }
    strbuf_printf(out, " (%u)\n", n / 2);
}

/* The map tasks of stage s, as the record lists them. */
static uint32_t put_tasks(FILE *f, const char *job, uint64_t interval, uint32_t s,
                          struct strbuf *out)
{
    char *line = NULL, name[256];
    size_t room = 0;
    uint32_t n = 0;

    snprintf(name, sizeof name, "\"job\": \"%s\"", job);
    rewind(f);
    while (getline(&line, &room, f) > 0)
        if (strstr(line, name) && field(line, "\"interval\": ") == interval &&
            field(line, "\"stage\": ") == s) {
            put_task(line, out);
            n++;
        }
    free(line);
    return n;
}

static void put_exchange(const struct plan *p, const struct exchange *x, uint64_t interval,
                         struct strbuf *out)
{
    strbuf_printf(out, "  exchange %u (%s), %u partitions\n    from shuffle blocks of stage",
                  x->idx, x->name, x->partitions);
    for (uint32_t s = 0; s < p->stages_cnt; s++)
        if (x->upstream >> s & 1)
            strbuf_printf(out, " %u", s);
    strbuf_printf(out, " in interval %" PRIu64 "\n", interval);
    uint64_t first = interval > x->len - 1 ? interval - (x->len - 1) : 0;
    if (x->len == WINDOW_FOREVER && interval)
        strbuf_printf(out, "    and its state of interval %" PRIu64 "\n", interval - 1);
    else if (x->len != WINDOW_FOREVER && x->len > 1 && interval)
        strbuf_printf(out,
                      "    and its deltas of intervals %" PRIu64 " to %" PRIu64
                      ", as far as the run goes back\n",
                      first, interval - 1);
    strbuf_printf(out, "    gives the RDD of %s%s\n", x->name,
                  slide_active(x->slide, interval) ? "" : " (not in this interval: it slides)");
}

int lineage_print(const struct job *j, const struct plan *p, const char *dir, uint64_t interval,
                  struct strbuf *out)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/lineage.jsonl", dir);
    FILE *f = fopen(path, "r");
    if (!f) {
        int rc = -errno;
        strbuf_printf(out, "millrace plan: %s: %s\n", path, strerror(errno));
        return rc;
    }
    strbuf_printf(out, "job %s, interval %" PRIu64 "\n", j->name, interval);
    for (uint32_t i = 0; i < p->stages_cnt; i++) {
        const struct stage *s = p->stage[i];
        if (s->from) {
            put_exchange(p, s->from, interval, out);
            strbuf_printf(out, "  stage %u over that RDD\n", i);
            continue;
        }
        strbuf_printf(out, "  stage %u over source %s\n", i, j->source[s->source].spec.name);
        if (!put_tasks(f, j->name, interval, i, out))
            strbuf_puts(out, "    no map task: no block came\n");
    }
    fclose(f);
    return 0;
}
