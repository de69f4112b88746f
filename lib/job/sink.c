/* `sinks:` of a job file. */
#include <stdio.h>
#include <string.h>

#include "job/tables.h"

#define ROLL_MAX_NS (366ull * 86400 * 1000000000)

static void read_console(struct conf *c, struct cnode **val, struct job_sink *out)
{
    static const char *const formats[] = {"table", "jsonl", NULL};
    int i = 0;

    if (val[CONSOLE_FORMAT])
        i = conf_choice(c, val[CONSOLE_FORMAT], "format", formats, NULL);
    out->format = i == 1 ? SINK_JSONL : SINK_TABLE;
}

static void read_roll(struct conf *c, const struct job *j, struct cnode *n, struct job_sink *out)
{
    char text[32];

    if (!conf_duration(c, n, j->interval_ns, ROLL_MAX_NS, &out->roll_ns))
        return;
    duration_print(j->interval_ns, text, sizeof text);
    if (out->roll_ns % j->interval_ns)
        conf_error(c, n, NULL, "'%s' is not a multiple of the interval, %s", n->s, text);
}

static void read_file(struct conf *c, const struct job *j, struct cnode **val, struct job_sink *out)
{
    static const char *const formats[] = {"jsonl", "csv", NULL};
    struct cnode *path = val[SINK_FILE_PATH];
    const char *folder;
    int i = 0;

    if (val[SINK_FILE_FORMAT])
        i = conf_choice(c, val[SINK_FILE_FORMAT], "format", formats, NULL);
    out->format = i == 1 ? SINK_CSV : SINK_JSONL;
    if (val[SINK_FILE_ROLL])
        read_roll(c, j, val[SINK_FILE_ROLL], out);
    if (!path || !conf_text(c, path, &folder))
        return;
    for (uint32_t s = 0; s < j->sinks_cnt; s++)
        if (j->sink[s].path && !strcmp(j->sink[s].path, folder))
            conf_error(c, path, NULL, "sink '%s' writes to this folder too", j->sink[s].name);
    out->path = folder;
}

static void read_sink(struct conf *c, struct job *j, struct cnode *key, struct cnode *map)
{
    struct job_sink *out = &j->sink[j->sinks_cnt];
    const char *names[KEYS_MAX];
    struct cnode *val[KEYS_MAX], *type;
    char what[48];

    *out = (struct job_sink){.at = key->at.from};
    bool named = conf_word(c, key, false, "sink", &out->name);
    out->name = key->s;
    j->sinks_cnt += named;
    if (!conf_is_map(c, map, "a sink"))
        return;
    type = conf_get(map, "type");
    if (!type) {
        diag_add(c->diags, DIAG_ERROR, map->at.from, 1, "type: console or type: file",
                 "sink '%s' has no type", key->s);
        return;
    }
    kind_names(sink_kinds, names);
    int kind = conf_choice(c, type, "sink type", names, sink_kinds_later);
    if (kind < 0)
        return;
    out->type = (enum sink_type)kind;
    snprintf(what, sizeof what, "for sink type '%s'", names[kind]);
    conf_keys(c, map, sink_kinds[kind].keys, what, val);
    if (out->type == SINK_CONSOLE)
        read_console(c, val, out);
    else
        read_file(c, j, val, out);
}

void read_sinks(struct conf *c, struct job *j, struct cnode *map)
{
    for (uint32_t i = 0; i < map->cnt; i++) {
        if (j->sinks_cnt == JOB_SINKS_MAX) {
            conf_error(c, map->key[i], NULL, "a job has at most %u sinks", JOB_SINKS_MAX);
            return;
        }
        read_sink(c, j, map->key[i], map->val[i]);
    }
}
