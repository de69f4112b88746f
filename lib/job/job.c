/* A job file from its text to a checked job. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/check.h"
#include "job/tables.h"

static const char *env_of_process(const char *name)
{
    return getenv(name);
}

struct job_seams job_seams = {.env = env_of_process};

#define INTERVAL_MIN_NS 1000000ull
#define INTERVAL_MAX_NS 86400000000000ull
#define PARTITIONS_MAX  1024u

static void read_head(struct conf *c, struct job *j, struct cnode **val)
{
    static const char *const starts[] = {"sealed", "boundary", NULL};
    uint64_t v;

    j->interval_ns = 1000000000;
    j->partitions = 64;
    if (val[JOB_NAME])
        conf_word(c, val[JOB_NAME], true, "job", &j->name);
    /* After an error every duration is a multiple: nothing follows from it. */
    if (val[JOB_INTERVAL])
        j->interval_ns =
            conf_duration(c, val[JOB_INTERVAL], INTERVAL_MIN_NS, INTERVAL_MAX_NS, &v) ? v : 1;
    if (val[JOB_PARTITIONS] && conf_uint(c, val[JOB_PARTITIONS], 1, PARTITIONS_MAX, &v))
        j->partitions = (uint32_t)v;
    if (val[JOB_MAP_START])
        j->map_start_at_boundary =
            conf_choice(c, val[JOB_MAP_START], "map_start", starts, NULL) == 1;
    struct cnode *slack = val[JOB_SLACK];
    if (slack && strcmp(slack->s, "0") && conf_duration(c, slack, 0, INTERVAL_MAX_NS, &v) && v)
        conf_error(c, slack, NULL, "slack is not built yet: only 0s can be given");
}

static void read_program(struct conf *c, struct job *j, struct cnode *n)
{
    struct zone zone = {NULL};
    struct program p = {.zone = &zone, .diags = c->diags};

    if (n->bad)
        return;
    if (n->kind != CONF_SCALAR || !n->len) {
        conf_error(c, n, "program: |", "the program is a block of text");
        return;
    }
    if (n->len > PROGRAM_BYTES_MAX) {
        conf_error(c, n, NULL, "the program is larger than %u KB", PROGRAM_BYTES_MAX / 1024);
        return;
    }
    p.text = n->s;
    p.len = n->len;
    p.place = scalar_places(&zone, c->text, c->len, n->at, n->style, n->s, n->len);
    check_program(j, &p);
    zone_free(&zone);
}

static void read_job(struct conf *c, struct job *j, struct cnode *root, filter_check check)
{
    struct cnode *val[KEYS_MAX];

    if (!conf_is_map(c, root, "a job file"))
        return;
    conf_keys(c, root, job_keys, "in a job file", val);
    read_head(c, j, val);
    struct cnode *sources = val[JOB_SOURCES], *sinks = val[JOB_SINKS];
    j->sources_known = sources && conf_is_map(c, sources, "sources");
    j->sinks_known = !sinks || conf_is_map(c, sinks, "sinks");
    if (j->sources_known)
        read_sources(c, j, sources, check);
    if (sinks && j->sinks_known)
        read_sinks(c, j, sinks);
    if (val[JOB_PROGRAM])
        read_program(c, j, val[JOB_PROGRAM]);
}

struct job *job_parse(const char *path, const char *text, size_t len, struct diags *d,
                      int (*check)(const char *expr, char *err, size_t err_bytes))
{
    struct zone zone = {NULL};
    struct job *j = zone_alloc(&zone, sizeof *j);
    const uint32_t errors = d->errors_cnt;

    j->zone = zone;
    j->file = zone_strndup(&j->zone, path, strlen(path));
    diags_file(d, path, text, len);
    j->text = zone_strndup(&j->zone, d->text, d->len);
    j->text_len = d->len;
    struct conf c = {.zone = &j->zone, .diags = d, .text = j->text, .len = j->text_len};
    struct cnode *root = conf_parse(&c);
    if (root)
        read_job(&c, j, root, check);
    if (d->errors_cnt == errors)
        return j;
    job_free(j);
    return NULL;
}

void job_free(struct job *j)
{
    struct zone zone;

    if (!j)
        return;
    for (uint32_t i = 0; i < j->graph.nodes_cnt; i++) {
        if (j->graph.node[i]->fn)
            lambda_release(j->graph.node[i]->fn);
        if (j->graph.node[i]->inverse)
            lambda_release(j->graph.node[i]->inverse);
    }
    zone = j->zone; /* it holds the job itself */
    zone_free(&zone);
}

/* ---- files ---- */

static int load(const char *path, struct diags *d, struct strbuf *text)
{
    int rc = job_seams.read_file ? job_seams.read_file(path, text) : -ENOSYS;

    if (rc) {
        diags_file(d, path, "", 0);
        diag_add(d, DIAG_ERROR, (struct place){0, 0}, 1, NULL, "cannot be read: %s",
                 strerrordesc_np(-rc));
    }
    return rc;
}

struct job *job_load(const char *path, struct diags *d,
                     int (*check)(const char *expr, char *err, size_t err_bytes))
{
    struct strbuf text = {0};
    struct job *j = NULL;

    if (!load(path, d, &text))
        j = job_parse(path, text.s ? text.s : "", text.len, d, check);
    strbuf_release(&text);
    return j;
}

struct appliance *appliance_load(const char *path, struct diags *d)
{
    struct strbuf text = {0};
    struct appliance *a = NULL;

    if (!load(path, d, &text))
        a = appliance_parse(path, text.s ? text.s : "", text.len, d);
    strbuf_release(&text);
    return a;
}

/* ---- a job on an appliance ---- */

static const struct port_conf *port_find(const struct appliance *a, const char *name)
{
    for (uint32_t i = 0; i < a->ports_cnt; i++)
        if (!strcmp(a->port[i].name, name))
            return &a->port[i];
    return NULL;
}

void job_check_port(const struct job *j, uint32_t source_idx, const struct appliance *a,
                    struct diags *d)
{
    const struct job_source *s = &j->source[source_idx];
    const char *names[PORTS_MAX + 1] = {NULL};
    char hint[128] = "";

    diags_file(d, j->file, j->text, j->text_len);
    if (!s->port) {
        diag_add(d, DIAG_ERROR, s->at, (uint32_t)strlen(s->spec.name),
                 "add port: NAME, or feed it with --input", "source '%s' has no port",
                 s->spec.name);
        return;
    }
    const struct port_conf *p = port_find(a, s->port);
    if (p && s->queues > p->queues)
        diag_add(d, DIAG_ERROR, s->port_at, (uint32_t)strlen(s->port), NULL,
                 "port '%s' has %u queues, and source '%s' wants %u", s->port, p->queues,
                 s->spec.name, s->queues);
    if (p)
        return;
    for (uint32_t i = 0; i < a->ports_cnt; i++)
        names[i] = a->port[i].name;
    const char *near = diag_nearest(s->port, strlen(s->port), names);
    if (near)
        snprintf(hint, sizeof hint, "did you mean '%s'?", near);
    diag_add(d, DIAG_ERROR, s->port_at, (uint32_t)strlen(s->port), hint,
             "the appliance %s has no port '%s'", a->file, s->port);
}

void job_check_ports(const struct job *j, const struct appliance *a, struct diags *d)
{
    for (uint32_t i = 0; a && i < j->sources_cnt; i++)
        job_check_port(j, i, a, d);
}
