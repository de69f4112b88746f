#include "dpdk-app/port_kernel.h"

#include <dirent.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int iface_look(const char *name, struct iface_view *v)
{
    struct ifreq ifr = {0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int rc = -ENODEV;

    *v = (struct iface_view){0};
    if (fd < 0)
        return -errno;
    int n = snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", name);
    if (n <= 0 || (size_t)n >= sizeof ifr.ifr_name || ioctl(fd, SIOCGIFINDEX, &ifr) < 0)
        goto out;
    v->index = ifr.ifr_ifindex;
    if (ioctl(fd, SIOCGIFFLAGS, &ifr) < 0)
        goto out;
    v->up = ifr.ifr_flags & IFF_UP;
    v->promiscuous = ifr.ifr_flags & IFF_PROMISC;
    if (ioctl(fd, SIOCGIFMTU, &ifr) < 0)
        goto out;
    v->mtu = (uint32_t)ifr.ifr_mtu;
    rc = 0;
out:
    close(fd);
    return rc;
}

int iface_set_mtu(const char *name, uint32_t mtu)
{
    struct ifreq ifr = {.ifr_mtu = (int)mtu};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    int n = snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", name);
    int rc = n <= 0 || (size_t)n >= sizeof ifr.ifr_name ? -ENODEV
             : ioctl(fd, SIOCSIFMTU, &ifr) < 0          ? -errno
                                                        : 0;
    close(fd);
    return rc;
}

// /proc/net/dev is that of our own network namespace, unlike /sys.
uint64_t iface_tx_dropped(const char *name)
{
    unsigned long long dropped = 0;
    char line[512];
    size_t name_len = strlen(name);
    FILE *f = fopen("/proc/thread-self/net/dev", "re");

    while (f && fgets(line, sizeof line, f)) {
        const char *p = line + strspn(line, " ");

        // Receive: bytes packets errs drop fifo frame compressed multicast; transmit the same way.
        if (strncmp(p, name, name_len) == 0 && p[name_len] == ':' &&
            sscanf(p + name_len + 1, "%*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %llu",
                   &dropped) == 1)
            break;
    }
    if (f)
        fclose(f);
    return dropped;
}

static bool is_packet_socket(int fd)
{
    int domain = 0;
    socklen_t len = sizeof domain;

    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
           (domain == AF_PACKET || domain == AF_XDP);
}

static int fd_cmp(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

void packet_fds(struct fds *v)
{
    DIR *d = opendir("/proc/self/fd");

    v->cnt = 0;
    for (struct dirent *de; d && (de = readdir(d)) && v->cnt < FDS_MAX;) {
        char *end;
        long fd = strtol(de->d_name, &end, 10);

        if (end != de->d_name && *end == '\0' && is_packet_socket((int)fd))
            v->fd[v->cnt++] = (int)fd;
    }
    if (d)
        closedir(d);
    qsort(v->fd, v->cnt, sizeof v->fd[0], fd_cmp);
}

uint32_t packet_fds_new(const struct fds *before, const struct fds *after, int *fd, uint32_t max)
{
    uint32_t cnt = 0;

    for (uint32_t i = 0, j = 0; i < after->cnt && cnt < max; i++) {
        while (j < before->cnt && before->fd[j] < after->fd[i])
            j++;
        if (j == before->cnt || before->fd[j] != after->fd[i])
            fd[cnt++] = after->fd[i];
    }
    return cnt;
}

struct packet_fd_stats packet_fd_stats(int fd)
{
    struct tpacket_stats st = {0};
    socklen_t len = sizeof st;

    if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &st, &len) < 0)
        return (struct packet_fd_stats){0};
    return (struct packet_fd_stats){.seen = st.tp_packets, .dropped = st.tp_drops};
}
