#include "dpdk-app/doctor.h"

#include "dpdk-app/doctor_report.h"

#include <stdlib.h>

struct check {
    const char *name;
    void (*run)(struct doctor *d);
};

static const struct check checks[] = {
    {"hugepages", doctor_hugepages},
    {"memlock", doctor_memlock},
    {"cpu flags", doctor_cpu_flags},
    {"governor", doctor_governor},
    {"isolated cores", doctor_isolation},
    {"smt", doctor_smt},
    {"irq affinity", doctor_irqs},
    {"clock", doctor_clock},
    {"steal", doctor_steal},
    {"iommu", doctor_iommu},
    {"nics", doctor_nics},
    {"leftovers", doctor_leftovers},
};

int doctor_run(FILE *out)
{
    const char *root = getenv("MILLRACE_SYSROOT");
    struct doctor d = {.out = out, .root = root == NULL ? "" : root};

    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        d.check = checks[i].name;
        checks[i].run(&d);
    }
    fprintf(out, "%u ok, %u WARN, %u FAIL\n", d.ok_cnt, d.warn_cnt, d.fail_cnt);
    return d.fail_cnt == 0 ? 0 : 69;
}
