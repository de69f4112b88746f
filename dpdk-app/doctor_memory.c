// Memory: hugepages by size and node, what may be locked, and what dead processes still hold.

#include "dpdk-app/doctor_report.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOUNTS_MAX     16u
#define NEEDED_LOCK_KB (64u * 1024)

// A mounted hugetlbfs. DPDK takes pages of a size only through a mount of that size.
struct huge_mount {
    char path[256];
    uint64_t page_kb;
};

static uint64_t default_page_kb(const struct doctor *d)
{
    char text[8192];
    doctor_read(d, text, sizeof(text), "/proc/meminfo");
    const char *at = strstr(text, "Hugepagesize:");
    return at == NULL ? 2048 : strtoull(at + strlen("Hugepagesize:"), NULL, 10);
}

static uint64_t page_kb_of(const struct doctor *d, const char *options)
{
    const char *at = strstr(options, "pagesize=");
    if (at == NULL)
        return default_page_kb(d);
    char *unit;
    uint64_t n = strtoull(at + strlen("pagesize="), &unit, 10);
    return *unit == 'G' ? n * 1024 * 1024 : *unit == 'M' ? n * 1024 : n;
}

static uint64_t page_kb_in_name(const char *name)
{
    return strtoull(name + strlen("hugepages-"), NULL, 10);
}

static unsigned find_mounts(const struct doctor *d, struct huge_mount *mounts)
{
    static const char kind[] = " hugetlbfs ";
    char text[65536], *save = text, *line;
    unsigned cnt = 0;

    doctor_read(d, text, sizeof(text), "/proc/mounts");
    while ((line = strsep(&save, "\n")) != NULL && cnt < MOUNTS_MAX) {
        char *path = strchr(line, ' '), *end = strstr(line, kind);
        if (path == NULL || end == NULL || end <= path)
            continue;
        *end = '\0';
        snprintf(mounts[cnt].path, sizeof(mounts[cnt].path), "%s", path + 1);
        mounts[cnt++].page_kb = page_kb_of(d, end + strlen(kind));
    }
    return cnt;
}

static const char *size_text(uint64_t kb, char *out, size_t cap)
{
    if (kb >= 1024 * 1024)
        snprintf(out, cap, "%" PRIu64 " GB", kb / (1024 * 1024));
    else
        snprintf(out, cap, "%" PRIu64 " MB", kb / 1024);
    return out;
}

static void check_mount(struct doctor *d, uint64_t page_kb)
{
    struct huge_mount mounts[MOUNTS_MAX];
    unsigned cnt = find_mounts(d, mounts);
    char size[32], mend[256];

    size_text(page_kb, size, sizeof(size));
    for (unsigned i = 0; i < cnt; i++) {
        if (mounts[i].page_kb == page_kb) {
            doctor_ok(d, "pages of %s are mounted at %s", size, mounts[i].path);
            return;
        }
    }
    snprintf(mend, sizeof(mend),
             "mkdir -p /mnt/huge-%" PRIu64 "k && mount -t hugetlbfs -o pagesize=%" PRIu64
             "K nodev /mnt/huge-%" PRIu64 "k",
             page_kb, page_kb, page_kb);
    doctor_fail(d, mend, "pages of %s are reserved, but no hugetlbfs of that size is mounted",
                size);
}

struct pool_sum {
    uint64_t pages_cnt, free_kb;
};

// The pages of one size in one place.
static void check_pool(struct doctor *d, struct pool_sum *sum, const char *place, const char *dir,
                       uint64_t page_kb)
{
    char size[32];
    uint64_t all = doctor_read_u64(d, 0, "%s/nr_hugepages", dir);
    uint64_t free_cnt = doctor_read_u64(d, 0, "%s/free_hugepages", dir);

    size_text(page_kb, size, sizeof(size));
    sum->pages_cnt += all;
    sum->free_kb += free_cnt * page_kb;
    if (all > 0 && free_cnt == 0)
        doctor_warn(d, "stop what holds them (see leftovers below), or: scripts/hugepages ensure",
                    "%s: all %" PRIu64 " pages of %s are in use", place, all, size);
    else if (all > 0)
        doctor_ok(d, "%s: %" PRIu64 " of %" PRIu64 " pages of %s are free", place, free_cnt, all,
                  size);
}

static void check_node(struct doctor *d, struct pool_sum *sum, const struct name_list *sizes,
                       const char *node, bool several_nodes)
{
    char dir[PATH_MAX], mend[PATH_MAX];
    uint64_t before = sum->pages_cnt;

    for (unsigned s = 0; s < sizes->cnt; s++) {
        snprintf(dir, sizeof(dir), "/sys/devices/system/node/%s/hugepages/%s", node,
                 sizes->name[s]);
        check_pool(d, sum, node, dir, page_kb_in_name(sizes->name[s]));
    }
    snprintf(mend, sizeof(mend),
             "echo 512 > /sys/devices/system/node/%s/hugepages/hugepages-2048kB/nr_hugepages",
             node);
    if (several_nodes && sum->pages_cnt == before)
        doctor_warn(d, mend, "%s has none: a port on it would use memory of another node", node);
}

void doctor_hugepages(struct doctor *d)
{
    struct name_list nodes, sizes;
    struct pool_sum sum = {0};
    char dir[PATH_MAX];

    doctor_list(d, &sizes, "hugepages-", "/sys/kernel/mm/hugepages");
    doctor_list(d, &nodes, "node", "/sys/devices/system/node");
    for (unsigned n = 0; n < nodes.cnt; n++)
        check_node(d, &sum, &sizes, nodes.name[n], nodes.cnt > 1);
    for (unsigned s = 0; s < sizes.cnt; s++) {
        snprintf(dir, sizeof(dir), "/sys/kernel/mm/hugepages/%s", sizes.name[s]);
        if (nodes.cnt == 0)
            check_pool(d, &sum, "this machine", dir, page_kb_in_name(sizes.name[s]));
        if (doctor_read_u64(d, 0, "%s/nr_hugepages", dir) > 0)
            check_mount(d, page_kb_in_name(sizes.name[s]));
    }
    if (sum.free_kb == 0)
        doctor_fail(d, "scripts/hugepages ensure 1024 (or run with --no-huge: slower)",
                    "no hugepage is free");
}

// Root is not bound by it, and neither is the service file, which lifts it.
void doctor_memlock(struct doctor *d)
{
    char status[4096], limits[4096];
    doctor_read(d, status, sizeof(status), "/proc/self/status");
    const char *uid = strstr(status, "\nUid:");
    if (uid != NULL && strtoul(uid + strlen("\nUid:"), NULL, 10) == 0) {
        doctor_ok(d, "root may lock any amount of memory");
        return;
    }
    doctor_read(d, limits, sizeof(limits), "/proc/self/limits");
    const char *at = strstr(limits, "Max locked memory");
    if (at == NULL) {
        doctor_ok(d, "not known here");
        return;
    }
    at += strlen("Max locked memory");
    at += strspn(at, " ");
    uint64_t kb = strtoull(at, NULL, 10) / 1024;
    if (strncmp(at, "unlimited", strlen("unlimited")) == 0)
        doctor_ok(d, "unlimited");
    else if (kb < NEEDED_LOCK_KB)
        doctor_warn(d, "ulimit -l unlimited (as a service: LimitMEMLOCK=infinity)",
                    "only %" PRIu64 " KB may be locked: VFIO maps no more than that for a NIC", kb);
    else
        doctor_ok(d, "%" PRIu64 " KB may be locked", kb);
}

// A primary process keeps a write lock on its configuration as long as it lives.
static bool prefix_lives(const struct doctor *d, const char *prefix)
{
    char path[PATH_MAX];
    doctor_path(d, path, sizeof(path), "/var/run/dpdk/%s/config", prefix);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    bool lives = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    close(fd);
    return lives;
}

// Without a run directory (--no-shconf) the lock on the page's file tells.
static bool file_in_use(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool in_use = flock(fd, LOCK_EX | LOCK_NB) != 0;
    close(fd);
    return in_use;
}

static void check_map_files(struct doctor *d, const struct huge_mount *mount)
{
    struct name_list files;
    char path[PATH_MAX], mend[PATH_MAX + 64], prefix[DOCTOR_NAME_BYTES];

    doctor_list(d, &files, "", "%s", mount->path);
    for (unsigned i = 0; i < files.cnt;) {
        char *map = strstr(files.name[i], "map_");
        if (map == NULL || map[4 + strspn(map + 4, "0123456789")] != '\0') {
            i++;
            continue;
        }
        snprintf(prefix, sizeof(prefix), "%.*s", (int)(map - files.name[i]), files.name[i]);
        size_t same = (size_t)(map - files.name[i]) + strlen("map_");
        unsigned cnt = 0;
        bool lives = prefix_lives(d, prefix);
        unsigned first = i;
        for (; i < files.cnt && strncmp(files.name[i], files.name[first], same) == 0; i++, cnt++) {
            doctor_path(d, path, sizeof(path), "%s/%s", mount->path, files.name[i]);
            lives = lives || file_in_use(path);
        }
        if (lives)
            continue;
        snprintf(mend, sizeof(mend), "rm -f %.255s/%smap_*", mount->path, prefix);
        doctor_warn(d, mend, "'%s' has ended and still holds %u hugepages (%" PRIu64 " MB)", prefix,
                    cnt, cnt * mount->page_kb / 1024);
    }
}

// Small, but they add up: one line for all of them.
static unsigned check_run_dirs(struct doctor *d)
{
    struct name_list dirs;
    char mend[1024] = "cd /var/run/dpdk && rm -rf";
    unsigned lives_cnt = 0, ended_cnt = 0;

    doctor_list(d, &dirs, "", "/var/run/dpdk");
    for (unsigned i = 0; i < dirs.cnt; i++) {
        size_t len = strlen(mend);
        if (prefix_lives(d, dirs.name[i])) {
            lives_cnt++;
            continue;
        }
        ended_cnt++;
        if (len + strlen(dirs.name[i]) + 2 < sizeof(mend))
            snprintf(mend + len, sizeof(mend) - len, " %s", dirs.name[i]);
    }
    if (ended_cnt > 0)
        doctor_warn(d, mend, "%u processes have ended and left their folders in /var/run/dpdk",
                    ended_cnt);
    return lives_cnt;
}

void doctor_leftovers(struct doctor *d)
{
    struct huge_mount mounts[MOUNTS_MAX];
    unsigned cnt = find_mounts(d, mounts), warned_cnt = d->warn_cnt;

    for (unsigned i = 0; i < cnt; i++)
        check_map_files(d, &mounts[i]);
    unsigned lives_cnt = check_run_dirs(d);
    if (d->warn_cnt == warned_cnt)
        doctor_ok(d, "none; %u DPDK processes run", lives_cnt);
}
