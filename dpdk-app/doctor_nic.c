// The NICs: who has which, and whether DPDK could.

#include "dpdk-app/doctor_report.h"

#include <stdlib.h>
#include <string.h>

void doctor_iommu(struct doctor *d)
{
    struct name_list groups;
    doctor_list(d, &groups, "", "/sys/kernel/iommu_groups");
    if (groups.cnt > 0)
        doctor_ok(d, "on, %u groups", groups.cnt);
    else
        doctor_warn(d, "switch VT-d or AMD-Vi on in the firmware; kernel: intel_iommu=on iommu=pt",
                    "off: vfio-pci can take no NIC (virtual devices need none)");
}

static bool has_default_route(const struct doctor *d, const char *interface)
{
    char text[16384], *save = text, *line;
    size_t len = strlen(interface);

    doctor_read(d, text, sizeof(text), "/proc/net/route");
    while (len > 0 && (line = strsep(&save, "\n")) != NULL) {
        // Interface, then destination; the mask is the eighth column.
        if (strncmp(line, interface, len) != 0 || line[len] != '\t' ||
            strncmp(line + len + 1, "00000000\t", 9) != 0)
            continue;
        char *column = line;
        for (int i = 0; i < 7 && column != NULL; i++) {
            column = strchr(column, '\t');
            column = column == NULL ? NULL : column + 1;
        }
        if (column != NULL && strncmp(column, "00000000", 8) == 0)
            return true;
    }
    return false;
}

// The interface of a PCI device: a virtio NIC has it one level deeper.
static void interface_of(const struct doctor *d, const char *address, char *out, size_t cap)
{
    struct name_list names, inner;
    out[0] = '\0';
    doctor_list(d, &names, "", "/sys/bus/pci/devices/%s/net", address);
    if (names.cnt == 0) {
        doctor_list(d, &inner, "virtio", "/sys/bus/pci/devices/%s", address);
        if (inner.cnt > 0)
            doctor_list(d, &names, "", "/sys/bus/pci/devices/%s/%s/net", address, inner.name[0]);
    }
    if (names.cnt > 0)
        snprintf(out, cap, "%s", names.name[0]);
}

static void check_nic(struct doctor *d, const char *address, bool has_iommu)
{
    char driver[DOCTOR_NAME_BYTES], interface[DOCTOR_NAME_BYTES], node[16], mend[128];
    char who[256];

    bool bound =
        doctor_read_link(d, driver, sizeof(driver), "/sys/bus/pci/devices/%s/driver", address);
    interface_of(d, address, interface, sizeof(interface));
    if (!doctor_read(d, node, sizeof(node), "/sys/bus/pci/devices/%s/numa_node", address) ||
        node[0] == '-')
        snprintf(node, sizeof(node), "any");
    snprintf(who, sizeof(who), "%s %s%s%s, node %s", address, bound ? driver : "no driver",
             interface[0] == '\0' ? "" : " ", interface, node);
    snprintf(mend, sizeof(mend), "scripts/bind-nic kernel %s", address);

    if (!bound)
        doctor_warn(d, mend, "%s: neither Linux nor DPDK has it", who);
    else if (strcmp(driver, "vfio-pci") == 0 && !has_iommu)
        doctor_fail(d, mend, "%s: bound for DPDK, but vfio-pci needs an IOMMU", who);
    else if (strcmp(driver, "vfio-pci") == 0 || strcmp(driver, "uio_pci_generic") == 0)
        doctor_ok(d, "%s: with DPDK, device: \"%s\"", who, address);
    else if (strncmp(driver, "mlx", 3) == 0)
        doctor_ok(d, "%s: DPDK shares it with Linux, bind nothing", who);
    else if (has_default_route(d, interface))
        doctor_ok(d, "%s: has the default route, leave it to Linux", who);
    else
        doctor_ok(d, "%s: with Linux; to DPDK by: scripts/bind-nic dpdk %s", who, address);
}

void doctor_nics(struct doctor *d)
{
    struct name_list devices, groups;
    char class[16];
    unsigned nics_cnt = 0;

    doctor_list(d, &groups, "", "/sys/kernel/iommu_groups");
    doctor_list(d, &devices, "", "/sys/bus/pci/devices");
    for (unsigned i = 0; i < devices.cnt; i++) {
        doctor_read(d, class, sizeof(class), "/sys/bus/pci/devices/%s/class", devices.name[i]);
        if (strncmp(class, "0x02", 4) != 0)
            continue;
        nics_cnt++;
        check_nic(d, devices.name[i], groups.cnt > 0);
    }
    if (nics_cnt == 0)
        doctor_ok(d, "none on PCI: use a virtual device (net_af_packet on any interface)");
}
