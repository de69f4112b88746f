/* `sources:` of a job file. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "job/tables.h"
#include "job/units.h"
#include "rdd/parse.h"

/* PORT, or ADDRESS:PORT with an IPv6 address in brackets. */
static bool split_listen(const char *s, size_t len, struct job_source *out)
{
    const char *colon = memrchr(s, ':', len), *port = colon ? colon + 1 : s;
    uint64_t number;

    if (parse_uint(port, len - (size_t)(port - s), &number) || number < 1 || number > 65535)
        return false;
    out->listen_port = (uint16_t)number;
    out->listen_any = !colon;
    if (!colon)
        return true;
    size_t host_len = (size_t)(colon - s);
    bool brackets = host_len > 2 && s[0] == '[' && colon[-1] == ']';
    if (!brackets && memchr(s, ':', host_len))
        return false;
    return !parse_ip(s + brackets, host_len - 2 * brackets, &out->listen_ip);
}

static void read_listen(struct conf *c, struct cnode *n, struct job_source *out)
{
    const char *s;

    if (n->kind == CONF_LIST) {
        conf_error(c, n, "\"[::1]:9000\"", "an IPv6 address and its port stand in quotes");
        return;
    }
    if (conf_text(c, n, &s) && !split_listen(s, n->len, out))
        conf_error(c, n, "9000, 10.0.0.1:9000 or \"[::1]:9000\"", "'%s' is no place to listen at",
                   s);
}

static void read_port(struct conf *c, struct cnode *port, struct cnode *queues,
                      struct job_source *out)
{
    uint64_t n;

    if (port && conf_word(c, port, true, "port", &out->port))
        out->port_at = port->at.from;
    if (queues && conf_uint(c, queues, 1, 64, &n))
        out->queues = (uint32_t)n;
}

static void read_udp(struct conf *c, struct cnode *map, struct cnode **val, struct job_source *out)
{
    out->spec.kind = SOURCE_RECORDS;
    out->listen_any = true;
    read_port(c, val[UDP_PORT], val[UDP_QUEUES], out);
    if (val[UDP_LISTEN])
        read_listen(c, val[UDP_LISTEN], out);
    else if (val[UDP_PORT])
        diag_add(c->diags, DIAG_ERROR, val[UDP_PORT]->at.from, span_width(val[UDP_PORT]->at),
                 "listen: 9000", "a udp source with a port needs 'listen'");
    out->spec.type = read_format(c, map, val, &out->spec.format);
}

static void read_packets(struct conf *c, struct cnode **val, struct job_source *out,
                         filter_check check)
{
    char err[256] = "";

    out->spec.kind = SOURCE_PACKETS;
    out->spec.type = packets_type(c->zone);
    read_port(c, val[PACKETS_PORT], val[PACKETS_QUEUES], out);
    struct cnode *filter = val[PACKETS_FILTER];
    if (filter && conf_text(c, filter, &out->filter) && check &&
        check(out->filter, err, sizeof err))
        conf_error(c, filter, NULL, "filter: %s", err);
}

static void read_source(struct conf *c, struct job *j, struct cnode *key, struct cnode *map,
                        filter_check check)
{
    struct job_source *out = &j->source[j->sources_cnt];
    const char *names[KEYS_MAX];
    struct cnode *val[KEYS_MAX], *type;
    char what[48];

    *out = (struct job_source){.at = key->at.from};
    bool named = conf_word(c, key, false, "source", &out->spec.name);
    out->spec.name = key->s;
    j->sources_cnt += named;
    if (!conf_is_map(c, map, "a source"))
        return;
    type = conf_get(map, "type");
    if (!type) {
        diag_add(c->diags, DIAG_ERROR, map->at.from, 1, "type: udp or type: packets",
                 "source '%s' has no type", key->s);
        return;
    }
    kind_names(source_kinds, names);
    int kind = conf_choice(c, type, "source type", names, source_kinds_later);
    if (kind < 0)
        return;
    out->type = (enum source_type)kind;
    snprintf(what, sizeof what, "for source type '%s'", names[kind]);
    conf_keys(c, map, source_kinds[kind].keys, what, val);
    if (out->type == SOURCE_TYPE_UDP)
        read_udp(c, map, val, out);
    else
        read_packets(c, val, out, check);
}

void read_sources(struct conf *c, struct job *j, struct cnode *map, filter_check check)
{
    if (map->cnt == 0)
        conf_error(c, map, NULL, "a job needs a source");
    for (uint32_t i = 0; i < map->cnt; i++) {
        if (j->sources_cnt == JOB_SOURCES_MAX) {
            conf_error(c, map->key[i], NULL, "a job has at most %u sources", JOB_SOURCES_MAX);
            return;
        }
        read_source(c, j, map->key[i], map->val[i], check);
    }
}
