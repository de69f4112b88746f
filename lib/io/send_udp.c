#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "io/send_udp.h"

#define FULL_WAIT_NS      100000
#define UNREACHED_WAIT_NS 100000000

/* Splits "host:port" or "[host]:port" into parts of at most 256 bytes. */
static bool split_to(const char *to, char host[256], char port[256])
{
    const char *colon = strrchr(to, ':');
    size_t len = colon ? (size_t)(colon - to) : 0;

    if (!colon || len == 0 || len > 255 || colon[1] == '\0' || strlen(colon + 1) > 255)
        return false;
    if (to[0] == '[' && to[len - 1] == ']') {
        to++;
        len -= 2;
    }
    memcpy(host, to, len);
    host[len] = '\0';
    memcpy(port, colon + 1, strlen(colon + 1) + 1);
    return true;
}

/* The largest datagram that goes there in one piece, or 0 when that is not known. */
static uint32_t whole_bytes_max(int fd, int family)
{
    int mtu = 0;
    socklen_t len = sizeof mtu;
    int rc = family == AF_INET6 ? getsockopt(fd, IPPROTO_IPV6, IPV6_MTU, &mtu, &len)
                                : getsockopt(fd, IPPROTO_IP, IP_MTU, &mtu, &len);
    int headers = (family == AF_INET6 ? 40 : 20) + 8;

    return rc == 0 && mtu > headers ? (uint32_t)(mtu - headers) : 0;
}

static int open_one(struct send_udp *u, const struct addrinfo *a, uint32_t *whole)
{
    u->fd = socket(a->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (u->fd < 0)
        return -errno;
    if (connect(u->fd, a->ai_addr, a->ai_addrlen)) {
        int rc = -errno;
        close(u->fd);
        u->fd = -1;
        return rc;
    }
    *whole = whole_bytes_max(u->fd, a->ai_family);
    return 0;
}

int send_udp_open(struct send_udp *u, const char *to, uint32_t size, struct strbuf *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *list = NULL;
    char host[256], port[256];
    uint32_t whole = 0;
    int rc = -EHOSTUNREACH;

    *u = (struct send_udp){.fd = -1};
    if (!split_to(to, host, port)) {
        strbuf_printf(err, "'%s' is no HOST:PORT", to);
        return -EINVAL;
    }
    int found = getaddrinfo(host, port, &hints, &list);
    if (found) {
        strbuf_printf(err, "cannot find '%s': %s", to, gai_strerror(found));
        return -EHOSTUNREACH;
    }
    for (struct addrinfo *a = list; a && rc; a = a->ai_next)
        rc = open_one(u, a, &whole);
    freeaddrinfo(list);
    if (rc) {
        strbuf_printf(err, "cannot send to '%s': %s", to, strerror(-rc));
        return rc;
    }
    if (whole && size > whole) {
        strbuf_printf(
            err,
            "datagrams of %u bytes would be cut into fragments on the way to '%s', and no "
            "source reads those: use --size %u or less",
            size, to, whole);
        send_udp_close(u);
        return -EMSGSIZE;
    }
    return 0;
}

void send_udp_close(struct send_udp *u)
{
    if (u->fd >= 0)
        close(u->fd);
    u->fd = -1;
}

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Waits out an error that passes. Returns 0 to try again, or it. */
static int wait_out(struct send_udp *u, int err, uint64_t since_ns)
{
    switch (err) {
    case -EINTR: return 0;
    case -ECONNREFUSED: u->refused_cnt++; return 0;
    case -ENOBUFS:
    case -EAGAIN:
        u->full_cnt++;
        nanosleep(&(struct timespec){.tv_nsec = FULL_WAIT_NS}, NULL);
        return 0;
    case -EHOSTUNREACH:
    case -ENETUNREACH:
    case -ENETDOWN:
    case -EPERM: /* a packet filter */
        u->unreached_cnt++;
        if (now_ns() - since_ns > SEND_PATIENCE_NS)
            return err;
        nanosleep(&(struct timespec){.tv_nsec = UNREACHED_WAIT_NS}, NULL);
        return 0;
    default: return err;
    }
}

int send_udp_send(struct send_udp *u, const struct datagram *d, uint32_t n,
                  const volatile sig_atomic_t *stop, struct strbuf *err)
{
    struct iovec iov[SEND_BATCH_MAX];
    struct mmsghdr msg[SEND_BATCH_MAX];
    uint64_t since_ns = 0;
    uint32_t sent = 0;

    MR_ASSERT(n <= SEND_BATCH_MAX);
    memset(msg, 0, n * sizeof *msg);
    for (uint32_t i = 0; i < n; i++) {
        iov[i] = (struct iovec){.iov_base = (void *)(uintptr_t)d[i].bytes, .iov_len = d[i].len};
        msg[i].msg_hdr.msg_iov = &iov[i];
        msg[i].msg_hdr.msg_iovlen = 1;
    }
    while (sent < n && !*stop) {
        int rc = sendmmsg(u->fd, msg + sent, n - sent, 0);
        if (rc > 0) {
            sent += (uint32_t)rc;
            since_ns = 0;
            continue;
        }
        rc = rc < 0 ? -errno : -EAGAIN;
        since_ns = since_ns ? since_ns : now_ns();
        rc = wait_out(u, rc, since_ns);
        if (rc) {
            strbuf_printf(err, "cannot send: %s", strerror(-rc));
            return rc;
        }
    }
    return (int)sent;
}
