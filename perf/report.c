#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/simd.h"
#include "perf/blocks.h"
#include "perf/report.h"

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

void report_machine(void)
{
    struct machine m;

    look(&m);
    printf("machine  %s, %ld cpus, L2 %ld KB, L3 %ld KB, simd %s, load %.1f\n", m.cpu, m.cpus,
           m.l2_bytes / 1024, m.l3_bytes / 1024, simd_level_name(simd_level), m.load);
    printf("versions Linux %s, compiler %s\n", m.kernel, __VERSION__);
    printf("memory   %s\n", perf_pages_mode());
}

void report_feed(const struct perf_blocks *b)
{
    printf("\nfeed     %u sealed blocks, %.0f MB, recycled: %s\n", b->cnt, (double)b->bytes / 1e6,
           b->note);
    printf("%-10s %-7s %6s %12s %12s %6s %7s  %-9s %s\n", "job", "feed", "lcores", "M records/s",
           "limit", "ratio", "spread", "(wall)", "answer agrees");
}

void report_row(const struct bench_row *r)
{
    printf("%-10s %-7s %6u %12.2f %12.2f %6.2f %6.0f%%  (%.2f)    %s\n", r->job, r->feed, r->lcores,
           r->records_per_s / 1e6, r->limit_records_per_s / 1e6, r->ratio, r->spread * 100,
           r->wall_per_s / 1e6, r->answer_agrees ? "yes" : "NO");
    fflush(stdout);
}

static void json_row(FILE *f, const struct bench_row *r, bool last)
{
    fprintf(f,
            "  {\"job\": \"%s\", \"feed\": \"%s\", \"lcores\": %u, \"records_per_s\": %.0f, "
            "\"limit_records_per_s\": %.0f, \"ratio\": %.3f, \"spread\": %.3f, "
            "\"answer_agrees\": %s, \"wall_records_per_s\": %.0f, "
            "\"limit_wall_records_per_s\": %.0f}%s\n",
            r->job, r->feed, r->lcores, r->records_per_s, r->limit_records_per_s, r->ratio,
            r->spread, r->answer_agrees ? "true" : "false", r->wall_per_s, r->limit_wall_per_s,
            last ? "" : ",");
}

int report_json(const char *path, const struct bench_row *row, uint32_t cnt)
{
    struct machine m;
    FILE *f = fopen(path, "w");

    if (!f)
        return -errno;
    look(&m);
    fprintf(f,
            "{\"machine\": {\"cpu\": \"%s\", \"cpus\": %ld, \"l2_bytes\": %ld, \"l3_bytes\": %ld, "
            "\"simd\": \"%s\", \"kernel\": \"%s\", \"compiler\": \"%s\", \"memory\": \"%s\", "
            "\"load\": %.2f},\n \"rows\": [\n",
            m.cpu, m.cpus, m.l2_bytes, m.l3_bytes, simd_level_name(simd_level), m.kernel,
            __VERSION__, perf_pages_mode(), m.load);
    for (uint32_t i = 0; i < cnt; i++)
        json_row(f, &row[i], i + 1 == cnt);
    fprintf(f, " ]}\n");
    return fclose(f) ? -EIO : 0;
}
