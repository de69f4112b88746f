// What the appliance file becomes: arguments of EAL and of devices.

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dpdk-app/eal.h"
#include "dpdk-app/port_args.h"
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
    snprintf(own, sizeof own, "--lcores=0@%d,60@%d,61@%d", cpu, cpu, cpu);
    EXPECT_HAS_STR(e.line, own);
    EXPECT_HAS_STR(e.line, "--main-lcore=0 --file-prefix=box1 --in-memory -a 0000:3b:00.0 "
                           "--single-file-segments --log-level=8");
    zone_free(&e.zone);

    e = (struct eal){.lock_fd = -1};
    conf.no_huge = conf.quiet_telemetry = true;
    conf.memory_bytes = 100u << 20;
    a.ports_cnt = 1;
    a.port[0].device = "net_null0";
    EXPECT_EQ_INT(eal_args(&e, &conf, err, sizeof err), 0);
    EXPECT_HAS_STR(e.line, "--no-huge -m 101 --no-shconf --no-pci --iova-mode=va --no-telemetry");
    EXPECT(strstr(e.line, "in-memory") == NULL);
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
