// What the appliance file becomes: arguments of EAL and of devices.

#include <errno.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dpdk-app/eal.h"
#include "dpdk-app/port_args.h"
#include "dpdk-app/port_kernel.h"
#include "tests/test.h"

TEST(port_args, speaks_the_words_of_the_driver)
{
    static const struct {
        const char *device;
        uint32_t queues, mtu;
        const char *devargs;
        uint32_t frame_bytes, ring_frames;
    } table[] = {
        {"net_af_packet0,iface=eth1", 2, 1500,
         "net_af_packet0,iface=eth1,qpairs=2,framesz=2048,blocksz=8192,framecnt=4096", 2048, 0},
        {"net_af_packet0,iface=eth1", 1, 9000,
         "net_af_packet0,iface=eth1,qpairs=1,framesz=9216,blocksz=36864,framecnt=2048", 9216, 0},
        {"net_af_packet0,iface=lo", 1, 65536,
         "net_af_packet0,iface=lo,qpairs=1,framesz=64512,blocksz=258048,framecnt=512", 64512, 0},
        {"net_af_packet0,iface=eth1,framesz=1600,qpairs=7", 2, 1500,
         "net_af_packet0,iface=eth1,framesz=1600,qpairs=7,blocksz=102400,framecnt=4096", 1600, 0},
        {"net_af_packet0,iface=eth1,framecnt=64,blocksz=4096", 1, 1000,
         "net_af_packet0,iface=eth1,framecnt=64,blocksz=4096,qpairs=1,framesz=2048", 2048, 0},
        {"net_af_xdp0,iface=eth1", 4, 1500, "net_af_xdp0,iface=eth1,queue_count=4", 0, 0},
        {"net_memif0,role=client", 4, 0, "net_memif0,role=client", 0, 1024},
        {"net_memif0,rsize=12", 4, 0, "net_memif0,rsize=12", 0, 4096},
        {"net_tap0", 2, 0, "net_tap0", 0, 0},
        {"0000:3b:00.0", 2, 0, "0000:3b:00.0", 0, 0},
        {"3b:00.0,x=1", 2, 0, "3b:00.0,x=1", 0, 0},
    };
    struct port_args a;

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        EXPECT_EQ_INT(port_args_parse(&a, table[i].device), 0);
        EXPECT_EQ_INT(port_args_complete(&a, table[i].device, table[i].queues, table[i].mtu), 0);
        EXPECT_EQ_STR(a.devargs, table[i].devargs);
        EXPECT_EQ_INT(a.frame_bytes, table[i].frame_bytes);
        EXPECT_EQ_INT(a.ring_frames, table[i].ring_frames);
    }
    EXPECT_EQ_INT(port_args_parse(&a, ""), -22);
    EXPECT_EQ_INT(port_args_parse(&a, ",iface=x"), -22);
}

TEST(port_args, names_the_device)
{
    static const struct {
        const char *device, *name, *ifname;
        bool pci, kernel_socket, tap;
    } table[] = {
        {"0000:3b:00.0", "0000:3b:00.0", "", true, false, false},
        {"3b:00.0", "0000:3b:00.0", "", true, false, false},
        {"10000:3B:00.1,x=1", "10000:3b:00.1", "", true, false, false},
        {"net_tap0,iface=t1,mac=00:01:02:03:04:05", "net_tap0", "t1", false, false, true},
        {"net_af_packet1,iface=eth0", "net_af_packet1", "eth0", false, true, false},
        {"net_af_xdp0,iface=eth0", "net_af_xdp0", "eth0", false, true, false},
        {"net_null0", "net_null0", "", false, false, false},
    };
    struct port_args a;

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        EXPECT_EQ_INT(port_args_parse(&a, table[i].device), 0);
        EXPECT_EQ_STR(a.name, table[i].name);
        EXPECT_EQ_STR(a.ifname, table[i].ifname);
        EXPECT_EQ_INT(a.pci, table[i].pci);
        EXPECT_EQ_INT(a.kernel_socket, table[i].kernel_socket);
        EXPECT_EQ_INT(a.tap, table[i].tap);
    }
}

static void make_device(const char *root, const char *address, const char *class,
                        const char *driver)
{
    static const char *const folders[] = {"sys", "sys/bus", "sys/bus/pci", "sys/bus/pci/devices"};
    char path[256], to[256];

    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", root, folders[i]);
        mkdir(path, 0755);
    }
    if (!class)
        return;
    snprintf(path, sizeof path, "%s/sys/bus/pci/devices/%s", root, address);
    mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/sys/bus/pci/devices/%s/class", root, address);
    FILE *f = fopen(path, "w");
    REQUIRE(f && fprintf(f, "%s\n", class) > 0);
    fclose(f);
    snprintf(path, sizeof path, "%s/sys/bus/pci/devices/%s/driver", root, address);
    snprintf(to, sizeof to, "../../../bus/pci/drivers/%s", driver ? driver : "");
    REQUIRE(!driver || symlink(to, path) == 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

// A machine made of folders: DPDK may take what vfio-pci has, and what its driver shares.
TEST(port_pci, looks_before_it_takes)
{
    static const struct {
        const char *address, *class, *driver, *says;
        int rc;
    } table[] = {
        {"0000:01:00.0", "0x020000", "vfio-pci", "", 0},
        {"0000:02:00.0", "0x020000", "mlx5_core", "", 0},
        {"0000:03:00.0", "0x028000", "uio_pci_generic", "", 0},
        {"0000:04:00.0", "0x020000", "virtio-pci",
         "NIC '0000:04:00.0' has its kernel driver virtio-pci: `scripts/bind-nic dpdk "
         "0000:04:00.0` "
         "gives it to DPDK",
         -EBUSY},
        {"0000:05:00.0", "0x020000", NULL, "has no driver", -EBUSY},
        {"0000:06:00.0", "0x010802", "nvme", "is no NIC", -ENODEV},
        {"0000:07:00.0", NULL, NULL, "there is no PCI device '0000:07:00.0'", -ENODEV},
    };
    char root[] = "/tmp/millrace-pci.XXXXXX", why[256];

    REQUIRE(mkdtemp(root));
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        make_device(root, table[i].address, table[i].class, table[i].driver);
        why[0] = '\0';
        EXPECT_EQ_INT(pci_check(root, table[i].address, why, sizeof why), table[i].rc);
        EXPECT_HAS_STR(why, table[i].says);
    }
    int first = pci_hold(root, table[0].address), other = pci_hold(root, table[1].address);
    EXPECT(first >= 0 && other >= 0);
    EXPECT_EQ_INT(pci_hold(root, table[0].address), -EBUSY);
    close(first);
    first = pci_hold(root, table[0].address);
    EXPECT(first >= 0);
    close(first);
    close(other);
    nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

TEST(port_args, finds_values)
{
    char buf[16];

    EXPECT_EQ_INT(port_arg_find("net_tap0,iface=t1,x=2", "iface", buf, sizeof buf), 2);
    EXPECT_EQ_STR(buf, "t1");
    EXPECT_EQ_INT(port_arg_find("net_tap0,iface=t1,x=2", "x", buf, sizeof buf), 1);
    EXPECT_EQ_INT(port_arg_find("net_tap0,iface=t1", "face", buf, sizeof buf), -1);
    EXPECT_EQ_INT(port_arg_find("net_tap0", "iface", buf, sizeof buf), -1);
    EXPECT_EQ_INT(port_arg_find("a,k=0123456789abcdef", "k", buf, sizeof buf), -1);
}

TEST(eal_args, names_what_is_used)
{
    static struct appliance a = {
        .instance = "box1", .control = 0, .ingest_cnt = 1, .ingest = {60}, .workers_cnt = 1};
    char quiet[] = "--log-level=8", *extra[] = {quiet}, err[200] = "", own[64];
    struct eal_conf conf = {.appliance = &a, .extra_cnt = 1, .extra = extra};
    struct eal e = {.lock_fd = -1};
    cpu_set_t set, one;
    int cpu = 0;

    a.worker[0] = 61;
    sched_getaffinity(0, sizeof set, &set);
    while (!CPU_ISSET(cpu, &set))
        cpu++;
    // One CPU is left: all three lcores share it.
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof one, &one);
    a.ports_cnt = 2;
    a.port[0].device = "net_memif0,role=server";
    a.port[1].device = "0000:3b:00.0";
    EXPECT_EQ_INT(eal_args(&e, &conf, err, sizeof err), 0);
    sched_setaffinity(0, sizeof set, &set);
    EXPECT_EQ_INT(e.cpus_cnt, 1);
    EXPECT(e.shared_cpus);
    EXPECT(CPU_EQUAL(&e.spare_cpus, &one)); // nothing is left but what the lcores have
    snprintf(own, sizeof own, "--lcores=0@%d,60@%d,61@%d", cpu, cpu, cpu);
    EXPECT_HAS_STR(e.line, own);
    EXPECT_HAS_STR(e.line, "--main-lcore=0 --file-prefix=box1 --in-memory -a 0000:3b:00.0 "
                           "--single-file-segments --log-level=8");
    zone_free(&e.zone);

    e = (struct eal){.lock_fd = -1};
    conf.no_huge = conf.files = true; // files leave the ports alone
    conf.memory_bytes = 100u << 20;
    a.control = a.ingest[0] = a.worker[0] = (uint32_t)cpu;
    EXPECT_EQ_INT(eal_args(&e, &conf, err, sizeof err), 0);
    EXPECT(!CPU_ISSET(cpu, &e.spare_cpus) || CPU_COUNT(&set) == 1);
    EXPECT_EQ_INT(CPU_COUNT(&e.spare_cpus), CPU_COUNT(&set) > 1 ? CPU_COUNT(&set) - 1 : 1);
    EXPECT_HAS_STR(e.line, "--no-huge -m 101 --no-shconf --no-pci --iova-mode=va --no-telemetry");
    EXPECT(strstr(e.line, "in-memory") == NULL);
    EXPECT(strstr(e.line, "3b:00.0") == NULL);
    zone_free(&e.zone);
}

TEST(eal_log, finds_the_reason)
{
    static const struct {
        const char *log, *why;
    } table[] = {
        {"EAL: Detected CPU lcores: 2\nEAL: core 9 unavailable\nEAL: invalid parameter\n",
         "core 9 unavailable"},
        {"rte_pmd_init_internals(): net_af_packet0: ioctl failed (SIOCGIFINDEX):No such device\n"
         "EAL: Driver cannot attach the device (net_af_packet0)\n",
         "net_af_packet0: ioctl failed (SIOCGIFINDEX):No such device"},
        {"EAL: Driver cannot attach the device (net_tap0)\n", ""},
        {"", ""},
    };
    char why[200];

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        eal_log_why(table[i].log, why, sizeof why);
        EXPECT_EQ_STR(why, table[i].why);
    }
}
