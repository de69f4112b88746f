// NICs by PCI address, seen from outside of DPDK: who has one before EAL starts, and why there is
// no port afterwards. EAL goes on without a device that it cannot open. But it takes a virtio NIC
// that is with its kernel driver, if told so by name, and the machine loses it: hence the look
// before.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "dpdk-app/eal.h"
#include "dpdk-app/port_kernel.h"

#define CLASS_NETWORK "0x02"

static bool read_class(const char *root, const char *address, char *buf, size_t bytes)
{
    char path[256];

    buf[0] = '\0';
    snprintf(path, sizeof path, "%s/sys/bus/pci/devices/%s/class", root, address);
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    bool good = fgets(buf, (int)bytes, f) != NULL;
    fclose(f);
    return good;
}

// "" when no driver has it.
static const char *driver_of(const char *root, const char *address, char *to, size_t bytes)
{
    char path[256];

    snprintf(path, sizeof path, "%s/sys/bus/pci/devices/%s/driver", root, address);
    ssize_t n = readlink(path, to, bytes - 1);
    to[n > 0 ? n : 0] = '\0';
    const char *slash = strrchr(to, '/');
    return slash ? slash + 1 : to;
}

// Those of mlx share a NIC with its kernel driver.
static bool is_dpdks(const char *driver)
{
    return strcmp(driver, "vfio-pci") == 0 || strcmp(driver, "uio_pci_generic") == 0 ||
           strcmp(driver, "igb_uio") == 0 || strncmp(driver, "mlx", 3) == 0;
}

int pci_check(const char *root, const char *address, char *why, size_t bytes)
{
    char class[16], link[256];

    if (!read_class(root, address, class, sizeof class)) {
        snprintf(why, bytes, "there is no PCI device '%s': `millrace doctor` lists the NICs",
                 address);
        return -ENODEV;
    }
    if (strncmp(class, CLASS_NETWORK, strlen(CLASS_NETWORK)) != 0) {
        snprintf(why, bytes, "PCI device '%s' is no NIC: `millrace doctor` lists them", address);
        return -ENODEV;
    }
    const char *driver = driver_of(root, address, link, sizeof link);
    if (is_dpdks(driver))
        return 0;
    snprintf(why, bytes, "NIC '%s' has %s%s: `scripts/bind-nic dpdk %s` gives it to DPDK", address,
             driver[0] ? "its kernel driver " : "no driver", driver, address);
    return -EBUSY;
}

int pci_busy(const char *address, char *why, size_t bytes)
{
    snprintf(why, bytes, "NIC '%s' is in use by another process, or by another port of this one",
             address);
    return -EBUSY;
}

int pci_hold(const char *root, const char *address)
{
    char path[256];

    snprintf(path, sizeof path, "%s/sys/bus/pci/devices/%s/class", root, address);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        close(fd);
        return -EBUSY;
    }
    return fd;
}

int pci_explain(const char *address, char *why, size_t bytes)
{
    char said[256];

    if (strstr(eal_start_log(), "busy"))
        return pci_busy(address, why, bytes);
    eal_log_why(eal_start_log(), said, sizeof said);
    snprintf(why, bytes, "NIC '%s' cannot be opened by DPDK: %s", address,
             said[0] ? said : "none of its drivers knows it");
    return -EIO;
}
