/*
 * The kernel's side of a port: the interface behind net_af_packet, net_tap and net_af_xdp, and
 * the packet sockets that the driver opened; and of NICs that are not with DPDK.
 */
#ifndef DPDK_APP_PORT_KERNEL_H
#define DPDK_APP_PORT_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct iface_view {
    bool up, promiscuous;
    uint32_t mtu;
    int index;
};

/* iface_look: 0, or -ENODEV when there is no such interface (in this network namespace). */
int iface_look(const char *name, struct iface_view *v);

/* tap_queues_held: how many queues of a tap are held by processes; 0: nobody has it, or it is none
 * (of several queues). */
uint32_t tap_queues_held(const char *name);
/* iface_set_mtu: 0 or -errno. ethdev's own call stops at 1500 for virtual devices. */
int iface_set_mtu(const char *name, uint32_t mtu);
/* iface_tx_dropped: frames that the kernel dropped instead of handing them to the interface. */
uint64_t iface_tx_dropped(const char *name);

/* pci_check, before EAL starts: 0 when DPDK may take the NIC at a PCI address, else -errno and a
 * sentence with the remedy. root is "", or where a test has its /sys.
 * pci_hold: a descriptor that keeps others who ask from the NIC until it is closed, or -EBUSY
 * (vfio keeps everybody away, uio nobody). pci_busy writes the sentence; returns -EBUSY.
 * pci_explain, when EAL made no port of it: why; returns -errno. */
int pci_check(const char *root, const char *address, char *why, size_t bytes);
int pci_hold(const char *root, const char *address);
int pci_busy(const char *address, char *why, size_t bytes);
int pci_explain(const char *address, char *why, size_t bytes);

#define FDS_MAX 256

/* The open packet sockets (AF_PACKET, AF_XDP) of this process, rising. Compared before a device is
 * opened and after, they tell the sockets of its queues, in the order of the queues. */
struct fds {
    uint32_t cnt;
    int fd[FDS_MAX];
};

void packet_fds(struct fds *v);
/* packet_fds_new writes the fds of `after` that are not in `before`; returns how many. */
uint32_t packet_fds_new(const struct fds *before, const struct fds *after, int *fd, uint32_t max);
/* packet_fd_stats: what an AF_PACKET socket has seen (dropped included) and dropped since it was
 * asked last. */
struct packet_fd_stats {
    uint64_t seen, dropped;
};

struct packet_fd_stats packet_fd_stats(int fd);

#endif
