// The arguments of EAL, made from the appliance file.
#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/strbuf.h"
#include "dpdk-app/eal.h"

// A PCI address: [domain:]bus:device.function, perhaps with arguments behind a comma.
static bool is_pci(const char *device)
{
    const char *colon = strchr(device, ':'), *comma = strchr(device, ',');

    return colon && (!comma || colon < comma) && isxdigit((unsigned char)device[0]) &&
           strncmp(device, "net_", 4) != 0;
}

static int add(struct eal *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int add(struct eal *e, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    if (e->argc == (int)EAL_ARGS_MAX)
        return -E2BIG;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof text)
        return -E2BIG;
    e->argv[e->argc++] = zone_strndup(&e->zone, text, (size_t)n);
    e->argv[e->argc] = NULL;
    return 0;
}

// The lcores that the appliance file names, each once, rising.
static uint32_t lcores_used(const struct appliance *a, uint32_t used[LCORES_MAX])
{
    uint64_t named = 0;
    uint32_t cnt = 0;

    MR_ASSERT(a->control < LCORES_MAX);
    named |= 1ull << a->control;
    for (uint32_t i = 0; i < a->ingest_cnt + a->workers_cnt; i++) {
        uint32_t id = i < a->ingest_cnt ? a->ingest[i] : a->worker[i - a->ingest_cnt];

        MR_ASSERT(id < LCORES_MAX);
        named |= 1ull << id;
    }
    for (uint32_t i = 0; i < LCORES_MAX; i++)
        if (named >> i & 1)
            used[cnt++] = i;
    return cnt;
}

static uint32_t cpus_allowed(uint32_t *cpu, uint32_t max, cpu_set_t *set)
{
    uint32_t cnt = 0;

    CPU_ZERO(set);
    if (sched_getaffinity(0, sizeof *set, set) < 0)
        CPU_SET(0, set);
    for (unsigned i = 0; i < CPU_SETSIZE && cnt < max; i++)
        if (CPU_ISSET(i, set))
            cpu[cnt++] = i;
    return cnt;
}

// lcores_map writes "0@0,1@1,2@0".
static void lcores_map(struct eal *e, const struct appliance *a, struct strbuf *out)
{
    uint32_t used[LCORES_MAX], cpu[CPU_SETSIZE];
    uint32_t used_cnt = lcores_used(a, used);
    cpu_set_t set;
    bool own = true;

    e->cpus_cnt = cpus_allowed(cpu, CPU_SETSIZE, &set);
    for (uint32_t i = 0; i < used_cnt; i++)
        own = own && CPU_ISSET(used[i], &set);
    e->shared_cpus = used_cnt > e->cpus_cnt;
    e->spare_cpus = set;
    for (uint32_t i = 0; i < used_cnt; i++) {
        uint32_t on = own ? used[i] : cpu[i % e->cpus_cnt];

        CPU_CLR(on, &e->spare_cpus);
        strbuf_printf(out, "%s%u@%u", i ? "," : "", used[i], on);
    }
    if (!CPU_COUNT(&e->spare_cpus))
        e->spare_cpus = set;
}

static int add_ports(struct eal *e, const struct eal_conf *conf)
{
    const struct appliance *a = conf->appliance;
    bool pci = false, memif = false;
    int rc = 0;

    for (uint32_t i = 0; i < a->ports_cnt && !conf->files; i++) {
        const char *device = a->port[i].device;

        memif = memif || strncmp(device, "net_memif", 9) == 0;
        if (is_pci(device)) {
            pci = true;
            rc = rc ? rc : add(e, "-a");
            rc = rc ? rc : add(e, "%s", device);
        }
    }
    if (!pci) {
        rc = rc ? rc : add(e, "--no-pci");
        rc = rc ? rc : add(e, "--iova-mode=va");
    }
    if (memif)
        rc = rc ? rc : add(e, "--single-file-segments");
    return rc;
}

static int add_memory(struct eal *e, const struct eal_conf *conf)
{
    uint64_t mb = (conf->memory_bytes >> 20) + 1;
    int rc;

    if (!conf->no_huge)
        return add(e, "--in-memory");
    rc = add(e, "--no-huge");
    rc = rc ? rc : add(e, "-m");
    rc = rc ? rc : add(e, "%llu", (unsigned long long)mb);
    return rc ? rc : add(e, "--no-shconf");
}

int eal_args(struct eal *e, const struct eal_conf *conf, char *err, size_t err_bytes)
{
    const struct appliance *a = conf->appliance;
    struct strbuf map = {0};

    lcores_map(e, a, &map);
    int rc = add(e, "millrace");
    rc = rc ? rc : add(e, "--lcores=%s", map.s ? map.s : "0@0");
    rc = rc ? rc : add(e, "--main-lcore=%u", a->control);
    rc = rc ? rc : add(e, "--file-prefix=%s", a->instance);
    rc = rc ? rc : add_memory(e, conf);
    rc = rc ? rc : add_ports(e, conf);
    if (conf->files)
        rc = rc ? rc : add(e, "--no-telemetry");
    for (uint32_t i = 0; i < conf->extra_cnt; i++)
        rc = rc ? rc : add(e, "%s", conf->extra[i]);
    strbuf_clear(&map);
    for (int i = 1; i < e->argc; i++)
        strbuf_printf(&map, "%s%s", i > 1 ? " " : "", e->argv[i]);
    e->line = zone_strndup(&e->zone, map.s ? map.s : "", map.len);
    strbuf_release(&map);
    if (rc < 0)
        snprintf(err, err_bytes, "too many arguments for EAL: at most %u", EAL_ARGS_MAX);
    return rc;
}
