#include "dpdk-app/eal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include "base/strbuf.h"
#include "dpdk-app/port_args.h"
#include "dpdk-app/port_kernel.h"

// ---- one instance ----------------------------------------------------------------------------

static int lock_path(const char *instance, char *path, size_t bytes)
{
    const char *dir = getenv("XDG_RUNTIME_DIR");

    if (geteuid() == 0)
        dir = "/run/millrace";
    else if (!dir)
        dir = "/tmp";
    mkdir(dir, 0755);
    int n = snprintf(path, bytes, "%s/%s%s.lock", dir, geteuid() == 0 ? "" : "millrace-", instance);
    return n < 0 || (size_t)n >= bytes ? -ENAMETOOLONG : 0;
}

// The lock is held as long as the process lives, however it ends; the file holds its pid.
static int lock_take(struct eal *e, const char *instance, char *err, size_t err_bytes)
{
    char path[4096], pid[32] = "";

    if (lock_path(instance, path, sizeof path) < 0 ||
        (e->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644)) < 0) {
        snprintf(err, err_bytes, "cannot make the lock file of instance '%s' (%s): %s", instance,
                 path, strerror(errno));
        return -EACCES;
    }
    if (flock(e->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        ssize_t n = read(e->lock_fd, pid, sizeof pid - 1);
        pid[n > 0 ? n : 0] = '\0';
        pid[strcspn(pid, "\n")] = '\0';
        snprintf(err, err_bytes,
                 "instance '%s' is already running (pid %s): stop it, or give this one another "
                 "name with `instance:` in the appliance file",
                 instance, pid[0] ? pid : "unknown");
        close(e->lock_fd);
        e->lock_fd = -1;
        return -EBUSY;
    }
    int n = snprintf(pid, sizeof pid, "%d\n", (int)getpid());
    if (ftruncate(e->lock_fd, 0) < 0 || pwrite(e->lock_fd, pid, (size_t)n, 0) != n) {
        snprintf(err, err_bytes, "cannot write %s: %s", path, strerror(errno));
        return -EIO;
    }
    return 0;
}

// ---- memory ----------------------------------------------------------------------------------

static uint64_t read_u64(const char *dir, const char *name, const char *file)
{
    char path[512];
    unsigned long long v = 0;

    snprintf(path, sizeof path, "%s/%s/%s", dir, name, file);
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    if (fscanf(f, "%llu", &v) != 1)
        v = 0;
    fclose(f);
    return v;
}

uint64_t eal_huge_free(uint64_t *total)
{
    static const char dir[] = "/sys/kernel/mm/hugepages";
    uint64_t free_bytes = 0, all = 0;
    DIR *d = opendir(dir);

    for (struct dirent *de; d && (de = readdir(d));) {
        unsigned long long kb;

        if (sscanf(de->d_name, "hugepages-%llukB", &kb) != 1)
            continue;
        uint64_t unused = read_u64(dir, de->d_name, "free_hugepages");
        uint64_t reserved = read_u64(dir, de->d_name, "resv_hugepages");
        free_bytes += (unused > reserved ? unused - reserved : 0) * kb * 1024;
        all += read_u64(dir, de->d_name, "nr_hugepages") * kb * 1024;
    }
    if (d)
        closedir(d);
    if (total)
        *total = all;
    return free_bytes;
}

static uint64_t mem_available(void)
{
    unsigned long long kb = 0;
    char line[256];
    FILE *f = fopen("/proc/meminfo", "re");

    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %llu kB", &kb) == 1)
            break;
    if (f)
        fclose(f);
    return kb * 1024;
}

static int memory_check(const struct eal_conf *conf, char *err, size_t err_bytes)
{
    uint64_t need = conf->memory_bytes, total, have;

    if (conf->no_huge) {
        have = mem_available();
        if (have == 0 || have >= need)
            return 0;
        snprintf(err, err_bytes,
                 "too little memory: %" PRIu64 " MB needed, %" PRIu64
                 " MB available: lower memory.blocks or memory.state in the appliance file",
                 need >> 20, have >> 20);
        return -ENOMEM;
    }
    have = eal_huge_free(&total);
    if (have >= need)
        return 0;
    uint64_t pages = (need - have + total + (2u << 20) - 1) >> 21;
    if (total == 0)
        snprintf(err, err_bytes,
                 "no hugepages: %" PRIu64 " MB needed: `sysctl -w vm.nr_hugepages=%" PRIu64
                 "` reserves them (as root), --no-huge does without, slowly",
                 need >> 20, pages);
    else
        snprintf(err, err_bytes,
                 "too few hugepages: %" PRIu64 " MB needed, %" PRIu64 " of %" PRIu64
                 " MB free: `sysctl -w vm.nr_hugepages=%" PRIu64
                 "` reserves more (as root), or lower memory.blocks or memory.state in the "
                 "appliance file",
                 need >> 20, have >> 20, total >> 20, pages);
    return -ENOMEM;
}

// ---- NICs ------------------------------------------------------------------------------------

static int nics_take(struct eal *e, const struct appliance *a, char *err, size_t err_bytes)
{
    for (uint32_t i = 0; i < a->ports_cnt; i++) {
        struct port_args args;
        char why[256];

        if (port_args_parse(&args, a->port[i].device) < 0 || !args.pci)
            continue;
        int rc = pci_check("", args.name, why, sizeof why);
        int fd = rc < 0 ? rc : pci_hold("", args.name);
        if (rc == 0 && fd < 0)
            rc = pci_busy(args.name, why, sizeof why);
        if (rc < 0) {
            snprintf(err, err_bytes, "port %s: %s", a->port[i].name, why);
            return rc;
        }
        e->nic_fd[e->nics_cnt++] = fd;
    }
    return 0;
}

static void nics_give(struct eal *e)
{
    for (uint32_t i = 0; i < e->nics_cnt; i++)
        close(e->nic_fd[i]);
    e->nics_cnt = 0;
}

// ---- what EAL says ---------------------------------------------------------------------------

static struct {
    FILE *f;
    char *text;
    size_t len;
} eal_log;

static char *start_log; // kept until eal_stop

const char *eal_start_log(void)
{
    return start_log ? start_log : "";
}

static void start_log_free(void)
{
    free(start_log);
    start_log = NULL;
}

void eal_log_begin(void)
{
    eal_log.f = open_memstream(&eal_log.text, &eal_log.len);
    if (eal_log.f)
        rte_openlog_stream(eal_log.f);
}

char *eal_log_end(void)
{
    if (!eal_log.f)
        return strdup("");
    rte_openlog_stream(NULL);
    fclose(eal_log.f);
    eal_log.f = NULL;
    return eal_log.text;
}

static bool has_one_of(const char *line, const char *const *word)
{
    for (; *word; word++)
        if (strstr(line, *word))
            return true;
    return false;
}

static bool tells_why(const char *line)
{
    static const char *const failure[] = {
        "annot",   "ailed",    "rror",      "nvalid",    "Unable",    "navailable", "busy",
        "No such", "nable to", "ermission", "not exist", "could not", NULL};
    // What follows from it, and what never matters.
    static const char *const noise[] = {
        "attach the device",        "attach device", "vdev_probe", "failed to initialize",
        "'command line' arguments", "mp action",     NULL};

    return has_one_of(line, failure) && !has_one_of(line, noise);
}

void eal_log_why(const char *log, char *buf, size_t bytes)
{
    buf[0] = '\0';
    for (const char *p = log; *p;) {
        char line[512];
        size_t len = strcspn(p, "\n");

        snprintf(line, sizeof line, "%.*s", (int)len, p);
        if (tells_why(line)) {
            // "EAL: ", "rte_pmd_init_internals(): "
            const char *from = line;
            for (const char *s; (s = strstr(from, ": ")) && s - line < 32;)
                from = s + 2;
            snprintf(buf, bytes, "%s", from);
            return;
        }
        p += len + (p[len] == '\n');
    }
}

static void explain_init(const char *log, char *err, size_t err_bytes)
{
    char why[512];

    eal_log_why(log, why, sizeof why);
    if (strstr(log, "Is another primary process running"))
        snprintf(
            err, err_bytes,
            "another DPDK process uses this instance's name: stop it, or give this one another "
            "name with `instance:` in the appliance file");
    else if (strstr(log, "'command line' arguments"))
        snprintf(err, err_bytes, "EAL does not take its arguments (those after -- included): %s",
                 why[0] ? why : "one of them is unknown");
    else if (strstr(log, "Cannot init memory") || strstr(log, "hugepage information"))
        snprintf(err, err_bytes,
                 "EAL gets no memory (%s): `millrace doctor` tells why, --no-huge does without "
                 "hugepages, slowly",
                 why);
    else
        snprintf(err, err_bytes, "EAL does not start: %s", why[0] ? why : rte_strerror(rte_errno));
}

// EAL prints its usage to standard output when it does not like an argument.
static int init_quietly(struct eal *e)
{
    int out = dup(STDOUT_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    fflush(stdout);
    if (out >= 0 && null >= 0)
        dup2(null, STDOUT_FILENO);
    int rc = rte_eal_init(e->argc, e->argv);
    fflush(stdout);
    if (out >= 0) {
        dup2(out, STDOUT_FILENO);
        close(out);
    }
    if (null >= 0)
        close(null);
    return rc < 0 ? -rte_errno : 0;
}

int eal_start(struct eal *e, const struct eal_conf *conf, char *err, size_t err_bytes)
{
    *e = (struct eal){.lock_fd = -1};
    int rc = eal_args(e, conf, err, err_bytes);
    if (rc == 0)
        rc = lock_take(e, conf->appliance->instance, err, err_bytes);
    if (rc == 0)
        rc = memory_check(conf, err, err_bytes);
    if (rc == 0 && !conf->files)
        rc = nics_take(e, conf->appliance, err, err_bytes);
    if (rc == 0) {
        eal_log_begin();
        rc = init_quietly(e);
        start_log = eal_log_end();
        if (rc < 0)
            explain_init(eal_start_log(), err, err_bytes);
        else if (rte_log_get_level(RTE_LOGTYPE_EAL) == RTE_LOG_INFO)
            rte_log_set_level(RTE_LOGTYPE_EAL, RTE_LOG_NOTICE); // it tells of each page it unmaps
    }
    if (rc < 0 && e->lock_fd >= 0)
        close(e->lock_fd);
    if (rc < 0) {
        nics_give(e);
        start_log_free();
        zone_free(&e->zone);
    }
    return rc;
}

void eal_stop(struct eal *e)
{
    rte_eal_cleanup();
    start_log_free();
    nics_give(e);
    close(e->lock_fd);
    zone_free(&e->zone);
}
