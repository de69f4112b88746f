// The cores: what they can do, and what else runs on them.

#include "dpdk-app/doctor_report.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CPUS_MAX 1024u

struct cpu_set {
    bool has[CPUS_MAX];
    unsigned cnt;
};

// "0-2,5" as the kernel writes it.
static void parse_cpus(const char *text, struct cpu_set *out)
{
    memset(out, 0, sizeof(*out));
    while (isdigit((unsigned char)*text)) {
        char *end;
        unsigned long first = strtoul(text, &end, 10), last = first;
        if (*end == '-')
            last = strtoul(end + 1, &end, 10);
        for (unsigned long cpu = first; cpu <= last && cpu < CPUS_MAX; cpu++, out->cnt++)
            out->has[cpu] = true;
        text = *end == ',' ? end + 1 : end;
    }
}

static void format_cpus(const struct cpu_set *set, char *out, size_t cap)
{
    size_t len = 0;
    out[0] = '\0';
    for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++) {
        if (!set->has[cpu] || len + 16 > cap)
            continue;
        unsigned first = cpu;
        while (cpu + 1 < CPUS_MAX && set->has[cpu + 1])
            cpu++;
        const char *comma = len > 0 ? "," : "";
        if (cpu == first)
            len += (size_t)snprintf(out + len, cap - len, "%s%u", comma, first);
        else
            len += (size_t)snprintf(out + len, cap - len, "%s%u-%u", comma, first, cpu);
    }
}

static void read_cpus(const struct doctor *d, const char *which, struct cpu_set *out)
{
    char text[4096];
    doctor_read(d, text, sizeof(text), "/sys/devices/system/cpu/%s", which);
    parse_cpus(text, out);
}

// The flags of the first CPU, padded with blanks.
static void read_flags(const struct doctor *d, char *out, size_t cap)
{
    char text[8192];
    doctor_read(d, text, sizeof(text), "/proc/cpuinfo");
    const char *flags = strstr(text, "\nflags");
    const char *colon = flags == NULL ? NULL : strchr(flags, ':');
    snprintf(out, cap, "%.*s", colon == NULL ? 0 : (int)strcspn(colon + 1, "\n"),
             colon == NULL ? "" : colon + 1);
}

// Those of the list that the CPU does not have, each behind a blank.
static void missing_of(const char *flags, const char *const *list, size_t cnt, char *out,
                       size_t cap)
{
    out[0] = '\0';
    for (size_t i = 0; i < cnt; i++) {
        size_t len = strlen(out);
        if (!doctor_has_word(flags, list[i]))
            snprintf(out + len, cap - len, " %s", list[i]);
    }
}

// `make` builds for x86-64-v3 and AES; what is wider is chosen at run time, all or none
// (base/simd.h).
void doctor_cpu_flags(struct doctor *d)
{
    static const char *const needed[] = {"avx", "avx2",  "bmi1", "bmi2", "f16c",
                                         "fma", "movbe", "abm",  "aes"};
    static const char *const wider[] = {"avx512f",  "avx512bw",     "avx512cd", "avx512dq",
                                        "avx512vl", "avx512_vbmi2", "vaes"};
    char flags[8192], missing[128], narrow[128];

    read_flags(d, flags, sizeof(flags));
    missing_of(flags, needed, sizeof(needed) / sizeof(needed[0]), missing, sizeof(missing));
    missing_of(flags, wider, sizeof(wider) / sizeof(wider[0]), narrow, sizeof(narrow));
    if (missing[0] != '\0')
        doctor_fail(
            d, "in a virtual machine give it the host's CPU model (qemu: -cpu host)",
            "no x86-64-v3 with AES:%s missing; the program stops at its first such instruction",
            missing);
    else if (narrow[0] != '\0')
        doctor_ok(d, "x86-64-v3 with AES: kernels for AVX2 (for those of AVX-512%s missing)",
                  narrow);
    else
        doctor_ok(d, "x86-64-v3 with AES: kernels for AVX-512");
}

void doctor_governor(struct doctor *d)
{
    static const char set[] = "for g in /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor; "
                              "do echo performance > $g; done";
    struct cpu_set online;
    char governor[64], other[64] = "";
    unsigned seen_cnt = 0, other_cnt = 0;

    read_cpus(d, "online", &online);
    for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++) {
        if (!online.has[cpu] ||
            !doctor_read(d, governor, sizeof(governor),
                         "/sys/devices/system/cpu/cpu%u/cpufreq/scaling_governor", cpu))
            continue;
        seen_cnt++;
        if (strcmp(governor, "performance") == 0)
            continue;
        memcpy(other, governor, sizeof(other));
        other_cnt++;
    }
    if (seen_cnt == 0)
        doctor_ok(d, "no frequency scaling here (as in a virtual machine)");
    else if (other_cnt > 0)
        doctor_warn(d, set, "%u of %u cores have '%s': a lcore slows down when it idles", other_cnt,
                    seen_cnt, other);
    else
        doctor_ok(d, "performance on %u cores", seen_cnt);
}

void doctor_isolation(struct doctor *d)
{
    struct cpu_set online, isolated;
    char text[256], mend[512];

    read_cpus(d, "online", &online);
    read_cpus(d, "isolated", &isolated);
    if (isolated.cnt > 0) {
        format_cpus(&isolated, text, sizeof(text));
        doctor_ok(d, "%s: give them to ingest and workers in the appliance file, with idle: busy",
                  text);
        return;
    }
    if (online.cnt <= 2) {
        doctor_ok(d, "none, and with %u cores none to spare: use idle: adaptive", online.cnt);
        return;
    }
    snprintf(mend, sizeof(mend),
             "on the kernel's command line: isolcpus=managed_irq,domain,2-%u nohz_full=2-%u "
             "rcu_nocbs=2-%u irqaffinity=0-1",
             online.cnt - 1, online.cnt - 1, online.cnt - 1);
    doctor_warn(d, mend, "none of %u cores: the kernel interrupts busy lcores when it likes",
                online.cnt);
}

void doctor_smt(struct doctor *d)
{
    if (doctor_read_u64(d, 0, "/sys/devices/system/cpu/smt/active") == 1)
        doctor_warn(d,
                    "echo off > /sys/devices/system/cpu/smt/control (or give each core one lcore)",
                    "two hardware threads share each core: two lcores on one get half each");
    else
        doctor_ok(d, "off, or not there");
}

void doctor_irqs(struct doctor *d)
{
    struct cpu_set online, isolated, at;
    struct name_list irqs;
    char text[4096], house[256], numbers[256] = "", mend[768];
    unsigned bad_cnt = 0;

    read_cpus(d, "online", &online);
    read_cpus(d, "isolated", &isolated);
    if (isolated.cnt == 0) {
        doctor_ok(d, "no isolated cores to keep interrupts away from");
        return;
    }
    doctor_list(d, &irqs, "", "/proc/irq");
    for (unsigned i = 0; i < irqs.cnt; i++) {
        if (!doctor_read(d, text, sizeof(text), "/proc/irq/%s/effective_affinity_list",
                         irqs.name[i]) ||
            text[0] == '\0')
            doctor_read(d, text, sizeof(text), "/proc/irq/%s/smp_affinity_list", irqs.name[i]);
        parse_cpus(text, &at);
        bool hit = false;
        for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++)
            hit = hit || (at.has[cpu] && isolated.has[cpu]);
        if (!hit)
            continue;
        bad_cnt++;
        size_t len = strlen(numbers);
        snprintf(numbers + len, sizeof(numbers) - len, " %s", irqs.name[i]);
    }
    if (bad_cnt == 0) {
        doctor_ok(d, "no interrupt goes to an isolated core");
        return;
    }
    for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++)
        online.has[cpu] = online.has[cpu] && !isolated.has[cpu];
    format_cpus(&online, house, sizeof(house));
    snprintf(mend, sizeof(mend), "for i in%s; do echo %s > /proc/irq/$i/smp_affinity_list; done",
             numbers, house);
    doctor_warn(d, mend, "%u interrupts go to isolated cores", bad_cnt);
}

// Interval boundaries come from the wall clock, carried on by the TSC.
void doctor_clock(struct doctor *d)
{
    static const char at[] = "/sys/devices/system/clocksource/clocksource0";
    char flags[8192], current[64], available[256];

    read_flags(d, flags, sizeof(flags));
    doctor_read(d, current, sizeof(current), "%s/current_clocksource", at);
    doctor_read(d, available, sizeof(available), "%s/available_clocksource", at);
    if (!doctor_has_word(flags, "constant_tsc") || !doctor_has_word(flags, "nonstop_tsc"))
        doctor_warn(d, "in a virtual machine give it an invariant TSC (qemu: -cpu host,+invtsc)",
                    "the TSC changes its speed or stops: boundaries drift between corrections");
    else if (strcmp(current, "tsc") == 0 || strcmp(current, "kvm-clock") == 0)
        doctor_ok(d, "%s, invariant TSC", current);
    else if (doctor_has_word(available, "tsc"))
        doctor_warn(d,
                    "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource",
                    "the kernel keeps time with '%s': each look at the clock is slow", current);
    else
        doctor_warn(d, "see dmesg for why; if the TSC is sound, boot with tsc=reliable",
                    "the kernel has given up the TSC for '%s'", current);
}

void doctor_steal(struct doctor *d)
{
    char text[512];
    uint64_t value[8] = {0}, all = 0;

    doctor_read(d, text, sizeof(text), "/proc/stat");
    char *at = strncmp(text, "cpu ", 4) == 0 ? text + 4 : NULL;
    for (size_t i = 0; at != NULL && i < 8; i++) {
        value[i] = strtoull(at, &at, 10);
        all += value[i];
    }
    double percent = all == 0 ? 0 : 100.0 * (double)value[7] / (double)all;
    if (percent > 1)
        doctor_warn(d, "give this machine cores of its own (pin its CPUs on the host)",
                    "the host took %.1f %% of the CPU time away since the boot", percent);
    else
        doctor_ok(d, "%.2f %% of the CPU time since the boot", percent);
}
