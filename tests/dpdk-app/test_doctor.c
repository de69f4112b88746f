// doctor over made-up machines: a healthy tree, and the same tree with one thing wrong at a time.

#include "dpdk-app/doctor.h"

#include "tests/test.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TREE_FILES_MAX 8

// A path below the root and its text; a text that starts with "->" makes a symbolic link, NULL
// removes the file of the healthy tree.
struct tree_file {
    const char *path, *text;
};

#define FLAGS      "flags\t\t: fpu avx avx2 bmi1 bmi2 f16c fma movbe abm aes constant_tsc nonstop_tsc"
#define WIDER      " avx512f avx512bw avx512cd avx512dq avx512vl avx512_vbmi2"
#define NODE0      "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/"
#define NODE1      "/sys/devices/system/node/node1/hugepages/hugepages-2048kB/"
#define POOL       "/sys/kernel/mm/hugepages/hugepages-2048kB/"
#define CPU        "/sys/devices/system/cpu/"
#define NIC        "/sys/bus/pci/devices/0000:3b:00.0/"
#define CLOCK      "/sys/devices/system/clocksource/clocksource0/"
#define ROUTE_HEAD "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
#define LIMIT      "Max locked memory         "

static const struct tree_file healthy[] = {
    {NODE0 "nr_hugepages", "512\n"},
    {NODE0 "free_hugepages", "500\n"},
    {POOL "nr_hugepages", "512\n"},
    {"/proc/meminfo", "MemTotal: 1 kB\nHugepagesize:       2048 kB\n"},
    {"/proc/mounts", "proc /proc proc rw 0 0\nnodev /mnt/huge hugetlbfs rw,pagesize=2M 0 0\n"},
    {"/proc/self/status", "Name:\tx\nUid:\t0\t0\t0\t0\n"},
    {"/proc/cpuinfo", "processor\t: 0\n" FLAGS "\nbugs\t\t: \n"},
    {CPU "online", "0-3\n"},
    {CPU "isolated", "2-3\n"},
    {CPU "cpu0/cpufreq/scaling_governor", "performance\n"},
    {CPU "smt/active", "0\n"},
    {"/proc/irq/24/smp_affinity_list", "0-1\n"},
    {CLOCK "current_clocksource", "tsc\n"},
    {CLOCK "available_clocksource", "tsc hpet acpi_pm\n"},
    {"/proc/stat", "cpu  10 0 10 980 0 0 0 0 0 0\ncpu0 1 1\n"},
    {"/sys/kernel/iommu_groups/0/type", "DMA\n"},
    {NIC "class", "0x020000\n"},
    {NIC "numa_node", "0\n"},
    {NIC "driver", "->../../drivers/i40e"},
    {NIC "net/eth2/mtu", "1500\n"},
    {"/proc/net/route", ROUTE_HEAD "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\n"},
};

static char root[PATH_MAX / 2];

static void make_file(const struct tree_file *f)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s%s", root, f->path);
    for (char *at = path + strlen(root) + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        mkdir(path, 0755);
        *at = '/';
    }
    unlink(path);
    if (f->text == NULL)
        return;
    if (strncmp(f->text, "->", 2) == 0) {
        EXPECT(symlink(f->text + 2, path) == 0);
        return;
    }
    FILE *out = fopen(path, "w");
    REQUIRE(out != NULL);
    fputs(f->text, out);
    fclose(out);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static void tree_begin(void)
{
    snprintf(root, sizeof(root), "/tmp/millrace-doctor-XXXXXX");
    REQUIRE(mkdtemp(root) != NULL);
    setenv("MILLRACE_SYSROOT", root, 1);
    for (size_t i = 0; i < sizeof(healthy) / sizeof(healthy[0]); i++)
        make_file(&healthy[i]);
}

static void tree_end(void)
{
    unsetenv("MILLRACE_SYSROOT");
    nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int doctor_text(char *out, size_t cap)
{
    FILE *f = fmemopen(out, cap, "w");
    int code = doctor_run(f);
    fclose(f);
    return code;
}

// What is wrong, what doctor must say about it, and its exit code.
struct ill {
    struct tree_file files[TREE_FILES_MAX];
    const char *said, *mend;
    int code;
};

static const struct ill ills[] = {
    {.files = {{NODE0 "nr_hugepages", "0"}, {NODE0 "free_hugepages", "0"}},
     .said = "hugepages       FAIL  no hugepage is free",
     .mend = "mend: scripts/hugepages ensure 1024",
     .code = 69},
    {.files = {{NODE0 "free_hugepages", "0"}},
     .said = "WARN  node0: all 512 pages of 2 MB are in use",
     .mend = "leftovers",
     .code = 69},
    {.files = {{NODE1 "nr_hugepages", "0"}},
     .said = "WARN  node1 has none",
     .mend = "echo 512 > " NODE1 "nr_hugepages"},
    {.files = {{"/proc/mounts", "nodev /mnt/big hugetlbfs rw,pagesize=1024M 0 0\n"}},
     .said = "FAIL  pages of 2 MB are reserved, but no hugetlbfs of that size is mounted",
     .mend = "mount -t hugetlbfs -o pagesize=2048K nodev",
     .code = 69},
    {.files = {{"/proc/self/status", "Name:\tx\nUid:\t1000\t1000\n"},
               {"/proc/self/limits", LIMIT "8388608   8388608   bytes\n"}},
     .said = "memlock         WARN  only 8192 KB",
     .mend = "ulimit -l unlimited"},
    {.files = {{"/proc/cpuinfo", "processor: 0\nflags : fpu avx f16c constant_tsc nonstop_tsc\n"}},
     .said = "FAIL  no x86-64-v3 with AES: avx2 bmi1 bmi2 fma movbe abm aes missing",
     .mend = "-cpu host",
     .code = 69},
    {.files = {{CPU "cpu1/cpufreq/scaling_governor", "powersave\n"}},
     .said = "governor        WARN  1 of 2 cores have 'powersave'",
     .mend = "do echo performance > $g; done"},
    {.files = {{CPU "isolated", "\n"}},
     .said = "isolated cores  WARN  none of 4 cores",
     .mend = "isolcpus=managed_irq,domain,2-3"},
    {.files = {{CPU "smt/active", "1\n"}},
     .said = "smt             WARN",
     .mend = "echo off > /sys/devices/system/cpu/smt/control"},
    {.files = {{"/proc/irq/30/smp_affinity_list", "0-3\n"},
               {"/proc/irq/31/smp_affinity_list", "3"}},
     .said = "irq affinity    WARN  2 interrupts go to isolated cores",
     .mend = "for i in 30 31; do echo 0-1 > /proc/irq/$i/smp_affinity_list; done"},
    {.files = {{CLOCK "current_clocksource", "hpet\n"}},
     .said = "clock           WARN  the kernel keeps time with 'hpet'",
     .mend = "echo tsc > " CLOCK "current_clocksource"},
    {.files = {{CLOCK "current_clocksource", "hpet\n"}, {CLOCK "available_clocksource", "hpet\n"}},
     .said = "the kernel has given up the TSC for 'hpet'",
     .mend = "tsc=reliable"},
    {.files = {{"/proc/stat", "cpu  10 0 10 880 0 0 0 100 0 0\n"}},
     .said = "steal           WARN  the host took 10.0 %",
     .mend = "pin its CPUs"},
    {.files = {{"/sys/kernel/iommu_groups/0/type", NULL}},
     .said = "nics            ok    0000:3b:00.0 i40e eth2, node 0: with Linux",
     .mend = "scripts/bind-nic dpdk 0000:3b:00.0"},
    {.files = {{"/proc/net/route",
                ROUTE_HEAD "eth2\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\n"}},
     .said = "0000:3b:00.0 i40e eth2, node 0: has the default route",
     .mend = "leave it to Linux"},
    {.files = {{"/proc/net/route",
                ROUTE_HEAD "eth2\t00000000\t010200C0\t0003\t0\t0\t0\t000000FF\n"}},
     .said = "0000:3b:00.0 i40e eth2, node 0: with Linux",
     .mend = "scripts/bind-nic dpdk"},
    {.files = {{NIC "driver", "->../../drivers/vfio-pci"}, {NIC "net/eth2/mtu", NULL}},
     .said = "with DPDK, device: \"0000:3b:00.0\"",
     .mend = "vfio-pci"},
    {.files = {{NIC "driver", NULL}},
     .said = "nics            WARN  0000:3b:00.0 no driver",
     .mend = "scripts/bind-nic kernel 0000:3b:00.0"},
    {.files = {{"/mnt/huge/oldmap_0", ""}, {"/mnt/huge/oldmap_1", ""}, {"/mnt/huge/keep", ""}},
     .said = "leftovers       WARN  'old' has ended and still holds 2 hugepages (4 MB)",
     .mend = "rm -f /mnt/huge/oldmap_*"},
    {.files = {{"/var/run/dpdk/gone/config", "x"}, {"/var/run/dpdk/went/config", "x"}},
     .said = "leftovers       WARN  2 processes have ended and left their folders",
     .mend = "cd /var/run/dpdk && rm -rf gone went\n"},
};

TEST(doctor, a_healthy_machine)
{
    char text[16384];
    tree_begin();
    EXPECT_EQ_INT(doctor_text(text, sizeof(text)), 0);
    EXPECT_HAS_STR(text, "13 ok, 0 WARN, 0 FAIL\n");
    EXPECT_HAS_STR(text, "hugepages       ok    node0: 500 of 512 pages of 2 MB are free\n");
    EXPECT_HAS_STR(text, "isolated cores  ok    2-3: ");
    tree_end();
}

TEST(doctor, one_thing_wrong_at_a_time)
{
    char text[16384];
    for (size_t i = 0; i < sizeof(ills) / sizeof(ills[0]); i++) {
        tree_begin();
        for (const struct tree_file *f = ills[i].files; f->path != NULL; f++)
            make_file(f);
        EXPECT_EQ_INT(doctor_text(text, sizeof(text)), ills[i].code);
        EXPECT_HAS_STR(text, ills[i].said);
        EXPECT_HAS_STR(text, ills[i].mend);
        tree_end();
    }
}

// Kernels for AVX-512 need all of its flags.
TEST(doctor, which_kernels_the_cpu_has)
{
    static const struct {
        struct tree_file file;
        const char *said;
    } rows[] = {
        {{"/proc/cpuinfo", "processor: 0\n" FLAGS WIDER "\n"},
         "kernels for AVX2 (for those of AVX-512 vaes missing)\n"},
        {{"/proc/cpuinfo", "processor: 0\n" FLAGS WIDER " vaes\n"}, "kernels for AVX-512\n"},
    };
    char text[16384];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        tree_begin();
        make_file(&rows[i].file);
        EXPECT_EQ_INT(doctor_text(text, sizeof(text)), 0);
        EXPECT_HAS_STR(text, rows[i].said);
        tree_end();
    }
}

// Nothing to read at all: every check must still say something and none may crash.
TEST(doctor, an_empty_machine)
{
    char text[16384];
    tree_begin();
    nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    EXPECT_EQ_INT(doctor_text(text, sizeof(text)), 69);
    EXPECT_HAS_STR(text, "FAIL  no hugepage is free");
    EXPECT_HAS_STR(text, "none on PCI");
    tree_end();
}

// A process that holds the lock on its configuration is alive, and so are its pages.
TEST(doctor, a_living_process_is_no_leftover)
{
    static const struct tree_file files[] = {{"/var/run/dpdk/live/config", "x"},
                                             {"/mnt/huge/livemap_0", ""}};
    char text[16384], path[PATH_MAX];
    int ready[2];

    tree_begin();
    make_file(&files[0]);
    make_file(&files[1]);
    snprintf(path, sizeof(path), "%s%s", root, files[0].path);
    REQUIRE(pipe(ready) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        int fd = open(path, O_RDWR);
        bool locked = fcntl(fd, F_SETLK, &lock) == 0;
        _exit(write(ready[1], "", 1) == 1 && locked && pause() ? 0 : 1);
    }
    char byte;
    EXPECT(read(ready[0], &byte, 1) == 1);
    EXPECT_EQ_INT(doctor_text(text, sizeof(text)), 0);
    EXPECT_HAS_STR(text, "leftovers       ok    none; 1 DPDK processes run");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(ready[0]);
    close(ready[1]);
    EXPECT_EQ_INT(doctor_text(text, sizeof(text)), 0);
    EXPECT_HAS_STR(text, "WARN  'live' has ended");
    tree_end();
}
