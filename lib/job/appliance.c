/* The appliance file: ports, lcores and their roles, memory. */
#include <stdio.h>
#include <string.h>

#include "job/tables.h"
#include "job/units.h"
#include "rdd/parse.h"

enum { TOP_PORTS, TOP_LCORES, TOP_MEMORY, TOP_IDLE, TOP_INSTANCE };
enum { PORT_DEVICE, PORT_QUEUES, PORT_RXD, PORT_MODE, PORT_ADDRESS, PORT_RSS, PORT_MTU };
enum { LCORES_ALL, LCORES_CONTROL, LCORES_INGEST, LCORES_WORKERS };
enum { MEMORY_BLOCKS, MEMORY_STATE };

#define MB (1ull << 20)
#define TB (1ull << 40)

const struct key appliance_keys[] = {
    [TOP_PORTS] = KEY("ports", "{ name: { device: ..., ... }, ... }", "none",
                      "where packets come in; jobs name their ports"),
    [TOP_LCORES] = KEY("lcores", "{ all: 0 } or { control: 0, ingest: [1], workers: [2, 3] }",
                       "{ all: 0 }", "which logical core has which role"),
    [TOP_MEMORY] = KEY("memory", "{ blocks: 4GB, state: 2GB }", "{ blocks: 512MB, state: 256MB }",
                       "how much is taken at the start"),
    [TOP_IDLE] = KEY("idle", "busy | adaptive", "adaptive",
                     "what an lcore does without work: poll on, or sleep a little"),
    [TOP_INSTANCE] = KEY("instance", "a name", "millrace",
                         "tells two appliances on one machine apart (EAL's file prefix)"),
    KEY_LATER("cluster"),
    KEY_LATER("key"),
    KEY_LATER("state_dir"),
    KEYS_END,
};

const struct key port_keys[] = {
    [PORT_DEVICE] = KEY("device", "a PCI address, or a virtual device", NULL,
                        "\"0000:3b:00.0\", \"net_af_packet0,iface=eth1\"", .required = true),
    [PORT_QUEUES] = KEY("queues", "1 to 32", "1", "receive queues, spread over the ingest lcores"),
    [PORT_RXD] = KEY("rxd", "32 to 32768", "the device's own", "receive descriptors of a queue"),
    [PORT_MODE] = KEY("mode", "host | mirror", "host with an address, else mirror",
                      "mirror is promiscuous and never sends; host answers ARP and ICMP echo"),
    [PORT_ADDRESS] = KEY("address", "an IPv4 address", NULL, "of a port in mode host"),
    [PORT_RSS] = KEY("rss", "auto | symmetric", "auto",
                     "symmetric: both directions of a flow come to one queue"),
    [PORT_MTU] = KEY("mtu", "68 to 16000", "the device's own", "the largest packet"),
    KEYS_END,
};

const struct key lcores_keys[] = {
    [LCORES_ALL] = KEY("all", "an lcore", NULL, "every role on this one; no other key then"),
    [LCORES_CONTROL] = KEY("control", "an lcore", NULL, "plans, and speaks to the I/O threads"),
    [LCORES_INGEST] = KEY("ingest", "a list of lcores, [1, 2] or [1-2]", NULL, "poll the ports"),
    [LCORES_WORKERS] = KEY("workers", "a list of lcores", NULL, "run the tasks"),
    KEYS_END,
};

const struct key memory_keys[] = {
    [MEMORY_BLOCKS] =
        KEY("blocks", "a size of at least 16MB", "512MB", "pages for input, shuffles and output"),
    [MEMORY_STATE] =
        KEY("state", "a size of at least 1MB", "256MB", "tables of keys: windows, running states"),
    KEYS_END,
};

/* ---- ports ---- */

static void read_address(struct conf *c, struct cnode *n, struct port_conf *out)
{
    static const uint8_t v4[12] = {[10] = 0xff, [11] = 0xff};
    const char *s;

    if (!conf_text(c, n, &s))
        return;
    out->has_address =
        !parse_ip(s, n->len, &out->address) && !memcmp(out->address.b, v4, sizeof v4);
    if (!out->has_address)
        conf_error(c, n, "such as 10.0.0.1", "'%s' is no IPv4 address", s);
}

static void read_mode(struct conf *c, struct cnode *map, struct cnode **val, struct port_conf *out)
{
    static const char *const modes[] = {"host", "mirror", NULL};
    int i = val[PORT_ADDRESS] ? PORT_HOST : PORT_MIRROR;

    if (val[PORT_MODE])
        i = conf_choice(c, val[PORT_MODE], "mode", modes, NULL);
    out->mode = i == PORT_HOST ? PORT_HOST : PORT_MIRROR;
    if (val[PORT_ADDRESS] && i == PORT_MIRROR)
        conf_error(c, val[PORT_ADDRESS], NULL, "a port in mode mirror has no address");
    else if (val[PORT_ADDRESS])
        read_address(c, val[PORT_ADDRESS], out);
    else if (i == PORT_HOST)
        diag_add(c->diags, DIAG_ERROR, map->at.from, 1, "address: 10.0.0.1",
                 "a port in mode host needs an address");
}

static uint32_t read_small(struct conf *c, struct cnode *n, uint32_t min, uint32_t max,
                           uint32_t by_default)
{
    uint64_t v;

    return n && conf_uint(c, n, min, max, &v) ? (uint32_t)v : by_default;
}

static void read_port(struct conf *c, struct appliance *a, struct cnode *key, struct cnode *map)
{
    static const char *const rss[] = {"auto", "symmetric", NULL};
    struct port_conf *out = &a->port[a->ports_cnt];
    struct cnode *val[KEYS_MAX];

    *out = (struct port_conf){.at = key->at.from, .rss = RSS_AUTO};
    if (!conf_word(c, key, true, "port", &out->name) || !conf_is_map(c, map, "a port"))
        return;
    a->ports_cnt++;
    conf_keys(c, map, port_keys, "for a port", val);
    if (val[PORT_DEVICE] && conf_text(c, val[PORT_DEVICE], &out->device))
        for (uint32_t i = 0; i + 1 < a->ports_cnt; i++)
            if (a->port[i].device && !strcmp(a->port[i].device, out->device))
                conf_error(c, val[PORT_DEVICE], NULL, "port '%s' has this device", a->port[i].name);
    out->queues = read_small(c, val[PORT_QUEUES], 1, PORT_QUEUES_LIMIT, 1);
    out->rxd = read_small(c, val[PORT_RXD], 32, 32768, 0);
    out->mtu = read_small(c, val[PORT_MTU], 68, 16000, 0);
    read_mode(c, map, val, out);
    if (val[PORT_RSS] && conf_choice(c, val[PORT_RSS], "rss", rss, NULL) == 1)
        out->rss = RSS_SYMMETRIC;
}

static void read_ports(struct conf *c, struct appliance *a, struct cnode *map)
{
    if (!conf_is_map(c, map, "ports"))
        return;
    for (uint32_t i = 0; i < map->cnt; i++) {
        if (a->ports_cnt == PORTS_MAX) {
            conf_error(c, map->key[i], NULL, "an appliance has at most %u ports", PORTS_MAX);
            return;
        }
        read_port(c, a, map->key[i], map->val[i]);
    }
}

/* ---- lcores ---- */

#define LCORE_MAX 1023u /* the largest number of an lcore */

static bool has_lcore(const uint32_t *list, uint32_t cnt, uint32_t lcore)
{
    for (uint32_t i = 0; i < cnt; i++)
        if (list[i] == lcore)
            return true;
    return false;
}

/* "3" or "1-3", added to the list. */
static void read_lcore(struct conf *c, struct cnode *n, uint32_t *list, uint32_t *cnt)
{
    uint64_t from, to;
    const char *s;

    if (!conf_text(c, n, &s))
        return;
    const char *dash = strchr(s, '-');
    size_t first = dash ? (size_t)(dash - s) : n->len;
    if (parse_uint(s, first, &from) || (dash && parse_uint(dash + 1, n->len - first - 1, &to))) {
        conf_error(c, n, "such as 2, or 1-3", "'%s' is no lcore", s);
        return;
    }
    to = dash ? to : from;
    if (to < from || to > LCORE_MAX) {
        conf_error(c, n, NULL, "lcores are from 0 to %u", LCORE_MAX);
        return;
    }
    for (uint64_t l = from; l <= to && !n->bad; l++) {
        if (has_lcore(list, *cnt, (uint32_t)l))
            conf_error(c, n, NULL, "lcore %u is given twice", (uint32_t)l);
        else if (*cnt == LCORES_MAX)
            conf_error(c, n, NULL, "at most %u lcores in a list", LCORES_MAX);
        else
            list[(*cnt)++] = (uint32_t)l;
    }
}

static void read_lcore_list(struct conf *c, struct cnode *n, uint32_t *list, uint32_t *cnt)
{
    if (n->kind != CONF_LIST) {
        read_lcore(c, n, list, cnt);
        return;
    }
    for (uint32_t i = 0; i < n->cnt; i++)
        read_lcore(c, n->val[i], list, cnt);
}

static void all_on(struct appliance *a, uint32_t lcore)
{
    a->all_on_one = true;
    a->control = a->ingest[0] = a->worker[0] = lcore;
    a->ingest_cnt = a->workers_cnt = 1;
}

static void read_lcores(struct conf *c, struct appliance *a, struct cnode *map)
{
    struct cnode *val[KEYS_MAX];
    uint64_t lcore;

    if (!conf_is_map(c, map, "lcores"))
        return;
    conf_keys(c, map, lcores_keys, "for lcores", val);
    if (val[LCORES_ALL]) {
        for (int i = LCORES_CONTROL; i <= LCORES_WORKERS; i++)
            if (val[i])
                conf_error(c, val[i], NULL, "'all' puts every role on one lcore: no '%s' with it",
                           lcores_keys[i].name);
        if (conf_uint(c, val[LCORES_ALL], 0, LCORE_MAX, &lcore))
            all_on(a, (uint32_t)lcore);
        return;
    }
    if (!val[LCORES_CONTROL])
        diag_add(c->diags, DIAG_ERROR, map->at.from, 1, "control: 0, or all: 0 for every role",
                 "no lcore has the role 'control'");
    else if (conf_uint(c, val[LCORES_CONTROL], 0, LCORE_MAX, &lcore))
        a->control = (uint32_t)lcore;
    if (!val[LCORES_INGEST])
        diag_add(c->diags, DIAG_ERROR, map->at.from, 1, "ingest: [1]; it may share an lcore",
                 "no lcore has the role 'ingest'");
    else
        read_lcore_list(c, val[LCORES_INGEST], a->ingest, &a->ingest_cnt);
    if (val[LCORES_WORKERS])
        read_lcore_list(c, val[LCORES_WORKERS], a->worker, &a->workers_cnt);
    if (!val[LCORES_WORKERS] ||
        (val[LCORES_WORKERS]->kind == CONF_LIST && !val[LCORES_WORKERS]->cnt))
        diag_add(c->diags, DIAG_ERROR, map->at.from, 1, "workers: [1]; they may share an lcore",
                 "ingest without a worker lcore to run its tasks");
}

/* ---- the file ---- */

static void read_memory(struct conf *c, struct appliance *a, struct cnode *map)
{
    struct cnode *val[KEYS_MAX];

    if (!conf_is_map(c, map, "memory"))
        return;
    conf_keys(c, map, memory_keys, "for memory", val);
    if (val[MEMORY_BLOCKS])
        conf_size(c, val[MEMORY_BLOCKS], 16 * MB, 64 * TB, &a->blocks_bytes);
    if (val[MEMORY_STATE])
        conf_size(c, val[MEMORY_STATE], MB, 64 * TB, &a->state_bytes);
}

static void read_appliance(struct conf *c, struct appliance *a, struct cnode *root)
{
    static const char *const idle[] = {"adaptive", "busy", NULL};
    struct cnode *val[KEYS_MAX];

    a->instance = "millrace";
    a->blocks_bytes = 512 * MB;
    a->state_bytes = 256 * MB;
    a->idle = IDLE_ADAPTIVE;
    if (!conf_is_map(c, root, "an appliance file"))
        return;
    conf_keys(c, root, appliance_keys, "in an appliance file", val);
    if (val[TOP_PORTS])
        read_ports(c, a, val[TOP_PORTS]);
    if (val[TOP_LCORES])
        read_lcores(c, a, val[TOP_LCORES]);
    else
        all_on(a, 0);
    if (val[TOP_MEMORY])
        read_memory(c, a, val[TOP_MEMORY]);
    if (val[TOP_IDLE] && conf_choice(c, val[TOP_IDLE], "idle", idle, NULL) == 1)
        a->idle = IDLE_BUSY;
    if (val[TOP_INSTANCE])
        conf_word(c, val[TOP_INSTANCE], true, "instance", &a->instance);
}

struct appliance *appliance_parse(const char *path, const char *text, size_t len, struct diags *d)
{
    struct zone zone = {NULL};
    struct appliance *a = zone_alloc(&zone, sizeof *a);
    const uint32_t errors = d->errors_cnt;

    a->zone = zone;
    a->file = zone_strndup(&a->zone, path, strlen(path));
    diags_file(d, path, text, len);
    struct conf c = {.zone = &a->zone, .diags = d, .text = d->text, .len = d->len};
    struct cnode *root = conf_parse(&c);
    if (root)
        read_appliance(&c, a, root);
    if (d->errors_cnt == errors)
        return a;
    appliance_free(a);
    return NULL;
}

void appliance_free(struct appliance *a)
{
    struct zone zone;

    if (!a)
        return;
    zone = a->zone; /* it holds the appliance itself */
    zone_free(&zone);
}
