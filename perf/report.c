#include "perf/report.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <rte_version.h>

#include "base/simd.h"

struct machine {
    char cpu[128], kernel[128];
    long cpus, l2_bytes, l3_bytes;
    double load;
};

/* The kernel's view of this cpu's cache; sysconf gives the whole host's in a virtual machine. */
static long cache_bytes(int index)
{
    char path[96];
    long kb = 0;

    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", index);
    FILE *f = fopen(path, "r");
    if (f && fscanf(f, "%ldK", &kb) != 1)
        kb = 0;
    if (f)
        fclose(f);
    return kb * 1024;
}

uint64_t report_cache_bytes(void)
{
    long l2 = cache_bytes(2), l3 = cache_bytes(3);

    return (uint64_t)(l3 ? l3 : l2);
}

static void look(struct machine *m)
{
    char line[256];
    struct utsname u;
    FILE *f = fopen("/proc/cpuinfo", "r");

    *m = (struct machine){.cpu = "unknown", .cpus = sysconf(_SC_NPROCESSORS_ONLN)};
    while (f && fgets(line, sizeof line, f)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) || !colon)
            continue;
        line[strcspn(line, "\n")] = 0;
        snprintf(m->cpu, sizeof m->cpu, "%.120s", colon + 2);
        break;
    }
    if (f)
        fclose(f);
    if (uname(&u) == 0)
        snprintf(m->kernel, sizeof m->kernel, "%.100s", u.release);
    m->l2_bytes = cache_bytes(2);
    m->l3_bytes = cache_bytes(3);
    f = fopen("/proc/loadavg", "r");
    if (f && fscanf(f, "%lf", &m->load) != 1)
        m->load = 0;
    if (f)
        fclose(f);
}

void report_feed(FILE *f, const struct perf_blocks *b)
{
    fprintf(f, "\nfeed     %u sealed blocks, %.0f MB, recycled: %s\n", b->cnt,
            (double)b->bytes / 1e6, b->note);
    fprintf(f, "%-18s %6s %12s %8s %8s %6s  %-12s %s\n", "job", "lcores", "M records/s", "(wall)",
            "limit", "ratio", "p10..p90", "answer agrees");
}

void report_row(FILE *f, const struct bench_row *r)
{
    const struct duel *d = &r->duel;

    fprintf(f, "%-18s %6u %12.2f %8.2f %8.2f %6.2f  %.2f..%.2f   %s\n", r->job, r->lcores,
            d->records_per_s / 1e6, d->wall_per_s / 1e6, d->limit_records_per_s / 1e6, d->ratio,
            d->low, d->high, d->answer_agrees ? "yes" : "NO");
    fflush(f);
}

static void machine_json(FILE *f, const double *read_per_s, uint32_t lcores)
{
    struct machine m;

    look(&m);
    fprintf(f,
            "{\"cpu\": \"%s\", \"cpus\": %ld, \"l2_bytes\": %ld, \"l3_bytes\": %ld,\n"
            "  \"simd\": \"%s\", \"kernel\": \"%s\", \"compiler\": \"%s\", \"dpdk\": \"%s\",\n"
            "  \"memory\": \"%s\", \"load\": %.2f,\n  \"core_map\": [",
            m.cpu, m.cpus, m.l2_bytes, m.l3_bytes, simd_level_name(simd_level), m.kernel,
            __VERSION__, rte_version(), perf_pages_mode(), m.load);
    for (uint32_t i = 0; i < lcores; i++)
        fprintf(f, "%s%u", i ? ", " : "", crew_cpu(i));
    fprintf(f, "], \"read_bytes_per_s\": [");
    for (uint32_t i = 0; i < lcores; i++)
        fprintf(f, "%s%.0f", i ? ", " : "", read_per_s[i]);
    fprintf(f, "]}");
}

static void json_row(FILE *f, const struct bench_row *r)
{
    const struct duel *d = &r->duel;

    fprintf(f,
            "{\"job\": \"%s\", \"feed\": \"%s\", \"lcores\": %u, \"records_per_s\": %.0f, "
            "\"limit_records_per_s\": %.0f, \"ratio\": %.3f, \"spread\": %.3f, "
            "\"answer_agrees\": %s}",
            r->job, r->feed, r->lcores, d->records_per_s, d->limit_records_per_s, d->ratio,
            (d->high - d->low) / d->ratio, d->answer_agrees ? "true" : "false");
}

static void json_detail(FILE *f, const struct bench_row *r)
{
    const struct duel *d = &r->duel;

    fprintf(f,
            "{\"job\": \"%s\", \"feed\": \"%s\", \"lcores\": %u, \"wall_records_per_s\": %.0f, "
            "\"limit_wall_records_per_s\": %.0f, \"bytes_per_s\": %.0f, \"ratio_p10\": %.3f, "
            "\"ratio_p90\": %.3f, \"repetitions\": %u}",
            r->job, r->feed, r->lcores, d->wall_per_s, d->limit_wall_per_s, d->bytes_per_s, d->low,
            d->high, d->repetitions);
}

static void json_list(FILE *f, const char *name, const struct bench_row *row, uint32_t cnt,
                      void (*one)(FILE *f, const struct bench_row *r))
{
    fprintf(f, ",\n \"%s\": [", name);
    for (uint32_t i = 0; i < cnt; i++) {
        fprintf(f, "%s\n  ", i ? "," : "");
        one(f, &row[i]);
    }
    fprintf(f, "\n ]");
}

int report_json(const char *path, const struct bench_row *row, uint32_t cnt,
                const double *read_per_s, uint32_t lcores)
{
    FILE *f = fopen(path, "w");

    if (!f)
        return -errno;
    fprintf(f, "{\"machine\": ");
    machine_json(f, read_per_s, lcores);
    json_list(f, "rows", row, cnt, json_row);
    json_list(f, "details", row, cnt, json_detail);
    fprintf(f, "}\n");
    return fclose(f) ? -EIO : 0;
}
