// Who holds a tap: the kernel tells it by netlink. A process that opens one with several queues
// (net_tap always does) joins those that have it already, without a word, and gets some of the
// flows.
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dpdk-app/port_kernel.h"

// The room of an answer about one interface, and more than it takes.
#define ANSWER_BYTES 16384

static const struct rtattr *attr_find(const void *attrs, int bytes, unsigned type)
{
    for (const struct rtattr *a = attrs; RTA_OK(a, bytes); a = RTA_NEXT(a, bytes))
        if ((a->rta_type & NLA_TYPE_MASK) == type)
            return a;
    return NULL;
}

static const struct rtattr *attr_inside(const struct rtattr *nest, unsigned type)
{
    return nest ? attr_find(RTA_DATA(nest), (int)RTA_PAYLOAD(nest), type) : NULL;
}

static uint32_t attr_u32(const struct rtattr *a)
{
    uint32_t v = 0;

    if (a && RTA_PAYLOAD(a) >= sizeof v)
        memcpy(&v, RTA_DATA(a), sizeof v);
    return v;
}

// Asks for the interface; returns the bytes of the answer, or -1.
static ssize_t ask(const char *name, void *answer, size_t bytes)
{
    struct {
        struct nlmsghdr head;
        struct ifinfomsg link;
        struct rtattr attr;
        char name[IFNAMSIZ];
    } question = {
        .head = {.nlmsg_len = sizeof question,
                 .nlmsg_type = RTM_GETLINK,
                 .nlmsg_flags = NLM_F_REQUEST},
        .attr = {.rta_len = RTA_LENGTH(IFNAMSIZ), .rta_type = IFLA_IFNAME},
    };
    ssize_t n = -1;

    if (snprintf(question.name, IFNAMSIZ, "%s", name) >= IFNAMSIZ)
        return -1;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return -1;
    if (send(fd, &question, sizeof question, 0) == (ssize_t)sizeof question)
        n = recv(fd, answer, bytes, 0);
    close(fd);
    return n;
}

uint32_t tap_queues_held(const char *name)
{
    _Alignas(struct nlmsghdr) char answer[ANSWER_BYTES];
    ssize_t n = ask(name, answer, sizeof answer);
    const struct nlmsghdr *h = (const struct nlmsghdr *)answer;

    if (n < (ssize_t)NLMSG_SPACE(sizeof(struct ifinfomsg)) || !NLMSG_OK(h, (size_t)n) ||
        h->nlmsg_type != RTM_NEWLINK)
        return 0;
    const struct ifinfomsg *link = NLMSG_DATA(h);
    const struct rtattr *info = attr_find(IFLA_RTA(link), (int)IFLA_PAYLOAD(h), IFLA_LINKINFO);
    const struct rtattr *kind = attr_inside(info, IFLA_INFO_KIND);
    if (!kind || strncmp(RTA_DATA(kind), "tun", RTA_PAYLOAD(kind)) != 0)
        return 0;
    // net_tap itself holds one queue that is switched off, from its opening on.
    const struct rtattr *data = attr_inside(info, IFLA_INFO_DATA);
    return attr_u32(attr_inside(data, IFLA_TUN_NUM_QUEUES)) +
           attr_u32(attr_inside(data, IFLA_TUN_NUM_DISABLED_QUEUES));
}
